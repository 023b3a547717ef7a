#include "plugins/node_ports/node_ports.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_ports {
namespace {

using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

TEST(NodePortsTest, Verdicts) {
  const struct {
    std::string_view name;
    MakePod pod, other;
    Code want;
  } cases[] = {
      {"different ports", MakePod("p").HostPort(8080), MakePod("q").HostPort(9090),
       Code::kSuccess},
      {"same port", MakePod("p").HostPort(8080), MakePod("q").HostPort(8080),
       Code::kUnschedulable},
      {"other protocol", MakePod("p").HostPort(8080, "UDP"), MakePod("q").HostPort(8080, "TCP"),
       Code::kSuccess},
      {"other address", MakePod("p").HostPort(8080, "TCP", "127.0.0.1"),
       MakePod("q").HostPort(8080, "TCP", "127.0.0.2"), Code::kSuccess},
      {"any address against one", MakePod("p").HostPort(8080),
       MakePod("q").HostPort(8080, "TCP", "127.0.0.1"), Code::kUnschedulable},
      {"one of several", MakePod("p").HostPort(1).HostPort(2), MakePod("q").HostPort(2),
       Code::kUnschedulable},
  };
  NodePorts plugin;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto status =
        testing::Filter(plugin, *c.pod.Info(), MakeNode("n").Info({c.other.Info()}));
    EXPECT_EQ(status.code(), c.want);
    if (!status.ok()) {
      EXPECT_EQ(status.Message(), "node(s) didn't have free ports for the requested pod ports");
    }
  }
}

TEST(NodePortsTest, SkipsPodsWithoutHostPorts) {
  NodePorts plugin;
  testing::FixedSnapshot snapshot({});
  framework::CycleState state;
  EXPECT_TRUE(plugin.PreFilter(state, *MakePod("p").Info(), snapshot).status.IsSkip());
  EXPECT_TRUE(plugin.PreFilter(state, *MakePod("p").HostPort(1).Info(), snapshot).status.ok());
}

TEST(NodePortsTest, Hints) {
  NodePorts plugin;
  const auto pod = MakePod("p").HostPort(80).Info();
  const auto hint = [&](MakePod deleted) {
    return testing::Hint(plugin, "AssignedPod", framework::kDelete, *pod, &deleted.message(),
                         nullptr);
  };
  EXPECT_EQ(hint(MakePod("q").HostPort(80).Node("n")), QueueingHint::kQueue);
  EXPECT_EQ(hint(MakePod("q").HostPort(80).NominatedNode("n")), QueueingHint::kQueue);
  EXPECT_EQ(hint(MakePod("q").HostPort(80)), QueueingHint::kSkip) << "it held no node";
  EXPECT_EQ(hint(MakePod("q").HostPort(81).Node("n")), QueueingHint::kSkip);
  EXPECT_EQ(hint(MakePod("q").Node("n")), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::node_ports
