#include "cluster/apiserver/object_writer.h"

#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "cluster/apiserver/call.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {
namespace {

constexpr int kTriesMax = 256;  // each failed one means that somebody else wrote

}  // namespace

struct ObjectWriter::Operation {
  const api::Resource* resource;
  std::string store_key, cache_key;
  Apply apply;
  Done done;
  Options options;
  bool fresh = false;  // the cache was certainly up to date when this began
  int tries = 0;
};

ObjectWriter::ObjectWriter(Executor& executor, store::Store& store, WatchCache& cache,
                           EventLeases& leases)
    : executor_(executor), store_(store), cache_(cache), leases_(leases) {}

void ObjectWriter::Modify(const api::Resource& resource, const std::string& namespace_,
                          const std::string& name, Apply apply, Done done, Options options) {
  auto op = std::make_shared<Operation>();
  op->resource = &cache_.For(resource).resource();
  op->store_key = StoreKey(*op->resource, namespace_, name);
  op->cache_key = CacheKey(*op->resource, namespace_, name);
  op->apply = std::move(apply);
  op->done = std::move(done);
  op->options = std::move(options);
  Try(op);
}

void ObjectWriter::Finish(const OperationPtr& op, absl::StatusOr<ObjectPtr> result,
                          store::Revision revision) {
  if (op->options.settled) op->options.settled(revision);
  op->done(std::move(result));
}

void ObjectWriter::Try(const OperationPtr& op) {
  const ObjectPtr current = cache_.For(*op->resource).Find(op->cache_key);
  absl::StatusOr<Change> change = op->apply(current);
  if (!change.ok()) return Reconsider(op, current, change.status());
  if (change->kind == Change::Kind::kKeep) return Finish(op, current, 0);
  if (op->options.dry_run) {
    return Finish(op, change->object ? MakeUnstored(*op->resource, std::move(change->object))
                                     : current, 0);
  }
  if (op->resource->storage_prefix != "events" || change->kind == Change::Kind::kDelete) {
    return Commit(op, current, *std::move(change), 0);
  }
  leases_.Acquire([this, op, current, change = *std::move(change)](
                      absl::StatusOr<store::LeaseId> lease) mutable {
    if (!lease.ok()) return Finish(op, lease.status(), 0);
    Commit(op, current, std::move(change), *lease);
  });
}

// A refusal may be due to a cache that lags behind another server's write: it stands when the cache
// is certainly up to date and the object is still the same.
void ObjectWriter::Reconsider(const OperationPtr& op, const ObjectPtr& current,
                              absl::Status failure) {
  if (op->fresh) return Finish(op, std::move(failure), 0);
  op->fresh = true;
  cache_.WhenFresh([this, op, current, failure = std::move(failure)](const absl::Status& status) {
    if (!status.ok()) return Finish(op, status, 0);
    if (cache_.For(*op->resource).Find(op->cache_key) == current) return Finish(op, failure, 0);
    Try(op);
  });
}

void ObjectWriter::Commit(const OperationPtr& op, const ObjectPtr& current, Change change,
                          store::LeaseId lease) {
  store::TxnRequest request;
  request.compares.push_back({op->store_key, current ? current->revision() : 0});
  store::Write write;
  write.key = op->store_key;
  Bytes value;
  if (change.kind == Change::Kind::kDelete) {
    write.kind = store::Write::Kind::kDelete;
  } else {
    MutableMetadata(*change.object).clear_resource_version();
    value = std::move(change.encoded);
    if (value == nullptr) {
      auto encoded = EncodeStored(*op->resource, *change.object);
      if (!encoded.ok()) return Finish(op, encoded.status(), 0);
      value = *std::move(encoded);
    }
    cache_.Announce(value, change.object);
    write.value = value;
    write.lease = lease;
    request.relaxed_durability = op->resource->storage_prefix == "events";
  }
  request.writes.push_back(std::move(write));
  ++op->tries;
  auto completed = [this, &executor = executor_, alive = alive_.Watch(), op, current,
                    change = std::move(change), value, sent = executor_.clock().Now()](
                       absl::StatusOr<store::TxnResult> result) mutable {
    auto here = [this, op, current, change = std::move(change), value, sent, alive,
                 result = std::move(result)]() mutable {
      if (alive.expired()) return;
      Committed(op, current, std::move(change), std::move(value), sent, std::move(result));
    };
    // The server may be gone by now.
    if (executor.IsCurrent()) return here();
    executor.Post(std::move(here));
  };
  store_.Txn(std::move(request), std::move(completed));
}

void ObjectWriter::Committed(const OperationPtr& op, const ObjectPtr& current, Change change,
                             Bytes value, absl::Time sent,
                             absl::StatusOr<store::TxnResult> result) {
  if (on_commit_) on_commit_(executor_.clock().Now() - sent);
  if (!result.ok() || !result->succeeded) {
    if (value) cache_.Collect(value);
    if (!result.ok()) return Finish(op, result.status(), 0);
    if (op->tries >= kTriesMax) {
      return Finish(op, api::ServiceUnavailable("too many concurrent writes to the object"), 0);
    }
    op->fresh = true;
    cache_.WhenApplied(result->revision, [this, op] { Try(op); });
    return;
  }
  const store::Revision revision = result->revision;
  cache_.WhenApplied(revision, [this, op, current, change = std::move(change),
                                value = std::move(value), revision]() mutable {
    Succeed(op, current, std::move(change), value, revision);
  });
}

void ObjectWriter::Succeed(const OperationPtr& op, const ObjectPtr& current, Change change,
                           const Bytes& value, store::Revision revision) {
  if (change.kind == Change::Kind::kDelete) {
    return Finish(op, change.object ? MakeUnstored(*op->resource, std::move(change.object))
                                    : current, revision);
  }
  ObjectPtr stored = cache_.Collect(value);
  if (stored == nullptr) {  // the store handed back other bytes
    MutableMetadata(*change.object).set_resource_version(std::to_string(revision));
    stored = std::make_shared<const StoredObject>(*op->resource, op->cache_key,
                                                  std::move(change.object), revision);
  }
  Finish(op, std::move(stored), revision);
}

}  // namespace berth::apiserver
