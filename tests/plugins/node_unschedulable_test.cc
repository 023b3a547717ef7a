#include "plugins/node_unschedulable/node_unschedulable.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_unschedulable {
namespace {

using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr std::string_view kTaint = "node.kubernetes.io/unschedulable";

TEST(NodeUnschedulableTest, Verdicts) {
  const struct {
    std::string_view name;
    MakePod pod;
    MakeNode node;
    Code want;
  } cases[] = {
      {"open node", MakePod("p"), MakeNode("n"), Code::kSuccess},
      {"cordoned", MakePod("p"), MakeNode("n").Unschedulable(),
       Code::kUnschedulableAndUnresolvable},
      {"cordoned, tolerated", MakePod("p").Toleration(kTaint, "", "NoSchedule", "Exists"),
       MakeNode("n").Unschedulable(), Code::kSuccess},
      {"tolerated for another effect", MakePod("p").Toleration(kTaint, "", "NoExecute", "Exists"),
       MakeNode("n").Unschedulable(), Code::kUnschedulableAndUnresolvable},
      {"everything tolerated", MakePod("p").Toleration("", "", "", "Exists"),
       MakeNode("n").Unschedulable(), Code::kSuccess},
  };
  NodeUnschedulable plugin;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto pod = c.pod.Info();
    const framework::Status status = testing::Filter(plugin, *pod, c.node.Info());
    EXPECT_EQ(status.code(), c.want);
    if (!status.ok()) {
      EXPECT_EQ(status.Message(), "node(s) were unschedulable");
    }
    testing::FixedSnapshot snapshot({c.node.Info()});
    const framework::NodeIndex nodes[] = {0};
    uint8_t passes[] = {7};
    ASSERT_TRUE(plugin.FilterBatch({}, *pod, snapshot.columns(), nodes, passes));
    EXPECT_EQ(passes[0], status.ok() ? 1 : 0);
  }
}

TEST(NodeUnschedulableTest, Hints) {
  NodeUnschedulable plugin;
  const auto pod = MakePod("p").Info();
  const auto open = MakeNode("n").message();
  const auto cordoned = MakeNode("n").Unschedulable().message();
  const auto hint = [&](const auto* before, const auto* after) {
    return testing::Hint(plugin, "Node",
                         before ? framework::kUpdateNodeTaint : framework::kAdd, *pod, before,
                         after);
  };
  const api::core::Node* none = nullptr;
  EXPECT_EQ(hint(none, &open), QueueingHint::kQueue);
  EXPECT_EQ(hint(none, &cordoned), QueueingHint::kSkip);
  EXPECT_EQ(hint(&cordoned, &open), QueueingHint::kQueue);
  EXPECT_EQ(hint(&open, &open), QueueingHint::kSkip);
  const auto tolerant = MakePod("p").Toleration(kTaint, "", "", "Exists").message();
  const auto other = MakePod("q").Toleration(kTaint, "", "", "Exists").message();
  const auto plain = MakePod("p").message();
  const auto pod_hint = [&](const auto& after) {
    return testing::Hint(plugin, "UnschedulablePod", framework::kUpdatePodToleration, *pod,
                         &plain, &after);
  };
  EXPECT_EQ(pod_hint(tolerant), QueueingHint::kQueue);
  EXPECT_EQ(pod_hint(plain), QueueingHint::kSkip);
  EXPECT_EQ(pod_hint(other), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::node_unschedulable
