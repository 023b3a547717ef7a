#include "plugins/volumes/csi_translation.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include <fmt/core.h>

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/strings.h"

namespace berth::plugins::volumes {
namespace {

using api::core::NodeSelector;
using api::core::PersistentVolume;

constexpr std::string_view kZone = "topology.kubernetes.io/zone";
constexpr std::string_view kBetaZone = "failure-domain.beta.kubernetes.io/zone";
constexpr std::string_view kRegion = "topology.kubernetes.io/region";
constexpr std::string_view kBetaRegion = "failure-domain.beta.kubernetes.io/region";
constexpr std::string_view kMigratedPlugins = "storage.alpha.kubernetes.io/migrated-plugins";
constexpr std::string_view kUnspecified = "UNSPECIFIED";

enum Index { kAwsEbs, kGcePd, kAzureDisk, kCinder, kPortworx, kAzureFile, kVsphere };
constexpr std::array<InTreePlugin, 7> kPlugins = {{
    {"kubernetes.io/aws-ebs", "ebs.csi.aws.com", true, "topology.ebs.csi.aws.com/zone"},
    {"kubernetes.io/gce-pd", "pd.csi.storage.gke.io", true, "topology.gke.io/zone"},
    {"kubernetes.io/azure-disk", "disk.csi.azure.com", true, ""},
    {"kubernetes.io/cinder", "cinder.csi.openstack.org", true,
     "topology.cinder.csi.openstack.org/zone"},
    {"kubernetes.io/portworx-volume", "pxd.portworx.com", true, ""},
    {"kubernetes.io/azure-file", "file.csi.azure.com", false, ""},
    {"kubernetes.io/vsphere-volume", "csi.vsphere.vmware.com", false, ""},
}};

// Both kinds of source have the same fields for these.
template <typename Source>
const InTreePlugin* PluginOfSource(const Source& source) {
  if (source.has_aws_elastic_block_store()) return &kPlugins[kAwsEbs];
  if (source.has_gce_persistent_disk()) return &kPlugins[kGcePd];
  if (source.has_azure_disk()) return &kPlugins[kAzureDisk];
  if (source.has_cinder()) return &kPlugins[kCinder];
  if (source.has_portworx_volume()) return &kPlugins[kPortworx];
  if (source.has_azure_file()) return &kPlugins[kAzureFile];
  if (source.has_vsphere_volume()) return &kPlugins[kVsphere];
  return nullptr;
}

absl::Status Invalid(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

std::vector<std::string_view> SplitAt(std::string_view text, std::string_view delimiter) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t end = text.find(delimiter);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + delimiter.size());
  }
}

// "vol-1", "aws:///vol-1" and "aws://zone/vol-1" are "vol-1".
absl::StatusOr<std::string> EbsId(const std::string& id) {
  constexpr std::string_view kScheme = "aws://";
  if (!id.starts_with(kScheme)) return id;
  std::string_view rest = std::string_view(id).substr(kScheme.size());
  rest = rest.substr(0, rest.find_first_of("?#"));
  const size_t path = rest.find('/');
  rest = path == std::string_view::npos ? std::string_view() : rest.substr(path);
  while (rest.starts_with('/')) rest.remove_prefix(1);
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (!rest.starts_with("vol-") || rest.find('/') != std::string_view::npos) {
    return Invalid(fmt::format("failed to translate Kubernetes ID to EBS Volume ID Invalid "
                               "format for AWS volume ({})",
                               id));
  }
  return std::string(rest);
}

std::string GceHandle(std::string_view place, std::string_view name, std::string_view disk) {
  return fmt::format("projects/{}/{}/{}/disks/{}", kUnspecified, place, name, disk);
}

// The region that all zones ("europe-west1-b") are of.
absl::StatusOr<std::string> GceRegion(const std::vector<std::string_view>& zones) {
  std::set<std::string> regions;
  for (const std::string_view zone : zones) {
    if (std::count(zone.begin(), zone.end(), '-') != 2) {
      return Invalid(fmt::format("failed to get region from zones: zone in unexpected format, "
                                 "expected: {{locale}}-{{region}}-{{zone}}, got: {}",
                                 zone));
    }
    regions.emplace(zone.substr(0, zone.rfind('-')));
  }
  if (regions.size() == 1) return *regions.begin();
  std::string shown;
  for (const std::string& region : regions) shown += (shown.empty() ? "" : " ") + region + ":{}";
  return Invalid(fmt::format(
      "failed to get region from zones: multiple or no regions gotten from zones, got: map[{}]",
      shown));
}

std::string_view LabelOf(const PersistentVolume& volume, std::string_view key) {
  const auto it = volume.metadata().labels().find(std::string(key));
  return it == volume.metadata().labels().end() ? std::string_view() : it->second;
}
bool HasLabel(const PersistentVolume& volume, std::string_view key) {
  return volume.metadata().labels().contains(std::string(key));
}

absl::StatusOr<std::string> GcePdHandle(const PersistentVolume& volume) {
  const std::string& disk =
      volume.spec().persistent_volume_source().gce_persistent_disk().pd_name();
  std::string_view label = LabelOf(volume, kBetaZone);
  if (label.empty()) label = LabelOf(volume, kZone);
  const std::vector<std::string_view> zones = SplitAt(label, "__");
  if (zones.size() > 1) {
    auto region = GceRegion(zones);
    if (!region.ok()) return region.status();
    return GceHandle("regions", *region, disk);
  }
  return GceHandle("zones", label.empty() ? kUnspecified : label, disk);
}

bool HasKey(const NodeSelector& selector, std::string_view key) {
  const auto& terms = selector.node_selector_terms();
  return std::any_of(terms.begin(), terms.end(), [&](const auto& term) {
    return std::any_of(term.match_expressions().begin(), term.match_expressions().end(),
                       [&](const auto& expression) { return expression.key() == key; });
  });
}

void Rename(NodeSelector& selector, std::string_view from, std::string_view to) {
  for (auto& term : *selector.mutable_node_selector_terms()) {
    for (auto& expression : *term.mutable_match_expressions()) {
      if (expression.key() == from) expression.set_key(std::string(to));
    }
  }
}

// One more requirement in every term.
void RequireOneOf(NodeSelector& selector, std::string_view key, std::string_view joined) {
  std::set<std::string> zones;
  for (std::string_view zone : SplitAt(joined, "__")) {
    while (zone.starts_with(' ')) zone.remove_prefix(1);
    while (zone.ends_with(' ')) zone.remove_suffix(1);
    if (!zone.empty()) zones.emplace(zone);
  }
  if (zones.empty()) return;
  if (selector.node_selector_terms_size() == 0) selector.add_node_selector_terms();
  for (auto& term : *selector.mutable_node_selector_terms()) {
    auto& expression = *term.add_match_expressions();
    expression.set_key(std::string(key));
    expression.set_operator_("In");
    for (const std::string& zone : zones) expression.add_values(zone);
  }
}

}  // namespace

const InTreePlugin* InTreePluginOf(const PersistentVolume& volume) {
  return PluginOfSource(volume.spec().persistent_volume_source());
}
const InTreePlugin* InTreePluginOf(const api::core::VolumeSource& inline_source) {
  return PluginOfSource(inline_source);
}
const InTreePlugin* InTreePluginNamed(std::string_view name) {
  const auto* it = std::find_if(kPlugins.begin(), kPlugins.end(),
                                [&](const InTreePlugin& each) { return each.name == name; });
  return it == kPlugins.end() ? nullptr : it;
}

absl::StatusOr<CsiVolume> ToCsi(const PersistentVolume& volume, const InTreePlugin& plugin) {
  const auto& source = volume.spec().persistent_volume_source();
  absl::StatusOr<std::string> handle = std::string();
  switch (&plugin - kPlugins.data()) {
    case kAwsEbs: handle = EbsId(source.aws_elastic_block_store().volume_id()); break;
    case kGcePd: handle = GcePdHandle(volume); break;
    case kAzureDisk: handle = source.azure_disk().disk_uri(); break;
    case kCinder: handle = source.cinder().volume_id(); break;
    case kPortworx: handle = source.portworx_volume().volume_id(); break;
    default: break;
  }
  if (!handle.ok()) return handle.status();
  return CsiVolume{std::string(plugin.driver), *std::move(handle)};
}

absl::StatusOr<CsiVolume> ToCsi(const api::core::VolumeSource& source,
                                const InTreePlugin& plugin) {
  absl::StatusOr<std::string> handle = std::string();
  switch (&plugin - kPlugins.data()) {
    case kAwsEbs: handle = EbsId(source.aws_elastic_block_store().volume_id()); break;
    case kGcePd:
      handle = GceHandle("zones", kUnspecified, source.gce_persistent_disk().pd_name());
      break;
    case kAzureDisk: handle = source.azure_disk().disk_uri(); break;
    case kCinder: handle = source.cinder().volume_id(); break;
    case kPortworx: handle = source.portworx_volume().volume_id(); break;
    default: break;
  }
  if (!handle.ok()) return handle.status();
  return CsiVolume{std::string(plugin.driver), *std::move(handle)};
}

NodeSelector CsiAffinity(const PersistentVolume& volume, const InTreePlugin& plugin) {
  NodeSelector selector = volume.spec().node_affinity().required();
  if (plugin.zone_key.empty()) return selector;
  const bool beta = !HasKey(selector, kZone) &&
                    (HasKey(selector, kBetaZone) ||
                     (!HasLabel(volume, kZone) && HasLabel(volume, kBetaZone)));
  const std::string_view zone = beta ? kBetaZone : kZone;
  if (HasKey(selector, zone)) {
    Rename(selector, zone, plugin.zone_key);
  } else {
    RequireOneOf(selector, plugin.zone_key, LabelOf(volume, zone));
  }
  if (beta) Rename(selector, kBetaRegion, kRegion);
  return selector;
}

std::string_view MigratedPlugins(const api::storage::CSINode& node) {
  const auto& annotations = node.metadata().annotations();
  const auto it = annotations.find(std::string(kMigratedPlugins));
  return it == annotations.end() ? std::string_view() : it->second;
}

bool HasMigrated(const api::storage::CSINode* node, const InTreePlugin& plugin) {
  if (node == nullptr || !plugin.migrates) return false;
  const auto names = SplitAt(MigratedPlugins(*node), ",");
  return std::find(names.begin(), names.end(), plugin.name) != names.end();
}

}  // namespace berth::plugins::volumes
