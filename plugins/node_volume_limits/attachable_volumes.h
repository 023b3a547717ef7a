// The volumes of a pod that a driver attaches to its node.
// Source: kube-scheduler nodevolumelimits/csi.go.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "api/fwd.h"
#include "base/strings.h"
#include "framework/object_source.h"

namespace berth::plugins::node_volume_limits {

// "driver/handle" -> driver.
using Attachables = StringMap<std::string>;

// Some volume may be one: it has a claim, or is of an old in-tree plugin.
bool MayHaveAttachables(const api::core::Pod& pod);

struct Counting {
  // The node has a CSINode, so that old in-tree volumes are the drivers' there.
  bool has_csi_node = false;
  // A claim that is not there fails (NotFound); else it is left out.
  bool claims_required = false;
};
// Adds those of a pod. A claim that is not bound yet is a volume of its own, of its class's
// provisioner; without a class it is not counted, since it is bound before the pod is placed.
// Fails with upstream's text.
absl::Status AddAttachables(const framework::ObjectSource& objects, const api::core::Pod& pod,
                            const Counting& counting, Attachables& out);

// A VolumeAttachment's volume; nothing when it is not a known CSI volume.
void AddAttachment(const framework::ObjectSource& objects,
                   const api::storage::VolumeAttachment& attachment, Attachables& out);

}  // namespace berth::plugins::node_volume_limits
