#include "plugins/node_resources_fit/strategy.h"

#include <algorithm>

#include "api/scheduling/device_resources.h"

namespace berth::plugins::node_resources_fit {
namespace {

using api::scheduling::SaturatingAdd;
using Kind = WeightedResource::Kind;
constexpr int64_t kScoreMax = 100;
constexpr int64_t kShapeScoreFactor = 10;  // a shape's scores are 0..10

// Wraps as Go's product does, so that absurd sizes score as absurdly as upstream.
int64_t Times(int64_t amount, int64_t factor) {
  return static_cast<int64_t>(static_cast<uint64_t>(amount) * static_cast<uint64_t>(factor));
}

Kind KindOf(std::string_view name) {
  if (name == "cpu") return Kind::kCpu;
  if (name == "memory") return Kind::kMemory;
  if (name == "ephemeral-storage") return Kind::kEphemeralStorage;
  return Kind::kScalar;
}

}  // namespace

std::vector<WeightedResource> Resolve(std::span<const ResourceWeight> resources) {
  std::vector<WeightedResource> out;
  out.reserve(resources.size());
  for (const ResourceWeight& resource : resources) {
    out.push_back({KindOf(resource.name), Symbol::Intern(resource.name), resource.weight});
  }
  return out;
}

Allocation AllocationOf(const WeightedResource& resource, const api::scheduling::Amounts& pod,
                        const framework::NodeInfo& node, const api::scheduling::Amounts& used,
                        dynamic_resources::Inventory* devices) {
  const api::scheduling::Amounts& has = node.allocatable().amounts;
  switch (resource.kind) {
    case Kind::kCpu:
      return {has.milli_cpu, SaturatingAdd(used.milli_cpu, pod.milli_cpu)};
    case Kind::kMemory:
      return {has.memory_bytes, SaturatingAdd(used.memory_bytes, pod.memory_bytes)};
    case Kind::kEphemeralStorage:
      return {has.ephemeral_storage_bytes,
              SaturatingAdd(node.requested().ephemeral_storage_bytes, pod.ephemeral_storage_bytes)};
    case Kind::kScalar:
      break;
  }
  const int64_t wanted = pod.Scalar(resource.name);
  if (wanted == 0) return {};
  if (devices != nullptr && has.Scalar(resource.name) == 0) {
    const dynamic_resources::DeviceTotals totals = devices->TotalsOf(resource.name, node);
    if (totals.devices > 0) return {totals.devices, SaturatingAdd(totals.in_use, wanted)};
  }
  return {has.Scalar(resource.name), SaturatingAdd(node.requested().Scalar(resource.name), wanted)};
}

std::shared_ptr<dynamic_resources::Inventory> DevicesFor(
    std::span<const WeightedResource> resources, framework::Handle& handle) {
  const bool any =
      std::any_of(resources.begin(), resources.end(), [](const WeightedResource& resource) {
        return resource.kind == Kind::kScalar &&
               api::scheduling::MayComeFromDevices(resource.name.text());
      });
  if (!any || !handle.device_features().extended_resources) return nullptr;
  auto devices = dynamic_resources::Inventory::Of(handle);
  devices->Track();
  return devices;
}

int64_t AmountOf(const WeightedResource& resource, const api::scheduling::Amounts& amounts) {
  switch (resource.kind) {
    case Kind::kCpu: return amounts.milli_cpu;
    case Kind::kMemory: return amounts.memory_bytes;
    case Kind::kEphemeralStorage: return amounts.ephemeral_storage_bytes;
    case Kind::kScalar: break;
  }
  return amounts.Scalar(resource.name);
}

Allocation AllocationOf(const WeightedResource& resource, const framework::NodeInfo& node) {
  const bool with_defaults = resource.kind == Kind::kCpu || resource.kind == Kind::kMemory;
  return {AmountOf(resource, node.allocatable().amounts),
          AmountOf(resource, with_defaults ? node.non_zero_requested() : node.requested())};
}

int64_t LeastAllocated(int64_t requested, int64_t allocatable) {
  if (requested > allocatable) return 0;
  return Times(allocatable - requested, kScoreMax) / allocatable;
}

int64_t MostAllocated(int64_t requested, int64_t allocatable) {
  return Times(std::min(requested, allocatable), kScoreMax) / allocatable;
}

int64_t UtilizationPercent(int64_t requested, int64_t allocatable) {
  return requested > allocatable ? 100 : Times(requested, 100) / allocatable;
}

int64_t BrokenLinear(std::span<const UtilizationPoint> shape, int64_t utilization) {
  for (size_t i = 0; i < shape.size(); ++i) {
    if (utilization > shape[i].utilization) continue;
    const int64_t score = shape[i].score * kShapeScoreFactor;
    if (i == 0) return score;
    const int64_t before = shape[i - 1].score * kShapeScoreFactor;
    const int64_t from = shape[i - 1].utilization;
    return before + (score - before) * (utilization - from) / (shape[i].utilization - from);
  }
  return shape.back().score * kShapeScoreFactor;
}

}  // namespace berth::plugins::node_resources_fit
