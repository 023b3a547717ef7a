#include "plugins/node_resources_fit/node_resources_fit.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "plugins/node_resources_fit/strategy.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_resources_fit {
namespace {

using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using Reasons = std::vector<std::string>;

TEST(NodeResourcesFitTest, FilterVerdicts) {
  const auto used = [](std::string_view cpu, std::string_view memory) {
    return MakePod("used").Req(cpu, memory);
  };
  const struct {
    std::string_view name;
    MakePod pod, other;
    std::string_view pods;
    Code want;
    Reasons reasons;
  } cases[] = {
      {"fits", MakePod("p").Req("1", "1Gi"), used("1", "1Gi"), "10", Code::kSuccess, {}},
      {"fits exactly", MakePod("p").Req("3", "3Gi"), used("1", "1Gi"), "10", Code::kSuccess, {}},
      {"cpu", MakePod("p").Req("3500m", "1Gi"), used("1", "1Gi"), "10", Code::kUnschedulable,
       {"Insufficient cpu"}},
      {"more cpu than the node has", MakePod("p").Req("5", "1Gi"), used("1", "1Gi"), "10",
       Code::kUnschedulableAndUnresolvable, {"Insufficient cpu"}},
      {"all reasons", MakePod("p").Req("4", "4Gi"), used("1", "1Gi"), "1", Code::kUnschedulable,
       {"Too many pods", "Insufficient cpu", "Insufficient memory"}},
      {"too many pods alone", MakePod("p"), used("1", "1Gi"), "1", Code::kUnschedulable,
       {"Too many pods"}},
      {"nothing requested on a full node", MakePod("p"), used("4", "4Gi"), "10", Code::kSuccess,
       {}},
      {"ephemeral", MakePod("p").Requests({{"ephemeral-storage", "1Gi"}}), used("", ""), "10",
       Code::kUnschedulableAndUnresolvable, {"Insufficient ephemeral-storage"}},
      {"scalars by name",
       MakePod("p").Requests({{"b.com/y", "1"}, {"a.com/x", "3"}, {"c.com/z", "0"}}),
       used("", ""), "10", Code::kUnschedulableAndUnresolvable,
       {"Insufficient a.com/x", "Insufficient b.com/y"}},
      {"hugepages", MakePod("p").Requests({{"hugepages-2Mi", "2Mi"}}), used("", ""), "10",
       Code::kUnschedulableAndUnresolvable, {"Insufficient hugepages-2Mi"}},
  };
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesFit", handle);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto node = MakeNode("n")
                          .Allocatable({{"cpu", "4"}, {"memory", "4Gi"}, {"pods", c.pods},
                                        {"a.com/x", "2"}})
                          .Info({c.other.Info()});
    const auto status = testing::Filter(*plugin, *c.pod.Info(), node);
    EXPECT_EQ(status.code(), c.want);
    EXPECT_EQ(status.Reasons(), c.reasons);
    EXPECT_EQ(testing::Filter(*plugin, *c.pod.Info(), node).identity(), status.identity())
        << "equal rejections share one Status";
  }
}

TEST(NodeResourcesFitTest, IgnoredResources) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin(
      "NodeResourcesFit", handle,
      R"({"ignoredResources":["a.com/x"],"ignoredResourceGroups":["b.com"]})");
  const auto node = MakeNode("n").Capacity("4", "4Gi").Info();
  const auto wants = [](std::string_view name) {
    return MakePod("p").Requests({{name, "1"}}).Info();
  };
  EXPECT_TRUE(testing::Filter(*plugin, *wants("a.com/x"), node).ok());
  EXPECT_TRUE(testing::Filter(*plugin, *wants("b.com/any"), node).ok());
  EXPECT_FALSE(testing::Filter(*plugin, *wants("a.com/y"), node).ok());
  EXPECT_FALSE(testing::Filter(*plugin, *wants("hugepages-1Gi"), node).ok());
}

// Pod and node of the test vectors: cpu in millicores, memory in bytes, both used by the pod.
int64_t Scored(const std::string& strategy, int64_t cpu, int64_t cpu_all, int64_t memory,
               int64_t memory_all) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesFit", handle,
                                   R"({"scoringStrategy":)" + strategy + "}");
  const auto node =
      MakeNode("n").Capacity(std::to_string(cpu_all) + "m", std::to_string(memory_all)).Info();
  const auto pod = MakePod("p").Req(std::to_string(cpu) + "m", std::to_string(memory)).Info();
  return testing::Score(*plugin, *pod, node);
}

TEST(NodeResourcesFitTest, ScoreVectors) {
  const std::string least = R"({"type":"LeastAllocated"})";
  EXPECT_EQ(Scored(least, 3000, 4000, 5000, 10000), 37);
  EXPECT_EQ(Scored(least, 3000, 6000, 5000, 10000), 50);
  EXPECT_EQ(Scored(R"({"type":"LeastAllocated","resources":[{"name":"cpu","weight":1},)"
                   R"({"name":"memory","weight":2}]})",
                   3000, 4000, 5000, 10000),
            41);
  EXPECT_EQ(Scored(least, 5000, 4000, 5000, 10000), 25) << "over the top counts 0";
  EXPECT_EQ(Scored(R"({"type":"MostAllocated"})", 3000, 4000, 5000, 10000), 62);
  EXPECT_EQ(Scored(R"({"type":"MostAllocated"})", 5000, 4000, 5000, 10000), 75) << "capped";
  EXPECT_EQ(Scored(R"({"type":"RequestedToCapacityRatio","requestedToCapacityRatio":{"shape":[)"
                   R"({"utilization":0,"score":10},{"utilization":100,"score":0}]}})",
                   3000, 4000, 5000, 10000),
            38);
}

TEST(NodeResourcesFitTest, RatioOfOneExtendedResource) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin(
      "NodeResourcesFit", handle,
      R"({"scoringStrategy":{"type":"RequestedToCapacityRatio","resources":[{"name":"a.com/x"}],
          "requestedToCapacityRatio":{"shape":[{"utilization":0,"score":0},
                                               {"utilization":100,"score":1}]}}})");
  const auto score = [&](std::string_view want, std::string_view has) {
    return testing::Score(*plugin, *MakePod("p").Requests({{"a.com/x", want}}).Info(),
                          MakeNode("n").Allocatable({{"a.com/x", has}}).Info());
  };
  EXPECT_EQ(score("2", "8"), 2);  // a shape's score counts tenfold
  EXPECT_EQ(score("2", "4"), 5);
  EXPECT_EQ(score("4", "4"), 10);
  EXPECT_EQ(testing::Score(*plugin, *MakePod("p").Info(),
                           MakeNode("n").Allocatable({{"a.com/x", "4"}}).Info()),
            0) << "not requested: left out";
}

TEST(NodeResourcesFitTest, ScoreCountsDefaultsAndIgnoresPodLevel) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesFit", handle);
  const auto node = MakeNode("n").Capacity("1", "2000Mi").Info({MakePod("other").Info()});
  // 200m and 400 MiB of it with both pods.
  EXPECT_EQ(testing::Score(*plugin, *MakePod("p").Info(), node), 80);
  EXPECT_EQ(testing::Score(*plugin, *MakePod("p").PodRequests({{"cpu", "900m"}}).Info(), node), 80);
}

TEST(BrokenLinearTest, Interpolation) {
  const std::vector<UtilizationPoint> shape = {{10, 1}, {30, 5}, {80, 0}};
  EXPECT_EQ(BrokenLinear(shape, 0), 10);
  EXPECT_EQ(BrokenLinear(shape, 10), 10);
  EXPECT_EQ(BrokenLinear(shape, 20), 30);
  EXPECT_EQ(BrokenLinear(shape, 30), 50);
  EXPECT_EQ(BrokenLinear(shape, 31), 49) << "-50 * 1 / 50, truncated toward zero";
  EXPECT_EQ(BrokenLinear(shape, 80), 0);
  EXPECT_EQ(BrokenLinear(shape, 100), 0);
}

TEST(NodeResourcesFitTest, BatchEqualsOneByOne) {
  Random random(7);
  for (const char* type : {"LeastAllocated", "MostAllocated"}) {
    testing::FakeHandle handle;
    auto plugin = testing::NewPlugin(
        "NodeResourcesFit", handle,
        std::string(R"({"scoringStrategy":{"type":")") + type + R"("}})");
    std::vector<framework::NodeInfo> nodes;
    std::vector<framework::NodeIndex> indices;
    for (int i = 0; i < 100; ++i) {
      MakeNode node("n" + std::to_string(i));
      node.Capacity(std::to_string(random.Below(5)), std::to_string(random.Below(5)) + "Gi",
                    std::to_string(random.Below(4)));
      const auto pod = MakePod("q").Req(random.Chance(0.5) ? "1" : "", "1Gi").Info();
      nodes.push_back(random.Chance(0.5) ? node.Info({pod}) : node.Info());
      indices.push_back(i);
    }
    testing::FixedSnapshot snapshot(std::move(nodes));
    const auto pod = MakePod("p").Req("1500m", "1Gi").Info();
    std::vector<uint8_t> passes(indices.size());
    std::vector<int64_t> scores(indices.size());
    auto& filter = dynamic_cast<framework::FilterPlugin&>(*plugin);
    auto& score = dynamic_cast<framework::ScorePlugin&>(*plugin);
    ASSERT_TRUE(filter.FilterBatch({}, *pod, snapshot.columns(), indices, passes));
    ASSERT_TRUE(score.ScoreBatch({}, *pod, snapshot.columns(), indices, scores));
    for (size_t i = 0; i < indices.size(); ++i) {
      const framework::NodeInfo& node = *snapshot.nodes()[i];
      EXPECT_EQ(passes[i], filter.Filter({}, *pod, node).ok() ? 1 : 0) << i;
      EXPECT_EQ(scores[i], score.Score({}, *pod, node).score) << i;
    }
    const auto gpu = MakePod("p").Requests({{"a.com/x", "1"}}).Info();
    EXPECT_FALSE(filter.FilterBatch({}, *gpu, snapshot.columns(), indices, passes));
  }
}

TEST(NodeResourcesFitTest, PodHints) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesFit", handle);
  const auto pod = MakePod("p").Req("1", "1Gi").Info();
  const auto deleted = [&](MakePod other) {
    return testing::Hint(*plugin, "AssignedPod", framework::kDelete, *pod, &other.message(),
                         nullptr);
  };
  EXPECT_EQ(deleted(MakePod("q").Node("n")), QueueingHint::kQueue);
  EXPECT_EQ(deleted(MakePod("q").NominatedNode("n")), QueueingHint::kQueue);
  EXPECT_EQ(deleted(MakePod("q")), QueueingHint::kSkip);
  const auto shrunk = [&](MakePod before, MakePod after) {
    return testing::Hint(*plugin, "Pod", framework::kUpdatePodScaleDown, *pod, &before.message(),
                         &after.message());
  };
  EXPECT_EQ(shrunk(MakePod("p").Req("2"), MakePod("p").Req("1")), QueueingHint::kQueue) << "self";
  EXPECT_EQ(shrunk(MakePod("q").Node("n").Req("2"), MakePod("q").Node("n").Req("1")),
            QueueingHint::kQueue);
  EXPECT_EQ(shrunk(MakePod("q").Req("2"), MakePod("q").Req("1")), QueueingHint::kSkip)
      << "it holds no node";
  EXPECT_EQ(shrunk(MakePod("q").Node("n").Requests({{"ephemeral-storage", "2"}}),
                   MakePod("q").Node("n")),
            QueueingHint::kSkip)
      << "not a resource the pod wants";
}

TEST(NodeResourcesFitTest, NodeHints) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesFit", handle);
  const auto pod = MakePod("p").Req("2").Info();
  const auto hint = [&](const api::core::Node* before, MakeNode after) {
    return testing::Hint(*plugin, "Node",
                         before ? framework::kUpdateNodeAllocatable : framework::kAdd, *pod,
                         before, &after.message());
  };
  const auto big = MakeNode("n").Capacity("4", "1Gi").message();
  EXPECT_EQ(hint(nullptr, MakeNode("n").Capacity("4", "1Gi")), QueueingHint::kQueue);
  EXPECT_EQ(hint(nullptr, MakeNode("n").Capacity("1", "1Gi")), QueueingHint::kSkip);
  EXPECT_EQ(hint(nullptr, MakeNode("n").Capacity("4", "1Gi", "0")), QueueingHint::kSkip);
  EXPECT_EQ(hint(&big, MakeNode("n").Capacity("5", "1Gi")), QueueingHint::kQueue);
  EXPECT_EQ(hint(&big, MakeNode("n").Capacity("4", "2Gi")), QueueingHint::kSkip)
      << "memory is not what it wants";
  EXPECT_EQ(hint(&big, MakeNode("n").Capacity("4", "1Gi", "111")), QueueingHint::kQueue);
}

}  // namespace
}  // namespace berth::plugins::node_resources_fit
