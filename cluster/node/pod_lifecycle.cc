#include "cluster/node/pod_lifecycle.h"

#include <algorithm>
#include <charconv>

#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"

namespace berth::node {
namespace {

using api::core::ContainerStatus;
using api::core::Pod;

// Source: pkg/kubelet: containerBackOffPeriod, MaxContainerBackOff.
constexpr absl::Duration kBackOffFirst = absl::Seconds(10);
constexpr absl::Duration kBackOffMax = absl::Minutes(5);
// A container that ran this long starts with a clean slate.
constexpr absl::Duration kBackOffReset = absl::Minutes(10);
constexpr absl::Duration kPlainRestartDelay = absl::Seconds(1);
constexpr double kRunSecondsMax = 1e9;

absl::Time ToTime(const api::meta::Time& time) { return absl::FromUnixSeconds(time.seconds()); }

const std::string* Annotation(const Pod& pod, std::string_view key) {
  const auto& annotations = pod.metadata().annotations();
  const auto it = annotations.find(std::string(key));
  return it == annotations.end() ? nullptr : &it->second;
}

template <typename T>
std::optional<T> ParseNumber(const std::string* text) {
  T value{};
  if (text == nullptr) return std::nullopt;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size()) return std::nullopt;
  return value;
}

bool IsSidecar(const api::core::Container& container) {
  return container.restart_policy() == "Always";
}

void Enter(PodProgress& progress, Stage stage, absl::Time when) {
  progress.stage = stage;
  progress.since = when;
  progress.ran |= stage == Stage::kRunning;
}

// The run is over: what the restart policy makes of it.
void EndRun(const PodPlan& plan, PodProgress& progress, absl::Time when) {
  progress.run_finished = when;
  using Policy = PodPlan::RestartPolicy;
  const bool restart = plan.restart_policy == Policy::kAlways ||
                       (plan.restart_policy == Policy::kOnFailure && plan.exit_code != 0);
  if (restart) return Enter(progress, Stage::kBackingOff, when);
  Enter(progress, plan.exit_code == 0 ? Stage::kSucceeded : Stage::kFailed, when);
}

// One transition, if it is due by `now`. Sets `next` to when the stage ends otherwise.
bool Step(const PodPlan& plan, PodProgress& progress, absl::Time now, absl::Time& next) {
  const auto due = [&](absl::Time when) {
    next = when;
    return when <= now;
  };
  switch (progress.stage) {
    case Stage::kStarting: {
      if (!due(progress.since + plan.start_delay)) return false;
      if (plan.init_count == 0) progress.run_started = next;
      Enter(progress, plan.init_count > 0 ? Stage::kInitializing : Stage::kRunning, next);
      return true;
    }
    case Stage::kInitializing: {
      if (!due(progress.since + plan.init_time)) return false;
      progress.since = next;
      if (++progress.init_done < plan.init_count) return true;
      Enter(progress, Stage::kRunning, next);
      progress.run_started = next;
      return true;
    }
    case Stage::kRunning:
      if (!due(progress.run_started + plan.run_time)) return false;
      EndRun(plan, progress, next);
      return true;
    case Stage::kBackingOff:
      if (!due(progress.run_finished + RestartDelay(plan, progress.restarts))) return false;
      ++progress.restarts;
      progress.run_started = next;
      Enter(progress, Stage::kRunning, next);
      return true;
    case Stage::kStopping:
      if (!due(progress.stop_at)) return false;
      progress.run_finished = next;
      Enter(progress, Stage::kStopped, next);
      return true;
    case Stage::kSucceeded:
    case Stage::kFailed:
    case Stage::kRejected:
    case Stage::kStopped:
      break;
  }
  next = absl::InfiniteFuture();
  return false;
}

}  // namespace

std::string_view StageName(Stage stage) {
  switch (stage) {
    case Stage::kStarting: return "Starting";
    case Stage::kInitializing: return "Initializing";
    case Stage::kRunning: return "Running";
    case Stage::kBackingOff: return "BackingOff";
    case Stage::kStopping: return "Stopping";
    case Stage::kSucceeded: return "Succeeded";
    case Stage::kFailed: return "Failed";
    case Stage::kRejected: return "Rejected";
    case Stage::kStopped: return "Stopped";
  }
  return "";
}

absl::Duration RestartDelay(const PodPlan& plan, int32_t restarts) {
  if (!plan.crash_loop_backoff) return kPlainRestartDelay;
  if (restarts == 0 || plan.run_time >= kBackOffReset) {
    return plan.run_time > absl::ZeroDuration() ? absl::ZeroDuration() : kPlainRestartDelay;
  }
  absl::Duration delay = kBackOffFirst;
  for (int32_t i = 1; i < restarts && delay < kBackOffMax; ++i) delay *= 2;
  return std::min(delay, kBackOffMax);
}

PodPlan MakePlan(const Pod& pod, const LifecycleOptions& options) {
  PodPlan plan;
  const uint64_t key = StableHash(pod.metadata().uid(), options.seed);
  plan.start_delay = options.start_delay.Sample(key);
  plan.init_time = options.init_time.Sample(key + 1);
  plan.stop_delay = options.stop_delay.Sample(key + 2);
  plan.crash_loop_backoff = options.crash_loop_backoff;
  const auto seconds = ParseNumber<double>(Annotation(pod, kRunSecondsAnnotation));
  if (seconds && *seconds >= 0 && *seconds <= kRunSecondsMax) {
    plan.run_time = absl::Seconds(*seconds);
  }
  plan.exit_code = ParseNumber<int32_t>(Annotation(pod, kExitCodeAnnotation)).value_or(0);
  for (const auto& container : pod.spec().init_containers()) {
    if (!IsSidecar(container)) ++plan.init_count;
  }
  if (pod.spec().restart_policy() == "OnFailure") {
    plan.restart_policy = PodPlan::RestartPolicy::kOnFailure;
  } else if (pod.spec().restart_policy() == "Never") {
    plan.restart_policy = PodPlan::RestartPolicy::kNever;
  }
  return plan;
}

bool AlreadyAccepted(const Pod& pod) { return pod.status().has_start_time(); }

PodProgress Restore(const Pod& pod, const PodPlan& plan, absl::Time now) {
  const api::core::PodStatus& status = pod.status();
  PodProgress progress;
  progress.since = now;
  progress.accepted = status.has_start_time() ? ToTime(status.start_time()) : now;
  if (status.phase() == "Succeeded") progress.stage = Stage::kSucceeded;
  if (status.phase() == "Failed") progress.stage = Stage::kFailed;
  bool initializing = false;
  for (const ContainerStatus& init : status.init_container_statuses()) {
    if (init.state().has_terminated()) ++progress.init_done;
    initializing |= init.state().has_terminated() || init.state().has_running();
    if (init.state().has_running() && !init.ready()) {
      progress.since = ToTime(init.state().running().started_at());
    }
  }
  progress.init_done = std::min(progress.init_done, plan.init_count);
  if (Ended(progress.stage)) return progress;
  if (status.phase() != "Running" || status.container_statuses().empty()) {
    if (initializing) progress.stage = Stage::kInitializing;
    if (progress.init_done > 0 && progress.init_done == plan.init_count) {
      progress.run_started = now;
      Enter(progress, Stage::kRunning, now);
    }
    return progress;
  }
  const ContainerStatus& first = status.container_statuses(0);
  progress.restarts = first.restart_count();
  progress.init_done = plan.init_count;
  if (first.last_state().has_terminated()) {
    progress.run_finished = ToTime(first.last_state().terminated().finished_at());
  }
  progress.run_started = now;
  Enter(progress, Stage::kRunning, now);
  if (first.state().has_running()) {
    progress.run_started = ToTime(first.state().running().started_at());
  } else if (first.state().has_waiting()) {
    progress.stage = Stage::kBackingOff;
    if (progress.run_finished == absl::InfinitePast()) progress.run_finished = now;
    if (first.last_state().has_terminated()) {
      progress.run_started = ToTime(first.last_state().terminated().started_at());
    }
  }
  return progress;
}

void Reject(PodProgress& progress, Refusal refusal, absl::Time now) {
  BERTH_CHECK(progress.stage == Stage::kStarting);
  progress.refusal = std::make_unique<Refusal>(std::move(refusal));
  Enter(progress, Stage::kRejected, now);
}

absl::Time Advance(const PodPlan& plan, PodProgress& progress, absl::Time now) {
  // A pod of short runs whose agent was away for long catches up in parts.
  constexpr int kStepsMax = 1000;
  absl::Time next = absl::InfiniteFuture();
  for (int steps = 0; steps < kStepsMax; ++steps) {
    if (!Step(plan, progress, now, next)) return next;
  }
  return now;
}

void Stop(const PodPlan& plan, PodProgress& progress, absl::Duration grace, absl::Time now) {
  if (Ended(progress.stage)) return;
  const bool runs = progress.stage != Stage::kStarting;
  if (progress.stage != Stage::kStopping) Enter(progress, Stage::kStopping, now);
  const absl::Duration delay = runs ? std::min(grace, plan.stop_delay) : absl::ZeroDuration();
  progress.stop_at = std::min(progress.stop_at, now + std::max(delay, absl::ZeroDuration()));
}

}  // namespace berth::node
