#include "api/validation/validation.h"

#include <gtest/gtest.h>

#include "api/defaults.h"
#include "api/json.h"
#include "api/prepare.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/validation/field_path.h"
#include "api/validation/ip.h"
#include "api/validation/names.h"
#include "api/wire.h"
#include "tests/api/pod_with.h"

namespace berth::api {
namespace {

// A variable of a file of a volume.
std::string FromFile(std::string_view path) {
  return R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}],"containers":[{"name":"c","image":"i",
      "env":[{"name":"A","valueFrom":{"fileKeyRef":{"volumeName":"v","key":"K","path":")" +
         std::string(path) + R"("}}}]}]}})";
}

TEST(ValidatePodTest, WhatIsRefused) {
  const struct { std::string patch; std::string_view want; } cases[] = {
      {"{}", ""},
      {R"({"spec":{"containers":[]}})", "spec.containers: Required value"},
      {R"({"spec":{"restartPolicy":"Sometimes"}})",
       "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", "
       "\"OnFailure\", \"Never\""},
      {R"({"spec":{"schedulingGroup":{}}})",
       "spec.schedulingGroup.podGroupName: Invalid value: null: must specify one of: "
       "`podGroupName`"},
      {R"({"spec":{"schedulingGroup":{"podGroupName":"training"}}})", ""},
      {R"({"spec":{"nodeName":"a","schedulingGates":[{"name":"x/y"}]}})",
       "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared"},
      {R"({"spec":{"activeDeadlineSeconds":0}})",
       "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, "
       "inclusive"},
      {R"({"spec":{"hostAliases":[{"ip":"1.2.3"}]}})",
       "spec.hostAliases[0].ip: Invalid value: \"1.2.3\": must be a valid IP address, (e.g. "
       "10.9.8.7 or 2001:db8::ffff)"},
      {FromFile("/abs"), ""},
      {FromFile("a/../b"),
       "spec.containers[0].env[0].valueFrom.fileKeyRef.path: Invalid value: \"a/../b\": must not "
       "contain '..'"},
      {R"({"spec":{"volumes":[{"name":"i","image":{}}]}})",
       "spec.volumes[0].image.reference: Required value"},
      {R"({"spec":{"hostNetwork":true,"hostUsers":false}})",
       "spec.hostNetwork: Forbidden: when `hostUsers` is false"},
      {R"({"spec":{"topologySpreadConstraints":[
           {"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"},
           {"maxSkew":2,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}]}})",
       "spec.topologySpreadConstraints[0].{topologyKey, whenUnsatisfiable}: Duplicate value: "
       "\"{z, DoNotSchedule}\""},
      {R"({"spec":{"affinity":{"nodeAffinity":
           {"requiredDuringSchedulingIgnoredDuringExecution":{}}}}})",
       "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
       "nodeSelectorTerms: Required value: must have at least one node selector term"},
      {R"({"spec":{"volumes":[{"name":"v","emptyDir":{},"hostPath":{"path":"/x"}}]}})",
       "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"},
      {R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/a/../b"}}]}})",
       "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"},
      {R"({"spec":{"securityContext":{"runAsUser":-1}}})",
       "spec.securityContext.runAsUser: Invalid value: -1: must be between 0 and 2147483647, "
       "inclusive"},
      {R"({"spec":{"resources":{"requests":{"cpu":"1"},"limits":{"cpu":"500m"}}}})",
       "spec.resources.requests: Invalid value: \"1\": must be less than or equal to cpu limit "
       "of 500m"},
      {R"({"spec":{"ephemeralContainers":[{"name":"e","image":"x"}]}})",
       "spec.ephemeralContainers: Forbidden: cannot be set on create"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.patch);
    EXPECT_EQ(Describe(ValidateCreate(ResourceOf<core::Pod>(), PodWith(c.patch))), c.want);
  }
}

TEST(ValidatePodTest, Containers) {
  constexpr std::string_view kAt = "spec.containers[0].";
  const struct { std::string_view fields, want; } cases[] = {
      {R"("ports":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}])",
       "ports[1].name: Duplicate value: \"a\""},
      {R"("resources":{"requests":{"foo":"1"}})",
       "resources.requests[foo]: Invalid value: \"foo\": must be a standard resource type or "
       "fully qualified; spec.containers[0].resources.requests[foo]: Invalid value: \"foo\": must "
       "be a standard resource for containers"},
      {R"("resources":{"requests":{"a.io/b":"1"}})",
       "resources.limits: Required value: Limit must be set for non overcommitable resources"},
      {R"("resources":{"limits":{"a.io/b":"1500m"}})",
       "resources.limits[a.io/b]: Invalid value: \"1500m\": must be an integer; "
       "spec.containers[0].resources.requests[a.io/b]: Invalid value: \"1500m\": must be an "
       "integer"},
      {R"("resources":{"limits":{"cpu":"1","hugepages-2Mi":"3Mi"}})",
       "resources.limits[hugepages-2Mi]: Invalid value: \"3Mi\": 3Mi is not positive integer "
       "multiple of hugepages-2Mi; spec.containers[0].resources.requests[hugepages-2Mi]: Invalid "
       "value: \"3Mi\": 3Mi is not positive integer multiple of hugepages-2Mi"},
      {R"("resources":{"claims":[{"name":"x"}]})",
       "resources.claims[0]: Not found: \"x\": must be one of the names in "
       "pod.spec.resourceClaims which is empty"},
      {R"("env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.foo"}}}])",
       "env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.foo\": error converting "
       "fieldPath: field label not supported: spec.foo"},
      {R"("env":[{"name":"A","valueFrom":{}}])",
       "env[0].valueFrom: Invalid value: \"\": must specify one of: `fieldRef`, "
       "`resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"},
      {R"("livenessProbe":{})", "livenessProbe: Required value: must specify a handler type"},
      {R"("livenessProbe":{"exec":{"command":["a"]},"tcpSocket":{"port":1}})",
       "livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"},
      {R"("readinessProbe":{"httpGet":{"port":"UPPER"}})",
       "readinessProbe.httpGet.port: Invalid value: \"UPPER\": must contain only alpha-numeric "
       "characters (a-z, 0-9), and hyphens (-); spec.containers[0].readinessProbe.httpGet.port: "
       "Invalid value: \"UPPER\": must contain at least one letter (a-z)"},
      {R"("lifecycle":{"preStop":{"sleep":{"seconds":31}}})",
       "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than "
       "terminationGracePeriodSeconds (30)"},
      {R"("imagePullPolicy":"Maybe")",
       "imagePullPolicy: Unsupported value: \"Maybe\": supported values: \"Always\", "
       "\"IfNotPresent\", \"Never\""},
      {R"("restartPolicyRules":[{"action":"Restart","exitCodes":{"operator":"In","values":[1]}}])",
       "restartPolicy: Required value: must specify restartPolicy when restart rules are used"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.fields);
    const core::Pod pod = PodWith(WithContainer(c.fields));
    EXPECT_EQ(Describe(ValidateCreate(ResourceOf<core::Pod>(), pod)),
              std::string(kAt) + std::string(c.want));
  }
}

// A gated pod with requirements of its node.
std::string Gated(std::string_view requirements) {
  return R"({"spec":{"schedulingGates":[{"name":"a/b"}],"affinity":{"nodeAffinity":{
      "requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[
      {"matchExpressions":[)" + std::string(requirements) + "]}]}}}}}";
}

// from, to: merge patches of the same valid pod.
TEST(ValidatePodTest, Updates) {
  const struct { std::string from, to; std::string_view want; } cases[] = {
      {"{}", WithContainer(R"("stdin":false)"), ""},
      {"{}", R"({"spec":{"containers":[{"name":"c","image":"other"}]}})",
       "spec: Forbidden: pod updates may not change fields other than"},  // the pull policy too
      {"{}", R"({"spec":{"tolerations":[{"operator":"Exists"}]}})", ""},
      {R"({"spec":{"tolerations":[{"operator":"Exists"}]}})", "{}",
       "spec.tolerations: Forbidden: existing toleration can not be modified except its "
       "tolerationSeconds"},
      {"{}", R"({"spec":{"nodeName":"n1"}})",
       "spec: Forbidden: pod updates may not change fields other than"},
      {"{}", R"({"spec":{"schedulingGates":[{"name":"a/b"}]}})",
       "spec.schedulingGates[0].name: Forbidden: only deletion is allowed, but found new "
       "scheduling gate 'a/b'"},
      {R"({"spec":{"schedulingGates":[{"name":"a/b"}]}})", "{}", ""},
      {R"({"spec":{"schedulingGates":[{"name":"a/b"}]}})",
       R"({"spec":{"schedulingGates":[{"name":"a/b"}],"nodeSelector":{"x":"y"}}})", ""},
      {R"({"spec":{"schedulingGates":[{"name":"a/b"}],"nodeSelector":{"x":"y"}}})",
       R"({"spec":{"schedulingGates":[{"name":"a/b"}],"nodeSelector":{"x":"z"}}})",
       "spec.nodeSelector: Invalid value: {\"x\":\"z\"}: only additions to spec.nodeSelector are "
       "allowed (no mutations or deletions)"},
      {Gated(R"({"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"})"),
       Gated(R"({"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"},
                {"key":"c","operator":"Exists"})"), ""},
      {Gated(R"({"key":"a","operator":"Exists"},{"key":"b","operator":"Exists"})"),
       Gated(R"({"key":"b","operator":"Exists"},{"key":"a","operator":"Exists"})"),
       "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
       "nodeSelectorTerms[0]: Invalid value: {\"MatchExpressions\":[{\"Key\":\"b\",\"Operator\":"
       "\"Exists\",\"Values\":null},{\"Key\":\"a\",\"Operator\":\"Exists\",\"Values\":null}],"
       "\"MatchFields\":null}: only additions are allowed (no mutations or deletions)"},
      {R"({"spec":{"activeDeadlineSeconds":10}})", R"({"spec":{"activeDeadlineSeconds":5}})", ""},
      {R"({"spec":{"activeDeadlineSeconds":5}})", R"({"spec":{"activeDeadlineSeconds":10}})",
       "spec.activeDeadlineSeconds: Invalid value: 10: must be less than or equal to previous "
       "value"},
  };
  const Resource& pods = ResourceOf<core::Pod>();
  for (const auto& c : cases) {
    SCOPED_TRACE(c.from + " -> " + c.to);
    core::Pod old = PodWith(c.from), pod = PodWith(c.to);
    old.mutable_metadata()->set_resource_version("1");
    pod.mutable_metadata()->set_resource_version("1");
    PrepareForUpdate(pods, "", old, pod);
    const std::string got = Describe(ValidateUpdate(pods, pod, old));
    EXPECT_EQ(got.substr(0, c.want.size()), c.want) << got;
    EXPECT_EQ(got.empty(), c.want.empty()) << got;
  }
}

// MountOption is behind the gate SELinuxMount, which is off: a pod that has it keeps it.
TEST(ValidatePodTest, SeLinuxChangePolicies) {
  const Resource& pods = ResourceOf<core::Pod>();
  const auto with = [](std::string_view policy) {
    core::Pod pod = PodWith(R"({"spec":{"securityContext":{"seLinuxChangePolicy":")" +
                            std::string(policy) + "\"}}}");
    pod.mutable_metadata()->set_resource_version("1");
    return pod;
  };
  EXPECT_EQ(Describe(ValidateCreate(pods, with("Recursive"))), "");
  EXPECT_EQ(Describe(ValidateCreate(pods, with("MountOption"))),
            "spec.securityContext.seLinuxChangePolicy: Unsupported value: \"MountOption\": "
            "supported values: \"Recursive\"");
  EXPECT_EQ(Describe(ValidateUpdate(pods, with("MountOption"), with("MountOption"))), "");
}

TEST(ValidatePodTest, TerminatedContainersStayTerminated) {
  const Resource& pods = ResourceOf<core::Pod>();
  core::Pod old = PodWith(R"({"spec":{"restartPolicy":"Never"}})");
  old.mutable_metadata()->set_resource_version("1");
  auto& status = *old.mutable_status()->add_container_statuses();
  status.set_name("c");
  status.mutable_state()->mutable_terminated();
  core::Pod pod = old;
  pod.mutable_status()->mutable_container_statuses(0)->mutable_state()->clear_terminated();
  EXPECT_EQ(Describe(ValidateStatusUpdate(pods, pod, old)),
            "status.containerStatuses[0].state: Forbidden: may not be transitioned to "
            "non-terminated state");
}

TEST(ValidateAnyTest, UpdatesNeedAVersionAndKeepTheName) {
  const Resource& maps = ResourceOf<core::ConfigMap>();
  core::ConfigMap old, map;
  old.mutable_metadata()->set_name("a");
  old.mutable_metadata()->set_namespace_("n");
  old.mutable_metadata()->set_uid("u");
  map = old;
  map.mutable_metadata()->set_uid("v");
  const std::string once =
      "metadata.resourceVersion: Invalid value: \"\": must be specified for an update; "
      "metadata.uid: Invalid value: \"v\": field is immutable";
  // Upstream checks metadata twice: for every kind, and by the kind's own rules.
  EXPECT_EQ(Describe(ValidateUpdate(maps, map, old)), once + "; " + once);
}

TEST(ValidateNodeTest, UpdatesKeepWhatIsSetOnce) {
  core::Node old;
  ASSERT_TRUE(ParseJson(R"({"metadata":{"name":"n","resourceVersion":"1"},
      "spec":{"podCIDRs":["10.0.0.0/24"],"providerID":"x"}})", old).ok());
  core::Node node = old;
  node.mutable_spec()->set_pod_cidrs(0, "10.1.0.0/24");
  node.mutable_spec()->set_provider_id("y");
  auto& taint = *node.mutable_spec()->add_taints();
  taint.set_key("a");
  const std::string taint_text = "metadata.taints[0].effect: Required value";
  const std::string want =
      "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to "
      "valid; spec.providerID: Forbidden: node updates may not change providerID except "
      "from \"\" to valid; " + taint_text;
  EXPECT_EQ(Describe(ValidateStatusUpdate(ResourceOf<core::Node>(), node, old)), want);
  // Upstream judges the node as a new one as well.
  EXPECT_EQ(Describe(ValidateUpdate(ResourceOf<core::Node>(), node, old)),
            taint_text + "; " + want);
}

TEST(ValidateNamespaceTest, FinalizersAreFinalizedOnly) {
  const Resource& spaces = ResourceOf<core::Namespace>();
  core::Namespace old;
  old.mutable_metadata()->set_name("n");
  PrepareForCreate(spaces, old);
  EXPECT_EQ(Describe(ValidateCreate(spaces, old)), "");
  old.mutable_metadata()->set_resource_version("1");
  core::Namespace space = old;
  space.mutable_spec()->clear_finalizers();
  PrepareForUpdate(spaces, "", old, space);
  EXPECT_EQ(space.spec().finalizers_size(), 1);
  space.mutable_spec()->clear_finalizers();
  PrepareForUpdate(spaces, "finalize", old, space);
  EXPECT_EQ(space.spec().finalizers_size(), 0);
  space.mutable_status()->set_phase("Terminating");
  EXPECT_EQ(Describe(ValidateStatusUpdate(spaces, space, old)),
            "status.Phase: Invalid value: \"Terminating\": may only be 'Active' if "
            "`deletionTimestamp` is empty");
}

TEST(ValidateBindingTest, TargetsAreNodes) {
  core::Binding binding;
  binding.mutable_target()->set_kind("Pod");
  EXPECT_EQ(Describe(ValidateBinding(binding)),
            "target.kind: Unsupported value: \"Pod\": supported values: \"Node\", \"<empty>\"; "
            "target.name: Required value");
}

TEST(FieldPathTest, Texts) {
  using validation::FieldPath;
  const FieldPath spec("spec");
  const FieldPath container = spec.Child("containers", 2);
  const FieldPath limits = container.Child("resources.limits");
  EXPECT_EQ(limits.Key("cpu").ToString(), "spec.containers[2].resources.limits[cpu]");
  EXPECT_EQ(spec.Index(1).ToString(), "spec[1]");
  EXPECT_EQ(FieldPath("").ToString(), "[]");
}

TEST(NamesTest, GoodAndBad) {
  using validation::Complaints;
  const std::string long_name(64, 'a'), longer(254, 'a');
  const struct { Complaints (*rule)(std::string_view); std::string text; bool good; } cases[] = {
      {validation::IsDns1123Label, "a-1", true}, {validation::IsDns1123Label, "a.b", false},
      {validation::IsDns1123Label, "-a", false}, {validation::IsDns1123Label, "", false},
      {validation::IsDns1123Label, long_name, false},
      {validation::IsDns1123Subdomain, "a.b-c.d", true},
      {validation::IsDns1123Subdomain, "a..b", false},
      {validation::IsDns1123Subdomain, "a.", false},
      {validation::IsDns1123Subdomain, longer, false},
      {validation::IsQualifiedName, "a.io/B_c.d", true},
      {validation::IsQualifiedName, "/b", false}, {validation::IsQualifiedName, "a/", false},
      {validation::IsQualifiedName, "a/b/c", false},
      {validation::IsQualifiedName, "A.io/b", false},
      {validation::IsLabelValue, "", true}, {validation::IsLabelValue, "a_B.1", true},
      {validation::IsLabelValue, "a ", false}, {validation::IsLabelValue, long_name, false},
      {validation::IsDns1035Label, "a1", true}, {validation::IsDns1035Label, "1a", false},
      {validation::IsConfigMapKey, "a.B-_", true}, {validation::IsConfigMapKey, "..a", false},
      {validation::IsPercent, "10%", true}, {validation::IsPercent, "%", false},
      {validation::IsPathSegmentName, "a b", true}, {validation::IsPathSegmentName, "a/b", false},
      {validation::IsPathSegmentName, "..", false},
  };
  for (const auto& c : cases) EXPECT_EQ(c.rule(c.text).empty(), c.good) << c.text;
}

TEST(IpTest, NewValuesAreWrittenInOneWay) {
  constexpr std::string_view kZeroes = "must not have leading 0s";
  const struct { void (*rule)(std::string_view, const validation::FieldPath&, validation::Errors&);
                 std::string_view text, want; } cases[] = {
      {validation::ValidateIp, "10.0.0.1", ""}, {validation::ValidateIp, "fd00::1", ""},
      {validation::ValidateIp, "10.0.0.01", kZeroes},
      {validation::ValidateIp, "::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address"},
      {validation::ValidateCidr, "10.0.0.0/8", ""}, {validation::ValidateCidr, "fd00::/64", ""},
      {validation::ValidateCidr, "0.0.0.0/0", ""}, {validation::ValidateCidr, "1.2.3.4/32", ""},
      {validation::ValidateCidr, "010.0.0.0/8", kZeroes},
      {validation::ValidateCidr, "10.0.0.0/08", kZeroes},
      {validation::ValidateCidr, "10.0.0.1/8", "must not have bits set beyond the prefix length"},
      {validation::ValidateCidr, "fd00::1/64", "must not have bits set beyond the prefix length"},
      {validation::ValidateCidr, "::ffff:1.2.3.0/120",
       "must not have an IPv4-mapped IPv6 address"},
  };
  for (const auto& c : cases) {
    validation::Errors errors;
    c.rule(c.text, validation::FieldPath("x"), errors);
    const std::string got = Describe(errors.Take());
    EXPECT_EQ(got.empty(), c.want.empty()) << got;
    EXPECT_NE(got.find(c.want), std::string::npos) << c.text << ": " << got;
  }
}

TEST(IpTest, Families) {
  using validation::IpFamily;
  EXPECT_EQ(validation::ParseIp("10.0.0.1"), IpFamily::kV4);
  EXPECT_EQ(validation::ParseIp("010.000.000.001"), IpFamily::kV4);
  EXPECT_EQ(validation::ParseIp("::1"), IpFamily::kV6);
  EXPECT_EQ(validation::ParseIp("::ffff:1.2.3.4"), IpFamily::kV4);
  EXPECT_EQ(validation::ParseIp("1.2.3"), std::nullopt);
  EXPECT_EQ(validation::ParseIp("1.2.3.256"), std::nullopt);
  EXPECT_EQ(validation::ParseCidr("10.0.0.0/8"), IpFamily::kV4);
  EXPECT_EQ(validation::ParseCidr("10.0.0.0/33"), std::nullopt);
  EXPECT_EQ(validation::ParseCidr("fd00::/64"), IpFamily::kV6);
  EXPECT_EQ(validation::ParseCidr("fd00::"), std::nullopt);
}

}  // namespace
}  // namespace berth::api
