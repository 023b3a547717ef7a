// Objects to bytes and back, as requests carry them and as the store keeps them.
//
// The store keeps the protobuf envelope, with no resourceVersion: the revision is the version.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include "api/fwd.h"
#include "api/resource_table.h"
#include "base/bytes.h"
#include "cluster/apiserver/negotiation.h"
#include "cluster/apiserver/request_options.h"

namespace berth::apiserver {

class StoredObject;
struct ListMetadata;

// The `metadata` of any object kind.
const api::meta::ObjectMeta& MetadataOf(const google::protobuf::Message& object);
api::meta::ObjectMeta& MutableMetadata(google::protobuf::Message& object);

// The message's own bytes, the same for equal messages (maps in key order).
std::string StableBytes(const google::protobuf::Message& message);

// etcd's limit for one request: what is longer when encoded is not stored.
inline constexpr size_t kStoredBytesMax = 1536 << 10;
// A body or a stored object beyond this is heavy: to decode, validate or encode it takes the better
// part of a millisecond, so that is done on the encoder.
inline constexpr int64_t kLightBytesMax = 64 << 10;

// Error: more than kStoredBytesMax, in the words clients know from etcd.
absl::StatusOr<Bytes> EncodeStored(const api::Resource& resource,
                                   const google::protobuf::Message& object);
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> DecodeStored(
    const api::Resource& resource, const std::string& value);

struct TypeName {
  std::string api_version;
  std::string kind;
};
// `resource` is a row of the resource table.
const TypeName& TypeNameOf(const api::Resource& resource);

// `message` with its kind and apiVersion; JSON for YAML too, see Restyle.
std::string Encode(const google::protobuf::Message& message, const TypeName& type, Media media);
// The object's own bytes in the protobuf envelope. Empty when it is none.
std::string_view EnvelopeContent(std::string_view envelope);
// A typed list in the protobuf envelope, from the cached encodings of its items.
std::string EncodeProtobufList(const api::Resource& resource,
                               const std::vector<std::shared_ptr<const StoredObject>>& objects,
                               const ListMetadata& metadata);

// JSON text as YAML, or indented.
std::string Restyle(const std::string& json, Media media, bool pretty);

// A request's body as a `type`. A missing kind or apiVersion is taken as meant; another one is a
// BadRequest in upstream's words. Unknown and duplicate fields: refused when strict, appended to
// `warnings` when warned about.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> DecodeBody(
    const std::string& body, Media media, const google::protobuf::Message& prototype,
    const TypeName& type, FieldValidation validation, std::vector<std::string>& warnings);

// The JSON a patch made, as a `type`. What it cannot be is Invalid, blamed on the patch.
absl::StatusOr<std::unique_ptr<google::protobuf::Message>> DecodePatched(
    const std::string& json, const google::protobuf::Message& prototype, const TypeName& type,
    FieldValidation validation, std::vector<std::string>& warnings);

}  // namespace berth::apiserver
