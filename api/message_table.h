// What the codec, patches, field paths and printing need to know of a message type, compiled once
// from its descriptor and the facts of api/schema/options.proto.
//
// Tables are built on first use under a lock, live for the whole process and never change: reading
// is lock-free. Generated message types only. A map field without a row in map_fields.cc is a
// programming error (BERTH_CHECK).
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/map_fields.h"
#include "api/schema/options.pb.h"

namespace berth::api {

class MessageTable;

enum class FieldKind : uint8_t { kString, kBytes, kBool, kInt32, kInt64, kDouble, kMessage };

// One field as JSON sees it.
struct FieldInfo {
  const google::protobuf::FieldDescriptor* descriptor = nullptr;
  const FieldFacts* facts = nullptr;
  std::string json_name;                // the type's own name for an inline field
  std::string quoted_name;              // "\"name\":"
  FieldKind kind = FieldKind::kString;  // of the values, for a map
  bool repeated = false;                // a list (maps are not)
  bool is_map = false;
  bool omitempty = false;
  bool omitzero = false;
  bool pointer = false;
  bool is_inline = false;
  bool list_items = false;  // "items" of a list kind: prints [] where other empty lists print null
  const MessageTable* table = nullptr;  // of the message, or of the map's values
  const MapAccess* map = nullptr;       // maps only
  // The inline messages between the owner and this field, outermost first.
  std::array<const google::protobuf::FieldDescriptor*, 2> holders{};
  uint8_t holder_count = 0;
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
  JsonForm form() const { return form_; }
  bool typed() const { return typed_; }  // JSON may carry kind and apiVersion

  // The fields as declared, in the order Go prints them; an inline message is one of them.
  std::span<const FieldInfo> members() const { return members_; }
  // The fields of a JSON object: inline messages replaced by what they hold.
  std::span<const FieldInfo> fields() const { return fields_; }
  // Case-sensitive; null when the type has no such JSON field.
  const FieldInfo* Find(std::string_view json_name) const;

  // The Go name: "v1.PodSpec", "resource.Quantity".
  std::string GoName() const;

 private:
  friend class TableBuilder;
  MessageTable() = default;

  struct Slot {
    int16_t index = -1;
  };

  void BuildIndex();

  const google::protobuf::Descriptor* descriptor_ = nullptr;
  const google::protobuf::Reflection* reflection_ = nullptr;
  JsonForm form_ = JSON_OBJECT;
  bool typed_ = false;
  std::vector<FieldInfo> members_;
  std::vector<FieldInfo> fields_;
  uint64_t multiplier_ = 0;  // makes the hash of the field names free of collisions
  int shift_ = 63;
  std::vector<Slot> index_;
};

// The message that directly holds `field`: `owner`, or an inline message inside it.
const google::protobuf::Message& HolderOf(const google::protobuf::Message& owner,
                                          const FieldInfo& field);
google::protobuf::Message& MutableHolderOf(google::protobuf::Message& owner,
                                           const FieldInfo& field);

// The Go type of a field, for error texts: "[]v1.Container", "map[string]string", "int32".
std::string GoTypeOf(const FieldInfo& field);

}  // namespace berth::api
