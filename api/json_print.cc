#include <algorithm>
#include <string>
#include <vector>

#include <google/protobuf/message.h>

#include "api/duration.h"
#include "api/field_access.h"
#include "api/json.h"
#include "api/json_syntax.h"
#include "api/json_writer.h"
#include "api/message_table.h"
#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/intstr.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/quantity.pb.h"
#include "api/time_text.h"

namespace berth::api {
namespace {

namespace schema = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;

using google::protobuf::Message;

constexpr size_t kPrintBufferKeepBytes = size_t{1} << 20;

struct TypeLabel {
  std::string_view api_version;
  std::string_view kind;
};

class Printer {
 public:
  std::string_view text() const { return out_.text(); }
  void Clear() { out_.Clear(kPrintBufferKeepBytes); }

  void Object(const Message& message, const MessageTable& table, const TypeLabel& label,
              const TypeLabel& item_label) {
    out_.Char('{');
    if (!label.kind.empty()) Pair("\"kind\":", label.kind);
    if (!label.api_version.empty()) Pair("\"apiVersion\":", label.api_version);
    Members(message, table, item_label);
    Close('}');
  }

  void Value(const Message& message, const MessageTable& table) {
    switch (table.form()) {
      case JSON_OBJECT:
        return Object(message, table, {}, {});
      case JSON_QUANTITY:
        return PrintQuantity(static_cast<const resource::Quantity&>(message));
      case JSON_TIME:
        return PrintTime(static_cast<const meta::Time&>(message));
      case JSON_MICRO_TIME:
        return PrintMicroTime(static_cast<const meta::MicroTime&>(message));
      case JSON_DURATION:
        return out_.String(FormatDuration(static_cast<const meta::Duration&>(message).duration()));
      case JSON_INT_OR_STRING:
        return PrintIntOrString(static_cast<const intstr::IntOrString&>(message));
      default:
        return RareForm(message, table);
    }
  }

 private:
  void Pair(std::string_view quoted_name, std::string_view text) {
    out_.Raw(quoted_name);
    out_.String(text);
    out_.Char(',');
  }

  // Ends an object or list whose members each left a comma behind.
  void Close(char bracket) {
    if (out_.last() == ',') {
      out_.ReplaceLast(bracket);
    } else {
      out_.Char(bracket);
    }
  }

  void Null(const FieldInfo& field) {
    out_.Raw(field.quoted_name);
    out_.Raw("null,");
  }

  void Members(const Message& message, const MessageTable& table, const TypeLabel& item_label) {
    for (const FieldInfo& field : table.members()) {
      if (field.is_map) {
        Map(message, field);
      } else if (field.repeated) {
        List(message, field, item_label);
      } else if (field.kind == FieldKind::kMessage) {
        Nested(message, field);
      } else {
        Scalar(message, field);
      }
    }
  }

  void Nested(const Message& message, const FieldInfo& field) {
    if (field.pointer && !access::Has(message, field)) {
      if (!field.omitempty) Null(field);
      return;
    }
    const Message& inner = access::GetMessage(message, field);
    if (field.is_inline) return Members(inner, *field.table, {});
    if (field.omitzero && IsZero(inner, *field.table)) return;
    const JsonForm form = field.table->form();
    if (form == JSON_STRING_LIST && field.omitempty && IsZero(inner, *field.table)) return;
    out_.Raw(field.quoted_name);
    Value(inner, *field.table);
    out_.Char(',');
  }

  static bool IsZero(const Message& message, const MessageTable& table) {
    if (table.form() == JSON_TIME) return IsZeroTime(static_cast<const meta::Time&>(message));
    return message.ByteSizeLong() == 0;
  }

  void Scalar(const Message& message, const FieldInfo& field) {
    if (field.pointer && !access::Has(message, field)) {
      if (!field.omitempty) Null(field);
      return;
    }
    const bool skip_zero = field.omitempty && !field.pointer;
    switch (field.kind) {
      case FieldKind::kString: {
        const std::string& text = access::GetString(message, field);
        if (skip_zero && text.empty()) return;
        out_.Raw(field.quoted_name);
        out_.String(text);
        break;
      }
      case FieldKind::kBytes: {
        const std::string& bytes = access::GetString(message, field);
        if (skip_zero && bytes.empty()) return;
        if (!access::Has(message, field)) return Null(field);
        out_.Raw(field.quoted_name);
        out_.Base64(bytes);
        break;
      }
      case FieldKind::kBool: {
        const bool value = access::GetNumber<bool>(message, field);
        if (skip_zero && !value) return;
        out_.Raw(field.quoted_name);
        out_.Raw(value ? "true" : "false");
        break;
      }
      case FieldKind::kInt32:
        return Number(access::GetNumber<int32_t>(message, field), field);
      case FieldKind::kInt64:
        return Number(access::GetNumber<int64_t>(message, field), field);
      case FieldKind::kDouble: {
        const double value = access::GetNumber<double>(message, field);
        if (skip_zero && value == 0) return;
        out_.Raw(field.quoted_name);
        out_.Double(value);
        break;
      }
      case FieldKind::kMessage:
        return;
    }
    out_.Char(',');
  }

  void Number(int64_t value, const FieldInfo& field) {
    if (field.omitempty && !field.pointer && value == 0) return;
    out_.Raw(field.quoted_name);
    out_.Int(value);
    out_.Char(',');
  }

  void List(const Message& message, const FieldInfo& field, const TypeLabel& item_label) {
    const int size = access::Size(message, field);
    if (size == 0) {
      if (field.omitempty) return;
      if (!field.list_items) return Null(field);
    }
    out_.Raw(field.quoted_name);
    out_.Char('[');
    if (field.kind == FieldKind::kMessage) {
      TypeLabel label = field.list_items ? item_label : TypeLabel{};
      if (field.facts->has_embedded_type()) {
        const std::string_view type = field.facts->embedded_type();
        label = {type.substr(0, type.rfind('/')), type.substr(type.rfind('/') + 1)};
      }
      for (int i = 0; i < size; ++i) {
        const Message& item = access::MessageAt(message, field, i);
        if (field.table->form() == JSON_OBJECT) {
          Object(item, *field.table, label, {});
        } else {
          Value(item, *field.table);
        }
        out_.Char(',');
      }
    } else {
      for (int i = 0; i < size; ++i) Element(message, field, i);
    }
    Close(']');
    out_.Char(',');
  }

  void Element(const Message& message, const FieldInfo& field, int i) {
    switch (field.kind) {
      case FieldKind::kString:
        out_.String(access::StringAt(message, field, i));
        break;
      case FieldKind::kBytes:
        out_.Base64(access::StringAt(message, field, i));
        break;
      case FieldKind::kBool:
        out_.Raw(access::NumberAt<bool>(message, field, i) ? "true" : "false");
        break;
      case FieldKind::kInt32:
        out_.Int(access::NumberAt<int32_t>(message, field, i));
        break;
      case FieldKind::kInt64:
        out_.Int(access::NumberAt<int64_t>(message, field, i));
        break;
      case FieldKind::kDouble:
        out_.Double(access::NumberAt<double>(message, field, i));
        break;
      case FieldKind::kMessage:
        return;
    }
    out_.Char(',');
  }

  void Map(const Message& message, const FieldInfo& field) {
    if (field.map->Size(message) == 0) {
      if (!field.omitempty) Null(field);
      return;
    }
    // Maps may nest (a schema in a schema), so the entries of this one stand above its owner's.
    const size_t start = entries_.size();
    field.map->Collect(message, entries_);
    std::sort(entries_.begin() + static_cast<std::ptrdiff_t>(start), entries_.end(),
              [](const MapEntry& a, const MapEntry& b) { return *a.key < *b.key; });
    out_.Raw(field.quoted_name);
    out_.Char('{');
    for (size_t i = start; i < entries_.size(); ++i) {
      const MapEntry entry = entries_[i];
      out_.String(*entry.key);
      out_.Char(':');
      if (entry.message != nullptr) {
        Value(*entry.message, *field.table);
      } else if (field.kind == FieldKind::kBytes) {
        out_.Base64(*entry.text);
      } else {
        out_.String(*entry.text);
      }
      out_.Char(',');
    }
    entries_.resize(start);
    Close('}');
    out_.Char(',');
  }

  void PrintQuantity(const resource::Quantity& quantity) {
    // Stored text is canonical unless another client wrote it; a bad one is shown as it is.
    const std::string& text = quantity.string();
    if (text.empty()) return out_.Raw("\"0\"");
    out_.String(text);
  }

  void PrintTime(const meta::Time& time) {
    if (IsZeroTime(time)) return out_.Raw("null");
    char* out = out_.Reserve(kTimeTextMax + 2);
    *out = '"';
    out = WriteTime(time.seconds(), out + 1);
    *out = '"';
    out_.Advance(out + 1);
  }

  void PrintMicroTime(const meta::MicroTime& time) {
    if (IsZeroTime(time)) return out_.Raw("null");
    char* out = out_.Reserve(kTimeTextMax + 2);
    *out = '"';
    out = WriteMicroTime(time.seconds(), time.nanos(), out + 1);
    *out = '"';
    out_.Advance(out + 1);
  }

  void PrintIntOrString(const intstr::IntOrString& value) {
    if (value.type() == 0) return out_.Int(value.int_val());
    out_.String(value.str_val());
  }

  void RareForm(const Message& message, const MessageTable& table) {
    switch (table.form()) {
      case JSON_RAW_JSON: {
        const std::string& raw = access::GetString(message, table.members()[0]);
        // Protobuf clients may put anything here; what is printed must stay JSON.
        if (raw.empty() || !DescribeJsonError(raw).empty()) return out_.Raw("null");
        return out_.Compact(raw);
      }
      case JSON_STRING_LIST: {
        const FieldInfo& items = table.members()[0];
        const int size = access::Size(message, items);
        if (size == 0) return out_.Raw("null");
        out_.Char('[');
        for (int i = 0; i < size; ++i) Element(message, items, i);
        return Close(']');
      }
      default:
        return SchemaForm(message, table.form());
    }
  }

  // The "this or that" types of a custom resource's schema.
  void SchemaForm(const Message& message, JsonForm form) {
    if (form == JSON_SCHEMA_OR_BOOL) {
      const auto& either = static_cast<const schema::JSONSchemaPropsOrBool&>(message);
      if (either.has_schema()) return MaybeSchema(true, either.schema());
      return out_.Raw(either.allows() ? "true" : "false");
    }
    if (form == JSON_SCHEMA_OR_ARRAY) {
      const auto& either = static_cast<const schema::JSONSchemaPropsOrArray&>(message);
      if (either.json_schemas_size() == 0) return MaybeSchema(either.has_schema(), either.schema());
      out_.Char('[');
      for (const auto& item : either.json_schemas()) {
        Value(item, MessageTable::Of(item));
        out_.Char(',');
      }
      return Close(']');
    }
    const auto& either = static_cast<const schema::JSONSchemaPropsOrStringArray&>(message);
    if (either.property_size() == 0) return MaybeSchema(either.has_schema(), either.schema());
    out_.Char('[');
    for (const std::string& name : either.property()) {
      out_.String(name);
      out_.Char(',');
    }
    Close(']');
  }

  void MaybeSchema(bool present, const schema::JSONSchemaProps& schema) {
    if (!present) return out_.Raw("null");
    Value(schema, MessageTable::Of(schema));
  }

  JsonWriter out_;
  std::vector<MapEntry> entries_;
};

}  // namespace

void PrintJson(const Message& message, std::string& out, const PrintOptions& options) {
  thread_local Printer printer;
  const MessageTable& table = MessageTable::Of(message);
  if (table.form() == JSON_OBJECT) {
    printer.Object(message, table, {options.api_version, options.kind},
                   {options.item_api_version, options.item_kind});
  } else {
    printer.Value(message, table);
  }
  out.append(printer.text());
  printer.Clear();
}

void PrintJson(const Message& message, std::string& out) { PrintJson(message, out, {}); }

}  // namespace berth::api
