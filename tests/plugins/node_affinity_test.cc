#include "plugins/node_affinity/node_affinity.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_affinity {
namespace {

using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr char kAddedZone[] = R"({"addedAffinity":{
  "requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
    {"matchExpressions":[{"key":"zone","operator":"In","values":["z1"]}]}]},
  "preferredDuringSchedulingIgnoredDuringExecution":[
    {"weight":5,"preference":{"matchExpressions":[{"key":"disk","operator":"Exists"}]}}]}})";

framework::PreFilterResult PreFilter(framework::Plugin& plugin, const MakePod& pod) {
  testing::FixedSnapshot snapshot({});
  framework::CycleState state;
  return dynamic_cast<framework::PreFilterPlugin&>(plugin).PreFilter(state, *pod.Info(), snapshot);
}

TEST(NodeAffinityTest, FilterVerdicts) {
  const struct {
    std::string_view name;
    MakePod pod;
    bool want;
  } cases[] = {
      {"no affinity", MakePod("p"), true},
      {"selector", MakePod("p").NodeSelector("zone", "z1"), true},
      {"selector of another value", MakePod("p").NodeSelector("zone", "z2"), false},
      {"required", MakePod("p").RequiredNodeAffinity("zone", "In", {"z0", "z1"}), true},
      {"required, not met", MakePod("p").RequiredNodeAffinity("zone", "NotIn", {"z1"}), false},
      {"terms are ORed",
       MakePod("p").RequiredNodeAffinity("zone", "In", {"z2"}).RequiredNodeAffinity(
           "disk", "Exists"),
       true},
      {"selector and terms are ANDed",
       MakePod("p").NodeSelector("zone", "z2").RequiredNodeAffinity("disk", "Exists"), false},
      {"by name", MakePod("p").RequiredNodeAffinity("metadata.name", "In", {"n"}, true), true},
      {"by another name", MakePod("p").RequiredNodeAffinity("metadata.name", "In", {"m"}, true),
       false},
      {"invalid term", MakePod("p").RequiredNodeAffinity("zone", "Likes", {"z1"}), false},
  };
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle);
  const auto node = MakeNode("n").Label("zone", "z1").Label("disk", "ssd").Info();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto status = testing::Filter(*plugin, *c.pod.Info(), node);
    EXPECT_EQ(status.ok(), c.want);
    if (!c.want) {
      EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
      EXPECT_EQ(status.Message(), "node(s) didn't match Pod's node affinity/selector");
    }
  }
}

TEST(NodeAffinityTest, AddedAffinity) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle, kAddedZone);
  const auto there = MakeNode("n").Label("zone", "z1").Label("disk", "").Info();
  const auto elsewhere = MakeNode("n").Label("zone", "z2").Info();
  const auto pod = MakePod("p").PreferredNodeAffinity(3, "zone", "Exists").Info();
  EXPECT_TRUE(PreFilter(*plugin, MakePod("p")).status.ok()) << "not skipped";
  EXPECT_TRUE(testing::Filter(*plugin, *pod, there).ok());
  const auto status = testing::Filter(*plugin, *pod, elsewhere);
  EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status.Message(), "node(s) didn't match scheduler-enforced node affinity");
  EXPECT_EQ(testing::Score(*plugin, *pod, there), 8);
  EXPECT_EQ(testing::Score(*plugin, *pod, elsewhere), 3);
}

TEST(NodeAffinityTest, PreFilterNarrows) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle);
  EXPECT_TRUE(PreFilter(*plugin, MakePod("p")).status.IsSkip());
  EXPECT_TRUE(PreFilter(*plugin, MakePod("p").NodeSelector("a", "b")).status.ok());
  const auto by_name = [](std::initializer_list<std::string_view> names) {
    return MakePod("p").RequiredNodeAffinity("metadata.name", "In", names, true);
  };
  auto one = PreFilter(*plugin, by_name({"n1"}));
  EXPECT_EQ(one.node_names, std::vector<std::string>{"n1"});
  auto both = PreFilter(
      *plugin, by_name({"n2"}).RequiredNodeAffinity("metadata.name", "In", {"n1"}, true));
  EXPECT_EQ(both.node_names, (std::vector<std::string>{"n1", "n2"})) << "union over terms";
  auto open = PreFilter(*plugin, by_name({"n2"}).RequiredNodeAffinity("zone", "Exists"));
  EXPECT_FALSE(open.node_names) << "one term without a name: no narrowing";
  MakePod conflict = by_name({"n1"});
  auto* term = conflict.message().mutable_spec()->mutable_affinity()->mutable_node_affinity()
                   ->mutable_required_during_scheduling_ignored_during_execution()
                   ->mutable_node_selector_terms(0);
  *term->add_match_fields() = term->match_fields(0);
  term->mutable_match_fields(1)->set_values(0, "n2");
  const auto rejected = PreFilter(*plugin, conflict);
  EXPECT_EQ(rejected.status.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(rejected.status.Message(), "pod affinity terms conflict");
}

TEST(NodeAffinityTest, ScoreSumsMatchingWeights) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle);
  const auto pod = MakePod("p")
                       .PreferredNodeAffinity(2, "zone", "In", {"z1"})
                       .PreferredNodeAffinity(4, "disk", "Exists")
                       .PreferredNodeAffinity(8, "zone", "In", {"z9"})
                       .Info();
  EXPECT_EQ(testing::Score(*plugin, *pod, MakeNode("n").Label("zone", "z1").Info()), 2);
  EXPECT_EQ(testing::Score(*plugin, *pod,
                           MakeNode("n").Label("zone", "z1").Label("disk", "x").Info()), 6);
  EXPECT_EQ(testing::Score(*plugin, *pod, MakeNode("n").Info()), 0);
}

TEST(NodeAffinityTest, PreScoreSkipsOrFails) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle);
  auto& prepare = dynamic_cast<framework::PreScorePlugin&>(*plugin);
  framework::CycleState state;
  EXPECT_TRUE(prepare.PreScore(state, *MakePod("p").Info(), {}).IsSkip());
  const auto status =
      prepare.PreScore(state, *MakePod("p").PreferredNodeAffinity(1, "a", "Likes").Info(), {});
  EXPECT_EQ(status.code(), Code::kError);
  EXPECT_EQ(status.Message(),
            "[0].matchExpressions[0].operator: Unsupported value: \"Likes\": supported values: "
            "\"In\", \"NotIn\", \"Exists\", \"DoesNotExist\", \"Gt\", \"Lt\"");
}

TEST(NodeAffinityTest, Hints) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle);
  const auto pod = MakePod("p").NodeSelector("zone", "z1").Info();
  const auto good = MakeNode("n").Label("zone", "z1").message();
  const auto bad = MakeNode("n").Label("zone", "z2").message();
  const auto hint = [&](const auto* before, const auto* after) {
    return testing::Hint(*plugin, "Node",
                         before ? framework::kUpdateNodeLabel : framework::kAdd, *pod, before,
                         after);
  };
  const api::core::Node* none = nullptr;
  EXPECT_EQ(hint(none, &good), QueueingHint::kQueue);
  EXPECT_EQ(hint(none, &bad), QueueingHint::kSkip);
  EXPECT_EQ(hint(&bad, &good), QueueingHint::kQueue);
  EXPECT_EQ(hint(&good, &good), QueueingHint::kSkip);
}

TEST(NodeAffinityTest, SignatureTellsTermsApart) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeAffinity", handle);
  const auto sign = [&](const MakePod& pod) { return testing::SignatureOf(*plugin, *pod.Info()); };
  EXPECT_EQ(sign(MakePod("p")), sign(MakePod("q")));
  EXPECT_NE(sign(MakePod("p")), sign(MakePod("p").NodeSelector("a", "b")));
  EXPECT_NE(sign(MakePod("p").RequiredNodeAffinity("a", "In", {"b"})),
            sign(MakePod("p").RequiredNodeAffinity("a", "NotIn", {"b"})));
  EXPECT_NE(sign(MakePod("p").PreferredNodeAffinity(1, "a", "Exists")),
            sign(MakePod("p").PreferredNodeAffinity(2, "a", "Exists")));
}

}  // namespace
}  // namespace berth::plugins::node_affinity
