#include "cluster/node/pod_status.h"

#include <gtest/gtest.h>

#include "tests/node/builders.h"

namespace berth::node {
namespace {

using api::core::PodStatus;

const absl::Time kStart = absl::FromUnixSeconds(1'000'000);
const PodAddresses kAddresses{"172.16.0.1", "10.0.0.2"};

LifecycleOptions Options() {
  LifecycleOptions options;
  options.start_delay = Delay::Fixed(absl::Milliseconds(300));
  options.init_time = Delay::Fixed(absl::Seconds(2));
  options.stop_delay = Delay::Fixed(absl::Seconds(5));
  return options;
}

// A pod whose status is written back after each step, as the API would.
struct Written {
  api::core::Pod pod;
  PodPlan plan;
  PodProgress progress;
  explicit Written(const PodBuilder& builder)
      : pod(builder.Build()), plan(MakePlan(pod, Options())),
        progress(Restore(pod, plan, kStart)) {}
  const PodStatus& At(double seconds) {
    const absl::Time now = kStart + absl::Seconds(seconds);
    Advance(plan, progress, now);
    *pod.mutable_status() = BuildStatus(pod, plan, progress, kAddresses, now);
    return pod.status();
  }
};

std::string Conditions(const PodStatus& status) {
  std::string out;
  for (const auto& condition : status.conditions()) {
    out += condition.type() + "=" + condition.status();
    if (condition.has_reason()) out += "(" + condition.reason() + ")";
    out += " ";
  }
  return out;
}

TEST(PodStatusTest, PendingThenRunning) {
  Written w(PodBuilder("p"));
  const PodStatus pending = w.At(0);
  EXPECT_EQ(pending.phase(), "Pending");
  EXPECT_EQ(pending.host_ip(), "172.16.0.1");
  EXPECT_FALSE(pending.has_pod_ip());
  EXPECT_EQ(pending.start_time().seconds(), 1'000'000);
  EXPECT_EQ(pending.container_statuses(0).state().waiting().reason(), "ContainerCreating");
  EXPECT_EQ(Conditions(pending),
            "PodScheduled=True PodReadyToStartContainers=False Initialized=True "
            "Ready=False(ContainersNotReady) ContainersReady=False(ContainersNotReady) ");
  EXPECT_EQ(pending.conditions(3).message(), "containers with unready status: [app]");

  const PodStatus running = w.At(3);
  EXPECT_EQ(running.phase(), "Running");
  EXPECT_EQ(running.pod_ip(), "10.0.0.2");
  ASSERT_EQ(running.pod_ips_size(), 1);
  EXPECT_EQ(running.qos_class(), "BestEffort");
  const auto& app = running.container_statuses(0);
  EXPECT_TRUE(app.ready() && app.started());
  EXPECT_EQ(app.restart_count(), 0);
  EXPECT_EQ(app.state().running().started_at().seconds(), 1'000'000);
  EXPECT_EQ(app.container_id().size(), std::string("containerd://").size() + 64);
  EXPECT_EQ(Conditions(running),
            "PodScheduled=True PodReadyToStartContainers=True Initialized=True Ready=True "
            "ContainersReady=True ");
  EXPECT_EQ(running.conditions(3).last_transition_time().seconds(), 1'000'003);
  EXPECT_EQ(running.start_time().seconds(), 1'000'000);
}

TEST(PodStatusTest, RunningContainersReportWhatTheyHave) {
  Written w(PodBuilder("p").Request("cpu", "1"));
  EXPECT_FALSE(w.At(0).container_statuses(0).has_resources());
  EXPECT_EQ(w.At(3).container_statuses(0).resources().requests().at("cpu").string(), "1");
  // A resize is done at once.
  (*w.pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
      .set_string("2");
  const auto& app = w.At(4).container_statuses(0);
  EXPECT_EQ(app.resources().requests().at("cpu").string(), "2");
  EXPECT_EQ(app.allocated_resources().at("cpu").string(), "2");
}

TEST(PodStatusTest, TheTruthIsNotWrittenTwice) {
  const PodBuilder builders[] = {
      PodBuilder("forever"), PodBuilder("init").Init("a").Init("side", true).Init("b"),
      PodBuilder("job").Restart("Never").Annotation(kRunSecondsAnnotation, "4"),
      PodBuilder("loop").Annotation(kRunSecondsAnnotation, "4")
          .Annotation(kExitCodeAnnotation, "1"),
  };
  for (const PodBuilder& builder : builders) {
    Written w(builder);
    for (double now = 0; now < 60; now += 0.7) {
      SCOPED_TRACE(w.pod.metadata().name() + " at " + std::to_string(now));
      const PodStatus first = w.At(now);
      EXPECT_TRUE(SameStatus(first, w.At(now)));
      // Nor by an agent that has come back and knows the status alone.
      const absl::Time later = kStart + absl::Seconds(now);
      PodProgress restored = Restore(w.pod, w.plan, later);
      const PodStatus again = BuildStatus(w.pod, w.plan, restored, kAddresses, later);
      EXPECT_TRUE(SameStatus(first, again)) << first.ShortDebugString() << "\n"
                                            << again.ShortDebugString();
    }
  }
}

TEST(PodStatusTest, AnAgentThatComesBackRestartsNothing) {
  Written w(PodBuilder("p").Restart("Never").Annotation(kRunSecondsAnnotation, "100"));
  w.At(1);
  PodProgress restored = Restore(w.pod, w.plan, kStart + absl::Seconds(50));
  EXPECT_EQ(restored.stage, Stage::kRunning);
  EXPECT_EQ(Advance(w.plan, restored, kStart + absl::Seconds(50)), kStart + absl::Seconds(100));
}

TEST(PodStatusTest, InitContainers) {
  Written w(PodBuilder("p").Init("a").Init("b"));
  const PodStatus first = w.At(0);
  EXPECT_EQ(first.init_container_statuses(0).state().waiting().reason(), "PodInitializing");
  EXPECT_EQ(first.container_statuses(0).state().waiting().reason(), "PodInitializing");
  const PodStatus second = w.At(1);
  EXPECT_TRUE(second.init_container_statuses(0).state().has_running());
  EXPECT_EQ(second.phase(), "Pending");
  EXPECT_EQ(second.conditions(2).reason(), "ContainersNotInitialized");
  EXPECT_EQ(second.conditions(2).message(), "containers with incomplete status: [a b]");
  const PodStatus third = w.At(3);
  EXPECT_EQ(third.init_container_statuses(0).state().terminated().reason(), "Completed");
  EXPECT_TRUE(third.init_container_statuses(0).ready());
  EXPECT_TRUE(third.init_container_statuses(1).state().has_running());
  EXPECT_EQ(third.conditions(2).message(), "containers with incomplete status: [b]");
  const PodStatus last = w.At(5);
  EXPECT_EQ(last.phase(), "Running");
  EXPECT_EQ(last.conditions(2).status(), "True");
}

TEST(PodStatusTest, FinitePods) {
  Written done(PodBuilder("p").Restart("Never").Annotation(kRunSecondsAnnotation, "10"));
  done.At(1);
  const PodStatus succeeded = done.At(20);
  EXPECT_EQ(succeeded.phase(), "Succeeded");
  EXPECT_EQ(succeeded.container_statuses(0).state().terminated().reason(), "Completed");
  EXPECT_EQ(succeeded.container_statuses(0).state().terminated().finished_at().seconds(),
            1'000'010);
  EXPECT_EQ(Conditions(succeeded),
            "PodScheduled=True PodReadyToStartContainers=False Initialized=True(PodCompleted) "
            "Ready=False(PodCompleted) ContainersReady=False(PodCompleted) ");
  Written bad(PodBuilder("p").Restart("Never").Annotation(kRunSecondsAnnotation, "10")
                  .Annotation(kExitCodeAnnotation, "7"));
  const PodStatus failed = bad.At(20);
  EXPECT_EQ(failed.phase(), "Failed");
  EXPECT_EQ(failed.container_statuses(0).state().terminated().exit_code(), 7);
  EXPECT_EQ(failed.container_statuses(0).state().terminated().reason(), "Error");
}

TEST(PodStatusTest, CrashLoop) {
  Written w(PodBuilder("p").Annotation(kRunSecondsAnnotation, "5")
                .Annotation(kExitCodeAnnotation, "1"));
  w.At(1);
  const PodStatus restarted = w.At(6);
  EXPECT_EQ(restarted.container_statuses(0).restart_count(), 1);
  EXPECT_TRUE(restarted.container_statuses(0).ready());
  EXPECT_EQ(restarted.container_statuses(0).last_state().terminated().exit_code(), 1);
  const PodStatus waiting = w.At(11);
  EXPECT_EQ(waiting.phase(), "Running");
  const auto& app = waiting.container_statuses(0);
  EXPECT_EQ(app.state().waiting().reason(), "CrashLoopBackOff");
  EXPECT_EQ(app.state().waiting().message(),
            "back-off 10s restarting failed container=app pod=p_default(uid-p)");
  EXPECT_EQ(app.restart_count(), 1);
  EXPECT_FALSE(app.ready());
  const PodStatus third = w.At(21);
  EXPECT_EQ(third.container_statuses(0).restart_count(), 2);
  EXPECT_TRUE(third.container_statuses(0).state().has_running());
}

TEST(PodStatusTest, RefusedPods) {
  Written w(PodBuilder("p"));
  Reject(w.progress, {"OutOfcpu", "Node didn't have enough resource: cpu"}, kStart);
  const PodStatus status = w.At(0);
  EXPECT_EQ(status.phase(), "Failed");
  EXPECT_EQ(status.reason(), "OutOfcpu");
  EXPECT_EQ(status.message(), "Pod was rejected: Node didn't have enough resource: cpu");
  EXPECT_EQ(status.container_statuses_size(), 0);
  EXPECT_EQ(Conditions(status), "PodScheduled=True ");
  EXPECT_EQ(Restore(w.pod, w.plan, kStart).stage, Stage::kFailed);
}

TEST(PodStatusTest, ReadinessGates) {
  Written w(PodBuilder("p").Gate("example.com/lb"));
  const PodStatus without = w.At(1);
  EXPECT_EQ(without.conditions(3).reason(), "ReadinessGatesNotReady");
  EXPECT_EQ(without.conditions(3).message(),
            "corresponding condition of pod readiness gate \"example.com/lb\" does not exist.");
  auto& gate = *w.pod.mutable_status()->add_conditions();
  gate.set_type("example.com/lb");
  gate.set_status("True");
  EXPECT_EQ(w.At(2).conditions(3).status(), "True");
}

TEST(PodStatusTest, StoppedPodsEndWithATerminalPhase) {
  Written ran(PodBuilder("p"));
  ran.At(1);
  Stop(ran.plan, ran.progress, absl::Seconds(30), kStart + absl::Seconds(2));
  EXPECT_EQ(ran.At(3).phase(), "Running") << "nothing is written while it stops";
  EXPECT_EQ(ran.At(10).phase(), "Succeeded");
  Written never(PodBuilder("p"));
  Stop(never.plan, never.progress, absl::Seconds(30), kStart);
  EXPECT_EQ(never.At(0).phase(), "Failed");
}

}  // namespace
}  // namespace berth::node
