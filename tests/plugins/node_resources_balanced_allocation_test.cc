#include "plugins/node_resources_balanced_allocation/node_resources_balanced_allocation.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_resources_balanced_allocation {
namespace {

using framework::testing::MakeNode;
using framework::testing::MakePod;

// used, then with the pod: (cpu, memory) of (cpu, memory) in all.
int64_t Scored(std::pair<int64_t, int64_t> used, std::pair<int64_t, int64_t> with,
               std::pair<int64_t, int64_t> all) {
  const auto req = [](const char* name, int64_t cpu, int64_t memory) {
    return MakePod(name).Req(std::to_string(cpu) + "m", std::to_string(memory)).Info();
  };
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesBalancedAllocation", handle);
  const auto node = MakeNode("n")
                        .Capacity(std::to_string(all.first) + "m", std::to_string(all.second))
                        .Info({req("used", used.first, used.second)});
  const auto pod = req("p", with.first - used.first, with.second - used.second);
  return dynamic_cast<framework::ScorePlugin&>(*plugin).Score({}, *pod, node).score;
}

TEST(BalancedAllocationTest, ScoreVectors) {
  EXPECT_EQ(Scored({0, 0}, {3000, 5000}, {4000, 10000}), 68);
  EXPECT_EQ(Scored({0, 0}, {3000, 5000}, {6000, 10000}), 75);
  EXPECT_EQ(Scored({3000, 0}, {6000, 5000}, {10000, 20000}), 73);
  EXPECT_EQ(Scored({3000, 5000}, {6000, 10000}, {10000, 20000}), 74);
  EXPECT_EQ(Scored({3000, 0}, {3000, 5000}, {3000, 5000}), 100);
  EXPECT_EQ(Scored({0, 0}, {0, 5000}, {3000, 5000}), 50);
}

TEST(BalancedAllocationTest, ThreeResources) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin(
      "NodeResourcesBalancedAllocation", handle,
      R"({"resources":[{"name":"cpu"},{"name":"memory"},{"name":"a.com/x"}]})");
  const auto used =
      MakePod("used").Requests({{"cpu", "3"}, {"memory", "5000"}, {"a.com/x", "3"}}).Info();
  const auto node =
      MakeNode("n")
          .Allocatable({{"cpu", "3500m"}, {"memory", "40000"}, {"a.com/x", "8"}})
          .Info({used});
  EXPECT_EQ(testing::Score(*plugin, *MakePod("p").Requests({{"a.com/x", "1"}}).Info(), node), 75);
}

TEST(BalancedAllocationTest, SkipsBestEffort) {
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesBalancedAllocation", handle);
  auto& prepare = dynamic_cast<framework::PreScorePlugin&>(*plugin);
  framework::CycleState state;
  EXPECT_TRUE(prepare.PreScore(state, *MakePod("p").Info(), {}).IsSkip());
  EXPECT_TRUE(
      prepare.PreScore(state, *MakePod("p").Requests({{"a.com/x", "1"}}).Info(), {}).IsSkip());
  EXPECT_TRUE(prepare.PreScore(state, *MakePod("p").Req("1").Info(), {}).ok());
}

TEST(BalanceTest, FewerThanTwoFractionsAreEven) {
  EXPECT_EQ(Balance({}), 100);
  const double one[] = {0.4};
  EXPECT_EQ(Balance(one), 100);
  const double apart[] = {0.0, 1.0};
  EXPECT_EQ(Balance(apart), 50);
}

TEST(BalancedAllocationTest, BatchEqualsOneByOne) {
  Random random(11);
  testing::FakeHandle handle;
  auto plugin = testing::NewPlugin("NodeResourcesBalancedAllocation", handle);
  std::vector<framework::NodeInfo> nodes;
  std::vector<framework::NodeIndex> indices;
  for (int i = 0; i < 200; ++i) {
    MakeNode node("n" + std::to_string(i));
    node.Capacity(std::to_string(random.Below(5)), std::to_string(random.Below(5)) + "Gi");
    nodes.push_back(node.Info({MakePod("q")
                                   .Req(std::to_string(random.Below(3000)) + "m",
                                        std::to_string(random.Below(3000)) + "Mi")
                                   .Info()}));
    indices.push_back(i);
  }
  testing::FixedSnapshot snapshot(std::move(nodes));
  const auto pod = MakePod("p").Req("700m", "300Mi").Info();
  auto& score = dynamic_cast<framework::ScorePlugin&>(*plugin);
  std::vector<int64_t> scores(indices.size());
  ASSERT_TRUE(score.ScoreBatch({}, *pod, snapshot.columns(), indices, scores));
  for (size_t i = 0; i < indices.size(); ++i) {
    EXPECT_EQ(scores[i], score.Score({}, *pod, *snapshot.nodes()[i]).score) << i;
  }
}

}  // namespace
}  // namespace berth::plugins::node_resources_balanced_allocation
