#include "framework/profile/signature_text.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace berth::framework {
namespace {

void AppendSized(std::string_view text, std::string& out) {
  const auto size = static_cast<uint32_t>(text.size());
  char bytes[sizeof size];
  std::memcpy(bytes, &size, sizeof size);
  out.append(bytes, sizeof size).append(text);
}

}  // namespace

void SignatureText::Put(std::string_view key, std::string_view value) {
  for (const Fragment& fragment : fragments_) {
    if (KeyOf(fragment) == key && ValueOf(fragment) == value) return;
  }
  fragments_.push_back({bytes_.size(), key.size(), value.size()});
  bytes_.append(key).append(value);
}

void SignatureText::Put(std::string_view key, int64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  Put(key, std::string_view(bytes, sizeof bytes));
}

std::string SignatureText::Finish() {
  std::sort(fragments_.begin(), fragments_.end(), [&](const Fragment& a, const Fragment& b) {
    const int keys = KeyOf(a).compare(KeyOf(b));
    return keys != 0 ? keys < 0 : ValueOf(a) < ValueOf(b);
  });
  std::string text;
  text.reserve(bytes_.size() + fragments_.size() * 2 * sizeof(uint32_t));
  for (const Fragment& fragment : fragments_) {
    AppendSized(KeyOf(fragment), text);
    AppendSized(ValueOf(fragment), text);
  }
  return text;
}

}  // namespace berth::framework
