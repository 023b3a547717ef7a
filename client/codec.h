// Objects as they travel between client and server: protobuf in Kubernetes' envelope, or JSON.
//
// Envelope: the four bytes "k8s\0", then runtime.Unknown{type_meta, raw}. A watch in protobuf is a
// sequence of frames, each a 4-byte big-endian length and a meta.WatchEvent whose object is again
// in the envelope; in JSON it is a sequence of objects.
// Source: apimachinery/pkg/runtime/serializer/{protobuf,streaming}.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/wire.h"

namespace berth::client {

enum class Media : uint8_t { kProtobuf, kJson };
std::string_view ContentTypeOf(Media media);

using ObjectPtr = std::shared_ptr<const google::protobuf::Message>;

std::string EncodeObject(const google::protobuf::Message& object, std::string_view api_version,
                         std::string_view kind, Media media);

struct Decoded {
  std::string api_version;
  std::string kind;
};
// Replaces `out` by what the body says. content_type tells the form; the envelope is recognised by
// itself. InvalidArgument when the body is broken.
absl::StatusOr<Decoded> DecodeObject(std::string_view content_type, std::string_view body,
                                     google::protobuf::Message& out);

// What a response of 400 or more means: its meta.v1.Status, or one made from the code and the text.
absl::Status ErrorOf(const api::HttpResponse& response);

struct WatchFrame {
  enum class Type : uint8_t { kAdded, kModified, kDeleted, kBookmark };
  Type type = Type::kAdded;
  ObjectPtr object;
};

// Cuts a watch's body into frames, however its bytes arrive.
class WatchDecoder {
 public:
  // prototype: of the objects.
  WatchDecoder(Media media, const google::protobuf::Message& prototype)
      : media_(media), prototype_(prototype) {}

  // Appends the frames that are complete. Not OK: the watch is over: the server's ERROR event (an
  // API error), or InvalidArgument for what is no frame, a frame beyond 64 MiB, an unknown type.
  absl::Status Feed(std::string_view bytes, std::vector<WatchFrame>& frames);
  // Bytes of an incomplete frame are waiting.
  bool partial() const { return !pending_.empty(); }

 private:
  std::optional<std::string_view> NextFrame(std::string_view& bytes, absl::Status& status);
  std::optional<std::string_view> NextJson(std::string_view& bytes);
  absl::Status Take(std::string_view frame, std::vector<WatchFrame>& frames);
  absl::Status TakeObject(std::string_view type, std::string_view object,
                          std::vector<WatchFrame>& frames);

  const Media media_;
  const google::protobuf::Message& prototype_;
  std::string pending_;
  // JSON: how far pending_ has been scanned, and what the scan was in.
  size_t scanned_ = 0;
  int depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

}  // namespace berth::client
