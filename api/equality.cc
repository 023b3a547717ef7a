#include "api/equality.h"

#include <vector>

#include "api/message_table.h"
#include "api/quantity.h"
#include "api/schema/quantity.pb.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool SameMessage(const MessageTable& table, const Message& a, const Message& b);

bool SameMap(const FieldInfo& field, const Message& a, const Message& b) {
  const size_t size = field.map->Size(a);
  if (size != field.map->Size(b)) return false;
  if (size == 0) return true;
  std::vector<MapEntry> entries;
  field.map->Collect(a, entries);
  for (const MapEntry& entry : entries) {
    const MapEntry other = field.map->Find(b, *entry.key);
    if (other.key == nullptr && other.text == nullptr && other.message == nullptr) return false;
    if (entry.message != nullptr) {
      if (!SameMessage(*field.table, *entry.message, *other.message)) return false;
    } else if (*entry.text != *other.text) {
      return false;
    }
  }
  return true;
}

bool SameListItem(const FieldInfo& field, const Reflection& r, const Message& a, const Message& b,
                  int i) {
  const FieldDescriptor* f = field.descriptor;
  std::string x, y;
  switch (field.kind) {
    case FieldKind::kString: case FieldKind::kBytes:
      return r.GetRepeatedStringReference(a, f, i, &x) == r.GetRepeatedStringReference(b, f, i, &y);
    case FieldKind::kBool: return r.GetRepeatedBool(a, f, i) == r.GetRepeatedBool(b, f, i);
    case FieldKind::kInt32: return r.GetRepeatedInt32(a, f, i) == r.GetRepeatedInt32(b, f, i);
    case FieldKind::kInt64: return r.GetRepeatedInt64(a, f, i) == r.GetRepeatedInt64(b, f, i);
    case FieldKind::kDouble: return r.GetRepeatedDouble(a, f, i) == r.GetRepeatedDouble(b, f, i);
    case FieldKind::kMessage:
      return SameMessage(*field.table, r.GetRepeatedMessage(a, f, i),
                         r.GetRepeatedMessage(b, f, i));
  }
  return false;
}

bool SameValue(const FieldInfo& field, const Reflection& r, const Message& a, const Message& b) {
  const FieldDescriptor* f = field.descriptor;
  std::string x, y;
  switch (field.kind) {
    case FieldKind::kString: case FieldKind::kBytes:
      return r.GetStringReference(a, f, &x) == r.GetStringReference(b, f, &y);
    case FieldKind::kBool: return r.GetBool(a, f) == r.GetBool(b, f);
    case FieldKind::kInt32: return r.GetInt32(a, f) == r.GetInt32(b, f);
    case FieldKind::kInt64: return r.GetInt64(a, f) == r.GetInt64(b, f);
    case FieldKind::kDouble: return r.GetDouble(a, f) == r.GetDouble(b, f);
    case FieldKind::kMessage:
      return SameMessage(*field.table, r.GetMessage(a, f), r.GetMessage(b, f));
  }
  return false;
}

bool SameField(const FieldInfo& field, const Reflection& r, const Message& a, const Message& b) {
  if (field.is_map) return SameMap(field, a, b);
  if (field.repeated) {
    const int size = r.FieldSize(a, field.descriptor);
    if (size != r.FieldSize(b, field.descriptor)) return false;
    for (int i = 0; i < size; ++i) {
      if (!SameListItem(field, r, a, b, i)) return false;
    }
    return true;
  }
  const bool in_a = r.HasField(a, field.descriptor), in_b = r.HasField(b, field.descriptor);
  if (!in_a && !in_b) return true;
  if (field.pointer && in_a != in_b) return false;
  return SameValue(field, r, a, b);
}

bool SameMessage(const MessageTable& table, const Message& a, const Message& b) {
  if (table.form() == JSON_QUANTITY) {
    const auto& x = static_cast<const resource::Quantity&>(a);
    const auto& y = static_cast<const resource::Quantity&>(b);
    return x.string() == y.string() || ToQuantity(x).Cmp(ToQuantity(y)) == 0;
  }
  for (const FieldInfo& field : table.members()) {
    if (!SameField(field, table.reflection(), a, b)) return false;
  }
  return true;
}

}  // namespace

bool SemanticEqual(const Message& a, const Message& b) {
  BERTH_CHECK(a.GetDescriptor() == b.GetDescriptor());
  return &a == &b || SameMessage(MessageTable::Of(a), a, b);
}

}  // namespace berth::api
