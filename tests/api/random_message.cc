#include "tests/api/random_message.h"

#include <array>
#include <string>

#include "api/message_table.h"
#include "api/quantity.h"
#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/intstr.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/quantity.pb.h"
#include "base/random.h"

namespace berth::api {
namespace {

namespace schema = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;

using google::protobuf::Message;
using google::protobuf::Reflection;

constexpr std::array<std::string_view, 10> kWords = {"a",
                                                     "web-1",
                                                     "kubernetes.io/hostname",
                                                     "x<y>&z",
                                                     "tab\tnew\nline",
                                                     "\"quoted\\\"",
                                                     "\xC3\xA9t\xC3\xA9",
                                                     "\xE2\x80\xA8",
                                                     "\xF0\x9F\x98\x80",
                                                     "a longer text than fits in place"};
constexpr std::array<std::string_view, 7> kQuantities = {"1",   "100m", "1536Mi", "2Gi",
                                                         "-5k", "1e3",  "373Ki"};
constexpr std::array<std::string_view, 4> kJson = {R"({"a":1})", R"([1,"x",null,true])", R"("s")",
                                                   R"({"f:x":{"k:{\"p\":1}":{}}})"};

class Filler {
 public:
  explicit Filler(uint64_t seed) : random_(seed) {}

  void Fill(Message& message, const MessageTable& table, int depth) {
    switch (table.form()) {
      case JSON_OBJECT:
        for (const FieldInfo& field : table.members()) {
          if (Below(2) == 0) FillField(message, table.reflection(), field, depth);
        }
        return;
      case JSON_QUANTITY:
        return static_cast<resource::Quantity&>(message).set_string(Pick(kQuantities));
      case JSON_TIME:
        return static_cast<meta::Time&>(message).set_seconds(Seconds());
      case JSON_MICRO_TIME:
        static_cast<meta::MicroTime&>(message).set_seconds(Seconds());
        return static_cast<meta::MicroTime&>(message).set_nanos(static_cast<int>(Below(1000000)) *
                                                                1000);
      case JSON_DURATION:
        return static_cast<meta::Duration&>(message).set_duration(
            static_cast<int64_t>(random_.Next() >> 1));
      case JSON_INT_OR_STRING:
        return FillIntOrString(static_cast<intstr::IntOrString&>(message));
      case JSON_RAW_JSON:
        return table.reflection().SetString(&message, table.descriptor().field(0), Pick(kJson));
      case JSON_STRING_LIST:
        return FillList(message, table.reflection(), table.members()[0], depth);
      default:
        return FillEither(message, table, depth);
    }
  }

 private:
  uint64_t Below(uint64_t limit) { return random_.Below(limit); }
  int64_t Seconds() { return static_cast<int64_t>(Below(4000000000)) + 1; }
  template <size_t N>
  std::string Pick(const std::array<std::string_view, N>& from) {
    return std::string(from[Below(N)]);
  }

  void FillIntOrString(intstr::IntOrString& value) {
    if (Below(2) == 0) {
      value.set_int_val(static_cast<int>(Below(70000)) + 1);
    } else {
      value.set_type(1);
      value.set_str_val(Pick(kWords));
    }
  }

  void FillEither(Message& message, const MessageTable& table, int depth) {
    const FieldInfo& other =
        table.members()[table.form() == JSON_SCHEMA_OR_BOOL ? 0 : 1];  // bool, or the list
    if (depth > 0 && Below(2) == 0) {
      if (table.form() == JSON_SCHEMA_OR_BOOL) {
        static_cast<schema::JSONSchemaPropsOrBool&>(message).set_allows(true);
      }
      const FieldInfo& schema_field = *table.Find("schema");
      Message* inner = table.reflection().MutableMessage(&message, schema_field.descriptor);
      return Fill(*inner, *schema_field.table, depth - 1);
    }
    if (other.repeated) return FillList(message, table.reflection(), other, depth - 1);
    static_cast<schema::JSONSchemaPropsOrBool&>(message).set_allows(Below(2) == 0);
  }

  void FillField(Message& message, const Reflection& reflection, const FieldInfo& field,
                 int depth) {
    if (field.is_map) return FillMap(message, field, depth);
    if (field.repeated) return FillList(message, reflection, field, depth);
    if (field.kind != FieldKind::kMessage) return FillScalar(message, reflection, field);
    if (depth <= 0) return;
    Message* inner = reflection.MutableMessage(&message, field.descriptor);
    Fill(*inner, *field.table, depth - 1);
    // Only a pointer tells absent from empty.
    if (!field.pointer && inner->ByteSizeLong() == 0) {
      reflection.ClearField(&message, field.descriptor);
    }
  }

  void FillScalar(Message& message, const Reflection& reflection, const FieldInfo& field) {
    const uint64_t low = field.pointer ? 0 : 1;  // zero needs a pointer to be seen
    switch (field.kind) {
      case FieldKind::kString:
        return reflection.SetString(&message, field.descriptor,
                                    field.pointer && Below(4) == 0 ? "" : Pick(kWords));
      case FieldKind::kBytes:
        return reflection.SetString(&message, field.descriptor,
                                    std::string(Below(7) + 1, static_cast<char>(Below(256))));
      case FieldKind::kBool:
        return reflection.SetBool(&message, field.descriptor, !field.pointer || Below(2) == 0);
      case FieldKind::kInt32:
        return reflection.SetInt32(&message, field.descriptor,
                                   static_cast<int32_t>(Below(100000) + low));
      case FieldKind::kInt64:
        return reflection.SetInt64(&message, field.descriptor,
                                   static_cast<int64_t>((random_.Next() >> 1) | low));
      case FieldKind::kDouble:
        return reflection.SetDouble(&message, field.descriptor,
                                    static_cast<double>(Below(1000) + low) / 8);
      case FieldKind::kMessage:
        return;
    }
  }

  void FillList(Message& message, const Reflection& reflection, const FieldInfo& field, int depth) {
    for (uint64_t i = Below(3) + 1; i > 0; --i) {
      switch (field.kind) {
        case FieldKind::kString:
          reflection.AddString(&message, field.descriptor, Pick(kWords));
          break;
        case FieldKind::kBytes:
          reflection.AddString(&message, field.descriptor, "\x01\xff");
          break;
        case FieldKind::kBool:
          reflection.AddBool(&message, field.descriptor, Below(2) == 0);
          break;
        case FieldKind::kInt32:
          reflection.AddInt32(&message, field.descriptor, static_cast<int32_t>(Below(9)));
          break;
        case FieldKind::kInt64:
          reflection.AddInt64(&message, field.descriptor, -static_cast<int64_t>(Below(1 << 30)));
          break;
        case FieldKind::kDouble:
          reflection.AddDouble(&message, field.descriptor, 0.5);
          break;
        case FieldKind::kMessage: {
          // At the bottom an empty element stands for the rest.
          Message* added = reflection.AddMessage(&message, field.descriptor);
          if (depth > 0) Fill(*added, *field.table, depth - 1);
          break;
        }
      }
    }
  }

  void FillMap(Message& message, const FieldInfo& field, int depth) {
    if (field.kind == FieldKind::kMessage && depth <= 0) return;
    for (uint64_t i = Below(4) + 1; i > 0; --i) {
      const MutableMapEntry entry = field.map->Insert(message, Pick(kWords));
      if (entry.text != nullptr) *entry.text = Pick(kWords);
      if (entry.message != nullptr) {
        entry.message->Clear();
        Fill(*entry.message, *field.table, depth - 1);
      }
    }
  }

  Random random_;
};

}  // namespace

void FillRandomly(Message& message, uint64_t seed, int depth) {
  Filler(seed).Fill(message, MessageTable::Of(message), depth);
}

}  // namespace berth::api
