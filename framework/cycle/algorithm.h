// Algorithm: one pod, one snapshot, one node. PreFilter, Filter, extenders, PreScore, Score and the
// choice; no side effects beyond the tie-break cursor. framework.md sections 3.3 to 3.6.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "framework/cache/cluster_snapshot.h"
#include "framework/cycle/engine_options.h"
#include "framework/cycle/evaluation.h"
#include "framework/cycle/extender_answers.h"
#include "framework/cycle/fit_error.h"
#include "framework/cycle/node_statuses.h"
#include "framework/cycle/tie_breaker.h"
#include "framework/profile/runtime.h"

namespace berth::framework {

class EvaluationCache;

struct Decision {
  // Success: node is chosen. Rejected with fit_error: diagnosis says why. Else what went wrong.
  Status status;
  bool fit_error = false;
  const NodeInfo* node = nullptr;
  Diagnosis diagnosis;
  std::shared_ptr<const NodeStatusReader> statuses;  // with fit_error
  int64_t nodes_evaluated = 0;
  int64_t feasible_nodes = 0;
  bool reused = false;  // from the evaluation cache
  // Not empty: nothing is decided; ask these, all at once, and decide again.
  std::vector<ExtenderQuestion> questions;
};

// How many feasible nodes are enough (framework.md section 3.4). percentage: explicit, 0 for none.
int64_t FeasibleNodesToFind(int64_t nodes, int32_t percentage, bool adaptive);

// Threads: the engine's executor.
class Algorithm {
 public:
  // cache: may be null. All must outlive it.
  Algorithm(const Runtime& runtime, const ClusterSnapshot& snapshot, const Nominator& nominator,
            TieBreaker& tie_breaker, const EngineOptions& options, const Extenders& extenders,
            EvaluationCache* cache);

  using Nodes = std::vector<const NodeInfo*>;
  // signature: empty: nothing is shared. answers: of extenders, so far; null: they do not count.
  // only: the nodes that may be chosen, of the snapshot, in its order; null: all. Plugins see all.
  Decision Schedule(CycleState& state, const PodPtr& pod, const std::string& signature,
                    ExtenderAnswers* answers, const Nodes* only = nullptr);

 private:
  struct Attempt;
  void Decide(Attempt& attempt, const PodPtr& pod, const std::string& signature);
  // What is shared with pods of that signature decides, if it can, after PreFilter of all plugins
  // but the classifiers of these roles.
  bool Share(Attempt& attempt, const PodPtr& pod, const std::string& signature,
             const PluginRoles& roles);
  // False: nothing was done.
  bool DecideByClasses(Attempt& attempt, const PodPtr& pod, const std::string& signature,
                       const PluginRoles& roles);
  bool TryNominated(Attempt& attempt);
  void DecidePlainly(Attempt& attempt, const PreFilterOutcome& pre);
  // Feasible nodes in the order looked at; ok() of the status, or the error that stopped it.
  Status FindFeasible(Attempt& attempt, std::span<const NodeInfo* const> nodes, Nodes& feasible);
  // Of these, the nodes that extenders take.
  Status AskExtenders(Attempt& attempt, ExtenderQuestion::Kind kind, Nodes& feasible);
  Status Select(Attempt& attempt, const Nodes& feasible);
  // Decides plainly as well, after what the shared decision rests on was found right.
  void CheckChoice(const PodPtr& pod, const TieBreaker& before, const Decision& decision) const;
  int64_t WantedNodes(int64_t nodes) const;

  const Runtime& runtime_;
  const ClusterSnapshot& snapshot_;
  const Nominator& nominator_;
  TieBreaker& tie_breaker_;
  const EngineOptions& options_;
  const Extenders& extenders_;
  EvaluationCache* cache_;
  int64_t next_start_ = 0;  // where the search begins when it samples
};

}  // namespace berth::framework
