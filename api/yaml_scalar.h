// What an unquoted YAML scalar means. Shared by the reader, which needs the value, and the writer,
// which must quote a text that would read back as something else. Pure.
// Source: go-yaml v2 resolve.go, whose rules sigs.k8s.io/yaml keeps.
#pragma once

#include <cstdint>
#include <string_view>

namespace berth::api {

struct YamlScalar {
  enum class Kind : uint8_t { kString, kNull, kBool, kInt, kUint, kDouble, kTimestamp, kMerge };
  Kind kind = Kind::kString;
  bool flag = false;
  int64_t integer = 0;
  uint64_t unsigned_integer = 0;  // beyond int64
  double number = 0;              // may be infinite or NaN
};

YamlScalar ResolveYamlScalar(std::string_view text);

// "1:20", which YAML 1.1 reads as sixty times one and twenty.
bool IsBase60(std::string_view text);

}  // namespace berth::api
