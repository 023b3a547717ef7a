// NodeAgent: one process that plays the kubelets of N nodes.
//
//   reflector(nodes) --> NodeRegistrar   registers, adopts, reports status
//                        LeaseKeeper     heartbeats
//   reflector(pods)  --> PodRunner       admits, runs, stops, deletes
//
// All nodes share one watch of the bound pods and one of the nodes. State that matters is in the
// API: an agent that comes back, or whose server does, lists again and carries on. Requests in
// flight are bounded for each of the three, so that heartbeats do not wait behind pods.
//
//   NodeAgent agent(client, {.nodes = NodeTemplate::BuiltIn(), .count = 1000});  // on its executor
//   agent.Start();
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/time/time.h>

#include "client/api_client.h"
#include "client/reflector.h"
#include "cluster/node/lease_keeper.h"
#include "cluster/node/node_registrar.h"
#include "cluster/node/node_table.h"
#include "cluster/node/pod_runner.h"
#include "cluster/node/template.h"

namespace berth::node {

struct NodeAgentOptions {
  NodeTemplate nodes = NodeTemplate::BuiltIn();
  int64_t count = 0;  // 0: as the template says
  LeaseOptions lease;
  RegistrarOptions registrar;
  PodRunnerOptions pods;
  // Of both watches; selectors are set by the agent.
  client::ReflectorOptions reflector;
};

// Any thread may ask for it.
struct NodeAgentStats {
  int64_t nodes = 0, registered = 0;
  int64_t pods = 0, running = 0, succeeded = 0, failed = 0;
  int64_t seen = 0;  // ever: pods that came to these nodes anew
  int64_t started = 0, refused = 0, deleted = 0, status_writes = 0, conflicts = 0;  // ever
  int64_t lease_renewals = 0;                                                       // ever
};

// Threads: the client's executor only, construction and destruction included; Stats from any.
class NodeAgent {
 public:
  // count above kNodesMax is a BERTH_CHECK failure.
  NodeAgent(client::ApiClient& client, NodeAgentOptions options);
  ~NodeAgent();
  void Start();

  NodeAgentStats Stats() const;
  const NodeTable& table() const { return table_; }
  const PodRunner& pods() const { return pods_; }

 private:
  class NodeTarget;
  class PodTarget;
  void Synced();

  NodeTable table_;
  NodeRegistrar registrar_;
  LeaseKeeper leases_;
  PodRunner pods_;
  bool nodes_listed_ = false;
  bool pods_listed_ = false;
  std::unique_ptr<NodeTarget> node_target_;
  std::unique_ptr<PodTarget> pod_target_;
  std::unique_ptr<client::Reflector> node_reflector_;
  std::unique_ptr<client::Reflector> pod_reflector_;
};

}  // namespace berth::node
