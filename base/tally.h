// Tally: a count that one thread adds to and any thread may read, at the price of a plain integer.
#pragma once

#include <atomic>
#include <cstdint>

namespace berth {

// Threads: Add from one thread at a time; value from any.
class Tally {
 public:
  void Add(int64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

}  // namespace berth
