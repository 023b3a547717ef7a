// ExtenderAnswers: what extenders have said about a pod in one attempt.
//
// An extender's answer takes a while, so an attempt is decided in passes: a pass that needs an
// answer which is not there yet ends with questions; once they are answered the attempt is decided
// again from the start, with the answers at hand, on the snapshot as it is then.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "base/strings.h"
#include "framework/cycle/fit_error.h"
#include "framework/cycle/node_statuses.h"
#include "framework/extender.h"
#include "framework/node_info.h"
#include "framework/snapshot.h"

namespace berth::framework {

struct ExtenderQuestion {
  enum class Kind : uint8_t {
    kFilterNominated,  // the node the pod is nominated to, before all others
    kFilter,
    kPrioritize,
  };
  size_t extender = 0;  // its place
  Kind kind = Kind::kFilter;
  std::vector<NodePtr> nodes;
};

// Threads: the engine's executor.
class ExtenderAnswers {
 public:
  using Nodes = std::vector<const NodeInfo*>;

  void SetFilter(const ExtenderQuestion& question, absl::StatusOr<ExtenderFilterResult> answer);
  void SetPrioritize(const ExtenderQuestion& question, absl::StatusOr<Extender::Scores> answer);

  // Leaves the nodes that all filtering extenders take, in the order of asking; the others get
  // their verdicts. Questions: somebody is still to be asked. A failure ends the attempt.
  // kind: one of the two that filter.
  Status Filter(const Extenders& extenders, ExtenderQuestion::Kind kind, const PodInfo& pod,
                const Snapshot& snapshot, Nodes& feasible, NodeStatuses& statuses,
                Diagnosis& diagnosis, std::vector<ExtenderQuestion>& questions);
  // Adds each prioritizing extender's scores to the totals, in the order of `feasible`.
  void Prioritize(const Extenders& extenders, const PodInfo& pod, const Nodes& feasible,
                  std::vector<int64_t>& totals, std::vector<ExtenderQuestion>& questions) const;

 private:
  struct Filtered {
    absl::Status failure;
    StringMap<NodePtr> kept;
    bool kept_are_its_own = false;
    StringMap<Status> rejected;
  };
  using Scores = absl::StatusOr<StringMap<int64_t>>;
  using Place = std::pair<size_t, ExtenderQuestion::Kind>;
  // The verdicts of the nodes that go, also of nodes that nobody knows.
  std::vector<Status> Apply(const Filtered& answer, const Snapshot& snapshot, Nodes& feasible,
                            NodeStatuses& statuses);

  std::map<Place, Filtered> filtered_;
  std::map<Place, Scores> scores_;
  std::vector<std::unique_ptr<NodeInfo>> described_;  // nodes as extenders describe them
};

// Whether one of them filters or ranks nodes for the pod.
bool AnyDecides(const Extenders& extenders, const PodInfo& pod);

}  // namespace berth::framework
