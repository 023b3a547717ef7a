// Pods that come at a rate, whether or not those before them are bound: an open loop.
#include <algorithm>
#include <cmath>
#include <thread>
#include <utility>

#include <absl/synchronization/mutex.h>
#include <fmt/core.h>

#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/run.h"

namespace berth::bench {
namespace {

using api::core::Pod;

constexpr int kSenders = 4;
constexpr int64_t kBatchMax = 64;  // pods in one call of the target
constexpr absl::Duration kPause = absl::Microseconds(500);  // between looks for pods that are due

// Sends pods when they are due. A pod's latency counts from then on, not from when it was sent: a
// target that is slow to take pods does not hide it.
class Offering {
 public:
  Offering(Target& target, Clock& clock, double rate, std::vector<ObjectPtr> pods)
      : target_(target),
        clock_(clock),
        rate_(rate),
        names_(NamesOf(pods)),
        begin_(clock.Now()),
        pods_(std::move(pods)) {
    for (int i = 0; i < kSenders; ++i) senders_.emplace_back([this] { Send(); });
  }
  ~Offering() { Finish().IgnoreError(); }

  absl::Time begin() const { return begin_; }
  // Until the last pod was sent.
  absl::Status Finish() {
    for (std::thread& sender : senders_) sender.join();
    senders_.clear();
    absl::MutexLock lock(&mutex_);
    return status_;
  }
  absl::Duration sent_in() const {
    absl::MutexLock lock(&mutex_);
    return last_sent_ - begin_;
  }
  absl::Time DueAt(int64_t index) const {
    return begin_ + absl::Seconds(static_cast<double>(index) / rate_);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  static std::vector<std::string> NamesOf(const std::vector<ObjectPtr>& pods) {
    std::vector<std::string> out;
    for (const ObjectPtr& pod : pods) out.push_back(api::MetaOf(*pod).name());
    return out;
  }

  void Send() {
    std::vector<ObjectPtr> batch;
    for (batch = Claim(); !batch.empty(); batch = Claim()) {
      const absl::Status status = target_.Create(api::ResourceOf<Pod>(), std::move(batch));
      absl::MutexLock lock(&mutex_);
      status_.Update(status);
      last_sent_ = std::max(last_sent_, clock_.Now());
    }
  }

  // Pods that are due, as soon as there are any; empty: all were sent, or one failed. One sender
  // waits at a time, the others wait for it.
  std::vector<ObjectPtr> Claim() {
    absl::MutexLock claiming(&claim_mutex_);
    std::vector<ObjectPtr> batch;
    if (next_ == std::ssize(pods_) || Failed()) return batch;
    if (const absl::Duration early = DueAt(next_) - clock_.Now(); early > absl::ZeroDuration()) {
      absl::SleepFor(std::max(early, kPause));
    }
    const absl::Time now = clock_.Now();
    while (next_ < std::ssize(pods_) && std::ssize(batch) < kBatchMax && DueAt(next_) <= now) {
      ObjectPtr& pod = pods_[static_cast<size_t>(next_)];
      const auto& metadata = api::MetaOf(*pod);
      target_.pods().Created(metadata.namespace_(), metadata.name(), DueAt(next_));
      batch.push_back(std::move(pod));
      ++next_;
    }
    return batch;
  }

  bool Failed() const {
    absl::MutexLock lock(&mutex_);
    return !status_.ok();
  }

  Target& target_;
  Clock& clock_;
  const double rate_;
  std::vector<std::string> names_;  // by index
  const absl::Time begin_;
  absl::Mutex claim_mutex_;
  std::vector<ObjectPtr> pods_ ABSL_GUARDED_BY(claim_mutex_);
  int64_t next_ ABSL_GUARDED_BY(claim_mutex_) = 0;
  mutable absl::Mutex mutex_;
  absl::Time last_sent_ ABSL_GUARDED_BY(mutex_);
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> senders_;  // last: they use the rest
};

}  // namespace

absl::Status Run::OfferPods(const Op& op, size_t index, const std::string& space) {
  Offer offer;
  offer.rate = *options_.rate;
  offer.window = options_.offer_window;
  offer.pods = std::llround(offer.rate * absl::ToDoubleSeconds(offer.window));
  Say(fmt::format("offering {} pods in {}, {} a second", offer.pods, space, offer.rate));
  BERTH_RETURN_IF_ERROR(CreateVolumes(op, offer.pods, space));
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from, PodTemplate(op));
  BERTH_ASSIGN_OR_RETURN(std::vector<ObjectPtr> pods,
                         MakePods(op, index, from, offer.pods, space));
  const auto counter = target_.pods().Count({{space}, {}});
  ForgetCpu();
  Offering offering(target_, *options_.clock, offer.rate, std::move(pods));
  ending_.WaitForNotificationWithTimeout(offering.begin() + offer.window - Now());
  offer.bound_in_window = target_.pods().Counts(*counter).bindings;
  BERTH_RETURN_IF_ERROR(offering.Finish());
  offer.sent_in = offering.sent_in();
  target_.pods().Await(
      *counter, [&](const PodCounts& counts) { return counts.bindings >= offer.pods; },
      options_.offer_drain);
  StringSet unbound;
  for (const auto& pod : target_.pods().Pods({{space}, {}})) {
    if (pod->spec().node_name().empty()) unbound.insert(pod->metadata().name());
  }
  const absl::Time now = Now();
  for (int64_t i = 0; i < offer.pods && !unbound.empty(); ++i) {
    if (!unbound.contains(offering.names()[static_cast<size_t>(i)])) continue;
    offer.unbound.push_back(now - offering.DueAt(i));
  }
  offer_ = std::move(offer);
  return absl::OkStatus();
}

}  // namespace berth::bench
