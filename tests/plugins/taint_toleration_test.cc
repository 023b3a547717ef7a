#include "plugins/taint_toleration/taint_toleration.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::taint_toleration {
namespace {

using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

TEST(TaintTolerationTest, FilterVerdicts) {
  const struct {
    std::string_view name;
    MakePod pod;
    MakeNode node;
    Code want;
  } cases[] = {
      {"no taints", MakePod("p"), MakeNode("n"), Code::kSuccess},
      {"untolerated NoSchedule", MakePod("p"), MakeNode("n").Taint("gpu=a:NoSchedule"),
       Code::kUnschedulableAndUnresolvable},
      {"untolerated NoExecute", MakePod("p"), MakeNode("n").Taint("gpu=a:NoExecute"),
       Code::kUnschedulableAndUnresolvable},
      {"PreferNoSchedule does not block", MakePod("p"), MakeNode("n").Taint("a=b:PreferNoSchedule"),
       Code::kSuccess},
      {"tolerated", MakePod("p").Toleration("gpu", "a", "NoSchedule"),
       MakeNode("n").Taint("gpu=a:NoSchedule"), Code::kSuccess},
      {"wrong value", MakePod("p").Toleration("gpu", "b", "NoSchedule"),
       MakeNode("n").Taint("gpu=a:NoSchedule"), Code::kUnschedulableAndUnresolvable},
      {"wrong effect", MakePod("p").Toleration("gpu", "a", "NoExecute"),
       MakeNode("n").Taint("gpu=a:NoSchedule"), Code::kUnschedulableAndUnresolvable},
      {"empty effect tolerates every effect", MakePod("p").Toleration("gpu", "a"),
       MakeNode("n").Taint("gpu=a:NoExecute"), Code::kSuccess},
      {"empty key with Exists", MakePod("p").Toleration("", "", "", "Exists"),
       MakeNode("n").Taint("x=y:NoSchedule").Taint("gpu=a:NoExecute"), Code::kSuccess},
      {"one of two tolerated", MakePod("p").Toleration("x", "y"),
       MakeNode("n").Taint("x=y:NoSchedule").Taint("gpu=a:NoSchedule"),
       Code::kUnschedulableAndUnresolvable},
  };
  TaintToleration plugin;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto status = testing::Filter(plugin, *c.pod.Info(), c.node.Info());
    EXPECT_EQ(status.code(), c.want);
    if (!status.ok()) {
      EXPECT_EQ(status.Message(), "node(s) had untolerated taint(s)");
    }
  }
}

TEST(TaintTolerationTest, ScoreCountsSoftTaints) {
  TaintToleration plugin;
  const auto node = MakeNode("n")
                        .Taint("a=1:PreferNoSchedule")
                        .Taint("b=1:PreferNoSchedule")
                        .Taint("c=1:NoSchedule")
                        .Info();
  EXPECT_EQ(testing::Score(plugin, *MakePod("p").Info(), node), 2);
  EXPECT_EQ(testing::Score(plugin, *MakePod("p").Toleration("a", "1").Info(), node), 1);
  EXPECT_EQ(testing::Score(plugin, *MakePod("p").Toleration("a", "1", "NoSchedule").Info(), node),
            2) << "a toleration of another effect does not count";
  EXPECT_EQ(plugin.normalization(), framework::Normalization::kDefaultReverse);
}

TEST(TaintTolerationTest, Hints) {
  TaintToleration plugin;
  const auto pod = MakePod("p").Toleration("gpu", "a").Info();
  const auto good = MakeNode("n").Taint("gpu=a:NoSchedule").message();
  const auto bad = MakeNode("n").Taint("gpu=b:NoSchedule").message();
  const auto hint = [&](const auto* before, const auto* after) {
    return testing::Hint(plugin, "Node",
                         before ? framework::kUpdateNodeTaint : framework::kAdd, *pod, before,
                         after);
  };
  const api::core::Node* none = nullptr;
  EXPECT_EQ(hint(none, &good), QueueingHint::kQueue);
  EXPECT_EQ(hint(none, &bad), QueueingHint::kSkip);
  EXPECT_EQ(hint(&bad, &good), QueueingHint::kQueue);
  EXPECT_EQ(hint(&good, &good), QueueingHint::kSkip);
  EXPECT_EQ(hint(&good, &bad), QueueingHint::kSkip);
  const auto self = MakePod("p").message();
  const auto other = MakePod("q").message();
  EXPECT_EQ(testing::Hint(plugin, "Pod", framework::kUpdatePodToleration, *pod, &self, &self),
            QueueingHint::kQueue);
  EXPECT_EQ(testing::Hint(plugin, "Pod", framework::kUpdatePodToleration, *pod, &other, &other),
            QueueingHint::kSkip);
}

TEST(TaintTolerationTest, SignatureIgnoresOrder) {
  TaintToleration plugin;
  const auto ab = MakePod("p").Toleration("a", "1").Toleration("b", "1").Info();
  const auto ba = MakePod("q").Toleration("b", "1").Toleration("a", "1").Info();
  const auto a = MakePod("r").Toleration("a", "1").Info();
  EXPECT_EQ(testing::SignatureOf(plugin, *ab), testing::SignatureOf(plugin, *ba));
  EXPECT_NE(testing::SignatureOf(plugin, *ab), testing::SignatureOf(plugin, *a));
}

}  // namespace
}  // namespace berth::plugins::taint_toleration
