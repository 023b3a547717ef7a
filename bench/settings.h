// What a figure depends on beside the workload, in words: each result carries it.
#pragma once

#include <map>
#include <string>

#include <absl/status/statusor.h>

#include "bench/options.h"
#include "bench/selection.h"

namespace berth::bench {

using Settings = std::map<std::string, std::string>;

// "target", "scheduler", "scheduler_config", "client_qps", "requests_in_flight", "tie_break",
// "nodes_scored", "feature_gates", "feature_gates_without_effect", "queueing_hints", "store",
// "durability", "histograms", "measured_pods", "min_seconds". Errors: of the scheduler's
// configuration.
absl::StatusOr<Settings> DescribeSettings(const Options& options, const Selected& selected);

}  // namespace berth::bench
