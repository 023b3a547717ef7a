// Probes: counters on rare branches, summed over many seeds, so that a test can demand that the
// simulation reaches them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace berth::sim {

// Threads: none, one owner.
class Probes {
 public:
  void Hit(std::string_view name, int64_t times = 1) {
    const auto it = counts_.find(name);
    if (it != counts_.end()) {
      it->second += times;
    } else {
      counts_.emplace(name, times);
    }
  }
  int64_t Count(std::string_view name) const {
    const auto it = counts_.find(name);
    return it == counts_.end() ? 0 : it->second;
  }
  const std::map<std::string, int64_t, std::less<>>& counts() const { return counts_; }

 private:
  std::map<std::string, int64_t, std::less<>> counts_;
};

}  // namespace berth::sim
