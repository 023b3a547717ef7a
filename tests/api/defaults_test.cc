#include "api/defaults.h"

#include <gtest/gtest.h>

#include "api/equality.h"
#include "api/image_reference.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/pod_qos.h"
#include "api/prepare.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/resource_v1.pb.h"

namespace berth::api {
namespace {

core::Pod PodOf(std::string_view spec) {
  core::Pod pod;
  const std::string text = R"({"metadata":{"name":"p","namespace":"n"},"spec":)" +
                           std::string(spec) + "}";
  EXPECT_TRUE(ParseJson(text, pod).ok()) << text;
  return pod;
}

JsonValue ToValue(const google::protobuf::Message& message) {
  std::string text;
  PrintJson(message, text);
  return *JsonValue::Parse(text);
}

// `want` holds: every member it names is there with that value, at any depth.
bool Holds(const JsonValue& got, const JsonValue& want) {
  if (want.is_object()) {
    if (!got.is_object()) return false;
    for (const auto& [name, member] : want.object()) {
      const JsonValue* found = got.Find(name);
      if (member.is_null() ? found != nullptr : found == nullptr || !Holds(*found, member)) {
        return false;
      }
    }
    return true;
  }
  if (want.is_array()) {
    if (!got.is_array() || got.array().size() != want.array().size()) return false;
    for (size_t i = 0; i < want.array().size(); ++i) {
      if (!Holds(got.array()[i], want.array()[i])) return false;
    }
    return true;
  }
  return got == want;
}

TEST(DefaultsTest, PodSpecs) {
  const struct { std::string_view name, spec, want; } cases[] = {
      {"policies", R"({"containers":[]})",
       R"({"restartPolicy":"Always","dnsPolicy":"ClusterFirst","securityContext":{},
           "terminationGracePeriodSeconds":30,"schedulerName":"default-scheduler",
           "enableServiceLinks":true,"preemptionPolicy":null})"},
      {"zero grace stays", R"({"containers":[],"terminationGracePeriodSeconds":0})",
       R"({"terminationGracePeriodSeconds":0})"},
      {"containers", R"({"containers":[{"name":"c","image":"a","ports":[{"containerPort":80}]}]})",
       R"({"containers":[{"imagePullPolicy":"Always","terminationMessagePath":
           "/dev/termination-log","terminationMessagePolicy":"File",
           "ports":[{"containerPort":80,"protocol":"TCP","hostPort":null}]}]})"},
      {"requests from limits",
       R"({"containers":[{"name":"c","resources":{"limits":{"cpu":"2","memory":"1Gi"},
           "requests":{"cpu":"1"}}}]})",
       R"({"containers":[{"resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]})"},
      {"finer than milli", R"({"containers":[{"name":"c","resources":{"requests":{"cpu":"1u"}}}]})",
       R"({"containers":[{"resources":{"requests":{"cpu":"1m"}}}]})"},
      {"host network", R"({"hostNetwork":true,"containers":[{"ports":[{"containerPort":8}]}]})",
       R"({"containers":[{"ports":[{"hostPort":8}]}]})"},
      {"service account", R"({"containers":[],"serviceAccount":"a"})",
       R"({"serviceAccountName":"a","serviceAccount":"a"})"},
      {"probes",
       R"({"containers":[{"livenessProbe":{"httpGet":{"port":80}},
           "startupProbe":{"grpc":{"port":1}}}]})",
       R"({"containers":[{"livenessProbe":{"timeoutSeconds":1,"periodSeconds":10,
           "successThreshold":1,"failureThreshold":3,"httpGet":{"path":"/","scheme":"HTTP"}},
           "startupProbe":{"grpc":{"service":""}}}]})"},
      {"volumes",
       R"({"containers":[],"volumes":[{"name":"a"},{"name":"b","configMap":{"name":"x"}},
           {"name":"c","hostPath":{"path":"/"}},
           {"name":"d","projected":{"sources":[{"serviceAccountToken":{"path":"t"}}]}}]})",
       R"({"volumes":[{"emptyDir":{}},{"configMap":{"defaultMode":420}},{"hostPath":{"type":""}},
           {"projected":{"defaultMode":420,
            "sources":[{"serviceAccountToken":{"expirationSeconds":3600}}]}}]})"},
      {"pod level requests from containers, then limits",
       R"({"resources":{"limits":{"cpu":"4","memory":"2Gi"}},
           "containers":[{"resources":{"requests":{"cpu":"1"}}},
                         {"resources":{"requests":{"cpu":"500m"}}}]})",
       R"({"resources":{"requests":{"cpu":"1500m","memory":"2Gi"}}})"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    core::Pod pod = PodOf(c.spec);
    ApplyDefaults(ResourceOf<core::Pod>(), pod);
    const JsonValue got = ToValue(pod.spec());
    EXPECT_TRUE(Holds(got, *JsonValue::Parse(c.want))) << got.ToText();
    core::Pod again = pod;
    ApplyDefaults(ResourceOf<core::Pod>(), again);
    EXPECT_TRUE(SemanticEqual(again, pod));
  }
}

TEST(DefaultsTest, ClaimsAskForOneDeviceOfEachRequest) {
  constexpr std::string_view kDevices = R"({"devices":{"requests":[
      {"name":"one","exactly":{"deviceClassName":"c","tolerations":[{"key":"k"}]}},
      {"name":"all","exactly":{"deviceClassName":"c","allocationMode":"All"}},
      {"name":"two","exactly":{"deviceClassName":"c","count":2}},
      {"name":"list","firstAvailable":[{"name":"a","deviceClassName":"c"}]}]}})";
  constexpr std::string_view kWant = R"({"devices":{"requests":[
      {"exactly":{"allocationMode":"ExactCount","count":1,
                  "tolerations":[{"key":"k","operator":"Equal"}]}},
      {"exactly":{"allocationMode":"All","count":null}},
      {"exactly":{"allocationMode":"ExactCount","count":2}},
      {"firstAvailable":[{"allocationMode":"ExactCount","count":1}]}]}})";
  dra::ResourceClaim claim;
  ASSERT_TRUE(ParseJson(R"({"spec":)" + std::string(kDevices) + "}", claim).ok());
  ApplyDefaults(ResourceOf<dra::ResourceClaim>(), claim);
  EXPECT_TRUE(Holds(ToValue(claim.spec()), *JsonValue::Parse(kWant))) << claim.DebugString();
  dra::ResourceClaimTemplate from;
  ASSERT_TRUE(ParseJson(R"({"spec":{"spec":)" + std::string(kDevices) + "}}", from).ok());
  ApplyDefaults(ResourceOf<dra::ResourceClaimTemplate>(), from);
  EXPECT_TRUE(Holds(ToValue(from.spec().spec()), *JsonValue::Parse(kWant)));
}

TEST(DefaultsTest, NodesHaveAllocatableAndOnePodCidrList) {
  core::Node node;
  ASSERT_TRUE(ParseJson(R"({"spec":{"podCIDR":"10.0.0.0/24"},
                            "status":{"capacity":{"cpu":"4"}}})", node).ok());
  ApplyDefaults(ResourceOf<core::Node>(), node);
  EXPECT_EQ(node.status().allocatable().at("cpu").string(), "4");
  ASSERT_EQ(node.spec().pod_cidrs_size(), 1);
  EXPECT_EQ(node.spec().pod_cidrs(0), "10.0.0.0/24");
}

TEST(ImageTagTest, Tags) {
  const struct { std::string_view image, want; } cases[] = {
      {"a", "latest"}, {"a:latest", "latest"}, {"a:v1", "v1"}, {"a/b/c:v1", "v1"},
      {"localhost:5000/a", "latest"}, {"localhost:5000/a:v2", "v2"},
      {"a@sha256:0123", ""}, {"a:v1@sha256:0123", "v1"}, {"A:v1", ""}, {"", ""}, {" a", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(ImageTag(c.image), c.want) << c.image;
}

TEST(PodQosTest, Classes) {
  const struct { std::string_view name, spec, want; } cases[] = {
      {"nothing", R"({"containers":[{}]})", "BestEffort"},
      {"zero is nothing", R"({"containers":[{"resources":{"requests":{"cpu":"0"}}}]})",
       "BestEffort"},
      {"other resources do not count",
       R"({"containers":[{"resources":{"requests":{"ephemeral-storage":"1"}}}]})", "BestEffort"},
      {"requests", R"({"containers":[{"resources":{"requests":{"cpu":"1"}}}]})", "Burstable"},
      {"all equal",
       R"({"containers":[{"resources":{"limits":{"cpu":"1","memory":"1"},
                                       "requests":{"cpu":"1","memory":"1"}}}]})", "Guaranteed"},
      {"memory missing",
       R"({"containers":[{"resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}}}]})",
       "Burstable"},
      {"one container without",
       R"({"containers":[{"resources":{"limits":{"cpu":"1","memory":"1"},
                                       "requests":{"cpu":"1","memory":"1"}}},{}]})", "Burstable"},
      {"init containers count",
       R"({"containers":[{}],"initContainers":[{"resources":{"requests":{"cpu":"1"}}}]})",
       "Burstable"},
      {"pod level decides",
       R"({"containers":[{}],"resources":{"limits":{"cpu":"1","memory":"1"},
                                          "requests":{"cpu":"1000m","memory":"1"}}})",
       "Guaranteed"},
  };
  for (const auto& c : cases) EXPECT_EQ(PodQosClass(PodOf(c.spec).spec()), c.want) << c.name;
}

TEST(PrepareTest, APodComesPendingAndGated) {
  core::Pod pod = PodOf(R"({"containers":[],"schedulingGates":[{"name":"a/b"}],
      "topologySpreadConstraints":[{"labelSelector":{},"matchLabelKeys":["app","nope"]}]})");
  (*pod.mutable_metadata()->mutable_labels())["app"] = "web";
  pod.mutable_status()->set_phase("Running");
  pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
  PrepareForCreate(ResourceOf<core::Pod>(), pod);
  EXPECT_EQ(pod.metadata().generation(), 1);
  EXPECT_FALSE(pod.metadata().has_deletion_timestamp());
  EXPECT_EQ(pod.status().phase(), "Pending");
  EXPECT_EQ(pod.status().qos_class(), "BestEffort");
  ASSERT_EQ(pod.status().conditions_size(), 1);
  EXPECT_EQ(pod.status().conditions(0).reason(), "SchedulingGated");
  const auto& selector = pod.spec().topology_spread_constraints(0).label_selector();
  ASSERT_EQ(selector.match_expressions_size(), 1);
  EXPECT_EQ(selector.match_expressions(0).values(0), "web");
}

TEST(PrepareTest, GenerationCountsChangesOfTheSpecOnly) {
  const Resource& pods = ResourceOf<core::Pod>();
  core::Pod old = PodOf(R"({"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]})");
  PrepareForCreate(pods, old);
  core::Pod pod = old;
  (*pod.mutable_metadata()->mutable_labels())["a"] = "b";
  pod.mutable_metadata()->set_generation(99);
  pod.mutable_status()->set_phase("Failed");
  (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
      .set_string("1000m");
  PrepareForUpdate(pods, "", old, pod);
  EXPECT_EQ(pod.metadata().generation(), 1);
  EXPECT_EQ(pod.status().phase(), "Pending");
  pod.mutable_spec()->mutable_containers(0)->set_image("x");
  PrepareForUpdate(pods, "", old, pod);
  EXPECT_EQ(pod.metadata().generation(), 2);
}

TEST(PrepareTest, SubresourcesOwnTheirPart) {
  const Resource& pods = ResourceOf<core::Pod>();
  core::Pod old = PodOf(R"({"containers":[{"name":"c"}],"nodeName":"a"})");
  PrepareForCreate(pods, old);
  core::Pod pod = old;
  pod.mutable_spec()->set_node_name("b");
  pod.mutable_status()->set_phase("Running");
  pod.mutable_status()->clear_qos_class();
  PrepareForUpdate(pods, "status", old, pod);
  EXPECT_EQ(pod.spec().node_name(), "a");
  EXPECT_EQ(pod.status().phase(), "Running");
  EXPECT_EQ(pod.status().qos_class(), "BestEffort");
  EXPECT_EQ(pod.metadata().generation(), 1);

  pod = old;
  pod.mutable_spec()->set_node_name("b");
  (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
      .set_string("1");
  PrepareForUpdate(pods, "resize", old, pod);
  EXPECT_EQ(pod.spec().node_name(), "a");
  EXPECT_EQ(pod.spec().containers(0).resources().requests().at("cpu").string(), "1");
  EXPECT_EQ(pod.metadata().generation(), 2);
}

// Few keys are searched, many are hashed.
TEST(SemanticEqualTest, MapsAreEqualByKey) {
  for (const int keys : {1, 8, 9, 40}) {
    core::Pod a, b;
    for (int i = 0; i < keys; ++i) {
      (*a.mutable_metadata()->mutable_labels())[std::to_string(i)] = "v";
      (*b.mutable_metadata()->mutable_labels())[std::to_string(keys - 1 - i)] = "v";
    }
    EXPECT_TRUE(SemanticEqual(a, b)) << keys;
    (*b.mutable_metadata()->mutable_labels())["0"] = "w";
    EXPECT_FALSE(SemanticEqual(a, b)) << keys;
    b.mutable_metadata()->mutable_labels()->erase("0");
    EXPECT_FALSE(SemanticEqual(a, b)) << keys;
    (*b.mutable_metadata()->mutable_labels())["other"] = "v";
    EXPECT_FALSE(SemanticEqual(a, b)) << keys;
  }
}

TEST(SemanticEqualTest, AbsentIsEmptyButNotForPointers) {
  core::Pod a, b;
  b.mutable_spec()->set_node_name("");
  b.mutable_spec()->set_host_network(false);
  EXPECT_TRUE(SemanticEqual(a, b));
  b.mutable_spec()->set_priority(0);  // a pointer upstream
  EXPECT_FALSE(SemanticEqual(a, b));
  a.mutable_spec()->set_priority(0);
  EXPECT_TRUE(SemanticEqual(a, b));
  (*a.mutable_spec()->mutable_overhead())["cpu"].set_string("1");
  EXPECT_FALSE(SemanticEqual(a, b));
  (*b.mutable_spec()->mutable_overhead())["cpu"].set_string("1000m");
  EXPECT_TRUE(SemanticEqual(a, b));
  a.mutable_spec()->add_containers()->set_name("c");
  EXPECT_FALSE(SemanticEqual(a, b));
}

}  // namespace
}  // namespace berth::api
