// What users and their tools look for in the log: upstream's messages, keys and verbosities.
#include <sstream>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/structured_log.h"
#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

class LogLinesTest : public EngineTest {
 protected:
  LogLinesTest() { LogToStream(&log_); }
  ~LogLinesTest() override {
    SetVerbosity(0);
    LogToStream(nullptr);
  }
  // Without klog's head.
  std::vector<std::string> Take() {
    std::vector<std::string> lines;
    std::istringstream text(log_.str());
    for (std::string line; std::getline(text, line);) {
      lines.push_back(line.substr(0, 1) + line.substr(line.find(']') + 1));
    }
    log_.str("");
    return lines;
  }
  std::ostringstream log_;
};

using Lines = std::vector<std::string>;

TEST_F(LogLinesTest, ABoundPod) {
  StartEngine(FakeProfile({"FakeFit"}));
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Put(MakeNode("small").Capacity("1", "1Gi"));
  SetVerbosity(2);
  Put(MakePod("p").Req("2"));
  Put(MakePod("q").Req("2"));  // shares the first one's evaluation
  Run();
  const Lines want = {
      R"(I "Successfully bound pod to node" pod="default/p" node="n1" evaluatedNodes=2 feasibleNodes=1)",
      R"(I "Successfully bound pod to node" pod="default/q" node="n1" evaluatedNodes=2 feasibleNodes=1)"};
  EXPECT_EQ(Take(), want);
}

TEST_F(LogLinesTest, EveryStepOfAPod) {
  StartEngine(FakeProfile({"FakeFit"}));
  SetVerbosity(5);
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Put(MakePod("p").Req("2"));
  Run();
  RemovePod("p");
  RemoveNode("n1");
  const Lines want = {
      R"(I "Add event for node" node="n1")",
      R"(I "Add event for unscheduled pod" pod="default/p")",
      R"(I "Pod moved to an internal scheduling queue" pod="default/p" event="UnschedulablePodAdd" queue="Active")",
      R"(I "About to try and schedule pod" pod="default/p")",
      R"(I "Attempting to schedule pod" pod="default/p")",
      R"(I "Delete event for unscheduled pod" pod="default/p")",
      R"(I "Add event for scheduled pod" pod="default/p")",
      R"(I "Successfully bound pod to node" pod="default/p" node="n1" evaluatedNodes=1 feasibleNodes=1)",
      R"(I "Delete event for scheduled pod" pod="default/p")",
      R"(I "Delete event for node" node="n1")"};
  EXPECT_EQ(Take(), want);
}

TEST_F(LogLinesTest, APodThatFitsNowhere) {
  StartEngine(FakeProfile({"FakeFit"}));
  SetVerbosity(3);
  Put(MakePod("p").Req("8"));
  Run(absl::Milliseconds(10));
  const Lines none = {
      R"(I "Add event for unscheduled pod" pod="default/p")",
      R"(I "Attempting to schedule pod" pod="default/p")",
      R"(I "Unable to schedule pod; no nodes are registered to the cluster; waiting" pod="default/p")",
      R"(I "Updating pod condition and nominated node name" pod="default/p" conditionType="PodScheduled" conditionStatus="False" conditionReason="Unschedulable" nominatedNodeName="" nominatingMode=1)"};
  EXPECT_EQ(Take(), none);
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  SetVerbosity(2);
  Run(absl::Seconds(2));
  const Lines full = {
      R"(I "Add event for node" node="n1")",
      R"(I "Unable to schedule pod; no fit; waiting" pod="default/p" err="0/1 nodes are available: 1 does not fit.")"};
  EXPECT_EQ(Take(), full);
}

TEST_F(LogLinesTest, Failures) {
  script_.filter = [](const PodInfo&, const NodeInfo&) { return Error("broken"); };
  StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  Put(MakeNode("n1").Capacity("4", "8Gi"));
  Put(MakePod("p").Req("1"));
  Run(absl::Milliseconds(10));
  EXPECT_EQ(Take(), Lines{R"(E "Error scheduling pod; retrying" err="running \"Scripted\" filter plugin: broken" logger="UnhandledError" pod="default/p")"});
  script_.filter = nullptr;
  world_.on_bind = [](const api::core::Pod&, std::string_view) {
    return absl::UnavailableError("lost");
  };
  SetVerbosity(1);
  Run(absl::Seconds(2));
  const Lines lines = Take();
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(lines[0], R"(I "Failed to bind pod" pod="default/p")");
  EXPECT_EQ(lines[1], R"(E "Error scheduling pod; retrying" err="running Bind plugin \"FakeBinder\": lost" logger="UnhandledError" pod="default/p")");
}

TEST_F(LogLinesTest, APodThatIsGoneWhenItsAttemptFails) {
  script_.hold_post_filter = true;
  StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  Put(MakeNode("n1").Capacity("1", "8Gi"));
  Put(MakePod("p").Req("8"));
  Run(absl::Milliseconds(10));
  ASSERT_EQ(script_.held_post_filters.size(), 1u);
  RemovePod("p");
  script_.held_post_filters[0]({Unschedulable(""), std::nullopt});
  Run(absl::Milliseconds(10));
  EXPECT_EQ(Take(), Lines{R"(I "Pod doesn't exist in informer cache" pod="default/p")"});
}

}  // namespace
}  // namespace berth::framework::testing
