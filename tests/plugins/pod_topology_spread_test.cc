#include "plugins/pod_topology_spread/pod_topology_spread.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "plugins/pod_topology_spread/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::pod_topology_spread {
namespace {

using framework::NodeInfo;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

PodTopologySpreadArgs SystemDefaults() {
  PodTopologySpreadArgs args;
  SetDefaults(args);
  return args;
}

// more: further members of the constraint, after a comma.
MakePod Spread(MakePod pod, std::string_view key, int max_skew, std::string_view action,
               std::string_view more = R"(,"labelSelector":{"matchLabels":{"app":"web"}})") {
  const std::string json = "{\"maxSkew\":" + std::to_string(max_skew) + ",\"topologyKey\":\"" +
                           std::string(key) + "\",\"whenUnsatisfiable\":\"" + std::string(action) +
                           "\"" + std::string(more) + "}";
  auto& constraints = *pod.message().mutable_spec()->mutable_topology_spread_constraints();
  EXPECT_TRUE(api::ParseJson(json, *constraints.Add()).ok()) << json;
  return pod;
}
MakePod Web(std::string_view name) { return MakePod(name).Label("app", "web"); }

// Two pods of app=web in zone a, one in b; c is empty; "bare" has no zone.
std::vector<NodeInfo> Nodes() {
  return {MakeNode("a").Label("zone", "a").Label("kubernetes.io/hostname", "a").Info(
              {Web("1").Info(), Web("2").Info(), Web("gone").Terminating().Info(),
               Web("far").Namespace("other").Info()}),
          MakeNode("b").Label("zone", "b").Label("kubernetes.io/hostname", "b").Info(
              {Web("3").Info()}),
          MakeNode("c").Label("zone", "c").Label("kubernetes.io/hostname", "c").Info(),
          MakeNode("bare").Info()};
}

constexpr std::string_view kSkewed = "node(s) didn't match pod topology spread constraints";
constexpr std::string_view kNoLabel =
    "node(s) didn't match pod topology spread constraints (missing required label)";

TEST(PodTopologySpreadTest, Verdicts) {
  constexpr std::string_view kHard = "DoNotSchedule";
  const struct {
    std::string_view name;
    MakePod pod;
    std::vector<std::string_view> want;  // a, b, c, bare; "" passes
  } cases[] = {
      {"one more than the emptiest", Spread(Web("p"), "zone", 1, kHard),
       {kSkewed, kSkewed, "", kNoLabel}},
      {"two more", Spread(Web("p"), "zone", 2, kHard), {kSkewed, "", "", kNoLabel}},
      {"three more", Spread(Web("p"), "zone", 3, kHard), {"", "", "", kNoLabel}},
      {"does not count itself", Spread(MakePod("p"), "zone", 1, kHard),
       {kSkewed, "", "", kNoLabel}},
      {"no selector counts nobody", Spread(Web("p"), "zone", 1, kHard, ""),
       {"", "", "", kNoLabel}},
      {"fewer domains than asked: the emptiest is 0",
       Spread(Web("p"), "zone", 2, kHard,
              R"(,"minDomains":4,"labelSelector":{"matchLabels":{"app":"web"}})"),
       {kSkewed, "", "", kNoLabel}},
      {"nodes it may not run on do not count",
       Spread(Web("p").NodeSelector("zone", "a"), "zone", 1, kHard), {"", "", "", kNoLabel}},
      {"unless told to",
       Spread(Web("p").NodeSelector("zone", "a"), "zone", 1, kHard,
              R"(,"nodeAffinityPolicy":"Ignore","labelSelector":{"matchLabels":{"app":"web"}})"),
       {kSkewed, kSkewed, "", kNoLabel}},
      {"its own label values",
       Spread(Web("p").Label("v", "2"), "zone", 1, kHard,
              R"(,"matchLabelKeys":["v"],"labelSelector":{"matchLabels":{"app":"web"}})"),
       {"", "", "", kNoLabel}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    testing::FakeHandle handle(Nodes());
    PodTopologySpread plugin(SystemDefaults(), handle);
    framework::CycleState state;
    const auto pod = c.pod.Info();
    ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
    for (size_t i = 0; i < c.want.size(); ++i) {
      EXPECT_EQ(plugin.Filter(state, *pod, *handle.snapshot().nodes()[i]).Message(), c.want[i])
          << "node " << i;
    }
  }
}

TEST(PodTopologySpreadTest, SimulatedPodsCount) {
  testing::FakeHandle handle(Nodes());
  PodTopologySpread plugin(SystemDefaults(), handle);
  framework::CycleState state;
  const auto pod = Spread(Web("p"), "zone", 1, "DoNotSchedule").Info();
  const NodeInfo& b = *handle.snapshot().Find("b");
  ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
  framework::CycleState copy = state.Clone();
  ASSERT_TRUE(plugin.RemovePod(copy, *pod, *Web("3").Info(), b).ok());
  EXPECT_TRUE(plugin.Filter(copy, *pod, b).ok());
  EXPECT_FALSE(plugin.Filter(state, *pod, b).ok()) << "the original is untouched";
  ASSERT_TRUE(plugin.AddPod(copy, *pod, *Web("3").Info(), b).ok());
  EXPECT_FALSE(plugin.Filter(copy, *pod, b).ok());
}

std::vector<int64_t> Scored(PodTopologySpread& plugin, testing::FakeHandle& handle,
                            const framework::PodPtr& pod) {
  framework::CycleState state;
  EXPECT_TRUE(plugin.PreScore(state, *pod, handle.snapshot().nodes()).ok());
  std::vector<framework::NodeScore> scores;
  for (const NodeInfo* node : handle.snapshot().nodes()) {
    scores.push_back({node->index, plugin.Score(state, *pod, *node).score});
  }
  EXPECT_TRUE(plugin.NormalizeScore(state, *pod, scores).ok());
  std::vector<int64_t> out;
  for (const auto& each : scores) out.push_back(each.score);
  return out;
}

TEST(PodTopologySpreadTest, FewerIsBetterAndNodesWithoutTheLabelScoreNothing) {
  testing::FakeHandle handle(Nodes());
  PodTopologySpread plugin(SystemDefaults(), handle);
  // raw: 2, 1 and 0 pods times ln(5), rounded: 3, 2, 0
  const auto pod = Spread(Web("p"), "zone", 1, "ScheduleAnyway").Info();
  EXPECT_EQ(Scored(plugin, handle, pod), (std::vector<int64_t>{0, 33, 100, 0}));
  framework::CycleState state;
  EXPECT_TRUE(plugin.PreScore(state, *Web("p").Info(), handle.snapshot().nodes()).IsSkip());
}

// plugins.md section 23: 2, 1, 0 and 3 matching pods by node score 20, 60, 100 and 0.
TEST(PodTopologySpreadTest, UpstreamsVectorByNode) {
  std::vector<NodeInfo> nodes;
  int serial = 0;
  for (const int pods : {2, 1, 0, 3}) {
    const std::string name = "n" + std::to_string(nodes.size());
    NodeInfo node = MakeNode(name).Label("kubernetes.io/hostname", name).Info();
    for (int i = 0; i < pods; ++i) node.AddPod(Web("w" + std::to_string(serial++)).Info());
    nodes.push_back(std::move(node));
  }
  testing::FakeHandle handle(std::move(nodes));
  PodTopologySpread plugin(SystemDefaults(), handle);
  const auto pod = Spread(Web("p"), "kubernetes.io/hostname", 1, "ScheduleAnyway").Info();
  EXPECT_EQ(Scored(plugin, handle, pod), (std::vector<int64_t>{20, 60, 100, 0}));
}

TEST(PodTopologySpreadTest, DefaultsComeFromServicesAndControllers) {
  testing::FakeHandle handle(Nodes());
  PodTopologySpread plugin(SystemDefaults(), handle);
  EXPECT_TRUE(plugin.Abstains(*Web("p").Info())) << "nothing picks it";
  auto service = std::make_shared<api::core::Service>();
  service->mutable_metadata()->set_name("web");
  service->mutable_metadata()->set_namespace_("default");
  (*service->mutable_spec()->mutable_selector())["app"] = "web";
  handle.world.Put(api::ResourceOf<api::core::Service>(), service);
  EXPECT_FALSE(plugin.Abstains(*Web("p").Info()));
  EXPECT_TRUE(plugin.Abstains(*MakePod("p").Info())) << "the service does not pick it";
  EXPECT_TRUE(plugin.Abstains(*Web("p").Namespace("other").Info()));
  auto set = std::make_shared<api::apps::ReplicaSet>();
  set->mutable_metadata()->set_name("rs");
  set->mutable_metadata()->set_namespace_("default");
  (*set->mutable_spec()->mutable_selector()->mutable_match_labels())["x"] = "y";
  handle.world.Put(api::ResourceOf<api::apps::ReplicaSet>(), set);
  MakePod owned("p");
  auto& owner = *owned.message().mutable_metadata()->add_owner_references();
  owner.set_api_version("apps/v1");
  owner.set_kind("ReplicaSet");
  owner.set_name("rs");
  EXPECT_TRUE(plugin.Abstains(*owned.Info())) << "it is no controller of the pod";
  owner.set_controller(true);
  EXPECT_FALSE(plugin.Abstains(*owned.Info()));
  const auto by_zone = Scored(plugin, handle, Web("p").Info());
  EXPECT_GT(by_zone[2], by_zone[0]);
  EXPECT_GT(by_zone[3], 0) << "system defaults take nodes without a zone too";
}

TEST(PodTopologySpreadTest, ASelectorThatDoesNotParseIsAnError) {
  testing::FakeHandle handle(Nodes());
  PodTopologySpread plugin(SystemDefaults(), handle);
  framework::CycleState state;
  const auto pod = Spread(Web("p"), "zone", 1, "DoNotSchedule",
                          R"(,"labelSelector":{"matchExpressions":[{"key":"a","operator":"Bad"}]})");
  const auto status = plugin.PreFilter(state, *pod.Info(), handle.snapshot()).status;
  EXPECT_EQ(status.code(), framework::Code::kError);
  EXPECT_EQ(status.Message(),
            "get constraints from pod: obtaining pod's hard topology spread constraints: "
            "\"Bad\" is not a valid label selector operator");
}

TEST(PodTopologySpreadTest, Hints) {
  const auto pod = Spread(Web("p"), "zone", 1, "DoNotSchedule").Info();
  const auto constraints = Compile(pod->object().spec().topology_spread_constraints(),
                                   Action::kDoNotSchedule, pod->labels);
  const auto after_pod = [&](MakePod* before, MakePod* after) {
    return *AfterPodChange(*pod, constraints, before ? &before->message() : nullptr,
                           after ? &after->message() : nullptr);
  };
  MakePod web = Web("q").Node("a"), other = MakePod("q").Node("a"), nowhere = Web("q");
  MakePod elsewhere = Web("q").Node("a").Namespace("other");
  EXPECT_EQ(after_pod(nullptr, &web), QueueingHint::kQueue);
  EXPECT_EQ(after_pod(&web, nullptr), QueueingHint::kQueue);
  EXPECT_EQ(after_pod(nullptr, &other), QueueingHint::kSkip);
  EXPECT_EQ(after_pod(nullptr, &nowhere), QueueingHint::kSkip);
  EXPECT_EQ(after_pod(nullptr, &elsewhere), QueueingHint::kSkip);
  EXPECT_EQ(after_pod(&web, &other), QueueingHint::kQueue) << "counts no more";
  EXPECT_EQ(after_pod(&web, &web), QueueingHint::kSkip);
  const auto after_node = [&](MakeNode* before, MakeNode* after) {
    return *AfterNodeChange(constraints, before ? &before->message() : nullptr,
                            after ? &after->message() : nullptr);
  };
  MakeNode a = MakeNode("n").Label("zone", "a"), b = MakeNode("n").Label("zone", "b");
  MakeNode bare("n"), tainted = MakeNode("n").Label("zone", "a").Taint("x:NoSchedule");
  EXPECT_EQ(after_node(nullptr, &a), QueueingHint::kQueue);
  EXPECT_EQ(after_node(nullptr, &bare), QueueingHint::kSkip);
  EXPECT_EQ(after_node(&a, nullptr), QueueingHint::kQueue);
  EXPECT_EQ(after_node(&a, &b), QueueingHint::kQueue);
  EXPECT_EQ(after_node(&a, &bare), QueueingHint::kQueue);
  EXPECT_EQ(after_node(&a, &tainted), QueueingHint::kQueue);
  EXPECT_EQ(after_node(&a, &a), QueueingHint::kSkip);
  EXPECT_EQ(after_node(&bare, &bare), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::pod_topology_spread
