// The placement with the most pods of a group.
#include "plugins/pod_group_pods_count/pod_group_pods_count.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::pod_group_pods_count {
namespace {

using framework::Placement;
using framework::PodPtr;
using framework::testing::MakePod;
using plugins::testing::FakeHandle;

TEST(PodGroupPodsCountTest, TheMostPodsAreBest) {
  FakeHandle handle;
  handle.counts.placed = 1;
  PodGroupPodsCount plugin(handle);
  framework::CycleState state;
  const std::vector<PodPtr> group = {MakePod("p").Info()};
  const Placement here;
  const std::vector<PodPtr> proposed = {MakePod("a").Info(), MakePod("b").Info()};
  std::vector<framework::PlacementScore> scores;
  scores.push_back({&here, plugin.ScorePlacement(state, group, here, proposed).score});
  scores.push_back({&here, plugin.ScorePlacement(state, group, here, {}).score});
  EXPECT_EQ(scores[0].score, 3);
  EXPECT_EQ(scores[1].score, 1);
  EXPECT_TRUE(plugin.NormalizePlacementScores(state, group, scores).ok());
  EXPECT_EQ(scores[0].score, 100);
  EXPECT_EQ(scores[1].score, 33);
  scores[0].score = scores[1].score = 0;
  EXPECT_EQ(plugin.NormalizePlacementScores(state, group, scores).Message(),
            "no pods from pod group are assigned to any of the candidate placements");
}

}  // namespace
}  // namespace berth::plugins::pod_group_pods_count
