#include "api/object.h"

#include <charconv>
#include <utility>
#include <vector>

#include <google/protobuf/message.h>

#include "api/field_access.h"
#include "api/message_table.h"
#include "api/quantity.h"
#include "api/schema/intstr.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/quantity.pb.h"
#include "api/time_text.h"
#include "base/check.h"

namespace berth::api {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The list of a list kind; null when the type has none.
const FieldInfo* FindItems(const Message& message) {
  const FieldInfo* field = MessageTable::Of(message).Find("items");
  return field != nullptr && field->kind == FieldKind::kMessage ? field : nullptr;
}

// T: ObjectMeta or ListMeta. Null when the type has no such metadata.
template <typename T>
const FieldInfo* FindMetadata(const Message& message) {
  static const google::protobuf::Descriptor* const type = T::descriptor();
  const FieldInfo* field = MessageTable::Of(message).metadata();
  return field != nullptr && field->descriptor->message_type() == type ? field : nullptr;
}

template <typename T>
const T& GetMetadata(const Message& message) {
  const FieldInfo* field = FindMetadata<T>(message);
  BERTH_CHECK(field != nullptr);
  return static_cast<const T&>(access::GetMessage(message, *field));
}

template <typename T>
T& MutableMetadataField(Message& message) {
  const FieldInfo* field = FindMetadata<T>(message);
  BERTH_CHECK(field != nullptr);
  return static_cast<T&>(access::MutableMessage(message, *field));
}

const FieldDescriptor* ItemsOf(const Message& list) {
  const FieldInfo* field = FindItems(list);
  BERTH_CHECK(field != nullptr && field->repeated);
  return field->descriptor;
}

bool IsZeroScalar(const Message& message, const FieldInfo& field) {
  switch (field.kind) {
    case FieldKind::kString:
      return access::GetString(message, field).empty();
    case FieldKind::kBytes:
      return field.omitempty && access::GetString(message, field).empty();
    case FieldKind::kBool:
      return !access::GetNumber<bool>(message, field);
    case FieldKind::kInt32:
      return access::GetNumber<int32_t>(message, field) == 0;
    case FieldKind::kInt64:
      return access::GetNumber<int64_t>(message, field) == 0;
    case FieldKind::kDouble:
      return access::GetNumber<double>(message, field) == 0;
    case FieldKind::kMessage:
      return false;
  }
  return false;
}

// Walks an object once; the first error is kept, and the walk goes on.
class Normalizer {
 public:
  // True when nothing is left of the message: a non-pointer field holding it should go.
  bool Form(Message& message, const MessageTable& table) {
    switch (table.form()) {
      case JSON_OBJECT: {
        bool any = false;
        for (const FieldInfo& field : table.members()) {
          if (Field(message, field)) any = true;
        }
        return !any;
      }
      case JSON_QUANTITY: {
        auto& quantity = static_cast<resource::Quantity&>(message);
        if (quantity.string().empty()) return true;
        auto text = CanonicalQuantityText(quantity.string());
        if (!text.ok()) {
          error_.Update(text.status());
        } else if (*text != quantity.string()) {
          quantity.set_string(*std::move(text));
        }
        return quantity.string() == "0";
      }
      case JSON_TIME: {
        auto& time = static_cast<meta::Time&>(message);
        time.clear_nanos();
        if (IsZeroTime(time)) time.Clear();
        return IsZeroTime(time);
      }
      case JSON_MICRO_TIME: {
        auto& time = static_cast<meta::MicroTime&>(message);
        if (IsZeroTime(time)) time.Clear();
        return IsZeroTime(time);
      }
      case JSON_INT_OR_STRING: {
        auto& value = static_cast<intstr::IntOrString&>(message);
        if (value.type() == 0) {
          value.clear_type();
          value.clear_str_val();
          if (value.int_val() == 0) value.clear_int_val();
        } else {
          value.clear_int_val();
        }
        return value.type() == 0 && value.int_val() == 0;
      }
      default:
        return message.ByteSizeLong() == 0;
    }
  }
  absl::Status error() && { return std::move(error_); }

 private:
  // Returns true when the field holds something afterwards.
  bool Field(Message& message, const FieldInfo& field) {
    if (field.is_map) {
      if (field.kind == FieldKind::kMessage && field.map->Size(message) != 0) {
        std::vector<MapEntry> entries;
        field.map->Collect(message, entries);
        for (const MapEntry& entry : entries) {
          Form(*field.map->Insert(message, *entry.key).message, *field.table);
        }
      }
      return field.map->Size(message) != 0;
    }
    if (field.repeated) {
      const int size = access::Size(message, field);
      for (int i = 0; field.kind == FieldKind::kMessage && i < size; ++i) {
        Form(access::MutableMessageAt(message, field, i), *field.table);
      }
      return size != 0;
    }
    if (!access::Has(message, field)) return false;
    const bool zero = field.kind == FieldKind::kMessage
                          ? Form(access::MutableMessage(message, field), *field.table)
                          : IsZeroScalar(message, field);
    if (!zero || field.pointer) return true;
    message.GetReflection()->ClearField(&message, field.descriptor);
    return false;
  }

  absl::Status error_;
};

}  // namespace

const meta::ObjectMeta& MetaOf(const Message& object) {
  return GetMetadata<meta::ObjectMeta>(object);
}
meta::ObjectMeta& MutableMeta(Message& object) {
  return MutableMetadataField<meta::ObjectMeta>(object);
}

const meta::ObjectMeta* FindMeta(const Message& object) {
  const FieldInfo* field = FindMetadata<meta::ObjectMeta>(object);
  if (field == nullptr) return nullptr;
  return &static_cast<const meta::ObjectMeta&>(access::GetMessage(object, *field));
}

const meta::ListMeta& ListMetaOf(const Message& list) { return GetMetadata<meta::ListMeta>(list); }
meta::ListMeta& MutableListMeta(Message& list) {
  return MutableMetadataField<meta::ListMeta>(list);
}

bool IsList(const Message& message) {
  const FieldInfo* items = FindItems(message);
  return items != nullptr && items->list_items &&
         FindMetadata<meta::ListMeta>(message) != nullptr;
}

size_t ItemCount(const Message& list) {
  return static_cast<size_t>(list.GetReflection()->FieldSize(list, ItemsOf(list)));
}

const Message& ItemAt(const Message& list, size_t index) {
  return list.GetReflection()->GetRepeatedMessage(list, ItemsOf(list), static_cast<int>(index));
}

Message& MutableItemAt(Message& list, size_t index) {
  return *list.GetReflection()->MutableRepeatedMessage(&list, ItemsOf(list),
                                                       static_cast<int>(index));
}

Message& AddItem(Message& list) { return *list.GetReflection()->AddMessage(&list, ItemsOf(list)); }

const Message& ItemPrototype(const Message& list) {
  return *google::protobuf::MessageFactory::generated_factory()->GetPrototype(
      ItemsOf(list)->message_type());
}

absl::Status Normalize(Message& message) {
  Normalizer normalizer;
  normalizer.Form(message, MessageTable::Of(message));
  return std::move(normalizer).error();
}

int64_t RevisionOf(std::string_view resource_version) {
  int64_t revision = 0;
  const auto [end, error] = std::from_chars(
      resource_version.data(), resource_version.data() + resource_version.size(), revision);
  const bool whole = end == resource_version.data() + resource_version.size();
  return error == std::errc() && whole && revision > 0 ? revision : 0;
}

}  // namespace berth::api
