#include "api/warning_list.h"

#include <algorithm>
#include <cstdint>

#include "api/json_writer.h"

namespace berth::api {

// Without C0, DEL and C1 (c2 80 to c2 9f).
bool FitsAHeader(const std::string& text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7f) return false;
    if (byte == 0xc2 && i + 1 < text.size() && static_cast<uint8_t>(text[i + 1]) < 0xa0) {
      return false;
    }
  }
  std::string valid = text;
  MakeValidUtf8(valid);
  return valid == text;
}

void WarningList::Add(const validation::FieldPath& path, std::string_view text) {
  if (!full()) Add(path.ToString().append(": ").append(text));
}

void WarningList::Add(std::string text) {
  if (full()) return;
  ++added_count_;
  if (!FitsAHeader(text) || !known_.insert(text).second) return;
  shown_bytes_ += std::min(text.size(), kTextBytesMax);
  list_.push_back(std::move(text));
}

}  // namespace berth::api
