#include "client/codec.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>

#include "api/envelope.h"
#include "api/errors.h"
#include "api/json.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/schema/runtime.pb.h"
#include "base/status_macros.h"

namespace berth::client {
namespace {

using google::protobuf::Message;

constexpr size_t kFrameMax = 64 << 20;
constexpr size_t kErrorTextMax = 1024;

bool ReadVarint(std::string_view& in, uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

// Calls take(field, bytes) for every length-delimited field; false when the bytes are no message.
template <typename F>
bool WalkFields(std::string_view in, F take) {
  while (!in.empty()) {
    uint64_t tag = 0, value = 0;
    if (!ReadVarint(in, tag)) return false;
    switch (tag & 7) {
      case 0:
        if (!ReadVarint(in, value)) return false;
        break;
      case 1: value = 8; break;
      case 5: value = 4; break;
      case 2:
        if (!ReadVarint(in, value) || value > in.size()) return false;
        take(tag >> 3, in.substr(0, value));
        break;
      default: return false;
    }
    if ((tag & 7) == 0) continue;
    if (value > in.size()) return false;
    in.remove_prefix(value);
  }
  return true;
}

bool IsJsonType(std::string_view content_type) {
  return content_type.substr(0, content_type.find(';')) == api::kJsonType;
}

}  // namespace

std::string_view ContentTypeOf(Media media) {
  return media == Media::kProtobuf ? api::kProtobufType : api::kJsonType;
}

std::string EncodeObject(const Message& object, std::string_view api_version,
                         std::string_view kind, Media media) {
  std::string out;
  if (media == Media::kJson) {
    api::PrintJson(object, out, {.api_version = api_version, .kind = kind});
    return out;
  }
  api::AppendEnvelope(object, api_version, kind, api::MapOrder::kAny, out);
  return out;
}

absl::StatusOr<Decoded> DecodeObject(std::string_view content_type, std::string_view body,
                                     Message& out) {
  Decoded decoded;
  if (api::HasEnvelopeMagic(body)) {
    BERTH_ASSIGN_OR_RETURN(const api::Envelope envelope, api::DecodeEnvelope(body, out));
    decoded.api_version = envelope.api_version;
    decoded.kind = envelope.kind;
    return decoded;
  }
  if (!content_type.empty() && !IsJsonType(content_type)) {
    return absl::InvalidArgumentError(
        fmt::format("cannot decode a body of type \"{}\"", content_type));
  }
  api::DecodeReport report;
  BERTH_RETURN_IF_ERROR(api::ParseJson(body, out, {.collect_problems = false}, &report));
  decoded.api_version = std::move(report.api_version);
  decoded.kind = std::move(report.kind);
  return decoded;
}

absl::Status ErrorOf(const api::HttpResponse& response) {
  api::meta::Status message;
  auto decoded = DecodeObject(response.content_type, response.text(), message);
  if (decoded.ok() && decoded->kind == "Status" && message.code() >= 400) {
    return api::FromStatusMessage(message);
  }
  message.Clear();
  message.set_status("Failure");
  message.set_code(response.code);
  switch (response.code) {
    case 400: message.set_reason("BadRequest"); break;
    case 401: message.set_reason("Unauthorized"); break;
    case 403: message.set_reason("Forbidden"); break;
    case 404: message.set_reason("NotFound"); break;
    case 409: message.set_reason("Conflict"); break;
    case 410: message.set_reason("Gone"); break;
    case 429: message.set_reason("TooManyRequests"); break;
    case 503: message.set_reason("ServiceUnavailable"); break;
    case 504: message.set_reason("Timeout"); break;
    default: message.set_reason(response.code >= 500 ? "InternalError" : "Unknown"); break;
  }
  const std::string_view text = response.text().substr(0, kErrorTextMax);
  message.set_message(
      text.empty() ? fmt::format("the server answered {} without saying more", response.code)
                   : std::string(text));
  return api::FromStatusMessage(message);
}

// --- watches -----------------------------------------------------------------------------------

absl::Status WatchDecoder::Feed(std::string_view bytes, std::vector<WatchFrame>& frames) {
  std::string joined;
  if (!pending_.empty()) {
    joined = std::move(pending_);
    pending_.clear();
    joined.append(bytes);
    bytes = joined;
  }
  absl::Status status;
  while (!bytes.empty()) {
    std::optional<std::string_view> frame =
        media_ == Media::kProtobuf ? NextFrame(bytes, status) : NextJson(bytes);
    if (!status.ok()) return status;
    if (!frame) break;
    if (frame->empty()) continue;
    if (status = Take(*frame, frames); !status.ok()) return status;
  }
  if (bytes.size() > kFrameMax) return absl::InvalidArgumentError("a watch frame is too long");
  pending_.assign(bytes);
  return absl::OkStatus();
}

std::optional<std::string_view> WatchDecoder::NextFrame(std::string_view& bytes,
                                                        absl::Status& status) {
  if (bytes.size() < 4) return std::nullopt;
  size_t size = 0;
  for (int i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(bytes[i]);
  if (size > kFrameMax) {
    status = absl::InvalidArgumentError("a watch frame is too long");
    return std::nullopt;
  }
  if (bytes.size() < 4 + size) return std::nullopt;
  const std::string_view frame = bytes.substr(4, size);
  bytes.remove_prefix(4 + size);
  return frame;
}

// The next whole JSON object, found by counting braces outside strings.
std::optional<std::string_view> WatchDecoder::NextJson(std::string_view& bytes) {
  for (; scanned_ < bytes.size(); ++scanned_) {
    const char c = bytes[scanned_];
    if (in_string_) {
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"') {
        in_string_ = false;
      }
      continue;
    }
    if (c == '"') in_string_ = true;
    if (c == '{' || c == '[') ++depth_;
    if (c == '}' || c == ']') --depth_;
    const bool blank = depth_ == 0 && (c == '\n' || c == ' ' || c == '\r' || c == '\t');
    if (depth_ > 0 || in_string_) continue;
    const std::string_view frame = blank ? std::string_view() : bytes.substr(0, scanned_ + 1);
    bytes.remove_prefix(scanned_ + 1);
    scanned_ = 0;
    return frame;
  }
  return std::nullopt;
}

absl::Status WatchDecoder::Take(std::string_view frame, std::vector<WatchFrame>& frames) {
  if (media_ == Media::kProtobuf) {
    std::string_view type, extension, object;
    const bool ok = WalkFields(frame, [&](uint64_t field, std::string_view value) {
      if (field == 1) type = value;
      if (field == 2) extension = value;
    });
    const bool whole = ok && WalkFields(extension, [&](uint64_t field, std::string_view value) {
                         if (field == 1) object = value;
                       });
    if (!whole) return absl::InvalidArgumentError("a watch frame is broken");
    return TakeObject(type, object, frames);
  }
  api::meta::WatchEvent event;
  absl::Status status = api::ParseJson(frame, event, {.collect_problems = false}, nullptr);
  if (!status.ok()) return status;
  return TakeObject(event.type(), event.object().raw(), frames);
}

absl::Status WatchDecoder::TakeObject(std::string_view type, std::string_view object,
                                      std::vector<WatchFrame>& frames) {
  const std::string_view content_type = ContentTypeOf(media_);
  if (type == "ERROR") {
    api::HttpResponse response;
    response.code = 500;
    response.content_type = content_type;
    response.body = MakeBytes(std::string(object));
    return ErrorOf(response);
  }
  WatchFrame frame;
  if (type == "ADDED") {
    frame.type = WatchFrame::Type::kAdded;
  } else if (type == "MODIFIED") {
    frame.type = WatchFrame::Type::kModified;
  } else if (type == "DELETED") {
    frame.type = WatchFrame::Type::kDeleted;
  } else if (type == "BOOKMARK") {
    frame.type = WatchFrame::Type::kBookmark;
  } else {
    return absl::InvalidArgumentError(fmt::format("unknown watch event type \"{}\"", type));
  }
  std::shared_ptr<Message> message(prototype_.New());
  auto decoded = DecodeObject(content_type, object, *message);
  if (!decoded.ok()) return decoded.status();
  frame.object = std::move(message);
  frames.push_back(std::move(frame));
  return absl::OkStatus();
}

}  // namespace berth::client
