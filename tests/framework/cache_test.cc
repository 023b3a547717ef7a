#include "framework/cache/cache.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/framework/builders.h"

namespace berth::framework {
namespace {

using testing::MakeNode;
using testing::MakePod;

std::vector<std::string> Order(const NodeTree& tree) {
  std::vector<std::string> names;
  for (Symbol name : tree.List()) names.emplace_back(name.text());
  return names;
}

TEST(NodeTreeTest, InterleavesZones) {
  NodeTree tree;
  for (const char* name : {"a1", "a2", "a3", "b1", "c1", "c2"}) {
    tree.Add(Symbol::Intern(name), std::string(1, name[0]));
  }
  EXPECT_EQ(Order(tree), (std::vector<std::string>{"a1", "b1", "c1", "a2", "c2", "a3"}));
  EXPECT_TRUE(tree.Remove(Symbol::Intern("b1"), "b"));
  EXPECT_FALSE(tree.Remove(Symbol::Intern("b1"), "b"));
  EXPECT_EQ(Order(tree), (std::vector<std::string>{"a1", "c1", "a2", "c2", "a3"}));
}

TEST(NodeTreeTest, ZoneKeys) {
  EXPECT_EQ(ZoneKey(MakeNode("n")), "");
  const std::string want("r:\0:z", 5);
  EXPECT_EQ(ZoneKey(MakeNode("n").Zone("z", "r")), want);
  EXPECT_EQ(ZoneKey(MakeNode("n").Zone("x", "y")
                        .Label("failure-domain.beta.kubernetes.io/zone", "z")
                        .Label("failure-domain.beta.kubernetes.io/region", "r")),
            want)
      << "the beta labels come first";
}

TEST(CacheTest, AssumeConfirmForget) {
  Cache cache;
  cache.SetNode(MakeNode("n").Capacity("4", "8Gi").Object());
  const PodPtr pod = MakePod("p").Req("1");
  const PodPtr assumed = PodInfo::Assigned(pod, "n");
  EXPECT_TRUE(cache.AssumePod(assumed).ok());
  EXPECT_TRUE(cache.IsAssumed("p"));
  EXPECT_EQ(cache.FindNode("n")->requested().milli_cpu, 1000);
  EXPECT_EQ(ToStd(cache.AssumePod(assumed).message()),
            "pod p(default/p) is in the cache, so can't be assumed");
  EXPECT_TRUE(cache.ForgetPod(*assumed).ok());
  EXPECT_EQ(cache.FindNode("n")->requested().milli_cpu, 0);
  EXPECT_EQ(ToStd(cache.ForgetPod(*assumed).message()),
            "pod p(default/p) wasn't assumed so cannot be forgotten");

  EXPECT_TRUE(cache.AssumePod(assumed).ok());
  EXPECT_TRUE(cache.AddPod(MakePod("p").Req("1").Node("n")).ok());
  EXPECT_FALSE(cache.IsAssumed("p"));
  EXPECT_EQ(cache.FindNode("n")->pods().size(), 1u);
  EXPECT_FALSE(cache.AddPod(MakePod("p").Req("1").Node("n")).ok()) << "added already";
  EXPECT_FALSE(cache.ForgetPod(*assumed).ok()) << "it is not assumed any more";
  EXPECT_TRUE(cache.RemovePod(*assumed).ok());
  EXPECT_FALSE(cache.RemovePod(*assumed).ok());
  EXPECT_EQ(cache.pod_count(), 0u);
}

TEST(CacheTest, TellsOfPodsThatEnd) {
  Cache cache;
  std::vector<std::string> ending;
  cache.on_ending.push_back([&](const PodInfo& pod) { ending.push_back(pod.name); });
  const auto told = [&] { return std::exchange(ending, {}); };
  using Names = std::vector<std::string>;
  const auto pod = [](const char* name, bool terminating = false) {
    MakePod made = MakePod(name).Node("n");
    return PodPtr(terminating ? made.Terminating() : made);
  };
  ASSERT_TRUE(cache.AddPod(pod("p")).ok());
  ASSERT_TRUE(cache.UpdatePod(pod("p")).ok());
  EXPECT_EQ(told(), Names{});
  ASSERT_TRUE(cache.UpdatePod(pod("p", true)).ok());
  EXPECT_EQ(told(), Names{"p"}) << "it is on its way";
  ASSERT_TRUE(cache.UpdatePod(pod("p", true)).ok());
  EXPECT_EQ(told(), Names{}) << "known already";
  ASSERT_TRUE(cache.RemovePod(*pod("p", true)).ok());
  EXPECT_EQ(told(), Names{"p"}) << "gone";
  ASSERT_TRUE(cache.AssumePod(pod("q")).ok());
  ASSERT_TRUE(cache.ForgetPod(*pod("q")).ok());
  EXPECT_EQ(told(), Names{"q"});
  ASSERT_TRUE(cache.AssumePod(pod("r")).ok());
  ASSERT_TRUE(cache.AddPod(pod("r", true)).ok());
  EXPECT_EQ(told(), Names{"r"}) << "confirmed on its way out";
}

TEST(CacheTest, TheSourceKnowsBetterWhereAnAssumedPodIs) {
  Cache cache;
  cache.SetNode(MakeNode("a").Object());
  cache.SetNode(MakeNode("b").Object());
  EXPECT_TRUE(cache.AssumePod(PodInfo::Assigned(MakePod("p"), "a")).ok());
  EXPECT_TRUE(cache.AddPod(MakePod("p").Node("b")).ok());
  EXPECT_EQ(cache.FindNode("a")->pods().size(), 0u);
  EXPECT_EQ(cache.FindNode("b")->pods().size(), 1u);
}

TEST(CacheTest, PodsWithoutUidAreRefused) {
  Cache cache;
  EXPECT_EQ(ToStd(cache.AddPod(MakePod("p").Uid("").Node("n")).message()),
            "cannot get cache key for pod with empty UID");
}

TEST(CacheTest, GhostNodesStayUntilTheirPodsAreGone) {
  Cache cache;
  ClusterSnapshot snapshot;
  cache.SetNode(MakeNode("n").Capacity("4", "8Gi").Object());
  const PodPtr pod = MakePod("p").Req("1").Node("n");
  EXPECT_TRUE(cache.AddPod(pod).ok());
  EXPECT_TRUE(cache.RemoveNode("n"));
  EXPECT_FALSE(cache.RemoveNode("n"));
  cache.UpdateSnapshot(snapshot);
  EXPECT_TRUE(snapshot.nodes().empty());
  cache.SetNode(MakeNode("n").Capacity("4", "8Gi").Object());
  cache.UpdateSnapshot(snapshot);
  ASSERT_EQ(snapshot.nodes().size(), 1u);
  EXPECT_EQ(snapshot.nodes()[0]->requested().milli_cpu, 1000) << "its pods were remembered";
  EXPECT_TRUE(cache.RemoveNode("n"));
  EXPECT_TRUE(cache.RemovePod(*pod).ok());
  EXPECT_EQ(cache.FindNode("n"), nullptr);
}

TEST(CacheTest, APodMayComeBeforeItsNode) {
  Cache cache;
  ClusterSnapshot snapshot;
  EXPECT_TRUE(cache.AddPod(MakePod("p").Req("1").Node("n")).ok());
  cache.UpdateSnapshot(snapshot);
  EXPECT_TRUE(snapshot.nodes().empty());
  cache.SetNode(MakeNode("n").Capacity("4", "8Gi").Object());
  cache.UpdateSnapshot(snapshot);
  EXPECT_EQ(snapshot.Find("n")->requested().milli_cpu, 1000);
}

TEST(CacheTest, ImagesAreCountedOverNodes) {
  Cache cache;
  ClusterSnapshot snapshot;
  const Symbol image = Symbol::Intern("nginx:1");
  cache.SetNode(MakeNode("a").Image("nginx:1", 100).Object());
  cache.SetNode(MakeNode("b").Image("nginx:1", 999).Object());
  cache.UpdateSnapshot(snapshot);
  EXPECT_EQ(snapshot.Find("a")->images().at(image).nodes, 2);
  EXPECT_EQ(snapshot.Find("b")->images().at(image).size_bytes, 100) << "as first reported";
  const int64_t before = snapshot.ChangedGeneration(kNodeImages);
  cache.SetNode(MakeNode("b").Object());
  cache.UpdateSnapshot(snapshot);
  EXPECT_EQ(snapshot.Find("a")->images().at(image).nodes, 1);
  EXPECT_TRUE(snapshot.Find("b")->images().empty());
  EXPECT_GT(snapshot.ChangedGeneration(kNodeImages), before);
}

TEST(SnapshotTest, SaysWhatChanged) {
  Cache cache;
  ClusterSnapshot snapshot;
  cache.SetNode(MakeNode("a").Capacity("1", "1Gi").Object());
  cache.SetNode(MakeNode("b").Capacity("1", "1Gi").Object());
  cache.UpdateSnapshot(snapshot);
  const auto changes = [&](auto change) {
    const int64_t from = snapshot.log_end();
    change();
    cache.UpdateSnapshot(snapshot);
    std::map<std::string, NodeFields> found;
    for (const NodeChange& c : snapshot.ChangesSince(from)) {
      found[std::string(snapshot.nodes()[static_cast<size_t>(c.node)]->name())] |= c.fields;
    }
    return found;
  };
  using Changes = std::map<std::string, NodeFields>;
  EXPECT_EQ(changes([&] {}), Changes{});
  EXPECT_EQ(changes([&] { (void)cache.AddPod(MakePod("p").Node("b")); }),
            (Changes{{"b", kNodePods}}));
  EXPECT_EQ(changes([&] { cache.SetNode(MakeNode("a").Capacity("2", "1Gi").Object()); }),
            (Changes{{"a", kNodeAllocatable | kNodeOther}}));
  EXPECT_EQ(changes([&] {
              cache.SetNode(MakeNode("a").Capacity("2", "1Gi").Taint("k=v:NoSchedule").Object());
            }),
            (Changes{{"a", kNodeTaints | kNodeOther}}));
  EXPECT_EQ(changes([&] {
              cache.SetNode(MakeNode("a").Capacity("2", "1Gi").Taint("k=v:NoSchedule")
                                .Label("x", "y").Object());
            }),
            (Changes{{"a", kNodeLabels | kNodeOther}}));
  const int64_t structure = snapshot.structure_generation();
  const int64_t position = snapshot.log_end();
  cache.SetNode(MakeNode("c").Object());
  cache.UpdateSnapshot(snapshot);
  EXPECT_GT(snapshot.structure_generation(), structure);
  EXPECT_FALSE(snapshot.Remembers(position));
}

// A pod that is confirmed where it was assumed, and is as it was, changes nothing that results
// depend on.
TEST(SnapshotTest, ConfirmingAnAssumedPodIsNoChange) {
  Cache cache;
  ClusterSnapshot snapshot;
  cache.SetNode(MakeNode("n").Capacity("4", "8Gi").Object());
  EXPECT_TRUE(cache.AssumePod(PodInfo::Assigned(MakePod("p").Req("1"), "n")).ok());
  cache.UpdateSnapshot(snapshot);
  int64_t position = snapshot.log_end();
  EXPECT_TRUE(cache.AddPod(MakePod("p").Req("1").Node("n").Revision(7)).ok());
  cache.UpdateSnapshot(snapshot);
  for (const NodeChange& change : snapshot.ChangesSince(position)) {
    EXPECT_EQ(change.fields & kNodePods, 0u);
  }
  EXPECT_EQ(snapshot.nodes()[0]->pods()[0]->object().metadata().resource_version(), "7");
  position = snapshot.log_end();
  EXPECT_TRUE(cache.UpdatePod(MakePod("p").Req("1").Label("a", "b").Node("n")).ok());
  cache.UpdateSnapshot(snapshot);
  EXPECT_EQ(snapshot.ChangesSince(position).size(), 1u) << "labels matter";
}

// Whatever happens, an incremental snapshot is what a new one would be.
TEST(SnapshotTest, IncrementalEqualsFresh) {
  Random random(7);
  Cache cache;
  ClusterSnapshot snapshot;
  std::map<std::string, PodPtr> pods;
  const auto node = [&](uint64_t i) {
    MakeNode made("n" + std::to_string(i));
    made.Capacity(std::to_string(random.Between(1, 9)), "8Gi").Zone(std::to_string(i % 3));
    if (random.Chance(0.3)) made.Taint("k=v:NoSchedule");
    if (random.Chance(0.3)) made.Image("image" + std::to_string(random.Below(3)) + ":1", 10);
    return made.Object();
  };
  for (int step = 0; step < 3000; ++step) {
    const uint64_t i = random.Below(12);
    const std::string node_name = "n" + std::to_string(i);
    const std::string pod_name = "p" + std::to_string(random.Below(40));
    switch (random.Below(6)) {
      case 0: cache.SetNode(node(i)); break;
      case 1:
        if (random.Chance(0.2)) cache.RemoveNode(node_name);
        break;
      case 2:
      case 3: {
        if (pods.contains(pod_name)) break;
        MakePod pod(pod_name);
        pod.Req(std::to_string(random.Between(1, 900)) + "m");
        if (random.Chance(0.3)) pod.RequiredAntiAffinity("zone");
        pods[pod_name] = PodInfo::Assigned(pod, node_name);
        ASSERT_TRUE(cache.AssumePod(pods[pod_name]).ok());
        break;
      }
      case 4:
        if (pods.contains(pod_name) && cache.IsAssumed(pod_name)) {
          ASSERT_TRUE(cache.AddPod(pods[pod_name]).ok());
        }
        break;
      case 5:
        if (!pods.contains(pod_name)) break;
        ASSERT_TRUE(cache.RemovePod(*pods[pod_name]).ok());
        pods.erase(pod_name);
        break;
    }
    if (random.Chance(0.5)) continue;
    cache.UpdateSnapshot(snapshot);
    ASSERT_EQ(snapshot.nodes().size(), cache.node_count());
    size_t with_affinity = 0;
    for (size_t n = 0; n < snapshot.nodes().size(); ++n) {
      const NodeInfo& copy = *snapshot.nodes()[n];
      const NodeInfo& live = *cache.FindNode(copy.name());
      ASSERT_EQ(copy.index, static_cast<NodeIndex>(n));
      ASSERT_EQ(copy.requested(), live.requested());
      ASSERT_EQ(copy.pods(), live.pods());
      ASSERT_EQ(copy.taints(), live.taints());
      ASSERT_EQ(copy.images().size(), live.images().size());
      ASSERT_EQ(snapshot.columns().requested_milli_cpu[n], live.requested().milli_cpu);
      ASSERT_EQ(snapshot.columns().pod_count[n], static_cast<int64_t>(live.pods().size()));
      ASSERT_EQ(snapshot.columns().allocatable_milli_cpu[n],
                live.allocatable().amounts.milli_cpu);
      with_affinity += !live.pods_with_affinity().empty();
      int64_t milli_cpu = 0;
      for (const auto& [name, pod] : pods) {
        if (pod->node_name == live.name()) milli_cpu += pod->requests.milli_cpu;
      }
      ASSERT_EQ(live.requested().milli_cpu, milli_cpu);
    }
    ASSERT_EQ(snapshot.nodes_with_affinity().size(), with_affinity);
  }
}

}  // namespace
}  // namespace berth::framework
