#include "api/json.h"

#include <cstring>
#include <memory>

#include <fmt/core.h>
#include <google/protobuf/message.h>
#include <simdjson.h>

#include "api/json_decoder.h"
#include "api/json_syntax.h"

namespace berth::api {
namespace {

namespace dom = simdjson::dom;

using google::protobuf::Message;

constexpr size_t kTextKeepBytes = size_t{1} << 20;

// A thread's parser and its copy of the text: simdjson reads past the end, so it needs padding.
class TextParser {
 public:
  // Valid until the next call in this thread.
  absl::Status Parse(std::string_view json, dom::element& root) {
    if (capacity_ < json.size() + simdjson::SIMDJSON_PADDING) {
      capacity_ = json.size() + json.size() / 2 + simdjson::SIMDJSON_PADDING;
      text_.reset(new char[capacity_]);
    }
    std::memcpy(text_.get(), json.data(), json.size());
    std::memset(text_.get() + json.size(), 0, simdjson::SIMDJSON_PADDING);
    const auto error = parser_.parse(text_.get(), json.size(), false).get(root);
    if (error == simdjson::SUCCESS) return absl::OkStatus();
    std::string why = DescribeJsonError(json);
    if (why.empty() && error == simdjson::NUMBER_ERROR) {
      const ReadableNumbers readable = WithReadableNumbers(json);
      if (readable.json != json) return Parse(readable.json, root);
    }
    if (why.empty() && error == simdjson::DEPTH_ERROR) why = "exceeded max depth";
    if (why.empty()) why = simdjson::error_message(error);
    return absl::InvalidArgumentError(why);
  }

  // Gives the memory of an unusually large text back.
  void Trim() {
    if (capacity_ <= kTextKeepBytes) return;
    parser_ = dom::parser();
    text_.reset();
    capacity_ = 0;
  }

 private:
  dom::parser parser_;
  std::unique_ptr<char[]> text_;
  size_t capacity_ = 0;
};

TextParser& ThreadParser() {
  thread_local TextParser parser;
  return parser;
}

absl::Status ReadIdentity(dom::element root, TypeIdentity& out) {
  dom::object object;
  if (root.get(object) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(fmt::format(
        "json: cannot unmarshal {} into Go value of type struct {{ APIVersion string "
        "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
        JsonWord(root)));
  }
  for (const dom::key_value_pair& member : object) {
    const bool is_kind = member.key == "kind";
    if (member.value.is_null() || (!is_kind && member.key != "apiVersion")) continue;
    std::string_view text;
    if (member.value.get(text) != simdjson::SUCCESS) {
      return absl::InvalidArgumentError(
          fmt::format("json: cannot unmarshal {} into Go struct field .{} of type string",
                      JsonWord(member.value), member.key));
    }
    (is_kind ? out.kind : out.api_version) = text;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status DecodeReport::StrictError() const {
  if (problems.empty()) return absl::OkStatus();
  std::string text = "strict decoding error: ";
  for (size_t i = 0; i < problems.size(); ++i) {
    if (i != 0) text += ", ";
    text += problems[i];
  }
  return absl::InvalidArgumentError(text);
}

absl::Status ParseJson(std::string_view json, Message& out, const DecodeOptions& options,
                       DecodeReport* report) {
  out.Clear();
  TextParser& parser = ThreadParser();
  dom::element root;
  absl::Status status = parser.Parse(json, root);
  if (status.ok()) status = DecodeElement(root, json, out, options, report);
  parser.Trim();
  return status;
}

absl::Status ParseJson(std::string_view json, Message& out) {
  return ParseJson(json, out, {}, nullptr);
}

std::string IndentJson(std::string_view json, size_t spaces) {
  std::string out;
  out.reserve(json.size() * 2);
  size_t depth = 0;
  bool in_string = false;
  const auto new_line = [&] {
    out += '\n';
    out.append(depth * spaces, ' ');
  };
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      out += c;
      if (c == '\\' && i + 1 < json.size()) out += json[++i];
      in_string = c != '"';
      continue;
    }
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') continue;
    const bool closes = c == '}' || c == ']';
    const bool opened = !out.empty() && (out.back() == '{' || out.back() == '[');
    if (closes && depth > 0) --depth;
    if (closes ? !opened : opened) new_line();
    out += c;
    in_string = c == '"';
    if (c == '{' || c == '[') ++depth;
    if (c == ',') new_line();
    if (c == ':') out += ' ';
  }
  return out;
}

absl::Status PeekType(std::string_view json, TypeIdentity& out) {
  TextParser& parser = ThreadParser();
  dom::element root;
  absl::Status status = parser.Parse(json, root);
  if (status.ok() && !root.is_null()) status = ReadIdentity(root, out);
  parser.Trim();
  return status;
}

}  // namespace berth::api
