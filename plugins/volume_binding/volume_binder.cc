#include "plugins/volume_binding/volume_binder.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/handle.h"
#include "framework/object_source.h"
#include "framework/pod_info.h"
#include "plugins/volume_binding/candidates.h"

namespace berth::plugins::volume_binding {
namespace {

using api::core::Node;
using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::scheduling::LabelSet;
using framework::ObjectPtr;
using volumes::KeyOf;
using volumes::Problem;

constexpr absl::Duration kPollPeriod = absl::Seconds(1);
constexpr const char* kBoundByController = "pv.kubernetes.io/bound-by-controller";

// The source lags behind what we wrote.
template <typename Object>
bool IsOlder(const Object& shown, const Object& written) {
  return api::RevisionOf(shown.metadata().resource_version()) <
         api::RevisionOf(written.metadata().resource_version());
}

// What a look at the claims goes by: the node, as the source shows it now.
struct Place {
  std::string_view node_name;
  LabelSet labels;
  volumes::CsiNodePtr csi_node;
};

absl::Status CheckReach(const PersistentVolume& volume, const Place& place,
                        std::string_view when_untranslatable) {
  const auto in_reach =
      BoundVolume::Of(&volume).IsInReach(place.labels, place.csi_node.get());
  if (!in_reach.ok()) {
    return Problem(std::string(when_untranslatable) +
                   std::string(ToStd(in_reach.status().message())));
  }
  if (*in_reach) return absl::OkStatus();
  return Problem(fmt::format("pv {} node affinity doesn't match node {}: no matching "
                             "NodeSelectorTerms",
                             api::GoQuoted(volume.metadata().name()),
                             api::GoQuoted(place.node_name)));
}

absl::StatusOr<bool> IsBindingDone(const framework::ObjectSource& objects, const Binding& binding,
                                   const Place& place) {
  const std::string& name = binding.volume->metadata().name();
  const auto volume = volumes::FindVolume(objects, name);
  if (volume == nullptr) {
    return Problem(fmt::format("failed to check binding: could not find v1.PersistentVolume {}",
                               api::GoQuoted(name)));
  }
  const auto claim = volumes::FindClaim(objects, binding.claim->metadata().namespace_(),
                                        binding.claim->metadata().name());
  if (claim == nullptr) {
    return Problem(
        fmt::format("failed to check binding: could not find v1.PersistentVolumeClaim {}",
                    api::GoQuoted(KeyOf(*binding.claim))));
  }
  if (IsOlder(*volume, *binding.volume)) return false;
  absl::Status reached = CheckReach(*volume, place, "failed to translate pv to csi: ");
  if (!reached.ok()) return reached;
  if (volume->spec().claim_ref().uid().empty()) {
    return Problem(fmt::format("ClaimRef got reset for pv {}", api::GoQuoted(name)));
  }
  return volumes::IsFullyBound(*claim);
}

absl::StatusOr<bool> IsProvisioningDone(const framework::ObjectSource& objects,
                                        const PersistentVolumeClaim& written,
                                        const Place& place) {
  const auto claim = volumes::FindClaim(objects, written.metadata().namespace_(),
                                        written.metadata().name());
  if (claim == nullptr) {
    return Problem(fmt::format(
        "failed to check provisioning pvc: could not find v1.PersistentVolumeClaim {}",
        api::GoQuoted(KeyOf(written))));
  }
  if (IsOlder(*claim, written)) return false;
  const auto& annotations = claim->metadata().annotations();
  const std::string name = api::GoQuoted(claim->metadata().name());
  if (annotations.empty()) {
    return Problem(fmt::format("selectedNode annotation reset for PVC {}", name));
  }
  const auto selected = annotations.find(std::string(kSelectedNode));
  if (selected == annotations.end() || selected->second != place.node_name) {
    return Problem(fmt::format("provisioning failed for PVC {}", name));
  }
  if (!claim->spec().volume_name().empty()) {
    const auto volume = volumes::FindVolume(objects, claim->spec().volume_name());
    if (volume == nullptr) return false;  // it may be on its way
    absl::Status reached = CheckReach(*volume, place, "");
    if (!reached.ok()) return reached;
  }
  return volumes::IsFullyBound(*claim);
}

}  // namespace

MeantVolume MeanFor(const VolumePtr& volume, const PersistentVolumeClaim& claim) {
  const bool was_meant = IsMeantFor(*volume, claim);
  const bool by_uid =
      was_meant && volume->spec().claim_ref().uid() == claim.metadata().uid();
  const bool marks = !was_meant && !volumes::HasAnnotation(volume->metadata(), kBoundByController);
  if (by_uid && !marks) return {volume, false};
  auto meant = std::make_shared<PersistentVolume>(*volume);
  if (!by_uid) {
    auto& reference = *meant->mutable_spec()->mutable_claim_ref();
    reference.Clear();
    reference.set_kind("PersistentVolumeClaim");
    reference.set_api_version("v1");
    reference.set_namespace_(claim.metadata().namespace_());
    reference.set_name(claim.metadata().name());
    reference.set_uid(claim.metadata().uid());
    reference.set_resource_version(claim.metadata().resource_version());
  }
  if (marks) (*meant->mutable_metadata()->mutable_annotations())[kBoundByController] = "yes";
  return {std::move(meant), true};
}

PlacedClaim PlaceOn(const ClaimPtr& claim, std::string_view node_name) {
  const auto& annotations = claim->metadata().annotations();
  const auto it = annotations.find(std::string(kSelectedNode));
  if (it != annotations.end() && it->second == node_name) return {claim, false};
  auto placed = std::make_shared<PersistentVolumeClaim>(*claim);
  (*placed->mutable_metadata()->mutable_annotations())[std::string(kSelectedNode)] =
      std::string(node_name);
  return {std::move(placed), true};
}

struct VolumeBinder::Run {
  std::string pod_namespace, pod_name, uid, node_name;
  PodVolumes volumes;
  size_t written = 0;  // volumes, then claims
  absl::Time deadline;
  TimerId timer = 0;
  framework::StatusDone done;  // null: it has ended
};

void VolumeBinder::Bind(const framework::PodInfo& pod, std::string_view node_name,
                        PodVolumes volumes, framework::StatusDone done) {
  Cancel(pod.uid);
  auto run = std::make_shared<Run>();
  run->pod_namespace = pod.namespace_name;
  run->pod_name = pod.name;
  run->uid = pod.uid;
  run->node_name = std::string(node_name);
  run->volumes = std::move(volumes);
  run->done = std::move(done);
  runs_[run->uid] = run;
  WriteNext(run);
}

void VolumeBinder::WriteNext(const RunPtr& run) {
  const size_t bindings = run->volumes.bindings.size();
  if (run->written == bindings + run->volumes.provisions.size()) {
    run->deadline = handle_.executor().clock().Now() + timeout_;
    return Wait(run);
  }
  const bool is_volume = run->written < bindings;
  const ObjectPtr object = is_volume
                               ? ObjectPtr(run->volumes.bindings[run->written].volume)
                               : ObjectPtr(run->volumes.provisions[run->written - bindings]);
  const api::Resource& resource = is_volume ? api::ResourceOf<PersistentVolume>()
                                            : api::ResourceOf<PersistentVolumeClaim>();
  handle_.sink().Update(resource, object, {},
                        [this, alive = alive_.Watch(), run](const absl::Status& status,
                                                            ObjectPtr updated) {
                          if (alive.expired() || !run->done) return;
                          Written(run, status, std::move(updated));
                        });
}

void VolumeBinder::Written(const RunPtr& run, const absl::Status& status, ObjectPtr object) {
  if (!status.ok()) return End(run, framework::Status::FromError(status));
  const size_t bindings = run->volumes.bindings.size();
  if (object == nullptr) {
    // The sink does not tell what was stored: what was sent stands for it.
  } else if (run->written < bindings) {
    run->volumes.bindings[run->written].volume =
        std::static_pointer_cast<const PersistentVolume>(std::move(object));
  } else {
    run->volumes.provisions[run->written - bindings] =
        std::static_pointer_cast<const PersistentVolumeClaim>(std::move(object));
  }
  ++run->written;
  WriteNext(run);
}

void VolumeBinder::Wait(const RunPtr& run) {
  const absl::Time next = handle_.executor().clock().Now() + kPollPeriod;
  run->timer = handle_.executor().PostAt(std::min(next, run->deadline),
                                         [this, alive = alive_.Watch(), run] {
                                           if (alive.expired() || !run->done) return;
                                           Look(run);
                                         });
}

void VolumeBinder::Look(const RunPtr& run) {
  run->timer = 0;
  if (handle_.executor().clock().Now() >= run->deadline) {
    return End(run, framework::Error("binding volumes: context deadline exceeded"));
  }
  const auto bound = IsBound(*run);
  if (!bound.ok()) {
    return End(run, framework::Error("binding volumes: " +
                                     std::string(ToStd(bound.status().message()))));
  }
  if (*bound) return End(run, framework::Success());
  Wait(run);
}

absl::StatusOr<bool> VolumeBinder::IsBound(const Run& run) const {
  const framework::ObjectSource& objects = handle_.objects();
  const auto node = objects.Get(api::ResourceOf<Node>(), {}, run.node_name);
  if (node == nullptr) {
    const std::string name = api::GoQuoted(run.node_name);
    return Problem(fmt::format("failed to get node {}: node {} not found", name, name));
  }
  if (objects.Get(api::ResourceOf<api::core::Pod>(), run.pod_namespace, run.pod_name) == nullptr) {
    return Problem(fmt::format("pod does not exist any more: pod {} not found",
                               api::GoQuoted(run.pod_name)));
  }
  const Place place{run.node_name, LabelSet::FromMeta(api::MetaOf(*node)),
                    volumes::FindCsiNode(objects, run.node_name)};
  for (const Binding& binding : run.volumes.bindings) {
    auto done = IsBindingDone(objects, binding, place);
    if (!done.ok() || !*done) return done;
  }
  for (const ClaimPtr& claim : run.volumes.provisions) {
    auto done = IsProvisioningDone(objects, *claim, place);
    if (!done.ok() || !*done) return done;
  }
  return true;
}

void VolumeBinder::Cancel(std::string_view uid) {
  const auto it = runs_.find(uid);
  if (it == runs_.end()) return;
  const RunPtr run = it->second;
  End(run, framework::Error("binding volumes: context canceled"));
}

void VolumeBinder::End(const RunPtr& run, framework::Status status) {
  if (run->timer != 0) handle_.executor().Cancel(run->timer);
  const auto it = runs_.find(run->uid);
  if (it != runs_.end() && it->second == run) runs_.erase(it);
  std::exchange(run->done, nullptr)(std::move(status));
}

}  // namespace berth::plugins::volume_binding
