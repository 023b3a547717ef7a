#include "bench/scheduler_perf/fields.h"

#include <utility>

#include <fmt/core.h>

namespace berth::bench {

using api::JsonValue;
using Kind = JsonValue::Kind;

Fields::Fields(const JsonValue& object, std::string where)
    : object_(object), where_(std::move(where)) {
  if (!object_.is_object()) Fail("must be an object");
}

const JsonValue* Fields::Find(const char* key) {
  seen_.insert(key);
  if (!object_.is_object()) return nullptr;
  const JsonValue* found = object_.Find(key);
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::string Fields::Text(const char* key) {
  const JsonValue* value = Find(key);
  if (value == nullptr) return {};
  if (value->is_string()) return value->string();
  Fail(fmt::format("{} must be a string", key));
  return {};
}

bool Fields::Bool(const char* key) {
  const JsonValue* value = Find(key);
  if (value == nullptr) return false;
  if (value->kind() == Kind::kBool) return value->bool_value();
  Fail(fmt::format("{} must be true or false", key));
  return false;
}

int64_t Fields::Whole(const char* key) {
  const JsonValue* value = Find(key);
  if (value == nullptr) return 0;
  if (value->kind() == Kind::kInt) return value->int_value();
  Fail(fmt::format("{} must be a whole number", key));
  return 0;
}

double Fields::Number(const char* key) {
  const JsonValue* value = Find(key);
  if (value == nullptr) return 0;
  if (value->kind() == Kind::kInt) return static_cast<double>(value->int_value());
  if (value->kind() == Kind::kDouble) return value->double_value();
  Fail(fmt::format("{} must be a number", key));
  return 0;
}

const JsonValue::Array& Fields::List(const char* key) {
  static const JsonValue::Array none;
  const JsonValue* value = Find(key);
  if (value == nullptr) return none;
  if (value->is_array()) return value->array();
  Fail(fmt::format("{} must be a list", key));
  return none;
}

const JsonValue::Object& Fields::Object(const char* key) {
  static const JsonValue::Object none;
  const JsonValue* value = Find(key);
  if (value == nullptr) return none;
  if (value->is_object()) return value->object();
  Fail(fmt::format("{} must be an object", key));
  return none;
}

std::vector<std::string> Fields::Texts(const char* key) {
  std::vector<std::string> out;
  for (const JsonValue& item : List(key)) {
    if (!item.is_string()) {
      Fail(fmt::format("{} must be a list of strings", key));
      return out;
    }
    out.push_back(item.string());
  }
  return out;
}

std::map<std::string, std::string> Fields::TextMap(const char* key) {
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : Object(key)) out[name] = ScalarText(value);
  return out;
}

std::map<std::string, bool> Fields::BoolMap(const char* key) {
  std::map<std::string, bool> out;
  for (const auto& [name, value] : Object(key)) {
    if (value.kind() != Kind::kBool) {
      Fail(fmt::format("{}.{} must be true or false", key, name));
      return out;
    }
    out[name] = value.bool_value();
  }
  return out;
}

std::string Fields::Param(const char* key) {
  const std::string param = Text(key);
  if (param.empty()) return {};
  if (param[0] == '$' && param.size() > 1) return param.substr(1);
  Fail(fmt::format("{} must begin with $", key));
  return {};
}

Count Fields::Number(const char* key, const char* param_key) {
  Count count;
  count.value = Whole(key);
  if (count.value < 0) {
    std::string name(key);
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
    Fail(fmt::format("invalid {}={} / {}Param=\"{}\"", name, count.value, name, Text(param_key)));
  }
  std::string param = Param(param_key);
  if (count.value == 0) count.param = std::move(param);
  return count;
}

void Fields::Fail(const std::string& what) {
  if (error_.ok()) error_ = absl::InvalidArgumentError(where_ + ": " + what);
}

void Fields::Adopt(const absl::Status& status) { error_.Update(status); }

absl::Status Fields::Finish() {
  if (!error_.ok() || !object_.is_object()) return error_;
  for (const auto& [name, value] : object_.object()) {
    if (!seen_.contains(name)) Fail(fmt::format("unknown field \"{}\"", name));
  }
  return error_;
}

std::string ScalarText(const JsonValue& value) {
  return value.is_string() ? value.string() : value.ToText();
}

}  // namespace berth::bench
