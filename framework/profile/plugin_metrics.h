// What is counted and timed of single plugins.
//
// Calls are counted one by one, as upstream does. Times are taken in one attempt of ten, and of at
// most kSamplesPerSecond calls a second: a walk over 5,000 nodes is not slowed by reading the clock
// for each (upstream reads it and drops what does not fit its buffer of as many).
// Source: kube-scheduler framework/runtime/{instrumented_plugins,framework}.go, metrics/
// metric_recorder.go.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/tally.h"
#include "framework/cycle/metrics.h"
#include "framework/plugin.h"
#include "framework/profile/profile.h"

namespace berth::framework {

inline Code CodeOf(const Status& status) { return status.code(); }
template <typename Result>
Code CodeOf(const Result& result) {
  return result.status.code();
}

// Times single calls. Threads: the engine's executor.
class PluginTimes {
 public:
  static constexpr int kSamplesPerSecond = 1000;
  // Both must outlive it.
  PluginTimes(Metrics& metrics, const Clock& clock)
      : metrics_(metrics.WantsDurations() ? &metrics : nullptr), clock_(clock) {}

  // Before the calls of an attempt: whether any of them is to be timed.
  void Begin(bool sampled);
  bool wanted() const { return left_ > 0; }
  absl::Time Now() const { return clock_.Now(); }
  // One call. nodes: how many it was for; what is told is the time for one.
  void Took(std::string_view plugin, std::string_view point, Code code, absl::Time began,
            int64_t nodes = 1);

  // Makes the call, and times it when that is wanted.
  template <typename Call>
  auto Time(bool sampled, std::string_view plugin, std::string_view point, Call call) {
    if (!sampled || left_ <= 0) return call();
    const absl::Time began = clock_.Now();
    auto result = call();
    Took(plugin, point, CodeOf(result), began);
    return result;
  }

 private:
  Metrics* const metrics_;
  const Clock& clock_;
  int left_ = 0;           // of this second
  absl::Time refilled_ = absl::InfinitePast();
};

// Counts the calls of the plugins of one profile, by place in its list of the point.
// Threads: the engine's executor adds; the metrics may be read meanwhile.
class PluginCounts {
  std::deque<Tally> unseen_;  // before what points at them

 public:
  using Tallies = std::vector<Tally*>;
  // metrics: must outlive it.
  PluginCounts(const Profile& profile, Metrics& metrics);
  PluginCounts(const PluginCounts&) = delete;
  PluginCounts& operator=(const PluginCounts&) = delete;

  Tallies pre_filter, filter, pre_score, score;
  Tally* reused_verdicts = nullptr;  // nodes
  Tally* reused_scores = nullptr;

 private:
  Tally* OrUnseen(Tally* tally);
  template <typename P>
  Tallies Of(const PointList<P>& list, std::string_view point, const Profile& profile,
             Metrics& metrics);
};

}  // namespace berth::framework
