// Kubernetes JSON to messages and back, driven by the tables of api/message_table.h.
//
// What is printed, and when an empty field is left out, null, "" or {}, is what Go's encoding/json
// makes of upstream's types. Thread-safe: each thread has its own parser and buffer. Printing is
// read-only. Cost: about 5 us a way for a 2 KB pod; bench/micro/codec_benchmark.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "api/fwd.h"

namespace berth::api {

struct DecodeOptions {
  // Collect unknown and duplicate fields in the report; the caller refuses, warns or ignores.
  bool collect_problems = true;
};

struct DecodeReport {
  std::string api_version;  // of the top-level object; empty when it has none
  std::string kind;
  // `unknown field "spec.foo"`, `duplicate field "spec.bar"`, in document order, 100 at most.
  std::vector<std::string> problems;

  // OK, or InvalidArgument `strict decoding error: unknown field "a", duplicate field "b"`.
  absl::Status StrictError() const;
};

// Replaces `out` by what `json` says. InvalidArgument when the text is not JSON, or a value has the
// wrong type (`json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type
// bool`); `out` is then unspecified but valid. kind and apiVersion are not checked against `out`:
// they go to the report. `report` may be null.
absl::Status ParseJson(std::string_view json, google::protobuf::Message& out,
                       const DecodeOptions& options, DecodeReport* report);
absl::Status ParseJson(std::string_view json, google::protobuf::Message& out);

struct PrintOptions {
  // Printed first when not empty, as the message itself does not carry them.
  std::string_view api_version = {};
  std::string_view kind = {};
  // For lists: what every item shows. Upstream leaves both out there; kubectl's List has them.
  std::string_view item_api_version = {};
  std::string_view item_kind = {};
};

// Appends. Map keys are sorted. No white space and no newline at the end.
void PrintJson(const google::protobuf::Message& message, std::string& out,
               const PrintOptions& options);
void PrintJson(const google::protobuf::Message& message, std::string& out);

// Only the two identifying fields of a JSON object, without a message to put it in. Errors as
// ParseJson's for malformed text and for something other than an object.
struct TypeIdentity {
  std::string api_version;
  std::string kind;
};
absl::Status PeekType(std::string_view json, TypeIdentity& out);

// The same JSON with four spaces a level (kubectl's and the server's ?pretty=true form).
std::string IndentJson(std::string_view json, size_t spaces = 4);

}  // namespace berth::api
