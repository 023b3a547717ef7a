// Device selectors: expressions about one device.
//
//   device.driver == "gpu.example.com"
//   device.attributes["gpu.example.com"].model in ["h100", "t4"]
//   device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0
//
// Attributes and capacities without a domain have the driver's; a domain that the device does not
// have reads as an empty map. Versions and quantities are objects with isLessThan, isGreaterThan
// and compareTo. The language: base/expression, docs/expressions.md.
// Source: dynamic-resource-allocation/cel.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "api/fwd.h"
#include "api/schema/resource_v1_device.pb.h"
#include "base/expression/program.h"
#include "base/strings.h"

namespace berth::plugins::dynamic_resources {

// Threads: immutable.
class Selector {
 public:
  explicit Selector(std::string_view expression);

  // Why it does not parse; empty when it does.
  const std::string& problem() const { return problem_; }

  struct Match {
    bool matches = false;
    std::string problem;  // why there is no answer; empty when there is
  };
  Match Matches(std::string_view driver, const api::dra::Device& device) const;

 private:
  std::string problem_;
  std::shared_ptr<const expression::Program> program_;
};

// Parsed selectors by their text. Threads: any.
class SelectorCache {
 public:
  std::shared_ptr<const Selector> Get(const std::string& expression);

 private:
  static constexpr size_t kMaxEntries = 1024;  // more: forgotten, and parsed again
  absl::Mutex mutex_;
  StringMap<std::shared_ptr<const Selector>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::plugins::dynamic_resources
