#include "api/json_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace berth::api {
namespace {

constexpr size_t kBufferStart = 4096;
constexpr size_t kEscapeMax = 6;  // \u003c

// True for the bytes that go out as they are.
constexpr std::array<bool, 256> MakePlain() {
  std::array<bool, 256> plain{};
  for (size_t c = 0x20; c < 0x80; ++c) plain[c] = true;
  for (unsigned char c : {'"', '\\', '<', '>', '&'}) plain[c] = false;
  return plain;
}
constexpr std::array<bool, 256> kPlain = MakePlain();

constexpr uint64_t kOnes = 0x0101010101010101ULL;
constexpr uint64_t kHighs = 0x8080808080808080ULL;

// Nonzero when some byte of `word` is zero.
constexpr uint64_t HasZero(uint64_t word) { return (word - kOnes) & ~word & kHighs; }

// Zero when all eight bytes are plain.
uint64_t NeedsEscape(uint64_t word) {
  const uint64_t controls = (word - kOnes * 0x20) & ~word;
  const uint64_t angle_or_amp =
      HasZero((word & ~(kOnes * 2)) ^ kOnes * '<') | HasZero(word ^ kOnes * '&');
  return ((word | controls) & kHighs) | angle_or_amp | HasZero(word ^ kOnes * '"') |
         HasZero(word ^ kOnes * '\\');
}

// The length of the UTF-8 sequence at `at`, or 0 when it is malformed (overlong, surrogate, cut).
size_t SequenceLength(const char* at, const char* end) {
  const auto byte = [at](size_t i) { return static_cast<uint8_t>(at[i]); };
  const size_t left = static_cast<size_t>(end - at);
  const uint8_t lead = byte(0);
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (lead >= 0xC2 && lead <= 0xDF) return left >= 2 && continues(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    if (left < 3 || !continues(1) || !continues(2)) return 0;
    if (lead == 0xE0 && byte(1) < 0xA0) return 0;
    return lead == 0xED && byte(1) >= 0xA0 ? 0 : 3;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    if (left < 4 || !continues(1) || !continues(2) || !continues(3)) return 0;
    if (lead == 0xF0 && byte(1) < 0x90) return 0;
    return lead == 0xF4 && byte(1) >= 0x90 ? 0 : 4;
  }
  return 0;
}

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<int8_t, 256> MakeBase64Values() {
  std::array<int8_t, 256> values{};
  for (auto& value : values) value = -1;
  for (size_t i = 0; i < kBase64.size(); ++i) {
    values[static_cast<uint8_t>(kBase64[i])] = static_cast<int8_t>(i);
  }
  return values;
}
constexpr std::array<int8_t, 256> kBase64Values = MakeBase64Values();

}  // namespace

void MakeValidUtf8(std::string& text) {
  const auto length_at = [&](size_t at) -> size_t {
    if (static_cast<uint8_t>(text[at]) < 0x80) return 1;
    return SequenceLength(text.data() + at, text.data() + text.size());
  };
  size_t valid = 0;
  while (valid < text.size() && length_at(valid) != 0) valid += length_at(valid);
  if (valid == text.size()) return;
  std::string out = text.substr(0, valid);
  for (size_t at = valid; at < text.size();) {
    const size_t length = length_at(at);
    out += length == 0 ? "\xef\xbf\xbd" : std::string_view(text).substr(at, length);
    at += length == 0 ? 1 : length;
  }
  text = std::move(out);
}

void JsonWriter::Grow(size_t size) {
  const size_t used = static_cast<size_t>(end_ - buffer_.get());
  // By capacity: while a long string is written, what is used says little of what is to come.
  const auto capacity = static_cast<size_t>(limit_ - buffer_.get());
  const size_t wanted = std::max({kBufferStart, capacity * 2, used + size});
  std::unique_ptr<char[]> bigger(new char[wanted]);  // not value-initialized
  if (used != 0) std::memcpy(bigger.get(), buffer_.get(), used);
  buffer_ = std::move(bigger);
  end_ = buffer_.get() + used;
  limit_ = buffer_.get() + wanted;
}

void JsonWriter::Clear(size_t keep_bytes) {
  if (static_cast<size_t>(limit_ - buffer_.get()) > keep_bytes) {
    buffer_.reset();
    limit_ = nullptr;
  }
  end_ = buffer_.get();
}

// Writes what stands at `at` escaped; returns where the text goes on.
const char* JsonWriter::Escape(const char* at, const char* end) {
  static constexpr char kHex[] = "0123456789abcdef";
  const uint8_t c = static_cast<uint8_t>(*at);
  if (c >= 0x80) {
    const size_t length = SequenceLength(at, end);
    const bool separator = length == 3 && c == 0xE2 && static_cast<uint8_t>(at[1]) == 0x80 &&
                           (static_cast<uint8_t>(at[2]) & 0xFE) == 0xA8;
    if (separator) {
      Raw(at[2] == '\xA8' ? "\\u2028" : "\\u2029");
    } else if (length == 0) {
      Raw("\\ufffd");
      return at + 1;
    } else {
      Raw({at, length});
    }
    return at + length;
  }
  char* out = Reserve(kEscapeMax);
  *out++ = '\\';
  switch (c) {
    case '"':
    case '\\':
      *out++ = static_cast<char>(c);
      break;
    case '\b':
      *out++ = 'b';
      break;
    case '\f':
      *out++ = 'f';
      break;
    case '\n':
      *out++ = 'n';
      break;
    case '\r':
      *out++ = 'r';
      break;
    case '\t':
      *out++ = 't';
      break;
    default:
      for (const char each : {'u', '0', '0', kHex[c >> 4], kHex[c & 15]}) *out++ = each;
  }
  Advance(out);
  return at + 1;
}

void JsonWriter::String(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  Char('"');
  while (at != end) {
    Ensure(static_cast<size_t>(end - at) + kEscapeMax);
    char* out = end_;
    while (end - at >= 8) {
      uint64_t word = 0;
      std::memcpy(&word, at, 8);
      if (NeedsEscape(word) != 0) break;
      std::memcpy(out, at, 8);
      at += 8;
      out += 8;
    }
    while (at != end && kPlain[static_cast<uint8_t>(*at)]) *out++ = *at++;
    end_ = out;
    if (at != end) at = Escape(at, end);
  }
  Char('"');
}

void JsonWriter::Base64(std::string_view bytes) {
  char* out = Reserve((bytes.size() + 2) / 3 * 4 + 2);
  *out++ = '"';
  size_t i = 0;
  const auto byte = [bytes](size_t at) {
    return static_cast<uint32_t>(static_cast<uint8_t>(bytes[at]));
  };
  for (; i + 3 <= bytes.size(); i += 3) {
    const uint32_t word = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (int shift = 18; shift >= 0; shift -= 6) *out++ = kBase64[word >> shift & 63];
  }
  if (const size_t rest = bytes.size() - i; rest != 0) {
    const uint32_t word = byte(i) << 16 | (rest == 2 ? byte(i + 1) << 8 : 0);
    *out++ = kBase64[word >> 18];
    *out++ = kBase64[word >> 12 & 63];
    *out++ = rest == 2 ? kBase64[word >> 6 & 63] : '=';
    *out++ = '=';
  }
  *out++ = '"';
  Advance(out);
}

void JsonWriter::Int(int64_t value) {
  constexpr size_t kDigitsMax = 20;
  char* out = Reserve(kDigitsMax);
  Advance(std::to_chars(out, out + kDigitsMax, value).ptr);
}

namespace {

constexpr double kExactIntegersMax = 9007199254740992;  // 2^53: below it shortest is exact

// D.DDDe+XX as DDDD000.
char* ShortestInteger(double value, char* out) {
  char text[32];
  const char* end = std::to_chars(text, text + sizeof(text), value, std::chars_format::scientific)
                        .ptr;
  const char* e = std::find(static_cast<const char*>(text), end, 'e');
  int exponent = 0;
  std::from_chars(e + 2, end, exponent);
  const char* digit = text;
  if (*digit == '-') *out++ = *digit++;
  for (; digit != e; ++digit) {
    if (*digit == '.') continue;
    *out++ = *digit;
    --exponent;
  }
  for (; exponent >= 0; --exponent) *out++ = '0';
  return out;
}

}  // namespace

void JsonWriter::Double(double value) {
  constexpr size_t kFixedMax = 400;
  if (!std::isfinite(value)) return Raw("null");  // Go refuses to print these
  const double magnitude = std::fabs(value);
  const bool scientific = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  char* out = Reserve(kFixedMax);
  char* end = std::to_chars(out, out + kFixedMax, value,
                            scientific ? std::chars_format::scientific : std::chars_format::fixed)
                  .ptr;
  // Go writes the shortest digits and then zeros; what a large double really is has other ones.
  if (!scientific && magnitude >= kExactIntegersMax) end = ShortestInteger(value, out);
  // Go writes e-7, not e-07.
  if (scientific && end - out >= 4 && end[-4] == 'e' && end[-3] == '-' && end[-2] == '0') {
    end[-2] = end[-1];
    --end;
  }
  Advance(end);
}

void JsonWriter::Compact(std::string_view json) {
  bool in_string = false;
  const char* at = json.data();
  const char* const end = at + json.size();
  while (at != end) {
    const char c = *at;
    if (!in_string) {
      if (c == '"') in_string = true;
      if (c != ' ' && c != '\n' && c != '\t' && c != '\r') Char(c);
      ++at;
    } else if (c == '\\' && end - at >= 2) {
      Raw({at, 2});
      at += 2;
    } else if (c == '"') {
      in_string = false;
      Char(c);
      ++at;
    } else if (kPlain[static_cast<uint8_t>(c)]) {
      Char(c);
      ++at;
    } else {
      at = Escape(at, end);
    }
  }
}

bool DecodeBase64(std::string_view text, std::string& out, size_t& bad_at) {
  out.clear();
  out.reserve(text.size() / 4 * 3);
  uint32_t word = 0;
  int sextets = 0;
  int padding = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n' || c == '\r') continue;
    bad_at = i;
    const int8_t value = kBase64Values[static_cast<uint8_t>(c)];
    if (c == '=' && sextets + padding >= 2 && sextets + padding < 4 && sextets >= 2) {
      ++padding;
    } else if (value < 0 || padding != 0) {
      return false;
    } else {
      word = word << 6 | static_cast<uint32_t>(value);
      ++sextets;
    }
    if (sextets + padding < 4) continue;
    word <<= 6 * padding;
    for (int byte = 0; byte < 3 - padding; ++byte) {
      out.push_back(static_cast<char>(word >> (16 - 8 * byte) & 255));
    }
    if (padding != 0) {
      // Nothing but line breaks may follow the padding.
      const size_t rest = text.find_first_not_of("\r\n", i + 1);
      bad_at = rest;
      return rest == std::string_view::npos;
    }
    word = 0;
    sextets = 0;
  }
  bad_at = text.size();
  return sextets == 0 && padding == 0;
}

}  // namespace berth::api
