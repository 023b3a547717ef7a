// A scheduler_perf file: test cases of operations, each with workloads of parameters.
// Format: upstream's test/integration/scheduler_perf, performance-config.yaml. Strict: an unknown
// field, an unknown opcode, a parameter nobody uses and one nobody defines are errors.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "bench/scheduler_perf/op.h"

namespace berth::bench {

inline constexpr std::string_view kThroughputMetric = "SchedulingThroughput";
// How many features each node declares: read by createNodes, whatever the case.
inline constexpr std::string_view kDeclaredFeaturesParam = "numNodeDeclaredFeatures";

// Which figure a threshold is about.
struct MetricSelector {
  std::string name = std::string(kThroughputMetric);
  std::map<std::string, std::string> labels;
  std::string data_bucket = "Average";
  bool expect_lower = false;
};

// Histograms to collect: by metric, the labels whose values are told apart. No labels: one figure.
// A label without values: all the values that occur.
struct LabelValues {
  std::string label;
  std::vector<std::string> values;
};
using HistogramConfig = std::map<std::string, std::vector<LabelValues>>;
// What upstream collects when a case says nothing.
const HistogramConfig& DefaultHistograms();

struct Workload {
  std::string name;
  std::map<std::string, std::string> params;  // as text
  std::vector<std::string> labels;            // the case's and its own
  std::map<std::string, double> thresholds;   // by topic; "": whatever the topic
  MetricSelector threshold_selector;
  std::map<std::string, bool> feature_gates;  // merged with the case's

  // 0: none.
  double Threshold(const std::string& topic) const;
};

struct TestCase {
  std::string name;
  std::vector<Op> ops;
  std::vector<Workload> workloads;
  std::string scheduler_config_path;
  std::string default_pod_template_path;
  HistogramConfig histograms;
};

struct WorkloadFile {
  std::string folder;  // paths in the file are relative to it
  std::string topic;   // the folder's name: "misc"
  std::vector<TestCase> cases;
};

// InvalidArgument names the case, the op and what is wrong.
absl::StatusOr<WorkloadFile> ParseWorkloads(std::string_view yaml, std::string folder);
absl::StatusOr<WorkloadFile> ReadWorkloads(const std::string& path);
// Every performance-config.yaml below a folder, by path.
std::vector<std::string> FindWorkloadFiles(const std::string& folder);

// An op's numbers under a workload's parameters. Errors: `parameter x is undefined`, `parameter x
// has the wrong type ...`.
absl::StatusOr<int64_t> Resolve(const Count& count, const Workload& workload);
absl::StatusOr<absl::Duration> ResolveDuration(const Op& op, const Workload& workload);
absl::StatusOr<bool> ResolveSteadyState(const Op& op, const Workload& workload);

// "a,+b,-c": plain or + must be there, - must not. An empty filter takes all.
bool MatchesLabels(std::string_view filter, const std::vector<std::string>& labels);

}  // namespace berth::bench
