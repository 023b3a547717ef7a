// Read, modify, write: every change of an object goes through here.
//
//   current (from the cache) --apply--> change --Txn: still that revision?--> applied by the cache
//        ^                      |failed: again on fresh data, once   |no: somebody was faster
//        +----------------------+------------------------------------+
//
// The answer comes when the cache has the new state, so whoever is told of a write sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/executor.h"
#include "cluster/apiserver/event_leases.h"
#include "cluster/apiserver/stored_object.h"
#include "cluster/apiserver/watch_cache.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

// What is to become of an object.
struct Change {
  enum class Kind { kKeep, kPut, kDelete };
  Kind kind = Kind::kKeep;
  // kPut: the new state, in the stored form, owned by the writer from now on. kDelete: what to
  // answer with; null: the current state.
  std::shared_ptr<google::protobuf::Message> object;
  Bytes encoded;  // kPut: EncodeStored of the object without its version; null: not made yet

  static Change Keep() { return {}; }
  static Change Put(std::shared_ptr<google::protobuf::Message> object, Bytes encoded = nullptr) {
    return {Kind::kPut, std::move(object), std::move(encoded)};
  }
  static Change Delete(std::shared_ptr<google::protobuf::Message> answer = nullptr) {
    return {Kind::kDelete, std::move(answer), nullptr};
  }
};

// Threads: none; everything on the API server's executor.
class ObjectWriter {
 public:
  // current: null when there is no such object. Called once per try.
  using Apply = absl::AnyInvocable<absl::StatusOr<Change>(const ObjectPtr& current)>;
  // The object as written; kKeep: as it is; kDelete: the answer.
  using Done = absl::AnyInvocable<void(absl::StatusOr<ObjectPtr>)>;
  // Sees each attempt to write: what it writes before the Txn, and the revision after (0: it
  // failed). For the node ledger.
  using Observer = absl::AnyInvocable<void(store::Revision revision)>;

  struct Options {
    bool dry_run = false;
    Observer settled;  // called once, after the last try
  };

  ObjectWriter(Executor& executor, store::Store& store, WatchCache& cache, EventLeases& leases);

  void Modify(const api::Resource& resource, const std::string& namespace_,
              const std::string& name, Apply apply, Done done, Options options);
  void Modify(const api::Resource& resource, const std::string& namespace_,
              const std::string& name, Apply apply, Done done) {
    Modify(resource, namespace_, name, std::move(apply), std::move(done), Options());
  }

  // Time from Txn to its completion, for the metrics.
  void SetCommitListener(absl::AnyInvocable<void(absl::Duration)> listener) {
    on_commit_ = std::move(listener);
  }

 private:
  struct Operation;
  using OperationPtr = std::shared_ptr<Operation>;
  void Try(const OperationPtr& op);
  void Reconsider(const OperationPtr& op, const ObjectPtr& current, absl::Status failure);
  void Commit(const OperationPtr& op, const ObjectPtr& current, Change change,
              store::LeaseId lease);
  void Committed(const OperationPtr& op, const ObjectPtr& current, Change change, Bytes value,
                 absl::Time sent, absl::StatusOr<store::TxnResult> result);
  void Succeed(const OperationPtr& op, const ObjectPtr& current, Change change, const Bytes& value,
               store::Revision revision);
  static void Finish(const OperationPtr& op, absl::StatusOr<ObjectPtr> result,
                     store::Revision revision);

  Executor& executor_;
  store::Store& store_;
  WatchCache& cache_;
  EventLeases& leases_;
  absl::AnyInvocable<void(absl::Duration)> on_commit_;
  Lifetime alive_;
};

}  // namespace berth::apiserver
