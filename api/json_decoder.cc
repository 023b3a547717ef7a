#include "api/json_decoder.h"

#include <bitset>
#include <limits>
#include <utility>

#include <fmt/core.h>
#include <google/protobuf/message.h>

#include "api/duration.h"
#include "api/field_access.h"
#include "api/json_syntax.h"
#include "api/json_writer.h"
#include "api/message_table.h"
#include "api/quantity.h"
#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/intstr.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/quantity.pb.h"
#include "api/time_text.h"

namespace berth::api {
namespace {

namespace dom = simdjson::dom;
namespace schema = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;

using google::protobuf::Message;

constexpr size_t kProblemsMax = 100;
// Protobuf refuses to read messages nested deeper than 100, so such objects must not get in.
constexpr int kMessageDepthMax = 98;

// Where the decoder stands; the chain lives on the stack and becomes text only in errors.
struct Step {
  const Step* up = nullptr;
  std::string_view key = {};            // of an object; empty for an element of a list
  size_t index = 0;                     // of a list
  const MessageTable* owner = nullptr;  // the type whose field `key` is; null for map keys
  const FieldInfo* field = nullptr;
};

void AppendPath(const Step* step, bool with_indices, std::string& out) {
  if (step == nullptr || step->up == nullptr) return;
  AppendPath(step->up, with_indices, out);
  if (step->key.data() == nullptr) {
    if (with_indices) out += fmt::format("[{}]", step->index);
    return;
  }
  if (!out.empty()) out += '.';
  out += step->key;
}

std::string NumberText(dom::element value) {
  if (value.is_uint64() && !value.is_int64()) return std::to_string(uint64_t(value));
  JsonWriter writer;
  if (value.is_int64()) {
    writer.Int(int64_t(value));
  } else {
    writer.Double(double(value));
  }
  return std::string(writer.text());
}

std::string_view TrimSpace(std::string_view text) {
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Walks one document. Every function answers whether to go on; the first failure is kept. Zero
// values of non-pointer fields are left unset, so equal objects have equal bytes.
class Decoder {
 public:
  Decoder(std::string_view json, const DecodeOptions& options, DecodeReport* report)
      : json_(json), report_(report), collect_(report != nullptr && options.collect_problems) {}

  bool Root(dom::element root, Message& out, const MessageTable& table) {
    const Step at;
    if (root.is_null()) return true;
    return Value(root, out, table, at, 0);
  }

  absl::Status error() && { return std::move(error_); }

 private:
  // --- objects, lists, maps ---

  bool Object(dom::object object, Message& out, const MessageTable& table, const Step& at,
              int depth) {
    if (depth > kMessageDepthMax) return Fail("exceeded max depth");
    const FieldInfo* const first = table.fields().data();
    std::bitset<MessageTable::kFieldsMax> seen, left_empty;
    bool any = false;
    for (const dom::key_value_pair& member : object) {
      const FieldInfo* field = table.Find(member.key);
      const Step step{&at, member.key, 0, &table, field};
      if (field == nullptr) {
        if (!TypeField(member.value, table, step, depth)) return false;
        continue;
      }
      const auto index = static_cast<size_t>(field - first);
      if (seen[index]) [[unlikely]] {
        Problem("duplicate field", step);
        ForgetFirst(out, *field);
      }
      seen[index] = true;
      if (SaysNothing(member.value, *field)) continue;
      Message& holder = field->holder_count == 0 ? out : MutableHolderOf(out, *field);
      if (!Field(member.value, holder, *field, step, depth)) return false;
      if (field->holder_count != 0) left_empty[index] = !filled_;
      any = any || filled_;
    }
    for (size_t index = 0; left_empty.any(); ++index) {
      if (!left_empty[index]) continue;
      left_empty[index] = false;
      DropEmptyHolders(out, first[index]);
    }
    filled_ = any;
    return true;
  }

  // A zero value must not leave the inline messages around it behind.
  static void DropEmptyHolders(Message& out, const FieldInfo& field) {
    FieldInfo at = field;
    for (; at.holder_count != 0; --at.holder_count) {
      if (HolderOf(out, at).ByteSizeLong() != 0) return;
      FieldInfo outer = at;
      --outer.holder_count;
      Message& owner = MutableHolderOf(out, outer);
      owner.GetReflection()->ClearField(&owner, at.holders[outer.holder_count]->descriptor);
    }
  }

  // A repeated key: the later list replaces, objects and maps merge, as in Go.
  static void ForgetFirst(Message& out, const FieldInfo& field) {
    if (field.repeated || field.kind != FieldKind::kMessage) {
      if (field.is_map) return;
      Message& holder = MutableHolderOf(out, field);
      holder.GetReflection()->ClearField(&holder, field.descriptor);
    }
  }

  bool TypeField(dom::element value, const MessageTable& table, const Step& step, int depth) {
    const bool is_kind = step.key == "kind";
    if (!table.typed() || (!is_kind && step.key != "apiVersion")) {
      Problem("unknown field", step);
      return true;
    }
    std::string_view text;
    if (value.is_null()) return true;
    if (value.get(text) != simdjson::SUCCESS) return WrongType(value, step, "string");
    if (depth == 0 && report_ != nullptr) {
      std::string& seen = is_kind ? report_->kind : report_->api_version;
      if (!seen.empty()) Problem("duplicate field", step);
      seen = text;
    }
    return true;
  }

  // Null, or the zero value of a field that has no presence of its own.
  static bool SaysNothing(dom::element value, const FieldInfo& field) {
    switch (value.type()) {
      case dom::element_type::NULL_VALUE:
        return true;
      case dom::element_type::ARRAY:
        return field.repeated && dom::array(value).begin() == dom::array(value).end();
      case dom::element_type::OBJECT:
        return field.is_map && dom::object(value).begin() == dom::object(value).end();
      case dom::element_type::STRING:
        return field.kind == FieldKind::kString && !field.pointer && !field.repeated &&
               std::string_view(value).empty();
      case dom::element_type::BOOL:
        return field.kind == FieldKind::kBool && !field.pointer && !field.repeated && !bool(value);
      case dom::element_type::INT64:
        return (field.kind == FieldKind::kInt32 || field.kind == FieldKind::kInt64) &&
               !field.pointer && !field.repeated && int64_t(value) == 0;
      default:
        return false;
    }
  }

  bool Field(dom::element value, Message& out, const FieldInfo& field, const Step& step,
             int depth) {
    filled_ = true;
    if (field.is_map) return Map(value, out, field, step, depth);
    if (field.repeated) return List(value, out, field, step, depth);
    if (field.kind != FieldKind::kMessage) return Scalar(value, out, field, step);
    Message& inner = access::MutableMessage(out, field);
    if (!Value(value, inner, *field.table, step, depth + 1)) return false;
    if (field.pointer) {
      filled_ = true;
    } else if (!filled_) {
      out.GetReflection()->ClearField(&out, field.descriptor);
    }
    return true;
  }

  bool List(dom::element value, Message& out, const FieldInfo& field, const Step& at, int depth) {
    dom::array items;
    if (value.get(items) != simdjson::SUCCESS) return WrongType(value, at, GoTypeOf(field));
    size_t index = 0;
    for (dom::element item : items) {
      const Step step{&at, {}, index++, at.owner, at.field};
      if (field.kind != FieldKind::kMessage) {
        if (!AddScalar(item, out, field, step)) return false;
        continue;
      }
      Message& added = access::AddMessage(out, field);
      if (item.is_null()) continue;
      if (!Value(item, added, *field.table, step, depth + 1)) return false;
    }
    filled_ = true;
    return true;
  }

  bool Map(dom::element value, Message& out, const FieldInfo& field, const Step& at, int depth) {
    dom::object members;
    if (value.get(members) != simdjson::SUCCESS) return WrongType(value, at, GoTypeOf(field));
    for (const dom::key_value_pair& member : members) {
      const Step step{&at, member.key, 0, at.owner, at.field};
      const MutableMapEntry entry = field.map->Insert(out, std::string(member.key));
      if (!entry.inserted) [[unlikely]]
        Problem("duplicate field", step);
      if (member.value.is_null()) continue;
      if (entry.message != nullptr) {
        // An entry is a message of its own around the value.
        if (!Value(member.value, *entry.message, *field.table, step, depth + 2)) return false;
        filled_ = true;
        continue;
      }
      std::string_view text;
      if (member.value.get(text) != simdjson::SUCCESS) {
        return WrongType(member.value, step,
                         field.kind == FieldKind::kBytes ? "[]uint8" : "string");
      }
      if (field.kind == FieldKind::kString) {
        entry.text->assign(text);
      } else if (!Bytes(text, *entry.text)) {
        return false;
      }
    }
    return true;
  }

  // --- scalars ---

  bool Scalar(dom::element value, Message& out, const FieldInfo& field, const Step& step) {
    switch (field.kind) {
      case FieldKind::kString: {
        std::string_view text;
        if (value.get(text) != simdjson::SUCCESS) return WrongType(value, step, "string");
        access::SetString(out, field, text);
        return true;
      }
      case FieldKind::kBytes: {
        std::string_view text;
        std::string bytes;
        if (value.get(text) != simdjson::SUCCESS) return WrongType(value, step, "[]uint8");
        if (!Bytes(text, bytes)) return false;
        access::SetString(out, field, bytes);
        return true;
      }
      case FieldKind::kBool: {
        bool flag = false;
        if (value.get(flag) != simdjson::SUCCESS) return WrongType(value, step, "bool");
        access::SetNumber<bool>(out, field, flag);
        return true;
      }
      case FieldKind::kInt32: {
        int32_t number = 0;
        if (!Int32(value, number, step)) return false;
        access::SetNumber<int32_t>(out, field, number);
        return true;
      }
      case FieldKind::kInt64: {
        int64_t number = 0;
        if (!Int64(value, number, step)) return false;
        access::SetNumber<int64_t>(out, field, number);
        return true;
      }
      case FieldKind::kDouble: {
        double number = 0;
        if (value.get(number) != simdjson::SUCCESS) return WrongType(value, step, "float64");
        access::SetNumber<double>(out, field, number);
        return true;
      }
      case FieldKind::kMessage:
        break;
    }
    return true;
  }

  bool AddScalar(dom::element value, Message& out, const FieldInfo& field, const Step& step) {
    const bool null = value.is_null();  // counts as the zero value
    switch (field.kind) {
      case FieldKind::kString:
      case FieldKind::kBytes: {
        std::string_view text;
        if (!null && value.get(text) != simdjson::SUCCESS) {
          return WrongType(value, step, field.kind == FieldKind::kBytes ? "[]uint8" : "string");
        }
        std::string bytes;
        if (field.kind == FieldKind::kBytes) {
          if (!Bytes(text, bytes)) return false;
          text = bytes;
        }
        access::AddString(out, field, text);
        return true;
      }
      case FieldKind::kBool: {
        bool flag = false;
        if (!null && value.get(flag) != simdjson::SUCCESS) return WrongType(value, step, "bool");
        access::AddNumber<bool>(out, field, flag);
        return true;
      }
      case FieldKind::kInt32: {
        int32_t number = 0;
        if (!null && !Int32(value, number, step)) return false;
        access::AddNumber<int32_t>(out, field, number);
        return true;
      }
      case FieldKind::kInt64: {
        int64_t number = 0;
        if (!null && !Int64(value, number, step)) return false;
        access::AddNumber<int64_t>(out, field, number);
        return true;
      }
      case FieldKind::kDouble: {
        double number = 0;
        if (!null && value.get(number) != simdjson::SUCCESS) {
          return WrongType(value, step, "float64");
        }
        access::AddNumber<double>(out, field, number);
        return true;
      }
      case FieldKind::kMessage:
        break;
    }
    return true;
  }

  bool Int64(dom::element value, int64_t& out, const Step& step) {
    if (value.is_int64()) {
      out = int64_t(value);
      return true;
    }
    return value.is_number() ? BadNumber(value, step, "int64") : WrongType(value, step, "int64");
  }

  bool Int32(dom::element value, int32_t& out, const Step& step) {
    if (!value.is_number()) return WrongType(value, step, "int32");
    const int64_t number = value.is_int64() ? int64_t(value) : std::numeric_limits<int64_t>::max();
    if (number < std::numeric_limits<int32_t>::min() ||
        number > std::numeric_limits<int32_t>::max()) {
      return BadNumber(value, step, "int32");
    }
    out = static_cast<int32_t>(number);
    return true;
  }

  bool Bytes(std::string_view text, std::string& out) {
    size_t bad_at = 0;
    std::string decoded;
    if (!DecodeBase64(text, decoded, bad_at)) {
      return Fail(fmt::format("illegal base64 data at input byte {}", bad_at));
    }
    out = std::move(decoded);
    return true;
  }

  // --- messages by form ---

  bool Value(dom::element value, Message& out, const MessageTable& table, const Step& at,
             int depth) {
    filled_ = true;
    switch (table.form()) {
      case JSON_OBJECT: {
        dom::object object;
        if (value.get(object) != simdjson::SUCCESS) return WrongType(value, at, table.GoName());
        return Object(object, out, table, at, depth);
      }
      case JSON_QUANTITY:
        return ReadQuantity(value, static_cast<resource::Quantity&>(out));
      case JSON_TIME:
        return ReadTime(value, static_cast<meta::Time&>(out));
      case JSON_MICRO_TIME:
        return ReadMicroTime(value, static_cast<meta::MicroTime&>(out));
      case JSON_INT_OR_STRING:
        return ReadIntOrString(value, static_cast<intstr::IntOrString&>(out), at);
      case JSON_DURATION:
        return ReadDuration(value, static_cast<meta::Duration&>(out));
      case JSON_RAW_JSON:
        access::SetString(out, table.members()[0], simdjson::minify(value));
        return true;
      case JSON_STRING_LIST:
        return List(value, out, table.members()[0], at, depth);
      default:
        return SchemaForm(value, out, table, at, depth);
    }
  }

  bool ReadQuantity(dom::element value, resource::Quantity& out) {
    std::string_view text;
    std::string number;
    if (value.get(text) != simdjson::SUCCESS) {
      number = value.is_number() ? NumberText(value) : "?";  // "?" fails as any other word would
      text = number;
    }
    auto canonical = CanonicalQuantityText(TrimSpace(text));
    if (!canonical.ok()) return Fail(canonical.status().message());
    filled_ = *canonical != "0";
    out.set_string(*std::move(canonical));
    return true;
  }

  bool ReadTime(dom::element value, meta::Time& out) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return WrongValue(value, "string");
    auto instant = ParseTime(text);
    if (!instant.ok()) return Fail(instant.status().message());
    out.set_seconds(instant->seconds);
    filled_ = !IsZeroTime(out);
    if (!filled_) out.Clear();
    return true;
  }

  bool ReadMicroTime(dom::element value, meta::MicroTime& out) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return WrongValue(value, "string");
    auto instant = ParseMicroTime(text);
    if (!instant.ok()) return Fail(instant.status().message());
    out.set_seconds(instant->seconds);
    out.set_nanos(instant->nanos);
    filled_ = !IsZeroTime(out);
    if (!filled_) out.Clear();
    return true;
  }

  bool ReadDuration(dom::element value, meta::Duration& out) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS) return WrongValue(value, "string");
    auto nanos = ParseDuration(text);
    if (!nanos.ok()) return Fail(nanos.status().message());
    out.set_duration(*nanos);
    return true;
  }

  bool ReadIntOrString(dom::element value, intstr::IntOrString& out, const Step& at) {
    std::string_view text;
    out.Clear();
    if (value.get(text) == simdjson::SUCCESS) {
      out.set_type(1);
      out.set_str_val(std::string(text));
      return true;
    }
    if (!value.is_number()) return WrongValue(value, "int32");
    int32_t number = 0;
    if (!Int32(value, number, at)) return false;
    filled_ = number != 0;
    if (filled_) out.set_int_val(number);
    return true;
  }

  bool SchemaForm(dom::element value, Message& out, const MessageTable& table, const Step& at,
                  int depth) {
    switch (table.form()) {
      case JSON_SCHEMA_OR_ARRAY: {
        auto& either = static_cast<schema::JSONSchemaPropsOrArray&>(out);
        if (value.is_array()) return List(value, out, table.members()[1], at, depth);
        return Schema(value, *either.mutable_schema(), at, depth);
      }
      case JSON_SCHEMA_OR_BOOL: {
        auto& either = static_cast<schema::JSONSchemaPropsOrBool&>(out);
        bool allows = true;
        if (value.get(allows) != simdjson::SUCCESS) {
          if (!Schema(value, *either.mutable_schema(), at, depth)) return false;
          filled_ = allows = true;
        }
        either.set_allows(allows);
        return true;
      }
      default: {
        auto& either = static_cast<schema::JSONSchemaPropsOrStringArray&>(out);
        if (value.is_array()) return List(value, out, table.members()[1], at, depth);
        return Schema(value, *either.mutable_schema(), at, depth);
      }
    }
  }

  bool Schema(dom::element value, schema::JSONSchemaProps& out, const Step& at, int depth) {
    return Value(value, out, MessageTable::Of(out), at, depth + 1);
  }

  // --- what goes wrong ---

  bool Fail(absl::string_view text) {
    error_ = absl::InvalidArgumentError(text);
    return false;
  }

  bool WrongType(dom::element value, const Step& step, std::string_view go_type) {
    return Mismatch(JsonWord(value), step, go_type);
  }

  bool BadNumber(dom::element value, const Step& step, std::string_view go_type) {
    const std::string_view written =
        value.is_double() ? NumberLiteral(json_, double(value)) : std::string_view();
    return Mismatch(fmt::format("number {}", written.empty() ? NumberText(value) : written), step,
                    go_type);
  }

  // What a type with a JSON form of its own says: it does not know its field.
  bool WrongValue(dom::element value, std::string_view go_type) {
    return Fail(fmt::format("json: cannot unmarshal {} into Go value of type {}", JsonWord(value),
                            go_type));
  }

  bool Mismatch(std::string_view what, const Step& step, std::string_view go_type) {
    if (step.up == nullptr) {
      return Fail(fmt::format("json: cannot unmarshal {} into Go value of type {}", what, go_type));
    }
    std::string path;
    AppendPath(&step, false, path);
    const std::string owner = step.owner == nullptr ? "" : step.owner->descriptor().name();
    return Fail(fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}", what,
                            owner, path, go_type));
  }

  void Problem(std::string_view what, const Step& step) {
    if (!collect_ || report_->problems.size() >= kProblemsMax) return;
    std::string path;
    AppendPath(&step, true, path);
    report_->problems.push_back(fmt::format("{} \"{}\"", what, path));
  }

  const std::string_view json_;
  DecodeReport* report_;
  bool collect_;
  bool filled_ = false;  // the value just read is not the zero value of its type
  absl::Status error_;
};

}  // namespace

std::string_view JsonWord(dom::element value) {
  switch (value.type()) {
    case dom::element_type::STRING:
      return "string";
    case dom::element_type::OBJECT:
      return "object";
    case dom::element_type::ARRAY:
      return "array";
    case dom::element_type::BOOL:
      return "bool";
    case dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "number";
  }
}

absl::Status DecodeElement(dom::element root, std::string_view json, Message& out,
                           const DecodeOptions& options, DecodeReport* report) {
  Decoder decoder(json, options, report);
  if (decoder.Root(root, out, MessageTable::Of(out))) return absl::OkStatus();
  return std::move(decoder).error();
}

}  // namespace berth::api
