#include "cluster/apiserver/warning_headers.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include <absl/container/flat_hash_set.h>
#include <absl/strings/string_view.h>
#include <fmt/core.h>

#include "api/warning_list.h"
#include "base/strings.h"

namespace berth::apiserver {
namespace {

constexpr int64_t kRunesMax = 4096;
constexpr int64_t kCutRunes = 256;

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xc0) == 0x80; }

int64_t RuneCount(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += IsContinuation(c) ? 0 : 1;
  return count;
}

std::string_view FirstRunes(std::string_view text, int64_t count) {
  size_t end = 0;
  for (; end < text.size(); ++end) {
    if (!IsContinuation(text[end]) && count-- == 0) break;
  }
  return text.substr(0, end);
}

std::string Header(std::string_view text) {
  std::string quoted;
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return fmt::format("299 - \"{}\"", quoted);
}

}  // namespace

std::vector<std::string> WarningHeaders(const std::vector<std::string>& texts) {
  std::vector<std::string_view> shown;
  absl::flat_hash_set<absl::string_view> known;
  int64_t runes = 0;
  for (const std::string& text : texts) {
    if (text.empty() || !api::FitsAHeader(text) || !known.insert(ToAbsl(text)).second) continue;
    shown.push_back(text);
    runes += RuneCount(text);
  }
  const bool cut = runes > kRunesMax;
  std::vector<std::string> headers;
  runes = 0;
  for (const std::string_view text : shown) {
    if (cut && runes >= kRunesMax) break;
    const std::string_view part = cut ? FirstRunes(text, kCutRunes) : text;
    runes += RuneCount(part);
    headers.push_back(Header(part));
  }
  return headers;
}

}  // namespace berth::apiserver
