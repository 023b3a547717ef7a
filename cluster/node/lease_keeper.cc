#include "cluster/node/lease_keeper.h"

#include <utility>

#include "api/errors.h"
#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "base/log.h"
#include "base/strings.h"

namespace berth::node {
namespace {

using api::coordination::Lease;
using LeasePtr = std::shared_ptr<const Lease>;

constexpr std::string_view kLeaseNamespace = "kube-node-lease";

void Remember(NodeRecord& node, const Lease& lease) {
  node.lease_version = lease.metadata().resource_version();
  node.lease_uid = lease.metadata().uid();
}

}  // namespace

LeaseKeeper::LeaseKeeper(Executor& executor, client::ApiClient& client, NodeTable& table,
                         LeaseOptions options)
    : executor_(executor), client_(client), table_(table), options_(options),
      pump_(executor, options.in_flight_max),
      ticker_(executor, static_cast<int64_t>(table.nodes().size()), options.interval,
              [this](int64_t index) {
                NodeRecord& node = table_.nodes()[static_cast<size_t>(index)];
                if (node.registered) Renew(node);
              }) {}

void LeaseKeeper::Start() { ticker_.Start(); }

void LeaseKeeper::Renew(NodeRecord& node) {
  if (node.lease_queued) return;
  node.lease_queued = true;
  pump_.Submit([this, &node](RequestPump::Done done) { Send(node, std::move(done)); });
}

Lease LeaseKeeper::Make(const NodeRecord& node) const {
  Lease lease;
  auto& meta = *lease.mutable_metadata();
  meta.set_name(node.seat.name);
  meta.set_namespace_(std::string(kLeaseNamespace));
  if (!node.lease_version.empty()) {
    meta.set_resource_version(node.lease_version);
    meta.set_uid(node.lease_uid);
  }
  if (!node.uid.empty()) {
    auto& owner = *meta.add_owner_references();
    owner.set_api_version("v1");
    owner.set_kind("Node");
    owner.set_name(node.seat.name);
    owner.set_uid(node.uid);
  }
  auto& spec = *lease.mutable_spec();
  spec.set_holder_identity(node.seat.name);
  spec.set_lease_duration_seconds(
      static_cast<int32_t>(absl::ToInt64Seconds(options_.duration)));
  const int64_t micros = absl::ToUnixMicros(executor_.clock().Now());
  spec.mutable_renew_time()->set_seconds(micros / 1'000'000);
  spec.mutable_renew_time()->set_nanos(static_cast<int32_t>(micros % 1'000'000 * 1000));
  return lease;
}

void LeaseKeeper::Send(NodeRecord& node, RequestPump::Done done) {
  if (!node.registered) return Settle(node, absl::OkStatus(), std::move(done));
  if (node.lease_version.empty()) return Create(node, std::move(done));
  client_.Update<Lease>(
      Make(node), [this, &node, alive = lifetime_.Watch(),
                   done = std::move(done)](absl::StatusOr<LeasePtr> lease) mutable {
        if (alive.expired()) return;
        if (lease.ok()) {
          Remember(node, **lease);
          return Settle(node, absl::OkStatus(), std::move(done));
        }
        if (api::IsConflict(lease.status())) return Fetch(node, std::move(done));
        if (api::IsNotFound(lease.status())) {
          node.lease_version.clear();
          return Create(node, std::move(done));
        }
        Settle(node, lease.status(), std::move(done));
      });
}

void LeaseKeeper::Create(NodeRecord& node, RequestPump::Done done) {
  client_.Create<Lease>(
      Make(node), [this, &node, alive = lifetime_.Watch(),
                   done = std::move(done)](absl::StatusOr<LeasePtr> lease) mutable {
        if (alive.expired()) return;
        if (lease.ok()) {
          Remember(node, **lease);
          return Settle(node, absl::OkStatus(), std::move(done));
        }
        if (api::IsAlreadyExists(lease.status())) return Fetch(node, std::move(done));
        if (api::IsNotFound(lease.status())) return CreateNamespace(node, std::move(done));
        Settle(node, lease.status(), std::move(done));
      });
}

// Learns the version of a Lease we did not write last; the renewal itself follows at once.
void LeaseKeeper::Fetch(NodeRecord& node, RequestPump::Done done) {
  client_.Get<Lease>(
      kLeaseNamespace, node.seat.name,
      [this, &node, alive = lifetime_.Watch(),
       done = std::move(done)](absl::StatusOr<LeasePtr> lease) mutable {
        if (alive.expired()) return;
        if (lease.ok()) Remember(node, **lease);
        if (api::IsNotFound(lease.status())) node.lease_version.clear();
        const bool healthy = !api::IsTransient(lease.status());
        node.lease_queued = false;
        Renew(node);
        done(healthy);
      });
}

void LeaseKeeper::CreateNamespace(NodeRecord& node, RequestPump::Done done) {
  api::core::Namespace made;
  made.mutable_metadata()->set_name(std::string(kLeaseNamespace));
  client_.Create<api::core::Namespace>(
      made, [this, &node, alive = lifetime_.Watch(),
             done = std::move(done)](auto result) mutable {
        if (alive.expired()) return;
        const bool there = result.ok() || api::IsAlreadyExists(result.status());
        node.lease_queued = false;
        if (there) Renew(node);
        done(!api::IsTransient(result.status()));
      });
}

void LeaseKeeper::Settle(NodeRecord& node, const absl::Status& status, RequestPump::Done done) {
  const bool healthy = !api::IsTransient(status);
  node.lease_queued = false;
  if (status.ok()) {
    ++renewals_;
  } else if (healthy) {
    // Refused for good: the next round tries again.
    BERTH_LOG(kWarning, "lease not renewed node={} err=\"{}\"", node.seat.name,
              ToStd(status.message()));
  } else {
    Renew(node);
  }
  done(healthy);
}

}  // namespace berth::node
