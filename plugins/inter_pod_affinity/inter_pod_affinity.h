// Places pods by the pods that run already: with some, away from others, in the same or another
// zone, node, or whatever a node label names.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "api/scheduling/labels.h"
#include "api/scheduling/pod_affinity.h"
#include "framework/plugin.h"
#include "framework/registry.h"
#include "plugins/args.h"

namespace berth::plugins::inter_pod_affinity {

// PreFilter: counts, for each topology pair, the pods that keep this one away, those it must be
//   with and those it must not be with. Skip when the pod requires nothing and nobody keeps it
//   away. A selector that does not parse: UnschedulableAndUnresolvable "parsing pod: ...".
// Filter: required affinity (UnschedulableAndUnresolvable), then its own required anti-affinity,
//   then that of the pods there (both Unschedulable). The first pod of a group that requires itself
//   may go anywhere that has the keys.
// PreScore: Skip when no preference, of either side, applies.
// Score: the weights of the preferences that a node's pairs meet, those of existing pods included;
//   hardPodAffinityWeight for each existing pod that requires this one. Normalized between the
//   least and the greatest.
// Events: pods and nodes that come, go or change their labels, with hints.
// Cost: PreFilter and PreScore look at every pod of the cluster when the pod has terms, else only
//   at pods that have terms; by classes of nodes (affinity_classes.h), at what changed.
// Threads: const after construction.
// Source: kube-scheduler plugin of the same name; plugins.md section 12.
class InterPodAffinity final : public framework::PreFilterPlugin,
                               public framework::FilterPlugin,
                               public framework::PreScorePlugin,
                               public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "InterPodAffinity";
  static constexpr std::string_view kReasonAffinity = "node(s) didn't match pod affinity rules";
  static constexpr std::string_view kReasonAntiAffinity =
      "node(s) didn't match pod anti-affinity rules";
  static constexpr std::string_view kReasonExistingAntiAffinity =
      "node(s) didn't satisfy existing pods anti-affinity rules";
  // args: validated.
  InterPodAffinity(const InterPodAffinityArgs& args, framework::Handle& handle);

  std::string_view Name() const override { return kName; }
  framework::PreFilterResult PreFilter(framework::CycleState& state, const framework::PodInfo& pod,
                                       const framework::Snapshot& snapshot) override;
  bool HasExtensions() const override { return true; }
  framework::Status AddPod(framework::CycleState& state, const framework::PodInfo& to_schedule,
                           const framework::PodInfo& added,
                           const framework::NodeInfo& node) override;
  framework::Status RemovePod(framework::CycleState& state, const framework::PodInfo& to_schedule,
                              const framework::PodInfo& removed,
                              const framework::NodeInfo& node) override;
  framework::Status Filter(const framework::CycleState& state, const framework::PodInfo& pod,
                           const framework::NodeInfo& node) const override;
  framework::Status PreScore(framework::CycleState& state, const framework::PodInfo& pod,
                             std::span<const framework::NodeInfo* const> feasible) override;
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Normalization normalization() const override {
    return framework::Normalization::kCustom;
  }
  framework::Status NormalizeScore(const framework::CycleState& state,
                                   const framework::PodInfo& pod,
                                   std::span<framework::NodeScore> scores) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Abstains(const framework::PodInfo& pod) const override;
  bool Classifies(const framework::PodInfo& pod) const override;
  std::unique_ptr<framework::NodeClasses> Classify(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  friend class AffinityClasses;
  struct PreFilterState;
  struct PreScoreState;
  using Term = api::scheduling::PodAffinityTerm;

  api::scheduling::LabelSet NamespaceLabels(std::string_view name) const;
  // Adds the names of the namespaces that the term's selector picks.
  void ExpandNamespaces(Term& term) const;
  static void Count(PreFilterState& counts, const framework::PodInfo& pod,
                    const framework::PodInfo& other, const framework::NodeInfo& node, int sign);
  static void Normalize(std::span<framework::NodeScore> scores);
  void Weigh(PreScoreState& scores, const framework::PodInfo& pod,
             const framework::PodInfo& existing, const framework::NodeInfo& node) const;

  const int32_t hard_weight_;
  const bool ignore_existing_;
  framework::Handle& handle_;
};

}  // namespace berth::plugins::inter_pod_affinity
