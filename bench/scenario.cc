#include "bench/scenario.h"

#include <algorithm>

#include <fmt/core.h>

namespace berth::bench {

Scenario CheckScenario(const TestCase& test_case, const WorkloadResult& result,
                       const Measurement& measured) {
  Scenario out;
  const auto demand = [&](bool happened, std::string sentence) {
    if (!happened) out.missing.push_back(std::move(sentence));
  };
  const std::string& name = test_case.name;
  const bool churns = std::any_of(test_case.ops.begin(), test_case.ops.end(),
                                  [](const Op& op) { return op.code == OpCode::kChurn; });
  demand(!churns || result.churned > 0,
         "churn made nothing: all was over before its first tick (--measure-pods makes it longer)");
  demand(!name.starts_with("Preemption") || result.tally.victims > 0, "no pod was preempted");
  demand(!name.starts_with("Unschedulable") || result.tally.unschedulable > 0,
         "no pod was told that no node takes it");
  demand(name.find("Gated") == name.npos || result.tally.gated > 0, "no pod waited for its gate");
  if (measured.offer && !measured.offer->unbound.empty()) {
    out.missing.push_back(fmt::format("{} of {} offered pods were not bound",
                                      measured.offer->unbound.size(), measured.offer->pods));
  }
  return out;
}

}  // namespace berth::bench
