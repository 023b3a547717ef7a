// Direct access agrees with reflection, field by field, on random objects.
#include "api/field_access.h"

#include <google/protobuf/arena.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "api/schema/apiextensions_v1.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "tests/api/random_message.h"

namespace berth::api {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using google::protobuf::util::MessageDifferencer;

bool SameScalar(const Message& message, const FieldInfo& field) {
  const Reflection& reflection = *message.GetReflection();
  const FieldDescriptor* at = field.descriptor;
  switch (field.kind) {
    case FieldKind::kString:
    case FieldKind::kBytes:
      return access::GetString(message, field) == reflection.GetString(message, at);
    case FieldKind::kBool:
      return access::GetNumber<bool>(message, field) == reflection.GetBool(message, at);
    case FieldKind::kInt32:
      return access::GetNumber<int32_t>(message, field) == reflection.GetInt32(message, at);
    case FieldKind::kInt64:
      return access::GetNumber<int64_t>(message, field) == reflection.GetInt64(message, at);
    case FieldKind::kDouble:
      return access::GetNumber<double>(message, field) == reflection.GetDouble(message, at);
    case FieldKind::kMessage:
      return &access::GetMessage(message, field) == &reflection.GetMessage(message, at);
  }
  return false;
}

void CheckAndCopy(const Message& message, Message& copy);

void CopyMap(const Message& message, const FieldInfo& field, Message& copy) {
  std::vector<MapEntry> entries;
  field.map->Collect(message, entries);
  for (const MapEntry& entry : entries) {
    const MutableMapEntry added = field.map->Insert(copy, *entry.key);
    if (entry.text != nullptr) *added.text = *entry.text;
    if (entry.message != nullptr) added.message->CopyFrom(*entry.message);
  }
}

void CopyElement(const Message& message, const FieldInfo& field, int i, Message& copy) {
  switch (field.kind) {
    case FieldKind::kMessage:
      ASSERT_EQ(&access::MessageAt(message, field, i),
                &message.GetReflection()->GetRepeatedMessage(message, field.descriptor, i));
      return CheckAndCopy(access::MessageAt(message, field, i), access::AddMessage(copy, field));
    case FieldKind::kInt32:
      return access::AddNumber(copy, field, access::NumberAt<int32_t>(message, field, i));
    case FieldKind::kInt64:
      return access::AddNumber(copy, field, access::NumberAt<int64_t>(message, field, i));
    case FieldKind::kBool:
      return access::AddNumber(copy, field, access::NumberAt<bool>(message, field, i));
    case FieldKind::kDouble:
      return access::AddNumber(copy, field, access::NumberAt<double>(message, field, i));
    case FieldKind::kString:
    case FieldKind::kBytes:
      return access::AddString(copy, field, access::StringAt(message, field, i));
  }
}

void CopySingular(const Message& message, const FieldInfo& field, Message& copy) {
  switch (field.kind) {
    case FieldKind::kMessage:
      return CheckAndCopy(access::GetMessage(message, field), access::MutableMessage(copy, field));
    case FieldKind::kInt32:
      return access::SetNumber(copy, field, access::GetNumber<int32_t>(message, field));
    case FieldKind::kInt64:
      return access::SetNumber(copy, field, access::GetNumber<int64_t>(message, field));
    case FieldKind::kBool:
      return access::SetNumber(copy, field, access::GetNumber<bool>(message, field));
    case FieldKind::kDouble:
      return access::SetNumber(copy, field, access::GetNumber<double>(message, field));
    case FieldKind::kString:
    case FieldKind::kBytes:
      return access::SetString(copy, field, access::GetString(message, field));
  }
}

// Compares every field with reflection's answer and copies it.
void CheckAndCopy(const Message& message, Message& copy) {
  const Reflection& reflection = *message.GetReflection();
  for (const FieldInfo& field : MessageTable::Of(message).members()) {
    SCOPED_TRACE(field.descriptor->full_name());
    if (field.is_map) {
      CopyMap(message, field, copy);
    } else if (field.repeated) {
      const int size = reflection.FieldSize(message, field.descriptor);
      ASSERT_EQ(access::Size(message, field), size);
      for (int i = 0; i < size; ++i) CopyElement(message, field, i, copy);
    } else {
      const bool has = reflection.HasField(message, field.descriptor);
      ASSERT_EQ(access::Has(message, field), has);
      ASSERT_TRUE(SameScalar(message, field));
      if (has) CopySingular(message, field, copy);
    }
  }
}

template <typename T>
void CheckType() {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    T object;
    FillRandomly(object, seed, 5);
    T copy;
    CheckAndCopy(object, copy);
    EXPECT_TRUE(MessageDifferencer::Equals(object, copy)) << seed;
    google::protobuf::Arena arena;
    auto* on_arena = google::protobuf::Arena::CreateMessage<T>(&arena);
    CheckAndCopy(object, *on_arena);
    EXPECT_TRUE(MessageDifferencer::Equals(object, *on_arena)) << seed;
    // Cleared messages keep their parts for reuse; filling them again must not mix up.
    copy.Clear();
    CheckAndCopy(object, copy);
    EXPECT_TRUE(MessageDifferencer::Equals(object, copy)) << seed;
  }
}

TEST(FieldAccessTest, AgreesWithReflection) {
  CheckType<core::Pod>();
  CheckType<core::Node>();
  CheckType<dra::ResourceSlice>();
  CheckType<
      k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition>();
}

}  // namespace
}  // namespace berth::api
