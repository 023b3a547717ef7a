// The bytes the rocksdb store writes. Layout and its arithmetic: docs/store.md.
//
//   'r' revision(8, big-endian) sub(4, big-endian) -> one write (RecordHead, key, value)
//   'l' lease(8, big-endian)                       -> time to live, seconds (8, big-endian)
//   kFormatKey, kCompactedKey, kNextLeaseKey, kHeadKey -> text; 8 bytes big-endian each
//   kOpenKey                                       -> the boot during which it was last opened
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "cluster/store/journal.h"

namespace berth::store {

inline constexpr std::string_view kFormatKey = "m/format";
inline constexpr std::string_view kFormat = "berth-store/1";
inline constexpr std::string_view kCompactedKey = "m/compacted";
inline constexpr std::string_view kNextLeaseKey = "m/next-lease";
inline constexpr std::string_view kHeadKey = "m/head";  // where writes went on from
inline constexpr std::string_view kOpenKey = "m/open";  // absent: closed in order
inline constexpr char kRecordTag = 'r';
inline constexpr char kLeaseTag = 'l';

std::string EncodeInt(int64_t number);                   // 8 bytes, big-endian
absl::StatusOr<int64_t> DecodeInt(std::string_view text);  // DataLoss

std::string RecordKey(Revision mod, uint32_t sub);
std::string LeaseKey(LeaseId lease);
absl::StatusOr<LeaseId> ParseLeaseKey(std::string_view key);  // DataLoss

// What stands before key and value: kind (1 byte), create, version, lease, length of the key
// (varints). Replaces the contents of `out`.
void EncodeRecordHead(std::string_view key, const Version& version, std::string& out);

struct Record {
  std::string key;
  Version version;
};
// DataLoss when the bytes are not such a record.
absl::StatusOr<Record> DecodeRecord(std::string_view key, std::string_view value);

}  // namespace berth::store
