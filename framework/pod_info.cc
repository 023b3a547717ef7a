#include "framework/pod_info.h"

#include "api/schema/core_v1_pod.pb.h"
#include "framework/node_info.h"

namespace berth::framework {
namespace {

using api::scheduling::PodRequests;

void TakeImages(const api::core::PodSpec& spec, PodInfo& info) {
  for (const auto& container : spec.init_containers()) {
    info.images.push_back(NormalizedImageName(container.image()));
  }
  for (const auto& container : spec.containers()) {
    info.images.push_back(NormalizedImageName(container.image()));
  }
  for (const auto& volume : spec.volumes()) {
    if (!volume.volume_source().has_image()) continue;
    info.images.push_back(NormalizedImageName(volume.volume_source().image().reference()));
  }
  info.container_count = spec.init_containers_size() + spec.containers_size();
}

void TakeAffinity(const api::core::Affinity& affinity, PodInfo& info) {
  if (affinity.has_node_affinity()) {
    info.preferred_node_affinity = api::scheduling::CompilePreferred(affinity.node_affinity());
  }
  info.pod_affinity = api::scheduling::CompilePodAffinity(affinity, info.namespace_symbol);
  info.has_pod_affinity = affinity.has_pod_affinity() || affinity.has_pod_anti_affinity();
  info.has_required_pod_anti_affinity =
      affinity.pod_anti_affinity().required_during_scheduling_ignored_during_execution_size() > 0;
}

}  // namespace

PodPtr PodInfo::Make(std::shared_ptr<const api::core::Pod> pod) {
  auto info = std::make_shared<PodInfo>();
  const api::meta::ObjectMeta& metadata = pod->metadata();
  const api::core::PodSpec& spec = pod->spec();
  info->namespace_name = metadata.namespace_();
  info->namespace_symbol = Symbol::Intern(info->namespace_name);
  info->name = metadata.name();
  info->key.reserve(info->namespace_name.size() + 1 + info->name.size());
  info->key.append(info->namespace_name).append(1, '/').append(info->name);
  info->uid = metadata.uid();
  info->node_name = spec.node_name();
  info->scheduler_name = spec.scheduler_name();
  info->nominated_node_name = pod->status().nominated_node_name();
  info->priority = spec.priority();
  info->terminating = metadata.has_deletion_timestamp();
  if (pod->status().has_start_time()) {
    info->start_time = absl::FromUnixSeconds(pod->status().start_time().seconds());
  }
  info->requests = PodRequests(*pod, {.use_status = true});
  info->non_zero_requests = PodRequests(*pod, {.non_zero_defaults = true, .use_status = true});
  info->scoring_requests = spec.has_resources()
      ? PodRequests(*pod, {.non_zero_defaults = true, .use_pod_level = false})
      : info->non_zero_requests;
  info->host_ports = api::scheduling::PodHostPorts(*pod);
  info->labels = api::scheduling::LabelSet::FromMeta(metadata);
  info->tolerations.reserve(static_cast<size_t>(spec.tolerations_size()));
  for (const auto& toleration : spec.tolerations()) {
    info->tolerations.push_back(api::scheduling::CompileToleration(toleration));
  }
  info->required_node_affinity = api::scheduling::CompileRequired(spec);
  if (spec.has_affinity()) TakeAffinity(spec.affinity(), *info);
  TakeImages(spec, *info);
  info->object_ = std::move(pod);
  return info;
}

PodPtr PodInfo::Assigned(const PodPtr& pod, std::string_view node_name) {
  auto assigned = std::make_shared<PodInfo>(*pod);
  assigned->node_name = std::string(node_name);
  return assigned;
}

}  // namespace berth::framework
