#include "api/patch.h"

#include <fmt/core.h>

#include "api/errors.h"
#include "api/wire.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::api {
namespace {

absl::Status UndecodablePatch(std::string_view why) {
  return BadRequest(fmt::format("error decoding patch: {}", why));
}

std::string_view GoKind(const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kArray: return "array";
    case JsonValue::Kind::kString: return "string";
    case JsonValue::Kind::kBool: return "bool";
    case JsonValue::Kind::kObject: return "object";
    case JsonValue::Kind::kNull: return "null";
    default: return "number";
  }
}

}  // namespace

absl::StatusOr<std::string> ApplyPatch(std::string_view content_type,
                                       const google::protobuf::Descriptor& type,
                                       std::string_view object_json, std::string_view patch) {
  const bool is_json_patch = content_type == kJsonPatchType;
  if (!is_json_patch && content_type != kMergePatchType &&
      content_type != kStrategicMergePatchType) {
    return UnsupportedMediaType(
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, "
        "application/strategic-merge-patch+json");
  }
  auto change = JsonValue::Parse(patch);
  if (!change.ok()) return UndecodablePatch(ToStd(change.status().message()));
  BERTH_ASSIGN_OR_RETURN(JsonValue document, JsonValue::Parse(object_json));
  if (is_json_patch) {
    BERTH_RETURN_IF_ERROR(ApplyJsonPatch(*change, document));
    return document.ToText();
  }
  if (!change->is_object()) {
    return UndecodablePatch(
        fmt::format("json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
                    GoKind(*change)));
  }
  if (content_type == kMergePatchType) {
    ApplyMergePatch(*change, document);
  } else {
    BERTH_RETURN_IF_ERROR(ApplyStrategicPatch(type, *std::move(change), document));
  }
  return document.ToText();
}

}  // namespace berth::api
