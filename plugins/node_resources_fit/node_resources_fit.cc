#include "plugins/node_resources_fit/node_resources_fit.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/event_objects.h"
#include "plugins/node_resources_fit/queueing_hints.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::node_resources_fit {
namespace {

using api::scheduling::Amounts;
using api::scheduling::Lacks;
using api::scheduling::SaturatingAdd;
using framework::Code;
using framework::Status;

// Which of the four named resources are short, as bits in upstream's order.
constexpr std::array<std::string_view, 4> kNamedReasons = {
    "Too many pods", "Insufficient cpu", "Insufficient memory", "Insufficient ephemeral-storage"};

Status MakeRejection(uint32_t named, const std::vector<Symbol>& scalars, bool unresolvable) {
  std::vector<std::string> reasons;
  for (uint32_t bit = 0; bit < kNamedReasons.size(); ++bit) {
    if ((named >> bit & 1) != 0) reasons.emplace_back(kNamedReasons[bit]);
  }
  for (Symbol scalar : scalars) reasons.push_back("Insufficient " + std::string(scalar.text()));
  return Status(unresolvable ? Code::kUnschedulableAndUnresolvable : Code::kUnschedulable,
                std::move(reasons));
}

// The 32 rejections without scalars, made once: nodes that lack the same share one Status.
const Status& NamedRejection(uint32_t named, bool unresolvable) {
  static const auto* const kTable = [] {
    auto* table = new std::array<Status, 32>;
    for (uint32_t i = 0; i < table->size(); ++i) (*table)[i] = MakeRejection(i & 15, {}, i >= 16);
    return table;
  }();
  return (*kTable)[named + (unresolvable ? 16 : 0)];
}

// Node after node usually lacks the same scalars, so the last Status is kept, one per thread.
Status ScalarRejection(uint32_t named, const std::vector<Symbol>& scalars, bool unresolvable) {
  struct Last {
    uint32_t named = 0;
    bool unresolvable = false;
    std::vector<Symbol> scalars;
    Status status;
  };
  thread_local Last last;
  if (last.status.ok() || last.named != named || last.unresolvable != unresolvable ||
      last.scalars != scalars) {
    last = {named, unresolvable, scalars, MakeRejection(named, scalars, unresolvable)};
  }
  return last.status;
}

}  // namespace

NodeResourcesFit::NodeResourcesFit(const NodeResourcesFitArgs& args, framework::Handle& handle)
    : handle_(handle) {
  const ScoringStrategyArgs& scoring = *args.scoring_strategy;
  resources_ = Resolve(scoring.resources);
  if (scoring.type == "MostAllocated") {
    strategy_ = Strategy::kMostAllocated;
  } else if (scoring.type == "RequestedToCapacityRatio") {
    strategy_ = Strategy::kRequestedToCapacityRatio;
    shape_ = scoring.requested_to_capacity_ratio->shape;
  }
  for (const std::string& name : args.ignored_resources) ignored_.insert(Symbol::Intern(name));
  for (const std::string& group : args.ignored_resource_groups) ignored_groups_.insert(group);
  ignores_any_ = !ignored_.empty() || !ignored_groups_.empty();
  devices_ = DevicesFor(resources_, handle);
  if (!handle.device_features().extended_resources) return;
  inventory_ = dynamic_resources::Inventory::Of(handle);
  inventory_->WhenOffersChange(alive_.Watch(), [this] { handle_.InvalidateAll(kName); });
}

framework::PreFilterResult NodeResourcesFit::PreFilter(framework::CycleState&,
                                                       const framework::PodInfo&,
                                                       const framework::Snapshot&) {
  return {};  // requests were summed on the pod's arrival
}

bool NodeResourcesFit::IsIgnored(Symbol resource) const {
  if (!ignores_any_) return false;
  const std::string_view name = resource.text();
  if (!api::scheduling::IsExtendedResourceName(name)) return false;
  return ignored_.contains(resource) || ignored_groups_.contains(name.substr(0, name.find('/')));
}

bool NodeResourcesFit::IsLeftToDevices(Symbol resource) const {
  return inventory_ != nullptr && inventory_->classes().Offering(resource) != nullptr;
}

Status NodeResourcesFit::Filter(const framework::CycleState&, const framework::PodInfo& pod,
                                const framework::NodeInfo& node) const {
  if (api::scheduling::Fits(pod.requests, node.allocatable(), node.requested(),
                            static_cast<int64_t>(node.pods().size()))) {
    return framework::Success();
  }
  return Rejection(pod, node);
}

Status NodeResourcesFit::Rejection(const framework::PodInfo& pod,
                                   const framework::NodeInfo& node) const {
  const Amounts& want = pod.requests;
  const Amounts& has = node.allocatable().amounts;
  const Amounts& used = node.requested();
  uint32_t named = 0;
  bool unresolvable = false;
  if (static_cast<int64_t>(node.pods().size()) + 1 > node.allocatable().pods) named |= 1;
  const auto check = [&](uint32_t bit, int64_t wanted, int64_t capacity, int64_t taken) {
    if (!Lacks(wanted, capacity, taken)) return;
    named |= bit;
    unresolvable |= wanted > capacity;
  };
  check(2, want.milli_cpu, has.milli_cpu, used.milli_cpu);
  check(4, want.memory_bytes, has.memory_bytes, used.memory_bytes);
  check(8, want.ephemeral_storage_bytes, has.ephemeral_storage_bytes,
        used.ephemeral_storage_bytes);
  std::vector<Symbol> scalars;
  for (const auto& [name, wanted] : want.scalars) {
    const int64_t capacity = has.Scalar(name);
    if (!Lacks(wanted, capacity, used.Scalar(name)) || IsIgnored(name)) continue;
    if (capacity == 0 && IsLeftToDevices(name)) continue;
    scalars.push_back(name);
    unresolvable |= wanted > capacity;
  }
  if (!scalars.empty()) return ScalarRejection(named, scalars, unresolvable);
  return named == 0 ? Status() : NamedRejection(named, unresolvable);
}

bool NodeResourcesFit::FilterBatch(const framework::CycleState&, const framework::PodInfo& pod,
                                   const framework::NodeColumns& columns,
                                   std::span<const framework::NodeIndex> nodes,
                                   std::span<uint8_t> out) const {
  const Amounts& want = pod.requests;
  if (!want.scalars.empty()) return false;  // columns have no scalars
  const auto room = [](int64_t wanted, int64_t has, int64_t used) {
    return static_cast<uint8_t>(wanted <= 0) | static_cast<uint8_t>(used <= has - wanted);
  };
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto n = static_cast<size_t>(nodes[i]);
    const int fits =
        static_cast<int>(columns.pod_count[n] < columns.allocatable_pods[n]) &
        room(want.milli_cpu, columns.allocatable_milli_cpu[n], columns.requested_milli_cpu[n]) &
        room(want.memory_bytes, columns.allocatable_memory_bytes[n],
             columns.requested_memory_bytes[n]) &
        room(want.ephemeral_storage_bytes, columns.allocatable_ephemeral_storage_bytes[n],
             columns.requested_ephemeral_storage_bytes[n]);
    out[i] = static_cast<uint8_t>(fits);
  }
  return true;
}

Status NodeResourcesFit::PreScore(framework::CycleState&, const framework::PodInfo&,
                                  std::span<const framework::NodeInfo* const>) {
  return framework::Success();
}

int64_t NodeResourcesFit::ResourceScore(const Allocation& allocation) const {
  switch (strategy_) {
    case Strategy::kLeastAllocated:
      return LeastAllocated(allocation.requested, allocation.allocatable);
    case Strategy::kMostAllocated:
      return MostAllocated(allocation.requested, allocation.allocatable);
    case Strategy::kRequestedToCapacityRatio:
      return BrokenLinear(shape_,
                          UtilizationPercent(allocation.requested, allocation.allocatable));
  }
  return 0;
}

framework::Scored NodeResourcesFit::Score(const framework::CycleState&,
                                          const framework::PodInfo& pod,
                                          const framework::NodeInfo& node) const {
  const bool ratio = strategy_ == Strategy::kRequestedToCapacityRatio;
  int64_t sum = 0;
  int64_t weights = 0;
  for (const WeightedResource& resource : resources_) {
    const Allocation allocation =
        AllocationOf(resource, pod.scoring_requests, node, node.non_zero_requested(),
                     devices_.get());
    if (allocation.allocatable == 0) continue;
    const int64_t score = ResourceScore(allocation);
    if (ratio && score <= 0) continue;
    sum += score * resource.weight;
    weights += resource.weight;
  }
  if (weights == 0) return {0, {}};
  if (!ratio) return {sum / weights, {}};
  return {static_cast<int64_t>(
              std::round(static_cast<double>(sum) / static_cast<double>(weights))),
          {}};
}

framework::Scored NodeResourcesFit::ScorePlacement(framework::CycleState&,
                                                   std::span<const framework::PodPtr>,
                                                   const framework::Placement& placement,
                                                   std::span<const framework::PodPtr> proposed) {
  int64_t sum = 0, weights = 0;
  for (const WeightedResource& resource : resources_) {
    Allocation all;
    for (const std::string& name : placement.node_names) {
      const framework::NodeInfo* node = handle_.snapshot().Find(name);
      if (node == nullptr) continue;
      const Allocation used = AllocationOf(resource, *node);
      all.allocatable = SaturatingAdd(all.allocatable, used.allocatable);
      all.requested = SaturatingAdd(all.requested, used.requested);
    }
    for (const framework::PodPtr& pod : proposed) {
      all.requested =
          SaturatingAdd(all.requested, AmountOf(resource, pod->scoring_requests));
    }
    if (all.allocatable == 0) continue;
    sum += MostAllocated(all.requested, all.allocatable) * resource.weight;
    weights += resource.weight;
  }
  return {weights == 0 ? 0 : sum / weights, {}};
}

bool NodeResourcesFit::ScoreBatch(const framework::CycleState&, const framework::PodInfo& pod,
                                  const framework::NodeColumns& columns,
                                  std::span<const framework::NodeIndex> nodes,
                                  std::span<int64_t> out) const {
  if (strategy_ == Strategy::kRequestedToCapacityRatio || resources_.size() != 2 ||
      resources_[0].kind != WeightedResource::Kind::kCpu ||
      resources_[1].kind != WeightedResource::Kind::kMemory) {
    return false;
  }
  const Amounts& pod_wants = pod.scoring_requests;
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto n = static_cast<size_t>(nodes[i]);
    const Allocation cpu = {
        columns.allocatable_milli_cpu[n],
        SaturatingAdd(columns.non_zero_requested_milli_cpu[n], pod_wants.milli_cpu)};
    const Allocation memory = {
        columns.allocatable_memory_bytes[n],
        SaturatingAdd(columns.non_zero_requested_memory_bytes[n], pod_wants.memory_bytes)};
    int64_t sum = 0;
    int64_t weights = 0;
    if (cpu.allocatable != 0) {
      sum += ResourceScore(cpu) * resources_[0].weight;
      weights += resources_[0].weight;
    }
    if (memory.allocatable != 0) {
      sum += ResourceScore(memory) * resources_[1].weight;
      weights += resources_[1].weight;
    }
    out[i] = weights == 0 ? 0 : sum / weights;
  }
  return true;
}

framework::Dependencies NodeResourcesFit::DependsOn(const framework::PodInfo& pod) const {
  const bool on_devices =
      inventory_ != nullptr && inventory_->classes().OfferAny(pod.requests);
  if (on_devices) return {};  // on claims and slices too
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = framework::kNodeAllocatable | framework::kNodePods,
          .domains = {},
          .objects = {}};
}

bool NodeResourcesFit::Sign(const framework::PodInfo& pod,
                            framework::SignatureBuilder& out) const {
  PutRequests(pod, out);
  return true;
}

bool NodeResourcesFit::FitsEmpty(const framework::PodInfo& pod,
                                 const api::scheduling::Allocatable& node) const {
  if (api::scheduling::Fits(pod.requests, node, {}, 0)) return true;
  std::vector<api::scheduling::Insufficient> lacks;
  api::scheduling::FindInsufficient(pod.requests, node, {}, 0, lacks);
  return std::all_of(lacks.begin(), lacks.end(), [&](const auto& lack) {
    return IsIgnored(lack.resource) || (lack.capacity == 0 && IsLeftToDevices(lack.resource));
  });
}

absl::StatusOr<framework::QueueingHint> NodeResourcesFit::AfterNodeChange(
    const framework::PodInfo& pod, const google::protobuf::Message* old_object,
    const google::protobuf::Message* new_object) const {
  const auto* after = dynamic_cast<const api::core::Node*>(new_object);
  const auto* before = dynamic_cast<const api::core::Node*>(old_object);
  if (after == nullptr) return absl::InternalError("event without a node");
  const api::scheduling::Allocatable has = api::scheduling::NodeAllocatable(*after);
  if (!FitsEmpty(pod, has)) return framework::QueueingHint::kSkip;
  if (before == nullptr) return framework::QueueingHint::kQueue;
  const auto& scalars = pod.requests.scalars;
  const bool left = std::any_of(scalars.begin(), scalars.end(), [&](const auto& entry) {
    return entry.second != 0 && has.amounts.Scalar(entry.first) == 0 &&
           IsLeftToDevices(entry.first);
  });
  return QueueIf(left ||
                 HasGrown(pod.requests, api::scheduling::NodeAllocatable(*before), has));
}

std::optional<std::vector<framework::ClusterEventWithHint>> NodeResourcesFit::EventsToRegister()
    const {
  std::vector<framework::ClusterEventWithHint> events = {
      {{std::string(framework::kPodResource),
        framework::kDelete | framework::kUpdatePodScaleDown, ""},
       AfterPodChange},
      {{std::string(framework::kNodeResource),
        framework::kAdd | framework::kUpdateNodeAllocatable, ""},
       [this](const auto& pod, const auto* old_object, const auto* new_object) {
         return AfterNodeChange(pod, old_object, new_object);
       }}};
  if (inventory_ != nullptr) {
    events.push_back({{"resource.k8s.io/DeviceClass", framework::kAdd | framework::kUpdate, ""},
                      AfterClassChange});
  }
  return events;
}

}  // namespace berth::plugins::node_resources_fit
