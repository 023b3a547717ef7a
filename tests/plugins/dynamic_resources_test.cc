#include "plugins/dynamic_resources/dynamic_resources.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::dynamic_resources {
namespace {

using framework::testing::MakeNode;
using framework::testing::MakePod;

TEST(DynamicResourcesTest, PodsWithoutClaimsAreNoneOfItsBusiness) {
  DynamicResources plugin;
  testing::FixedSnapshot snapshot({});
  framework::CycleState state;
  const auto pod = MakePod("p").Info();
  EXPECT_TRUE(plugin.PreFilter(state, *pod, snapshot).status.IsSkip());
  EXPECT_EQ(plugin.Score(state, *pod, MakeNode("n").Info()).score, 0);
}

TEST(DynamicResourcesTest, PodsWithClaimsAreRejectedLoudlyUntilDevicesAreAllocated) {
  DynamicResources plugin;
  testing::FixedSnapshot snapshot({});
  framework::CycleState state;
  MakePod pod("p");
  pod.message().mutable_spec()->add_resource_claims()->set_name("gpu");
  const auto status = plugin.PreFilter(state, *pod.Info(), snapshot).status;
  EXPECT_EQ(status.code(), framework::Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status.Message(), DynamicResources::kReasonNotYet);
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
