// YAML in and out. In: every document becomes JSON text and goes the way of JSON, with the scalar
// rules of sigs.k8s.io/yaml (YAML 1.1: yes, no, on, off are booleans; quoted is always text). Out:
// the block form kubectl prints. JSON is YAML, so both readers take it.
// No exception leaves. Threads: pure functions. Not for hot paths: about 100 us per object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/json.h"

namespace berth::api {

// One JSON text per document; empty documents are left out. InvalidArgument `yaml: line 3: ...` for
// bad syntax, anchors that grow the text beyond all measure, and what JSON cannot say (.nan, a list
// as a key). A key given twice stays so: the JSON reader reports it.
absl::StatusOr<std::vector<std::string>> YamlToJson(std::string_view yaml);

// The first document as a message; an empty text counts as null. Errors of both readers.
absl::Status ParseYaml(std::string_view yaml, google::protobuf::Message& out,
                       const DecodeOptions& options, DecodeReport* report);

// Keys sorted, two spaces a level, list items under their key without indent, a newline at the end.
absl::StatusOr<std::string> JsonToYaml(std::string_view json);
std::string PrintYaml(const google::protobuf::Message& message, const PrintOptions& options);

}  // namespace berth::api
