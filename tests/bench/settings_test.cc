#include "bench/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/scenario.h"

namespace berth::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() { workload_.feature_gates = {{"SchedulerQueueingHints", false}}; }
  Settings Describe(const Options& options) {
    auto described = DescribeSettings(options, {&file_, &case_, &workload_});
    EXPECT_TRUE(described.ok()) << described.status();
    return *std::move(described);
  }

  WorkloadFile file_;
  TestCase case_;
  Workload workload_;
};

TEST_F(SettingsTest, SayWhatEachTargetIs) {
  Options options;
  Settings said = Describe(options);
  EXPECT_EQ(said["tie_break"], "RoundRobin");
  EXPECT_EQ(said["nodes_scored"], "all");
  EXPECT_EQ(said["client_qps"], "no client");
  EXPECT_EQ(said["durability"], "none");
  EXPECT_EQ(said["feature_gates_without_effect"], "SchedulerQueueingHints=false");
  EXPECT_EQ(said["queueing_hints"], "on (the workload asks for: off)");
  options.target = "stack";
  options.client_qps = 5000;
  said = Describe(options);
  EXPECT_EQ(said["client_qps"], "5000");
  EXPECT_THAT(said["durability"], HasSubstr("on disk before acknowledged"));
  options.null_scheduler = true;
  said = Describe(options);
  EXPECT_THAT(said["scheduler"], HasSubstr("null"));
  EXPECT_EQ(said["tie_break"], "none");
  options = {};
  options.target = "cluster";
  said = Describe(options);
  EXPECT_EQ(said["tie_break"], "unknown");
  EXPECT_EQ(said["client_qps"], "unlimited");
  EXPECT_THAT(said["feature_gates"], HasSubstr("asks for: SchedulerQueueingHints=false"));
}

TEST_F(SettingsTest, OptionsThatDoNotGoTogether) {
  const auto error = [](const Options& options) {
    return std::string(CheckOptions(options).message());
  };
  Options options;
  EXPECT_TRUE(CheckOptions(options).ok());
  options.client_qps = 5000;
  EXPECT_THAT(error(options), HasSubstr("--client-qps"));
  options = {};
  options.target = "cluster";
  EXPECT_THAT(error(options), HasSubstr("--kubeconfig"));
  options.kubeconfig = "x";
  options.null_scheduler = true;
  EXPECT_THAT(error(options), HasSubstr("--null-scheduler"));
  options = {};
  options.svg = "x.svg";
  EXPECT_THAT(error(options), HasSubstr("--svg"));
  options.rates = {1000};
  EXPECT_TRUE(CheckOptions(options).ok());
  options.min_seconds = 10;
  EXPECT_THAT(error(options), HasSubstr("--min-seconds"));
}

TEST_F(SettingsTest, ScenariosThatDidNotHappen) {
  WorkloadResult result;
  Measurement measured;
  case_.name = "PreemptionAsync";
  case_.ops.emplace_back().code = OpCode::kChurn;
  EXPECT_THAT(CheckScenario(case_, result, measured).missing,
              ElementsAre(HasSubstr("churn made nothing"), "no pod was preempted"));
  result.churned = 1;
  result.tally.victims = 1;
  EXPECT_TRUE(CheckScenario(case_, result, measured).happened());
  measured.offer.emplace();
  measured.offer->pods = 10;
  measured.offer->unbound.resize(3);
  EXPECT_THAT(CheckScenario(case_, result, measured).missing,
              ElementsAre("3 of 10 offered pods were not bound"));
}

}  // namespace
}  // namespace berth::bench
