// A file that describes objects of a workload: YAML with actions of bench/scheduler_perf/
// text_template.h. Decoded strictly.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include "api/resource_table.h"
#include "bench/scheduler_perf/text_template.h"

namespace berth::bench {

using MutableObject = std::unique_ptr<google::protobuf::Message>;

// Where templates are looked for.
struct TemplatePaths {
  std::string folder;     // of the workload file
  std::string templates;  // second place: holds what comes after "templates/" in a path; may be ""
  // The file that is there, or the first place.
  std::string Find(const std::string& path) const;
};

class ObjectTemplate {
 public:
  // kind: what it must describe, or null: what its apiVersion and kind say. resource.k8s.io/v1beta2
  // is read as v1, which has the same fields. Errors: NotFound; InvalidArgument for bad YAML or a
  // bad template; Unimplemented for a kind nobody here knows, by name.
  static absl::StatusOr<ObjectTemplate> Read(const TemplatePaths& paths, const std::string& path,
                                             const api::Resource* kind);
  static absl::StatusOr<ObjectTemplate> FromText(std::string name, std::string_view text,
                                                 const api::Resource* kind);

  const api::Resource& resource() const { return *resource_; }
  // A new object, as the template has it: without defaults, and perhaps without a name.
  absl::StatusOr<MutableObject> Make(int64_t index, int64_t count) const;

 private:
  ObjectTemplate(std::string name, TextTemplate text)
      : name_(std::move(name)), text_(std::move(text)) {}
  absl::StatusOr<MutableObject> Parse(const std::string& yaml) const;

  std::string name_;
  TextTemplate text_;
  const api::Resource* resource_ = nullptr;
  MutableObject constant_;  // when every object is the same
};

}  // namespace berth::bench
