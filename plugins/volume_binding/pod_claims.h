// The claims of a pod as one scheduling cycle sees them: read and compiled once, asked node by
// node.
//
//   PodClaims::Read(...) -> bound ones: the volume and which nodes reach it
//                           unbound ones: volumes that would do, or how one would be made
//   claims.FindOn(node, ...) -> what to bind and to make there, or what is in the way
//
// Source: kube-scheduler volumebinding/binder.go, component-helpers/storage/volume;
// plugins.md section 15.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/quantity.h"
#include "api/scheduling/label_selector.h"
#include "api/scheduling/labels.h"
#include "api/scheduling/node_affinity.h"
#include "plugins/volume_binding/assumed_objects.h"
#include "plugins/volumes/csi_translation.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::volume_binding {

using volumes::ClaimPtr;
using volumes::VolumePtr;

// The annotation of a claim that is to be provisioned for a node, and the node's name.
inline constexpr std::string_view kSelectedNode = "volume.kubernetes.io/selected-node";

// Where the objects come from.
struct Sources {
  const framework::ObjectSource& objects;
  const AssumedObjects& claims;   // persistentvolumeclaims
  const AssumedObjects& volumes;  // persistentvolumes
};

// Which nodes reach a volume, by the labels of nodes alone.
struct Reach {
  bool everywhere = true;
  std::vector<api::scheduling::SelectorTerm> terms;  // else
  static Reach Of(const api::core::PersistentVolume& volume);
  static Reach Of(const api::core::NodeSelector& selector);
  bool Has(const api::scheduling::LabelSet& node) const;
};

// The volume of a bound claim.
struct BoundVolume {
  bool exists = false;
  Reach reach;
  // Of a volume of an old plugin, on nodes that have moved to its driver.
  const volumes::InTreePlugin* plugin = nullptr;
  Reach migrated_reach;
  absl::Status untranslatable;

  static BoundVolume Of(const api::core::PersistentVolume* volume);
  // csi_node: null when the node has none. Fails where the volume is the driver's, and its id
  // makes no sense.
  absl::StatusOr<bool> IsInReach(const api::scheduling::LabelSet& node,
                                 const api::storage::CSINode* csi_node) const;
};

// A volume could be made for a claim.
struct Provisioning {
  absl::Status problem;   // the claim's class is missing: the attempt fails
  bool possible = false;  // the class has a provisioner
  std::vector<api::scheduling::SelectorTerm> topologies;  // of nodes; empty: any
  bool limited = false;   // the driver says where there is room; else anywhere
  std::vector<api::scheduling::CompiledSelector> room;    // nodes where there is
};

struct UnboundClaim {
  ClaimPtr claim;
  api::Quantity request;
  std::optional<std::string> selected_node;
  struct Candidate {
    VolumePtr volume;
    Reach reach;
  };
  // Volumes that would do, the smallest first; of one that is meant for the claim, only that.
  std::vector<Candidate> candidates;
  absl::Status bad_selector;
  Provisioning provisioning;
};

// What to do on the chosen node.
struct Binding {
  VolumePtr volume;
  ClaimPtr claim;
};
struct PodVolumes {
  std::vector<Binding> bindings;
  std::vector<ClaimPtr> provisions;
};

// What is in the way on a node, in the order in which it is told; bits.
using Conflicts = uint8_t;
inline constexpr Conflicts kOutOfReach = 1;
inline constexpr Conflicts kNoVolume = 2;
inline constexpr Conflicts kNoRoom = 4;
inline constexpr Conflicts kVolumeGone = 8;
inline constexpr std::array<std::string_view, 4> kConflictReasons = {
    "node(s) didn't match PersistentVolume's node affinity",
    "node(s) didn't find available persistent volumes to bind",
    "node(s) did not have enough free storage",
    "node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)",
};

struct Finding {
  absl::Status error;  // the attempt fails
  Conflicts conflicts = 0;
  PodVolumes volumes;  // without error or conflict
};

// Threads: immutable once read.
struct PodClaims {
  std::vector<BoundVolume> bound;
  std::vector<UnboundClaim> unbound;  // of classes that wait for the first consumer
  bool has_immediate = false;         // unbound of other classes: somebody else binds those

  // The claims must be there (CheckClaims). FailedPrecondition with upstream's text: one is not,
  // or its class does not say when to bind.
  // Cost: one pass over all volumes when a claim is unbound.
  static absl::StatusOr<PodClaims> Read(const Sources& sources, const api::core::Pod& pod);

  // csi_node: null when the node has none.
  Finding FindOn(std::string_view node_name, const api::scheduling::LabelSet& node,
                 const api::storage::CSINode* csi_node) const;
  // Some answer depends on the node's CSINode.
  bool ReadsCsiNode() const;

 private:
  Conflicts CheckBound(const api::scheduling::LabelSet& node,
                       const api::storage::CSINode* csi_node, absl::Status* error) const;
};

// Why a pod cannot be placed as its claims are: one is missing, lost, going away or another pod's.
// OK: all are there.
absl::Status CheckClaims(const framework::ObjectSource& objects, const api::core::Pod& pod);

}  // namespace berth::plugins::volume_binding
