#include "scheduler-main/explain/cluster_file.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>
#include <google/protobuf/message.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::scheduler {
namespace {

std::string NameOf(const api::JsonValue& json) {
  const api::JsonValue* metadata = json.Find("metadata");
  if (metadata == nullptr) return "(no name)";
  const std::string space = MemberText(*metadata, "namespace");
  const std::string name = MemberText(*metadata, "name");
  return space.empty() ? name : space + "/" + name;
}

bool IsPodWithoutNode(const api::JsonValue& json) {
  const api::JsonValue* spec = json.is_object() ? json.Find("spec") : nullptr;
  return MemberText(json, "kind") == "Pod" &&
         (spec == nullptr || MemberText(*spec, "nodeName").empty());
}

// An item of a PodList is a Pod, though it does not say so.
api::JsonValue WithKindOf(const api::JsonValue& list, std::string_view list_kind,
                          const api::JsonValue& item) {
  if (list_kind == "List" || !item.is_object() || item.Find("kind") != nullptr) return item;
  api::JsonValue typed = item;
  typed.Set("kind", api::JsonValue(std::string(list_kind.substr(0, list_kind.size() - 4))));
  typed.Set("apiVersion", api::JsonValue(MemberText(list, "apiVersion")));
  return typed;
}

class Reader {
 public:
  absl::Status Take(const api::JsonValue& json) {
    if (!json.is_object()) {
      return absl::InvalidArgumentError("a document is no object");
    }
    const api::JsonValue* items = json.Find("items");
    const std::string kind = MemberText(json, "kind");
    if (items != nullptr && items->is_array() && kind.ends_with("List")) {
      for (const api::JsonValue& item : items->array()) {
        BERTH_RETURN_IF_ERROR(Take(WithKindOf(json, kind, item)));
      }
      return absl::OkStatus();
    }
    const api::JsonValue* objects = json.Find("objects");
    if (kind.empty() && objects != nullptr && objects->is_array()) return TakeCase(json);
    return TakeObject(json);
  }

  ClusterFile file;

 private:
  absl::Status TakeCase(const api::JsonValue& json) {
    for (const api::JsonValue& object : json.Find("objects")->array()) {
      // The recorded answers do not count pods that are only nominated: the recorder's informer did
      // not hold them (docs/parity.md).
      if (!IsPodWithoutNode(object)) BERTH_RETURN_IF_ERROR(TakeObject(object));
    }
    if (const api::JsonValue* pod = json.Find("pod")) file.pod = *pod;
    if (const api::JsonValue* config = json.Find("config")) file.config = *config;
    if (const api::JsonValue* steps = json.Find("steps")) {
      if (!steps->is_array()) return absl::InvalidArgumentError("steps: not a list");
      file.steps = steps->array();
    }
    return absl::OkStatus();
  }

  absl::Status TakeObject(const api::JsonValue& json) {
    BERTH_ASSIGN_OR_RETURN(ClusterObject object, DecodeObject(json));
    if (object.resource != nullptr) {
      file.objects.push_back(std::move(object));
      return absl::OkStatus();
    }
    const std::string kind = MemberText(json, "apiVersion") + " " + MemberText(json, "kind");
    if (std::find(file.skipped.begin(), file.skipped.end(), kind) == file.skipped.end()) {
      file.skipped.push_back(kind);
    }
    return absl::OkStatus();
  }
};

}  // namespace

std::string MemberText(const api::JsonValue& json, std::string_view name) {
  const api::JsonValue* member = json.is_object() ? json.Find(name) : nullptr;
  return member != nullptr && member->is_string() ? member->string() : std::string();
}

absl::StatusOr<ClusterObject> DecodeObject(const api::JsonValue& json) {
  const std::string kind = MemberText(json, "kind"), api_version = MemberText(json, "apiVersion");
  if (kind.empty() || api_version.empty()) {
    return absl::InvalidArgumentError("an object without apiVersion and kind");
  }
  ClusterObject out;
  const api::GroupVersion version = api::ParseGroupVersion(api_version);
  out.resource = api::FindKind(version.group, version.version, kind);
  if (out.resource == nullptr) return out;
  out.object = out.resource->New();
  const absl::Status parsed = api::ParseJson(json.ToText(), *out.object);
  if (parsed.ok()) return out;
  return absl::InvalidArgumentError(
      ToAbsl(fmt::format("{} {}: {}", kind, NameOf(json), ToStd(parsed.message()))));
}

absl::StatusOr<ClusterFile> ParseClusterFile(std::string_view text) {
  Reader reader;
  BERTH_ASSIGN_OR_RETURN(const std::vector<std::string> documents, api::YamlToJson(text));
  for (const std::string& document : documents) {
    BERTH_ASSIGN_OR_RETURN(const api::JsonValue json, api::JsonValue::Parse(document));
    BERTH_RETURN_IF_ERROR(reader.Take(json));
  }
  return std::move(reader.file);
}

}  // namespace berth::scheduler
