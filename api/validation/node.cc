#include "api/validation/node.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "api/schema/core_v1_node.pb.h"
#include "api/validation/ip.h"
#include "api/validation/metadata.h"
#include "api/validation/resources.h"
#include "api/validation/scheduling.h"

namespace berth::api::validation {
namespace {

void ValidateResources(const core::NodeStatus& status, Errors& errors) {
  ValidateResourceAmounts(status.capacity(), FieldPath("status.capacity"), errors);
  ValidateResourceAmounts(status.allocatable(), FieldPath("status.allocatable"), errors);
}

void ValidatePodCidrs(const core::NodeSpec& spec, Errors& errors) {
  const FieldPath path("spec.podCIDRs");
  std::set<IpFamily> families;
  for (int i = 0; i < spec.pod_cidrs_size(); ++i) {
    ValidateCidr(spec.pod_cidrs(i), path.Index(i), errors);
    if (const auto family = ParseCidr(spec.pod_cidrs(i))) families.insert(*family);
  }
  const int count = spec.pod_cidrs_size();
  if (count > 2 || (count == 2 && families.size() != 2)) {
    errors.InvalidShown(path, ToJsonList(spec.pod_cidrs()),
                        "may specify no more than one CIDR for each IP family");
  }
}

void ValidateAddresses(const core::NodeStatus& status, Errors& errors) {
  const FieldPath path("status.addresses");
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (int i = 0; i < status.addresses_size(); ++i) {
    const core::NodeAddress& address = status.addresses(i);
    if (seen.emplace(address.type(), address.address()).second) continue;
    errors.DuplicateShown(path.Index(i),
                          fmt::format("{{\"Type\":{},\"Address\":{}}}", GoQuoted(address.type()),
                                      GoQuoted(address.address())));
  }
}

}  // namespace

void ValidateNode(const core::Node& node, Errors& errors) {
  const FieldPath metadata("metadata");
  ValidateCoreObjectMeta(node.metadata(), false, IsDns1123Subdomain, metadata, errors);
  ValidateTaints(node.spec().taints(), metadata.Child("taints"), errors);
  ValidateResources(node.status(), errors);
  ValidatePodCidrs(node.spec(), errors);
}

void ValidateNodeUpdate(const core::Node& node, const core::Node& old, Errors& errors) {
  ValidateNode(node, errors);
  ValidateNodeStatusUpdate(node, old, errors);
}

void ValidateNodeStatusUpdate(const core::Node& node, const core::Node& old, Errors& errors) {
  const FieldPath metadata("metadata");
  ValidateCoreObjectMetaUpdate(node.metadata(), old.metadata(), metadata, errors);
  ValidateResources(node.status(), errors);
  ValidateAddresses(node.status(), errors);
  const auto& now = node.spec().pod_cidrs();
  const auto& before = old.spec().pod_cidrs();
  if (!before.empty()) {
    constexpr std::string_view kText =
        "node updates may not change podCIDR except from \"\" to valid";
    const FieldPath path("spec.podCIDRs");
    if (now.size() != before.size()) {
      errors.Forbidden(path, kText);
    } else {
      for (int i = 0; i < before.size(); ++i) {
        if (now[i] != before[i]) errors.Forbidden(path, kText);
      }
    }
  }
  if (!old.spec().provider_id().empty() && old.spec().provider_id() != node.spec().provider_id()) {
    errors.Forbidden(FieldPath("spec.providerID"),
                     "node updates may not change providerID except from \"\" to valid");
  }
  ValidateTaints(node.spec().taints(), metadata.Child("taints"), errors);
  if (node.spec().external_id() != old.spec().external_id()) {
    errors.Forbidden(FieldPath("spec.externalID"), "may not be updated");
  }
}

}  // namespace berth::api::validation
