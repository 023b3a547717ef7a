// A cluster with its real threads and sockets, on loopback.
#include "cluster/up/cluster.h"

#include <unistd.h>

#include <filesystem>

#include <absl/synchronization/notification.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/random.h"
#include "base/strings.h"
#include "base/thread_executor.h"
#include "client/http_transport.h"
#include "client/kubeconfig.h"
#include "cluster/up/load_generator.h"

namespace berth::up {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Names(const scheduler::Configuration& config) {
  std::vector<std::string> out;
  for (const auto& profile : config.profiles) out.push_back(*profile.scheduler_name);
  return out;
}

TEST(SchedulerPlanTest, OneEngineForEachName) {
  scheduler::Configuration config = scheduler::DefaultConfig();
  config.profiles.push_back(config.profiles.front());
  config.profiles.back().scheduler_name = "batch";
  config.profiles.back().percentage_of_nodes_to_score = 7;

  auto plan = SchedulerPlan(config, {});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->size(), 1);
  EXPECT_THAT(Names(plan->front()), ElementsAre("default-scheduler", "batch"));

  plan = SchedulerPlan(config, {"batch", "other"});
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->size(), 2);
  EXPECT_THAT(Names(plan->at(0)), ElementsAre("batch"));
  EXPECT_EQ(plan->at(0).profiles[0].percentage_of_nodes_to_score, 7);
  EXPECT_THAT(Names(plan->at(1)), ElementsAre("other"));
  EXPECT_NE(plan->at(1).profiles[0].percentage_of_nodes_to_score, 7) << "the first profile";

  EXPECT_TRUE(absl::IsInvalidArgument(SchedulerPlan(config, {"a", "a"}).status()));
}

class ClusterTest : public ::testing::Test {
 protected:
  ClusterTest() : dir_(::testing::TempDir() + "/berth-cluster-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(dir_);
  }
  ~ClusterTest() override { std::filesystem::remove_all(dir_); }

  ClusterOptions Options() {
    ClusterOptions options;
    options.plane.data_dir = dir_;
    options.kubeconfig = dir_ + "/kubeconfig";
    options.nodes.count = 10;
    options.nodes.pods.lifecycle.start_delay = {};
    const auto plan = SchedulerPlan(scheduler::DefaultConfig(), {"a", "b"});
    for (const auto& config : *plan) options.schedulers.emplace_back().config = config;
    return options;
  }

  // Creates `pods` pods, half of them for each scheduler, through the kubeconfig; all must run.
  void Load(int64_t pods) {
    const auto config = client::LoadKubeconfig(dir_ + "/kubeconfig");
    ASSERT_TRUE(config.ok()) << config.status();
    auto transport = client::MakeTransport(*config);
    ASSERT_TRUE(transport.ok());
    ThreadExecutor executor("load");
    client::ApiClient client(**transport, executor);
    std::unique_ptr<LoadGenerator> load;
    absl::Notification ready;
    executor.Run([&] {
      load = std::make_unique<LoadGenerator>(client, "load", 16);
      load->Start([&](absl::Status status) {
        EXPECT_TRUE(status.ok()) << status;
        ready.Notify();
      });
    });
    ready.WaitForNotification();
    executor.Run([&] { load->Begin({"p", pods, {"a", "b"}, {{"cpu", "100m"}}}); });
    LoadProgress progress;
    for (int i = 0; i < 600 && progress.running < pods; ++i) {
      ::usleep(50'000);
      executor.Run([&] { progress = load->progress(); });
    }
    EXPECT_EQ(progress.running, pods);
    EXPECT_TRUE(progress.failure.ok()) << progress.failure;
    executor.Run([&] { load.reset(); });
  }
  // Until `check` holds; the last sample.
  Sample Eventually(Cluster& cluster, const std::function<bool(const Sample&)>& check) {
    Sample sample = cluster.TakeSample();
    for (int i = 0; i < 600 && !check(sample); ++i) {
      ::usleep(50'000);
      sample = cluster.TakeSample();
    }
    EXPECT_TRUE(check(sample));
    return sample;
  }

  const std::string dir_;
};

TEST_F(ClusterTest, RunsPodsOfTwoSchedulersAndComesBackWithThem) {
  {
    auto cluster = Cluster::Start(Options());
    ASSERT_TRUE(cluster.ok()) << cluster.status();
    Load(100);
    const Sample sample =
        Eventually(**cluster, [](const Sample& s) { return s.pods_running == 100; });
    EXPECT_EQ(sample.nodes_ready, 10);
    ASSERT_EQ(sample.schedulers.size(), 2);
    EXPECT_EQ(sample.schedulers[0].name, "a");
    EXPECT_EQ(sample.schedulers[0].bound, 50);
    EXPECT_EQ(sample.schedulers[1].bound, 50);
  }
  auto cluster = Cluster::Start(Options());
  ASSERT_TRUE(cluster.ok()) << cluster.status();
  const Sample sample =
      Eventually(**cluster, [](const Sample& s) { return s.pods_running == 100; });
  EXPECT_EQ(sample.nodes_ready, 10);
  EXPECT_EQ(sample.running, 0) << "nothing was started again";
  EXPECT_EQ(sample.bound, 0);
}

TEST_F(ClusterTest, WhatCannotStartSaysWhy) {
  auto first = Cluster::Start(Options());
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = Cluster::Start(Options());
  EXPECT_THAT(std::string(ToStd(second.status().message())), HasSubstr("is in use by process"));

  ClusterOptions taken = Options();
  taken.plane.store = ControlPlaneOptions::StoreKind::kMemory;
  taken.plane.data_dir.clear();
  taken.plane.port = (*first)->plane().port();
  EXPECT_TRUE(absl::IsUnavailable(Cluster::Start(std::move(taken)).status()));

  ClusterOptions open = Options();
  open.plane.address = "0.0.0.0";
  EXPECT_THAT(std::string(ToStd(Cluster::Start(std::move(open)).status().message())),
              HasSubstr("not a loopback address"));

  ClusterOptions wrong = Options();
  wrong.plane.data_dir = dir_ + "/other";
  wrong.schedulers[1].config.profiles[0].percentage_of_nodes_to_score = 700;
  EXPECT_TRUE(absl::IsInvalidArgument(Cluster::Start(std::move(wrong)).status()));
}

}  // namespace
}  // namespace berth::up
