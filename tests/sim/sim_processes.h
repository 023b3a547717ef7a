// The processes of a SimCluster. Destroying one is a crash: what it had queued is gone.
#pragma once

#include <memory>
#include <string>

#include "base/executor.h"
#include "client/api_client.h"
#include "client/informer.h"
#include "cluster/apiserver/api_server.h"
#include "cluster/apiserver/in_process_transport.h"
#include "cluster/node/node_agent.h"
#include "scheduler-main/scheduler.h"
#include "tests/sim/faulty_transport.h"
#include "tests/sim/operator.h"
#include "tests/sim/sim_cluster.h"
#include "tests/sim/store_link.h"
#include "tests/sim/wire_tap.h"

namespace berth::sim {

struct SimCluster::Server {
  std::unique_ptr<Executor> executor;
  std::unique_ptr<StoreLink> link;
  std::unique_ptr<apiserver::ApiServer> server;
};

// A process that is a client of the API server. In order of construction.
struct SimCluster::Link {
  std::string name;
  // A watch that has fallen silent is given up in good time.
  bool short_watches = false;
  FaultOptions faults;  // while not healed or cut off
  std::unique_ptr<Executor> executor;
  std::unique_ptr<WireTap> tap;
  std::unique_ptr<apiserver::InProcessTransport> wire;
  std::unique_ptr<FaultyTransport> net;
};

struct SimCluster::SchedulerProcess : Link {
  std::unique_ptr<scheduler::Scheduler> scheduler;
};

struct SimCluster::AgentProcess : Link {
  std::unique_ptr<client::ApiClient> client;
  std::unique_ptr<node::NodeAgent> agent;
};

// Keeps a copy of pods and nodes, and never crashes.
struct SimCluster::Witness : Link {
  std::unique_ptr<client::ApiClient> client;
  std::unique_ptr<client::Informer> pods, nodes;
};

struct SimCluster::People : Link {
  std::unique_ptr<client::ApiClient> client;
  std::unique_ptr<Operator> operations;
};

}  // namespace berth::sim
