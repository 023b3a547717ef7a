// MvccStore: what the memory and the rocksdb store have in common, which is everything but the
// order of execution and the disk. A backend says how operations queue (Submit), executes them in
// that order, makes their journal durable, then publishes and finishes them:
//
//   Txn, leases, Compact -> Submit -> Execute (against head) -> [disk] -> Publish -> Finish
//   Get, List            -> read at the visible revision on the caller's thread
//   Watch                -> WatchHub
//
// Lives in a shared_ptr because tasks on the executor outlast the caller's Store, which is a thin
// handle (MakeHandle). Completions and watch callbacks run on the executor, which outlives both.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/synchronization/mutex.h>

#include "base/executor.h"
#include "cluster/store/journal.h"
#include "cluster/store/lease_table.h"
#include "cluster/store/store.h"
#include "cluster/store/watch_hub.h"

namespace berth::store {

struct StoreLimits {
  int64_t txn_ops_max = 2048;           // compares plus writes
  int64_t watch_lag_records = 1'000'000;  // a live watch further behind is ended
};

class MvccStore : public std::enable_shared_from_this<MvccStore> {
 public:
  MvccStore(Executor& executor, StoreLimits limits);
  virtual ~MvccStore() = default;

  // The caller's Store. Destroying it closes the store.
  static std::unique_ptr<Store> MakeHandle(std::shared_ptr<MvccStore> store);

  void Get(const std::string& key, Revision revision, Completion<KeyValue> done);
  void List(const ListOptions& options, Completion<ListResult> done);
  void Txn(TxnRequest request, Completion<TxnResult> done);
  int64_t MaxTxnOps() const { return limits_.txn_ops_max; }
  std::unique_ptr<WatchHandle> Watch(WatchOptions options, WatchCallback callback);
  void CurrentRevision(Completion<Revision> done);
  void Compact(Revision revision, DoneCallback done);
  void GrantLease(absl::Duration ttl, Completion<LeaseId> done);
  void RenewLease(LeaseId lease, DoneCallback done);
  void RevokeLease(LeaseId lease, DoneCallback done);
  // Ends watches with Cancelled; what is asked later is Unavailable.
  virtual void Close();

 protected:
  struct TxnOp {
    TxnRequest request;
    Completion<TxnResult> done;
  };
  struct GrantOp {
    int64_t ttl_seconds;
    Completion<LeaseId> done;
  };
  // Deletes a part of the keys; comes back until none is left.
  struct RevokeOp {
    LeaseId lease;
    bool expired;  // only if it still is
    bool begun;
    DoneCallback done;
  };
  struct CompactOp {
    Revision revision;
    DoneCallback done;
  };
  struct TrimOp {};  // forgets a part of what is compacted; comes back until nothing is left
  using Operation = std::variant<TxnOp, GrantOp, RevokeOp, CompactOp, TrimOp>;

  // Tells the caller: the result when given OK, otherwise that status.
  using Finish = absl::AnyInvocable<void(const absl::Status&)>;
  struct Outcome {
    Finish finish = nullptr;
    bool sync = false;  // durable before it is finished
    std::optional<Operation> next = std::nullopt;  // to be submitted afterwards
  };

  // Queues or executes. Once Close has begun nothing calls it but what runs already.
  virtual void Submit(Operation op) = 0;

  // Rejects when the store is closed or failed.
  Outcome Execute(Operation op, Journal* journal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  // What tells the caller of an operation that was not executed.
  static Finish Rejection(Operation op);
  // Makes all writes so far visible, posts `finish` and wakes the watches, in this order.
  void Publish(Task finish) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  // The disk is lost: ends the watches, refuses everything from now on.
  void Fail(const absl::Status& status);
  void ArmLeaseTimer() ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);

  Executor& executor() { return executor_; }

  const std::shared_ptr<LockedIndex> state_;
  LeaseTable leases_ ABSL_GUARDED_BY(state_->mutex);

 private:
  class Handle;

  Outcome Do(TxnOp& op, Journal* journal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  Outcome Do(GrantOp& op, Journal* journal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  Outcome Do(RevokeOp& op, Journal* journal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  Outcome Do(CompactOp& op, Journal* journal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);
  Outcome Do(TrimOp& op, Journal* journal) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex);

  absl::Status Check(const TxnRequest& request) const;
  absl::StatusOr<KeyValue> ReadKey(const std::string& key, Revision revision);
  absl::StatusOr<ListResult> ReadRange(const ListOptions& options);
  // One try; nullopt when compaction overtook a list that was not bound to a revision.
  std::optional<absl::StatusOr<ListResult>> TryReadRange(const ListOptions& options,
                                                         size_t visits_max);
  void ExpireLeases();

  template <typename T>
  void Post(Completion<T> done, absl::StatusOr<T> result);
  void Post(DoneCallback done, absl::Status status);

  Executor& executor_;
  const StoreLimits limits_;
  const std::shared_ptr<WatchHub> hub_;
  absl::Status health_ ABSL_GUARDED_BY(state_->mutex);
  TimerId lease_timer_ ABSL_GUARDED_BY(state_->mutex) = 0;
  absl::Time lease_timer_at_ ABSL_GUARDED_BY(state_->mutex) = absl::InfiniteFuture();
};

}  // namespace berth::store
