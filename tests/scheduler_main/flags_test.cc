#include "scheduler-main/flags.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace berth::scheduler {
namespace {

std::variant<Flags, int> Parse(std::vector<std::string> words) {
  words.insert(words.begin(), "scheduler");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return ParseFlags(static_cast<int>(argv.size()), argv.data());
}

Flags Read(std::vector<std::string> words) {
  auto parsed = Parse(std::move(words));
  EXPECT_TRUE(std::holds_alternative<Flags>(parsed));
  return std::get<Flags>(parsed);
}

TEST(FlagsTest, Defaults) {
  const Flags flags = Read({});
  EXPECT_EQ(flags.secure_port, 10259);
  EXPECT_EQ(flags.unschedulable_max, absl::Minutes(5));
  EXPECT_EQ(flags.tie_break, framework::TieBreak::kRoundRobin);
  EXPECT_FALSE(flags.leader_elect);
  EXPECT_TRUE(flags.gates.Enabled("NominatedNodeNameForExpectation"));
}

TEST(FlagsTest, TieBreaks) {
  const Flags flags = Read({"--tie-break", "First", "--tie-break=batch:Random"});
  EXPECT_EQ(flags.tie_break, framework::TieBreak::kFirst);
  EXPECT_EQ(flags.profile_tie_break.at("batch"), framework::TieBreak::kRandom);
  EXPECT_EQ(std::get<int>(Parse({"--tie-break=Sometimes"})), 2);
}

TEST(FlagsTest, TheShareOfEvaluationsToVerify) {
  EXPECT_EQ(Read({}).verify_evaluations, 0);
  EXPECT_EQ(Read({"--verify-evaluations"}).verify_evaluations, 1);
  EXPECT_EQ(Read({"--verify-evaluations=0.001"}).verify_evaluations, 0.001);
  for (const char* wrong : {"1.5", "-1", "nan", "some"}) {
    EXPECT_EQ(std::get<int>(Parse({std::string("--verify-evaluations=") + wrong})), 2) << wrong;
  }
}

TEST(FlagsTest, LeaderElectionFlagsWinOverTheFile) {
  const Flags flags = Read({"--config=x", "--leader-elect=false",
                            "--leader-elect-lease-duration=30s", "--kube-api-qps=7"});
  Configuration config = DefaultConfig();
  ApplyFlags(flags, config);
  EXPECT_EQ(config.leader_election.leader_elect, false);
  EXPECT_EQ(config.leader_election.lease_duration, absl::Seconds(30));
  EXPECT_EQ(config.client_connection.qps, 50) << "a deprecated flag, ignored with --config";
}

TEST(FlagsTest, DeprecatedFlagsWithoutAFile) {
  const Flags flags = Read({"--kubeconfig=/k", "--kube-api-qps=7", "--kube-api-burst=9"});
  Configuration config = DefaultConfig();
  ApplyFlags(flags, config);
  EXPECT_EQ(config.client_connection.kubeconfig, "/k");
  EXPECT_EQ(config.client_connection.qps, 7);
  EXPECT_TRUE(config.client_connection.qps_is_explicit);
  EXPECT_EQ(config.client_connection.burst, 9);
}

TEST(FlagsTest, FeatureGates) {
  const Flags flags =
      Read({"--feature-gates=NominatedNodeNameForExpectation=false,OpportunisticBatching=false"});
  EXPECT_FALSE(flags.gates.Enabled("NominatedNodeNameForExpectation"));
  EXPECT_EQ(flags.gates.WithoutEffect(), std::vector<std::string>{"OpportunisticBatching"});
  EXPECT_EQ(FeatureGates::Parse("NoSuchGate=true").status().message(),
            "unrecognized feature gate: NoSuchGate");
  EXPECT_EQ(FeatureGates::Parse("DynamicResourceAllocation=false").status().message(),
            "cannot set feature gate DynamicResourceAllocation to false, feature is locked to "
            "true");
  EXPECT_EQ(FeatureGates::Parse("GangScheduling=true")->PodGroups().status().message(),
            "GangScheduling is enabled, but depends on features that are disabled: "
            "[GenericWorkload]");
  EXPECT_TRUE(FeatureGates::Parse("GangScheduling=true,GenericWorkload=true")->PodGroups().ok());
  EXPECT_TRUE(FeatureGates::Parse("")->Devices()->extended_resources);
  EXPECT_FALSE(FeatureGates::Parse("")->Devices()->taint_rules);
  EXPECT_FALSE(FeatureGates::Parse("DRAExtendedResource=false")->Devices()->extended_resources);
  EXPECT_TRUE(FeatureGates::Parse("DRADeviceTaintRules=true")->Devices()->taint_rules);
  EXPECT_EQ(FeatureGates::Parse("DRADeviceTaintRules=true,DRADeviceTaints=false")
                ->Devices().status().message(),
            "DRADeviceTaintRules is enabled, but depends on features that are disabled: "
            "[DRADeviceTaints]");
  EXPECT_FALSE(FeatureGates::Parse("GangScheduling").ok());
  EXPECT_FALSE(FeatureGates::Parse("GangScheduling=perhaps").ok());
}

TEST(FlagsTest, Logging) {
  EXPECT_EQ(Read({}).logging_format, "text");
  EXPECT_EQ(Read({}).verbosity, 0);
  const Flags flags = Read({"--logging-format=json", "-v=3"});
  EXPECT_EQ(flags.logging_format, "json");
  EXPECT_EQ(flags.verbosity, 3);
  EXPECT_TRUE(flags.ignored.empty());
  EXPECT_EQ(Read({"--v", "5"}).verbosity, 5);
  EXPECT_EQ(std::get<int>(Parse({"--logging-format=xml"})), 2);
}

TEST(FlagsTest, UpstreamsOtherFlagsAreAcceptedAndNamed) {
  const Flags flags = Read({"--authentication-kubeconfig=/a", "--tls-cert-file", "/b"});
  EXPECT_EQ(flags.ignored,
            (std::vector<std::string>{"--authentication-kubeconfig", "--tls-cert-file"}));
}

TEST(FlagsTest, WrongCommandLines) {
  EXPECT_EQ(std::get<int>(Parse({"--no-such-flag"})), 2);
  EXPECT_EQ(std::get<int>(Parse({"--pod-max-in-unschedulable-pods-duration=soon"})), 2);
  EXPECT_EQ(std::get<int>(Parse({"--version"})), 0);
  EXPECT_EQ(std::get<int>(Parse({"--help"})), 0);
}

}  // namespace
}  // namespace berth::scheduler
