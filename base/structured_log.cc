#include "base/structured_log.h"

#include <fmt/core.h>

namespace berth {
namespace {

std::string_view BaseName(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

// As Go and JSON agree to quote; control characters as the one or the other.
void AppendQuoted(std::string& out, std::string_view text, bool json) {
  out.push_back('"');
  for (const char c : text) {
    switch (c) {
      case '"': out.append("\\\""); break;
      case '\\': out.append("\\\\"); break;
      case '\n': out.append("\\n"); break;
      case '\r': out.append("\\r"); break;
      case '\t': out.append("\\t"); break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) {
          out.push_back(c);
        } else {
          const unsigned byte = static_cast<unsigned char>(c);
          out.append(json ? fmt::format("\\u{:04x}", byte) : fmt::format("\\x{:02x}", byte));
        }
    }
  }
  out.push_back('"');
}

void AppendList(std::string& out, const std::vector<std::string>& list) {
  out.push_back('[');
  for (const std::string& item : list) {
    if (out.back() != '[') out.push_back(',');
    AppendQuoted(out, item, /*json=*/true);
  }
  out.push_back(']');
}

// Lines are shown as lines, indented by a tab; the end by a space, so that no line can be it.
void AppendLines(std::string& out, std::string_view text) {
  out.append("<\n");
  while (!text.empty()) {
    const size_t end = text.find('\n');
    out.append("\t").append(text.substr(0, end)).append("\n");
    text = end == text.npos ? std::string_view() : text.substr(end + 1);
  }
  out.append(" >");
}

}  // namespace

void LogValue::AppendText(std::string& out) const {
  if (const auto* text = std::get_if<std::string_view>(&value_)) {
    if (text->find('\n') != text->npos) return AppendLines(out, *text);
    return AppendQuoted(out, *text, /*json=*/false);
  }
  AppendJson(out);
}

void LogValue::AppendJson(std::string& out) const {
  if (const auto* text = std::get_if<std::string_view>(&value_)) {
    AppendQuoted(out, *text, /*json=*/true);
  } else if (const auto* number = std::get_if<int64_t>(&value_)) {
    out.append(std::to_string(*number));
  } else if (const auto* flag = std::get_if<bool>(&value_)) {
    out.append(*flag ? "true" : "false");
  } else {
    AppendList(out, *std::get<const std::vector<std::string>*>(value_));
  }
}

std::string EntryText(std::string_view message, const std::string_view* error,
                      std::initializer_list<LogField> fields) {
  std::string out;
  AppendQuoted(out, message, /*json=*/false);
  if (error != nullptr) {
    out.append(" err=");
    LogValue(*error).AppendText(out);
  }
  for (const LogField& field : fields) {
    out.append(" ").append(field.key).append("=");
    field.value.AppendText(out);
  }
  return out;
}

std::string EntryJson(LogPlace place, std::string_view message, const std::string_view* error,
                      int verbosity, std::initializer_list<LogField> fields) {
  std::string out = "\"caller\":";
  AppendQuoted(out, fmt::format("{}:{}", BaseName(place.file), place.line), /*json=*/true);
  out.append(",\"msg\":");
  AppendQuoted(out, message, /*json=*/true);
  if (verbosity >= 0) out.append(fmt::format(",\"v\":{}", verbosity));
  if (error != nullptr) {
    out.append(",\"err\":");
    AppendQuoted(out, *error, /*json=*/true);
  }
  for (const LogField& field : fields) {
    out.push_back(',');
    AppendQuoted(out, field.key, /*json=*/true);
    out.push_back(':');
    field.value.AppendJson(out);
  }
  return out.append("}");
}

}  // namespace berth
