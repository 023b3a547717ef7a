// Whether a node takes a pod that was bound to it: the checks a kubelet makes before it starts one.
// Source: pkg/kubelet/lifecycle/predicate.go, pkg/scheduler/eventhandlers.go (AdmissionCheck).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "api/fwd.h"
#include "api/scheduling/host_ports.h"
#include "api/scheduling/labels.h"
#include "api/scheduling/resources.h"
#include "api/scheduling/tolerations.h"
#include "base/symbol.h"
#include "cluster/node/pod_lifecycle.h"

namespace berth::node {

// What a pod takes from its node, kept to give it back.
struct PodLoad {
  api::scheduling::Amounts requests;
  api::scheduling::HostPortList host_ports;
};
PodLoad LoadOf(const api::core::Pod& pod);

// What the checks look at besides the pod: the node as the API shows it.
struct NodeFacts {
  Symbol name;
  api::scheduling::LabelSet labels;
  std::vector<api::scheduling::CompiledTaint> no_execute;  // taints of that effect
};
NodeFacts FactsOf(const api::core::Node& node);

// The pods a node has taken. Threads: none, one owner.
class NodeLoad {
 public:
  void Add(const PodLoad& load);
  void Remove(const PodLoad& load);
  const api::scheduling::Amounts& used() const { return used_.value(); }
  int64_t pods() const { return pods_; }

  // nullopt: taken. Otherwise the first reason, in the kubelet's order: what does not fit (pods,
  // cpu, memory, ephemeral storage, others), NodeAffinity, NodePorts, then untolerated NoExecute
  // taints. Extended resources that the node does not have at all are not asked for.
  // Amounts in the message are millicores for cpu and whole units for the rest.
  std::optional<Refusal> Check(const api::core::Pod& pod, const PodLoad& load,
                               const NodeFacts& node,
                               const api::scheduling::Allocatable& allocatable) const;

 private:
  api::scheduling::AmountsSum used_;
  api::scheduling::UsedHostPorts ports_;
  int64_t pods_ = 0;
};

}  // namespace berth::node
