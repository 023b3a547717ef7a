#include "cluster/node/pod_lifecycle.h"

#include <gtest/gtest.h>

#include "tests/node/builders.h"

namespace berth::node {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);

LifecycleOptions Options() {
  LifecycleOptions options;
  options.start_delay = Delay::Fixed(absl::Seconds(1));
  options.init_time = Delay::Fixed(absl::Seconds(2));
  options.stop_delay = Delay::Fixed(absl::Seconds(5));
  return options;
}

struct Machine {
  api::core::Pod pod;
  PodPlan plan;
  PodProgress progress;
  explicit Machine(const PodBuilder& builder, const LifecycleOptions& options = Options())
      : pod(builder.Build()), plan(MakePlan(pod, options)), progress(Restore(pod, plan, kStart)) {}
  // The stage `seconds` after the start, and when the next one comes (-1: never).
  std::pair<Stage, double> At(double seconds) {
    const absl::Time next = Advance(plan, progress, kStart + absl::Seconds(seconds));
    return {progress.stage,
            next == absl::InfiniteFuture() ? -1 : absl::ToDoubleSeconds(next - kStart)};
  }
};
using StageAt = std::pair<Stage, double>;

TEST(PodLifecycleTest, StartsAfterItsDelayAndRunsForever) {
  Machine m(PodBuilder("p"));
  EXPECT_EQ(m.At(0), StageAt(Stage::kStarting, 1));
  EXPECT_EQ(m.At(0.5), StageAt(Stage::kStarting, 1));
  EXPECT_EQ(m.At(1), StageAt(Stage::kRunning, -1));
  EXPECT_EQ(m.At(1e6), StageAt(Stage::kRunning, -1));
}

TEST(PodLifecycleTest, InitContainersComeFirstOneByOne) {
  Machine m(PodBuilder("p").Init("a").Init("side", true).Init("b"));
  EXPECT_EQ(m.At(1), StageAt(Stage::kInitializing, 3));
  EXPECT_EQ(m.progress.init_done, 0);
  EXPECT_EQ(m.At(3), StageAt(Stage::kInitializing, 5));
  EXPECT_EQ(m.progress.init_done, 1);
  EXPECT_EQ(m.At(5), StageAt(Stage::kRunning, -1));
  EXPECT_EQ(m.progress.init_done, 2) << "sidecars do not run to their end";
}

TEST(PodLifecycleTest, EndByRestartPolicyAndExitCode) {
  const struct { const char* policy; const char* code; Stage after; } cases[] = {
      {"Never", "0", Stage::kSucceeded},      {"Never", "3", Stage::kFailed},
      {"OnFailure", "0", Stage::kSucceeded},  {"OnFailure", "3", Stage::kRunning},
      {"Always", "0", Stage::kRunning},       {"Always", "3", Stage::kRunning},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(std::string(c.policy) + c.code);
    Machine m(PodBuilder("p").Restart(c.policy).Annotation(kRunSecondsAnnotation, "10")
                  .Annotation(kExitCodeAnnotation, c.code));
    EXPECT_EQ(m.At(1), StageAt(Stage::kRunning, 11));
    m.At(11);
    EXPECT_EQ(m.progress.stage, c.after);
    EXPECT_EQ(m.progress.restarts, c.after == Stage::kRunning ? 1 : 0);
  }
}

// 0, 10, 20, 40, .. 300 s, as the kubelet's back-off.
TEST(PodLifecycleTest, RestartsBackOff) {
  Machine m(PodBuilder("p").Annotation(kRunSecondsAnnotation, "1"));
  double now = 1;
  for (const double wait : {0, 10, 20, 40, 80, 160, 300, 300}) {
    now += 1;  // the run
    if (wait > 0) {
      EXPECT_EQ(m.At(now), StageAt(Stage::kBackingOff, now + wait));
    }
    now += wait;
    EXPECT_EQ(m.At(now), StageAt(Stage::kRunning, now + 1));
  }
  EXPECT_EQ(m.progress.restarts, 8);
}

TEST(PodLifecycleTest, RestartDelays) {
  PodPlan plan;
  plan.run_time = absl::ZeroDuration();
  EXPECT_EQ(RestartDelay(plan, 0), absl::Seconds(1)) << "an empty run never spins";
  plan.run_time = absl::Minutes(10);
  EXPECT_EQ(RestartDelay(plan, 7), absl::ZeroDuration()) << "a long run starts afresh";
  plan.crash_loop_backoff = false;
  EXPECT_EQ(RestartDelay(plan, 7), absl::Seconds(1));
}

TEST(PodLifecycleTest, BadAnnotationsAreIgnored) {
  for (const char* text : {"", "soon", "-1", "1s", "1e300"}) {
    Machine m(PodBuilder("p").Annotation(kRunSecondsAnnotation, text)
                  .Annotation(kExitCodeAnnotation, text));
    EXPECT_EQ(m.plan.run_time, absl::InfiniteDuration()) << text;
    if (std::string_view(text) != "-1") {
      EXPECT_EQ(m.plan.exit_code, 0) << text;
    }
  }
}

TEST(PodLifecycleTest, StopTakesTheShorterOfGraceAndStopDelay) {
  for (const auto& [grace, end] : {std::pair{2.0, 102.0}, {30.0, 105.0}, {0.0, 100.0}}) {
    Machine m(PodBuilder("p"));
    m.At(100);
    Stop(m.plan, m.progress, absl::Seconds(grace), kStart + absl::Seconds(100));
    if (grace > 0) {
      EXPECT_EQ(m.At(100), StageAt(Stage::kStopping, end));
    }
    EXPECT_EQ(m.At(end), StageAt(Stage::kStopped, -1));
    EXPECT_TRUE(Ended(m.progress.stage));
  }
}

TEST(PodLifecycleTest, AShorterGraceBringsTheEndForward) {
  Machine m(PodBuilder("p"));
  m.At(100);
  Stop(m.plan, m.progress, absl::Seconds(30), kStart + absl::Seconds(100));
  Stop(m.plan, m.progress, absl::Seconds(1), kStart + absl::Seconds(101));
  EXPECT_EQ(m.At(101), StageAt(Stage::kStopping, 102));
  Stop(m.plan, m.progress, absl::Seconds(30), kStart + absl::Seconds(101));
  EXPECT_EQ(m.At(102), StageAt(Stage::kStopped, -1)) << "a longer one does not put it off";
}

TEST(PodLifecycleTest, WhatNeverRanStopsAtOnce) {
  Machine m(PodBuilder("p"));
  Stop(m.plan, m.progress, absl::Seconds(30), kStart);
  EXPECT_EQ(m.At(0), StageAt(Stage::kStopped, -1));
}

TEST(PodLifecycleTest, WhatEndedStaysEnded) {
  Machine m(PodBuilder("p").Restart("Never").Annotation(kRunSecondsAnnotation, "1"));
  EXPECT_EQ(m.At(5), StageAt(Stage::kSucceeded, -1));
  Stop(m.plan, m.progress, absl::Seconds(30), kStart + absl::Seconds(6));
  EXPECT_EQ(m.progress.stage, Stage::kSucceeded);
}

TEST(PodLifecycleTest, RefusedPodsEnd) {
  Machine m(PodBuilder("p"));
  Reject(m.progress, {"OutOfcpu", "m"}, kStart);
  EXPECT_EQ(m.At(100), StageAt(Stage::kRejected, -1));
  EXPECT_TRUE(Ended(m.progress.stage));
}

}  // namespace
}  // namespace berth::node
