// Appends JSON text to a buffer that only grows: no check per character, no allocation once warm.
// Strings are escaped as Go's encoding/json does by default: <, > and & and the two line separators
// too, and bytes that are not UTF-8 become U+FFFD. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace berth::api {

class JsonWriter {
 public:
  JsonWriter() = default;
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void Char(char c) {
    Ensure(1);
    *end_++ = c;
  }
  void Raw(std::string_view text) {
    Ensure(text.size());
    std::memcpy(end_, text.data(), text.size());
    end_ += text.size();
  }
  void String(std::string_view text);   // quoted and escaped
  void Base64(std::string_view bytes);  // quoted
  void Int(int64_t value);
  void Double(double value);  // Go's form: 1.5, 1e+21
  // JSON text from elsewhere, without the white space between its tokens, escaped as above.
  void Compact(std::string_view json);

  // Room for `size` characters, to be filled by the caller and taken by Advance.
  char* Reserve(size_t size) {
    Ensure(size);
    return end_;
  }
  void Advance(char* end) { end_ = end; }
  // The last character written becomes `c`: turns a trailing comma into a bracket.
  void ReplaceLast(char c) { end_[-1] = c; }
  char last() const { return end_[-1]; }

  std::string_view text() const {
    return {buffer_.get(), static_cast<size_t>(end_ - buffer_.get())};
  }
  // Drops what was written beyond the first `size` characters.
  void Truncate(size_t size) { end_ = buffer_.get() + size; }
  // Empties the buffer; memory beyond `keep_bytes` goes back.
  void Clear(size_t keep_bytes);

 private:
  void Ensure(size_t size) {
    if (static_cast<size_t>(limit_ - end_) < size) [[unlikely]]
      Grow(size);
  }
  void Grow(size_t size);
  const char* Escape(const char* at, const char* end);

  std::unique_ptr<char[]> buffer_;
  char* end_ = nullptr;
  char* limit_ = nullptr;
};

// Bytes that are not UTF-8 become U+FFFD each, as the writer writes them.
void MakeValidUtf8(std::string& text);

// Decodes standard base64 with padding, ignoring line breaks as Go does. False when malformed;
// `bad_at` is then the offset Go blames.
bool DecodeBase64(std::string_view text, std::string& out, size_t& bad_at);

}  // namespace berth::api
