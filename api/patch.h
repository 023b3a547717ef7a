// The three kinds of patch, applied to the JSON of an object.
//
//   BERTH_ASSIGN_OR_RETURN(std::string patched, ApplyPatch(kStrategicMergePatchType,
//                          *core::Pod::descriptor(), object_json, patch));
//
// The result is decoded, defaulted and validated by the caller as if it had been sent whole.
// Errors are the API's, as upstream answers them: 400 for a patch that is malformed, 422 for one
// that does not apply, 413 for one that is too big, 500 for a list element without its merge key.
// Threads: pure functions. Source: apiserver/pkg/endpoints/handlers/patch.go,
// apimachinery/pkg/util/strategicpatch, evanphx/json-patch v4.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "api/json_value.h"

namespace google::protobuf {
class Descriptor;
}

namespace berth::api {

inline constexpr size_t kJsonPatchOperationsMax = 10000;
// What all "copy" operations of one patch may add to the document, in bytes of text.
inline constexpr int64_t kJsonPatchCopiedBytesMax = 3 << 20;

// content_type: kJsonPatchType, kMergePatchType or kStrategicMergePatchType (api/wire.h); others
// are 415. type: the object's message type, whose patch facts a strategic patch follows.
absl::StatusOr<std::string> ApplyPatch(std::string_view content_type,
                                       const google::protobuf::Descriptor& type,
                                       std::string_view object_json, std::string_view patch);

// RFC 6902. operations: the decoded patch. Negative array indices count from the end.
absl::Status ApplyJsonPatch(const JsonValue& operations, JsonValue& document);

// RFC 7386.
void ApplyMergePatch(const JsonValue& patch, JsonValue& document);
// The merge patch that turns `from` into `to`; null members of `to` cannot be expressed.
JsonValue MakeMergePatch(const JsonValue& from, const JsonValue& to);

// Kubernetes' own: lists marked patchStrategy=merge are merged by their patchMergeKey, and the
// directives $patch (replace, delete, merge), $retainKeys, $setElementOrder/FIELD and
// $deleteFromPrimitiveList/FIELD are obeyed.
absl::Status ApplyStrategicPatch(const google::protobuf::Descriptor& type, JsonValue patch,
                                 JsonValue& document);

}  // namespace berth::api
