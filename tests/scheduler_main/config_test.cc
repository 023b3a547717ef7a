// Reading, completing and refusing configuration files: one row per rule.
#include "scheduler-main/config.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "tests/scheduler_main/config_cases.h"

namespace berth::scheduler {
namespace {

const std::string kHead =
    "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n";

std::string ErrorOf(const std::string& body) {
  auto written = testing::Complete(kHead + body);
  return written.ok() ? "" : std::string(ToStd(written.status().message()));
}

Configuration Read(const std::string& body) {
  auto config = DecodeConfig(kHead + body);
  EXPECT_TRUE(config.ok()) << config.status();
  EXPECT_TRUE(ValidateConfig(*config).ok());
  EXPECT_TRUE(CompleteProfiles(*config, {"Mine"}).ok());
  return *config;
}

TEST(ConfigTest, Defaults) {
  const Configuration config = Read("");
  EXPECT_EQ(config.parallelism, 16);
  EXPECT_EQ(config.leader_election.lease_duration, absl::Seconds(15));
  EXPECT_EQ(config.client_connection.qps, 50);
  EXPECT_FALSE(config.client_connection.qps_is_explicit);
  ASSERT_EQ(config.profiles.size(), 1u);
  EXPECT_EQ(config.profiles[0].scheduler_name, "default-scheduler");
  EXPECT_EQ(config.profiles[0].plugins.multi_point.enabled.size(), 20u);
  EXPECT_EQ(config.profiles[0].plugin_config.size(), 8u);
  EXPECT_TRUE(Read("clientConnection: {qps: 50}").client_connection.qps_is_explicit);
}

TEST(ConfigTest, CompletedConfigurationReadsBackAsItself) {
  const std::string once = WriteConfig(Read(
      "profiles:\n- schedulerName: a\n  plugins: {score: {disabled: [{name: ImageLocality}]}}\n"));
  auto again = testing::Complete(once);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(*again, once);
}

TEST(ConfigTest, JsonIsReadToo) {
  auto config = DecodeConfig(
      R"({"apiVersion":"kubescheduler.config.k8s.io/v1","kind":"KubeSchedulerConfiguration",)"
      R"("parallelism":3})");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->parallelism, 3);
}

TEST(ConfigTest, OutOfTreePluginsKeepTheirArguments) {
  const Configuration config = Read(
      "profiles:\n- plugins: {score: {enabled: [{name: Mine, weight: 7}]}}\n"
      "  pluginConfig: [{name: Mine, args: {anything: [1, two]}}]\n");
  const auto profiles = ToProfileConfigs(config);
  ASSERT_EQ(profiles.size(), 1u);
  const auto& score = profiles[0].plugins.at(framework::ExtensionPoint::kScore);
  ASSERT_EQ(score.enabled.size(), 1u);
  EXPECT_EQ(score.enabled[0].name, "Mine");
  EXPECT_EQ(score.enabled[0].weight, 7);
  EXPECT_FALSE(score.enabled[0].from_default);
  const auto& entries = profiles[0].plugin_config;
  const auto mine = std::find_if(entries.begin(), entries.end(),
                                 [](const auto& entry) { return entry.name == "Mine"; });
  ASSERT_NE(mine, entries.end());
  EXPECT_EQ(mine->args_json, R"({"anything":[1,"two"]})");
}

TEST(ConfigTest, ExtendersIgnoredResourcesReachNodeResourcesFit) {
  const Configuration config = Read(
      "extenders: [{urlPrefix: 'http://127.0.0.1:1', filterVerb: f, managedResources: "
      "[{name: a.com/x, ignoredByScheduler: true}]}]\n");
  EXPECT_EQ(config.extenders[0].http_timeout, absl::Seconds(5));
  EXPECT_NE(WriteConfig(config).find("ignoredResources:\n      - a.com/x"), std::string::npos)
      << WriteConfig(config);
}

TEST(ConfigTest, Errors) {
  const struct {
    std::string_view name, body, want;
  } cases[] = {
      {"unknown fields, all of them", "zzz: 1\nleaderElection: {aaa: 1}\n",
       "strict decoding error: unknown field \"leaderElection.aaa\", unknown field \"zzz\""},
      {"duplicate", "parallelism: 1\nparallelism: 2\n",
       "strict decoding error: duplicate field \"parallelism\""},
      {"unknown argument",
       "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {weight: 1}}]}]\n",
       "strict decoding error: decoding .profiles[0].pluginConfig[0]: strict decoding error: "
       "decoding args for plugin InterPodAffinity: strict decoding error: unknown field "
       "\"weight\""},
      {"several at once", "parallelism: 0\npodInitialBackoffSeconds: 0\n",
       "[parallelism: Invalid value: 0: should be an integer value greater than zero, "
       "podInitialBackoffSeconds: Invalid value: 0: must be greater than 0]"},
      {"burst", "clientConnection: {burst: -1}\n",
       "clientConnection.burst: Invalid value: -1: must be non-negative"},
      {"removed plugin",
       "profiles: [{plugins: {filter: {enabled: [{name: EBSLimits}]}}}]\n",
       "profiles[0].plugins.filter.enabled[0]: Invalid value: \"EBSLimits\": was invalid in "
       "version \"v1\" (KubeSchedulerConfiguration is version "
       "\"kubescheduler.config.k8s.io/v1\")"},
      {"two binders",
       "extenders: [{urlPrefix: 'http://a', bindVerb: b}, {urlPrefix: 'http://b', bindVerb: b}]\n",
       "extenders: Invalid value: \"found 2 extenders implementing bind\": only one extender can "
       "implement bind"},
      {"two queue sorts",
       "profiles: [{plugins: {queueSort: {enabled: [{name: PrioritySort}, {name: Other}]}}}]\n",
       "profiles[0].plugins.queueSort.Enabled: Invalid value: 2: only one queue sort plugin can "
       "be enabled"},
      {"wrong point", "profiles: [{plugins: {filter: {enabled: [{name: ImageLocality}]}}}]\n",
       "initializing profiles: creating profile for scheduler name default-scheduler: plugin "
       "\"ImageLocality\" does not extend FilterPlugin plugin"},
      {"twice at one point",
       "profiles: [{plugins: {score: {enabled: [{name: ImageLocality}, {name: "
       "ImageLocality}]}}}]\n",
       "initializing profiles: creating profile for scheduler name default-scheduler: plugin "
       "\"ImageLocality\" already registered as \"ScorePlugin\""},
      {"invalid arguments of a plugin when it is built",
       "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {ignoredResourceGroups: "
       "[a/b]}}]}]\n",
       "initializing profiles: creating profile for scheduler name default-scheduler: "
       "initializing plugin \"NodeResourcesFit\": ignoredResourceGroups[0]: Invalid value: "
       "\"a/b\": resource group name can't contain '/'"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(ErrorOf(std::string(c.body)), c.want);
  }
}

TEST(ConfigTest, RefusesOtherKinds) {
  for (std::string_view text :
       {"", "a: [1, 2", "apiVersion: v1\nkind: Pod\n", "kind: KubeSchedulerConfiguration\n",
        "apiVersion: kubescheduler.config.k8s.io/v1beta3\nkind: KubeSchedulerConfiguration\n",
        "- 1\n", "just text"}) {
    SCOPED_TRACE(text);
    EXPECT_FALSE(DecodeConfig(text).ok());
  }
}

}  // namespace
}  // namespace berth::scheduler
