// Services and what makes pods on a server: columns, scale, PUT that creates.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

class WorkloadTest : public ServerFixture {
 protected:
  // The cells of the only row.
  std::string Cells(const std::string& path) {
    const Answer table = Do("GET", path, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io");
    EXPECT_EQ(table.code, 200) << table.body;
    const api::JsonValue body = table.Json();
    std::string text;
    for (const api::JsonValue& cell : body.Find("rows")->array()[0].Find("cells")->array()) {
      text += (cell.is_string() ? cell.string() : cell.ToText()) + "|";
    }
    return text;
  }
  void MakeService(std::string_view name, std::string_view spec) {
    const Answer made = Post(kServices, fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{}}})",
                                                    name, spec));
    ASSERT_EQ(made.code, 201) << made.body;
  }

  const std::string kServices = "/api/v1/namespaces/default/services";
  const std::string kControllers = "/api/v1/namespaces/default/replicationcontrollers";
  const std::string kSets = "/apis/apps/v1/namespaces/default/statefulsets";
  const std::string kTemplate =
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1"},)"
      R"({"name":"d","image":"j"}]}})";
};

TEST_F(WorkloadTest, GroupsOfPods) {
  const std::string groups = "/apis/scheduling.k8s.io/v1alpha2/namespaces/default/podgroups";
  EXPECT_EQ(Post("/apis/scheduling.k8s.io/v1alpha2/namespaces/default/workloads",
                 R"({"metadata":{"name":"w"},"spec":{"podGroupTemplates":[{"name":"t",)"
                 R"("schedulingPolicy":{"gang":{"minCount":2}}}]}})").code, 201);
  EXPECT_EQ(Cells("/apis/scheduling.k8s.io/v1alpha2/namespaces/default/workloads/w"), "w|0s|");
  ASSERT_EQ(Post(groups, R"({"metadata":{"name":"g"},"spec":{"schedulingPolicy":{"gang":)"
                         R"({"minCount":2}},"podGroupTemplateRef":{"workload":{"workloadName":"w",)"
                         R"("podGroupTemplateName":"t"}}}})").code, 201);
  EXPECT_EQ(Cells(groups + "/g"), "g|Gang|w|Pending|0s|");
  const std::string status =
      R"({"metadata":{"labels":{"a":"b"}},"status":{"conditions":[{"type":"PodGroupScheduled",)"
      R"("status":"True","reason":"Scheduled","message":"",)"
      R"("lastTransitionTime":"2026-01-02T03:04:05Z"}]}})";
  EXPECT_EQ(MergePatch(groups + "/g", status).code, 200);
  EXPECT_EQ(Cells(groups + "/g"), "g|Gang|w|Pending|0s|");  // not by this request
  EXPECT_EQ(MergePatch(groups + "/g/status", status).code, 200);
  EXPECT_EQ(Cells(groups + "/g"), "g|Gang|w|Scheduled|0s|");
  EXPECT_EQ(Get("/apis/scheduling.k8s.io").At("preferredVersion/version"), "v1");
  EXPECT_EQ(Get("/apis/scheduling.k8s.io/v1alpha2").At("resources/1/name"), "podgroups/status");
}

TEST_F(WorkloadTest, Services) {
  const struct {
    std::string name, spec, want;
  } cases[] = {
      {"plain", R"({"ports":[{"port":80}]})", "plain|ClusterIP|<none>|<none>|80/TCP|0s|<none>|"},
      {"given", R"({"clusterIP":"10.96.0.9","externalIPs":["1.2.3.4","1.2.3.5"],)"
       R"("selector":{"b":"c","a":"b"},"ports":[{"name":"x","port":80},)"
       R"({"name":"y","port":53,"protocol":"UDP"}]})",
       "given|ClusterIP|10.96.0.9|1.2.3.4,1.2.3.5|80/TCP,53/UDP|0s|a=b,b=c|"},
      {"node", R"({"type":"NodePort","ports":[{"port":80,"nodePort":30080}]})",
       "node|NodePort|<none>|<none>|80:30080/TCP|0s|<none>|"},
      {"balanced", R"({"type":"LoadBalancer","ports":[{"port":80}]})",
       "balanced|LoadBalancer|<none>|<pending>|80/TCP|0s|<none>|"},
      {"named", R"({"type":"ExternalName","externalName":"x.example"})",
       "named|ExternalName|<none>|x.example|<none>|0s|<none>|"},
  };
  for (const auto& c : cases) {
    MakeService(c.name, c.spec);
    EXPECT_EQ(Cells(kServices + "/" + c.name), c.want);
  }
  MergePatch(kServices + "/balanced/status",
             R"({"status":{"loadBalancer":{"ingress":[{"hostname":"long.name.example"},)"
             R"({"ip":"1.2.3.4"}]}}})");
  EXPECT_EQ(Cells(kServices + "/balanced"),
            "balanced|LoadBalancer|<none>|1.2.3.4,long.name.example|80/TCP|0s|<none>|");
  EXPECT_EQ(Get(kServices + "?fieldSelector=spec.type=NodePort").At("items/0/metadata/name"),
            "node");
  EXPECT_EQ(Get(kServices + "?fieldSelector=spec.clusterIP=10.96.0.9").At("items/0/metadata/name"),
            "given");
}

TEST_F(WorkloadTest, AServiceIsMadeByPut) {
  const std::string body = R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}})";
  EXPECT_EQ(Put(kServices + "/s", body).code, 201);
  EXPECT_EQ(Put(kServices + "/s", body).code, 200);
  EXPECT_EQ(Delete(kServices + "/s").At("kind"), "Service");
}

TEST_F(WorkloadTest, AnUpdateKeepsTheNodePortsItLeavesOut) {
  const auto service = [](std::string_view ports) {
    return fmt::format(R"({{"metadata":{{"name":"n"}},"spec":{{"type":"NodePort","ports":[{}]}}}})",
                       ports);
  };
  ASSERT_EQ(Post(kServices, service(R"({"name":"a","port":80,"nodePort":30080},)"
                                    R"({"name":"b","port":81,"nodePort":30081})")).code, 201);
  Answer put = Put(kServices + "/n", service(R"({"name":"b","port":81},{"name":"a","port":80})"));
  EXPECT_EQ(put.At("spec/ports/0/nodePort"), "30081");
  EXPECT_EQ(put.At("spec/ports/1/nodePort"), "30080");
  // Another port has taken it, or nobody had one: none is invented.
  put = Put(kServices + "/n", service(R"({"name":"a","port":80},)"
                                      R"({"name":"c","port":82,"nodePort":30080})"));
  EXPECT_NE(put.At("spec/ports/0/nodePort"), "30080");
  EXPECT_EQ(put.At("spec/ports/1/nodePort"), "30080");
}

TEST_F(WorkloadTest, ControllersAndSets) {
  ASSERT_EQ(Post(kControllers, fmt::format(R"({{"metadata":{{"name":"r"}},"spec":{{"template":{}}}}})",
                                           kTemplate)).code, 201);
  EXPECT_EQ(Cells(kControllers), "r|1|0|0|0s|c,d|i:1,j|a=b|");
  const Answer scale = Get(kControllers + "/r/scale");
  EXPECT_EQ(scale.At("status/selector"), "a=b");
  EXPECT_EQ(MergePatch(kControllers + "/r/scale", R"({"spec":{"replicas":3}})").code, 200);
  EXPECT_EQ(MergePatch(kControllers + "/r/status",
                       R"({"status":{"replicas":2,"readyReplicas":1}})").code, 200);
  EXPECT_EQ(Cells(kControllers), "r|3|2|1|0s|c,d|i:1,j|a=b|");
  EXPECT_EQ(Get(kControllers + "?fieldSelector=status.replicas=2").At("items/0/metadata/name"),
            "r");
  EXPECT_EQ(Delete(kControllers + "/r", R"({"propagationPolicy":"Background"})").At("status"),
            "Success");

  ASSERT_EQ(Post(kSets, fmt::format(R"({{"metadata":{{"name":"s"}},"spec":{{"selector":)"
                                    R"({{"matchLabels":{{"a":"b"}}}},"template":{}}}}})",
                                    kTemplate)).code, 201);
  EXPECT_EQ(Cells(kSets), "s|0/1|0s|c,d|i:1,j|");
  EXPECT_EQ(MergePatch(kSets + "/s/scale", R"({"spec":{"replicas":4}})").At("spec/replicas"), "4");
  EXPECT_EQ(Get(kSets + "/s").At("metadata/generation"), "2");
}

TEST_F(WorkloadTest, AScaleBelongsToItsObject) {
  ASSERT_EQ(Post(kSets, fmt::format(R"({{"metadata":{{"name":"s"}},"spec":{{"selector":)"
                                    R"({{"matchLabels":{{"a":"b"}}}},"template":{}}}}})",
                                    kTemplate)).code, 201);
  const std::string scale = kSets + "/s/scale";
  const std::string uid = Get(scale).At("metadata/uid");
  const auto conflict = [&](std::string_view what, std::string_view text) {
    return fmt::format("Operation cannot be fulfilled on {}.apps \"s\": {}Precondition failed: UID "
                       "in precondition: other, UID in object meta: {}",
                       what, text, uid);
  };
  const struct {
    std::string metadata;
    int code;
    std::string message;
  } cases[] = {
      {R"("name":"s")", 200, "<absent>"},
      {fmt::format(R"("name":"s","namespace":"default","uid":"{}")", uid), 200, "<absent>"},
      {"", 400,
       "the name of the object (s based on URL) was undeterminable: name must be provided"},
      {R"("name":"t")", 400, "the name of the object (t) does not match the name on the URL (s)"},
      {R"("name":"s","namespace":"n")", 400,
       "the namespace of the object (n) does not match the namespace on the request (default)"},
      {R"("name":"s","uid":"other")", 409,
       conflict("statefulsets",
                "StorageError: invalid object, Code: 4, Key: /registry/statefulsets/default/s, "
                "ResourceVersion: 0, AdditionalErrorMsg: ")},
  };
  for (const auto& c : cases) {
    const Answer put =
        Put(scale, fmt::format(R"({{"metadata":{{{}}},"spec":{{"replicas":2}}}})", c.metadata));
    EXPECT_EQ(put.code, c.code) << c.metadata;
    EXPECT_EQ(put.At("message"), c.message);
  }
  const Answer patched = MergePatch(scale, R"({"metadata":{"uid":"other"}})");
  EXPECT_EQ(patched.code, 409);
  EXPECT_EQ(patched.At("message"), conflict("statefulsets/scale", ""));
}

}  // namespace
}  // namespace berth::apiserver
