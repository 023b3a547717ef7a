// The rules of cluster/store/store.h as tests. A backend joins by instantiating the suite:
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance,
//                            testing::Values(ConformanceParam{"Threads", &MakeMemoryOnThreads}));
//
// Everything a callback of the store touches is guarded by StoreUnderTest::mutex.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/synchronization/mutex.h>
#include <gtest/gtest.h>

#include "cluster/store/mvcc_store.h"
#include "cluster/store/store.h"

namespace berth::store {

class StoreUnderTest {
 public:
  virtual ~StoreUnderTest() = default;
  // A store without history. Closed by Close or the end.
  virtual Store& store() = 0;
  virtual void Close() = 0;
  // Lets the store work until `until` holds (called under `mutex`). False after a minute.
  virtual bool Drive(const std::function<bool()>& until) = 0;
  // Lets everything that is on its way arrive, as far as that can be known.
  virtual void Settle() = 0;
  // Moves the clock of the leases; false when that cannot be done (then lease tests are skipped).
  virtual bool Advance(absl::Duration by) = 0;
  // Lets what was asked take effect while callbacks are held up.
  virtual void AwaitEffect() {}
  // Whether callbacks have a thread of their own, so that one may be held up.
  virtual bool threads() const = 0;

  absl::Mutex mutex;
};

struct ConformanceParam {
  std::string name;
  std::function<std::unique_ptr<StoreUnderTest>(StoreLimits)> make;
};
inline void PrintTo(const ConformanceParam& param, std::ostream* out) { *out << param.name; }

// What a watch delivered.
struct Watched {
  std::vector<WatchEvent> events;
  std::vector<Revision> revisions;  // of each call
  absl::Status status;
  bool ended = false;
  bool overlapped = false;          // two calls at a time
  int running = 0;
  std::unique_ptr<WatchHandle> handle;

  Revision revision() const { return revisions.empty() ? 0 : revisions.back(); }
};

class StoreConformance : public testing::TestWithParam<ConformanceParam> {
 protected:
  void SetUp() override { Start({}); }
  void Start(StoreLimits limits) { env_ = GetParam().make(limits); }
  Store& store() { return env_->store(); }

  // Starts an operation and waits for its result.
  template <typename T>
  T Await(const std::function<void(absl::AnyInvocable<void(T)>)>& start);
  absl::StatusOr<KeyValue> Get(std::string key, Revision revision = 0);
  absl::StatusOr<ListResult> List(ListOptions options);
  absl::StatusOr<TxnResult> Txn(TxnRequest request);
  // One write without compares; the revision it took.
  Revision Put(std::string key, std::string value, LeaseId lease = 0);
  Revision Delete(std::string key);
  Revision Current();
  absl::Status Compact(Revision revision);
  absl::StatusOr<LeaseId> Grant(absl::Duration ttl);
  absl::Status Renew(LeaseId lease);
  absl::Status Revoke(LeaseId lease);

  std::shared_ptr<Watched> Watch(std::string_view begin, std::string_view end, Revision start);
  // Waits until the watch has covered a revision, or has ended.
  bool AwaitRevision(const std::shared_ptr<Watched>& watched, Revision revision);
  bool AwaitEnd(const std::shared_ptr<Watched>& watched);

  std::unique_ptr<StoreUnderTest> env_;
};

// Text forms, so that a failed comparison reads well.
// "key=value c2 m3 v2 l0"; "key absent".
std::string Show(const KeyValue& kv);
// "PUT key=value c2 m3 v2 l0 (was ...)", "DEL key m4 (was ...)".
std::string Show(const WatchEvent& event);
template <typename T>
std::vector<std::string> ShowAll(const std::vector<T>& items) {
  std::vector<std::string> out;
  for (const T& item : items) out.push_back(Show(item));
  return out;
}
std::vector<std::string> Keys(const std::vector<KeyValue>& items);

Write PutWrite(std::string key, std::string value, LeaseId lease = 0);
Write DeleteWrite(std::string key);

// --- backends ------------------------------------------------------------------------------------
std::unique_ptr<StoreUnderTest> MakeMemoryOnThreads(StoreLimits limits);
std::unique_ptr<StoreUnderTest> MakeMemoryInSimulation(StoreLimits limits);

template <typename T>
T StoreConformance::Await(const std::function<void(absl::AnyInvocable<void(T)>)>& start) {
  auto slot = std::make_shared<std::vector<T>>();
  start([slot, env = env_.get()](T result) {
    absl::MutexLock lock(&env->mutex);
    slot->push_back(std::move(result));
  });
  EXPECT_TRUE(env_->Drive([&] { return !slot->empty(); })) << "no completion";
  absl::MutexLock lock(&env_->mutex);
  if (slot->empty()) return T(absl::DeadlineExceededError("no completion"));
  return std::move(slot->front());
}

}  // namespace berth::store
