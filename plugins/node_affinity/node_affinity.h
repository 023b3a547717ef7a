// Places pods on nodes by the nodes' labels: nodeSelector and node affinity.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/scheduling/node_affinity.h"
#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"

namespace berth::plugins::node_affinity {

// PreFilter: Skip when neither the pod nor addedAffinity requires anything. Required terms that
//   name nodes by metadata.name narrow the search to those; terms that contradict themselves yield
//   UnschedulableAndUnresolvable "pod affinity terms conflict".
// Filter: addedAffinity's required part, then the pod's own nodeSelector and required affinity;
//   either failing yields UnschedulableAndUnresolvable. A term that does not parse never matches.
// PreScore: Skip without preferred terms. An invalid preferred term yields Error.
// Score: sum of the weights of matching preferred terms; normalized to [0, 100].
// Events: a node joins, or its labels change so that it matches now and did not before.
// Cost: O(requirements) integer comparisons per node, no allocation. Threads: const after
//   construction. Source: kube-scheduler plugin of the same name.
class NodeAffinity final : public framework::PreFilterPlugin,
                           public framework::FilterPlugin,
                           public framework::PreScorePlugin,
                           public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "NodeAffinity";
  static constexpr std::string_view kReasonPod =
      "node(s) didn't match Pod's node affinity/selector";
  static constexpr std::string_view kReasonEnforced =
      "node(s) didn't match scheduler-enforced node affinity";
  static constexpr std::string_view kReasonConflict = "pod affinity terms conflict";
  // args: validated.
  explicit NodeAffinity(const NodeAffinityArgs& args);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  framework::Status PreScore(framework::CycleState& state, const framework::PodInfo& pod,
                             std::span<const framework::NodeInfo* const> feasible) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Normalization normalization() const override {
    return framework::Normalization::kDefault;
  }
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  using Terms = std::vector<api::scheduling::SelectorTerm>;
  bool AddedMatches(const api::scheduling::LabelSet& labels, Symbol node_name) const;
  absl::StatusOr<framework::QueueingHint> AfterNodeChange(
      const framework::PodInfo& pod, const google::protobuf::Message* old_object,
      const google::protobuf::Message* new_object) const;

  std::optional<Terms> added_required_;
  std::vector<api::scheduling::PreferredTerm> added_preferred_;
  bool has_added_preferred_ = false;
};

}  // namespace berth::plugins::node_affinity
