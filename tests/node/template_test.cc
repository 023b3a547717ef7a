#include "cluster/node/template.h"

#include <gtest/gtest.h>

#include "api/schema/core_v1_node.pb.h"

namespace berth::node {
namespace {

constexpr std::string_view kTwoPools = R"(
pools:
- name: big
  count: 3
  capacity: {cpu: 64, memory: 256Gi}
  allocatable: {cpu: 63500m}
  labels: {rack: "rack-{i}", kind: big}
  zones: [a, b]
  region: r1
  taints: [{key: dedicated, value: ml, effect: NoSchedule}]
  images: [{name: "nginx:1.25", sizeBytes: 70000000}]
- name: small
  count: 1
)";

TEST(NodeTemplateTest, ReadsEveryField) {
  const auto nodes = NodeTemplate::Parse(kTwoPools, "t.yaml");
  ASSERT_TRUE(nodes.ok()) << nodes.status();
  ASSERT_EQ(nodes->pools.size(), 2);
  const auto seats = Seats(*nodes, 0);
  ASSERT_EQ(seats.size(), 4);
  EXPECT_EQ(seats[2].name, "big-0003");
  EXPECT_EQ(seats[3].name, "small-0001");
  const auto node = MakeNode(nodes->pools[0], seats[1], 1, absl::FromUnixSeconds(7));
  const auto& labels = node.metadata().labels();
  EXPECT_EQ(labels.at("rack"), "rack-2");
  EXPECT_EQ(labels.at("topology.kubernetes.io/zone"), "b");
  EXPECT_EQ(labels.at("topology.kubernetes.io/region"), "r1");
  EXPECT_EQ(labels.at("kubernetes.io/hostname"), "big-0002");
  EXPECT_EQ(node.status().capacity().at("cpu").string(), "64");
  EXPECT_EQ(node.status().allocatable().at("cpu").string(), "63500m");
  EXPECT_EQ(node.status().allocatable().at("memory").string(), "256Gi");
  EXPECT_EQ(node.status().capacity().at("pods").string(), "110") << "defaults stay";
  EXPECT_EQ(node.spec().taints(0).effect(), "NoSchedule");
  EXPECT_EQ(node.spec().pod_cidr(), "10.0.1.0/24");
  EXPECT_EQ(node.status().images(0).names(0), "nginx:1.25");
  EXPECT_EQ(node.status().conditions_size(), 4);
  EXPECT_EQ(node.status().conditions(3).type(), "Ready");
  EXPECT_EQ(node.status().conditions(3).last_heartbeat_time().seconds(), 7);
}

TEST(NodeTemplateTest, EveryErrorAtOnce) {
  const auto nodes = NodeTemplate::Parse(R"(
pools:
- name: Big
  count: 0
  colour: red
  capacity: {cpu: lots, memory: -1Gi}
  taints: [{value: x, effect: Sometimes}]
  unschedulable: perhaps
)", "t.yaml");
  ASSERT_FALSE(nodes.ok());
  const std::string text(nodes.status().message());
  EXPECT_TRUE(text.starts_with("t.yaml: 8 errors\n")) << text;
  for (const char* part : {"pools[0].colour: unknown field",
                           "pools[0].name: Invalid value: \"Big\"", "pools[0].count:",
                           "pools[0].capacity.cpu:", "pools[0].capacity.memory:",
                           "pools[0].taints[0].key: Required value",
                           "pools[0].taints[0].effect: Unsupported value: \"Sometimes\"",
                           "pools[0].unschedulable: Invalid value: must be true or false"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
  }
}

TEST(NodeTemplateTest, RefusesWhatIsNoTemplate) {
  for (const char* text : {"", "[", "pools: []", "pools: 3", "[1]", "pools: [1]", "a: &x [*x]"}) {
    EXPECT_FALSE(NodeTemplate::Parse(text, "t").ok()) << text;
  }
}

TEST(NodeTemplateTest, CountsOfPools) {
  const struct { std::vector<int64_t> said; int64_t count; std::vector<int64_t> want; } cases[] = {
      {{0}, 10, {10}},        {{0}, 0, {1}},           {{3, 1}, 0, {3, 1}},
      {{3, 1}, 8, {6, 2}},    {{1, 1, 1}, 10, {4, 3, 3}}, {{2, 0, 0}, 9, {2, 4, 3}},
      {{5, 0}, 3, {5, 0}},
  };
  for (const auto& c : cases) {
    NodeTemplate nodes;
    for (const int64_t count : c.said) {
      nodes.pools.push_back(NodeTemplate::BuiltIn().pools[0]);
      nodes.pools.back().count = count;
    }
    EXPECT_EQ(PoolCounts(nodes, c.count), c.want);
  }
}

TEST(NodeTemplateTest, NamesGrowWithTheNumber) {
  NodeTemplate nodes = NodeTemplate::BuiltIn();
  const auto seats = Seats(nodes, 10'001);
  EXPECT_EQ(seats[0].name, "node-0001");
  EXPECT_EQ(seats[9'999].name, "node-10000");
}

TEST(NodeTemplateTest, Addresses) {
  EXPECT_EQ(HostIp(0), "172.16.0.1");
  EXPECT_EQ(HostIp(65'535), "172.17.0.0");
  EXPECT_EQ(PodIp(257, 2), "10.1.1.2");
  EXPECT_EQ(PodOffset(257, "10.1.1.254"), 254);
  for (const char* other : {"10.1.1.1", "10.1.1.255", "10.1.2.2", "10.1.1.2x", "", "10.1.1."}) {
    EXPECT_EQ(PodOffset(257, other), 0) << other;
  }
}

TEST(NodeTemplateTest, AStatusThatHoldsIsKept) {
  const NodeTemplate nodes = NodeTemplate::BuiltIn();
  const NodePool& pool = nodes.pools[0];
  const auto seats = Seats(nodes, 1);
  auto node = MakeNode(pool, seats[0], 0, absl::FromUnixSeconds(1));
  EXPECT_TRUE(NodeStatusHolds(pool, seats[0], 0, node));
  auto& network = *node.mutable_status()->add_conditions();  // somebody else's
  network.set_type("NetworkUnavailable");
  network.set_status("False");
  EXPECT_TRUE(NodeStatusHolds(pool, seats[0], 0, node));
  node.mutable_status()->mutable_conditions(3)->set_status("Unknown");
  EXPECT_FALSE(NodeStatusHolds(pool, seats[0], 0, node));
  SetNodeStatus(pool, seats[0], 0, absl::FromUnixSeconds(9), node);
  EXPECT_TRUE(NodeStatusHolds(pool, seats[0], 0, node));
  EXPECT_EQ(node.status().conditions_size(), 5);
  EXPECT_EQ(node.status().conditions(3).last_transition_time().seconds(), 9);
  EXPECT_EQ(node.status().conditions(0).last_transition_time().seconds(), 1);
  (*node.mutable_status()->mutable_allocatable())["cpu"].set_string("1");
  EXPECT_FALSE(NodeStatusHolds(pool, seats[0], 0, node));
}

}  // namespace
}  // namespace berth::node
