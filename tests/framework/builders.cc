#include "tests/framework/builders.h"

namespace berth::framework::testing {
namespace {

template <typename Map>
void SetResources(Resources from, Map& to) {
  for (const auto& [name, quantity] : from) {
    if (!quantity.empty()) to[std::string(name)].set_string(std::string(quantity));
  }
}

void SetRequirement(std::string_view key, std::string_view op,
                    std::initializer_list<std::string_view> values,
                    api::core::NodeSelectorRequirement& to) {
  to.set_key(std::string(key));
  to.set_operator_(std::string(op));
  for (std::string_view value : values) to.add_values(std::string(value));
}

}  // namespace

MakePod::MakePod(std::string_view name) : pod_(std::make_shared<api::core::Pod>()) {
  pod_->mutable_metadata()->set_name(std::string(name));
  pod_->mutable_metadata()->set_namespace_("default");
  pod_->mutable_metadata()->set_uid(std::string(name));
  pod_->mutable_spec()->set_scheduler_name("default-scheduler");
  pod_->mutable_spec()->add_containers()->set_name("c");
}

MakePod& MakePod::Namespace(std::string_view value) {
  pod_->mutable_metadata()->set_namespace_(std::string(value));
  return *this;
}
MakePod& MakePod::Uid(std::string_view value) {
  pod_->mutable_metadata()->set_uid(std::string(value));
  return *this;
}
MakePod& MakePod::Scheduler(std::string_view value) {
  pod_->mutable_spec()->set_scheduler_name(std::string(value));
  return *this;
}
MakePod& MakePod::Node(std::string_view value) {
  pod_->mutable_spec()->set_node_name(std::string(value));
  return *this;
}
MakePod& MakePod::NominatedNode(std::string_view value) {
  pod_->mutable_status()->set_nominated_node_name(std::string(value));
  return *this;
}
MakePod& MakePod::Phase(std::string_view value) {
  pod_->mutable_status()->set_phase(std::string(value));
  return *this;
}
MakePod& MakePod::Priority(int32_t value) {
  pod_->mutable_spec()->set_priority(value);
  return *this;
}
MakePod& MakePod::Label(std::string_view key, std::string_view value) {
  (*pod_->mutable_metadata()->mutable_labels())[std::string(key)] = std::string(value);
  return *this;
}
MakePod& MakePod::Annotation(std::string_view key, std::string_view value) {
  (*pod_->mutable_metadata()->mutable_annotations())[std::string(key)] = std::string(value);
  return *this;
}
MakePod& MakePod::Revision(int64_t value) {
  pod_->mutable_metadata()->set_resource_version(std::to_string(value));
  return *this;
}
MakePod& MakePod::Terminating() {
  pod_->mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  return *this;
}
MakePod& MakePod::Req(std::string_view cpu, std::string_view memory) {
  return Requests({{"cpu", cpu}, {"memory", memory}});
}
MakePod& MakePod::Requests(Resources requests) {
  SetResources(requests, *pod_->mutable_spec()->mutable_containers(0)->mutable_resources()
                              ->mutable_requests());
  return *this;
}
MakePod& MakePod::Container(Resources requests, std::string_view image) {
  auto* container = pod_->mutable_spec()->add_containers();
  container->set_name("c" + std::to_string(pod_->spec().containers_size()));
  container->set_image(std::string(image));
  SetResources(requests, *container->mutable_resources()->mutable_requests());
  return *this;
}
MakePod& MakePod::InitContainer(Resources requests, bool restartable) {
  auto* container = pod_->mutable_spec()->add_init_containers();
  container->set_name("i" + std::to_string(pod_->spec().init_containers_size()));
  if (restartable) container->set_restart_policy("Always");
  SetResources(requests, *container->mutable_resources()->mutable_requests());
  return *this;
}
MakePod& MakePod::PodRequests(Resources requests) {
  SetResources(requests, *pod_->mutable_spec()->mutable_resources()->mutable_requests());
  return *this;
}
MakePod& MakePod::Overhead(Resources overhead) {
  SetResources(overhead, *pod_->mutable_spec()->mutable_overhead());
  return *this;
}
MakePod& MakePod::Image(std::string_view image) {
  pod_->mutable_spec()->mutable_containers(0)->set_image(std::string(image));
  return *this;
}
MakePod& MakePod::HostPort(int32_t port, std::string_view protocol, std::string_view ip) {
  auto* added = pod_->mutable_spec()->mutable_containers(0)->add_ports();
  added->set_container_port(port);
  added->set_host_port(port);
  if (!protocol.empty()) added->set_protocol(std::string(protocol));
  if (!ip.empty()) added->set_host_ip(std::string(ip));
  return *this;
}
MakePod& MakePod::Toleration(std::string_view key, std::string_view value,
                             std::string_view effect, std::string_view op) {
  auto* added = pod_->mutable_spec()->add_tolerations();
  added->set_key(std::string(key));
  added->set_value(std::string(value));
  added->set_effect(std::string(effect));
  added->set_operator_(std::string(op));
  return *this;
}
MakePod& MakePod::NodeSelector(std::string_view key, std::string_view value) {
  (*pod_->mutable_spec()->mutable_node_selector())[std::string(key)] = std::string(value);
  return *this;
}
MakePod& MakePod::RequiredNodeAffinity(std::string_view key, std::string_view op,
                                       std::initializer_list<std::string_view> values,
                                       bool field) {
  auto* term = pod_->mutable_spec()->mutable_affinity()->mutable_node_affinity()
                   ->mutable_required_during_scheduling_ignored_during_execution()
                   ->add_node_selector_terms();
  SetRequirement(key, op, values,
                 field ? *term->add_match_fields() : *term->add_match_expressions());
  return *this;
}
MakePod& MakePod::PreferredNodeAffinity(int32_t weight, std::string_view key, std::string_view op,
                                        std::initializer_list<std::string_view> values) {
  auto* term = pod_->mutable_spec()->mutable_affinity()->mutable_node_affinity()
                   ->add_preferred_during_scheduling_ignored_during_execution();
  term->set_weight(weight);
  SetRequirement(key, op, values, *term->mutable_preference()->add_match_expressions());
  return *this;
}
MakePod& MakePod::SchedulingGate(std::string_view name) {
  pod_->mutable_spec()->add_scheduling_gates()->set_name(std::string(name));
  return *this;
}
MakePod& MakePod::TopologySpread(std::string_view topology_key) {
  auto* added = pod_->mutable_spec()->add_topology_spread_constraints();
  added->set_max_skew(1);
  added->set_topology_key(std::string(topology_key));
  added->set_when_unsatisfiable("DoNotSchedule");
  return *this;
}
MakePod& MakePod::RequiredAntiAffinity(std::string_view topology_key) {
  pod_->mutable_spec()->mutable_affinity()->mutable_pod_anti_affinity()
      ->add_required_during_scheduling_ignored_during_execution()
      ->set_topology_key(std::string(topology_key));
  return *this;
}
MakePod& MakePod::PvcVolume(std::string_view claim) {
  auto* volume = pod_->mutable_spec()->add_volumes();
  volume->set_name("v" + std::to_string(pod_->spec().volumes_size()));
  volume->mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(
      std::string(claim));
  return *this;
}

MakeNode::MakeNode(std::string_view name) : node_(std::make_shared<api::core::Node>()) {
  node_->mutable_metadata()->set_name(std::string(name));
  node_->mutable_metadata()->set_uid(std::string(name));
  Condition("Ready", "True");
}

MakeNode& MakeNode::Capacity(std::string_view cpu, std::string_view memory,
                             std::string_view pods) {
  SetResources({{"cpu", cpu}, {"memory", memory}, {"pods", pods}},
               *node_->mutable_status()->mutable_capacity());
  return Allocatable({{"cpu", cpu}, {"memory", memory}, {"pods", pods}});
}
MakeNode& MakeNode::Allocatable(Resources resources) {
  SetResources(resources, *node_->mutable_status()->mutable_allocatable());
  return *this;
}
MakeNode& MakeNode::Label(std::string_view key, std::string_view value) {
  (*node_->mutable_metadata()->mutable_labels())[std::string(key)] = std::string(value);
  return *this;
}
MakeNode& MakeNode::Zone(std::string_view zone, std::string_view region) {
  Label("topology.kubernetes.io/zone", zone);
  return region.empty() ? *this : Label("topology.kubernetes.io/region", region);
}
MakeNode& MakeNode::Annotation(std::string_view key, std::string_view value) {
  (*node_->mutable_metadata()->mutable_annotations())[std::string(key)] = std::string(value);
  return *this;
}
MakeNode& MakeNode::Taint(std::string_view key, std::string_view value, std::string_view effect) {
  auto* added = node_->mutable_spec()->add_taints();
  added->set_key(std::string(key));
  added->set_value(std::string(value));
  added->set_effect(std::string(effect));
  return *this;
}
MakeNode& MakeNode::Taint(std::string_view text) {
  const size_t colon = text.rfind(':');
  const std::string_view pair = text.substr(0, colon);
  const size_t equals = pair.find('=');
  const std::string_view value =
      equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
  return Taint(pair.substr(0, equals), value, text.substr(colon + 1));
}
MakeNode& MakeNode::Unschedulable(bool value) {
  node_->mutable_spec()->set_unschedulable(value);
  return *this;
}
MakeNode& MakeNode::Image(std::string_view name, int64_t size_bytes) {
  auto* added = node_->mutable_status()->add_images();
  added->add_names(std::string(name));
  added->set_size_bytes(size_bytes);
  return *this;
}
MakeNode& MakeNode::Condition(std::string_view type, std::string_view status) {
  for (auto& held : *node_->mutable_status()->mutable_conditions()) {
    if (held.type() != type) continue;
    held.set_status(std::string(status));
    return *this;
  }
  auto* added = node_->mutable_status()->add_conditions();
  added->set_type(std::string(type));
  added->set_status(std::string(status));
  return *this;
}
MakeNode& MakeNode::Revision(int64_t value) {
  node_->mutable_metadata()->set_resource_version(std::to_string(value));
  return *this;
}

NodeInfo MakeNode::Info(std::initializer_list<PodPtr> pods) const {
  NodeInfo info(Object());
  info.index = 0;
  for (const auto& image : node_->status().images()) {
    for (const std::string& name : image.names()) {
      info.mutable_images()[Symbol::Intern(name)] = ImageState{image.size_bytes(), 1};
    }
  }
  for (const PodPtr& pod : pods) info.AddPod(PodInfo::Assigned(pod, info.name()));
  return info;
}

}  // namespace berth::framework::testing
