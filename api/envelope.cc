#include "api/envelope.h"

#include <limits>

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/message.h>

#include "base/check.h"
#include "base/status_macros.h"

namespace berth::api {
namespace {

using google::protobuf::Message;
using google::protobuf::io::ArrayOutputStream;
using google::protobuf::io::CodedOutputStream;

constexpr char kTypeMetaTag = 0x0a;                        // Unknown.type_meta
constexpr char kRawTag = 0x12;                             // Unknown.raw
constexpr char kApiVersionTag = 0x0a;                      // TypeMeta.api_version
constexpr char kKindTag = 0x12;                            // TypeMeta.kind
constexpr char kMetadataTag = 0x0a;                        // metadata of every object
constexpr uint32_t kResourceVersion = 6;                   // ObjectMeta.resource_version
constexpr char kResourceVersionTag = 0x32;
constexpr std::string_view kEmptyTail{"\x1a\0\x22\0", 4};  // content_encoding, content_type
constexpr size_t kVarintMax = 10;

void AppendVarint(uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

size_t VarintSize(uint64_t value) {
  size_t size = 1;
  for (; value >= 0x80; value >>= 7) ++size;
  return size;
}

void AppendText(char tag, std::string_view text, std::string& out) {
  out += tag;
  AppendVarint(text.size(), out);
  out += text;
}

// Everything up to the object's bytes.
void AppendHead(std::string_view api_version, std::string_view kind, size_t raw_size,
                std::string& out) {
  const size_t type_size = 2 + VarintSize(api_version.size()) + api_version.size() +
                           VarintSize(kind.size()) + kind.size();
  out.reserve(out.size() + kEnvelopeMagic.size() + type_size + raw_size + 2 * kVarintMax + 2 +
              kEmptyTail.size());
  out += kEnvelopeMagic;
  out += kTypeMetaTag;
  AppendVarint(type_size, out);
  AppendText(kApiVersionTag, api_version, out);
  AppendText(kKindTag, kind, out);
  out += kRawTag;
  AppendVarint(raw_size, out);
}

// Walks the fields of one message without copying.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }
  size_t left() const { return rest_.size(); }

  // The next field: its number, and its text when it is length-delimited (null data otherwise).
  bool Next(uint32_t& number, std::string_view& text) {
    uint64_t tag = 0;
    text = {};
    if (!Varint(tag) || tag >> 3 == 0 || tag > std::numeric_limits<uint32_t>::max()) return false;
    number = static_cast<uint32_t>(tag >> 3);
    uint64_t size = 0;
    switch (tag & 7) {
      case 0:
        return Varint(size);
      case 1:
        return Take(8, text);
      case 5:
        return Take(4, text);
      case 2:
        return Varint(size) && Take(size, text);
      default:
        return false;
    }
  }

 private:
  bool Varint(uint64_t& value) {
    value = 0;
    for (size_t i = 0; i < kVarintMax && i < rest_.size(); ++i) {
      const auto byte = static_cast<uint8_t>(rest_[i]);
      value |= uint64_t{byte & 0x7fU} << (7 * i);
      if (byte < 0x80) {
        rest_.remove_prefix(i + 1);
        return true;
      }
    }
    return false;
  }

  bool Take(uint64_t size, std::string_view& text) {
    if (size > rest_.size()) return false;
    text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }

  std::string_view rest_;
};

bool ReadTypeMeta(std::string_view bytes, Envelope& envelope) {
  WireReader reader(bytes);
  while (!reader.AtEnd()) {
    uint32_t number = 0;
    std::string_view text;
    if (!reader.Next(number, text)) return false;
    if (number == 1) envelope.api_version = text;
    if (number == 2) envelope.kind = text;
  }
  return true;
}

}  // namespace

void AppendEnvelope(const Message& object, std::string_view api_version, std::string_view kind,
                    MapOrder order, std::string& out) {
  const size_t raw_size = object.ByteSizeLong();
  BERTH_CHECK(raw_size <= static_cast<size_t>(std::numeric_limits<int>::max()));
  AppendHead(api_version, kind, raw_size, out);
  const size_t start = out.size();
  out.resize(start + raw_size);
  ArrayOutputStream array(out.data() + start, static_cast<int>(raw_size));
  {
    CodedOutputStream stream(&array);
    stream.SetSerializationDeterministic(order == MapOrder::kByKey);
    object.SerializeWithCachedSizes(&stream);
  }
  out += kEmptyTail;
}

void AppendEnvelope(std::string_view raw, std::string_view api_version, std::string_view kind,
                    std::string& out) {
  AppendHead(api_version, kind, raw.size(), out);
  out += raw;
  out += kEmptyTail;
}

bool AppendWithResourceVersion(std::string_view envelope, std::string_view resource_version,
                               std::string& out) {
  const auto read = ReadEnvelope(envelope);
  if (!read.ok()) return false;
  WireReader object(read->raw);
  uint32_t number = 0;
  std::string_view metadata;
  const bool starts = !read->raw.empty() && read->raw.front() == kMetadataTag;
  if (!starts || !object.Next(number, metadata)) return false;
  // Fields stand in the order of their numbers: `before`, the version, `after`.
  std::string_view before = metadata, after;
  WireReader fields(metadata);
  while (!fields.AtEnd()) {
    const size_t begin = metadata.size() - fields.left();
    std::string_view text;
    if (!fields.Next(number, text)) return false;
    if (number < kResourceVersion) continue;
    before = metadata.substr(0, begin);
    after = number == kResourceVersion ? metadata.substr(metadata.size() - fields.left())
                                       : metadata.substr(begin);
    break;
  }
  const size_t version_size =
      resource_version.empty()
          ? 0
          : 1 + VarintSize(resource_version.size()) + resource_version.size();
  const size_t metadata_size = before.size() + version_size + after.size();
  const std::string_view rest = read->raw.substr(read->raw.size() - object.left());
  AppendHead(read->api_version, read->kind,
             1 + VarintSize(metadata_size) + metadata_size + rest.size(), out);
  out += kMetadataTag;
  AppendVarint(metadata_size, out);
  out += before;
  if (version_size != 0) AppendText(kResourceVersionTag, resource_version, out);
  out += after;
  out += rest;
  out += kEmptyTail;
  return true;
}

absl::StatusOr<Envelope> ReadEnvelope(std::string_view bytes) {
  if (!HasEnvelopeMagic(bytes)) {
    return absl::InvalidArgumentError(
        "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  Envelope envelope;
  WireReader reader(bytes.substr(kEnvelopeMagic.size()));
  while (!reader.AtEnd()) {
    uint32_t number = 0;
    std::string_view text;
    bool good = reader.Next(number, text);
    if (good && number == 1) good = ReadTypeMeta(text, envelope);
    if (!good) return absl::InvalidArgumentError("unable to parse the protobuf envelope");
    if (number == 2) envelope.raw = text;
    if (number == 3) envelope.content_encoding = text;
    if (number == 4) envelope.content_type = text;
  }
  return envelope;
}

absl::StatusOr<Envelope> DecodeEnvelope(std::string_view bytes, Message& out) {
  BERTH_ASSIGN_OR_RETURN(Envelope envelope, ReadEnvelope(bytes));
  const bool plain = envelope.content_encoding.empty() &&
                     (envelope.content_type.empty() ||
                      envelope.content_type == "application/vnd.kubernetes.protobuf");
  if (!plain) return absl::InvalidArgumentError("the protobuf envelope holds encoded content");
  if (envelope.raw.size() > static_cast<size_t>(std::numeric_limits<int>::max()) ||
      !out.ParseFromArray(envelope.raw.data(), static_cast<int>(envelope.raw.size()))) {
    return absl::InvalidArgumentError("unable to parse the protobuf message");
  }
  return envelope;
}

}  // namespace berth::api
