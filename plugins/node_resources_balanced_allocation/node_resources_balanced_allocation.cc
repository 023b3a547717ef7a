#include "plugins/node_resources_balanced_allocation/node_resources_balanced_allocation.h"

#include <algorithm>
#include <cmath>

#include <absl/container/inlined_vector.h>

#include "plugins/signature_keys.h"

namespace berth::plugins::node_resources_balanced_allocation {
namespace {

using api::scheduling::SaturatingAdd;
using node_resources_fit::Allocation;
using node_resources_fit::WeightedResource;
using Kind = WeightedResource::Kind;

double Fraction(int64_t requested, int64_t allocatable) {
  const double fraction = static_cast<double>(requested) / static_cast<double>(allocatable);
  return fraction > 1 ? 1 : fraction;
}

}  // namespace

int64_t Balance(std::span<const double> fractions) {
  double deviation = 0;
  if (fractions.size() == 2) {
    deviation = std::fabs((fractions[0] - fractions[1]) / 2);
  } else if (fractions.size() > 2) {
    const auto count = static_cast<double>(fractions.size());
    double total = 0;
    for (double fraction : fractions) total += fraction;
    const double mean = total / count;
    double squares = 0;
    for (double fraction : fractions) squares += (fraction - mean) * (fraction - mean);
    deviation = std::sqrt(squares / count);
  }
  return static_cast<int64_t>((1 - deviation) * 100.0);
}

int64_t BalanceScore(int64_t before, int64_t after) { return 50 + (50 + after - before) / 2; }

NodeResourcesBalancedAllocation::NodeResourcesBalancedAllocation(
    const NodeResourcesBalancedAllocationArgs& args, framework::Handle& handle)
    : resources_(node_resources_fit::Resolve(args.resources)),
      devices_(node_resources_fit::DevicesFor(resources_, handle)) {}

framework::Status NodeResourcesBalancedAllocation::PreScore(
    framework::CycleState&, const framework::PodInfo& pod,
    std::span<const framework::NodeInfo* const>) {
  const bool wants_any =
      std::any_of(resources_.begin(), resources_.end(), [&](const WeightedResource& resource) {
        return pod.requests.Of(resource.name) != 0;
      });
  return wants_any ? framework::Success() : framework::Skip();
}

framework::Scored NodeResourcesBalancedAllocation::Score(const framework::CycleState&,
                                                         const framework::PodInfo& pod,
                                                         const framework::NodeInfo& node) const {
  absl::InlinedVector<double, 4> before;
  absl::InlinedVector<double, 4> after;
  for (const WeightedResource& resource : resources_) {
    const Allocation with =
        AllocationOf(resource, pod.requests, node, node.requested(), devices_.get());
    if (with.allocatable == 0) continue;
    const int64_t wanted = pod.requests.Of(resource.name);
    before.push_back(Fraction(with.requested - wanted, with.allocatable));
    after.push_back(Fraction(with.requested, with.allocatable));
  }
  return {BalanceScore(Balance(before), Balance(after)), {}};
}

bool NodeResourcesBalancedAllocation::ScoreBatch(const framework::CycleState&,
                                                 const framework::PodInfo& pod,
                                                 const framework::NodeColumns& columns,
                                                 std::span<const framework::NodeIndex> nodes,
                                                 std::span<int64_t> out) const {
  if (resources_.size() != 2 || resources_[0].kind != Kind::kCpu ||
      resources_[1].kind != Kind::kMemory) {
    return false;
  }
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto n = static_cast<size_t>(nodes[i]);
    const int64_t cpu = columns.allocatable_milli_cpu[n];
    const int64_t memory = columns.allocatable_memory_bytes[n];
    if (cpu == 0 || memory == 0) {
      out[i] = BalanceScore(100, 100);  // fewer than two fractions are always even
      continue;
    }
    const int64_t used_cpu = columns.requested_milli_cpu[n];
    const int64_t used_memory = columns.requested_memory_bytes[n];
    const double before[] = {Fraction(used_cpu, cpu), Fraction(used_memory, memory)};
    const double after[] = {
        Fraction(SaturatingAdd(used_cpu, pod.requests.milli_cpu), cpu),
        Fraction(SaturatingAdd(used_memory, pod.requests.memory_bytes), memory)};
    out[i] = BalanceScore(Balance(before), Balance(after));
  }
  return true;
}

framework::Dependencies NodeResourcesBalancedAllocation::DependsOn(
    const framework::PodInfo& pod) const {
  const bool on_devices = devices_ != nullptr && devices_->classes().OfferAny(pod.requests);
  if (on_devices) return {};  // on claims and slices too
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = framework::kNodeAllocatable | framework::kNodePods,
          .domains = {},
          .objects = {}};
}

bool NodeResourcesBalancedAllocation::Sign(const framework::PodInfo& pod,
                                           framework::SignatureBuilder& out) const {
  PutRequests(pod, out);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>>
NodeResourcesBalancedAllocation::EventsToRegister() const {
  return std::vector<framework::ClusterEventWithHint>();
}

}  // namespace berth::plugins::node_resources_balanced_allocation
