// Semantic versions (semver.org 2.0.0), as device attributes and expressions hold them.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace berth::plugins::dynamic_resources {

struct Semver {
  uint64_t major = 0, minor = 0, patch = 0;
  std::vector<std::string> prerelease;  // build metadata is dropped: it has no order

  // Strict: three numbers without leading zeros; nullopt otherwise.
  static std::optional<Semver> Parse(std::string_view text);
  friend std::strong_ordering operator<=>(const Semver& a, const Semver& b);
  friend bool operator==(const Semver& a, const Semver& b) = default;
};

}  // namespace berth::plugins::dynamic_resources
