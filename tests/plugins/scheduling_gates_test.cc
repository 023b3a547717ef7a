#include "plugins/scheduling_gates/scheduling_gates.h"

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::scheduling_gates {
namespace {

using framework::QueueingHint;
using framework::testing::MakePod;

TEST(SchedulingGatesTest, PreEnqueue) {
  SchedulingGates plugin;
  EXPECT_TRUE(plugin.PreEnqueue(*MakePod("p").Info()).ok());
  const framework::Status gated =
      plugin.PreEnqueue(*MakePod("p").SchedulingGate("foo").SchedulingGate("bar").Info());
  EXPECT_EQ(gated.code(), framework::Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(gated.Message(), "waiting for scheduling gates: [foo bar]");
}

TEST(SchedulingGatesTest, HintsOnlyForThePodItself) {
  SchedulingGates plugin;
  const auto pod = MakePod("p").SchedulingGate("foo").Info();
  const auto self = MakePod("p").Object();
  const auto other = MakePod("q").Object();
  const auto hint = [&](const auto& changed) {
    return testing::Hint(plugin, "UnschedulablePod",
                         framework::kUpdatePodSchedulingGatesEliminated, *pod, changed.get(),
                         changed.get());
  };
  EXPECT_EQ(hint(self), QueueingHint::kQueue);
  EXPECT_EQ(hint(other), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::scheduling_gates
