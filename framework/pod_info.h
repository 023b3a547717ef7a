// PodInfo: a pod as the scheduler sees it. Parsed once on arrival; the hot path never walks the
// message. Immutable and shared: the queue, the cache, the snapshot and the cycles point to one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "api/scheduling/host_ports.h"
#include "api/scheduling/labels.h"
#include "api/scheduling/node_affinity.h"
#include "api/scheduling/pod_affinity.h"
#include "api/scheduling/resources.h"
#include "api/scheduling/tolerations.h"
#include "base/symbol.h"

namespace berth::framework {

class PodInfo;
using PodPtr = std::shared_ptr<const PodInfo>;

// What the scheduler reads of a pod's namespace, labels and spec, parsed: pods that were made from
// one template have it in common (pod_templates.h).
struct PodTraits {
  std::string namespace_name;
  Symbol namespace_symbol;
  std::string scheduler_name;
  int32_t priority = 0;        // null is 0

  api::scheduling::Amounts requests;           // framework.md section 11
  api::scheduling::Amounts non_zero_requests;  // with 100m / 200 MiB defaults; cpu, memory only
  // As non_zero_requests but without pod-level requests: what NodeResourcesFit scores by.
  api::scheduling::Amounts scoring_requests;
  api::scheduling::HostPortList host_ports;
  api::scheduling::LabelSet labels;
  std::vector<api::scheduling::CompiledToleration> tolerations;
  api::scheduling::RequiredNodeAffinity required_node_affinity;
  std::vector<api::scheduling::PreferredTerm> preferred_node_affinity;
  std::vector<Symbol> images;  // normalized names: init containers, containers, image volumes
  int32_t container_count = 0;  // init and regular
  std::shared_ptr<const api::scheduling::PodAffinity> pod_affinity;  // null: no terms
  bool has_pod_affinity = false;                // any podAffinity or podAntiAffinity object
  bool has_required_pod_anti_affinity = false;
};
using PodTraitsPtr = std::shared_ptr<const PodTraits>;

// Which pod it is; in common to all that is known of it over time.
struct PodIdentity {
  std::string key;  // "namespace/name"
  std::string name;
  std::string uid;
};

// Threads: immutable.
class PodInfo {
 public:
  // Parses everything. Cost: about 1 us for a plain pod.
  static PodPtr Make(std::shared_ptr<const api::core::Pod> pod);
  // With what is known already: traits, of this very pod or its equal; identity, null or the pod's.
  static PodPtr Make(std::shared_ptr<const api::core::Pod> pod, PodTraitsPtr traits,
                     std::shared_ptr<const PodIdentity> identity);
  // The same pod assigned to a node (assume): shares the message; only node_name differs.
  static PodPtr Assigned(const PodPtr& pod, std::string_view node_name);
  // A pod made from the same object, but without a uid.
  static PodPtr Anonymous(const PodInfo& pod);

  PodInfo(std::shared_ptr<const api::core::Pod> pod, PodTraitsPtr traits,
          std::shared_ptr<const PodIdentity> identity);

  const api::core::Pod& object() const { return *object_; }
  const std::shared_ptr<const api::core::Pod>& shared_object() const { return object_; }
  const PodTraitsPtr& traits() const { return traits_; }
  const std::shared_ptr<const PodIdentity>& identity() const { return identity_; }

 private:
  // First, since much of the rest refers to them.
  const std::shared_ptr<const api::core::Pod> object_;
  const PodTraitsPtr traits_;
  const std::shared_ptr<const PodIdentity> identity_;

 public:
  std::string node_name;            // spec.nodeName, or the assumed node's
  std::string nominated_node_name;  // status.nominatedNodeName
  bool terminating = false;         // deletionTimestamp set
  absl::Time start_time = absl::InfiniteFuture();  // status.startTime, for preemption

  // identity()'s
  const std::string& key = identity_->key;
  const std::string& name = identity_->name;
  const std::string& uid = identity_->uid;
  // traits()'s
  const std::string& namespace_name = traits_->namespace_name;
  const Symbol namespace_symbol = traits_->namespace_symbol;
  const std::string& scheduler_name = traits_->scheduler_name;
  const int32_t priority = traits_->priority;
  const api::scheduling::Amounts& requests = traits_->requests;
  const api::scheduling::Amounts& non_zero_requests = traits_->non_zero_requests;
  const api::scheduling::Amounts& scoring_requests = traits_->scoring_requests;
  const api::scheduling::HostPortList& host_ports = traits_->host_ports;
  const api::scheduling::LabelSet& labels = traits_->labels;
  const std::vector<api::scheduling::CompiledToleration>& tolerations = traits_->tolerations;
  const api::scheduling::RequiredNodeAffinity& required_node_affinity =
      traits_->required_node_affinity;
  const std::vector<api::scheduling::PreferredTerm>& preferred_node_affinity =
      traits_->preferred_node_affinity;
  const std::vector<Symbol>& images = traits_->images;
  const int32_t container_count = traits_->container_count;
  const std::shared_ptr<const api::scheduling::PodAffinity>& pod_affinity = traits_->pod_affinity;
  const bool has_pod_affinity = traits_->has_pod_affinity;
  const bool has_required_pod_anti_affinity = traits_->has_required_pod_anti_affinity;
};

// Parses a pod's traits.
PodTraitsPtr MakePodTraits(const api::core::Pod& pod);
// False: they depend on its status too (on what its containers were given).
bool TraitsAreOfSpec(const api::core::Pod& pod);

}  // namespace berth::framework
