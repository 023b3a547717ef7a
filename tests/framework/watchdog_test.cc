#include "framework/cycle/watchdog.h"

#include <gtest/gtest.h>

#include "tests/framework/engine_fixture.h"
#include "tests/framework/engine_peer.h"

namespace berth::framework {

namespace testing {
namespace {

class WatchdogTest : public EngineTest {
 protected:
  EngineCore& core() { return EngineTestPeer::Core(*engine_); }
};

TEST_F(WatchdogTest, FindsNothingWhereNothingIsWrong) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n").Capacity("1", "1Gi"));
  Put(MakePod("fits"));
  Put(MakePod("gated").SchedulingGate("g"));
  for (int i = 0; i < 50; ++i) {
    Put(MakePod("p" + std::to_string(i)));
    EXPECT_EQ(engine_->SweepQueue(), 0);
    Run(absl::Milliseconds(1));
    EXPECT_EQ(engine_->SweepQueue(), 0);
  }
}

TEST_F(WatchdogTest, ALostPodIsFoundAndQueued) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakePod("p"));  // no node: it waits
  Run(absl::Seconds(1));
  core().queue->Delete("default/p", "p");
  Put(MakeNode("n").Capacity("1", "1Gi"));
  Run(absl::Seconds(20));
  EXPECT_EQ(NodeOf("p"), "") << "nobody knows of it";
  Run(absl::Seconds(20));
  EXPECT_EQ(NodeOf("p"), "n") << "the sweep of each 30 s found it";
  EXPECT_TRUE(std::any_of(events_.begin(), events_.end(), [](const std::string& event) {
    return event == "SchedulerHealed: the scheduler had lost sight of the pod; it is queued again";
  }));
}

TEST_F(WatchdogTest, APodInTwoPlacesAndOneThatIsGone) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakePod("p"));
  Run(absl::Seconds(1));
  ASSERT_TRUE(core().cache.AssumePod(PodInfo::Assigned(MakePod("p").Info(), "n")).ok());
  core().queue->Add(MakePod("ghost").Info());
  EXPECT_EQ(engine_->SweepQueue(), 2);
  EXPECT_EQ(core().queue->Find("default/p"), nullptr);
  EXPECT_EQ(core().queue->Find("default/ghost"), nullptr);
  EXPECT_EQ(engine_->SweepQueue(), 0);
}

TEST_F(WatchdogTest, PodsOfOthersAndPodsThatEndAreNotLost) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakePod("other").Scheduler("somebody-else"));
  Put(MakePod("ends").Terminating());
  Put(MakePod("over").Phase("Failed"));
  Run(absl::Seconds(1));
  EXPECT_EQ(engine_->SweepQueue(), 0);
}

}  // namespace
}  // namespace testing
}  // namespace berth::framework
