// Services, replication controllers, StatefulSets: defaults, what is kept of an update, what is
// refused. Cases follow pkg/apis/{core,apps}/validation's tests.
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_controller.pb.h"
#include "api/schema/core_v1_service.pb.h"
#include "tests/api/rules_of.h"

namespace berth::api {
namespace {

struct Case {
  std::string patch;
  std::string_view want;
};

std::string Spec(std::string_view members) { return fmt::format(R"({{"spec":{{{}}}}})", members); }

RulesOf Services() {
  return {ResourceOf<core::Service>(),
          R"({"metadata":{"name":"s"},"spec":{"selector":{"a":"b"},"ports":[{"port":80}]}})"};
}

RulesOf Controllers() {
  return {ResourceOf<core::ReplicationController>(),
          R"({"metadata":{"name":"r"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},
              "spec":{"containers":[{"name":"c","image":"i"}]}}}})"};
}

RulesOf Sets() {
  return {ResourceOf<apps::StatefulSet>(),
          R"({"metadata":{"name":"s"},"spec":{"selector":{"matchLabels":{"a":"b"}},
              "template":{"metadata":{"labels":{"a":"b"}},
              "spec":{"containers":[{"name":"c","image":"i"}]}}}})"};
}

TEST(ServiceTest, Defaults) {
  const Case cases[] = {
      {"{}",
       R"("type":"ClusterIP","sessionAffinity":"None","ipFamilies":["IPv4"],)"
       R"("ipFamilyPolicy":"SingleStack","internalTrafficPolicy":"Cluster")"},
      {Spec(R"("type":"LoadBalancer")"),
       R"("type":"LoadBalancer","sessionAffinity":"None","externalTrafficPolicy":"Cluster",)"
       R"("ipFamilies":["IPv4"],"ipFamilyPolicy":"SingleStack",)"
       R"("allocateLoadBalancerNodePorts":true,"internalTrafficPolicy":"Cluster")"},
      {Spec(R"("type":"ExternalName","externalName":"x.example","ports":null)"),
       R"("type":"ExternalName","sessionAffinity":"None","externalName":"x.example")"},
      {Spec(R"("clusterIP":"None","selector":null)"),
       R"("clusterIP":"None","clusterIPs":["None"],"type":"ClusterIP","sessionAffinity":"None",)"
       R"("ipFamilies":["IPv4","IPv6"],"ipFamilyPolicy":"RequireDualStack",)"
       R"("internalTrafficPolicy":"Cluster")"},
      {Spec(R"("clusterIP":"10.0.0.9")"), R"("clusterIP":"10.0.0.9","clusterIPs":["10.0.0.9"])"},
      {Spec(R"("sessionAffinity":"ClientIP")"),
       R"("sessionAffinity":"ClientIP","sessionAffinityConfig":{"clientIP":)"
       R"({"timeoutSeconds":10800}})"},
      {Spec(R"("externalIPs":["1.2.3.4"])"), R"("externalTrafficPolicy":"Cluster")"},
      {Spec(R"("ports":[{"port":80,"targetPort":""},{"name":"x","port":1,"targetPort":"h"}])"),
       R"("ports":[{"protocol":"TCP","port":80,"targetPort":80},{"name":"x","protocol":"TCP",)"
       R"("port":1,"targetPort":"h"}])"},
  };
  for (const Case& c : cases) {
    const std::string stored = Services().Stored(c.patch);
    EXPECT_NE(stored.find(c.want), std::string::npos) << c.patch << "\n" << stored;
  }
}

TEST(ServiceTest, WhatIsRefused) {
  const Case cases[] = {
      {"{}", ""},
      {Spec(R"("clusterIP":"None")"), ""},
      {Spec(R"("ports":null)"), "spec.ports: Required value"},
      {Spec(R"("type":"NodePort","clusterIP":"None")"),
       "spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort "
       "services"},
      {Spec(R"("type":"ExternalName","clusterIP":"10.0.0.1")"),
       "spec.clusterIPs: Forbidden: may not be set for ExternalName services; spec.externalName: "
       "Required value"},
      {Spec(R"("ports":[{"port":0,"protocol":"ICMP","targetPort":70000}])"),
       "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive; "
       "spec.ports[0].protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", "
       "\"UDP\"; spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, "
       "inclusive"},
      {Spec(R"("ports":[{"name":"a","port":1},{"name":"b","port":1}])"),
       "spec.ports[1]: Duplicate value: {\"Name\":\"\",\"Protocol\":\"TCP\",\"AppProtocol\":null,"
       "\"Port\":1,\"TargetPort\":0,\"NodePort\":0}"},
      {Spec(R"("ports":[{"port":1,"nodePort":30000}])"),
       "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"},
      {Spec(R"("type":"LoadBalancer","ports":[{"port":10250}])"), ""},
      {R"({"metadata":{"annotations":{"service.kubernetes.io/topology-mode":"Auto",
                                      "service.kubernetes.io/topology-aware-hints":"auto"}}})",
       "metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: \"Auto\": must "
       "match annotations[service.kubernetes.io/topology-aware-hints] when both are specified"},
      {Spec(R"("clusterIP":"10.0.0.1","clusterIPs":["10.0.0.2"])"),
       "spec.clusterIPs: Invalid value: [\"10.0.0.2\"]: first value must match `clusterIP`"},
      {Spec(R"("clusterIP":"10.0.0.1","clusterIPs":["10.0.0.1","10.0.0.2"])"),
       "spec.clusterIPs: Invalid value: [\"10.0.0.1\",\"10.0.0.2\"]: may specify no more than one "
       "IP for each IP family"},
      {Spec(R"("ipFamilies":["IPv6"])"),
       "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster"},
      {Spec(R"("ipFamilyPolicy":"RequireDualStack")"),
       "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured "
       "for dual-stack services"},
      {Spec(R"("externalIPs":["127.0.0.1","169.254.1.1","::"])"),
       "spec.externalIPs[0]: Invalid value: \"127.0.0.1\": may not be in the loopback range "
       "(127.0.0.0/8, ::1/128); spec.externalIPs[1]: Invalid value: \"169.254.1.1\": may not be in "
       "the link-local range (169.254.0.0/16, fe80::/10); spec.externalIPs[2]: Invalid value: "
       "\"::\": may not be unspecified (0.0.0.0 or ::)"},
      {Spec(R"("loadBalancerSourceRanges":["10.0.0.0/8"],"loadBalancerClass":"a/b",
               "allocateLoadBalancerNodePorts":true,"externalTrafficPolicy":"Local",
               "healthCheckNodePort":1)"),
       "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'; "
       "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is "
       "'LoadBalancer'; spec.loadBalancerClass: Forbidden: may only be used when `type` is "
       "'LoadBalancer'; spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for "
       "externally-accessible services; spec.healthCheckNodePort: Invalid value: 1: may only be "
       "set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"},
      {Spec(R"("sessionAffinity":"ClientIP","sessionAffinityConfig":
               {"clientIP":{"timeoutSeconds":0}},"internalTrafficPolicy":"Some",
               "trafficDistribution":"Near")"),
       "spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 0: must be greater than "
       "0 and less than 86400; spec.internalTrafficPolicy: Unsupported value: \"Some\": supported "
       "values: \"Cluster\", \"Local\"; spec.trafficDistribution: Unsupported value: \"Near\": "
       "supported values: \"PreferClose\", \"PreferSameNode\", \"PreferSameZone\""},
  };
  for (const Case& c : cases) EXPECT_EQ(Services().Create(c.patch), c.want) << c.patch;
}

TEST(ServiceTest, Updates) {
  const std::string given = Spec(R"("clusterIP":"10.0.0.9")");
  const Case cases[] = {
      {Spec(R"("clusterIP":null,"clusterIPs":null)"), ""},  // kept
      {Spec(R"("clusterIP":"10.0.0.8")"),
       "spec.clusterIPs[0]: Invalid value: [\"10.0.0.8\"]: may not change once set"},
      {Spec(R"("type":"ExternalName","externalName":"x.example")"), ""},  // its address goes
      {Spec(R"("ipFamilies":["IPv6"],"ipFamilyPolicy":"SingleStack")"),
       "spec.ipFamilies[0]: Invalid value: [\"IPv6\"]: may not change once set; "
       "spec.clusterIPs[0]: Invalid value: \"10.0.0.9\": expected an IPv6 value as indicated by "
       "`ipFamilies[0]`; spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this "
       "cluster"},
  };
  for (const Case& c : cases) EXPECT_EQ(Services().Update(c.patch, given), c.want) << c.patch;
  EXPECT_EQ(Services().Update(Spec(R"("type":"ClusterIP")"),
                              Spec(R"("type":"NodePort","ports":[{"port":80,"nodePort":30080}])")),
            "");
  EXPECT_EQ(Services().Update(Spec(R"("loadBalancerClass":null)"),
                              Spec(R"("type":"LoadBalancer","loadBalancerClass":"a/b")")),
            "spec.loadBalancerClass: Invalid value: null: may not change once set");
}

TEST(ServiceTest, WhatAnotherTypeLeavesBehind) {
  constexpr std::string_view kBalanced =
      R"({"spec":{"type":"LoadBalancer","externalTrafficPolicy":"Local","healthCheckNodePort":30001,
          "ports":[{"name":"a","port":80,"nodePort":30080},
                   {"name":"b","port":81,"nodePort":30081}]},
          "status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})";
  const std::string plain = Services().StoredUpdate("", Spec(R"("type":"ClusterIP")"), kBalanced);
  for (const char* gone : {"1.2.3.4", "externalTrafficPolicy", "30080", "30001"}) {
    EXPECT_EQ(plain.find(gone), std::string::npos) << plain;
  }
  // Externally accessible still; a port may go along.
  const std::string external = Services().StoredUpdate(
      "", Spec(R"("type":"ClusterIP","externalIPs":["5.6.7.8"],
                  "ports":[{"name":"b","port":81,"nodePort":30081}])"), kBalanced);
  EXPECT_NE(external.find(R"("externalTrafficPolicy":"Local")"), std::string::npos) << external;
  EXPECT_EQ(external.find("30081"), std::string::npos) << external;
}

TEST(ServiceTest, WhatAStatusMaySay) {
  const std::string balanced = Spec(R"("type":"LoadBalancer")");
  EXPECT_EQ(Services().UpdateStatus(R"({"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"},
                                        {"hostname":"x.example"}]}}})", balanced), "");
  EXPECT_EQ(Services().UpdateStatus(R"({"status":{"loadBalancer":{"ingress":[
                {"hostname":"1.2.3.4","ipMode":"VIP"}]}}})", balanced),
            "status.loadBalancer.ingress[0].ipMode: Forbidden: may not be specified when `ip` is "
            "not set; status.loadBalancer.ingress[0].hostname: Invalid value: \"1.2.3.4\": must be "
            "a DNS name, not an IP address");
  EXPECT_EQ(Services().UpdateStatus(
                R"({"status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})"),
            "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is "
            "'LoadBalancer'");
}

TEST(ReplicationControllerTest, Rules) {
  const Case cases[] = {
      {"{}", ""},
      {Spec(R"("replicas":-1,"minReadySeconds":-1)"),
       "spec.minReadySeconds: Invalid value: -1: must be greater than or equal to 0; "
       "spec.replicas: Invalid value: -1: must be greater than or equal to 0"},
      {Spec(R"("template":{"spec":{"restartPolicy":"Never","activeDeadlineSeconds":1}})"),
       "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: "
       "\"Always\"; spec.template.spec.activeDeadlineSeconds: Forbidden: activeDeadlineSeconds in "
       "ReplicationController is not Supported"},
  };
  for (const Case& c : cases) EXPECT_EQ(Controllers().Create(c.patch), c.want) << c.patch;
  EXPECT_EQ(Controllers().UpdateStatus(R"({"status":{"replicas":1,"readyReplicas":2}})"),
            "status.readyReplicas: Invalid value: 2: cannot be greater than status.replicas");
  const std::string changed = Controllers().StoredUpdate("", Spec(R"("replicas":3)"));
  EXPECT_NE(changed.find(R"("generation":2)"), std::string::npos) << changed;
}

TEST(StatefulSetTest, Rules) {
  const Case cases[] = {
      {"{}", ""},
      {R"({"metadata":{"name":"a.b"}})",
       "metadata.name: Invalid value: \"a.b\": must not contain dots"},
      {Spec(R"("podManagementPolicy":"Some","updateStrategy":{"type":"OnDelete",
               "rollingUpdate":{"partition":1}},
               "persistentVolumeClaimRetentionPolicy":{"whenScaled":"Burn"})"),
       "spec.podManagementPolicy: Invalid value: \"Some\": must be 'OrderedReady' or 'Parallel'; "
       "spec.updateStrategy.rollingUpdate: Invalid value: {\"partition\":1}: only allowed for "
       "updateStrategy 'RollingUpdate'; spec.persistentVolumeClaimRetentionPolicy.whenScaled: "
       "Unsupported value: \"Burn\": supported values: \"Delete\", \"Retain\""},
      {Spec(R"("selector":{"matchLabels":{"a":"c"}},
               "template":{"spec":{"activeDeadlineSeconds":1}})"),
       "spec.template.metadata.labels: Invalid value: {\"a\":\"b\"}: `selector` does not match "
       "template `labels`; spec.template.spec.activeDeadlineSeconds: Forbidden: "
       "activeDeadlineSeconds in StatefulSet is not Supported"},
      {Spec(R"("template":{"spec":{"hostname":"Not a name","subdomain":"Nor this","containers":[
               {"name":"C","image":"i","volumeMounts":[{"name":"data","mountPath":"/d"}]}]}},
               "volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{}}])"),
       "spec.volumeClaimTemplates[0].spec.accessModes: Required value: at least 1 access mode is "
       "required; spec.volumeClaimTemplates[0].spec.resources[storage]: Required value; "
       "spec.template.spec.containers[0].name: Invalid value: \"C\": a lowercase RFC 1123 label "
       "must consist of lower case alphanumeric characters or '-', and must start and end with an "
       "alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {Spec(R"("template":{"spec":{"volumes":[{"name":"i","image":{"pullPolicy":"Always"}}],
               "containers":[{"name":"c","image":"i",
                              "volumeMounts":[{"name":"d","mountPath":"/d"}]}]}})"),
       "spec.template.spec.containers[0].volumeMounts[0].name: Not found: \"d\""},
  };
  for (const Case& c : cases) EXPECT_EQ(Sets().Create(c.patch), c.want) << c.patch;
  EXPECT_EQ(Sets().Update(Spec(R"("replicas":3,"ordinals":{"start":2},"minReadySeconds":1,
                                  "revisionHistoryLimit":1,"template":{"metadata":{"labels":
                                  {"c":"d"}}},"updateStrategy":{"type":"OnDelete",
                                  "rollingUpdate":null})")), "");
  EXPECT_EQ(Sets().Update(Spec(R"("serviceName":"other")")),
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
            "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
  const std::string bad = Spec(R"("template":{"spec":{"dnsPolicy":"Some"}},
      "volumeClaimTemplates":[{"metadata":{"name":"data"},"spec":{}}])");
  EXPECT_EQ(Sets().Update(Spec(R"("template":{"spec":{"dnsPolicy":"Some"}})")),
            "spec.template.spec.dnsPolicy: Unsupported value: \"Some\": supported values: "
            "\"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"");
  EXPECT_EQ(Sets().Update(Spec(R"("replicas":3)"), bad), "");  // it was so before
  EXPECT_EQ(Sets().UpdateStatus(R"({"status":{"replicas":1,"availableReplicas":2,
                                              "readyReplicas":1}})"),
            "status.availableReplicas: Invalid value: 2: cannot be greater than status.replicas; "
            "status.availableReplicas: Invalid value: 2: cannot be greater than "
            "status.readyReplicas");
  const std::string gated = Sets().Stored(
      Spec(R"("updateStrategy":{"rollingUpdate":{"maxUnavailable":2}})"));
  EXPECT_EQ(gated.find("maxUnavailable"), std::string::npos) << gated;
}

}  // namespace
}  // namespace berth::api
