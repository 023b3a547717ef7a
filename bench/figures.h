// Figures: what was measured, one value for each repetition, and how far apart the values are.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace berth::bench {

enum class Better : uint8_t { kHigher, kLower, kNeither };
std::string_view BetterName(Better better);  // "higher", "lower", "neither"

struct Figure {
  std::string unit;  // "pods/s", "ms", "us/pod", "share" (in [0, 1]), "pods", ...
  Better better = Better::kNeither;
  std::vector<double> values;  // by repetition
};
// By name: "pods_per_second", "latency_ms.p99", "placement.cpu.stranded".
using Figures = std::map<std::string, Figure>;

// The names that are read elsewhere.
inline constexpr std::string_view kPodsPerSecond = "pods_per_second";
inline constexpr std::string_view kCpuPerPod = "cpu_us_per_pod";
inline constexpr std::string_view kCalibration = "calibration_ms";  // by the clock on the wall
inline constexpr std::string_view kCalibrationCpu = "calibration_cpu_ms";  // the thread's own

// Of an even count: the mean of the two in the middle. 0 for none.
double Median(std::vector<double> values);
// The coefficient of variation: sample standard deviation / |mean|. 0 for fewer than two values.
double Spread(const std::vector<double>& values);
// How likely values of one distribution fall apart at least so far: the two-sided exact test of
// Mann and Whitney. 1 when either is empty. Ties count half.
double ChanceOfNoDifference(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace berth::bench
