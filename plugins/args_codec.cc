#include "plugins/args_codec.h"

#include <cmath>

#include <fmt/core.h>

#include "api/errors.h"

namespace berth::plugins {
namespace {

// "profiles[0].plugins" -> "profiles.plugins": Go's type errors name no indexes.
std::string WithoutIndexes(std::string_view path) {
  std::string out;
  bool inside = false;
  for (char c : path) {
    if (c == '[') inside = true;
    if (!inside) out += c;
    if (c == ']') inside = false;
  }
  return out;
}

}  // namespace

void DecodeProblems::WrongType(const std::string& path, std::string_view found,
                               std::string_view wanted) {
  if (path.empty()) {
    wrong_.push_back(fmt::format("json: cannot unmarshal {} into Go value of type {}", found,
                                 type_name_));
  } else {
    wrong_.push_back(fmt::format("json: cannot unmarshal {} into Go struct field {}.{} of type {}",
                                 found, type_name_, WithoutIndexes(path), wanted));
  }
}

std::string DecodeProblems::WrongText() const {
  std::string out;
  for (const std::string& text : wrong_) {
    if (!out.empty()) out += ", ";
    out += text;
  }
  return out;
}

std::string DecodeProblems::StrictText() const {
  std::vector<std::string> unknown = unknown_;
  std::sort(unknown.begin(), unknown.end());
  std::string out;
  const auto append = [&](std::string_view what, const std::string& path) {
    out += out.empty() ? "strict decoding error: " : ", ";
    out += fmt::format("{} field {}", what, api::GoQuoted(path));
  };
  for (const std::string& path : duplicate_) append("duplicate", path);
  for (const std::string& path : unknown) append("unknown", path);
  return out;
}

namespace codec {
namespace {

void DecodeInteger(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                  int64_t min, int64_t max, std::string_view type, int64_t& out) {
  if (value.kind() != api::JsonValue::Kind::kInt || value.int_value() < min ||
      value.int_value() > max) {
    return problems.WrongType(path, Describe(value), type);
  }
  out = value.int_value();
}

}  // namespace

std::string Describe(const api::JsonValue& value) {
  switch (value.kind()) {
    case api::JsonValue::Kind::kNull: return "null";
    case api::JsonValue::Kind::kBool: return "bool";
    case api::JsonValue::Kind::kInt:
    case api::JsonValue::Kind::kDouble: return "number " + value.ToText();
    case api::JsonValue::Kind::kString: return "string";
    case api::JsonValue::Kind::kArray: return "array";
    case api::JsonValue::Kind::kObject: return "object";
  }
  return "value";
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                bool& out) {
  if (value.kind() != api::JsonValue::Kind::kBool) {
    return problems.WrongType(path, Describe(value), "bool");
  }
  out = value.bool_value();
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                int32_t& out) {
  int64_t wide = out;
  DecodeInteger(value, path, problems, std::numeric_limits<int32_t>::min(),
                std::numeric_limits<int32_t>::max(), "int32", wide);
  out = static_cast<int32_t>(wide);
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                int64_t& out) {
  DecodeInteger(value, path, problems, std::numeric_limits<int64_t>::min(),
                std::numeric_limits<int64_t>::max(), "int64", out);
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                double& out) {
  if (value.kind() == api::JsonValue::Kind::kInt) {
    out = static_cast<double>(value.int_value());
  } else if (value.kind() == api::JsonValue::Kind::kDouble) {
    out = value.double_value();
  } else {
    problems.WrongType(path, Describe(value), "float32");
  }
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                std::string& out) {
  if (!value.is_string()) return problems.WrongType(path, Describe(value), "string");
  out = value.string();
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                absl::Duration& out) {
  if (!value.is_string()) return problems.WrongType(path, Describe(value), "string");
  auto nanos = api::ParseDuration(value.string());
  if (!nanos.ok()) {
    problems.Malformed(path + ": " + std::string(nanos.status().message()));
    return;
  }
  out = absl::Nanoseconds(*nanos);
}

void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                StringPairs& out) {
  if (!value.is_object()) return problems.WrongType(path, Describe(value), "map[string]string");
  out.clear();
  for (const auto& [name, member] : value.object()) {
    std::string text;
    DecodeLeaf(member, Join(path, name), problems, text);
    out.emplace_back(name, std::move(text));
  }
}

api::JsonValue EncodeLeaf(bool value) { return api::JsonValue(value); }
api::JsonValue EncodeLeaf(int32_t value) { return api::JsonValue(int64_t{value}); }
api::JsonValue EncodeLeaf(int64_t value) { return api::JsonValue(value); }
api::JsonValue EncodeLeaf(const std::string& value) { return api::JsonValue(value); }

api::JsonValue EncodeLeaf(double value) {
  if (std::nearbyint(value) == value && std::fabs(value) < 1e15) {
    return api::JsonValue(static_cast<int64_t>(value));
  }
  return api::JsonValue(value);
}

api::JsonValue EncodeLeaf(absl::Duration value) {
  return api::JsonValue(api::FormatDuration(absl::ToInt64Nanoseconds(value)));
}

api::JsonValue EncodeLeaf(const StringPairs& value) {
  api::JsonValue out = api::JsonValue::EmptyObject();
  for (const auto& [name, text] : value) out.Set(name, api::JsonValue(text));
  return out;
}

}  // namespace codec
}  // namespace berth::plugins
