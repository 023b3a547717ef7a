// Leader election by a Lease: of several processes with the same lease, one leads at a time.
//
//                    got the lease              not renewed for renew_deadline,
//   (new) -> waiting --------------> leading ----> or somebody else has it ----> lost (the end)
//              ^  |                     |
//              +--+ every retry_period  +-- Release --> released (the end)
//
// Nobody's clock is compared with anybody else's: a lease is believed for as long as its holder
// said, from the moment this process saw it change. Source: client-go tools/leaderelection.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "api/fwd.h"
#include "base/executor.h"
#include "base/random.h"
#include "client/api_client.h"

namespace berth::client {

class EventRecorder;

struct LeaderElectionOptions {
  std::string identity;  // unlike everybody else's: "<hostname>_<uuid>"
  std::string namespace_ = "kube-system";
  std::string name = "kube-scheduler";
  absl::Duration lease_duration = absl::Seconds(15);  // how long others wait for a silent leader
  absl::Duration renew_deadline = absl::Seconds(10);  // how long a leader leads without renewing
  absl::Duration retry_period = absl::Seconds(2);     // times [1, 2.2) while waiting
  uint64_t seed = 1;
  // Who writes the events "<identity> became leader" and "... stopped leading" to the lease; null:
  // nobody. reporting_controller: in whose name.
  EventRecorder* recorder = nullptr;
  std::string reporting_controller = "default-scheduler";
};

// Threads: the client's executor only, construction and destruction included.
class LeaderElector {
 public:
  LeaderElector(ApiClient& client, LeaderElectionOptions options);

  // Once. on_leading: this process leads from now on. on_lost: it does no more; once, and last.
  void Start(Task on_leading, Task on_lost);
  // Gives the lease up, so that the next one need not wait for its end; none of Start's callbacks
  // runs afterwards. A renewal that is on its way is waited for: else it would be the last word.
  // done: always called, also when nothing was held or the server does not answer.
  void Release(Task done);

  bool leading() const { return state_ == State::kLeading; }
  // The identity that holds the lease, as last seen.
  const std::string& leader() const { return holder_; }
  // A leader that has not renewed within the lease and 20 s more, and does not know it yet, is not.
  // From any thread.
  bool Healthy() const;

 private:
  enum class State : uint8_t { kWaiting, kLeading, kOver };
  using LeasePtr = std::shared_ptr<const api::coordination::Lease>;

  void TryNow();
  void TryLater();
  void OnSeen(const absl::StatusOr<LeasePtr>& seen);
  void Take(const api::coordination::Lease& seen);
  void OnWritten(const absl::StatusOr<LeasePtr>& written);
  void OnFailed(std::string_view what, const absl::Status& status);
  void Observe(const LeasePtr& lease);
  bool SomebodyElseHolds() const;
  api::coordination::Lease Wanted(const api::coordination::Lease* seen) const;
  absl::Time Now() const { return client_.executor().clock().Now(); }
  void Renewed(absl::Time sent_at);
  void StopTimers();
  void Lose();
  void GiveUp(Task done);
  void Tell(std::string_view what);

  ApiClient& client_;
  const LeaderElectionOptions options_;
  Random random_;
  State state_ = State::kWaiting;
  Task on_leading_, on_lost_;
  LeasePtr observed_;       // as last seen; null: none was
  absl::Time observed_at_;  // when it last changed
  absl::Time sent_at_;      // when the last try began
  std::atomic<int64_t> healthy_until_ns_{INT64_MAX};
  std::string holder_, last_problem_;
  TimerId timer_ = 0;     // the next try
  TimerId deadline_ = 0;  // of a leader that does not renew
  bool writing_ = false;  // the lease; not answered yet
  Task release_;          // wanted once that is answered
  Lifetime lifetime_;
};

}  // namespace berth::client
