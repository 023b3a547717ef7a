#include "cluster/store/mvcc_store.h"

#include <algorithm>
#include <utility>

#include <absl/container/flat_hash_set.h>

namespace berth::store {
namespace {

constexpr size_t kListVisitsMax = 512;    // keys a list visits while it holds the lock
constexpr size_t kRevokeKeysMax = 512;    // deletions of one revision when a lease ends
constexpr size_t kTrimRecordsMax = 1024;  // records forgotten while the lock is held
constexpr int kListTriesMax = 3;

// A duplicate key, found by comparing pairs while that is cheap.
bool HasDuplicate(const std::vector<Write>& writes) {
  if (writes.size() <= 8) {
    for (size_t i = 1; i < writes.size(); ++i) {
      for (size_t j = 0; j < i; ++j) {
        if (writes[i].key == writes[j].key) return true;
      }
    }
    return false;
  }
  absl::flat_hash_set<std::string_view> keys;
  keys.reserve(writes.size());
  return !std::all_of(writes.begin(), writes.end(),
                      [&](const Write& write) { return keys.insert(write.key).second; });
}

}  // namespace

class MvccStore::Handle final : public Store {
 public:
  explicit Handle(std::shared_ptr<MvccStore> store) : store_(std::move(store)) {}
  ~Handle() override { store_->Close(); }

  void Get(std::string key, Revision revision, Completion<KeyValue> done) override {
    store_->Get(key, revision, std::move(done));
  }
  void List(ListOptions options, Completion<ListResult> done) override {
    store_->List(options, std::move(done));
  }
  void Txn(TxnRequest request, Completion<TxnResult> done) override {
    store_->Txn(std::move(request), std::move(done));
  }
  int64_t MaxTxnOps() const override { return store_->MaxTxnOps(); }
  std::unique_ptr<WatchHandle> Watch(WatchOptions options, WatchCallback callback) override {
    return store_->Watch(std::move(options), std::move(callback));
  }
  void CurrentRevision(Completion<Revision> done) override {
    store_->CurrentRevision(std::move(done));
  }
  void Compact(Revision revision, DoneCallback done) override {
    store_->Compact(revision, std::move(done));
  }
  void GrantLease(absl::Duration ttl, Completion<LeaseId> done) override {
    store_->GrantLease(ttl, std::move(done));
  }
  void RenewLease(LeaseId lease, DoneCallback done) override {
    store_->RenewLease(lease, std::move(done));
  }
  void RevokeLease(LeaseId lease, DoneCallback done) override {
    store_->RevokeLease(lease, std::move(done));
  }

 private:
  std::shared_ptr<MvccStore> store_;
};

MvccStore::MvccStore(Executor& executor, StoreLimits limits)
    : state_(std::make_shared<LockedIndex>()),
      executor_(executor),
      limits_(limits),
      hub_(std::make_shared<WatchHub>(state_, executor,
                                      static_cast<size_t>(limits.watch_lag_records))) {}

std::unique_ptr<Store> MvccStore::MakeHandle(std::shared_ptr<MvccStore> store) {
  return std::make_unique<Handle>(std::move(store));
}

void MvccStore::Close() {
  {
    absl::MutexLock lock(&state_->mutex);
    if (health_.ok()) health_ = absl::UnavailableError("the store is closed");
    if (lease_timer_ != 0) executor_.Cancel(lease_timer_);
    lease_timer_ = 0;
  }
  hub_->End(absl::CancelledError("the store is closed"));
}

void MvccStore::Fail(const absl::Status& status) {
  {
    absl::MutexLock lock(&state_->mutex);
    if (health_.ok()) health_ = status;
  }
  hub_->End(status);
}

template <typename T>
void MvccStore::Post(Completion<T> done, absl::StatusOr<T> result) {
  executor_.Post([done = std::move(done), result = std::move(result)]() mutable {
    done(std::move(result));
  });
}

void MvccStore::Post(DoneCallback done, absl::Status status) {
  executor_.Post([done = std::move(done), status = std::move(status)]() mutable {
    done(std::move(status));
  });
}

// --- reads -------------------------------------------------------------------------------------

absl::StatusOr<KeyValue> MvccStore::ReadKey(const std::string& key, Revision revision) {
  if (key.empty()) return absl::InvalidArgumentError("key is not provided");
  absl::ReaderMutexLock lock(&state_->mutex);
  if (!health_.ok()) return health_;
  if (revision == 0) revision = state_->index.visible();
  if (auto status = state_->index.CheckReadable(revision); !status.ok()) return status;
  return state_->index.At(key, revision);
}

void MvccStore::Get(const std::string& key, Revision revision, Completion<KeyValue> done) {
  Post(std::move(done), ReadKey(key, revision));
}

std::optional<absl::StatusOr<ListResult>> MvccStore::TryReadRange(const ListOptions& options,
                                                                  size_t visits_max) {
  ListResult result;
  std::string from = options.begin;
  for (bool done = false, first = true; !done; first = false) {
    absl::ReaderMutexLock lock(&state_->mutex);
    if (!health_.ok()) return health_;
    if (first) {
      result.revision = options.revision == 0 ? state_->index.visible() : options.revision;
    }
    if (auto status = state_->index.CheckReadable(result.revision); !status.ok()) {
      if (options.revision == 0) return std::nullopt;
      return status;
    }
    done = state_->index.ListStep(options, result.revision, visits_max, from, result);
  }
  return result;
}

absl::StatusOr<ListResult> MvccStore::ReadRange(const ListOptions& options) {
  if (options.limit < 0) return absl::InvalidArgumentError("limit is negative");
  for (int tries = 1; tries < kListTriesMax; ++tries) {
    if (auto result = TryReadRange(options, kListVisitsMax)) return *std::move(result);
  }
  return *TryReadRange(options, SIZE_MAX);  // in one go: nothing can overtake it
}

void MvccStore::List(const ListOptions& options, Completion<ListResult> done) {
  Post(std::move(done), ReadRange(options));
}

void MvccStore::CurrentRevision(Completion<Revision> done) {
  absl::StatusOr<Revision> result;
  {
    absl::ReaderMutexLock lock(&state_->mutex);
    if (health_.ok()) {
      result = state_->index.visible();
    } else {
      result = health_;
    }
  }
  Post(std::move(done), std::move(result));
}

std::unique_ptr<WatchHandle> MvccStore::Watch(WatchOptions options, WatchCallback callback) {
  return hub_->Watch(std::move(options), std::move(callback));
}

// --- writes ------------------------------------------------------------------------------------

absl::Status MvccStore::Check(const TxnRequest& request) const {
  const size_t ops = request.compares.size() + request.writes.size();
  if (static_cast<int64_t>(ops) > limits_.txn_ops_max) {
    return absl::InvalidArgumentError("too many operations in txn request");
  }
  for (const Compare& compare : request.compares) {
    if (compare.key.empty()) return absl::InvalidArgumentError("key is not provided");
  }
  for (const Write& write : request.writes) {
    if (write.key.empty()) return absl::InvalidArgumentError("key is not provided");
  }
  if (HasDuplicate(request.writes)) {
    return absl::InvalidArgumentError("duplicate key given in txn request");
  }
  return absl::OkStatus();
}

void MvccStore::Txn(TxnRequest request, Completion<TxnResult> done) {
  if (auto status = Check(request); !status.ok()) {
    return Post<TxnResult>(std::move(done), std::move(status));
  }
  Submit(TxnOp{std::move(request), std::move(done)});
}

void MvccStore::Compact(Revision revision, DoneCallback done) {
  Submit(CompactOp{revision, std::move(done)});
}

void MvccStore::GrantLease(absl::Duration ttl, Completion<LeaseId> done) {
  if (ttl <= absl::ZeroDuration() || ttl > absl::Hours(24 * 366 * 100)) {
    return Post<LeaseId>(std::move(done), absl::InvalidArgumentError("invalid lease TTL"));
  }
  const int64_t seconds = absl::ToInt64Seconds(absl::Ceil(ttl, absl::Seconds(1)));
  Submit(GrantOp{seconds, std::move(done)});
}

void MvccStore::RenewLease(LeaseId lease, DoneCallback done) {
  absl::Status status;
  {
    absl::MutexLock lock(&state_->mutex);
    status = health_.ok() ? leases_.Renew(lease, executor_.clock().Now()) : health_;
  }
  Post(std::move(done), std::move(status));
}

void MvccStore::RevokeLease(LeaseId lease, DoneCallback done) {
  Submit(RevokeOp{.lease = lease, .expired = false, .begun = false, .done = std::move(done)});
}

MvccStore::Finish MvccStore::Rejection(Operation op) {
  return std::visit(
      [](auto& it) -> Finish {
        if constexpr (requires { it.done; }) {
          return [done = std::move(it.done)](const absl::Status& why) mutable { done(why); };
        } else {
          return nullptr;
        }
      },
      op);
}

MvccStore::Outcome MvccStore::Execute(Operation op, Journal* journal) {
  if (!health_.ok()) {
    Finish finish = Rejection(std::move(op));
    if (finish == nullptr) return {};
    return {.finish = [finish = std::move(finish), why = health_](const absl::Status&) mutable {
      finish(why);
    }};
  }
  return std::visit(
      [&](auto& it) ABSL_EXCLUSIVE_LOCKS_REQUIRED(state_->mutex) { return Do(it, journal); }, op);
}

void MvccStore::Publish(Task finish) {
  state_->index.Publish();
  if (finish != nullptr) executor_.Post(std::move(finish));
  hub_->Wake();
}

namespace {

template <typename T>
auto FinishWith(Completion<T> done, absl::StatusOr<T> result) {
  return [done = std::move(done), result = std::move(result)](const absl::Status& disk) mutable {
    done(disk.ok() ? std::move(result) : absl::StatusOr<T>(disk));
  };
}

auto FinishWith(DoneCallback done, absl::Status status) {
  return [done = std::move(done), status = std::move(status)](const absl::Status& disk) mutable {
    done(disk.ok() ? status : disk);
  };
}

}  // namespace

MvccStore::Outcome MvccStore::Do(TxnOp& op, Journal* journal) {
  TxnRequest& request = op.request;
  for (const Write& write : request.writes) {
    if (write.lease == 0 || write.kind == Write::Kind::kDelete || leases_.Holds(write.lease)) {
      continue;
    }
    return {.finish = FinishWith<TxnResult>(std::move(op.done),
                                            absl::NotFoundError("requested lease not found"))};
  }
  TxnResult result;
  result.succeeded = state_->index.Holds(request.compares, result.current);
  const bool writes = result.succeeded && !request.writes.empty();
  result.revision = writes ? state_->index.Apply(request.writes, &result.previous, journal)
                           : state_->index.head();
  return {.finish = FinishWith<TxnResult>(std::move(op.done), std::move(result)),
          .sync = writes && !request.relaxed_durability};
}

MvccStore::Outcome MvccStore::Do(GrantOp& op, Journal* journal) {
  const LeaseId lease = leases_.NewId();
  leases_.Add(lease, op.ttl_seconds, executor_.clock().Now());
  if (journal != nullptr) journal->LeaseGranted(lease, op.ttl_seconds);
  ArmLeaseTimer();
  return {.finish = FinishWith<LeaseId>(std::move(op.done), lease), .sync = true};
}

MvccStore::Outcome MvccStore::Do(RevokeOp& op, Journal* journal) {
  if (!op.begun) {
    if (op.expired && !leases_.Expired(op.lease, executor_.clock().Now())) {
      ArmLeaseTimer();  // renewed while this was queued
      return {};
    }
    if (auto status = leases_.BeginRevoke(op.lease); !status.ok()) {
      return {.finish = FinishWith(std::move(op.done), std::move(status))};
    }
    op.begun = true;
  }
  std::vector<Write> writes;
  for (std::string& key : state_->index.KeysOfLease(op.lease, kRevokeKeysMax)) {
    writes.push_back({.kind = Write::Kind::kDelete, .key = std::move(key)});
  }
  if (!writes.empty()) state_->index.Apply(writes, nullptr, journal);
  if (writes.size() == kRevokeKeysMax) return {.sync = true, .next = std::move(op)};
  leases_.Remove(op.lease);
  ArmLeaseTimer();
  if (journal != nullptr) journal->LeaseEnded(op.lease);
  return {.finish = FinishWith(std::move(op.done), absl::OkStatus()), .sync = true};
}

MvccStore::Outcome MvccStore::Do(CompactOp& op, Journal* journal) {
  absl::Status status = state_->index.Compact(op.revision, journal);
  Outcome outcome;
  if (status.ok()) outcome.next = TrimOp{};
  outcome.finish = FinishWith(std::move(op.done), std::move(status));
  return outcome;
}

MvccStore::Outcome MvccStore::Do(TrimOp&, Journal* journal) {
  Outcome outcome;
  if (state_->index.Trim(kTrimRecordsMax, journal)) outcome.next = TrimOp{};
  return outcome;
}

// --- expiry ------------------------------------------------------------------------------------

void MvccStore::ArmLeaseTimer() {
  const absl::Time next = leases_.NextExpiry();
  if (!health_.ok() || next >= lease_timer_at_) return;
  if (lease_timer_ != 0) executor_.Cancel(lease_timer_);
  lease_timer_at_ = next;
  lease_timer_ = executor_.PostAt(next, [weak = weak_from_this()] {
    if (auto self = weak.lock()) self->ExpireLeases();
  });
}

void MvccStore::ExpireLeases() {
  std::vector<LeaseId> expired;
  {
    absl::MutexLock lock(&state_->mutex);
    lease_timer_ = 0;
    lease_timer_at_ = absl::InfiniteFuture();
    if (!health_.ok()) return;
    expired = leases_.AllExpired(executor_.clock().Now());
    if (expired.empty()) ArmLeaseTimer();
  }
  for (LeaseId lease : expired) {  // each arms the timer again when it is executed
    Submit(RevokeOp{
        .lease = lease, .expired = true, .begun = false, .done = [](const absl::Status&) {}});
  }
}

}  // namespace berth::store
