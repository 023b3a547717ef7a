// Heartbeats: one Lease a node in kube-node-lease, renewed every interval, all evenly spread.
// Source: component-helpers/apimachinery/lease/controller.go; kubelet defaults 40 s and 10 s.
#pragma once

#include <atomic>
#include <cstdint>

#include <absl/time/time.h>

#include "base/executor.h"
#include "client/api_client.h"
#include "cluster/node/node_table.h"
#include "cluster/node/request_pump.h"
#include "cluster/node/spread_ticker.h"

namespace berth::node {

struct LeaseOptions {
  absl::Duration duration = absl::Seconds(40);
  absl::Duration interval = absl::Seconds(10);
  int64_t in_flight_max = 16;
};

// Renews the Leases of registered nodes; others are passed over. A renewal that fails is tried
// again with the pump's pauses; a node never has two under way.
// Threads: none; everything on the executor.
class LeaseKeeper {
 public:
  LeaseKeeper(Executor& executor, client::ApiClient& client, NodeTable& table,
              LeaseOptions options);
  void Start();
  // Of one node now, without waiting for its turn: it has just been registered.
  void Renew(NodeRecord& node);
  int64_t renewals() const { return renewals_; }

 private:
  void Send(NodeRecord& node, RequestPump::Done done);
  void Create(NodeRecord& node, RequestPump::Done done);
  void Fetch(NodeRecord& node, RequestPump::Done done);
  void CreateNamespace(NodeRecord& node, RequestPump::Done done);
  api::coordination::Lease Make(const NodeRecord& node) const;
  // What became of an attempt.
  void Settle(NodeRecord& node, const absl::Status& status, RequestPump::Done done);

  Executor& executor_;
  client::ApiClient& client_;
  NodeTable& table_;
  const LeaseOptions options_;
  RequestPump pump_;
  SpreadTicker ticker_;
  std::atomic<int64_t> renewals_{0};
  Lifetime lifetime_;
};

}  // namespace berth::node
