#include "api/pod_qos.h"

#include <algorithm>

#include "api/pod_resources.h"
#include "api/schema/core_v1_pod_spec.pb.h"

namespace berth::api {
namespace {

bool Counts(std::string_view name) { return name == "cpu" || name == "memory"; }

// Adds what is above zero; returns how many of cpu and memory that were.
int AddPositive(const ResourceList& list, QuantityMap& sum) {
  int added = 0;
  for (const auto& [name, message] : list) {
    if (!Counts(name)) continue;
    const Quantity amount = ToQuantity(message);
    if (amount.Sign() <= 0) continue;
    sum[name].Add(amount);
    ++added;
  }
  return added;
}

bool HasPodLevelResources(const core::PodSpec& spec) {
  const auto listed = [](const ResourceList& list) {
    return std::any_of(list.begin(), list.end(),
                       [](const auto& entry) { return IsPodLevelResource(entry.first); });
  };
  return listed(spec.resources().requests()) || listed(spec.resources().limits());
}

}  // namespace

std::string_view PodQosClass(const core::PodSpec& spec) {
  QuantityMap requests, limits;
  bool fully_limited = true;
  if (HasPodLevelResources(spec)) {
    AddPositive(spec.resources().requests(), requests);
    const bool limited = AddPositive(spec.resources().limits(), limits) == 2;
    if (!spec.resources().limits().empty()) fully_limited = limited;
  } else {
    for (const auto* list : {&spec.containers(), &spec.init_containers()}) {
      for (const core::Container& container : *list) {
        AddPositive(container.resources().requests(), requests);
        if (AddPositive(container.resources().limits(), limits) != 2) fully_limited = false;
      }
    }
  }
  if (requests.empty() && limits.empty()) return "BestEffort";
  const bool equal = std::all_of(requests.begin(), requests.end(), [&](const auto& entry) {
    const auto limit = limits.find(entry.first);
    return limit != limits.end() && limit->second.Cmp(entry.second) == 0;
  });
  return fully_limited && equal && requests.size() == limits.size() ? "Guaranteed" : "Burstable";
}

}  // namespace berth::api
