// Pods that are accepted with a word of warning: one row a rule, and what stays without.
// Source: pkg/api/pod/warnings_test.go.
#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/api/warnings_of.h"

namespace berth::api {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

Texts OfContainer(std::string_view fields) { return WarningsOf(WithContainer(fields)); }

TEST(PodWarningsTest, Names) {
  ExpectWarnings(
      {
          {"a label", R"({"metadata":{"name":"web-1"}})", {}},
          {"a subdomain", R"({"metadata":{"name":"web.1"}})",
           {"metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [must not contain dots]"}},
          {"too long for a label", R"({"metadata":{"name":")" + std::string(64, 'a') + "\"}}",
           {"metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [must be no more than 63 characters]"}},
      },
      &WarningsOf);
}

TEST(PodWarningsTest, ChoiceOfNodes) {
  const std::string label_complaint =
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
      "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or "
      "'my_value',  or '12345', regex used for validation is "
      "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
  const std::string required =
      "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
      "nodeSelectorTerms[0].matchExpressions[";
  const std::string preferred =
      "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].preference."
      "matchExpressions[0].";
  ExpectWarnings(
      {
          {"node selector: every deprecated label, sorted",
           R"("nodeSelector":{"scheduler.alpha.kubernetes.io/preferAvoidPods":"a",
              "node-role.kubernetes.io/master":"a","failure-domain.beta.kubernetes.io/zone":"a",
              "failure-domain.beta.kubernetes.io/region":"a","beta.kubernetes.io/os":"a",
              "beta.kubernetes.io/instance-type":"a","beta.kubernetes.io/arch":"a",
              "app.kubernetes.io/created-by":"a","kubernetes.io/arch":"a"})",
           {"spec.nodeSelector[app.kubernetes.io/created-by]: deprecated since v1.9",
            "spec.nodeSelector[beta.kubernetes.io/arch]: deprecated since v1.14; use "
            "\"kubernetes.io/arch\" instead",
            "spec.nodeSelector[beta.kubernetes.io/instance-type]: deprecated since v1.17; use "
            "\"node.kubernetes.io/instance-type\" instead",
            "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "
            "\"kubernetes.io/os\" instead",
            "spec.nodeSelector[failure-domain.beta.kubernetes.io/region]: deprecated since v1.17; "
            "use \"topology.kubernetes.io/region\" instead",
            "spec.nodeSelector[failure-domain.beta.kubernetes.io/zone]: deprecated since v1.17; "
            "use \"topology.kubernetes.io/zone\" instead",
            "spec.nodeSelector[node-role.kubernetes.io/master]: use "
            "\"node-role.kubernetes.io/control-plane\" instead",
            "spec.nodeSelector[scheduler.alpha.kubernetes.io/preferAvoidPods]: deprecated since "
            "v1.22; use Taints and Tolerations instead"}},
          {"required node affinity: keys",
           R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{
              "nodeSelectorTerms":[{"matchExpressions":[{"key":"foo","operator":"Exists"},
              {"key":"beta.kubernetes.io/os","operator":"Exists"}]}]}}})",
           {required + "1].key: beta.kubernetes.io/os is deprecated since v1.14; use "
                       "\"kubernetes.io/os\" instead"}},
          {"preferred node affinity: keys",
           R"("affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[
              {"weight":1,"preference":{"matchExpressions":[
              {"key":"node-role.kubernetes.io/master","operator":"Exists"}]}}]}})",
           {preferred + "key: node-role.kubernetes.io/master is use "
                        "\"node-role.kubernetes.io/control-plane\" instead"}},
          {"preferred node affinity: values that no label has",
           R"("affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[
              {"weight":1,"preference":{"matchExpressions":[
              {"key":"foo","operator":"In","values":["ok","-1"]}]}}]}})",
           {preferred + "values[1]: -1 is invalid, " + label_complaint}},
          {"a text that no header can carry",
           R"("affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[
              {"weight":1,"preference":{"matchExpressions":[
              {"key":"foo","operator":"In","values":["a\r\nSet-Cookie: b"]}]}}]}})",
           {}},
          {"topology spread: key, and a selector that is not there",
           R"("topologySpreadConstraints":[
              {"maxSkew":1,"topologyKey":"zone","whenUnsatisfiable":"DoNotSchedule",
               "labelSelector":{}},
              {"maxSkew":1,"topologyKey":"failure-domain.beta.kubernetes.io/zone",
               "whenUnsatisfiable":"DoNotSchedule"}])",
           {"spec.topologySpreadConstraints[1].topologyKey: "
            "failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "
            "\"topology.kubernetes.io/zone\" instead",
            "spec.topologySpreadConstraints[1].labelSelector: a null labelSelector results in "
            "matching no pod"}},
      },
      &WarningsOfSpec);
}

TEST(PodWarningsTest, AffinityToPods) {
  const std::string terms =
      R"({"requiredDuringSchedulingIgnoredDuringExecution":[
            {"topologyKey":"a","labelSelector":{}},{"topologyKey":"a"}],
          "preferredDuringSchedulingIgnoredDuringExecution":[
            {"weight":1,"podAffinityTerm":{"topologyKey":"a"}}]})";
  const std::string null_selector = ": a null labelSelector results in matching no pod";
  const Texts want = {
      "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[1].labelSelector" +
          null_selector,
      "spec.affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]."
      "podAffinityTerm.labelSelector" + null_selector,
      "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[1]."
      "labelSelector" + null_selector,
      "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]."
      "podAffinityTerm.labelSelector" + null_selector};
  EXPECT_THAT(WarningsOfSpec(R"("affinity":{"podAffinity":)" + terms +
                             R"(,"podAntiAffinity":)" + terms + "}"),
              ElementsAreArray(want));
}

TEST(PodWarningsTest, Annotations) {
  const std::string container = R"(,"spec":{"containers":[{"name":"c","image":"a:v1",
      "securityContext":{"seccompProfile":{"type":"RuntimeDefault"},
                         "appArmorProfile":{"type":"Unconfined"}}}]}})";
  ExpectWarnings(
      {
          {"without a function",
           R"({"metadata":{"annotations":{"foo":"bar",
              "scheduler.alpha.kubernetes.io/critical-pod":"",
              "security.alpha.kubernetes.io/unsafe-sysctls":"a",
              "security.alpha.kubernetes.io/sysctls":"a"}}})",
           {"metadata.annotations[scheduler.alpha.kubernetes.io/critical-pod]: non-functional in "
            "v1.16+; use the \"priorityClassName\" field instead",
            "metadata.annotations[security.alpha.kubernetes.io/sysctls]: non-functional in "
            "v1.11+; use the \"sysctls\" field instead",
            "metadata.annotations[security.alpha.kubernetes.io/unsafe-sysctls]: non-functional in "
            "v1.11+; use the \"sysctls\" field instead"}},
          {"seccomp of the pod and of a container, in place of fields",
           R"({"metadata":{"annotations":{
              "seccomp.security.alpha.kubernetes.io/pod":"runtime/default",
              "container.seccomp.security.alpha.kubernetes.io/c":"runtime/default",
              "container.seccomp.security.alpha.kubernetes.io/other":"runtime/default"}}})",
           {"metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in "
            "v1.27+; use the \"seccompProfile\" field instead",
            "metadata.annotations[container.seccomp.security.alpha.kubernetes.io/c]: "
            "non-functional in v1.27+; use the \"seccompProfile\" field instead"}},
          {"seccomp beside fields",
           R"({"metadata":{"annotations":{
              "container.seccomp.security.alpha.kubernetes.io/c":"runtime/default"}})" + container,
           {}},
          {"AppArmor in place of a field, before everything else",
           R"({"metadata":{"name":"a.b","annotations":{
              "container.apparmor.security.beta.kubernetes.io/c":"unconfined"}}})",
           {"metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated "
            "since v1.30; use the \"appArmorProfile\" field instead",
            "metadata.name: this is used in the Pod's hostname, which can result in surprising "
            "behavior; a DNS label is recommended: [must not contain dots]"}},
          {"AppArmor beside a field",
           R"({"metadata":{"annotations":{
              "container.apparmor.security.beta.kubernetes.io/c":"unconfined"}})" + container,
           {}},
          {"AppArmor that says what the pod's field says",
           R"({"metadata":{"annotations":{
              "container.apparmor.security.beta.kubernetes.io/c":"localhost/a"}},
              "spec":{"securityContext":{"appArmorProfile":{"type":"Localhost",
              "localhostProfile":"a"}}}})",
           {}},
          {"AppArmor that says something else than the pod's field",
           R"({"metadata":{"annotations":{
              "container.apparmor.security.beta.kubernetes.io/c":"runtime/default"}},
              "spec":{"securityContext":{"appArmorProfile":{"type":"Unconfined"}}}})",
           {"metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: deprecated "
            "since v1.30; use the \"appArmorProfile\" field instead"}},
          {"AppArmor on Windows",
           R"({"metadata":{"annotations":{
              "container.apparmor.security.beta.kubernetes.io/c":"unconfined"}},
              "spec":{"os":{"name":"windows"}}})",
           {}},
      },
      &WarningsOf);
}

TEST(PodWarningsTest, OtherFieldsOfTheSpec) {
  ExpectWarnings(
      {
          {"repeated addresses of aliases",
           R"("hostAliases":[{"ip":"1.1.1.1"},{"ip":"1.1.1.2"},{"ip":"1.1.1.1"}])",
           {"spec.hostAliases[2].ip: duplicate ip \"1.1.1.1\""}},
          {"repeated and empty pull secrets",
           R"("imagePullSecrets":[{"name":"a"},{"name":"a"},{},{}])",
           {"spec.imagePullSecrets[1].name: duplicate name \"a\"",
            "spec.imagePullSecrets[3].name: duplicate name \"\"",
            "spec.imagePullSecrets[2].name: invalid empty name \"\"",
            "spec.imagePullSecrets[3].name: invalid empty name \"\""}},
          {"fractions of bytes in the overhead",
           R"("overhead":{"memory":"1.5","ephemeral-storage":"4m","cpu":"1m"})",
           {"spec.overhead[memory]: fractional byte value \"1500m\" is invalid, must be an "
            "integer",
            "spec.overhead[ephemeral-storage]: fractional byte value \"4m\" is invalid, must be "
            "an integer"}},
          {"a grace period below zero", R"("terminationGracePeriodSeconds":-1)",
           {"spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and "
            "will be treated as 1"}},
          {"no grace period", R"("terminationGracePeriodSeconds":0)", {}},
          {"addresses written in two ways",
           R"("dnsConfig":{"nameservers":["1.2.3.4","05.06.07.08"]},
              "hostAliases":[{"ip":"::ffff:1.2.3.4"},{"ip":"2001:DB8::1"}])",
           {"spec.dnsConfig.nameservers[1]: non-standard IP address \"05.06.07.08\" will be "
            "considered invalid in a future Kubernetes release: use \"5.6.7.8\"",
            "spec.hostAliases[0].ip: non-standard IP address \"::ffff:1.2.3.4\" will be "
            "considered invalid in a future Kubernetes release: use \"1.2.3.4\"",
            "spec.hostAliases[1].ip: IPv6 address \"2001:DB8::1\" should be in RFC 5952 canonical "
            "format (\"2001:db8::1\")"}},
      },
      &WarningsOfSpec);
}

TEST(PodWarningsTest, Containers) {
  const auto hides = [](int i) {
    return fmt::format("spec.containers[0].env[{}]: hides previous definition of \"a\", which may "
                       "be dropped when using apply", i);
  };
  ExpectWarnings(
      {
          {"fractions of bytes",
           R"("resources":{"limits":{"memory":"4m","ephemeral-storage":"1Gi"},
              "requests":{"memory":"3m","ephemeral-storage":"4m","cpu":"1m"}})",
           {"spec.containers[0].resources.limits[memory]: fractional byte value \"4m\" is "
            "invalid, must be an integer",
            "spec.containers[0].resources.requests[memory]: fractional byte value \"3m\" is "
            "invalid, must be an integer",
            "spec.containers[0].resources.requests[ephemeral-storage]: fractional byte value "
            "\"4m\" is invalid, must be an integer"}},
          {"whole bytes, also too many for thousandths",
           R"("resources":{"limits":{"memory":"7E"},"requests":{"memory":"1000m"}})", {}},
          {"variables that hide one another",
           R"j("env":[{"name":"a","value":"a"},{"name":"a","value":"other"},{"name":"a"},
              {"name":"a","value":"$(a)"},
              {"name":"a","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}},
              {"name":"b","value":"$(a)"}])j",
           {hides(1), hides(2), hides(3), hides(4)}},
          {"a variable that adds to what it hides",
           R"j("env":[{"name":"a","value":"a"},{"name":"a","value":"$(a):b"}])j", {}},
      },
      &OfContainer);
}

TEST(PodWarningsTest, PortsOfAContainer) {
  const std::string first = "spec.containers[0].ports[0]", second = "spec.containers[0].ports[1]";
  ExpectWarnings(
      {
          {"other number", R"("ports":[{"containerPort":80},{"containerPort":81}])", {}},
          {"other protocol",
           R"("ports":[{"containerPort":80},{"containerPort":80,"protocol":"UDP"}])", {}},
          {"other host port",
           R"("ports":[{"containerPort":80,"hostPort":80},{"containerPort":80,"hostPort":81}])",
           {}},
          {"other address",
           R"("ports":[{"containerPort":80,"hostPort":80,"hostIP":"10.0.0.1"},
              {"containerPort":80,"hostPort":80,"hostIP":"10.0.0.2"}])",
           {}},
          {"the same", R"("ports":[{"containerPort":80},{"containerPort":80}])",
           {second + ": duplicate port definition with " + first}},
          {"the same on an address",
           R"("ports":[{"containerPort":80,"hostPort":80,"hostIP":"10.0.0.1"},
              {"containerPort":80,"hostPort":80,"hostIP":"10.0.0.1"}])",
           {second + ": duplicate port definition with " + first}},
          {"one without a host port",
           R"("ports":[{"containerPort":80,"hostPort":80},{"containerPort":80}])",
           {second + ": overlapping port definition with " + first}},
          {"an address without a host port",
           R"("ports":[{"containerPort":80,"hostIP":"10.0.0.1","name":"web"}])",
           {first + ": hostIP set without hostPort: {Name:web HostPort:0 ContainerPort:80 "
                    "Protocol:TCP HostIP:10.0.0.1}"}},
          {"one of the two without an address, both ways",
           R"("ports":[{"containerPort":80,"hostPort":80,"hostIP":"10.0.0.1"},
              {"containerPort":80,"hostPort":80},
              {"containerPort":80,"hostPort":80,"hostIP":"10.0.0.2"}])",
           {second + ": dangerously ambiguous port definition with " + first,
            "spec.containers[0].ports[2]: dangerously ambiguous port definition with " + second}},
          {"all of these, in order",
           R"("ports":[{"containerPort":80,"hostPort":1,"hostIP":"10.0.0.1"},
              {"containerPort":80},{"containerPort":80,"hostPort":1},
              {"containerPort":80,"hostPort":1,"hostIP":"10.0.0.1"}])",
           {second + ": overlapping port definition with " + first,
            "spec.containers[0].ports[2]: dangerously ambiguous port definition with " + first,
            "spec.containers[0].ports[2]: overlapping port definition with " + second,
            "spec.containers[0].ports[3]: duplicate port definition with " + first,
            "spec.containers[0].ports[3]: overlapping port definition with " + second,
            "spec.containers[0].ports[3]: dangerously ambiguous port definition with "
            "spec.containers[0].ports[2]"}},
      },
      &OfContainer);
}

TEST(PodWarningsTest, PortsOfAllContainers) {
  const Texts warnings = WarningsOfSpec(
      R"("initContainers":[{"name":"i","image":"a:v1","ports":[
           {"containerPort":80,"name":"web"}]}],
         "containers":[{"name":"c","image":"a:v1","ports":[
           {"containerPort":80,"name":"other"},{"containerPort":81,"name":"web"}]}])");
  EXPECT_THAT(warnings,
              ElementsAre("spec.containers[0].ports[0]: duplicate port definition with "
                          "spec.initContainers[0].ports[0]",
                          "spec.containers[0].ports[1]: duplicate port name \"web\" with "
                          "spec.initContainers[0].ports[0], services and probes that select ports "
                          "by name will use spec.initContainers[0].ports[0]"));
}

}  // namespace
}  // namespace berth::api
