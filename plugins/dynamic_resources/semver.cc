#include "plugins/dynamic_resources/semver.h"

#include <algorithm>
#include <charconv>

namespace berth::plugins::dynamic_resources {
namespace {

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](char c) { return c >= '0' && c <= '9'; });
}

// Without leading zeros.
bool ParseNumber(std::string_view text, uint64_t& out) {
  if (!IsNumber(text) || (text.size() > 1 && text[0] == '0')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

std::vector<std::string> Split(std::string_view text, char by) {
  std::vector<std::string> out;
  while (true) {
    const size_t at = text.find(by);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + 1);
  }
}

bool IsIdentifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

// Numbers by value and below words; words as text.
std::strong_ordering CompareIdentifiers(const std::string& a, const std::string& b) {
  const bool x = IsNumber(a), y = IsNumber(b);
  if (x != y) return x ? std::strong_ordering::less : std::strong_ordering::greater;
  if (x && a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

}  // namespace

std::optional<Semver> Semver::Parse(std::string_view text) {
  Semver out;
  if (const size_t plus = text.find('+'); plus != std::string_view::npos) {
    for (const std::string& part : Split(text.substr(plus + 1), '.')) {
      if (!IsIdentifier(part)) return std::nullopt;
    }
    text = text.substr(0, plus);
  }
  if (const size_t dash = text.find('-'); dash != std::string_view::npos) {
    out.prerelease = Split(text.substr(dash + 1), '.');
    for (const std::string& part : out.prerelease) {
      const bool padded = part.size() > 1 && part[0] == '0' && IsNumber(part);
      if (!IsIdentifier(part) || padded) return std::nullopt;
    }
    text = text.substr(0, dash);
  }
  const std::vector<std::string> numbers = Split(text, '.');
  if (numbers.size() != 3 || !ParseNumber(numbers[0], out.major) ||
      !ParseNumber(numbers[1], out.minor) || !ParseNumber(numbers[2], out.patch)) {
    return std::nullopt;
  }
  return out;
}

std::strong_ordering operator<=>(const Semver& a, const Semver& b) {
  if (const auto order = a.major <=> b.major; order != 0) return order;
  if (const auto order = a.minor <=> b.minor; order != 0) return order;
  if (const auto order = a.patch <=> b.patch; order != 0) return order;
  if (a.prerelease.empty() || b.prerelease.empty()) {
    return a.prerelease.empty() <=> b.prerelease.empty();  // a release is above its prereleases
  }
  return std::lexicographical_compare_three_way(a.prerelease.begin(), a.prerelease.end(),
                                                b.prerelease.begin(), b.prerelease.end(),
                                                CompareIdentifiers);
}

}  // namespace berth::plugins::dynamic_resources
