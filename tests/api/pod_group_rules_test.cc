// Workloads and groups of pods: what is kept of an update, what is refused.
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/schema/scheduling_v1alpha2.pb.h"
#include "tests/api/rules_of.h"

namespace berth::api {
namespace {

struct Case {
  std::string patch;
  std::string_view want;
};

RulesOf Workloads() {
  return {ResourceOf<gang::Workload>(),
          R"({"metadata":{"name":"w"},"spec":{"podGroupTemplates":[
              {"name":"t","schedulingPolicy":{"basic":{}}}]}})"};
}

RulesOf Groups() {
  return {ResourceOf<gang::PodGroup>(),
          R"({"metadata":{"name":"g"},"spec":{"schedulingPolicy":{"gang":{"minCount":2}}}})"};
}

std::string Spec(std::string_view members) { return fmt::format(R"({{"spec":{{{}}}}})", members); }

std::string Templates(std::string_view items) {
  return Spec(fmt::format(R"("podGroupTemplates":[{}])", items));
}

TEST(WorkloadTest, WhatIsRefused) {
  std::string nine;
  for (int i = 0; i < 9; ++i) {
    nine += fmt::format(R"({}{{"name":"t{}","schedulingPolicy":{{"basic":{{}}}}}})",
                        i == 0 ? "" : ",", i);
  }
  const Case cases[] = {
      {"{}", ""},
      {R"({"metadata":{"name":"w_"}})",
       "metadata.name: Invalid value: \"w_\": a lowercase RFC 1123 subdomain must consist of lower "
       "case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
       "character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
      {Templates(""), "spec.podGroupTemplates: Required value: must have at least one item"},
      {Templates(nine), "spec.podGroupTemplates: Too many: 9: must have at most 8 items"},
      {Templates(R"({"name":"","schedulingPolicy":{}},
                    {"name":"a","schedulingPolicy":{"gang":{"minCount":-1}}},
                    {"name":"a","schedulingPolicy":{"gang":{"minCount":1},"basic":{}}})"),
       "spec.podGroupTemplates[0].name: Required value; "
       "spec.podGroupTemplates[0].schedulingPolicy: Invalid value: \"\": must specify one of: "
       "`basic`, `gang`; "
       "spec.podGroupTemplates[1].schedulingPolicy.gang.minCount: Invalid value: -1: must be "
       "greater than zero; spec.podGroupTemplates[2]: Duplicate value: \"a\"; "
       "spec.podGroupTemplates[2].schedulingPolicy: Invalid value: \"{`basic`, `gang`}\": exactly "
       "one of `basic`, `gang` is required, but multiple fields are set"},
      {Spec(R"("controllerRef":{"apiGroup":"batch","kind":"Job","name":"j"})"), ""},
      {Spec(R"("controllerRef":{"kind":"","name":"a/b"})"),
       "spec.controllerRef.kind: Required value; spec.controllerRef.name: Invalid value: \"a/b\": "
       "may not contain '/'"},
  };
  for (const Case& c : cases) EXPECT_EQ(Workloads().Create(c.patch), c.want) << c.patch;
}

TEST(WorkloadTest, TemplatesAndControllerStay) {
  EXPECT_EQ(Workloads().Update(R"({"metadata":{"labels":{"a":"b"}}})"), "");
  EXPECT_EQ(Workloads().Update(Templates(R"({"name":"u","schedulingPolicy":{"basic":{}}})")),
            "spec.podGroupTemplates: Forbidden: field is immutable");
  const std::string job = Spec(R"("controllerRef":{"kind":"Job","name":"j"})");
  EXPECT_EQ(Workloads().Update(job), "");
  EXPECT_EQ(Workloads().Update(Spec(R"("controllerRef":null)"), job),
            "spec.controllerRef: Invalid value: null: field is immutable");
}

TEST(PodGroupTest, WhatIsRefused) {
  const Case cases[] = {
      {"{}", ""},
      {Spec(R"("schedulingPolicy":{"gang":{"minCount":0}})"),
       "spec.schedulingPolicy.gang.minCount: Required value"},
      {Spec(R"("podGroupTemplateRef":{})"),
       "spec.podGroupTemplateRef: Invalid value: \"\": must specify one of: `workload`"},
      {Spec(R"("podGroupTemplateRef":{"workload":{"workloadName":"w",
               "podGroupTemplateName":""}})"),
       "spec.podGroupTemplateRef.workload.podGroupTemplateName: Required value"},
      {Spec(R"("schedulingConstraints":{"topology":[{"key":"a/b/c"}]})"),
       "spec.schedulingConstraints.topology[0].key: Invalid value: \"a/b/c\": a valid label key "
       "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
       "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
       "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain "
       "prefix and '/' (e.g. 'example.com/MyName')"},
      {Spec(R"("schedulingConstraints":{"topology":[{"key":"a"},{"key":"b"}]})"),
       "spec.schedulingConstraints.topology: Too many: 2: must have at most 1 item"},
      {Spec(R"("resourceClaims":[{"name":"a"},{"name":"a","resourceClaimName":"c",
               "resourceClaimTemplateName":"t"}])"),
       "spec.resourceClaims[0]: Invalid value: \"\": must specify one of: `resourceClaimName`, "
       "`resourceClaimTemplateName`; spec.resourceClaims[1]: Invalid value: "
       "\"{`resourceClaimName`, `resourceClaimTemplateName`}\": exactly one of "
       "`resourceClaimName`, `resourceClaimTemplateName` is required, but multiple fields are "
       "set; spec.resourceClaims[1]: Duplicate value: \"a\""},
      {Spec(R"("disruptionMode":"Some","priority":1000000001)"),
       "spec.disruptionMode: Unsupported value: \"Some\": supported values: \"Pod\", \"PodGroup\"; "
       "spec.priority: Invalid value: 1000000001: must be less than or equal to 1000000000"},
  };
  for (const Case& c : cases) EXPECT_EQ(Groups().Create(c.patch), c.want) << c.patch;
}

TEST(PodGroupTest, TheSpecStays) {
  EXPECT_EQ(Groups().Update(R"({"metadata":{"labels":{"a":"b"}}})"), "");
  EXPECT_EQ(Groups().Update(Spec(R"("schedulingPolicy":{"gang":{"minCount":3}},"priority":1)")),
            "spec.schedulingPolicy: Invalid value: {\"gang\":{\"minCount\":3}}: field is immutable"
            "; spec.priority: Invalid value: 1: field is immutable");
}

}  // namespace
}  // namespace berth::api
