#include "bench/scheduler_perf/placement.h"

#include <memory>

#include <gtest/gtest.h>

#include "api/schema/core_v1_node.pb.h"

namespace berth::bench {
namespace {

constexpr double kNear = 1e-9;

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

// 4 CPUs, 8 GiB, 10 pods.
ObjectPtr Node(const std::string& name) {
  auto node = std::make_shared<api::core::Node>();
  node->mutable_metadata()->set_name(name);
  auto& room = *node->mutable_status()->mutable_allocatable();
  room["cpu"].set_string("4");
  room["memory"].set_string("8Gi");
  room["pods"].set_string("10");
  return node;
}

PodStay Pod(int64_t cpu_milli, int64_t memory_gib, int64_t created, int64_t scheduled,
            const std::string& node) {
  PodStay pod;
  pod.requests.milli_cpu = cpu_milli;
  pod.requests.memory_bytes = memory_gib << 30;
  pod.created = At(created);
  pod.scheduled = At(scheduled);
  pod.node = node;
  return pod;
}

TEST(PlacementTest, UseOverTime) {
  const std::vector<PodStay> pods = {Pod(2000, 2, 0, 1, "a"), Pod(2000, 2, 0, 3, "b")};
  const auto over_time = PlacementOverTime({Node("a"), Node("b")}, pods, At(0), At(4), 2);
  ASSERT_EQ(over_time.size(), 2u);
  EXPECT_EQ(over_time[0].at, absl::Seconds(2));
  EXPECT_EQ(over_time[0].nodes_used, 1);
  EXPECT_EQ(over_time[0].bound, 1);
  EXPECT_EQ(over_time[0].pending, 1);
  EXPECT_NEAR(over_time[0].resources.at("cpu").mean, 0.25, kNear);
  EXPECT_NEAR(over_time[0].resources.at("cpu").deviation, 0.25, kNear);
  EXPECT_EQ(over_time[1].nodes_used, 2);
  EXPECT_EQ(over_time[1].pending, 0);
  EXPECT_NEAR(over_time[1].resources.at("cpu").mean, 0.5, kNear);
  EXPECT_NEAR(over_time[1].resources.at("cpu").deviation, 0, kNear);
  EXPECT_NEAR(over_time[1].resources.at("memory").mean, 0.25, kNear);
  EXPECT_NEAR(over_time[1].resources.at("pods").mean, 0.1, kNear);
}

// Node a has a CPU left that no pod of 2 CPUs can use, and with it its memory; b has all free.
TEST(PlacementTest, StrandedIsWhatNoShapeCanUse) {
  const std::vector<PodStay> pods = {Pod(3000, 2, 0, 1, "a")};
  Placement end = PlacementOverTime({Node("a"), Node("b")}, pods, At(0), At(2), 1).back();
  EXPECT_NEAR(end.resources.at("cpu").stranded, 1.0 / 8, kNear);
  EXPECT_NEAR(end.resources.at("memory").stranded, 6.0 / 16, kNear);
  // Half of the pods are small enough for what is left: it is half as stranded.
  PodStay small = Pod(1000, 2, 0, 1, "");
  small.scheduled = absl::InfiniteFuture();
  end = PlacementOverTime({Node("a"), Node("b")}, {pods[0], small}, At(0), At(2), 1).back();
  EXPECT_NEAR(end.resources.at("cpu").stranded, 0.5 / 8, kNear);
}

TEST(PlacementTest, PodsThatGoAndPodsThatNobodyTakes) {
  PodStay gone = Pod(1000, 1, 0, 1, "a");
  gone.gone = At(2);
  PodStay refused = Pod(9000, 1, 0, 1, "");
  refused.scheduled = absl::InfiniteFuture();
  refused.refused = At(1);
  PodStay late = Pod(1000, 1, 0, 3, "a");  // taken at the third second, refused at the first
  late.refused = At(1);
  PodStay at_once = Pod(1000, 1, 0, 1, "nowhere");  // its node is gone; refused when it was bound
  at_once.refused = At(1);
  const auto over_time =
      PlacementOverTime({Node("a")}, {gone, refused, late, at_once}, At(0), At(4), 4);
  EXPECT_EQ(over_time[0].bound, 2);
  EXPECT_EQ(over_time[0].unschedulable, 2);
  EXPECT_EQ(over_time[1].bound, 1);
  EXPECT_EQ(over_time[1].nodes_used, 0);
  EXPECT_EQ(over_time[3].bound, 2);
  EXPECT_EQ(over_time[3].pending, 1);
  EXPECT_EQ(over_time[3].unschedulable, 1);
  EXPECT_NEAR(over_time[3].UnschedulableShare(), 1.0 / 3, kNear);
}

}  // namespace
}  // namespace berth::bench
