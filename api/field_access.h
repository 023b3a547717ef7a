// Reads and writes the fields of a message by what its table knows, at about 1 ns each. Protobuf's
// reflection costs five to ten times that, which was half of the time the codec took.
//
// With the protobuf this was written for, values are reached at the offsets generated code itself
// uses (FindLayout asks reflection for them); with any other, these calls become reflection. The
// field must be a member of the message's own type and of the kind the call names; nothing checks.
// Threads: as the message. Tested field by field against reflection.
#pragma once

#include <string>
#include <string_view>

#include <google/protobuf/message.h>
#include <google/protobuf/reflection.h>
#include <google/protobuf/repeated_field.h>

#include "api/message_table.h"

namespace berth::api {

inline constexpr bool kDirectFields = GOOGLE_PROTOBUF_VERSION == 3021012;

// Fills in the offsets of `field`. Leaves them zero without kDirectFields.
void FindLayout(const google::protobuf::Reflection& reflection, FieldInfo& field);

namespace access {

using google::protobuf::Message;
using google::protobuf::RepeatedField;
using google::protobuf::RepeatedPtrField;

template <typename T>
const T& At(const Message& message, uint32_t offset) {
  return *reinterpret_cast<const T*>(reinterpret_cast<const char*>(&message) + offset);
}

template <typename T>
T& At(Message& message, uint32_t offset) {
  return *reinterpret_cast<T*>(reinterpret_cast<char*>(&message) + offset);
}

inline void MarkPresent(Message& message, const FieldInfo& field) {
  At<uint32_t>(message, field.presence_offset) |= field.presence_mask;
}

// Singular fields.
inline bool Has(const Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    return (At<uint32_t>(message, field.presence_offset) & field.presence_mask) != 0;
  } else {
    return message.GetReflection()->HasField(message, field.descriptor);
  }
}

inline const std::string& GetString(const Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    return At<google::protobuf::internal::ArenaStringPtr>(message, field.value_offset).Get();
  } else {
    // A reference into the message: only Cord fields, which proto2 C++ lacks, use the scratch.
    thread_local std::string scratch;
    return message.GetReflection()->GetStringReference(message, field.descriptor, &scratch);
  }
}

template <typename T>
T GetNumber(const Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    return At<T>(message, field.value_offset);
  } else if constexpr (std::is_same_v<T, bool>) {
    return message.GetReflection()->GetBool(message, field.descriptor);
  } else if constexpr (std::is_same_v<T, int32_t>) {
    return message.GetReflection()->GetInt32(message, field.descriptor);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    return message.GetReflection()->GetInt64(message, field.descriptor);
  } else {
    return message.GetReflection()->GetDouble(message, field.descriptor);
  }
}

inline const Message& GetMessage(const Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    const auto* inner = At<const Message*>(message, field.value_offset);
    return inner != nullptr ? *inner : field.table->prototype();
  } else {
    return message.GetReflection()->GetMessage(message, field.descriptor);
  }
}

inline void SetString(Message& message, const FieldInfo& field, std::string_view text) {
  if constexpr (kDirectFields) {
    MarkPresent(message, field);
    At<google::protobuf::internal::ArenaStringPtr>(message, field.value_offset)
        .Mutable(message.GetArena())
        ->assign(text);
  } else {
    message.GetReflection()->SetString(&message, field.descriptor, std::string(text));
  }
}

template <typename T>
void SetNumber(Message& message, const FieldInfo& field, T value) {
  if constexpr (kDirectFields) {
    MarkPresent(message, field);
    At<T>(message, field.value_offset) = value;
  } else if constexpr (std::is_same_v<T, bool>) {
    message.GetReflection()->SetBool(&message, field.descriptor, value);
  } else if constexpr (std::is_same_v<T, int32_t>) {
    message.GetReflection()->SetInt32(&message, field.descriptor, value);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    message.GetReflection()->SetInt64(&message, field.descriptor, value);
  } else {
    message.GetReflection()->SetDouble(&message, field.descriptor, value);
  }
}

inline Message& MutableMessage(Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    MarkPresent(message, field);
    auto*& inner = At<Message*>(message, field.value_offset);
    if (inner == nullptr) inner = field.table->prototype().New(message.GetArena());
    return *inner;
  } else {
    return *message.GetReflection()->MutableMessage(&message, field.descriptor);
  }
}

// Lists. Strings and messages first.
inline int Size(const Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    switch (field.kind) {
      case FieldKind::kBool:
        return At<RepeatedField<bool>>(message, field.value_offset).size();
      case FieldKind::kInt32:
        return At<RepeatedField<int32_t>>(message, field.value_offset).size();
      case FieldKind::kInt64:
        return At<RepeatedField<int64_t>>(message, field.value_offset).size();
      case FieldKind::kDouble:
        return At<RepeatedField<double>>(message, field.value_offset).size();
      default:
        return At<RepeatedPtrField<std::string>>(message, field.value_offset).size();
    }
  } else {
    return message.GetReflection()->FieldSize(message, field.descriptor);
  }
}

inline const Message& MessageAt(const Message& message, const FieldInfo& field, int index) {
  if constexpr (kDirectFields) {
    return At<RepeatedPtrField<Message>>(message, field.value_offset).Get(index);
  } else {
    return message.GetReflection()->GetRepeatedMessage(message, field.descriptor, index);
  }
}

inline Message& MutableMessageAt(Message& message, const FieldInfo& field, int index) {
  if constexpr (kDirectFields) {
    return *At<RepeatedPtrField<Message>>(message, field.value_offset).Mutable(index);
  } else {
    return *message.GetReflection()->MutableRepeatedMessage(&message, field.descriptor, index);
  }
}

inline const std::string& StringAt(const Message& message, const FieldInfo& field, int index) {
  if constexpr (kDirectFields) {
    return At<RepeatedPtrField<std::string>>(message, field.value_offset).Get(index);
  } else {
    thread_local std::string scratch;
    return message.GetReflection()->GetRepeatedStringReference(message, field.descriptor, index,
                                                               &scratch);
  }
}

template <typename T>
T NumberAt(const Message& message, const FieldInfo& field, int index) {
  if constexpr (kDirectFields) {
    return At<RepeatedField<T>>(message, field.value_offset).Get(index);
  } else {
    return message.GetReflection()->GetRepeatedFieldRef<T>(message, field.descriptor).Get(index);
  }
}

inline void AddString(Message& message, const FieldInfo& field, std::string_view text) {
  if constexpr (kDirectFields) {
    At<RepeatedPtrField<std::string>>(message, field.value_offset).Add()->assign(text);
  } else {
    message.GetReflection()->AddString(&message, field.descriptor, std::string(text));
  }
}

template <typename T>
void AddNumber(Message& message, const FieldInfo& field, T value) {
  if constexpr (kDirectFields) {
    At<RepeatedField<T>>(message, field.value_offset).Add(value);
  } else {
    message.GetReflection()->GetMutableRepeatedFieldRef<T>(&message, field.descriptor).Add(value);
  }
}

inline Message& AddMessage(Message& message, const FieldInfo& field) {
  if constexpr (kDirectFields) {
    Message* added = field.table->prototype().New(message.GetArena());
    At<RepeatedPtrField<Message>>(message, field.value_offset).UnsafeArenaAddAllocated(added);
    return *added;
  } else {
    return *message.GetReflection()->AddMessage(&message, field.descriptor);
  }
}

}  // namespace access
}  // namespace berth::api
