// Evaluation: what every node answers to pods of one signature, kept and brought up to date.
//
// A node's verdict and raw scores stay true until one of the fields its plugins read changes
// (Dependencies.node_fields). So the next pod of the signature looks at the nodes the snapshot's
// log names since, and at no others; normalized scores move only when a maximum does; the best
// node is found in the ScoreBoard. Verdicts are counted by kind, so a pod that fits nowhere gets
// its message without a walk over the nodes.
//
// Plugins whose results depend on more than the node are not kept, with two exceptions. Scope
// kCluster over fields other than kNodePods (such as images) stays true while none of those fields
// changes on any node. And what sorts nodes into classes (node_classes.h) is left out of the
// verdicts and scores kept here, but the board is in groups by it. What filters for each pod by
// itself (Plugin::FiltersEachPod) is left out as well.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "framework/cache/cluster_snapshot.h"
#include "framework/cycle/evaluation_check.h"
#include "framework/cycle/fit_error.h"
#include "framework/cycle/node_groups.h"
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
  // Plugins (as bits) that are not among what is kept of each node.
  uint64_t abstainers = 0;    // they have nothing to say
  uint64_t classifiers = 0;   // they sort nodes into classes
  uint64_t each_pod = 0;      // they filter for each pod
  uint64_t left_out() const { return abstainers | classifiers | each_pod; }
};
// What plugins have to say about a pod now, as bits; the first that holds.
struct PluginRoles {
  uint64_t abstainers = 0;   // Plugin::Abstains
  uint64_t classifiers = 0;  // Plugin::Classifies
  uint64_t each_pod = 0;     // Plugin::FiltersEachPod
};
PluginRoles RolesFor(const Profile& profile, const PodInfo& pod);
// What the classifiers say by ClassKey: equal for pods whose keys are equal.
std::string ClassKeyOf(const Profile& profile, const PodInfo& pod, uint64_t classifiers);
// watched: other resources whose changes are heard of; what reads any other cannot be kept.
// roles: RolesFor the pod.
EvaluationNeeds NeedsOf(const Profile& profile, const PodInfo& pod, const StringSet& watched,
                        const PluginRoles& roles);
// Of the verdicts alone. left_out: plugins (as bits) that do not count.
EvaluationNeeds FilterNeedsOf(const Profile& profile, const PodInfo& pod,
                              const StringSet& watched, uint64_t left_out);

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
  // Null: all nodes are of one group. Not ok(): the evaluation is of no use.
  const NodeGroups* groups() const { return groups_.get(); }
  // Brings every node's answer up to date, with what PreFilter left in the state of the pod that
  // asks; its skipped_filters with needs().each_pod. False: a plugin failed, gave what cannot be
  // kept or skips a Filter it did not skip before; the evaluation is of no more use. evaluated:
  // grows by the nodes looked at.
  bool Refresh(CycleState& state, int64_t objects_generation, int64_t* evaluated);
  // Scores, when two nodes or more are feasible. False as above.
  bool EnsureScored();

  int64_t feasible_count() const { return feasible_count_; }
  NodeIndex OnlyFeasible() const;  // with feasible_count 1
  const ScoreBoard& board() const { return board_; }  // after EnsureScored
  int64_t nodes_scored() const { return nodes_scored_; }  // ever, each time anew
  // Scores stay as they are when some of the feasible nodes are left out.
  bool ScoresStandAlone() const;
  bool has_scores() const { return !columns_.empty() || scored_; }
  // What is said of a pod that fits nowhere: one object until a verdict changes.
  const NoFit& WhyNot();
  int64_t bytes() const;

  // A pod's own nomination counts for others, not for itself: between these two the answer of the
  // node it is nominated to is that very pod's. state: its own. False as above.
  bool BeginOwn(CycleState& state, const PodInfo& pod, NodeIndex nominated_to);
  bool EndOwn();

  // Where what is kept first differs from what the plugins say of `pod` when they are asked about
  // every node; nullopt: nowhere. state: that pod's, after PreFilter. Slow (evaluation_check.h).
  std::optional<WrongEvaluation> FirstDifference(const CycleState& state,
                                                 const PodInfo& pod) const;

 private:
  friend struct EngineTestPeer;
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
  void RefreshGroups(bool start_over, int64_t from);
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
  std::optional<WrongEvaluation> FirstOtherGroup(const PodInfo& pod) const;
  std::string ScoreSuspects(const ScoreTable& table, size_t place, size_t places,
                            NodeIndex node) const;
  std::optional<WrongEvaluation> FirstOtherScore(
      CycleState& state, const PodInfo& pod, const std::vector<const NodeInfo*>& feasible) const;
  Verdict HeldVerdict(NodeIndex node) const;
  bool IsFeasible(NodeIndex node) const { return kind_of_[static_cast<size_t>(node)] == 0; }

  const Runtime& runtime_;
  const ClusterSnapshot& snapshot_;
  const EvaluationNeeds needs_;
  CycleState state_;  // of the pod that asked last when all was evaluated, and its PreScore's
  const PodPtr pod_;  // anonymous

  std::unique_ptr<NodeGroups> groups_;

  int64_t structure_ = -1, log_position_ = 0, cluster_generation_ = 0, objects_generation_ = 0;
  std::vector<uint16_t> kind_of_;  // by node; 0: feasible, else 1 + place in kinds_
  std::vector<Kind> kinds_;
  int64_t feasible_count_ = 0;
  int64_t nodes_scored_ = 0;
  bool scored_ = false;
  bool stale_totals_ = false;  // a maximum moved
  std::vector<Column> columns_;
  ScoreBoard board_;
  std::vector<NodeChange> changes_;       // scratch
  std::vector<NodeIndex> other_, moved_;  // scratch
  std::optional<NoFit> why_not_;     // while no verdict changes
  NodeIndex own_ = -1;               // between BeginOwn and EndOwn, with
  Verdict others_verdict_;           // what it answers to everybody else
};

}  // namespace berth::framework
