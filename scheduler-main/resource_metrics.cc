#include "scheduler-main/resource_metrics.h"

#include <string_view>

#include "api/pod_phase.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/scheduling/resource_lists.h"
#include "scheduler-main/metric_families.h"

namespace berth::scheduler {
namespace {

using api::core::Pod;

std::string_view UnitOf(std::string_view resource) {
  if (resource == "cpu") return "cores";
  if (resource == "memory" || resource == "storage" || resource == "ephemeral-storage" ||
      resource.starts_with("hugepages-")) {
    return "bytes";
  }
  return resource.starts_with("attachable-volumes-") ? "integer" : "";
}

bool RanToItsEnd(const Pod& pod) {
  return !pod.spec().node_name().empty() && api::IsTerminal(pod);
}

void Write(const Pod& pod, std::string_view name, const api::scheduling::ResourceList& list,
           std::string& out) {
  const std::string priority =
      pod.spec().has_priority() ? std::to_string(pod.spec().priority()) : std::string();
  for (const auto& [resource, amount] : list) {
    if (amount.IsZero()) continue;
    out.append(name)
        .append(LabelText({{"namespace", pod.metadata().namespace_()},
                           {"pod", pod.metadata().name()},
                           {"node", pod.spec().node_name()},
                           {"scheduler", pod.spec().scheduler_name()},
                           {"priority", priority},
                           {"resource", resource},
                           {"unit", UnitOf(resource)}}))
        .append(" ")
        .append(GoFloat(amount.AsDouble()))
        .append("\n");
  }
}

}  // namespace

std::string ResourceMetricsText(const std::vector<framework::ObjectPtr>& pods) {
  std::string requests, limits;
  for (const framework::ObjectPtr& object : pods) {
    const auto& pod = static_cast<const Pod&>(*object);
    if (RanToItsEnd(pod)) continue;
    Write(pod, "kube_pod_resource_request", api::scheduling::PodRequestList(pod), requests);
    Write(pod, "kube_pod_resource_limit", api::scheduling::PodLimitList(pod), limits);
  }
  std::string out;
  const auto family = [&](std::string_view name, std::string_view help, const std::string& lines) {
    if (lines.empty()) return;
    out.append("# HELP ").append(name).append(" ").append(help).append("\n");
    out.append("# TYPE ").append(name).append(" gauge\n").append(lines);
  };
  family("kube_pod_resource_limit", "What pods are limited to, in the unit of the label.", limits);
  family("kube_pod_resource_request", "What pods request, in the unit of the label.", requests);
  return out;
}

}  // namespace berth::scheduler
