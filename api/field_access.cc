#include "api/field_access.h"

#include <google/protobuf/generated_message_reflection.h>

#include "base/check.h"

#if GOOGLE_PROTOBUF_VERSION == 3021012
namespace google::protobuf {

// Reflection names this class a friend and leaves it to whoever needs the layout.
class MessageLayoutInspector {
 public:
  static const internal::ReflectionSchema& SchemaOf(const Reflection& reflection) {
    return reflection.schema_;
  }
};

}  // namespace google::protobuf
#endif

namespace berth::api {

void FindLayout(const google::protobuf::Reflection& reflection, FieldInfo& field) {
#if GOOGLE_PROTOBUF_VERSION == 3021012
  const auto& schema = google::protobuf::MessageLayoutInspector::SchemaOf(reflection);
  const google::protobuf::FieldDescriptor* descriptor = field.descriptor;
  // The forms generated code can give a field that plain offsets do not cover.
  BERTH_CHECK(descriptor->real_containing_oneof() == nullptr);
  BERTH_CHECK(!descriptor->is_extension());
  BERTH_CHECK(!schema.IsFieldInlined(descriptor));
  field.value_offset = schema.GetFieldOffset(descriptor);
  if (descriptor->is_repeated()) return;
  const uint32_t bit = schema.HasBitIndex(descriptor);
  BERTH_CHECK(schema.HasHasbits() && bit != ~uint32_t{0});
  field.presence_offset = schema.HasBitsOffset() + bit / 32 * 4;
  field.presence_mask = uint32_t{1} << (bit % 32);
#else
  (void)reflection;
  (void)field;
#endif
}

}  // namespace berth::api
