#include "cluster/store/record.h"

#include <optional>

namespace berth::store {
namespace {

constexpr char kTombstone = 0;
constexpr char kPut = 1;

void AppendVarint(std::string& out, uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>(number | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

std::optional<uint64_t> TakeVarint(std::string_view& text) {
  uint64_t number = 0;
  for (int shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

template <typename T>
void AppendBigEndian(std::string& out, T number) {
  for (int shift = static_cast<int>(sizeof(T) * 8) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(number >> shift));
  }
}

uint64_t ReadBigEndian(std::string_view text) {
  uint64_t number = 0;
  for (char c : text) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

}  // namespace

std::string EncodeInt(int64_t number) {
  std::string out;
  AppendBigEndian(out, static_cast<uint64_t>(number));
  return out;
}

absl::StatusOr<int64_t> DecodeInt(std::string_view text) {
  if (text.size() != 8) return absl::DataLossError("a number of the wrong size");
  return static_cast<int64_t>(ReadBigEndian(text));
}

std::string RecordKey(Revision mod, uint32_t sub) {
  std::string out(1, kRecordTag);
  AppendBigEndian(out, static_cast<uint64_t>(mod));
  AppendBigEndian(out, sub);
  return out;
}

std::string LeaseKey(LeaseId lease) { return kLeaseTag + EncodeInt(lease); }

absl::StatusOr<LeaseId> ParseLeaseKey(std::string_view key) {
  if (key.empty() || key.front() != kLeaseTag) return absl::DataLossError("not a lease");
  return DecodeInt(key.substr(1));
}

void EncodeRecordHead(std::string_view key, const Version& version, std::string& out) {
  out.clear();
  out.push_back(version.tombstone() ? kTombstone : kPut);
  AppendVarint(out, static_cast<uint64_t>(version.create));
  AppendVarint(out, static_cast<uint64_t>(version.version));
  AppendVarint(out, static_cast<uint64_t>(version.lease));
  AppendVarint(out, key.size());
}

absl::StatusOr<Record> DecodeRecord(std::string_view key, std::string_view value) {
  const absl::Status broken = absl::DataLossError("a record that cannot be read");
  if (key.size() != 13 || key.front() != kRecordTag || value.empty()) return broken;
  Record record;
  record.version.mod = static_cast<Revision>(ReadBigEndian(key.substr(1, 8)));
  record.version.sub = static_cast<uint32_t>(ReadBigEndian(key.substr(9, 4)));
  const char kind = value.front();
  value.remove_prefix(1);
  const auto create = TakeVarint(value);
  const auto version = TakeVarint(value);
  const auto lease = TakeVarint(value);
  const auto key_size = TakeVarint(value);
  if (!create || !version || !lease || !key_size || *key_size > value.size()) return broken;
  record.version.create = static_cast<Revision>(*create);
  record.version.version = static_cast<int64_t>(*version);
  record.version.lease = static_cast<LeaseId>(*lease);
  record.key = value.substr(0, *key_size);
  value.remove_prefix(*key_size);
  if (kind == kPut) {
    record.version.value = MakeBytes(std::string(value));
  } else if (kind != kTombstone || !value.empty()) {
    return broken;
  }
  return record;
}

}  // namespace berth::store
