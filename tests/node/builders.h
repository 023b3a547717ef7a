// Pods and nodes for the tests of cluster/node.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::node {

class PodBuilder {
 public:
  explicit PodBuilder(std::string name) {
    pod_.mutable_metadata()->set_name(name);
    pod_.mutable_metadata()->set_namespace_("default");
    pod_.mutable_metadata()->set_uid("uid-" + name);
    pod_.mutable_spec()->set_restart_policy("Always");
    auto& scheduled = *pod_.mutable_status()->add_conditions();
    scheduled.set_type("PodScheduled");
    scheduled.set_status("True");
    pod_.mutable_status()->set_phase("Pending");
    pod_.mutable_status()->set_qos_class("BestEffort");
    auto& container = *pod_.mutable_spec()->add_containers();
    container.set_name("app");
    container.set_image("nginx:1.25");
  }
  PodBuilder& Request(const std::string& resource, const std::string& quantity) {
    auto& requests = *pod_.mutable_spec()->mutable_containers(0)->mutable_resources()
                          ->mutable_requests();
    requests[resource].set_string(quantity);
    return *this;
  }
  PodBuilder& HostPort(int port) {
    pod_.mutable_spec()->mutable_containers(0)->add_ports()->set_host_port(port);
    return *this;
  }
  PodBuilder& Init(const std::string& name, bool sidecar = false) {
    auto& container = *pod_.mutable_spec()->add_init_containers();
    container.set_name(name);
    container.set_image("busybox");
    if (sidecar) container.set_restart_policy("Always");
    return *this;
  }
  PodBuilder& Restart(const std::string& policy) {
    pod_.mutable_spec()->set_restart_policy(policy);
    return *this;
  }
  PodBuilder& Annotation(std::string_view key, const std::string& value) {
    (*pod_.mutable_metadata()->mutable_annotations())[std::string(key)] = value;
    return *this;
  }
  PodBuilder& Selector(const std::string& key, const std::string& value) {
    (*pod_.mutable_spec()->mutable_node_selector())[key] = value;
    return *this;
  }
  PodBuilder& Gate(const std::string& type) {
    pod_.mutable_spec()->add_readiness_gates()->set_condition_type(type);
    return *this;
  }
  api::core::Pod Build() const { return pod_; }

 private:
  api::core::Pod pod_;
};

}  // namespace berth::node
