// What the codec, patches, field paths and printing need to know of a message type, compiled once
// from its descriptor and the facts of api/schema/options.proto.
//
// Tables are built on first use under a lock, live for the whole process and never change: reading
// is lock-free. Generated message types only. A map field without a row in map_fields.cc is a
// programming error (BERTH_CHECK).
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "api/map_fields.h"
#include "api/schema/options.pb.h"

namespace berth::api {

class MessageTable;

namespace internal {

inline uint64_t Load64(const char* p) {
  uint64_t word = 0;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

inline uint32_t Load32(const char* p) {
  uint32_t word = 0;
  std::memcpy(&word, p, sizeof(word));
  return word;
}

// Both ends, the middle and the length of a name, mixed by a multiplication.
inline uint64_t HashName(std::string_view name, uint64_t multiplier) {
  const char* p = name.data();
  const size_t size = name.size();
  uint64_t word = size;
  if (size >= 8) {
    word ^=
        Load64(p) ^ std::rotl(Load64(p + size - 8), 29) ^ std::rotl(Load64(p + size / 2 - 4), 47);
  } else if (size >= 4) {
    word ^= (uint64_t{Load32(p)} << 32 | Load32(p + size - 4)) ^ size << 60;
  } else if (size > 0) {
    word ^= uint64_t{static_cast<uint8_t>(p[0])} << 40 |
            uint64_t{static_cast<uint8_t>(p[size / 2])} << 24 |
            uint64_t{static_cast<uint8_t>(p[size - 1])} << 8;
  }
  word *= multiplier;
  return word ^ word >> 29;
}

// Names are short: comparing in place beats a call.
inline bool SameName(std::string_view a, std::string_view b) {
  const size_t size = a.size();
  if (size != b.size()) return false;
  const char* p = a.data();
  const char* q = b.data();
  if (size >= 8) {
    if (Load64(p) != Load64(q) || Load64(p + size - 8) != Load64(q + size - 8)) return false;
    return size <= 16 || std::memcmp(p + 8, q + 8, size - 16) == 0;
  }
  if (size >= 4) return Load32(p) == Load32(q) && Load32(p + size - 4) == Load32(q + size - 4);
  for (size_t i = 0; i < size; ++i) {
    if (p[i] != q[i]) return false;
  }
  return true;
}

}  // namespace internal

enum class FieldKind : uint8_t { kString, kBytes, kBool, kInt32, kInt64, kDouble, kMessage };

// One field as JSON sees it. What reading needs fills the first cache line, printing the second.
struct alignas(64) FieldInfo {
  std::string json_name;                // the type's own name for an inline field
  const MessageTable* table = nullptr;  // of the message, or of the map's values
  // Where the value and its presence bit lie in the message (api/field_access.h); singular fields
  // have a nonzero mask.
  uint32_t value_offset = 0;
  uint32_t presence_offset = 0;
  uint32_t presence_mask = 0;
  FieldKind kind = FieldKind::kString;  // of the values, for a map
  bool repeated = false;                // a list (maps are not)
  bool is_map = false;
  bool omitempty = false;
  bool omitzero = false;
  bool pointer = false;
  bool is_inline = false;
  bool list_items = false;  // "items" of a list kind: prints [] where other empty lists print null
  uint8_t holder_count = 0;

  std::string quoted_name;         // "\"name\":"
  const MapAccess* map = nullptr;  // maps only
  // The inline messages between the owner and this field, outermost first.
  std::array<const FieldInfo*, 2> holders{};
  const google::protobuf::FieldDescriptor* descriptor = nullptr;
  const FieldFacts* facts = nullptr;
};

class MessageTable {
 public:
  static constexpr size_t kFieldsMax = 128;  // of one JSON object

  static const MessageTable& Of(const google::protobuf::Descriptor& descriptor);
  static const MessageTable& Of(const google::protobuf::Message& message) {
    return Of(*message.GetDescriptor());
  }

  const google::protobuf::Descriptor& descriptor() const { return *descriptor_; }
  const google::protobuf::Reflection& reflection() const { return *reflection_; }
  const google::protobuf::Message& prototype() const { return *prototype_; }
  JsonForm form() const { return form_; }
  bool typed() const { return typed_; }  // JSON may carry kind and apiVersion

  // The fields as declared, in the order Go prints them; an inline message is one of them.
  std::span<const FieldInfo> members() const { return members_; }
  // The fields of a JSON object: inline messages replaced by what they hold.
  std::span<const FieldInfo> fields() const { return fields_; }
  // The member "metadata" of kinds, ObjectMeta or ListMeta; null when the type has none.
  const FieldInfo* metadata() const { return metadata_; }
  // Case-sensitive; null when the type has no such JSON field.
  const FieldInfo* Find(std::string_view json_name) const {
    const int16_t at = index_[internal::HashName(json_name, multiplier_) >> shift_];
    if (at < 0) return nullptr;
    const FieldInfo& field = fields_[static_cast<size_t>(at)];
    return internal::SameName(field.json_name, json_name) ? &field : nullptr;
  }

  // The Go name: "v1.PodSpec", "resource.Quantity".
  std::string GoName() const;

 private:
  friend class TableBuilder;
  MessageTable() = default;

  void BuildIndex();

  const google::protobuf::Descriptor* descriptor_ = nullptr;
  const google::protobuf::Reflection* reflection_ = nullptr;
  const google::protobuf::Message* prototype_ = nullptr;
  JsonForm form_ = JSON_OBJECT;
  bool typed_ = false;
  std::vector<FieldInfo> members_;
  std::vector<FieldInfo> fields_;
  const FieldInfo* metadata_ = nullptr;
  uint64_t multiplier_ = 0;  // makes the hash of the field names free of collisions
  int shift_ = 63;
  std::vector<int16_t> index_;  // by hash; -1: no field
};

// The message that directly holds `field`: `owner`, or an inline message inside it.
const google::protobuf::Message& HolderOf(const google::protobuf::Message& owner,
                                          const FieldInfo& field);
google::protobuf::Message& MutableHolderOf(google::protobuf::Message& owner,
                                           const FieldInfo& field);

// The Go type of a field, for error texts: "[]v1.Container", "map[string]string", "int32".
std::string GoTypeOf(const FieldInfo& field);

}  // namespace berth::api
