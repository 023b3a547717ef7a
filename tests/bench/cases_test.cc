// Every workload labelled integration-test of every scheduler_perf case, through the engine: it
// must end as upstream's integration test does.
#include <algorithm>
#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <absl/synchronization/mutex.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "bench/scheduler_perf/engine_target.h"
#include "bench/scheduler_perf/runner.h"
#include "bench/scheduler_perf/workload.h"

namespace berth::bench {
namespace {

constexpr size_t kCases = 50;
// The workloads run here; those that measure need a quiet machine.
constexpr std::string_view kRun = "integration-test,-performance";
constexpr int kThreads = 8;

struct Job {
  const WorkloadFile* file;
  TestCase test_case;  // a copy: churn is given time, see Prepare
  const Workload* workload;
  absl::StatusOr<WorkloadResult> result = absl::UnknownError("did not run");
  std::string Name() const { return test_case.name + "/" + workload->name; }
};

// Our small clusters are done before churn begins; it shall tick now and then.
void Prepare(Job& job) {
  absl::Duration interval;
  for (const Op& op : job.test_case.ops) {
    if (op.code == OpCode::kChurn) interval = absl::Milliseconds(op.interval_ms);
  }
  if (interval == absl::ZeroDuration()) return;
  Op sleep;
  sleep.code = OpCode::kSleep;
  sleep.duration = absl::FormatDuration(interval * 2.5);
  job.test_case.ops.push_back(sleep);
}

void RunJob(Job& job) {
  auto target = MakeEngineTarget({.config_path = job.test_case.scheduler_config_path.empty()
                                                     ? std::string()
                                                     : job.file->folder + "/" +
                                                           job.test_case.scheduler_config_path,
                                  .feature_gates = job.workload->feature_gates});
  if (!target.ok()) {
    job.result = target.status();
    return;
  }
  RunOptions options;
  options.clock = &RealClock::Get();
  options.sample_interval = absl::Milliseconds(100);
  options.wait_limit = absl::Seconds(60);
  job.result = RunWorkload(*job.file, job.test_case, *job.workload, **target, options);
}

// Of the last op that measures: how many pods it schedules. -1: as many as it can.
int64_t MeasuredPods(const Job& job) {
  const std::map<std::string, int64_t> by_events = {
      {"EventHandlingPodDelete", 4 * 20 + 2 * 15}, {"EventHandlingPodUpdate", 6 * 10},
      {"EventHandlingNodeAdd", 6 * 20},            {"EventHandlingPodAdd", 2 * 10},
      {"EventHandlingNodeUpdate", 6 * 20},         {"PublishResourceSlices", 0},
  };
  if (const auto it = by_events.find(job.test_case.name); it != by_events.end()) return it->second;
  int64_t pods = -1;
  for (const Op& op : job.test_case.ops) {
    if (!op.collect_metrics) continue;
    const bool steady = ResolveSteadyState(op, *job.workload).value();
    pods = steady ? -1 : Resolve(op.count, *job.workload).value();
  }
  return pods;
}

int64_t Param(const Job& job, const std::string& name) {
  return Resolve({.param = name}, *job.workload).value();
}

// What a case is about, beyond that its pods were scheduled.
void ExpectWhatItIsAbout(const Job& job, const WorkloadResult& result) {
  const std::string& name = job.test_case.name;
  const auto space = [&](const std::string& of) { return result.namespaces.at(of); };
  if (name == "PreemptionBasic" || name == "PreemptionPVs") {
    // Each pod of 3 CPUs takes a node of 4 with four pods of 900m: three must go.
    EXPECT_EQ(result.preemption_victims, 3 * Param(job, "measurePods"));
    EXPECT_EQ(space("namespace-1").present,
              Param(job, "initPods") - result.preemption_victims);
  } else if (name == "PreemptionAsync") {
    EXPECT_GT(result.preemption_victims, 0);
    EXPECT_GT(space("namespace-2").scheduled, 0);
  } else if (name == "Unschedulable" || name == "SchedulingWithMixedChurn") {
    const PodCounts churn = space(name == "Unschedulable" ? "namespace-2" : "namespace-1");
    EXPECT_EQ(churn.scheduled, 0);
    EXPECT_GE(result.churned, 2);  // it came and came again
    if (name == "Unschedulable") {
      EXPECT_GE(churn.attempted, 1);
    }
    EXPECT_EQ(result.preemption_victims, 0);
  } else if (name == "SchedulingWhileGated" ||
             name == "SchedulingGatedPodsWithPodAffinityImpactForThroughput") {
    EXPECT_EQ(space("namespace-1").present, Param(job, "gatedPods"));
    EXPECT_EQ(space("namespace-1").scheduled, 0);
  } else if (name == "SchedulingDaemonset") {
    EXPECT_EQ(result.nodes_min, Param(job, "measurePods"));  // one node has them all
  } else if (name == "SchedulingDeletedPodsWithFinalizers") {
    EXPECT_EQ(space("namespace-1").present, Param(job, "deletingPods"));
  } else if (name == "SchedulingPodAntiAffinity" || name == "SchedulingWithNodeInclusionPolicy" ||
             name == "SchedulingRequiredPodAntiAffinityWithNSSelector" ||
             name == "SchedulingWithExtendedResource") {
    EXPECT_EQ(result.nodes_max, 1);  // one on each node
  }
}

void Expect(const Job& job) {
  SCOPED_TRACE(job.file->topic + ": " + job.Name());
  ASSERT_TRUE(job.result.ok()) << job.result.status();
  const WorkloadResult& result = *job.result;
  EXPECT_EQ(result.in_flight_events, 0);
  ASSERT_EQ(result.measurements.size(), 1u);
  const Measurement& measured = result.measurements[0];
  const int64_t wanted = MeasuredPods(job);
  if (wanted < 0) {
    EXPECT_GT(measured.pods, 0);
  } else {
    EXPECT_EQ(measured.pods, wanted);
  }
  ExpectWhatItIsAbout(job, result);
}

std::vector<WorkloadFile> ReadAll() {
  std::vector<WorkloadFile> files;
  const std::string folder = std::string(BERTH_SOURCE_DIR) + "/bench/scheduler_perf/cases";
  for (const std::string& path : FindWorkloadFiles(folder)) {
    auto file = ReadWorkloads(path);
    EXPECT_TRUE(file.ok()) << file.status();
    if (file.ok()) files.push_back(*std::move(file));
  }
  return files;
}

TEST(SchedulerPerfCasesTest, EveryIntegrationTestEndsAsUpstreams) {
  const std::vector<WorkloadFile> files = ReadAll();
  std::vector<Job> jobs;
  for (const WorkloadFile& file : files) {
    for (const TestCase& test_case : file.cases) {
      for (const Workload& workload : test_case.workloads) {
        if (!MatchesLabels(kRun, workload.labels)) continue;
        jobs.push_back({&file, test_case, &workload});
        Prepare(jobs.back());
      }
    }
  }
  std::atomic<size_t> next = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (size_t job = next++; job < jobs.size(); job = next++) RunJob(jobs[job]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Job& job : jobs) Expect(job);
}

TEST(SchedulerPerfCasesTest, EveryCaseHasASmallWorkload) {
  size_t cases = 0;
  for (const WorkloadFile& file : ReadAll()) {
    for (const TestCase& test_case : file.cases) {
      ++cases;
      EXPECT_TRUE(std::any_of(test_case.workloads.begin(), test_case.workloads.end(),
                              [](const Workload& workload) {
                                return MatchesLabels(kRun, workload.labels);
                              }))
          << test_case.name;
    }
  }
  EXPECT_EQ(cases, kCases);
}

}  // namespace
}  // namespace berth::bench
