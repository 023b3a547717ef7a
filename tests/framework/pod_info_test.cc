#include "framework/pod_info.h"

#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "framework/node_info.h"
#include "framework/pod_templates.h"
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

// --- templates ---------------------------------------------------------------------------------

TEST(PodTemplatesTest, EqualPodsHaveTheirTraitsInCommon) {
  PodTemplates templates;
  const auto pod = [](std::string_view name) {
    return MakePod(name).Req("100m", "1Gi").Label("app", "a").NodeSelector("disk", "ssd");
  };
  const PodPtr first = templates.Make(pod("a").Object());
  EXPECT_EQ(templates.Make(pod("b").Object())->traits(), first->traits());
  EXPECT_EQ(templates.Make(pod("c").Node("n1").Object())->traits(), first->traits())
      << "where it is, is no part of the template";
  EXPECT_EQ(templates.Make(pod("d").Annotation("k", "v").Object())->traits(), first->traits());
  EXPECT_EQ(templates.size(), 1u);

  const struct {
    const char* what;
    MakePod other;
  } cases[] = {
      {"label", pod("x").Label("app", "b")},
      {"another label", pod("x").Label("tier", "1")},
      {"request", pod("x").Req("200m", "1Gi")},
      {"priority", pod("x").Priority(7)},
      {"selector", pod("x").NodeSelector("disk", "hdd")},
      {"toleration", pod("x").Toleration("k")},
      {"port", pod("x").HostPort(80)},
      {"spreading", pod("x").TopologySpread("zone")},
  };
  for (const auto& c : cases) {
    const PodPtr info = templates.Make(c.other.Object());
    EXPECT_NE(info->traits(), first->traits()) << c.what;
    const PodPtr alone = PodInfo::Make(c.other.Object());
    EXPECT_EQ(info->requests, alone->requests) << c.what;
    EXPECT_EQ(info->labels, alone->labels) << c.what;
    EXPECT_EQ(info->priority, alone->priority) << c.what;
    EXPECT_EQ(info->tolerations.size(), alone->tolerations.size()) << c.what;
    EXPECT_EQ(info->host_ports, alone->host_ports) << c.what;
  }
}

TEST(PodTemplatesTest, WhatContainersWereGivenIsNobodyElses) {
  PodTemplates templates;
  MakePod running = MakePod("a").Req("100m", "1Gi");
  auto& status = *running.message().mutable_status()->add_container_statuses();
  status.set_name(running.message().spec().containers(0).name());
  (*status.mutable_allocated_resources())["cpu"].set_string("500m");
  status.mutable_resources();
  const PodPtr info = templates.Make(running.Object());
  EXPECT_EQ(info->requests.milli_cpu, 500);
  EXPECT_EQ(templates.Make(MakePod("b").Req("100m", "1Gi").Object())->requests.milli_cpu, 100);
}

TEST(PodTemplatesTest, APodKeepsItsIdentityAndNotWhatChanged) {
  PodTemplates templates;
  const PodPtr waiting = templates.Make(MakePod("a").Req("100m").Object());
  const PodPtr bound = templates.Make(MakePod("a").Req("100m").Node("n1").Object(), waiting);
  EXPECT_EQ(bound->identity(), waiting->identity());
  EXPECT_EQ(bound->traits(), waiting->traits());
  EXPECT_EQ(bound->node_name, "n1");
  const PodPtr resized = templates.Make(MakePod("a").Req("200m").Node("n1").Object(), bound);
  EXPECT_EQ(resized->identity(), waiting->identity());
  EXPECT_EQ(resized->requests.milli_cpu, 200);
  const PodPtr another = templates.Make(MakePod("b").Req("100m").Object(), waiting);
  EXPECT_EQ(another->name, "b");
  EXPECT_EQ(another->traits(), waiting->traits());
}

TEST(PodTemplatesTest, ManyOfOneImageAreKept) {
  PodTemplates templates;
  std::vector<PodPtr> first;
  for (const std::string round : {"a", "b"}) {
    for (int i = 0; i < 100; ++i) {
      const std::string app = fmt::format("app-{}", i);
      const PodPtr pod =
          templates.Make(MakePod(round + app).Req("100m").Label("app", app).Object());
      if (round == "a") {
        first.push_back(pod);
      } else {
        EXPECT_EQ(pod->traits(), first[static_cast<size_t>(i)]->traits()) << i;
      }
    }
  }
  EXPECT_EQ(templates.size(), 100u);
}

// The server counts the versions of a pod's spec: who has the same count has the same spec.
TEST(PodTemplatesTest, ASpecOfTheSameGenerationIsNotComparedLabelsAre) {
  PodTemplates templates;
  const auto pod = [](int64_t generation, std::string_view cpu) {
    MakePod made = MakePod("a").Req(cpu);
    made.message().mutable_metadata()->set_generation(generation);
    return made;
  };
  const PodPtr known = templates.Make(pod(3, "100m").Object());
  EXPECT_EQ(templates.Make(pod(3, "100m").Node("n").Object(), known)->traits(), known->traits());
  EXPECT_EQ(templates.Make(pod(3, "900m").Object(), known)->traits(), known->traits())
      << "what no server does";
  EXPECT_EQ(templates.Make(pod(4, "900m").Object(), known)->requests.milli_cpu, 900);
  EXPECT_NE(templates.Make(pod(3, "100m").Label("k", "v").Object(), known)->traits(),
            known->traits());
  const PodPtr uncounted = templates.Make(pod(0, "100m").Object());
  EXPECT_EQ(templates.Make(pod(0, "900m").Object(), uncounted)->requests.milli_cpu, 900);
}

}  // namespace
}  // namespace berth::framework
