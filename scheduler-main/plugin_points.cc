#include "scheduler-main/plugin_points.h"

namespace berth::scheduler {
namespace {

using P = ExtensionPoint;

constexpr UpstreamPlugin Row(std::string_view name, std::initializer_list<P> points) {
  UpstreamPlugin row{name, 0};
  for (P point : points) row.points |= 1u << static_cast<uint32_t>(point);
  return row;
}

// plugins.md section 0.1.
constexpr std::array kUpstreamPlugins = {
    Row("SchedulingGates", {P::kPreEnqueue}),
    Row("PrioritySort", {P::kQueueSort}),
    Row("NodeUnschedulable", {P::kFilter}),
    Row("NodeName", {P::kFilter}),
    Row("TaintToleration", {P::kFilter, P::kPreScore, P::kScore}),
    Row("NodeAffinity", {P::kPreFilter, P::kFilter, P::kPreScore, P::kScore}),
    Row("NodePorts", {P::kPreFilter, P::kFilter}),
    Row("NodeResourcesFit",
        {P::kPreFilter, P::kFilter, P::kPreScore, P::kScore, P::kPlacementScore}),
    Row("VolumeRestrictions", {P::kPreFilter, P::kFilter}),
    Row("NodeVolumeLimits", {P::kPreFilter, P::kFilter}),
    Row("VolumeBinding",
        {P::kPreFilter, P::kFilter, P::kPreScore, P::kScore, P::kReserve, P::kPreBind}),
    Row("VolumeZone", {P::kPreFilter, P::kFilter}),
    Row("PodTopologySpread", {P::kPreFilter, P::kFilter, P::kPreScore, P::kScore}),
    Row("InterPodAffinity", {P::kPreFilter, P::kFilter, P::kPreScore, P::kScore}),
    Row("DynamicResources", {P::kPreEnqueue, P::kPreFilter, P::kFilter, P::kPostFilter, P::kScore,
                             P::kReserve, P::kPreBind}),
    Row("DefaultPreemption", {P::kPreEnqueue, P::kPostFilter}),
    Row("NodeResourcesBalancedAllocation", {P::kPreScore, P::kScore}),
    Row("ImageLocality", {P::kScore}),
    Row("DefaultBinder", {P::kBind}),
    Row("NodeDeclaredFeatures", {P::kPreFilter, P::kFilter}),
    Row("GangScheduling", {P::kPreEnqueue, P::kPermit}),
    Row("TopologyPlacementGenerator", {P::kPlacementGenerate}),
    Row("PodGroupPodsCount", {P::kPlacementScore}),
};

constexpr std::string_view kRemoved[] = {"AzureDiskLimits", "CinderLimits", "EBSLimits",
                                         "GCEPDLimits"};

}  // namespace

const UpstreamPlugin* FindUpstreamPlugin(std::string_view name) {
  for (const UpstreamPlugin& plugin : kUpstreamPlugins) {
    if (plugin.name == name) return &plugin;
  }
  return nullptr;
}

bool IsRemovedPlugin(std::string_view name) {
  for (std::string_view removed : kRemoved) {
    if (removed == name) return true;
  }
  return false;
}

}  // namespace berth::scheduler
