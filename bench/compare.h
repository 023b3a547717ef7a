// `berth bench compare A.json B.json`: what changed from A to B beyond noise.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "bench/result.h"

namespace berth::bench {

struct CompareOptions {
  std::string before, after;  // files of `berth bench -o json`
  // Times and rates are divided by the calibration loop's of the same repetition: for files of
  // different machines, or of one machine that was not equally busy.
  bool calibrated = false;
  double min_change = 0.03;  // smaller changes of a median are none; of shares: 0.005
  double chance = 0.05;      // a difference that comes about by chance more often is noise
  bool all = false;          // shows figures that did not change too
  // Unless 0: pods a second and CPU a pod may be so many times worse, by the best repetition of
  // each; and what happened before must happen after.
  double fail_beyond = 0;
};

enum class Verdict : uint8_t {
  kSame,     // within noise, or too small to matter
  kBetter,
  kWorse,
  kChanged,  // beyond noise; neither direction is better
  kUnknown,  // too few repetitions to tell noise from change
};

// Repetitions on each side from which four against four are told apart at a chance of 0.05.
inline constexpr size_t kRepetitionsMin = 4;

Verdict Judge(const Figure& before, const Figure& after, const CompareOptions& options);

// The comparison as text. passed: false when fail_beyond was passed.
struct Comparison {
  std::string text;
  bool passed = true;
};
Comparison Compare(const std::vector<Result>& before, const std::vector<Result>& after,
                   const CompareOptions& options);

// Reads the files and prints. Returns the exit code: 0, 1 when fail_beyond was passed, 2 when a
// file cannot be read.
int RunCompare(const CompareOptions& options);

}  // namespace berth::bench
