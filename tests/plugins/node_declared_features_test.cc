#include "plugins/node_declared_features/node_declared_features.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::node_declared_features {
namespace {

using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

MakePod RestartsAll(MakePod pod) {
  pod.message().mutable_spec()->mutable_containers(0)->add_restart_policy_rules()->set_action(
      "RestartAllContainers");
  return pod;
}
MakePod WithoutHostUsers(MakePod pod) {
  pod.message().mutable_spec()->set_host_network(true);
  pod.message().mutable_spec()->set_host_users(false);
  return pod;
}
MakeNode Declaring(std::initializer_list<const char*> features) {
  MakeNode node("n");
  for (const char* feature : features) {
    node.message().mutable_status()->add_declared_features(feature);
  }
  return node;
}

TEST(NodeDeclaredFeaturesTest, Verdicts) {
  const struct {
    std::string_view name;
    MakePod pod;
    MakeNode node;
    bool fits;
  } cases[] = {
      {"has it", RestartsAll(MakePod("p")),
       Declaring({"A", "RestartAllContainersOnContainerExits"}), true},
      {"has another", RestartsAll(MakePod("p")), Declaring({"A"}), false},
      {"declares nothing", WithoutHostUsers(MakePod("p")), Declaring({}), false},
      {"has one of two", WithoutHostUsers(RestartsAll(MakePod("p"))),
       Declaring({"UserNamespacesHostNetworkSupport"}), false},
      {"has both", WithoutHostUsers(RestartsAll(MakePod("p"))),
       Declaring({"RestartAllContainersOnContainerExits", "UserNamespacesHostNetworkSupport"}),
       true},
  };
  NodeDeclaredFeatures plugin;
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto status = testing::Filter(plugin, *c.pod.Info(), c.node.Info());
    EXPECT_EQ(status.ok(), c.fits);
    if (c.fits) continue;
    EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
    EXPECT_EQ(status.Message(), "node(s) didn't match Pod's required features");
  }
}

TEST(NodeDeclaredFeaturesTest, PodsThatNeedNoneAreSkippedAndShareOneSignature) {
  NodeDeclaredFeatures plugin;
  testing::FixedSnapshot snapshot({});
  framework::CycleState state;
  MakePod users("p");
  users.message().mutable_spec()->set_host_users(false);
  EXPECT_TRUE(plugin.PreFilter(state, *users.Info(), snapshot).status.IsSkip());
  EXPECT_EQ(testing::SignatureOf(plugin, *users.Info()),
            testing::SignatureOf(plugin, *MakePod("q").Info()));
  EXPECT_NE(testing::SignatureOf(plugin, *RestartsAll(MakePod("q")).Info()),
            testing::SignatureOf(plugin, *MakePod("q").Info()));
}

TEST(NodeDeclaredFeaturesTest, Hints) {
  NodeDeclaredFeatures plugin;
  const auto pod = RestartsAll(MakePod("p")).Info();
  const auto after_node = [&](MakeNode* before, MakeNode after) {
    return testing::Hint(plugin, "Node",
                         before ? framework::kUpdateNodeDeclaredFeature : framework::kAdd, *pod,
                         before ? &before->message() : nullptr, &after.message());
  };
  MakeNode none = Declaring({}), one = Declaring({"A"});
  EXPECT_EQ(after_node(nullptr, none), QueueingHint::kQueue);
  EXPECT_EQ(after_node(&none, one), QueueingHint::kQueue);
  EXPECT_EQ(after_node(&one, one), QueueingHint::kSkip);
  const auto after_pod = [&](MakePod before, MakePod after) {
    return testing::Hint(plugin, "UnschedulablePod", framework::kUpdatePodLabel, *pod,
                         &before.message(), &after.message());
  };
  EXPECT_EQ(after_pod(RestartsAll(MakePod("p")), MakePod("p")), QueueingHint::kQueue);
  EXPECT_EQ(after_pod(MakePod("p"), MakePod("p")), QueueingHint::kSkip);
  EXPECT_EQ(after_pod(RestartsAll(MakePod("q")), MakePod("q")), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::node_declared_features
