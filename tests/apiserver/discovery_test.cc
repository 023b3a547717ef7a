// Discovery, OpenAPI, version, health and metrics: what a client asks before it asks for objects.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "cluster/apiserver/openapi_model.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

using DiscoveryTest = ServerFixture;

constexpr char kAggregated[] =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

TEST_F(DiscoveryTest, OldForm) {
  EXPECT_EQ(Get("/api").At("versions/0"), "v1");
  EXPECT_EQ(Get("/apis").At("kind"), "APIGroupList");
  EXPECT_EQ(Get("/apis/apps").At("preferredVersion/groupVersion"), "apps/v1");
  const Answer core = Get("/api/v1");
  EXPECT_EQ(core.At("groupVersion"), "v1");
  std::string names;
  const api::JsonValue list = core.Json();
  for (const api::JsonValue& row : list.Find("resources")->array()) {
    names += At(row, "name") + " ";
  }
  EXPECT_NE(names.find("pods/binding "), std::string::npos);
  EXPECT_NE(names.find("nodes/status "), std::string::npos);
}

TEST_F(DiscoveryTest, AggregatedForm) {
  const Answer core = Do("GET", "/api", "", "", kAggregated);
  EXPECT_EQ(core.content_type, "application/json;g=apidiscovery.k8s.io;v=v2;"
                               "as=APIGroupDiscoveryList");
  EXPECT_EQ(core.At("kind"), "APIGroupDiscoveryList");
  EXPECT_EQ(core.At("items/0/versions/0/resources/0/resource"), "configmaps");
  EXPECT_EQ(core.At("items/0/versions/0/resources/0/shortNames/0"), "cm");
  EXPECT_EQ(core.At("items/0/versions/0/freshness"), "Current");
  const Answer groups = Do("GET", "/apis", "", "", kAggregated);
  EXPECT_EQ(groups.At("items/0/metadata/name"), "apps");
  EXPECT_EQ(groups.At("items/0/versions/0/resources/0/subresources/0/responseKind/kind"), "Scale");
}

TEST_F(DiscoveryTest, OpenApiDeclaresFieldValidation) {
  const api::JsonValue document = Get("/openapi/v2").Json();
  const api::JsonValue* path =
      document.Find("paths")->Find("/api/v1/namespaces/{namespace}/pods/{name}");
  ASSERT_NE(path, nullptr);
  EXPECT_EQ(At(*path, "patch/x-kubernetes-group-version-kind/kind"), "Pod");
  EXPECT_EQ(At(*path, "patch/parameters/3/name"), "fieldValidation");
  EXPECT_EQ(At(*document.Find("paths")->Find("/api/v1/nodes"), "post/parameters/3/name"),
            "fieldValidation");
  const api::JsonValue* pod_spec = document.Find("definitions")->Find("io.k8s.api.core.v1.PodSpec");
  ASSERT_NE(pod_spec, nullptr);
  const api::JsonValue* containers = pod_spec->Find("properties")->Find("containers");
  EXPECT_EQ(containers->Find("x-kubernetes-patch-merge-key")->string(), "name");
  EXPECT_EQ(At(*containers, "items/$ref"), "#/definitions/io.k8s.api.core.v1.Container");
  EXPECT_EQ(At(*document.Find("definitions")->Find("io.k8s.api.core.v1.Pod"),
               "x-kubernetes-group-version-kind/0/kind"), "Pod");
}

TEST_F(DiscoveryTest, OpenApiV3HasOneDocumentPerGroupVersion) {
  const api::JsonValue index = Get("/openapi/v3").Json();
  const api::JsonValue* apps = index.Find("paths")->Find("apis/apps/v1");
  ASSERT_NE(apps, nullptr);
  const Answer document = Get(apps->Find("serverRelativeURL")->string());
  EXPECT_EQ(document.code, 200);
  const api::JsonValue body = document.Json();
  EXPECT_NE(body.Find("components")->Find("schemas")->Find("io.k8s.api.apps.v1.ReplicaSet"),
            nullptr);
  EXPECT_EQ(body.Find("components")->Find("schemas")->Find("io.k8s.api.core.v1.Node"), nullptr);
}

// Every reference of every document leads somewhere.
TEST_F(DiscoveryTest, OpenApiReferencesResolve) {
  const ApiModel model = BuildApiModel(api::Resources());
  const auto check = [&](const auto& self, const Schema& schema) -> void {
    EXPECT_TRUE(schema.ref.empty() || model.definitions.contains(schema.ref)) << schema.ref;
    if (schema.items) self(self, *schema.items);
    if (schema.additional) self(self, *schema.additional);
    for (const auto& [name, property] : schema.properties) self(self, property);
  };
  for (const auto& [name, schema] : model.definitions) check(check, schema);
  EXPECT_GT(model.definitions.size(), 150u);
}

TEST_F(DiscoveryTest, OpenApiProtobuf) {
  const Answer answer = Do("GET", "/openapi/v2", "", "",
                           "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_EQ(answer.content_type, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_EQ(answer.body.substr(0, 5), "\n\x03" "2.0");
  EXPECT_NE(answer.body.find("fieldValidation"), std::string::npos);
}

TEST_F(DiscoveryTest, DocumentsAreAskedAboutByTheirTag) {
  const Answer first = Get("/openapi/v2");
  const std::string tag(api::FindHeader(first.headers, "ETag"));
  EXPECT_EQ(tag.size(), 18u);
  const Answer again = Do("GET", "/openapi/v2", "", "", "application/json",
                          {{"If-None-Match", tag}});
  EXPECT_EQ(again.code, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(Do("GET", "/openapi/v2", "", "", "application/json", {{"If-None-Match", "\"x\""}})
                .code, 200);
}

TEST_F(DiscoveryTest, VersionHealthMetrics) {
  EXPECT_EQ(Get("/version").At("gitVersion").substr(0, 7), "v1.36.2");
  for (const char* path : {"/healthz", "/livez", "/readyz", "/readyz/ping"}) {
    const Answer answer = Get(path);
    EXPECT_EQ(answer.code, 200) << path;
    EXPECT_EQ(answer.body, "ok") << path;
  }
  EXPECT_EQ(Get("/readyz?verbose").body,
            "[+]ping ok\n[+]log ok\n[+]etcd ok\n[+]informer-sync ok\nreadyz check passed\n");
  EXPECT_EQ(Get("/livez?verbose&exclude=etcd").body,
            "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\nlivez check passed\n");
  EXPECT_EQ(Get("/readyz?exclude=etcd&exclude=informer-sync").code, 200);
  for (const char* path :
       {"", "?x", "x", "*", "/readyzz", "/readyz/nope", "/healthz/informer-sync"}) {
    EXPECT_EQ(Get(path).code, 404) << path;
  }
  Get("/api/v1/nodes");
  const std::string metrics = Get("/metrics").body;
  EXPECT_NE(metrics.find("apiserver_request_total{"), std::string::npos);
  EXPECT_NE(metrics.find("resource=\"nodes\""), std::string::npos);
  EXPECT_NE(metrics.find("berth_store_commit_duration_seconds_count"), std::string::npos);
  EXPECT_EQ(Get("/nope").code, 404);
  EXPECT_EQ(Get("/nope").body, "404 page not found\n");
}

TEST_F(DiscoveryTest, NotReadyUntilLoaded) {
  ApiServer other(*executor, *executor, *store, DefaultOptions());
  server->Stop();
  EXPECT_EQ(Get("/readyz").code, 500);
  EXPECT_EQ(Get("/readyz").body,
            "[+]ping ok\n[+]log ok\n[-]etcd failed: reason withheld\n"
            "[-]informer-sync failed: reason withheld\nreadyz check failed\n");
  EXPECT_EQ(Get("/readyz/etcd").code, 500);
  EXPECT_EQ(Get("/api/v1/nodes").code, 503);
}

}  // namespace
}  // namespace berth::apiserver
