// A cluster as a file: manifests as `kubectl get -o yaml` prints them, or a recorded case.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/json_value.h"

namespace berth::api {
struct Resource;
}

namespace berth::scheduler {

struct ClusterObject {
  const api::Resource* resource = nullptr;
  std::shared_ptr<google::protobuf::Message> object;
};

struct ClusterFile {
  std::vector<ClusterObject> objects;
  std::vector<std::string> skipped;  // "apps/v1 Deployment": kinds no decision looks at, each once
  // Of a recorded case: the pod in question, the scheduler's configuration, and what happens.
  std::optional<api::JsonValue> pod, config;
  std::optional<api::JsonValue::Array> steps;
};

// A member that is text; empty when there is none, or it is something else.
std::string MemberText(const api::JsonValue& json, std::string_view name);

// YAML or JSON, one document or several; lists are taken apart. InvalidArgument: no YAML, an object
// without a kind, a field of the wrong type; the object is named.
absl::StatusOr<ClusterFile> ParseClusterFile(std::string_view text);
// resource null: a kind that nobody knows.
absl::StatusOr<ClusterObject> DecodeObject(const api::JsonValue& json);

}  // namespace berth::scheduler
