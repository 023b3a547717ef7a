// What is accepted with a word of warning, but for the spec of pods (pod_warnings_test.cc).
// Source: pkg/api/pod/warnings_test.go, pkg/registry/*/strategy.go.
#include "api/warnings.h"

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "api/validation/ip.h"
#include "tests/api/warnings_of.h"

namespace berth::api {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;

template <typename T>
T Parsed(std::string_view json) {
  T object;
  EXPECT_TRUE(ParseJson(json, object).ok()) << json;
  return object;
}

Texts OfVolume(std::string_view source) {
  return WarningsOfSpec(R"("volumes":[{"name":"v",)" + std::string(source) + "}]");
}

Texts OfSources(std::string_view sources) {
  return OfVolume(R"("projected":{"sources":[)" + std::string(sources) + "]}");
}

TEST(VolumeWarningsTest, BackEndsOfVolumes) {
  const std::string at = "spec.volumes[0].";
  ExpectWarnings(
      {
          {"photon", R"("photonPersistentDisk":{"pdID":"a"})",
           {at + "photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+"}},
          {"git", R"("gitRepo":{"repository":"a"})",
           {at + "gitRepo: deprecated in v1.11, and disabled by default in v1.33+"}},
          {"ScaleIO", R"("scaleIO":{"gateway":"a"})",
           {at + "scaleIO: deprecated in v1.16, non-functional in v1.22+"}},
          {"Flocker", R"("flocker":{})",
           {at + "flocker: deprecated in v1.22, non-functional in v1.25+"}},
          {"StorageOS", R"("storageos":{})",
           {at + "storageOS: deprecated in v1.22, non-functional in v1.25+"}},
          {"Quobyte", R"("quobyte":{})",
           {at + "quobyte: deprecated in v1.22, non-functional in v1.25+"}},
          {"Gluster", R"("glusterfs":{})",
           {at + "glusterfs: deprecated in v1.25, non-functional in v1.26+"}},
          {"Ceph", R"("cephfs":{})",
           {at + "cephfs: deprecated in v1.28, non-functional in v1.31+"}},
          {"Rados", R"("rbd":{})", {at + "rbd: deprecated in v1.28, non-functional in v1.31+"}},
          {"NFS", R"("nfs":{"server":"a","path":"/"})", {}},
          {"a claim of fractions",
           R"("ephemeral":{"volumeClaimTemplate":{"spec":{"resources":{
              "requests":{"storage":"200m"},"limits":{"storage":"1.5"}}}}})",
           {at + "ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte "
                 "value \"200m\" is invalid, must be an integer",
            at + "ephemeral.volumeClaimTemplate.spec.resources.limits[storage]: fractional byte "
                 "value \"1500m\" is invalid, must be an integer"}},
          {"a whole claim",
           R"("ephemeral":{"volumeClaimTemplate":{"spec":{"resources":{
              "requests":{"storage":"200Mi"}}}}})",
           {}},
      },
      &OfVolume);
}

TEST(VolumeWarningsTest, FilesThatHideOneAnother) {
  const std::string config_map = "volume \"v\" (ConfigMap \"m\"): overlapping paths: ";
  const auto items = [](std::string_view a, std::string_view b) {
    return fmt::format(R"("configMap":{{"name":"m","items":[{{"key":"a","path":"{}"}},
                          {{"key":"b","path":"{}"}}]}})", a, b);
  };
  ExpectWarnings(
      {
          {"the same", items("a", "a"), {config_map + "\"a\" with \"a\""}},
          {"below the first", items("a", "a/b"), {config_map + "\"a/b\" with \"a\""}},
          {"above the first", items("a/b", "a"), {config_map + "\"a\" with \"a/b\""}},
          {"with a slash at the end", items("a/", "a"), {config_map + "\"a\" with \"a\""}},
          {"beside each other", items("a/b", "a/c"), {}},
          {"alike only in the beginning", items("dir/path1", "dir/path11"), {}},
          {"no path", items("", ""), {}},
          {"of a secret",
           R"("secret":{"secretName":"s","items":[{"key":"a","path":"x"},{"key":"b","path":"x"}]})",
           {"volume \"v\" (Secret \"s\"): overlapping paths: \"x\" with \"x\""}},
          {"of the downward API, each text once",
           R"("downwardAPI":{"items":[{"path":"x"},{"path":"x"},{"path":"x"}]})",
           {"volume \"v\" (DownwardAPI): overlapping paths: \"x\" with \"x\""}},
      },
      &OfVolume);
}

TEST(VolumeWarningsTest, FilesOfProjectedVolumes) {
  const std::string start = "volume \"v\" (Projected): overlapping paths: ";
  const std::string token = R"({"serviceAccountToken":{"path":"x"}})";
  ExpectWarnings(
      {
          {"config map and token",
           R"({"configMap":{"name":"m","items":[{"key":"a","path":"x"}]}},)" + token,
           {start + "\"x\" (ServiceAccountToken) with \"x\" (ConfigMap \"m\")"}},
          {"secret and token",
           R"({"secret":{"name":"s","items":[{"key":"a","path":"x/y"}]}},)" + token,
           {start + "\"x\" (ServiceAccountToken) with \"x/y\" (Secret \"s\")"}},
          {"in the order of the earlier ones",
           R"({"downwardAPI":{"items":[{"path":"x/y"}]}},
              {"secret":{"name":"s","items":[{"key":"a","path":"x"}]}},)" + token,
           {start + "\"x\" (Secret \"s\") with \"x/y\" (DownwardAPI)",
            start + "\"x\" (ServiceAccountToken) with \"x/y\" (DownwardAPI)",
            start + "\"x\" (ServiceAccountToken) with \"x\" (Secret \"s\")"}},
          {"nothing, and after what came before", token + "," + token + ",{},{}",
           {start + "\"x\" (ServiceAccountToken) with \"x\" (ServiceAccountToken)",
            "volume \"v\" (Projected) has no sources provided"}},
          {"no paths: those before again, as upstream", token + R"(,{"configMap":{"name":"m"}})",
           {start + "\"x\" (ServiceAccountToken) with \"x\" (ServiceAccountToken)"}},
          {"no paths before any", R"({"configMap":{"name":"m"}},)" + token, {}},
      },
      &OfSources);
}

// Of fields that are dropped unless an older object has them.
TEST(VolumeWarningsTest, FilesOfGatedSources) {
  const auto set = Parsed<apps::ReplicaSet>(
      R"({"metadata":{"name":"a"},"spec":{"template":{"spec":{"volumes":[{"name":"v","projected":
         {"sources":[
           {"clusterTrustBundle":{"name":"b","signerName":"s","path":"x"}},
           {"clusterTrustBundle":{"signerName":"s","path":"x"}},
           {"podCertificate":{"keyPath":"x","certificateChainPath":"y",
                              "credentialBundlePath":"x/z"}}]}}]}}}})");
  const std::string start = "volume \"v\" (Projected): overlapping paths: ";
  EXPECT_THAT(CreateWarnings(ResourceOf<apps::ReplicaSet>(), set),
              ElementsAre(start + "\"x\" (ClusterTrustBundle \"s\") with \"x\" "
                                  "(ClusterTrustBundle \"b\")",
                          start + "\"x\" (PodCertificate key) with \"x\" "
                                  "(ClusterTrustBundle \"b\")",
                          start + "\"x\" (PodCertificate key) with \"x\" "
                                  "(ClusterTrustBundle \"s\")",
                          start + "\"x/z\" (PodCertificate credential bundle) with \"x\" "
                                  "(ClusterTrustBundle \"b\")",
                          start + "\"x/z\" (PodCertificate credential bundle) with \"x\" "
                                  "(ClusterTrustBundle \"s\")",
                          start + "\"x/z\" (PodCertificate credential bundle) with \"x\" "
                                  "(PodCertificate key)"));
}

TEST(PodStatusWarningsTest, Updates) {
  const core::Pod pod = PodWith(R"({"spec":{"imagePullSecrets":[{}]}})");
  core::Pod changed = pod;
  changed.mutable_status()->add_pod_ips()->set_ip("::ffff:10.0.0.1");
  changed.mutable_status()->add_host_ips()->set_ip("fd00:0::1");
  const Resource& pods = ResourceOf<core::Pod>();
  for (const std::string_view subresource : {"", "ephemeralcontainers", "resize"}) {
    EXPECT_THAT(UpdateWarnings(pods, subresource, changed, pod), IsEmpty()) << subresource;
  }
  EXPECT_THAT(UpdateWarnings(pods, "status", pod, pod), IsEmpty());
  EXPECT_THAT(UpdateWarnings(pods, "status", changed, pod),
              ElementsAre("status.podIPs[0].ip: non-standard IP address \"::ffff:10.0.0.1\" will "
                          "be considered invalid in a future Kubernetes release: use \"10.0.0.1\"",
                          "status.hostIPs[0].ip: IPv6 address \"fd00:0::1\" should be in RFC 5952 "
                          "canonical format (\"fd00::1\")"));
}

TEST(ReplicaSetWarningsTest, NameAndTemplate) {
  const Resource& sets = ResourceOf<apps::ReplicaSet>();
  const auto set = Parsed<apps::ReplicaSet>(
      R"({"metadata":{"name":"a.b","generation":2},"spec":{"template":{
         "metadata":{"annotations":{"container.apparmor.security.beta.kubernetes.io/c":"x",
                                    "container.apparmor.security.beta.kubernetes.io/d":"x"}},
         "spec":{"containers":[{"name":"c"},{"name":"d",
           "securityContext":{"appArmorProfile":{"type":"Unconfined"}}}],
           "nodeSelector":{"beta.kubernetes.io/os":"linux"}}}}})");
  const std::string of_node =
      "spec.template.spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "
      "\"kubernetes.io/os\" instead";
  const std::string of_profile =
      "spec.template.metadata.annotations[container.apparmor.security.beta.kubernetes.io/c]: "
      "deprecated since v1.30; use the \"appArmorProfile\" field instead";
  EXPECT_THAT(CreateWarnings(sets, set),
              ElementsAre("metadata.name: this is used in Pod names and hostnames, which can "
                          "result in surprising behavior; a DNS label is recommended: [must not "
                          "contain dots]",
                          of_node, of_profile));
  apps::ReplicaSet old = set;
  EXPECT_THAT(UpdateWarnings(sets, "", set, old), IsEmpty()) << "the spec is as before";
  old.mutable_metadata()->set_generation(1);
  EXPECT_THAT(UpdateWarnings(sets, "", set, old), ElementsAre(of_node, of_profile));
  EXPECT_THAT(UpdateWarnings(sets, "scale", set, old), ElementsAre(of_node, of_profile));
  EXPECT_THAT(UpdateWarnings(sets, "status", set, old), IsEmpty());
}

TEST(NodeWarningsTest, FieldsOfTheSpec) {
  const Resource& nodes = ResourceOf<core::Node>();
  const WarningCase cases[] = {
      {"plain", R"({"spec":{"podCIDRs":["10.0.0.0/24","fd00::/64"]}})", {}},
      {"a configuration", R"({"spec":{"configSource":{}}})",
       {"spec.configSource: the feature is removed"}},
      {"an external ID", R"({"spec":{"externalID":"a"}})",
       {"spec.externalID: this field is deprecated, and is unused by Kubernetes"}},
      {"addresses of pods", R"({"spec":{"podCIDRs":["10.0.0.0/24","fd00::1/64"]}})",
       {"spec.podCIDRs[1]: CIDR value \"fd00::1/64\" is ambiguous in this context (should be "
        "\"fd00::/64\" or \"fd00::1/128\"?)"}},
  };
  for (const WarningCase& c : cases) {
    SCOPED_TRACE(c.rule);
    const auto node = Parsed<core::Node>(c.json);
    EXPECT_THAT(CreateWarnings(nodes, node), ElementsAreArray(c.want));
    // Unlike pods, nodes are warned of again with every update.
    EXPECT_THAT(UpdateWarnings(nodes, "", node, node), ElementsAreArray(c.want));
    EXPECT_THAT(UpdateWarnings(nodes, "status", node, node), IsEmpty());
  }
}

TEST(ResourceSliceWarningsTest, DriversAreLowerCase) {
  const Resource& slices = ResourceOf<dra::ResourceSlice>();
  const auto slice = Parsed<dra::ResourceSlice>(R"({"spec":{"driver":"Foo.COM"}})");
  const std::string want =
      "spec.driver: driver names should be lowercase; \"Foo.COM\" contains uppercase characters";
  EXPECT_THAT(CreateWarnings(slices, slice), ElementsAre(want));
  EXPECT_THAT(UpdateWarnings(slices, "", slice, slice), ElementsAre(want));
}

TEST(WarningsTest, OtherKindsHaveNone) {
  const auto map = Parsed<core::ConfigMap>(R"({"metadata":{"name":"a.b","finalizers":["x"]}})");
  EXPECT_THAT(CreateWarnings(ResourceOf<core::ConfigMap>(), map), IsEmpty());
  EXPECT_THAT(UpdateWarnings(ResourceOf<core::ConfigMap>(), "", map, map), IsEmpty());
  const auto priority = Parsed<scheduling_v1::PriorityClass>(R"({"metadata":{"name":"a.b"}})");
  EXPECT_THAT(CreateWarnings(ResourceOf<scheduling_v1::PriorityClass>(), priority), IsEmpty());
}

TEST(IpWarningsTest, CidrsAndAddresses) {
  using validation::CidrWarnings, validation::IpWarnings;
  const std::string future = " will be considered invalid in a future Kubernetes release: use ";
  const struct { std::string_view text; Texts want; } cidrs[] = {
      {"192.12.2.0/24", {}},
      {"0.0.0.0/0", {}},
      {"::/0", {}},
      {"no", {}},
      {"192.12.2.0/024", {"non-standard CIDR value \"192.12.2.0/024\"" + future +
                          "\"192.12.2.0/24\""}},
      {"192.012.2.0/24", {"non-standard CIDR value \"192.012.2.0/24\"" + future +
                          "\"192.12.2.0/24\""}},
      {"::ffff:192.12.2.0/120", {"non-standard CIDR value \"::ffff:192.12.2.0/120\"" + future +
                                 "\"192.12.2.0/24\""}},
      {"192.12.2.8/024",
       {"CIDR value \"192.12.2.8/024\" is ambiguous in this context (should be \"192.12.2.0/24\" "
        "or \"192.12.2.8/32\"?)",
        "non-standard CIDR value \"192.12.2.8/024\"" + future + "\"192.12.2.0/24\""}},
      {"2001:db8:0:0::/64", {"IPv6 CIDR value \"2001:db8:0:0::/64\" should be in RFC 5952 "
                             "canonical format (\"2001:db8::/64\")"}},
  };
  for (const auto& c : cidrs) EXPECT_THAT(CidrWarnings(c.text), ElementsAreArray(c.want)) << c.text;
  // Forms of one address each: the longest run of zeroes, the first of equals, at least two groups.
  for (const std::string_view text : {"1:0:2:0:3:0:4:0", "1::2:0:0:3", "::", "::1", "1::",
                                      "0:1::2", "::102:304", "1:0:0:2::3", "10.0.0.1"}) {
    EXPECT_THAT(IpWarnings(text), IsEmpty()) << text;
  }
  EXPECT_THAT(IpWarnings("1:0:0:2:0:0:0:3"),
              ElementsAre("IPv6 address \"1:0:0:2:0:0:0:3\" should be in RFC 5952 canonical format "
                          "(\"1:0:0:2::3\")"));
  EXPECT_THAT(IpWarnings("1:0:0:2:3:0:0:4"),
              ElementsAre("IPv6 address \"1:0:0:2:3:0:0:4\" should be in RFC 5952 canonical format "
                          "(\"1::2:3:0:0:4\")"));
}

// More to say than anybody is told: the list ends, and so does the work.
TEST(WarningsTest, AreBounded) {
  core::Pod pod = PodWith("{}");
  core::PodSpec& spec = *pod.mutable_spec();
  auto& files = *spec.add_volumes()->mutable_volume_source()->mutable_downward_api();
  for (int i = 0; i < 60'000; ++i) {
    files.add_items()->set_path(i % 2 == 0 ? std::string("x") : fmt::format("x/{}", i));
    core::ContainerPort& port = *spec.mutable_containers(0)->add_ports();
    port.set_container_port(80);
    port.set_host_port(1);
    port.set_host_ip(fmt::format("10.0.{}.{}", i / 256, i % 256));
  }
  const Texts warnings = CreateWarnings(ResourceOf<core::Pod>(), pod);
  EXPECT_GT(warnings.size(), 100u);
  EXPECT_LT(warnings.size(), 1000u);
}

}  // namespace
}  // namespace berth::api
