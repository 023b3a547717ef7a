// One recorded case against the plugins of this build.
//
// A case is a cluster, a pod, and what kube-scheduler answered: which plugin rejected which node
// with which reasons, which nodes are feasible, and each plugin's raw, normalized and weighted
// score. Plugins this build lacks are left out of the comparison: nodes they rejected are not
// looked at, scores are taken over the nodes upstream found feasible, and totals are summed over
// the plugins that are here.
#pragma once

#include <string>
#include <vector>

#include "api/json_value.h"

namespace berth::golden {

struct CaseResult {
  std::vector<std::string> differences;
  int verdicts = 0;  // node verdicts compared
  int scores = 0;    // plugin scores of a node compared
};
CaseResult RunCase(const api::JsonValue& test_case);

}  // namespace berth::golden
