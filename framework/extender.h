// Extender: a part of the policy that another process has. It is asked for pods it is interested
// in, after the plugins: which of the feasible nodes it takes, how it ranks them, whom it would
// evict, and it may bind by itself. Over HTTP it speaks upstream's protocol
// (scheduler-main/extender/http_extender.h). framework.md section 6.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "framework/plugin.h"
#include "framework/pod_info.h"

namespace berth::framework {

// The pseudo-plugin that is named when an extender left a node out.
inline constexpr std::string_view kExtenderPlugin = "Extender";
// Scores of extenders are 0..10, and counted as plugins' of 0..100.
inline constexpr int64_t kExtenderScoreMax = 10;

using NodePtr = std::shared_ptr<const api::core::Node>;

struct ExtenderFilterResult {
  std::vector<NodePtr> kept;
  // The nodes are the extender's own objects: they are scored as it describes them, empty.
  bool kept_are_its_own = false;
  std::vector<std::pair<std::string, std::string>> failed;        // node, why: evicting may help
  std::vector<std::pair<std::string, std::string>> unresolvable;  // and why nothing helps
};

// Where an extender agrees to make room, and by evicting which pods of the node.
struct ExtenderVictims {
  std::string node;
  std::vector<std::string> pod_uids;
  int64_t budget_violations = 0;
};

// Threads: used on the engine's executor; completions come back on it, once, never inside the call.
// A failure is the whole message of the pod's failed attempt.
class Extender {
 public:
  using FilterDone = absl::AnyInvocable<void(absl::StatusOr<ExtenderFilterResult>)>;
  using Scores = std::vector<std::pair<std::string, int64_t>>;  // node, 0..10
  using PrioritizeDone = absl::AnyInvocable<void(absl::StatusOr<Scores>)>;
  using BindDone = absl::AnyInvocable<void(absl::Status)>;
  using PreemptDone = absl::AnyInvocable<void(absl::StatusOr<std::vector<ExtenderVictims>>)>;

  virtual ~Extender() = default;
  virtual std::string_view name() const = 0;

  virtual bool filters() const = 0;
  virtual bool prioritizes() const = 0;
  virtual bool binds() const = 0;
  virtual bool preempts() const = 0;
  // Pods are scheduled without it when it fails.
  virtual bool ignorable() const = 0;
  virtual int64_t weight() const = 0;  // of its scores
  virtual bool IsInterested(const PodInfo& pod) const = 0;

  // Called only for what the extender says it does. urgent: before calls that wait already.
  virtual void Filter(const PodPtr& pod, std::vector<NodePtr> nodes, bool urgent,
                      FilterDone done) = 0;
  virtual void Prioritize(const PodPtr& pod, std::vector<NodePtr> nodes, bool urgent,
                          PrioritizeDone done) = 0;
  virtual void Bind(const PodPtr& pod, std::string_view node, BindDone done) = 0;
  // Which of the candidates it agrees with, and who is to go there.
  virtual void Preempt(const PodPtr& pod, std::vector<PreemptionCandidate> candidates,
                       PreemptDone done) = 0;
};

// In the order of asking.
using Extenders = std::vector<std::unique_ptr<Extender>>;

}  // namespace berth::framework
