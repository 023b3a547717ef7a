#include "api/json_value.h"

#include <algorithm>
#include <memory>

#include <fmt/core.h>
#include <simdjson.h>

#include "api/json_syntax.h"
#include "api/json_writer.h"

namespace berth::api {
namespace {

constexpr size_t kKeptBytesMax = 64 << 10;

absl::Status NotJson(simdjson::error_code error) {
  return absl::InvalidArgumentError(simdjson::error_message(error));
}

JsonValue Convert(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::ARRAY: {
      const simdjson::dom::array from = element.get_array().value_unsafe();
      JsonValue::Array out;
      out.reserve(from.size());
      for (const auto item : from) out.push_back(Convert(item));
      return JsonValue(std::move(out));
    }
    case element_type::OBJECT: {
      const simdjson::dom::object from = element.get_object().value_unsafe();
      JsonValue out = JsonValue::EmptyObject();
      for (const auto field : from) out.Set(field.key, Convert(field.value));
      return out;
    }
    case element_type::INT64: return JsonValue(element.get_int64().value_unsafe());
    case element_type::UINT64:
      return JsonValue(static_cast<double>(element.get_uint64().value_unsafe()));
    case element_type::DOUBLE: return JsonValue(element.get_double().value_unsafe());
    case element_type::STRING:
      return JsonValue(std::string(element.get_string().value_unsafe()));
    case element_type::BOOL: return JsonValue(element.get_bool().value_unsafe());
    case element_type::NULL_VALUE: break;
  }
  return JsonValue();
}

void Write(const JsonValue& value, JsonWriter& out) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull: return out.Raw("null");
    case JsonValue::Kind::kBool: return out.Raw(value.bool_value() ? "true" : "false");
    case JsonValue::Kind::kInt: return out.Int(value.int_value());
    case JsonValue::Kind::kDouble: return out.Double(value.double_value());
    case JsonValue::Kind::kString: return out.String(value.string());
    case JsonValue::Kind::kArray: {
      out.Char('[');
      bool first = true;
      for (const JsonValue& item : value.array()) {
        if (!first) out.Char(',');
        first = false;
        Write(item, out);
      }
      return out.Char(']');
    }
    case JsonValue::Kind::kObject: {
      out.Char('{');
      bool first = true;
      for (const auto& [name, member] : value.object()) {
        if (!first) out.Char(',');
        first = false;
        out.String(name);
        out.Char(':');
        Write(member, out);
      }
      return out.Char('}');
    }
  }
}

void WriteGo(const JsonValue& value, std::string& out) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull: out.append("<nil>"); return;
    case JsonValue::Kind::kString: out.append(value.string()); return;
    case JsonValue::Kind::kArray: {
      out.append("[");
      bool first = true;
      for (const JsonValue& item : value.array()) {
        if (!first) out.append(" ");
        first = false;
        WriteGo(item, out);
      }
      out.append("]");
      return;
    }
    case JsonValue::Kind::kObject: {
      out.append("map[");
      bool first = true;
      for (const auto& [name, member] : value.object()) {
        if (!first) out.append(" ");
        first = false;
        out.append(name).append(":");
        WriteGo(member, out);
      }
      out.append("]");
      return;
    }
    default: out.append(value.ToText());
  }
}

}  // namespace

absl::StatusOr<JsonValue> JsonValue::Parse(std::string_view text) {
  // Kept for the next text, unless this one was large.
  static thread_local std::unique_ptr<simdjson::dom::parser> kept;
  std::unique_ptr<simdjson::dom::parser> large;
  auto& owner = text.size() > kKeptBytesMax ? large : kept;
  if (owner == nullptr) {
    owner = std::make_unique<simdjson::dom::parser>();
    const size_t capacity = std::max(text.size(), kKeptBytesMax);
    if (const auto error = owner->allocate(capacity, kJsonNestingMax)) return NotJson(error);
  }
  simdjson::dom::parser& parser = *owner;
  simdjson::dom::element root;
  const auto error = parser.parse(text.data(), text.size()).get(root);
  if (error == simdjson::NUMBER_ERROR && DescribeJsonError(text).empty()) {
    const ReadableNumbers readable = WithReadableNumbers(text);
    if (!readable.out_of_range.empty()) {
      return absl::InvalidArgumentError(
          fmt::format("json: cannot unmarshal number {} into Go value of type float64",
                      readable.out_of_range));
    }
    if (readable.json != text) return Parse(readable.json);
  }
  if (error != simdjson::SUCCESS) return NotJson(error);
  return Convert(root);
}

const JsonValue* JsonValue::Find(std::string_view name) const {
  const auto it = object().find(name);
  return it == object().end() ? nullptr : &it->second;
}

JsonValue* JsonValue::Find(std::string_view name) {
  return const_cast<JsonValue*>(std::as_const(*this).Find(name));
}

JsonValue& JsonValue::Set(std::string_view name, JsonValue value) {
  return object().insert_or_assign(std::string(name), std::move(value)).first->second;
}

bool JsonValue::Erase(std::string_view name) {
  const auto it = object().find(name);
  if (it == object().end()) return false;
  object().erase(it);
  return true;
}

JsonValue JsonValue::Take(std::string_view name) {
  const auto it = object().find(name);
  if (it == object().end()) return JsonValue();
  JsonValue out = std::move(it->second);
  object().erase(it);
  return out;
}

std::string JsonValue::ToText() const {
  JsonWriter writer;
  Write(*this, writer);
  return std::string(writer.text());
}

std::string JsonValue::ToGoText() const {
  std::string out;
  WriteGo(*this, out);
  return out;
}

bool operator==(const JsonValue& a, const JsonValue& b) {
  using Kind = JsonValue::Kind;
  if (a.kind() == Kind::kInt && b.kind() == Kind::kDouble) {
    return static_cast<double>(a.int_value()) == b.double_value();
  }
  if (a.kind() == Kind::kDouble && b.kind() == Kind::kInt) return b == a;
  if (a.kind() != b.kind()) return false;
  return a.value_ == b.value_;
}

std::string JsonQuoted(std::string_view text) { return JsonValue(std::string(text)).ToText(); }

}  // namespace berth::api
