#include "plugins/dynamic_resources/allocator.h"

#include <algorithm>

#include "plugins/dynamic_resources/allocation_result.h"
#include "plugins/dynamic_resources/search.h"

namespace berth::plugins::dynamic_resources {
namespace {

using Kind = AllocationOutcome::Kind;

AllocationOutcome Failed(std::string problem) {
  AllocationOutcome out;
  out.kind = Kind::kFailed;
  out.problem = std::move(problem);
  return out;
}

}  // namespace

absl::Time DeadlineOf(absl::Time now, absl::Duration filter_timeout) {
  return filter_timeout > absl::ZeroDuration() ? now + filter_timeout : absl::InfiniteFuture();
}

AllocationOutcome AllocateOn(const framework::NodeInfo& node, const Prepared& prepared,
                             const NodeView& view, const std::function<bool()>& expired) {
  if (!prepared.problem.empty()) return Failed(prepared.problem);
  Search search(prepared, view, node, expired);
  const Search::Found found = search.Run();
  AllocationOutcome out;
  out.steps = search.steps();
  if (search.timed_out()) {
    out.kind = Kind::kTimedOut;
    return out;
  }
  if (found == Search::Found::kStopped) return Failed(search.problem());
  if (found != Search::Found::kYes) {
    const bool invalid = std::any_of(view.pools().begin(), view.pools().end(),
                                     [](const Pool& pool) { return !pool.problem.empty(); });
    if (invalid) out.kind = Kind::kInvalidPools;
    return out;
  }
  out.kind = Kind::kAllocated;
  std::string problem;
  for (size_t i = 0; i < prepared.claims.size(); ++i) {
    out.results.push_back(ResultOf(prepared.claims[i], i, search, node.name(), problem));
  }
  return problem.empty() ? out : Failed(std::move(problem));
}

}  // namespace berth::plugins::dynamic_resources
