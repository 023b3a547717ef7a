// The devices that one node may use, gathered once and kept while slices and node stay.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include "api/fwd.h"
#include "plugins/dynamic_resources/pools.h"
#include "plugins/dynamic_resources/requests.h"
#include "plugins/dynamic_resources/selectors.h"

namespace berth::plugins::dynamic_resources {

// How many devices of a class a node has, and how many of them are in use.
struct DeviceTotals {
  int64_t devices = 0, in_use = 0;
};

// Threads: any, while the devices in use stay as they are.
class NodeView {
 public:
  // number: no other view of the same inventory has it; 0: what is found out is not kept.
  explicit NodeView(Gathered gathered, int64_t number = 0)
      : gathered_(std::move(gathered)), number_(number) {}

  int64_t number() const { return number_; }
  const std::vector<Pool>& pools() const { return gathered_.pools; }
  // Changes with the use of any device of the pools.
  int64_t UseVersion() const;

  // What a selector said of a device, by its index; nullopt: it was not asked yet.
  std::optional<bool> Answer(const std::shared_ptr<const Selector>& selector,
                             size_t device) const;
  void Remember(const std::shared_ptr<const Selector>& selector, size_t device,
                bool matches) const;

  // Over all devices that slices list for the node, whatever their pools are like. None when a
  // selector of the class has no answer.
  DeviceTotals TotalsOf(const ClassPtr& device_class, SelectorCache& selectors) const;

 private:
  static constexpr size_t kMaxKept = 64;  // selectors, and classes: more start over
  using Answers = std::vector<int8_t>;    // by device; -1: not known
  struct OfClass {
    ClassPtr device_class;                // kept, so that its address stays its own
    std::vector<const ListedDevice*> devices;
    int64_t counted_at = -1;              // versions of the pools
    DeviceTotals totals;
  };
  void FindDevices(OfClass& out, SelectorCache& selectors) const;

  const Gathered gathered_;
  const int64_t number_;
  mutable absl::Mutex mutex_;
  mutable absl::flat_hash_map<std::shared_ptr<const Selector>, Answers> answers_
      ABSL_GUARDED_BY(mutex_);
  mutable absl::flat_hash_map<const api::dra::DeviceClass*, OfClass> classes_
      ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::plugins::dynamic_resources
