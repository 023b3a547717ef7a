// Placements of a group, by a topology key.
#include "plugins/topology_placement_generator/topology_placement_generator.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::topology_placement_generator {
namespace {

using api::gang::PodGroup;
using framework::NodeInfo;
using framework::Placement;
using framework::PodPtr;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using plugins::testing::FakeHandle;

PodPtr Member(std::string_view name) {
  MakePod pod(name);
  pod.message().mutable_spec()->mutable_scheduling_group()->set_pod_group_name("g");
  return pod.Info();
}

std::shared_ptr<PodGroup> Group(std::string_view key) {
  auto group = std::make_shared<PodGroup>();
  group->mutable_metadata()->set_namespace_("default");
  group->mutable_metadata()->set_name("g");
  if (!key.empty()) {
    group->mutable_spec()->mutable_scheduling_constraints()->add_topology()->set_key(key.data(),
                                                                                     key.size());
  }
  return group;
}

// "b: n2 n3 | c: n4"
std::string Generate(FakeHandle& handle) {
  TopologyPlacementGenerator plugin(handle);
  framework::CycleState state;
  const std::vector<PodPtr> group = {Member("p")};
  Placement parent;
  for (const NodeInfo* node : handle.snapshot().nodes()) {
    parent.node_names.emplace_back(node->name());
  }
  std::vector<Placement> placements;
  const auto status = plugin.GeneratePlacements(state, group, parent, placements);
  if (!status.ok()) return status.Message();
  std::string text;
  for (const Placement& placement : placements) {
    text += (text.empty() ? "" : " | ") + placement.name + ":";
    for (const std::string& node : placement.node_names) text += " " + node;
  }
  return text;
}

TEST(TopologyPlacementGeneratorTest, OnePlacementForEachValue) {
  FakeHandle handle({MakeNode("n1"), MakeNode("n2").Label("rack", "b"),
                     MakeNode("n3").Label("rack", "b"), MakeNode("n4").Label("rack", "a")});
  EXPECT_EQ(Generate(handle), "podgroup.scheduling.k8s.io \"g\" not found");
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("rack"));
  EXPECT_EQ(Generate(handle), "a: n4 | b: n2 n3");
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("row"));
  EXPECT_EQ(Generate(handle), "");
  handle.world.Put(api::ResourceOf<PodGroup>(), Group(""));
  EXPECT_EQ(Generate(handle), ": n1 n2 n3 n4");
}

TEST(TopologyPlacementGeneratorTest, WhereMembersAreAlready) {
  NodeInfo taken = MakeNode("n2").Label("rack", "b");
  taken.AddPod(framework::PodInfo::Assigned(Member("q"), "n2"));
  FakeHandle handle({MakeNode("n1").Label("rack", "a"), taken, MakeNode("n3").Label("rack", "b")});
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("rack"));
  EXPECT_EQ(Generate(handle), "b: n2 n3");
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("row"));
  EXPECT_EQ(Generate(handle),
            "cannot determine domain for already scheduled pods: no topology domain found for pod "
            "default/q");
}

TEST(TopologyPlacementGeneratorTest, MembersInSeveralDomains) {
  NodeInfo one = MakeNode("n1").Label("rack", "a"), two = MakeNode("n2").Label("rack", "b");
  one.AddPod(framework::PodInfo::Assigned(Member("q"), "n1"));
  two.AddPod(framework::PodInfo::Assigned(Member("r"), "n2"));
  FakeHandle handle({one, two});
  handle.world.Put(api::ResourceOf<PodGroup>(), Group("rack"));
  EXPECT_EQ(Generate(handle),
            "cannot determine domain for already scheduled pods: more than 1 domain found for pod "
            "group: a, b");
}

}  // namespace
}  // namespace berth::plugins::topology_placement_generator
