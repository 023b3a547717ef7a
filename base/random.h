// One pinned generator, so that a seed means the same everywhere.
#pragma once

#include <cstdint>

namespace berth {

// xoshiro256**, seeded by splitmix64. Not for secrets. Threads: none, one owner.
// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021.
class Random {
 public:
  explicit Random(uint64_t seed);
  uint64_t Next();
  // Uniform in [0, bound). bound > 0.
  uint64_t Below(uint64_t bound);
  // Uniform in [low, high], both included.
  int64_t Between(int64_t low, int64_t high);
  // Uniform in [0, 1).
  double Unit();
  // True with probability p.
  bool Chance(double p) { return Unit() < p; }

 private:
  uint64_t state_[4];
};

// From the operating system: for seeds and names that need no repetition.
uint64_t RandomSeed();

}  // namespace berth
