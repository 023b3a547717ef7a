#include <algorithm>
#include <vector>

#include <fmt/core.h>

#include "api/ascii.h"
#include "api/json_value.h"
#include "api/json_writer.h"
#include "api/yaml.h"
#include "api/yaml_scalar.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace berth::api {
namespace {

bool IsKeyLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<uint8_t>(c) >= 0x80;
}

// The run of digits at `at` as a number, wrapping as Go's int64 does; moves `at` behind it.
uint64_t NumberAt(std::string_view text, size_t& at, uint64_t start) {
  uint64_t number = start;
  while (at < text.size() && IsAsciiDigit(text[at])) {
    number = number * 10 + static_cast<uint64_t>(text[at++] - '0');
  }
  return number;
}

// go-yaml's order of keys: letters after everything else, numbers by value (a2 before a10).
bool KeyLess(std::string_view a, std::string_view b) {
  bool digits = false;
  for (size_t i = 0; i < a.size() && i < b.size(); ++i) {
    if (a[i] == b[i]) {
      digits = IsAsciiDigit(a[i]);
      continue;
    }
    const bool a_letter = IsKeyLetter(a[i]);
    const bool b_letter = IsKeyLetter(b[i]);
    if (a_letter && b_letter) return static_cast<uint8_t>(a[i]) < static_cast<uint8_t>(b[i]);
    if (a_letter || b_letter) return digits ? a_letter : b_letter;
    uint64_t start = 0;
    if (a[i] == '0' || b[i] == '0') {
      for (size_t j = i; j > 0 && IsAsciiDigit(a[j - 1]); --j) {
        if (a[j - 1] != '0') start = 1;
      }
    }
    size_t a_end = i;
    size_t b_end = i;
    const uint64_t a_number = NumberAt(a, a_end, start);
    const uint64_t b_number = NumberAt(b, b_end, start);
    if (a_number != b_number) return a_number < b_number;
    if (a_end != b_end) return a_end < b_end;
    return static_cast<uint8_t>(a[i]) < static_cast<uint8_t>(b[i]);
  }
  return a.size() < b.size();
}

// How a text may be written. What YAML's emitter finds out before it chooses.
struct Shape {
  bool plain = true;
  bool single_quoted = true;
  bool literal = true;
};

bool IsYamlSpace(char c) { return c == ' ' || c == '\n'; }

Shape ShapeOf(std::string_view text) {
  Shape shape;
  if (text.empty()) return {false, true, false};
  constexpr std::string_view kFirst = "#,[]{}&*!|>'\"%@`";
  if (kFirst.find(text[0]) != std::string_view::npos) shape.plain = false;
  if (text.starts_with("---") || text.starts_with("...")) shape.plain = false;
  if (IsYamlSpace(text.front()) || IsYamlSpace(text.back())) shape.plain = false;
  if (text.back() == ' ') shape.literal = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool space_after = i + 1 == text.size() || IsYamlSpace(text[i + 1]);
    if (c == ':' && space_after) shape.plain = false;
    if ((c == '?' || c == '-') && i == 0 && space_after) shape.plain = false;
    if (c == '#' && i > 0 && IsYamlSpace(text[i - 1])) shape.plain = false;
    if (c == '\n') shape.plain = shape.single_quoted = false;
    if (c == ' ' && i + 1 < text.size() && text[i + 1] == '\n') shape.literal = false;
    const auto byte = static_cast<uint8_t>(c);
    const bool special =
        (byte < 0x20 && c != '\n') || byte == 0x7f ||
        (byte == 0xEF && text.substr(i).starts_with("\xEF\xBB\xBF")) ||
        (byte == 0xC2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xA0);
    if (special) return {false, false, false};
  }
  return shape;
}

class Emitter {
 public:
  void Document(const JsonValue& value) {
    if (IsBlock(value)) {
      Block(value, 0, false);
    } else {
      Scalar(value, 0);
      out_ += '\n';
    }
  }

  std::string Take() { return std::move(out_); }

 private:
  static bool IsBlock(const JsonValue& value) {
    return (value.is_object() && !value.object().empty()) ||
           (value.is_array() && !value.array().empty());
  }

  void Indent(size_t columns) { out_.append(columns, ' '); }

  // `open`: the first line already has its indent (it follows "- ").
  void Block(const JsonValue& value, size_t indent, bool open) {
    if (value.is_array()) {
      for (const JsonValue& item : value.array()) {
        if (!open) Indent(indent);
        open = false;
        out_ += "- ";
        if (IsBlock(item)) {
          Block(item, indent + 2, true);
        } else {
          Scalar(item, indent + 2);
          out_ += '\n';
        }
      }
      return;
    }
    std::vector<const JsonValue::Object::value_type*> members;
    for (const auto& member : value.object()) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return KeyLess(a->first, b->first); });
    for (const auto* member : members) {
      if (!open) Indent(indent);
      open = false;
      Text(member->first, 0, true);
      out_ += ':';
      Member(member->second, indent);
    }
  }

  void Member(const JsonValue& value, size_t indent) {
    if (!IsBlock(value)) {
      out_ += ' ';
      Scalar(value, indent + 2);
      out_ += '\n';
      return;
    }
    out_ += '\n';
    Block(value, value.is_array() ? indent : indent + 2, false);
  }

  void Scalar(const JsonValue& value, size_t indent) {
    if (value.is_string()) return Text(value.string(), indent, false);
    out_ += value.ToText();  // null, true, 1, {}, []
  }

  void Text(std::string_view text, size_t indent, bool is_key) {
    const Shape shape = ShapeOf(text);
    if (text.find('\n') != std::string_view::npos && !is_key && shape.literal) {
      return Literal(text, indent);
    }
    const bool reads_as_text =
        ResolveYamlScalar(text).kind == YamlScalar::Kind::kString && !IsBase60(text);
    if (!reads_as_text || !(shape.plain || shape.single_quoted)) return DoubleQuoted(text);
    if (shape.plain) {
      out_ += text;
      return;
    }
    out_ += '\'';
    for (char c : text) {
      out_ += c;
      if (c == '\'') out_ += c;
    }
    out_ += '\'';
  }

  void Literal(std::string_view text, size_t indent) {
    out_ += '|';
    if (IsYamlSpace(text.front())) out_ += '2';
    if (text.back() != '\n') {
      out_ += '-';
    } else if (text.size() == 1 || text[text.size() - 2] == '\n') {
      out_ += '+';
    }
    if (text.back() == '\n') text.remove_suffix(1);
    while (true) {
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      out_ += '\n';
      if (!line.empty()) Indent(indent);
      out_ += line;
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }

  void DoubleQuoted(std::string_view text) {
    out_ += '"';
    for (size_t i = 0; i < text.size(); ++i) {
      const char c = text[i];
      const auto byte = static_cast<uint8_t>(c);
      switch (c) {
        case '"':
          out_ += "\\\"";
          break;
        case '\\':
          out_ += "\\\\";
          break;
        case '\n':
          out_ += "\\n";
          break;
        case '\r':
          out_ += "\\r";
          break;
        case '\t':
          out_ += "\\t";
          break;
        case '\b':
          out_ += "\\b";
          break;
        case '\f':
          out_ += "\\f";
          break;
        case '\0':
          out_ += "\\0";
          break;
        default:
          if (byte < 0x20 || byte == 0x7f) {
            out_ += fmt::format("\\x{:02X}", static_cast<unsigned>(byte));
          } else if (byte == 0xC2 && i + 1 < text.size() &&
                     static_cast<uint8_t>(text[i + 1]) < 0xA0) {
            out_ +=
                fmt::format("\\x{:02X}", static_cast<unsigned>(static_cast<uint8_t>(text[++i])));
          } else {
            out_ += c;
          }
      }
    }
    out_ += '"';
  }

  std::string out_;
};

}  // namespace

absl::StatusOr<std::string> JsonToYaml(std::string_view json) {
  BERTH_ASSIGN_OR_RETURN(JsonValue value, JsonValue::Parse(json));
  Emitter emitter;
  emitter.Document(value);
  return emitter.Take();
}

std::string PrintYaml(const google::protobuf::Message& message, const PrintOptions& options) {
  std::string json;
  PrintJson(message, json, options);
  auto yaml = JsonToYaml(json);
  BERTH_CHECK(yaml.ok());  // PrintJson's text is always JSON
  return *std::move(yaml);
}

}  // namespace berth::api
