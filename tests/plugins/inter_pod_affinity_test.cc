#include "plugins/inter_pod_affinity/inter_pod_affinity.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "plugins/inter_pod_affinity/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::inter_pod_affinity {
namespace {

using framework::Code;
using framework::NodeInfo;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr std::string_view kWeb =
    R"({"labelSelector":{"matchLabels":{"app":"web"}},"topologyKey":"zone"})";

// affinity: the JSON of spec.affinity.
MakePod With(MakePod pod, const std::string& affinity) {
  EXPECT_TRUE(api::ParseJson(affinity, *pod.message().mutable_spec()->mutable_affinity()).ok());
  return pod;
}
MakePod Requires(MakePod pod, std::string_view term, std::string_view kind = "podAffinity") {
  return With(std::move(pod), "{\"" + std::string(kind) +
                                  "\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[" +
                                  std::string(term) + "]}}");
}
MakePod Avoids(MakePod pod, std::string_view term) {
  return Requires(std::move(pod), term, "podAntiAffinity");
}
MakePod Prefers(MakePod pod, std::string_view term, int weight, std::string_view kind) {
  return With(std::move(pod),
              "{\"" + std::string(kind) +
                  "\":{\"preferredDuringSchedulingIgnoredDuringExecution\":[{\"weight\":" +
                  std::to_string(weight) + ",\"podAffinityTerm\":" + std::string(term) + "}]}}");
}
MakePod Web(std::string_view name) { return MakePod(name).Label("app", "web"); }

// Zone a has node a1 and a2, zone b has b1; "bare" has no zone.
std::vector<NodeInfo> Nodes(std::initializer_list<framework::PodPtr> on_a1) {
  return {MakeNode("a1").Label("zone", "a").Info(on_a1), MakeNode("a2").Label("zone", "a").Info(),
          MakeNode("b1").Label("zone", "b").Info(), MakeNode("bare").Info()};
}

TEST(InterPodAffinityTest, Verdicts) {
  const struct {
    std::string_view name;
    MakePod pod, there;  // on a1
    std::vector<std::string> want;  // by node: "" passes
  } cases[] = {
      {"with a pod of the zone", Requires(MakePod("p"), kWeb), Web("q"),
       {"", "", "node(s) didn't match pod affinity rules",
        "node(s) didn't match pod affinity rules"}},
      {"nobody to be with", Requires(MakePod("p"), kWeb), MakePod("q"),
       {"node(s) didn't match pod affinity rules", "node(s) didn't match pod affinity rules",
        "node(s) didn't match pod affinity rules", "node(s) didn't match pod affinity rules"}},
      {"the first of its own group", Requires(Web("p"), kWeb), MakePod("q"),
       {"", "", "", "node(s) didn't match pod affinity rules"}},
      {"other namespaces do not count", Requires(MakePod("p"), kWeb), Web("q").Namespace("other"),
       {"node(s) didn't match pod affinity rules", "node(s) didn't match pod affinity rules",
        "node(s) didn't match pod affinity rules", "node(s) didn't match pod affinity rules"}},
      {"away from the zone", Avoids(MakePod("p"), kWeb), Web("q"),
       {"node(s) didn't match pod anti-affinity rules",
        "node(s) didn't match pod anti-affinity rules", "", ""}},
      {"kept away by one there", Web("p"), Avoids(MakePod("q"), kWeb),
       {"node(s) didn't satisfy existing pods anti-affinity rules",
        "node(s) didn't satisfy existing pods anti-affinity rules", "", ""}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    testing::FakeHandle handle(Nodes({c.there.Info()}));
    InterPodAffinity plugin({}, handle);
    framework::CycleState state;
    const auto pod = c.pod.Info();
    ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
    for (size_t i = 0; i < c.want.size(); ++i) {
      const auto status = plugin.Filter(state, *pod, *handle.snapshot().nodes()[i]);
      EXPECT_EQ(status.Message(), c.want[i]) << "node " << i;
    }
  }
}

TEST(InterPodAffinityTest, SkipsWhenNobodyRequiresAnything) {
  testing::FakeHandle handle(Nodes({Avoids(MakePod("q"), kWeb).Info()}));
  InterPodAffinity plugin({}, handle);
  framework::CycleState state;
  EXPECT_TRUE(plugin.PreFilter(state, *MakePod("p").Info(), handle.snapshot()).status.IsSkip());
  EXPECT_FALSE(plugin.Abstains(*MakePod("p").Info())) << "its terms may match others";
  testing::FakeHandle empty(Nodes({Web("q").Info()}));
  InterPodAffinity alone({}, empty);
  EXPECT_TRUE(alone.Abstains(*Web("p").Info()));
  EXPECT_FALSE(alone.Abstains(*Requires(MakePod("p"), kWeb).Info()));
}

TEST(InterPodAffinityTest, ASelectorThatDoesNotParseIsSaid) {
  testing::FakeHandle handle(Nodes({}));
  InterPodAffinity plugin({}, handle);
  framework::CycleState state;
  const auto pod = Requires(MakePod("p"),
                            R"({"labelSelector":{"matchExpressions":[{"key":"a","operator":"Bad"}]},
                                "topologyKey":"zone"})");
  const auto status = plugin.PreFilter(state, *pod.Info(), handle.snapshot()).status;
  EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status.Message(),
            "parsing pod: requiredAffinityTerms: \"Bad\" is not a valid label selector operator");
}

TEST(InterPodAffinityTest, NamespacesByLabel) {
  testing::FakeHandle handle(Nodes({Web("q").Namespace("prod-1").Info()}));
  auto prod = std::make_shared<api::core::Namespace>();
  prod->mutable_metadata()->set_name("prod-1");
  (*prod->mutable_metadata()->mutable_labels())["env"] = "prod";
  handle.world.Put(api::ResourceOf<api::core::Namespace>(), prod);
  InterPodAffinity plugin({}, handle);
  framework::CycleState state;
  const auto pod = Requires(MakePod("p"),
                            R"({"labelSelector":{"matchLabels":{"app":"web"}},"topologyKey":"zone",
                                "namespaceSelector":{"matchLabels":{"env":"prod"}}})")
                       .Info();
  ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
  EXPECT_TRUE(plugin.Filter(state, *pod, *handle.snapshot().Find("a2")).ok());
  EXPECT_FALSE(plugin.Filter(state, *pod, *handle.snapshot().Find("b1")).ok());
}

TEST(InterPodAffinityTest, SimulatedPodsCount) {
  testing::FakeHandle handle(Nodes({Web("q").Info()}));
  InterPodAffinity plugin({}, handle);
  framework::CycleState state;
  const auto pod = Avoids(MakePod("p"), kWeb).Info();
  const NodeInfo& a1 = *handle.snapshot().Find("a1");
  ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
  framework::CycleState copy = state.Clone();
  ASSERT_TRUE(plugin.RemovePod(copy, *pod, *Web("q").Info(), a1).ok());
  EXPECT_TRUE(plugin.Filter(copy, *pod, a1).ok());
  EXPECT_FALSE(plugin.Filter(state, *pod, a1).ok()) << "the original is untouched";
  ASSERT_TRUE(plugin.AddPod(copy, *pod, *Web("q").Info(), a1).ok());
  EXPECT_FALSE(plugin.Filter(copy, *pod, a1).ok());
}

TEST(InterPodAffinityTest, Scores) {
  const struct {
    std::string_view name;
    MakePod pod, there;
    std::vector<int64_t> raw, normalized;  // a1, a2, b1, bare
  } cases[] = {
      {"prefers", Prefers(MakePod("p"), kWeb, 5, "podAffinity"), Web("q"),
       {5, 5, 0, 0}, {100, 100, 0, 0}},
      {"prefers not", Prefers(MakePod("p"), kWeb, 5, "podAntiAffinity"), Web("q"),
       {-5, -5, 0, 0}, {0, 0, 100, 100}},
      {"is preferred", Web("p"), Prefers(MakePod("q"), kWeb, 7, "podAffinity"),
       {7, 7, 0, 0}, {100, 100, 0, 0}},
      {"is required", Web("p"), Requires(MakePod("q"), kWeb),
       {1, 1, 0, 0}, {100, 100, 0, 0}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    testing::FakeHandle handle(Nodes({c.there.Info()}));
    InterPodAffinity plugin({}, handle);
    framework::CycleState state;
    const auto pod = c.pod.Info();
    ASSERT_TRUE(plugin.PreScore(state, *pod, handle.snapshot().nodes()).ok());
    std::vector<framework::NodeScore> scores;
    for (const NodeInfo* node : handle.snapshot().nodes()) {
      scores.push_back({node->index, plugin.Score(state, *pod, *node).score});
      EXPECT_EQ(scores.back().score, c.raw[scores.size() - 1]);
    }
    ASSERT_TRUE(plugin.NormalizeScore(state, *pod, scores).ok());
    for (size_t i = 0; i < scores.size(); ++i) EXPECT_EQ(scores[i].score, c.normalized[i]);
  }
}

TEST(InterPodAffinityTest, PreScoreSkipsWhatNoTermReaches) {
  testing::FakeHandle handle(Nodes({Requires(MakePod("q"), kWeb).Info()}));
  InterPodAffinity plugin({}, handle);
  framework::CycleState state;
  EXPECT_TRUE(plugin.PreScore(state, *MakePod("p").Info(), handle.snapshot().nodes()).IsSkip());
  InterPodAffinityArgs args;
  args.ignore_preferred_terms_of_existing_pods = true;
  InterPodAffinity ignoring(args, handle);
  EXPECT_TRUE(ignoring.PreScore(state, *Web("p").Info(), handle.snapshot().nodes()).IsSkip());
}

TEST(InterPodAffinityTest, PodHints) {
  const auto hint = [](MakePod waiting, MakePod* before, MakePod* after) {
    return *AfterPodChange(*waiting.Info(), before ? &before->message() : nullptr,
                           after ? &after->message() : nullptr);
  };
  MakePod web = Web("q").Node("a1"), other = MakePod("q").Node("a1"), nowhere = Web("q");
  MakePod near = Requires(MakePod("p"), kWeb), away = Avoids(MakePod("p"), kWeb);
  EXPECT_EQ(hint(near, nullptr, &web), QueueingHint::kQueue) << "comes, and is wanted";
  EXPECT_EQ(hint(near, nullptr, &other), QueueingHint::kSkip);
  EXPECT_EQ(hint(near, nullptr, &nowhere), QueueingHint::kSkip) << "it has no node";
  EXPECT_EQ(hint(near, &other, &web), QueueingHint::kQueue) << "becomes wanted";
  EXPECT_EQ(hint(near, &web, &other), QueueingHint::kSkip);
  EXPECT_EQ(hint(away, &web, &other), QueueingHint::kQueue) << "is avoided no more";
  EXPECT_EQ(hint(away, &web, nullptr), QueueingHint::kQueue) << "goes";
  EXPECT_EQ(hint(away, &other, nullptr), QueueingHint::kSkip);
  MakePod keeper = Avoids(MakePod("q"), kWeb).Node("a1");
  EXPECT_EQ(hint(Web("p"), &keeper, nullptr), QueueingHint::kQueue) << "who kept it away goes";
  MakePod self = near;
  EXPECT_EQ(hint(near, &self, &self), QueueingHint::kQueue) << "itself";
}

TEST(InterPodAffinityTest, NodeHints) {
  const auto hint = [](MakePod waiting, MakeNode* before, MakeNode* after) {
    return *AfterNodeChange(*waiting.Info(), before ? &before->message() : nullptr,
                            &after->message());
  };
  MakeNode a = MakeNode("n").Label("zone", "a"), b = MakeNode("n").Label("zone", "b");
  MakeNode bare("n");
  MakePod near = Requires(MakePod("p"), kWeb), away = Avoids(MakePod("p"), kWeb);
  EXPECT_EQ(hint(near, nullptr, &a), QueueingHint::kQueue);
  EXPECT_EQ(hint(near, nullptr, &bare), QueueingHint::kSkip);
  EXPECT_EQ(hint(near, &bare, &a), QueueingHint::kQueue);
  EXPECT_EQ(hint(near, &a, &b), QueueingHint::kQueue);
  EXPECT_EQ(hint(near, &a, &a), QueueingHint::kSkip);
  EXPECT_EQ(hint(away, nullptr, &bare), QueueingHint::kQueue);
  EXPECT_EQ(hint(away, &a, &bare), QueueingHint::kQueue);
  EXPECT_EQ(hint(away, &bare, &a), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::inter_pod_affinity
