#include "plugins/node_name/node_name.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_name {
namespace {

using framework::Code;
using framework::testing::MakeNode;
using framework::testing::MakePod;

TEST(NodeNameTest, Verdicts) {
  NodeName plugin;
  const auto node = MakeNode("foo").Info();
  EXPECT_TRUE(testing::Filter(plugin, *MakePod("p").Info(), node).ok());
  EXPECT_TRUE(testing::Filter(plugin, *MakePod("p").Node("foo").Info(), node).ok());
  const auto status = testing::Filter(plugin, *MakePod("p").Node("bar").Info(), node);
  EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status.Message(), "node(s) didn't match the requested node name");
}

TEST(NodeNameTest, BatchOnlyForPodsWithoutANode) {
  NodeName plugin;
  testing::FixedSnapshot snapshot({MakeNode("foo").Info()});
  const framework::NodeIndex nodes[] = {0};
  uint8_t passes[] = {0};
  EXPECT_TRUE(plugin.FilterBatch({}, *MakePod("p").Info(), snapshot.columns(), nodes, passes));
  EXPECT_EQ(passes[0], 1);
  EXPECT_FALSE(
      plugin.FilterBatch({}, *MakePod("p").Node("x").Info(), snapshot.columns(), nodes, passes));
}

TEST(NodeNameTest, NodeAddQueues) {
  NodeName plugin;
  EXPECT_EQ(testing::Hint(plugin, "Node", framework::kAdd, *MakePod("p").Info(), nullptr, nullptr),
            framework::QueueingHint::kQueue);
}

}  // namespace
}  // namespace berth::plugins::node_name
