// application/vnd.kubernetes.protobuf: the four bytes "k8s\0", then runtime.Unknown with the type
// and the object's own bytes. Upstream's field order and empty fields, so the bytes are the same.
// Threads: pure functions. Source: apimachinery pkg/runtime/serializer/protobuf.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"

namespace berth::api {

inline constexpr std::string_view kEnvelopeMagic{"k8s\0", 4};

inline bool HasEnvelopeMagic(std::string_view bytes) { return bytes.starts_with(kEnvelopeMagic); }

// Views into the bytes that were read.
struct Envelope {
  std::string_view api_version;
  std::string_view kind;
  std::string_view raw;
  std::string_view content_encoding;
  std::string_view content_type;
};

enum class MapOrder : uint8_t { kAny, kByKey };  // kByKey: equal objects give equal bytes

// Appends the enveloped object; it is serialized straight into `out`.
void AppendEnvelope(const google::protobuf::Message& object, std::string_view api_version,
                    std::string_view kind, MapOrder order, std::string& out);
// The same around bytes that are there already.
void AppendEnvelope(std::string_view raw, std::string_view api_version, std::string_view kind,
                    std::string& out);

// Appends the enveloped object with this metadata.resourceVersion, whatever it had: the bytes that
// setting it and AppendEnvelope in key order give, at the cost of a copy. False, with nothing
// appended, when the bytes are no object of ours in that form.
bool AppendWithResourceVersion(std::string_view envelope, std::string_view resource_version,
                               std::string& out);

// InvalidArgument: no magic, cut short, not a message.
absl::StatusOr<Envelope> ReadEnvelope(std::string_view bytes);

// Replaces `out` by the enveloped object and answers its type, whatever it is. InvalidArgument when
// the envelope or the object is malformed, or the content is encoded or JSON.
absl::StatusOr<Envelope> DecodeEnvelope(std::string_view bytes, google::protobuf::Message& out);

}  // namespace berth::api
