// Whether what a workload is about really happened while it was measured.
#pragma once

#include <string>
#include <vector>

#include "bench/scheduler_perf/runner.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {

struct Scenario {
  std::vector<std::string> missing;  // what should have happened and did not, as sentences
  bool happened() const { return missing.empty(); }
};

// Known: cases with churn (something was churned), cases of preemption, of unschedulable pods and
// of gated pods (by the name they have in upstream's files: "Preemption...", "Unschedulable...",
// "...Gated..."). Of other cases nothing is demanded but that pods were bound.
Scenario CheckScenario(const TestCase& test_case, const WorkloadResult& result,
                       const Measurement& measured);

}  // namespace berth::bench
