#include "cluster/node/node_registrar.h"

#include <utility>

#include "api/errors.h"
#include "api/schema/core_v1_node.pb.h"
#include "base/log.h"
#include "base/strings.h"

namespace berth::node {

using api::core::Node;
using NodePtr = std::shared_ptr<const Node>;

NodeRegistrar::NodeRegistrar(Executor& executor, client::ApiClient& client, NodeTable& table,
                             RegistrarOptions options)
    : executor_(executor), client_(client), table_(table),
      pump_(executor, options.in_flight_max),
      ticker_(executor, static_cast<int64_t>(table.nodes().size()), options.report_interval,
              [this, round = int64_t{0}](int64_t index) mutable {
                // The first round is what registration has just reported.
                if (index == 0) ++round;
                NodeRecord& record = table_.nodes()[static_cast<size_t>(index)];
                if (round > 1 && record.registered) QueueStatus(record, true);
              }) {}

void NodeRegistrar::Start() {
  if (std::exchange(started_, true)) return;
  for (NodeRecord& record : table_.nodes()) {
    if (record.registered) continue;
    const NodePool& pool = table_.PoolOf(record);
    record.facts = FactsOf(MakeNode(pool, record.seat, record.index, absl::UnixEpoch()));
    Register(record);
  }
  ticker_.Start();
}

void NodeRegistrar::Upsert(const Node& node) {
  if (NodeRecord* record = table_.Find(node.metadata().name())) Adopt(*record, node);
}

void NodeRegistrar::Removed(const Node& node) {
  NodeRecord* record = table_.Find(node.metadata().name());
  if (record == nullptr || record->uid != node.metadata().uid()) return;
  Missing(*record);
}

void NodeRegistrar::Missing(NodeRecord& record) {
  if (!record.registered) return;
  BERTH_LOG(kInfo, "node was deleted, it stays away node={}", record.seat.name);
  record.registered = false;
  record.uid.clear();
  record.lease_version.clear();
  --registered_;
}

void NodeRegistrar::StartAgain() {
  if (!std::exchange(started_, false)) return;
  BERTH_LOG(kWarning, "the server knows none of the nodes, registering again nodes={}",
            table_.nodes().size());
  for (NodeRecord& record : table_.nodes()) {
    record.uid.clear();
    record.lease_version.clear();
    registered_ -= std::exchange(record.registered, false) ? 1 : 0;
  }
  Start();
}

void NodeRegistrar::Adopt(NodeRecord& record, const Node& node) {
  record.facts = FactsOf(node);
  record.uid = node.metadata().uid();
  if (!record.registered) {
    record.registered = true;
    ++registered_;
    if (on_registered_) on_registered_(record);
  }
  if (!NodeStatusHolds(table_.PoolOf(record), record.seat, record.index, node)) {
    QueueStatus(record, false);
  }
}

void NodeRegistrar::Register(NodeRecord& record) {
  pump_.Submit([this, &record](RequestPump::Done done) {
    if (record.registered) return done(true);  // the informer was faster
    const absl::Time now = executor_.clock().Now();
    client_.Create<Node>(
        MakeNode(table_.PoolOf(record), record.seat, record.index, now),
        [this, &record, alive = lifetime_.Watch(),
         done = std::move(done)](absl::StatusOr<NodePtr> made) mutable {
          if (alive.expired()) return;
          const bool healthy = !api::IsTransient(made.status());
          if (made.ok()) {
            Adopt(record, **made);
          } else if (api::IsAlreadyExists(made.status())) {
            // The informer will bring it; until then its status is looked at by itself.
            QueueStatus(record, false);
          } else if (!healthy) {
            Register(record);
          } else if (api::IsDenied(made.status())) {  // credentials may be about to be mended
            BERTH_LOG(kError, "node not registered, trying again node={} err=\"{}\"",
                      record.seat.name, ToStd(made.status().message()));
            Register(record);
            return done(false);
          } else {
            BERTH_LOG(kError, "node not registered node={} err=\"{}\"", record.seat.name,
                      ToStd(made.status().message()));
          }
          done(healthy);
        });
  });
}

void NodeRegistrar::QueueStatus(NodeRecord& record, bool even_if_it_holds) {
  if (std::exchange(record.status_queued, true)) return;
  pump_.Submit([this, &record, even_if_it_holds](RequestPump::Done done) {
    client_.Get<Node>(
        {}, record.seat.name,
        [this, &record, even_if_it_holds, alive = lifetime_.Watch(),
         done = std::move(done)](absl::StatusOr<NodePtr> node) mutable {
          if (alive.expired()) return;
          if (node.ok()) return WriteStatus(record, **node, even_if_it_holds, std::move(done));
          const bool healthy = !api::IsTransient(node.status());
          record.status_queued = false;
          if (!healthy) QueueStatus(record, even_if_it_holds);
          done(healthy);
        });
  });
}

void NodeRegistrar::WriteStatus(NodeRecord& record, const Node& node, bool even_if_it_holds,
                                RequestPump::Done done) {
  const NodePool& pool = table_.PoolOf(record);
  record.status_queued = false;
  if (!record.registered) Adopt(record, node);
  record.status_queued = false;  // Adopt may have asked for what happens now
  if (!even_if_it_holds && NodeStatusHolds(pool, record.seat, record.index, node)) {
    return done(true);
  }
  Node wanted = node;
  SetNodeStatus(pool, record.seat, record.index, executor_.clock().Now(), wanted);
  record.status_queued = true;
  client_.UpdateStatus<Node>(
      wanted, [this, &record, even_if_it_holds, alive = lifetime_.Watch(),
               done = std::move(done)](const absl::StatusOr<NodePtr>& written) mutable {
        if (alive.expired()) return;
        const bool healthy = !api::IsTransient(written.status());
        record.status_queued = false;
        if (written.ok()) {
          ++status_writes_;
        } else if (!healthy || api::IsConflict(written.status())) {
          QueueStatus(record, even_if_it_holds);
        } else if (!api::IsNotFound(written.status())) {
          BERTH_LOG(kWarning, "node status not written node={} err=\"{}\"", record.seat.name,
                    ToStd(written.status().message()));
        }
        done(healthy);
      });
}

}  // namespace berth::node
