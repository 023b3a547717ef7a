// Evaluation: what every node answers to pods of one signature, kept and brought up to date.
//
// A node's verdict and raw scores stay true until one of the fields its plugins read changes
// (Dependencies.node_fields). So the next pod of the signature looks at the nodes the snapshot's
// log names since, and at no others; normalized scores move only when a maximum does; the best
// node is found in the ScoreBoard. Verdicts are counted by kind, so a pod that fits nowhere gets
// its message without a walk over the nodes.
//
// Plugins whose results depend on more than the node are not kept, with one exception that can be
// proved: scope kCluster over fields other than kNodePods (such as images) stays true while none
// of those fields changes on any node.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "framework/cache/cluster_snapshot.h"
#include "framework/cycle/fit_error.h"
#include "framework/cycle/node_statuses.h"
#include "framework/cycle/score_board.h"
#include "framework/profile/runtime.h"

namespace berth::framework {

// What the results of one signature depend on; found once per signature.
struct EvaluationNeeds {
  bool shareable = false;
  NodeFields filter_fields = 0, score_fields = 0;  // of the node itself
  NodeFields cluster_fields = 0;                   // of any node
  bool objects = false;                            // other resources
};
// Which plugins have nothing to say about the pod now (Plugin::Abstains), as bits.
uint64_t AbstainersFor(const Profile& profile, const PodInfo& pod);
// watched: other resources whose changes are heard of; what reads any other cannot be kept.
// abstainers: AbstainersFor the pod.
EvaluationNeeds NeedsOf(const Profile& profile, const PodInfo& pod, const StringSet& watched,
                        uint64_t abstainers);
// Of the verdicts alone.
EvaluationNeeds FilterNeedsOf(const Profile& profile, const PodInfo& pod,
                              const StringSet& watched, uint64_t abstainers);

// Why no node takes a pod.
struct NoFit {
  Status status;  // Unschedulable, with the diagnosis' message
  Diagnosis diagnosis;
  std::shared_ptr<const NodeStatuses> statuses;
};

// Threads: none.
class Evaluation {
 public:
  // The pod stands for all of its signature and is none of them: a nomination of one of them is
  // somebody else's to it.
  Evaluation(const Runtime& runtime, const ClusterSnapshot& snapshot, EvaluationNeeds needs,
             const PodPtr& pod);

  const EvaluationNeeds& needs() const { return needs_; }
  // Brings every node's answer up to date, with what PreFilter left in the state of the pod that
  // asks. False: a plugin failed, gave what cannot be kept or skips a Filter it did not skip
  // before; the evaluation is of no more use. evaluated: grows by the nodes looked at.
  bool Refresh(CycleState& state, int64_t objects_generation, int64_t* evaluated);
  // Scores, when two nodes or more are feasible. False as above.
  bool EnsureScored();

  int64_t feasible_count() const { return feasible_count_; }
  NodeIndex OnlyFeasible() const;  // with feasible_count 1
  const ScoreBoard& board() const { return board_; }  // after EnsureScored
  int64_t nodes_scored() const { return nodes_scored_; }  // ever, each time anew
  bool has_scores() const { return !columns_.empty() || scored_; }
  // What is said of a pod that fits nowhere: one object until a verdict changes.
  const NoFit& WhyNot();
  int64_t bytes() const;

  // A pod's own nomination counts for others, not for itself: between these two the answer of the
  // node it is nominated to is that very pod's. state: its own. False as above.
  bool BeginOwn(CycleState& state, const PodInfo& pod, NodeIndex nominated_to);
  bool EndOwn();

  // Against the plain path, node by node; BERTH_CHECKs. Slow. state: after a PreFilter of its own.
  void CheckAgainstPlain(const CycleState& state);

 private:
  struct Kind {  // a verdict and how many nodes have it
    Verdict verdict;
    int64_t nodes = 0;
  };
  struct Column {  // raw scores of one plugin, of feasible nodes
    const PointEntry<ScorePlugin>* entry = nullptr;
    Tally* calls = nullptr;
    Normalization normalization = Normalization::kNone;
    std::vector<int64_t> raw;
    int64_t max = 0;      // at least 0, as upstream's helper has it
    int64_t at_max = 0;   // nodes that have it
  };
  enum class Outcome : uint8_t { kDone, kFailed };

  bool EvaluateAll(int64_t* evaluated);
  bool EvaluateNode(CycleState& state, NodeIndex node, NodeFields fields);
  bool ScoreAll();
  bool ScoreColumn(Column& column, const std::vector<NodeIndex>& nodes);
  bool SetVerdict(NodeIndex node, const Verdict& verdict);
  bool Answer(NodeIndex node, const Verdict& verdict);
  bool ScoreNode(NodeIndex node);
  void UnscoreNode(NodeIndex node);
  void CountMax(Column& column, int64_t raw);
  void UncountMax(Column& column, int64_t raw);
  void RescanMax(Column& column);
  bool TotalOf(NodeIndex node, int64_t* total) const;
  bool RebuildBoard();
  bool Settle();
  bool IsFeasible(NodeIndex node) const { return kind_of_[static_cast<size_t>(node)] == 0; }

  const Runtime& runtime_;
  const ClusterSnapshot& snapshot_;
  const EvaluationNeeds needs_;
  CycleState state_;  // of the pod that asked last when all was evaluated, and its PreScore's
  const PodPtr pod_;  // anonymous

  int64_t structure_ = -1, log_position_ = 0, cluster_generation_ = 0, objects_generation_ = 0;
  std::vector<uint16_t> kind_of_;  // by node; 0: feasible, else 1 + place in kinds_
  std::vector<Kind> kinds_;
  int64_t feasible_count_ = 0;
  int64_t nodes_scored_ = 0;
  bool scored_ = false;
  bool stale_totals_ = false;  // a maximum moved
  std::vector<Column> columns_;
  ScoreBoard board_;
  std::vector<NodeChange> changes_;  // scratch
  std::optional<NoFit> why_not_;     // while no verdict changes
  NodeIndex own_ = -1;               // between BeginOwn and EndOwn, with
  Verdict others_verdict_;           // what it answers to everybody else
};

}  // namespace berth::framework
