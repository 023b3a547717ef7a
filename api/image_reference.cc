#include "api/image_reference.h"

#include <algorithm>

namespace berth::api {
namespace {

bool IsTagCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == '-';
}

// Path components: lower case letters and digits, separated by '.', '_', "__" or dashes.
bool IsPathComponent(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
  };
  if (text.empty() || !alphanumeric(text.front()) || !alphanumeric(text.back())) return false;
  for (size_t i = 0; i < text.size();) {
    if (alphanumeric(text[i])) {
      ++i;
      continue;
    }
    const char separator = text[i];
    size_t count = 0;
    while (i < text.size() && text[i] == separator) ++i, ++count;
    const size_t most = separator == '.' ? 1 : separator == '_' ? 2 : separator == '-' ? 256 : 0;
    if (count > most || (i < text.size() && !alphanumeric(text[i]))) return false;
  }
  return true;
}

// A first component with '.', ':' or that is "localhost" names a registry.
bool IsRepository(std::string_view text) {
  if (text.empty() || text.size() > 255) return false;
  const size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    const std::string_view host = text.substr(0, slash);
    const bool registry = host == "localhost" || host.find_first_of(".:") != std::string_view::npos;
    if (registry) {
      if (host.find_first_of(" \t\n@") != std::string_view::npos) return false;
      text.remove_prefix(slash + 1);
    }
  }
  while (true) {
    const size_t end = text.find('/');
    if (!IsPathComponent(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

std::string_view ImageTag(std::string_view image) {
  std::string_view name = image.substr(0, image.find('@'));
  const bool pinned = name.size() != image.size();
  const size_t slash = name.rfind('/');
  const size_t colon = name.rfind(':');
  std::string_view tag;
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    tag = name.substr(colon + 1);
    name = name.substr(0, colon);
    const bool valid = !tag.empty() && tag.size() <= 128 && tag.front() != '.' &&
                       tag.front() != '-' && std::all_of(tag.begin(), tag.end(), IsTagCharacter);
    if (!valid) return {};
  }
  if (!IsRepository(name)) return {};
  if (tag.empty() && !pinned) return "latest";
  return tag;
}

}  // namespace berth::api
