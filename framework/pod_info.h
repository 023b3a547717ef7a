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

// Threads: immutable.
class PodInfo {
 public:
  // Parses everything below. Cost: about 1 us for a plain pod.
  static PodPtr Make(std::shared_ptr<const api::core::Pod> pod);
  // The same pod assigned to a node (assume): shares the message; only node_name differs.
  static PodPtr Assigned(const PodPtr& pod, std::string_view node_name);

  const api::core::Pod& object() const { return *object_; }
  const std::shared_ptr<const api::core::Pod>& shared_object() const { return object_; }

  std::string key;             // "namespace/name"
  std::string namespace_name;
  Symbol namespace_symbol;
  std::string name;
  std::string uid;
  std::string node_name;       // spec.nodeName, or the assumed node's
  std::string scheduler_name;
  std::string nominated_node_name;  // status.nominatedNodeName
  int32_t priority = 0;        // null is 0
  bool terminating = false;    // deletionTimestamp set
  absl::Time start_time = absl::InfiniteFuture();  // status.startTime, for preemption

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

 private:
  std::shared_ptr<const api::core::Pod> object_;
};

}  // namespace berth::framework
