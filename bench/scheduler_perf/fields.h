// Reads the members of one JSON object strictly: remembers which were asked for, and complains
// about the others, and about the first one of a wrong type.
//
//   Fields fields(json, "Basic: op 2");
//   op.namespace_name = fields.Text("namespace");
//   BERTH_RETURN_IF_ERROR(fields.Finish());
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "api/json_value.h"

namespace berth::bench {

// A number written out, or "$name" of a workload's parameter.
struct Count {
  int64_t value = 0;
  std::string param;  // without the '$'; empty: value
};

// Threads: one. The document must outlive it.
class Fields {
 public:
  Fields(const api::JsonValue& object, std::string where);

  // Null when it is absent, or null.
  const api::JsonValue* Find(const char* key);
  // Absent: empty, false, 0.
  std::string Text(const char* key);
  bool Bool(const char* key);
  int64_t Whole(const char* key);
  double Number(const char* key);
  const api::JsonValue::Array& List(const char* key);
  const api::JsonValue::Object& Object(const char* key);
  std::vector<std::string> Texts(const char* key);
  std::map<std::string, std::string> TextMap(const char* key);
  std::map<std::string, bool> BoolMap(const char* key);
  // "$name" without the '$'; empty when absent.
  std::string Param(const char* key);
  // The literal, or `...Param` with "$name"; a literal 0 beside a parameter means the parameter.
  // Below zero is `invalid <Name>=-1 / <Name>Param=""`.
  Count Number(const char* key, const char* param_key);

  // The first one counts.
  void Fail(const std::string& what);
  const std::string& where() const { return where_; }
  // Takes over what went wrong in a part.
  void Adopt(const absl::Status& status);
  // Every member was asked for, and nothing failed.
  absl::Status Finish();

 private:
  const api::JsonValue& object_;
  std::string where_;
  std::set<std::string, std::less<>> seen_;
  absl::Status error_;
};

// A string without its quotes, anything else as JSON.
std::string ScalarText(const api::JsonValue& value);

}  // namespace berth::bench
