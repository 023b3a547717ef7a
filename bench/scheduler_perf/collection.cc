#include "bench/scheduler_perf/collection.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/core.h>

namespace berth::bench {
namespace {

PodTally Since(const PodTally& before, const PodTally& now) {
  return {.unschedulable = now.unschedulable - before.unschedulable,
          .gated = now.gated - before.gated,
          .victims = now.victims - before.victims};
}

}  // namespace

double Offer::SentPerSecond() const {
  const absl::Duration in = std::max(sent_in, window);
  return static_cast<double>(pods) / absl::ToDoubleSeconds(in);
}

double Offer::BoundPerSecond() const {
  return static_cast<double>(bound_in_window) / absl::ToDoubleSeconds(window);
}

Collection::Collection(std::string name, PodFilter filter, PodLedger& ledger, Clock& clock,
                       absl::Duration interval)
    : name_(std::move(name)),
      ledger_(ledger),
      clock_(clock),
      interval_(interval),
      began_(clock.Now()),
      tally_(ledger.Tally()),
      counter_(ledger.Count(std::move(filter))),
      sampler_([this] { Sample(); }) {}

Collection::~Collection() {
  if (!done_.HasBeenNotified()) done_.Notify();
  if (sampler_.joinable()) sampler_.join();
}

void Collection::Sample() {
  absl::Time next = began_ + interval_;
  while (!done_.WaitForNotificationWithTimeout(next - clock_.Now())) {
    throughput_.Tick(clock_.Now(), ledger_.Counts(*counter_).bindings);
    next += interval_;
  }
}

Measurement Collection::Stop() {
  done_.Notify();
  sampler_.join();
  Measurement out;
  out.name = name_;
  out.tally = Since(tally_, ledger_.Tally());
  absl::Time first = absl::InfiniteFuture(), last = absl::InfinitePast();
  for (const PodTimes& times : ledger_.Times(*counter_)) {
    first = std::min(first, times.created);
    last = std::max(last, times.scheduled);
    out.latencies.push_back(times.scheduled - times.created);
  }
  std::sort(out.latencies.begin(), out.latencies.end());
  out.pods = std::ssize(out.latencies);
  if (out.pods > 0) {
    out.first_create = first;
    out.last_bound = last;
    out.elapsed = last - first;
  }
  if (out.elapsed > absl::ZeroDuration()) {
    out.pods_per_second = static_cast<double>(out.pods) / absl::ToDoubleSeconds(out.elapsed);
  }
  out.items.push_back({Summarize(throughput_.samples()),
                       "pods/s",
                       {{"Name", name_}, {"Metric", std::string(kThroughputMetric)}}});
  out.items.push_back({{{"Duration", absl::ToDoubleSeconds(clock_.Now() - began_)}},
                       "s",
                       {{"Name", name_}, {"Metric", "SchedulingDuration"}}});
  return out;
}

void ApplyThreshold(double threshold, const MetricSelector& selector, Measurement& measurement) {
  if (threshold == 0) return;
  for (DataItem& item : measurement.items) {
    const bool meant =
        item.labels["Metric"] == selector.name &&
        std::all_of(selector.labels.begin(), selector.labels.end(), [&](const auto& label) {
          const auto it = item.labels.find(label.first);
          return it != item.labels.end() && it->second == label.second;
        });
    if (!meant) continue;
    double got = 0;
    if (const auto it = item.data.find(selector.data_bucket); it != item.data.end()) {
      got = it->second;
      item.data[selector.data_bucket + "Threshold"] = threshold;
    } else if (selector.name == kThroughputMetric) {
      got = measurement.pods_per_second;
    } else {
      continue;
    }
    if (selector.expect_lower ? got < threshold : got > threshold) continue;
    measurement.problems.push_back(fmt::format(
        "{}: expected \"{}\" \"{}\" to be {}: got {:g}, want {:g}", measurement.name,
        selector.name, selector.data_bucket, selector.expect_lower ? "lower" : "higher", got,
        threshold));
  }
}

absl::Duration Percentile(const std::vector<absl::Duration>& latencies, double percent) {
  if (latencies.empty()) return absl::ZeroDuration();
  const double rank = std::ceil(static_cast<double>(latencies.size()) * percent / 100.0) - 1;
  return latencies[static_cast<size_t>(std::max(rank, 0.0))];
}

}  // namespace berth::bench
