// The keys of a map in order, so that complaints about them come in one order.
#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

namespace berth::api::validation {

// Valid until the map changes.
template <typename Map>
std::vector<std::string_view> SortedKeys(const Map& map) {
  std::vector<std::string_view> keys;
  keys.reserve(map.size());
  for (const auto& [key, value] : map) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

}  // namespace berth::api::validation
