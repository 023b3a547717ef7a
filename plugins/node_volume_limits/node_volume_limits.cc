#include "plugins/node_volume_limits/node_volume_limits.h"

#include <string>
#include <utility>

#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/handle.h"
#include "plugins/node_volume_limits/attachable_volumes.h"
#include "plugins/node_volume_limits/queueing_hints.h"
#include "plugins/volumes/pod_volumes.h"

namespace berth::plugins::node_volume_limits {
namespace {

using api::storage::VolumeAttachment;
using framework::NodeInfo;
using framework::PodInfo;
using framework::Status;

constexpr framework::StateKey kPreFilterState{"PreFilterNodeVolumeLimits"};

using Counts = StringMap<int64_t>;  // by driver

Counts LimitsOf(const api::storage::CSINode& node) {
  Counts limits;
  for (const auto& driver : node.spec().drivers()) {
    if (driver.allocatable().has_count()) limits[driver.name()] = driver.allocatable().count();
  }
  return limits;
}

// A claim that is not there may come; anything else is a failure.
Status StatusOf(const absl::Status& failure) {
  if (absl::IsNotFound(failure)) return framework::Unresolvable(ToStd(failure.message()));
  return Status::FromError(failure);
}

}  // namespace

struct NodeVolumeLimits::State final : framework::StateData {
  struct Wanted {
    absl::Status failure;
    Attachables volumes;
  };
  // Of the pod, on nodes without and with a CSINode.
  Wanted wanted[2];
  StringMap<std::vector<framework::ObjectPtr>> attachments;  // by node
  std::unique_ptr<framework::StateData> Clone() const override {
    return std::make_unique<State>(*this);
  }
};

absl::StatusOr<std::unique_ptr<framework::Plugin>> NodeVolumeLimits::Create(
    const framework::PluginArgs&, framework::Handle& handle) {
  return std::make_unique<NodeVolumeLimits>(handle);
}

NodeVolumeLimits::NodeVolumeLimits(framework::Handle& handle) : handle_(handle) {
  handle.Watch(api::ResourceOf<api::core::PersistentVolumeClaim>());
  handle.Watch(api::ResourceOf<api::core::PersistentVolume>());
  handle.Watch(api::ResourceOf<api::storage::StorageClass>());
  handle.Watch(api::ResourceOf<api::storage::CSINode>());
  handle.Watch(api::ResourceOf<VolumeAttachment>());
}

framework::PreFilterResult NodeVolumeLimits::PreFilter(framework::CycleState& state,
                                                       const PodInfo& pod,
                                                       const framework::Snapshot&) {
  if (!MayHaveAttachables(pod.object())) return {framework::Skip(), {}};
  auto read = std::make_unique<State>();
  for (const bool has_csi_node : {false, true}) {
    State::Wanted& wanted = read->wanted[has_csi_node ? 1 : 0];
    const Counting counting{.has_csi_node = has_csi_node, .claims_required = true};
    wanted.failure = AddAttachables(handle_.objects(), pod.object(), counting, wanted.volumes);
  }
  handle_.objects().ForEach(
      api::ResourceOf<VolumeAttachment>(), {}, [&](const framework::ObjectPtr& object) {
        const auto& attachment = static_cast<const VolumeAttachment&>(*object);
        read->attachments[attachment.spec().node_name()].push_back(object);
      });
  state.Write(kPreFilterState, std::move(read));
  return {};
}

Status NodeVolumeLimits::Filter(const framework::CycleState& state, const PodInfo&,
                                const NodeInfo& node) const {
  static const Status* const kTooMany = new Status(framework::Unschedulable(kReason));
  const framework::ObjectSource& objects = handle_.objects();
  const auto* read = state.Read<State>(kPreFilterState);
  const auto csi_node = volumes::FindCsiNode(objects, node.name());
  const State::Wanted& wanted = read->wanted[csi_node != nullptr ? 1 : 0];
  if (!wanted.failure.ok()) return StatusOf(wanted.failure);
  if (wanted.volumes.empty() || csi_node == nullptr) return framework::Success();
  const Counts limits = LimitsOf(*csi_node);
  if (limits.empty()) return framework::Success();

  Attachables there;
  for (const auto& held : node.pods()) {
    const Counting counting{.has_csi_node = true, .claims_required = false};
    const absl::Status added = AddAttachables(objects, held->object(), counting, there);
    if (!added.ok()) return Status::FromError(added);
  }
  if (const auto it = read->attachments.find(node.name()); it != read->attachments.end()) {
    for (const auto& attachment : it->second) {
      AddAttachment(objects, static_cast<const VolumeAttachment&>(*attachment), there);
    }
  }
  Counts counts;
  for (const auto& [name, driver] : there) ++counts[driver];
  Counts added;
  for (const auto& [name, driver] : wanted.volumes) {
    if (!there.contains(name)) ++added[driver];
  }
  for (const auto& [driver, count] : added) {
    const auto limit = limits.find(driver);
    if (limit != limits.end() && counts[driver] + count > limit->second) return *kTooMany;
  }
  return framework::Success();
}

framework::Dependencies NodeVolumeLimits::DependsOn(const PodInfo& pod) const {
  return MayHaveAttachables(pod.object()) ? framework::Dependencies() : volumes::NoDependencies();
}

bool NodeVolumeLimits::FiltersEachPod(const PodInfo& pod) const {
  return MayHaveAttachables(pod.object());
}

// Results for pods that are not filtered each for itself depend on nothing.
bool NodeVolumeLimits::Sign(const PodInfo&, framework::SignatureBuilder&) const { return true; }

std::optional<std::vector<framework::ClusterEventWithHint>> NodeVolumeLimits::EventsToRegister()
    const {
  using framework::kAdd, framework::kDelete, framework::kUpdate;
  return {
      {{{std::string(volumes::kCsiNodeResource), kAdd, ""}, nullptr},
       {{std::string(volumes::kCsiNodeResource), kUpdate, ""}, AfterCsiNodeUpdate},
       {{std::string(framework::kPodResource), kDelete, ""}, AfterPodDeletion},
       {{std::string(volumes::kClaimResource), kAdd, ""}, AfterClaimCreation},
       {{std::string(volumes::kAttachmentResource), kDelete, ""}, AfterAttachmentDeletion}}};
}

}  // namespace berth::plugins::node_volume_limits
