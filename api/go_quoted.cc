#include <array>

#include <fmt/core.h>

#include "api/errors.h"

namespace berth::api {
namespace {

struct Rune {
  uint32_t code = 0;
  size_t bytes = 0;  // 0: not UTF-8 here
};

Rune DecodeRune(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t first = byte(0);
  if (first < 0x80) return {first, 1};
  const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
  uint32_t code = first & (0xffu >> (bytes + 1));
  for (size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = (code << 6) | (byte(i) & 0x3fu);
  }
  static constexpr std::array<uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000;
  if (code < kSmallest[bytes] || code > 0x10ffff || surrogate) return {};
  return {code, bytes};
}

// Approximates Go's unicode.IsPrint: controls, spaces but ' ', format and private characters are
// not printable.
bool IsPrintable(uint32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0xad) return false;
  if (code == 0x1680 || code == 0x3000 || code == 0xfeff) return false;
  if (code >= 0x2000 && code <= 0x200f) return false;
  if (code >= 0x2028 && code <= 0x202f) return false;
  if (code >= 0x205f && code <= 0x206f) return false;
  return !(code >= 0xe000 && code <= 0xf8ff) && code < 0xe0000;
}

}  // namespace

std::string GoQuoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const Rune rune = DecodeRune(text);
    const size_t bytes = rune.bytes == 0 ? 1 : rune.bytes;
    if (rune.bytes == 0) {
      out += fmt::format("\\x{:02x}", static_cast<uint8_t>(text[0]));
    } else if (rune.code == '"' || rune.code == '\\') {
      out.append(1, '\\').append(1, static_cast<char>(rune.code));
    } else if (IsPrintable(rune.code)) {
      out.append(text.substr(0, bytes));
    } else if (rune.code >= 7 && rune.code <= 13) {
      out.append(1, '\\').append(1, "abtnvfr"[rune.code - 7]);
    } else if (rune.code < 0x80) {
      out += fmt::format("\\x{:02x}", rune.code);
    } else if (rune.code < 0x10000) {
      out += fmt::format("\\u{:04x}", rune.code);
    } else {
      out += fmt::format("\\U{:08x}", rune.code);
    }
    text.remove_prefix(bytes);
  }
  return out.append("\"");
}

}  // namespace berth::api
