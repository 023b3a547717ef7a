#include "client/leader_election.h"

#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/coordination_v1.pb.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/structured_log.h"
#include "client/event_recorder.h"

namespace berth::client {
namespace {

using api::coordination::Lease;

constexpr double kJitter = 1.2;
constexpr absl::Duration kHealthSlack = absl::Seconds(20);

template <typename MicroTime>
void SetTime(absl::Time when, MicroTime& out) {
  const int64_t micros = absl::ToUnixMicros(when);
  out.set_seconds(micros / 1'000'000);
  out.set_nanos(static_cast<int32_t>(micros % 1'000'000) * 1000);
}

// Who holds it and since when it was renewed: what its holder writes.
bool SameRecord(const Lease& a, const Lease& b) {
  return a.metadata().resource_version() == b.metadata().resource_version();
}

}  // namespace

LeaderElector::LeaderElector(ApiClient& client, LeaderElectionOptions options)
    : client_(client), options_(std::move(options)), random_(options_.seed) {}

void LeaderElector::Start(Task on_leading, Task on_lost) {
  on_leading_ = std::move(on_leading);
  on_lost_ = std::move(on_lost);
  BERTH_LOG(kInfo, "attempting to acquire leader lease {}/{}...", options_.namespace_,
            options_.name);
  TryNow();
}

bool LeaderElector::Healthy() const {
  return absl::ToUnixNanos(Now()) <= healthy_until_ns_;
}

void LeaderElector::TryNow() {
  timer_ = 0;
  if (state_ == State::kOver) return;
  sent_at_ = Now();
  client_.Get<Lease>(options_.namespace_, options_.name,
                     [this, alive = lifetime_.Watch()](absl::StatusOr<LeasePtr> seen) {
                       if (!alive.expired()) OnSeen(seen);
                     });
}

void LeaderElector::TryLater() {
  if (state_ == State::kOver || timer_ != 0) return;
  absl::Duration pause = options_.retry_period;
  if (state_ == State::kWaiting) pause *= 1 + kJitter * random_.Unit();
  timer_ = client_.executor().PostAfter(pause, [this, alive = lifetime_.Watch()] {
    if (!alive.expired()) TryNow();
  });
}

void LeaderElector::OnSeen(const absl::StatusOr<LeasePtr>& seen) {
  if (state_ == State::kOver) return;
  if (!seen.ok() && !api::IsNotFound(seen.status())) return OnFailed("get", seen.status());
  if (!seen.ok()) {
    writing_ = true;
    client_.Create<Lease>(Wanted(nullptr),
                          [this, alive = lifetime_.Watch()](absl::StatusOr<LeasePtr> made) {
                            if (!alive.expired()) OnWritten(made);
                          });
    return;
  }
  Observe(*seen);
  if (SomebodyElseHolds()) {
    if (state_ == State::kLeading) return Lose();
    return TryLater();
  }
  writing_ = true;
  client_.Update<Lease>(Wanted(&**seen),
                        [this, alive = lifetime_.Watch()](absl::StatusOr<LeasePtr> written) {
                          if (!alive.expired()) OnWritten(written);
                        });
}

void LeaderElector::OnWritten(const absl::StatusOr<LeasePtr>& written) {
  writing_ = false;
  if (release_) {
    if (written.ok()) Observe(*written);
    return GiveUp(std::exchange(release_, nullptr));
  }
  if (state_ == State::kOver) return;
  if (!written.ok()) return OnFailed("write", written.status());
  last_problem_.clear();
  Observe(*written);
  Renewed(sent_at_);
  TryLater();
  if (state_ == State::kLeading) return;
  state_ = State::kLeading;
  Tell("became leader");
  BERTH_LOG(kInfo, "successfully acquired lease {}/{}", options_.namespace_, options_.name);
  if (Task tell = std::move(on_leading_)) tell();
}

void LeaderElector::OnFailed(std::string_view what, const absl::Status& status) {
  std::string problem(ToStd(status.message()));
  if (problem != last_problem_ && !api::IsConflict(status)) {
    BERTH_LOG(kWarning, "leader election: {} failed lease={}/{} err=\"{}\"", what,
              options_.namespace_, options_.name, problem);
  }
  last_problem_ = std::move(problem);
  TryLater();
}

void LeaderElector::Observe(const LeasePtr& lease) {
  if (observed_ != nullptr && SameRecord(*observed_, *lease)) return;
  observed_ = lease;
  observed_at_ = Now();
  const std::string& holder = lease->spec().holder_identity();
  if (holder == holder_) return;
  holder_ = holder;
  if (!holder.empty() && holder != options_.identity) {
    BERTH_INFO(0, "New leader elected", {"identity", holder});
  }
}

bool LeaderElector::SomebodyElseHolds() const {
  const auto& spec = observed_->spec();
  if (spec.holder_identity().empty() || spec.holder_identity() == options_.identity) return false;
  return observed_at_ + absl::Seconds(spec.lease_duration_seconds()) > Now();
}

Lease LeaderElector::Wanted(const Lease* seen) const {
  Lease lease;
  if (seen != nullptr) lease = *seen;
  lease.mutable_metadata()->set_namespace_(options_.namespace_);
  lease.mutable_metadata()->set_name(options_.name);
  auto& spec = *lease.mutable_spec();
  const bool held = spec.holder_identity() == options_.identity;
  if (!held) {
    spec.set_lease_transitions(seen == nullptr ? 0 : spec.lease_transitions() + 1);
    SetTime(Now(), *spec.mutable_acquire_time());
  }
  spec.set_holder_identity(options_.identity);
  spec.set_lease_duration_seconds(
      static_cast<int32_t>(absl::ToInt64Seconds(options_.lease_duration)));
  SetTime(Now(), *spec.mutable_renew_time());
  return lease;
}

// From when it was asked for: the server counts from about then.
void LeaderElector::Renewed(absl::Time sent_at) {
  healthy_until_ns_ = absl::ToUnixNanos(Now() + options_.lease_duration + kHealthSlack);
  if (deadline_ != 0) client_.executor().Cancel(deadline_);
  deadline_ = client_.executor().PostAt(sent_at + options_.renew_deadline,
                                           [this, alive = lifetime_.Watch()] {
                                             if (alive.expired()) return;
                                             deadline_ = 0;
                                             Lose();
                                           });
}

void LeaderElector::StopTimers() {
  healthy_until_ns_ = INT64_MAX;
  for (TimerId* timer : {&timer_, &deadline_}) {
    if (*timer != 0) client_.executor().Cancel(std::exchange(*timer, 0));
  }
}

void LeaderElector::Lose() {
  state_ = State::kOver;
  StopTimers();
  BERTH_FAILURE("", "Leaderelection lost", {"lock", options_.namespace_ + "/" + options_.name},
                {"leader", holder_});
  Tell("stopped leading");
  if (Task tell = std::move(on_lost_)) tell();
}

void LeaderElector::Tell(std::string_view what) {
  if (options_.recorder == nullptr || observed_ == nullptr) return;
  options_.recorder->Record(*observed_, nullptr,
                            {.type = "Normal",
                             .reason = "LeaderElection",
                             .action = "LeaderElection",
                             .note = fmt::format("{} {}", options_.identity, what),
                             .reporting_controller = options_.reporting_controller});
}

void LeaderElector::Release(Task done) {
  const bool held = std::exchange(state_, State::kOver) == State::kLeading;
  StopTimers();
  if (held) Tell("stopped leading");
  if (writing_) {
    release_ = std::move(done);
  } else if (held) {
    GiveUp(std::move(done));
  } else {
    done();
  }
}

void LeaderElector::GiveUp(Task done) {
  if (observed_ == nullptr || observed_->spec().holder_identity() != options_.identity) {
    return done();
  }
  Lease lease = *observed_;
  lease.mutable_spec()->set_holder_identity("");
  lease.mutable_spec()->set_lease_duration_seconds(1);
  SetTime(Now(), *lease.mutable_spec()->mutable_renew_time());
  SetTime(Now(), *lease.mutable_spec()->mutable_acquire_time());
  client_.Update<Lease>(
      lease, [done = std::move(done)](const absl::StatusOr<LeasePtr>& written) mutable {
        if (!written.ok()) {
          BERTH_FAILURE(ToStd(written.status().message()), "Failed to release lock");
        }
        done();
      });
}

}  // namespace berth::client
