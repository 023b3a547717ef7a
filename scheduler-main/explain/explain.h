// `berth explain`: what a scheduler says about a pod on a cluster given as manifests.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "api/json_value.h"
#include "framework/cycle/explain.h"
#include "scheduler-main/explain/cluster_file.h"
#include "scheduler-main/scheduler.h"

namespace berth::scheduler {

struct ExplainOptions {
  SchedulerOptions scheduler;  // config: DefaultConfig when it has no profiles
  std::string pod;             // "namespace/name" or "name"; empty: the case's, or the only one
                               // that waits for a node
  // For tests: each pod is asked about twice, and the second answer counts.
  bool warm = false;
  framework::EngineCounts* counts = nullptr;  // set to what the engine counted
};

struct PodExplanation {
  std::string pod;  // "namespace/name"
  framework::Explanation explanation;
  // Kinds in the file that no decision looks at; extenders, who are not asked.
  std::vector<std::string> skipped;
};

// file: manifests, or a recorded case. The pod is taken off its node, if it has one,
// and is then decided upon. Errors: InvalidArgument or NotFound, with a text to act on.
absl::StatusOr<PodExplanation> ExplainPod(ClusterFile file, const ExplainOptions& options);
// As JSON: `expect` of a recorded case; {"steps": [...]} of a recorded sequence.
absl::StatusOr<api::JsonValue> ExplainAsJson(ClusterFile file, const ExplainOptions& options);

}  // namespace berth::scheduler
