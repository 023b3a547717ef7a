// Puts the nodes into the API and keeps their status true.
//
//   (nothing) --POST--> registered --status every 5 minutes, or when it is not what it should be-->
//   AlreadyExists: the node is adopted. Its labels, taints and spec stay as others left them.
//   deleted by somebody: stays away until the process starts again, as with a kubelet
//   a list without a single one of our nodes (a server that lost its data): all register again
//
// Source: pkg/kubelet/kubelet_node_status.go.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "base/executor.h"
#include "client/api_client.h"
#include "cluster/node/node_table.h"
#include "cluster/node/request_pump.h"
#include "cluster/node/spread_ticker.h"

namespace berth::node {

struct RegistrarOptions {
  absl::Duration report_interval = absl::Minutes(5);
  int64_t in_flight_max = 64;
};

// Threads: none; everything on the executor, except registered().
class NodeRegistrar {
 public:
  NodeRegistrar(Executor& executor, client::ApiClient& client, NodeTable& table,
                RegistrarOptions options);

  // From the node informer: a node as it is now; nodes of others are ignored.
  void Upsert(const api::core::Node& node);
  void Removed(const api::core::Node& node);
  // A complete list was without it.
  void Missing(NodeRecord& record);
  // The first list is complete: what has not been seen is registered.
  void Start();
  // A complete list had none of our nodes: registers all of them again.
  void StartAgain();
  // Called when a node has just become registered.
  void OnRegistered(absl::AnyInvocable<void(NodeRecord&)> callback) {
    on_registered_ = std::move(callback);
  }

  int64_t registered() const { return registered_; }
  int64_t status_writes() const { return status_writes_; }

 private:
  void Adopt(NodeRecord& record, const api::core::Node& node);
  void Register(NodeRecord& record);
  void QueueStatus(NodeRecord& record, bool even_if_it_holds);
  void WriteStatus(NodeRecord& record, const api::core::Node& node, bool even_if_it_holds,
                   RequestPump::Done done);

  Executor& executor_;
  client::ApiClient& client_;
  NodeTable& table_;
  RequestPump pump_;
  SpreadTicker ticker_;
  absl::AnyInvocable<void(NodeRecord&)> on_registered_;
  bool started_ = false;
  std::atomic<int64_t> registered_{0};
  std::atomic<int64_t> status_writes_{0};
  Lifetime lifetime_;
};

}  // namespace berth::node
