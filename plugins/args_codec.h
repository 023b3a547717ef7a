// Structs to and from JSON, field by field: the codec of configuration files.
//
// A struct is described once, beside its definition, and found by argument-dependent lookup:
//   template <typename V> void VisitFields(V& visit, InterPodAffinityArgs& args) {
//     visit("hardPodAffinityWeight", args.hard_pod_affinity_weight, Emit::kOmitEmpty);
//   }
//   DecodeProblems problems("InterPodAffinityArgs");
//   InterPodAffinityArgs args = Decode<InterPodAffinityArgs>(json, problems);
//
// Fields may be bool, int32_t, int64_t, double, string, absl::Duration, JsonValue (raw), another
// struct, std::optional or std::vector of these, and a vector of string pairs (a map of strings).
// null leaves a field as it is. Decoding collects every unknown field and every value of the wrong
// type; the caller decides. Rules are those of Go's encoding/json, names case-sensitive.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "api/duration.h"
#include "api/json_value.h"

namespace berth::plugins {

// Go's `omitempty`: left out when false, 0, "", an empty list, or an absent optional.
enum class Emit : uint8_t { kAlways, kOmitEmpty };

class DecodeProblems {
 public:
  explicit DecodeProblems(std::string_view type_name) : type_name_(type_name) {}

  void Unknown(const std::string& path) { unknown_.push_back(path); }
  void Duplicate(const std::string& path) { duplicate_.push_back(path); }
  // `found` as Go names JSON values: "string", "number 1.5", "object".
  void WrongType(const std::string& path, std::string_view found, std::string_view wanted);
  void Malformed(std::string text) { wrong_.push_back(std::move(text)); }

  bool empty() const { return unknown_.empty() && duplicate_.empty() && wrong_.empty(); }
  // Values of the wrong type, joined; empty when there are none.
  std::string WrongText() const;
  // "strict decoding error: unknown field ..., ..."; empty when there are none.
  std::string StrictText() const;

 private:
  std::string type_name_;
  std::vector<std::string> unknown_, duplicate_, wrong_;
};

namespace codec {

std::string Describe(const api::JsonValue& value);  // for WrongType

inline std::string Join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}
inline std::string Index(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};
template <typename T>
struct IsOptional : std::false_type {};
template <typename T>
struct IsOptional<std::optional<T>> : std::true_type {};
using StringPairs = std::vector<std::pair<std::string, std::string>>;

// Leaves: bool, int32_t, int64_t, double, string, Duration, StringPairs.
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                bool& out);
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                int32_t& out);
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                int64_t& out);
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                double& out);
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                std::string& out);
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                absl::Duration& out);
void DecodeLeaf(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                StringPairs& out);
api::JsonValue EncodeLeaf(bool value);
api::JsonValue EncodeLeaf(int32_t value);
api::JsonValue EncodeLeaf(int64_t value);
api::JsonValue EncodeLeaf(double value);  // whole numbers without a point
api::JsonValue EncodeLeaf(const std::string& value);
api::JsonValue EncodeLeaf(absl::Duration value);
api::JsonValue EncodeLeaf(const StringPairs& value);

template <typename T>
constexpr bool kIsLeaf = std::is_arithmetic_v<T> || std::is_same_v<T, std::string> ||
                         std::is_same_v<T, absl::Duration> || std::is_same_v<T, StringPairs>;

template <typename T>
void DecodeValue(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                 T& out);
template <typename T>
api::JsonValue EncodeValue(const T& value);

class FieldDecoder {
 public:
  FieldDecoder(const api::JsonValue& object, const std::string& path, DecodeProblems& problems)
      : object_(object), path_(path), problems_(problems) {}
  template <typename T>
  void operator()(std::string_view name, T& field, Emit) {
    known_.push_back(name);
    const api::JsonValue* value = object_.Find(name);
    if (value != nullptr && !value->is_null()) {
      DecodeValue(*value, Join(path_, name), problems_, field);
    }
  }
  void Ignore(std::string_view name) { known_.push_back(name); }
  void Finish() {
    for (const auto& [name, value] : object_.object()) {
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        problems_.Unknown(Join(path_, name));
      }
    }
  }

 private:
  const api::JsonValue& object_;
  const std::string& path_;
  DecodeProblems& problems_;
  std::vector<std::string_view> known_;
};

template <typename T>
void DecodeValue(const api::JsonValue& value, const std::string& path, DecodeProblems& problems,
                 T& out) {
  if constexpr (kIsLeaf<T>) {
    DecodeLeaf(value, path, problems, out);
  } else if constexpr (std::is_same_v<T, api::JsonValue>) {
    out = value;
  } else if constexpr (IsOptional<T>::value) {
    if (!out) out.emplace();
    DecodeValue(value, path, problems, *out);
  } else if constexpr (IsVector<T>::value) {
    if (!value.is_array()) return problems.WrongType(path, Describe(value), "list");
    out.clear();
    for (size_t i = 0; i < value.array().size(); ++i) {
      out.emplace_back();
      const api::JsonValue& item = value.array()[i];
      if (!item.is_null()) DecodeValue(item, Index(path, i), problems, out.back());
    }
  } else {
    if (!value.is_object()) return problems.WrongType(path, Describe(value), "object");
    FieldDecoder visit(value, path, problems);
    VisitFields(visit, out);
    visit.Finish();
  }
}

template <typename T>
bool IsEmptyValue(const T& value) {
  if constexpr (IsOptional<T>::value) {
    return !value.has_value();
  } else if constexpr (IsVector<T>::value || std::is_same_v<T, std::string>) {
    return value.empty();
  } else if constexpr (std::is_arithmetic_v<T>) {
    return value == T{};
  } else if constexpr (std::is_same_v<T, api::JsonValue>) {
    return value.is_null();
  } else {
    return false;  // structs and durations are always printed, as in Go
  }
}

class FieldEncoder {
 public:
  template <typename T>
  void operator()(std::string_view name, T& field, Emit emit) {
    if (emit == Emit::kOmitEmpty && IsEmptyValue(field)) return;
    object_.Set(name, EncodeValue(field));
  }
  void Ignore(std::string_view) {}
  api::JsonValue Take() { return std::move(object_); }

 private:
  api::JsonValue object_ = api::JsonValue::EmptyObject();
};

template <typename T>
api::JsonValue EncodeValue(const T& value) {
  if constexpr (kIsLeaf<T>) {
    return EncodeLeaf(value);
  } else if constexpr (std::is_same_v<T, api::JsonValue>) {
    return value;
  } else if constexpr (IsOptional<T>::value) {
    return value ? EncodeValue(*value) : api::JsonValue();
  } else if constexpr (IsVector<T>::value) {
    api::JsonValue::Array out;
    for (const auto& item : value) out.push_back(EncodeValue(item));
    return api::JsonValue(std::move(out));
  } else {
    FieldEncoder visit;
    T copy = value;
    VisitFields(visit, copy);
    return visit.Take();
  }
}

}  // namespace codec

// A whole struct from an object. apiVersion and kind at its top are the caller's to check.
template <typename T>
T Decode(const api::JsonValue& object, DecodeProblems& problems) {
  T out{};
  if (!object.is_object()) {
    problems.WrongType("", codec::Describe(object), "object");
    return out;
  }
  const std::string path;
  codec::FieldDecoder visit(object, path, problems);
  visit.Ignore("apiVersion");
  visit.Ignore("kind");
  VisitFields(visit, out);
  visit.Finish();
  return out;
}

template <typename T>
api::JsonValue Encode(const T& value) {
  return codec::EncodeValue(value);
}

}  // namespace berth::plugins
