// The plugin API: one small interface for each extension point.
//
// A plugin is a class that inherits the points it implements (each inherits Plugin virtually),
// has a kName, and a Create function in a registry:
//
//   class Even final : public ScorePlugin {
//    public:
//     static constexpr std::string_view kName = "Even";
//     std::string_view Name() const override { return kName; }
//     Scored Score(const CycleState&, const PodInfo&, const NodeInfo& node) const override {
//       return {100 - std::min<int64_t>(100, node.pods().size())};
//     }
//   };
//
// That is enough: such a plugin is correct, but nothing is known of what its results depend on,
// so the engine calls it for every node of every pod. DependsOn and Sign make it fast.
//
// Points in order, per pod: PreEnqueue, QueueSort (queue); PreFilter, Filter, PostFilter (when no
// node is left), PreScore, Score, NormalizeScore, Reserve, Permit (scheduling cycle, one pod at a
// time); PreBind, Bind, PostBind (binding cycle, many at a time); Unreserve after any failure past
// Reserve. Which codes are legal where, and what each causes: framework.md section 2.
//
// Threads: everything is called on the engine's executor, except Filter, Score and the batch calls,
// which may also run concurrently on others: they are const and must not touch shared state.
// Nothing may block: what waits takes a completion, to be called once, from any thread.
// Source: kube-scheduler framework/interface.go.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/time/time.h>

#include "framework/columns.h"
#include "framework/cycle_state.h"
#include "framework/events.h"
#include "framework/node_info.h"
#include "framework/pod_info.h"
#include "framework/signature.h"
#include "framework/status.h"

namespace berth::framework {

inline constexpr int64_t kNodeScoreMin = 0;
inline constexpr int64_t kNodeScoreMax = 100;

// --- what results depend on -------------------------------------------------------------------

// The least that must stay unchanged for a (pod signature, node) result to stay true.
enum class Scope : uint8_t {
  kNode,         // this node's own NodeInfo
  kDomain,       // the NodeInfos of the nodes in its topology domains
  kFeasibleSet,  // which nodes are feasible (normalization apart: the engine sees to that)
  kCluster,      // node_fields of any node and which nodes there are; by default, anything
};
// What the engine makes of it: kNode results are kept per signature and node until one of
// node_fields changes there; kCluster results whose node_fields leave out kNodePods are kept until
// one of them changes anywhere; the rest is computed for each pod. Where results are kept, PreScore
// runs once for a signature, not for each pod: what it writes is there for Score, not for Reserve.

// Which parts of a NodeInfo a kNode result reads; a change elsewhere leaves it valid.
using NodeFields = uint32_t;
inline constexpr NodeFields kNodeLabels = 1;
inline constexpr NodeFields kNodeTaints = 2;         // and spec.unschedulable
inline constexpr NodeFields kNodeAllocatable = 4;
inline constexpr NodeFields kNodePods = 8;           // which pods, requested, ports
inline constexpr NodeFields kNodeImages = 16;
inline constexpr NodeFields kNodeOther = 32;         // anything else of the Node object
inline constexpr NodeFields kAllNodeFields = 63;

struct Dependencies {  // default: everything, so a naive plugin is slow but never wrong
  Scope filter = Scope::kCluster;
  Scope score = Scope::kCluster;
  NodeFields node_fields = kAllNodeFields;
  std::vector<Symbol> domains;        // topology keys, for kDomain
  // Other resources read: "PersistentVolumeClaim", ... Results are kept only when some plugin has
  // registered for events of each: otherwise nobody would hear of a change.
  std::vector<std::string> objects;
  // Filter leaves state that Reserve reads: it must be called for the chosen node, with the state
  // of the pod at hand, also where its result was kept. (Today the engine does so for all.)
  bool filter_feeds_reserve = false;
};

// --- the base -----------------------------------------------------------------------------------

class Plugin {
 public:
  virtual ~Plugin() = default;
  virtual std::string_view Name() const = 0;

  // What Filter's and Score's results for this pod depend on.
  virtual Dependencies DependsOn(const PodInfo&) const { return {}; }
  // As the cluster is now, this plugin has nothing to say about the pod: it would reject no node
  // and prefer none (PreFilter and PreScore would answer Skip). Asked for each pod; where it holds,
  // DependsOn does not count.
  virtual bool Abstains(const PodInfo&) const { return false; }
  // Puts everything of the pod that the plugin reads into the signature. False: results for this
  // pod are never shared.
  virtual bool Sign(const PodInfo&, SignatureBuilder&) const { return false; }
  // Sign looks at nothing but the pod's namespace, labels and spec (without nodeName): what it says
  // of one pod, it says of all that were made from the same template, and is not asked again.
  virtual bool SignsTemplates() const { return false; }
  // Results of the plugin for pods like this one depend on other nodes, and it can keep them for a
  // template by sorting nodes into classes (framework/node_classes.h): DependsOn does not count
  // then. What it reads of the pod is its namespace, labels and spec, and what ClassKey says.
  virtual bool Classifies(const PodInfo&) const { return false; }
  // Puts what else Classify reads for this pod, of the pod or of other objects: with another key it
  // is another template. Asked of each pod.
  virtual void ClassKey(const PodInfo&, SignatureBuilder&) const {}
  // For the template of that pod. Null: not for this one after all.
  virtual std::unique_ptr<NodeClasses> Classify(const PodInfo&) const;
  // Filter's results for this pod are its own, and Score prefers no node for it: Filter is asked
  // only of nodes that are about to be chosen, after what is shared with other pods said which
  // those are. Neither DependsOn nor Sign counts then.
  virtual bool FiltersEachPod(const PodInfo&) const { return false; }
  // Events that may make a pod schedulable that this plugin rejected. nullopt: any event.
  // Asked once. An empty list: no event does (only the periodic flush).
  virtual std::optional<std::vector<ClusterEventWithHint>> EventsToRegister() const {
    return std::nullopt;
  }
  // At shutdown, or when the profile is replaced.
  virtual void Close() {}
};

// --- queue --------------------------------------------------------------------------------------

class PreEnqueuePlugin : public virtual Plugin {
 public:
  // Before a pod may enter the active queue. Anything but Success gates it. Must be cheap.
  virtual Status PreEnqueue(const PodInfo& pod) = 0;
  // A gate it has closed opens only after Handle::GateMayOpen for that pod: until then events do
  // not ask it again.
  virtual bool SaysWhenGatesMayOpen() const { return false; }
};

class QueueSortPlugin : public virtual Plugin {
 public:
  // Strict weak order; `a` before `b`.
  virtual bool Less(const QueuedPodInfo& a, const QueuedPodInfo& b) const = 0;
};

// --- scheduling cycle ---------------------------------------------------------------------------

struct PreFilterResult {
  Status status;
  // The only nodes worth a look; nullopt: all.
  std::optional<std::vector<std::string>> node_names;
};

class PreFilterPlugin : public virtual Plugin {
 public:
  // Once per attempt. Skip: this plugin's Filter is not called for this pod.
  virtual PreFilterResult PreFilter(CycleState& state, const PodInfo& pod,
                                    const Snapshot& snapshot) = 0;
  // What changes when a pod is added to or removed from a node, for simulating preemption and
  // nominated pods. True: AddPod and RemovePod are implemented.
  virtual bool HasExtensions() const { return false; }
  virtual Status AddPod(CycleState&, const PodInfo& /*to_schedule*/, const PodInfo& /*added*/,
                        const NodeInfo&) {
    return Success();
  }
  virtual Status RemovePod(CycleState&, const PodInfo& /*to_schedule*/,
                           const PodInfo& /*removed*/, const NodeInfo&) {
    return Success();
  }
};

class FilterPlugin : public virtual Plugin {
 public:
  virtual Status Filter(const CycleState& state, const PodInfo& pod,
                        const NodeInfo& node) const = 0;
  // Optional. Sets out[i] to 1 when nodes[i] passes, else 0; false: not offered for this pod.
  // The verdict must be Filter's; the reason is then asked of Filter.
  virtual bool FilterBatch(const CycleState&, const PodInfo&, const NodeColumns&,
                           std::span<const NodeIndex> /*nodes*/, std::span<uint8_t> /*out*/) const {
    return false;
  }
};

// Which nodes rejected the pod, and why.
class NodeStatusReader {
 public:
  virtual ~NodeStatusReader() = default;
  virtual Status Get(std::string_view node_name) const = 0;
  // Every node of the snapshot with that code, in its order. Valid while the reader lives.
  virtual std::span<const NodeIndex> NodesWith(Code code) const = 0;
};

struct NominatingInfo {
  enum class Mode : uint8_t { kNoop, kOverride };
  Mode mode = Mode::kNoop;
  std::string node_name;  // kOverride: the new nomination; empty clears it
};
struct PostFilterResult {
  Status status;
  std::optional<NominatingInfo> nominating;
};

// A node where the pod would fit without these pods, the most important first.
struct PreemptionCandidate {
  std::string node;
  std::vector<PodPtr> victims;
  int64_t budget_violations = 0;
};
// What PostFilter would answer, and what it would choose from.
struct PostFilterPlan {
  Status status;
  std::optional<NominatingInfo> nominating;
  std::vector<PreemptionCandidate> candidates;
  std::vector<std::string> pick;  // the best candidates' nodes; the first is taken
};

using PostFilterDone = absl::AnyInvocable<void(PostFilterResult)>;

class PostFilterPlugin : public virtual Plugin {
 public:
  // Only when no node is feasible. May start evictions through the sink, and ask others
  // (extenders): until `done`, no other pod of the engine is scheduled. The arguments live until
  // then.
  virtual void PostFilter(CycleState& state, const PodInfo& pod, const NodeStatusReader& statuses,
                          PostFilterDone done) = 0;
  // For explanations: nothing is evicted, written or remembered.
  virtual PostFilterPlan PlanPostFilter(const CycleState&, const PodInfo&,
                                        const NodeStatusReader&) {
    PostFilterPlan plan;
    plan.status = Unschedulable("");
    return plan;
  }
};

class PreScorePlugin : public virtual Plugin {
 public:
  // Only with two feasible nodes or more. Skip: this plugin's Score is not called for this pod.
  virtual Status PreScore(CycleState& state, const PodInfo& pod,
                          std::span<const NodeInfo* const> feasible) = 0;
};

struct Scored {
  int64_t score = 0;  // any int64 when Normalize brings it to [0, 100]; else in [0, 100] already
  Status status;
};
// Raw scores of the feasible nodes, to be normalized in place.
struct NodeScore {
  NodeIndex node = -1;
  int64_t score = 0;
};
// How raw scores become [0, 100]. kDefault and kDefaultReverse are upstream's shared helper
// (100 * s / max; all 100 when max is 0 and reversed): the engine redoes them only when the
// maximum moves. kCustom calls NormalizeScore.
enum class Normalization : uint8_t { kNone, kDefault, kDefaultReverse, kCustom };

class ScorePlugin : public virtual Plugin {
 public:
  virtual Scored Score(const CycleState& state, const PodInfo& pod,
                       const NodeInfo& node) const = 0;
  virtual Normalization normalization() const { return Normalization::kNone; }
  virtual Status NormalizeScore(const CycleState&, const PodInfo&, std::span<NodeScore>) const {
    return Success();
  }
  // Optional. Sets out[i] to the raw score of nodes[i]; false: not offered for this pod.
  virtual bool ScoreBatch(const CycleState&, const PodInfo&, const NodeColumns&,
                          std::span<const NodeIndex> /*nodes*/, std::span<int64_t> /*out*/) const {
    return false;
  }
};
// One score of the helper; max: of all raw scores, at least 0. Truncated.
inline int64_t NormalizedScore(int64_t score, int64_t max, bool reverse) {
  if (max == 0) return reverse ? kNodeScoreMax : score;
  const int64_t scaled = kNodeScoreMax * score / max;
  return reverse ? kNodeScoreMax - scaled : scaled;
}
// The shared helper itself, for tests and kCustom.
void DefaultNormalize(std::span<NodeScore> scores, bool reverse);

class ReservePlugin : public virtual Plugin {
 public:
  virtual Status Reserve(CycleState& state, const PodInfo& pod, std::string_view node_name) = 0;
  // Also called when Reserve of this plugin did not run. Idempotent.
  virtual void Unreserve(CycleState& state, const PodInfo& pod, std::string_view node_name) = 0;
};

struct PermitResult {
  Status status;           // Success, rejected, or Wait
  absl::Duration timeout;  // of Wait; at most 15 minutes
};
class PermitPlugin : public virtual Plugin {
 public:
  virtual PermitResult Permit(CycleState& state, const PodInfo& pod,
                              std::string_view node_name) = 0;
};

// --- binding cycle ------------------------------------------------------------------------------

using StatusDone = absl::AnyInvocable<void(Status)>;

struct PreBindPreFlightResult {
  Status status;  // Success: PreBind will run. Skip: it has nothing to do. Anything else: Error
  bool allow_parallel = false;
};
class PreBindPlugin : public virtual Plugin {
 public:
  virtual PreBindPreFlightResult PreBindPreFlight(CycleState&, const PodInfo&,
                                                  std::string_view /*node_name*/) {
    return {};
  }
  virtual void PreBind(CycleState& state, const PodInfo& pod, std::string_view node_name,
                       StatusDone done) = 0;
  // Another PreBind that runs beside this one has failed: `done` is still to be called, and what it
  // says does not matter any more.
  virtual void CancelPreBind(const PodInfo&) {}
};

class BindPlugin : public virtual Plugin {
 public:
  // Skip: the next bind plugin is asked.
  virtual void Bind(CycleState& state, const PodInfo& pod, std::string_view node_name,
                    StatusDone done) = 0;
};

class PostBindPlugin : public virtual Plugin {
 public:
  virtual void PostBind(CycleState& state, const PodInfo& pod, std::string_view node_name) = 0;
};

// --- pod groups (alpha upstream) ----------------------------------------------------------------

struct Placement {
  std::string name;
  std::vector<std::string> node_names;
};
class PlacementGeneratePlugin : public virtual Plugin {
 public:
  virtual Status GeneratePlacements(CycleState& state, std::span<const PodPtr> group,
                                    const Placement& parent, std::vector<Placement>& out) = 0;
};

// Raw scores of the feasible placements, to be normalized in place.
struct PlacementScore {
  const Placement* placement = nullptr;
  int64_t score = 0;
};
class PlacementScorePlugin : public virtual Plugin {
 public:
  // proposed: those of the group that have a node there, with that node.
  virtual Scored ScorePlacement(CycleState& state, std::span<const PodPtr> group,
                                const Placement& placement,
                                std::span<const PodPtr> proposed) = 0;
  // Afterwards scores are in [0, 100].
  virtual Status NormalizePlacementScores(CycleState&, std::span<const PodPtr> /*group*/,
                                          std::span<PlacementScore>) const {
    return Success();
  }
};

// Not called yet: WorkloadAwarePreemption is absent.
class PodGroupPostFilterPlugin : public virtual Plugin {
 public:
  // Only when a group could not be placed whole. `try_group`: whether it could on the snapshot as
  // it is now, with pods that RemovePod took away. Success: room is being made.
  virtual void PodGroupPostFilter(CycleState& state, std::span<const PodPtr> group,
                                  absl::AnyInvocable<Status()> try_group, StatusDone done) = 0;
};

}  // namespace berth::framework
