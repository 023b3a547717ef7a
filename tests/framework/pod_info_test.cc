#include "framework/pod_info.h"

#include <gtest/gtest.h>

#include "framework/node_info.h"
#include "tests/framework/builders.h"

namespace berth::framework {
namespace {

using testing::MakeNode;
using testing::MakePod;

TEST(PodInfoTest, ParsesWhatTheHotPathReads) {
  const PodPtr pod = MakePod("p").Namespace("ns").Req("1500m", "1Gi").Priority(7).HostPort(80)
                         .Image("nginx").Label("a", "b").Toleration("k", "v", "NoSchedule");
  EXPECT_EQ(pod->key, "ns/p");
  EXPECT_EQ(pod->requests.milli_cpu, 1500);
  EXPECT_EQ(pod->requests.memory_bytes, 1 << 30);
  EXPECT_EQ(pod->priority, 7);
  ASSERT_EQ(pod->host_ports.size(), 1u);
  EXPECT_EQ(pod->host_ports[0].protocol.text(), "TCP");
  ASSERT_EQ(pod->images.size(), 1u);
  EXPECT_EQ(pod->images[0].text(), "nginx:latest");
  EXPECT_EQ(pod->tolerations.size(), 1u);
  EXPECT_FALSE(pod->has_pod_affinity);
  EXPECT_EQ(PodInfo::Assigned(pod, "n")->node_name, "n");
}

TEST(PodInfoTest, NonZeroRequestsHaveDefaults) {
  const PodPtr pod = MakePod("p");
  EXPECT_EQ(pod->requests.milli_cpu, 0);
  EXPECT_EQ(pod->non_zero_requests.milli_cpu, 100);
  EXPECT_EQ(pod->non_zero_requests.memory_bytes, 200 << 20);
}

TEST(NodeInfoTest, AddAndRemoveCountWhatPodsUse) {
  NodeInfo node = MakeNode("n").Capacity("4", "8Gi");
  const PodPtr a = MakePod("a").Req("1", "1Gi").HostPort(80).Node("n");
  const PodPtr b = MakePod("b").Req("500m").RequiredAntiAffinity("zone").Node("n");
  node.AddPod(a);
  node.AddPod(b);
  EXPECT_EQ(node.requested().milli_cpu, 1500);
  EXPECT_EQ(node.non_zero_requested().memory_bytes, (int64_t{1} << 30) + (200 << 20));
  EXPECT_TRUE(node.used_ports().ConflictsAny(a->host_ports));
  EXPECT_EQ(node.pods_with_affinity().size(), 1u);
  EXPECT_EQ(node.pods_with_required_anti_affinity().size(), 1u);
  EXPECT_TRUE(node.RemovePod(*a));
  EXPECT_FALSE(node.RemovePod(*a)) << "only once";
  EXPECT_TRUE(node.RemovePod(*b));
  EXPECT_EQ(node.requested().milli_cpu, 0);
  EXPECT_EQ(node.non_zero_requested().memory_bytes, 0);
  EXPECT_TRUE(node.used_ports().empty());
  EXPECT_TRUE(node.pods_with_required_anti_affinity().empty());
}

TEST(NodeInfoTest, CopiesAreIndependent) {
  NodeInfo node = MakeNode("n").Capacity("4", "8Gi").Image("nginx", 5);
  NodeInfo copy = node;
  node.AddPod(MakePod("a").Req("1"));
  node.mutable_images().clear();
  EXPECT_TRUE(copy.pods().empty());
  EXPECT_EQ(copy.images().size(), 1u);
  copy.CopyPodsFrom(node);
  EXPECT_EQ(copy.requested().milli_cpu, 1000);
}

TEST(NodeInfoTest, ImageNamesGetATag) {
  const struct {
    std::string_view image, want;
  } cases[] = {
      {"nginx", "nginx:latest"},
      {"nginx:1", "nginx:1"},
      {"host:5000/nginx", "host:5000/nginx:latest"},
      {"host:5000/nginx:1", "host:5000/nginx:1"},
  };
  for (const auto& c : cases) EXPECT_EQ(NormalizedImageName(c.image).text(), c.want);
}

}  // namespace
}  // namespace berth::framework
