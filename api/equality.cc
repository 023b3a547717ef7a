#include "api/equality.h"

#include <algorithm>
#include <string>
#include <vector>

#include "api/field_access.h"
#include "api/message_table.h"
#include "api/quantity.h"
#include "api/schema/quantity.pb.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::Message;

// Up to so many keys, looking at all of them is cheaper than hashing one.
constexpr size_t kSearchedMax = 8;

bool SameMessage(const MessageTable& table, const Message& a, const Message& b);

// Most members of most messages: nothing in either, which takes a look at two words to see.
bool NothingInBoth(const FieldInfo& field, const Message& a, const Message& b) {
  if (field.is_map) return false;
  if (field.repeated) return access::Size(a, field) == 0 && access::Size(b, field) == 0;
  return !access::Has(a, field) && !access::Has(b, field);
}

bool SameMap(const FieldInfo& field, const Message& a, const Message& b) {
  const size_t size = field.map->Size(a);
  if (size != field.map->Size(b)) return false;
  if (size == 0) return true;
  std::vector<MapEntry> entries;
  entries.reserve(2 * size);
  field.map->Collect(a, entries);
  if (size <= kSearchedMax) field.map->Collect(b, entries);
  const auto there = [&](const std::string& key) -> MapEntry {
    if (size > kSearchedMax) return field.map->Find(b, key);
    const auto it = std::find_if(entries.begin() + static_cast<std::ptrdiff_t>(size), entries.end(),
                                 [&](const MapEntry& other) { return *other.key == key; });
    return it != entries.end() ? *it : MapEntry{};
  };
  for (size_t i = 0; i < size; ++i) {
    const MapEntry& entry = entries[i];
    const MapEntry other = there(*entry.key);
    if (entry.message != nullptr) {
      if (other.message == nullptr) return false;
      if (!SameMessage(*field.table, *entry.message, *other.message)) return false;
    } else if (other.text == nullptr || *entry.text != *other.text) {
      return false;
    }
  }
  return true;
}

bool SameListItem(const FieldInfo& field, const Message& a, const Message& b, int i) {
  switch (field.kind) {
    case FieldKind::kString: case FieldKind::kBytes:
      return access::StringAt(a, field, i) == access::StringAt(b, field, i);
    case FieldKind::kBool:
      return access::NumberAt<bool>(a, field, i) == access::NumberAt<bool>(b, field, i);
    case FieldKind::kInt32:
      return access::NumberAt<int32_t>(a, field, i) == access::NumberAt<int32_t>(b, field, i);
    case FieldKind::kInt64:
      return access::NumberAt<int64_t>(a, field, i) == access::NumberAt<int64_t>(b, field, i);
    case FieldKind::kDouble:
      return access::NumberAt<double>(a, field, i) == access::NumberAt<double>(b, field, i);
    case FieldKind::kMessage:
      return SameMessage(*field.table, access::MessageAt(a, field, i),
                         access::MessageAt(b, field, i));
  }
  return false;
}

bool SameValue(const FieldInfo& field, const Message& a, const Message& b) {
  switch (field.kind) {
    case FieldKind::kString: case FieldKind::kBytes:
      return access::GetString(a, field) == access::GetString(b, field);
    case FieldKind::kBool:
      return access::GetNumber<bool>(a, field) == access::GetNumber<bool>(b, field);
    case FieldKind::kInt32:
      return access::GetNumber<int32_t>(a, field) == access::GetNumber<int32_t>(b, field);
    case FieldKind::kInt64:
      return access::GetNumber<int64_t>(a, field) == access::GetNumber<int64_t>(b, field);
    case FieldKind::kDouble:
      return access::GetNumber<double>(a, field) == access::GetNumber<double>(b, field);
    case FieldKind::kMessage:
      return SameMessage(*field.table, access::GetMessage(a, field),
                         access::GetMessage(b, field));
  }
  return false;
}

bool SameField(const FieldInfo& field, const Message& a, const Message& b) {
  if (field.is_map) return SameMap(field, a, b);
  if (field.repeated) {
    const int size = access::Size(a, field);
    if (size != access::Size(b, field)) return false;
    for (int i = 0; i < size; ++i) {
      if (!SameListItem(field, a, b, i)) return false;
    }
    return true;
  }
  const bool in_a = access::Has(a, field), in_b = access::Has(b, field);
  if (field.pointer && in_a != in_b) return false;
  return SameValue(field, a, b);
}

bool SameMessage(const MessageTable& table, const Message& a, const Message& b) {
  if (table.form() == JSON_QUANTITY) {
    const auto& x = static_cast<const resource::Quantity&>(a);
    const auto& y = static_cast<const resource::Quantity&>(b);
    return x.string() == y.string() || ToQuantity(x).Cmp(ToQuantity(y)) == 0;
  }
  for (const FieldInfo& field : table.members()) {
    if (!NothingInBoth(field, a, b) && !SameField(field, a, b)) return false;
  }
  return true;
}

}  // namespace

bool SemanticEqual(const Message& a, const Message& b) {
  BERTH_CHECK(a.GetDescriptor() == b.GetDescriptor());
  return &a == &b || SameMessage(MessageTable::Of(a), a, b);
}

bool SemanticEqualBut(int field_number, const Message& a, const Message& b) {
  BERTH_CHECK(a.GetDescriptor() == b.GetDescriptor());
  for (const FieldInfo& field : MessageTable::Of(a).members()) {
    if (NothingInBoth(field, a, b) || field.descriptor->number() == field_number) continue;
    if (!SameField(field, a, b)) return false;
  }
  return true;
}

}  // namespace berth::api
