// One API server's way to the store: requests keep their order, everything takes a while, and when
// the server dies nothing that was to come back does. The store itself never dies.
#pragma once

#include <memory>
#include <string>

#include "base/executor.h"
#include "base/random.h"
#include "cluster/store/store.h"
#include "tests/sim/probes.h"

namespace berth::sim {

struct StoreLinkOptions {
  absl::Duration delay_max;  // each way
  double lose_watch = 0;     // per delivery: the watch ends there with ResourceExhausted
};

// Threads: one (a simulation). `executor` is the store's; what is referred to outlives the link.
// Destroying it: requests that have not arrived never do, completions and watches are dropped.
class StoreLink final : public store::Store {
 public:
  StoreLink(store::Store& inner, Executor& executor, Random& random, Probes& probes,
            StoreLinkOptions options)
      : inner_(inner), executor_(executor), random_(random), probes_(probes), options_(options) {}
  ~StoreLink() override { alive_.End(); }

  void Get(std::string key, store::Revision revision,
           store::Completion<store::KeyValue> done) override;
  void List(store::ListOptions options, store::Completion<store::ListResult> done) override;
  void Txn(store::TxnRequest request, store::Completion<store::TxnResult> done) override;
  int64_t MaxTxnOps() const override { return inner_.MaxTxnOps(); }
  std::unique_ptr<store::WatchHandle> Watch(store::WatchOptions options,
                                            store::WatchCallback callback) override;
  void CurrentRevision(store::Completion<store::Revision> done) override;
  void Compact(store::Revision revision, store::DoneCallback done) override;
  void GrantLease(absl::Duration ttl, store::Completion<store::LeaseId> done) override;
  void RenewLease(store::LeaseId lease, store::DoneCallback done) override;
  void RevokeLease(store::LeaseId lease, store::DoneCallback done) override;

 private:
  absl::Duration Delay() { return options_.delay_max * random_.Unit(); }
  // Not before what was asked to come not before `after`, which it moves.
  void InOrder(absl::Time& after, Task task);
  void Request(Task task) { InOrder(requests_until_, std::move(task)); }
  template <typename T>
  auto Back(absl::AnyInvocable<void(T)> done);

  store::Store& inner_;
  Executor& executor_;
  Random& random_;
  Probes& probes_;
  const StoreLinkOptions options_;
  absl::Time requests_until_ = absl::InfinitePast();
  Lifetime alive_;
};

}  // namespace berth::sim
