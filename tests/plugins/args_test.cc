// Arguments: decoding, defaults, and every complaint of config.md section 3.
#include "plugins/args.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "plugins/args_validation.h"
#include "plugins/registry.h"
#include "tests/plugins/harness.h"

namespace berth::plugins {
namespace {

CompletedArgs Completed(std::string_view plugin, std::string_view json) {
  return CompleteArgs(plugin, *api::JsonValue::Parse(json));
}

std::string Complaints(std::string_view plugin, std::string_view json) {
  const CompletedArgs completed = Completed(plugin, json);
  EXPECT_EQ(completed.problem + completed.strict_problem, "");
  return AggregateText(ValidateArgs(plugin, "args", completed.json));
}

TEST(ArgsTest, Defaults) {
  const struct {
    std::string_view plugin, want;
  } cases[] = {
      {"DefaultPreemption",
       R"("kind":"DefaultPreemptionArgs","minCandidateNodesAbsolute":100,)"
       R"("minCandidateNodesPercentage":10})"},
      {"DynamicResources",
       R"("bindingTimeout":"10m0s","filterTimeout":"10s","kind":"DynamicResourcesArgs"})"},
      {"InterPodAffinity",
       R"("hardPodAffinityWeight":1,"ignorePreferredTermsOfExistingPods":false,)"
       R"("kind":"InterPodAffinityArgs"})"},
      {"NodeAffinity", R"("kind":"NodeAffinityArgs"})"},
      {"NodeResourcesFit",
       R"("kind":"NodeResourcesFitArgs","scoringStrategy":{"resources":[)"
       R"({"name":"cpu","weight":1},{"name":"memory","weight":1}],"type":"LeastAllocated"}})"},
      {"PodTopologySpread", R"("defaultingType":"System","kind":"PodTopologySpreadArgs"})"},
      {"VolumeBinding", R"("bindTimeoutSeconds":600,"kind":"VolumeBindingArgs"})"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.plugin);
    const std::string text = Completed(c.plugin, "{}").json.ToText();
    EXPECT_TRUE(text.ends_with(c.want) ||
                text.find(std::string(c.want.substr(0, c.want.size() - 1))) != text.npos)
        << text;
    EXPECT_EQ(Complaints(c.plugin, "{}"), "");
  }
}

TEST(ArgsTest, ZeroWeightsBecomeOne) {
  EXPECT_NE(Completed("NodeResourcesFit",
                      R"({"scoringStrategy":{"type":"MostAllocated","resources":[{"name":"x"}]}})")
                .json.ToText()
                .find(R"([{"name":"x","weight":1}])"),
            std::string::npos);
}

TEST(ArgsTest, StrictDecoding) {
  EXPECT_EQ(Completed("NodeResourcesFit",
                      R"({"scoringStrategy":{"requestedToCapacityRatio":{"shape":[
                          {"Score":2,"Utilization":1}]}}})")
                .strict_problem,
            "strict decoding error: unknown field "
            "\"scoringStrategy.requestedToCapacityRatio.shape[0].Score\", unknown field "
            "\"scoringStrategy.requestedToCapacityRatio.shape[0].Utilization\"");
  EXPECT_EQ(Completed("InterPodAffinity", R"({"hardPodAffinityWeight":"5"})").problem,
            "json: cannot unmarshal string into Go struct field "
            "InterPodAffinityArgs.hardPodAffinityWeight of type int32");
  EXPECT_NE(Completed("InterPodAffinity", R"({"hardPodAffinityWeight":3000000000})").problem, "");
}

TEST(ArgsTest, Complaints) {
  const struct {
    std::string_view plugin, json, want;
  } cases[] = {
      {"DefaultPreemption", R"({"minCandidateNodesPercentage":-1})",
       "args.minCandidateNodesPercentage: Invalid value: -1: not in valid range [0, 100]"},
      {"InterPodAffinity", R"({"hardPodAffinityWeight":101})",
       "args.hardPodAffinityWeight: Invalid value: 101: not in valid range [0, 100]"},
      {"NodeAffinity",
       R"({"addedAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{
           "nodeSelectorTerms":[{"matchExpressions":[{"key":"a","operator":"In"}]}]}}})",
       "args.addedAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]."
       "matchExpressions[0].values: Invalid value: null: for 'in', 'notin' operators, values set "
       "can't be empty"},
      {"NodeResourcesBalancedAllocation",
       R"({"resources":[{"name":"cpu"},{"name":"cpu","weight":2}]})",
       "[args.resources[1].name: Duplicate value: \"cpu\", args.resources[1].weight: Invalid "
       "value: 2: must be 1]"},
      {"NodeResourcesFit", R"({"scoringStrategy":{"type":"Medium"}})",
       "args.scoringStrategy.type: Unsupported value: \"Medium\": supported values: "
       "\"LeastAllocated\", \"MostAllocated\", \"RequestedToCapacityRatio\""},
      {"NodeResourcesFit",
       R"({"scoringStrategy":{"type":"RequestedToCapacityRatio","requestedToCapacityRatio":{
           "shape":[{"utilization":5,"score":11},{"utilization":5,"score":1},
                    {"utilization":-1,"score":0}]}}})",
       "[args.scoringStrategy.requestedToCapacityRatio.shape[1].utilization: Invalid value: 5: "
       "values must be sorted in increasing order, "
       "args.scoringStrategy.requestedToCapacityRatio.shape[0].score: Invalid value: 11: not in "
       "valid range [0, 10], "
       "args.scoringStrategy.requestedToCapacityRatio.shape[2].utilization: Invalid value: -1: "
       "not in valid range [0, 100]]"},
      {"NodeResourcesFit",
       R"({"ignoredResourceGroups":["a/b"],"scoringStrategy":{"type":"LeastAllocated",
           "requestedToCapacityRatio":{"shape":[]}}})",
       "[args.ignoredResourceGroups[0]: Invalid value: \"a/b\": resource group name can't contain "
       "'/', args.scoringStrategy.requestedToCapacityRatio: Forbidden: must be nil when type is "
       "not RequestedToCapacityRatio]"},
      {"PodTopologySpread",
       R"({"defaultingType":"List","defaultConstraints":[
           {"maxSkew":0,"topologyKey":"","whenUnsatisfiable":"Never","labelSelector":{}}]})",
       "[args.defaultConstraints[0].maxSkew: Invalid value: 0: not in valid range (0, inf), "
       "args.defaultConstraints[0].topologyKey: Required value: can not be empty, "
       "args.defaultConstraints[0].whenUnsatisfiable: Unsupported value: \"Never\": supported "
       "values: \"DoNotSchedule\", \"ScheduleAnyway\", "
       "args.defaultConstraints[0].labelSelector: Forbidden: constraint must not define a "
       "selector, as they deduced for each pod]"},
      {"VolumeBinding", R"({"bindTimeoutSeconds":-1})",
       "args.bindTimeoutSeconds: Invalid value: -1: invalid BindTimeoutSeconds, should not be a "
       "negative value"},
      {"DynamicResources", R"({"filterTimeout":"-1s","bindingTimeout":"10ms"})",
       "[args.filterTimeout: Invalid value: \"-1s\": must be zero or positive, "
       "args.bindingTimeout: Invalid value: \"10ms\": must be at least 1 second]"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.plugin);
    EXPECT_EQ(Complaints(c.plugin, c.json), c.want);
  }
}

TEST(ArgsTest, PluginsRefuseWhatDoesNotValidate) {
  EXPECT_EQ(testing::CreateError("NodeResourcesFit",
                                 R"({"scoringStrategy":{"type":"RequestedToCapacityRatio"}})"),
            "scoringStrategy.requestedToCapacityRatio: Required value: must be specified when "
            "type is RequestedToCapacityRatio");
  EXPECT_EQ(testing::CreateError("NodeResourcesFit", R"({"nonsense":1})"),
            "strict decoding error: unknown field \"nonsense\"");
}

}  // namespace
}  // namespace berth::plugins
