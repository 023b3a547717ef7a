// Volumes of the old in-tree plugins as their CSI drivers see them. The in-tree plugins are gone:
// on a node that has moved to the drivers, such a volume is attached, counted and placed as the
// driver's.
// Source: csi-translation-lib (plugins/*.go, translate.go).
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "api/fwd.h"

namespace k8s::io::api::core::v1 {
class PersistentVolumeSource;
class VolumeSource;
}  // namespace k8s::io::api::core::v1

namespace berth::plugins::volumes {

// A plugin and the driver in its place. Pointers are to a fixed table.
struct InTreePlugin {
  std::string_view name;    // "kubernetes.io/aws-ebs"
  std::string_view driver;  // "ebs.csi.aws.com"
  // The scheduler follows the move. Of azure-file and vsphere it only knows that there is one.
  bool migrates = false;
  std::string_view zone_key;  // the driver's topology label of nodes; empty: it has none
};
// The plugin of a volume, null when it has none with a driver in its place.
const InTreePlugin* InTreePluginOf(const api::core::PersistentVolume& volume);
const InTreePlugin* InTreePluginOf(const api::core::VolumeSource& inline_source);
const InTreePlugin* InTreePluginNamed(std::string_view name);

struct CsiVolume {
  std::string driver;
  std::string handle;
};
// The volume as its driver names it; InvalidArgument with upstream's text when its id makes no
// sense. The plugin must migrate.
absl::StatusOr<CsiVolume> ToCsi(const api::core::PersistentVolume& volume,
                                const InTreePlugin& plugin);
absl::StatusOr<CsiVolume> ToCsi(const api::core::VolumeSource& inline_source,
                                const InTreePlugin& plugin);

// Which nodes may have the volume, in terms of the driver's topology label: required terms with
// the zone label renamed, or made of the volume's own zone label.
api::core::NodeSelector CsiAffinity(const api::core::PersistentVolume& volume,
                                    const InTreePlugin& plugin);

// The plugins that the node says it has moved to drivers, as it has them, joined by commas.
std::string_view MigratedPlugins(const api::storage::CSINode& node);
// The node says that it has moved to the plugin's driver.
bool HasMigrated(const api::storage::CSINode* node, const InTreePlugin& plugin);

}  // namespace berth::plugins::volumes
