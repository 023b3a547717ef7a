#include "framework/events.h"

#include <array>
#include <utility>

namespace berth::framework {
namespace {

constexpr std::array<std::pair<ActionType, std::string_view>, 13> kActionNames = {{
    {kAdd, "Add"},
    {kDelete, "Delete"},
    {kUpdateNodeAllocatable, "UpdateNodeAllocatable"},
    {kUpdateNodeLabel, "UpdateNodeLabel"},
    {kUpdateNodeTaint, "UpdateNodeTaint"},
    {kUpdateNodeCondition, "UpdateNodeCondition"},
    {kUpdateNodeAnnotation, "UpdateNodeAnnotation"},
    {kUpdateNodeDeclaredFeature, "UpdateNodeDeclaredFeature"},
    {kUpdatePodLabel, "UpdatePodLabel"},
    {kUpdatePodScaleDown, "UpdatePodScaleDown"},
    {kUpdatePodToleration, "UpdatePodToleration"},
    {kUpdatePodSchedulingGatesEliminated, "UpdatePodSchedulingGatesEliminated"},
    {kUpdatePodGeneratedResourceClaim, "UpdatePodGeneratedResourceClaim"},
}};

bool ResourceMatches(std::string_view registered, std::string_view incoming) {
  if (registered == incoming || registered == kWildcardResource) return true;
  return registered == kPodResource &&
         (incoming == kAssignedPodResource || incoming == kUnschedulablePodResource);
}

}  // namespace

std::string ActionName(ActionType action) {
  if (action == kAllActions) return "All";
  if (action == kUpdate) return "Update";
  std::string text;
  for (const auto& [bit, name] : kActionNames) {
    if ((action & bit) == 0) continue;
    if (!text.empty()) text += '|';
    text += name;
  }
  return text;
}

std::string ClusterEvent::Label() const {
  return custom_label.empty() ? resource + ActionName(action) : custom_label;
}

bool ClusterEvent::Matches(const ClusterEvent& incoming) const {
  if (IsWildcard()) return true;
  return (action & incoming.action) != 0 && incoming.action <= action &&
         ResourceMatches(resource, incoming.resource);
}

}  // namespace berth::framework
