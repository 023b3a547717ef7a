#include "framework/profile/signature_text.h"

#include <algorithm>
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
  for (const auto& fragment : fragments_) {
    if (fragment.first == key && fragment.second == value) return;
  }
  fragments_.emplace_back(std::string(key), std::string(value));
}

void SignatureText::Put(std::string_view key, int64_t value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  Put(key, std::string_view(bytes, sizeof bytes));
}

std::string SignatureText::Finish() {
  std::sort(fragments_.begin(), fragments_.end());
  std::string text;
  for (const auto& [key, value] : fragments_) {
    AppendSized(key, text);
    AppendSized(value, text);
  }
  return text;
}

}  // namespace berth::framework
