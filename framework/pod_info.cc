#include "framework/pod_info.h"

#include "api/schema/core_v1_pod.pb.h"
#include "framework/node_info.h"

namespace berth::framework {
namespace {

using api::scheduling::PodRequests;

void TakeImages(const api::core::PodSpec& spec, PodTraits& traits) {
  for (const auto& container : spec.init_containers()) {
    traits.images.push_back(NormalizedImageName(container.image()));
  }
  for (const auto& container : spec.containers()) {
    traits.images.push_back(NormalizedImageName(container.image()));
  }
  for (const auto& volume : spec.volumes()) {
    if (!volume.volume_source().has_image()) continue;
    traits.images.push_back(NormalizedImageName(volume.volume_source().image().reference()));
  }
  traits.container_count = spec.init_containers_size() + spec.containers_size();
}

void TakeAffinity(const api::core::Affinity& affinity, PodTraits& traits) {
  if (affinity.has_node_affinity()) {
    traits.preferred_node_affinity = api::scheduling::CompilePreferred(affinity.node_affinity());
  }
  traits.pod_affinity = api::scheduling::CompilePodAffinity(affinity, traits.namespace_symbol);
  traits.has_pod_affinity = affinity.has_pod_affinity() || affinity.has_pod_anti_affinity();
  traits.has_required_pod_anti_affinity =
      affinity.pod_anti_affinity().required_during_scheduling_ignored_during_execution_size() > 0;
}

std::shared_ptr<const PodIdentity> IdentityOf(const api::meta::ObjectMeta& metadata) {
  auto identity = std::make_shared<PodIdentity>();
  identity->name = metadata.name();
  identity->key.reserve(metadata.namespace_().size() + 1 + identity->name.size());
  identity->key.append(metadata.namespace_()).append(1, '/').append(identity->name);
  identity->uid = metadata.uid();
  return identity;
}

}  // namespace

PodTraitsPtr MakePodTraits(const api::core::Pod& pod) {
  auto traits = std::make_shared<PodTraits>();
  const api::core::PodSpec& spec = pod.spec();
  traits->namespace_name = pod.metadata().namespace_();
  traits->namespace_symbol = Symbol::Intern(traits->namespace_name);
  traits->scheduler_name = spec.scheduler_name();
  traits->priority = spec.priority();
  traits->requests = PodRequests(pod, {.use_status = true});
  traits->non_zero_requests = PodRequests(pod, {.non_zero_defaults = true, .use_status = true});
  traits->scoring_requests = spec.has_resources()
      ? PodRequests(pod, {.non_zero_defaults = true, .use_pod_level = false})
      : traits->non_zero_requests;
  traits->host_ports = api::scheduling::PodHostPorts(pod);
  traits->labels = api::scheduling::LabelSet::FromMeta(pod.metadata());
  traits->tolerations.reserve(static_cast<size_t>(spec.tolerations_size()));
  for (const auto& toleration : spec.tolerations()) {
    traits->tolerations.push_back(api::scheduling::CompileToleration(toleration));
  }
  traits->required_node_affinity = api::scheduling::CompileRequired(spec);
  if (spec.has_affinity()) TakeAffinity(spec.affinity(), *traits);
  TakeImages(spec, *traits);
  return traits;
}

bool TraitsAreOfSpec(const api::core::Pod& pod) {
  const api::core::PodStatus& status = pod.status();
  return status.container_statuses().empty() && status.init_container_statuses().empty() &&
         !status.has_resources() && status.allocated_resources().empty();
}

PodInfo::PodInfo(std::shared_ptr<const api::core::Pod> pod, PodTraitsPtr traits,
                 std::shared_ptr<const PodIdentity> identity)
    : object_(std::move(pod)), traits_(std::move(traits)), identity_(std::move(identity)) {}

PodPtr PodInfo::Make(std::shared_ptr<const api::core::Pod> pod) {
  PodTraitsPtr traits = MakePodTraits(*pod);
  return Make(std::move(pod), std::move(traits), nullptr);
}

PodPtr PodInfo::Make(std::shared_ptr<const api::core::Pod> pod, PodTraitsPtr traits,
                     std::shared_ptr<const PodIdentity> identity) {
  const api::core::Pod& object = *pod;
  if (identity == nullptr) identity = IdentityOf(object.metadata());
  auto info =
      std::make_shared<PodInfo>(std::move(pod), std::move(traits), std::move(identity));
  info->node_name = object.spec().node_name();
  info->nominated_node_name = object.status().nominated_node_name();
  info->terminating = object.metadata().has_deletion_timestamp();
  if (object.status().has_start_time()) {
    info->start_time = absl::FromUnixSeconds(object.status().start_time().seconds());
  }
  return info;
}

PodPtr PodInfo::Assigned(const PodPtr& pod, std::string_view node_name) {
  auto assigned = std::make_shared<PodInfo>(*pod);
  assigned->node_name = node_name;
  return assigned;
}

PodPtr PodInfo::Anonymous(const PodInfo& pod) {
  auto identity = std::make_shared<PodIdentity>(*pod.identity());
  identity->uid.clear();
  return Make(pod.shared_object(), pod.traits(), std::move(identity));
}

}  // namespace berth::framework
