#include "api/pod_resources.h"

#include "api/schema/core_v1_pod_spec.pb.h"

namespace berth::api {
namespace {

void AddTo(QuantityMap& sum, const QuantityMap& more) {
  for (const auto& [name, amount] : more) sum[name].Add(amount);
}

void RaiseTo(QuantityMap& sum, const QuantityMap& other) {
  for (const auto& [name, amount] : other) {
    const auto [it, inserted] = sum.emplace(name, amount);
    if (!inserted && it->second.Cmp(amount) < 0) it->second = amount;
  }
}

QuantityMap ToQuantities(const ResourceList& list) {
  QuantityMap out;
  for (const auto& [name, amount] : list) out.emplace(name, ToQuantity(amount));
  return out;
}

template <typename ListOf>
QuantityMap AggregateContainers(const core::PodSpec& spec, ListOf list_of) {
  QuantityMap sum;
  for (const auto& container : spec.containers()) {
    AddTo(sum, ToQuantities(list_of(container.resources())));
  }
  QuantityMap sidecars, init_peak;
  for (const auto& container : spec.init_containers()) {
    QuantityMap own = ToQuantities(list_of(container.resources()));
    if (container.restart_policy() == "Always") {
      AddTo(sum, own);
      AddTo(sidecars, own);
      own = sidecars;
    } else {
      AddTo(own, sidecars);
    }
    RaiseTo(init_peak, own);
  }
  RaiseTo(sum, init_peak);
  return sum;
}

}  // namespace

QuantityMap AggregateContainerRequests(const core::PodSpec& spec) {
  return AggregateContainers(spec, [](const core::ResourceRequirements& resources) -> const auto& {
    return resources.requests();
  });
}

QuantityMap AggregateContainerLimits(const core::PodSpec& spec) {
  return AggregateContainers(spec, [](const core::ResourceRequirements& resources) -> const auto& {
    return resources.limits();
  });
}

bool IsHugePages(std::string_view name) { return name.starts_with("hugepages-"); }

bool IsPodLevelResource(std::string_view name) {
  return name == "cpu" || name == "memory" || IsHugePages(name);
}

bool IsNativeResource(std::string_view name) {
  return name.find('/') == std::string_view::npos ||
         name.find("kubernetes.io/") != std::string_view::npos;
}

bool AllowsOvercommit(std::string_view name) {
  return IsNativeResource(name) && !IsHugePages(name);
}

}  // namespace berth::api
