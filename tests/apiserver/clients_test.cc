// Every distinct request that kube-scheduler 1.36 and kubectl 1.20, 1.32 and 1.36 were recorded
// making, asked for the kinds that are here: each must be answered with the code the client was
// answered with, in the form it asked for. The recordings are not part of the repository:
// BERTH_SPEC_DIR names them; without them the test is skipped, loudly.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <absl/strings/str_replace.h>
#include <absl/strings/str_split.h>
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/envelope.h"
#include "api/json.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "cluster/apiserver/router.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

namespace fs = std::filesystem;

fs::path RequestsFile() {
  const char* named = std::getenv("BERTH_SPEC_DIR");
  return fs::path(named != nullptr ? named : BERTH_SPEC_DEFAULT) / "clients.tsv";
}

// One line of the table. In path and query, {ns}, {name}, x and N stand for what differed.
struct Recorded {
  std::string client, method, path, query, accept, content_type;
  std::vector<std::string> codes;

  bool watch() const { return query.find("watch=true") != std::string::npos; }
  bool protobuf() const { return accept.starts_with("application/vnd.kubernetes.protobuf"); }
  std::string Text() const {
    return fmt::format("{}: {} {}?{} Accept: {} Content-Type: {}", client, method, path, query,
                       accept, content_type);
  }
};

std::vector<Recorded> ReadRequests(const fs::path& file) {
  std::vector<Recorded> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::vector<std::string> cells = absl::StrSplit(line, '\t');
    if (cells.size() < 7) continue;
    if (cells[0] != "kube-scheduler" && !cells[0].starts_with("kubectl")) continue;
    rows.push_back({cells[0], cells[1], cells[2], cells[3], cells[4], cells[5],
                    absl::StrSplit(cells[6], ',')});
  }
  return rows;
}

// Why a request is not asked; empty: it is.
std::string WhyNot(const Recorded& row) {
  if (row.path.ends_with("/log") || row.path.ends_with("/exec")) return "no kubelet to ask";
  if (row.content_type == api::kApplyPatchType) return "server-side apply is absent";
  const Router router(api::Resources());
  RequestInfo info = router.Route(row.method, row.path);
  if (info.kind == RequestInfo::Kind::kNotFound ||
      info.kind == RequestInfo::Kind::kPageNotFound) {
    return "the kind is absent";
  }
  // Discovery of a group version, old and as OpenAPI.
  for (const std::string_view root : {"", "/openapi/v3"}) {
    if (!row.path.starts_with(fmt::format("{}/api", root)) ||
        info.kind == RequestInfo::Kind::kResource) {
      continue;
    }
    const std::string path = row.path.substr(root.size());
    if (path == "/api" || path == "/apis") return "";
    for (const api::Resource& resource : api::Resources()) {
      if (resource.path_prefix() == path) return "";
    }
    return "the group is absent";
  }
  return "";
}

// What is created before a request that is about an object, and what a creation sends; the name
// is always x.
const std::map<std::string_view, std::string_view>& Objects() {
  static const auto* const kObjects = new std::map<std::string_view, std::string_view>{
      {"namespaces", R"({"metadata":{"name":"x"}})"},
      {"nodes", R"({"metadata":{"name":"x"},"spec":{"taints":[)"
                R"({"key":"a","effect":"NoSchedule"}]}})"},
      {"pods", R"({"metadata":{"name":"x","labels":{"app":"x"}},"spec":{"containers":[)"
               R"({"name":"c","image":"i"}]}})"},
      {"configmaps", R"({"metadata":{"name":"x"},"data":{"a":"b"}})"},
      {"events", R"({"metadata":{"name":"x","namespace":"default"},"reason":"r","type":"Normal",)"
                 R"("involvedObject":{"kind":"Pod","name":"x","namespace":"default"}})"},
      {"events.events.k8s.io",
       R"({"metadata":{"name":"x","namespace":"default"},"reason":"r","action":"a",)"
       R"("type":"Normal",)"
       R"("eventTime":"2026-01-02T03:04:05.000000Z","reportingController":"c/d",)"
       R"("reportingInstance":"e","regarding":{"kind":"Pod","name":"x","namespace":"default"}})"},
      {"leases.coordination.k8s.io",
       R"({"metadata":{"name":"x"},"spec":{"holderIdentity":"h","leaseDurationSeconds":15}})"},
      {"priorityclasses.scheduling.k8s.io", R"({"metadata":{"name":"x"},"value":7})"},
      {"replicasets.apps",
       R"({"metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{)"
       R"("metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})"},
      {"persistentvolumeclaims",
       R"({"metadata":{"name":"x"},"spec":{"accessModes":["ReadWriteOnce"],)"
       R"("resources":{"requests":{"storage":"1Gi"}}}})"},
      {"persistentvolumes",
       R"({"metadata":{"name":"x"},"spec":{"accessModes":["ReadWriteOnce"],)"
       R"("capacity":{"storage":"1Gi"},"hostPath":{"path":"/x"}}})"},
      {"storageclasses.storage.k8s.io", R"({"metadata":{"name":"x"},"provisioner":"p"})"},
      {"csidrivers.storage.k8s.io", R"({"metadata":{"name":"x"},"spec":{}})"},
      {"csinodes.storage.k8s.io", R"({"metadata":{"name":"x"},"spec":{"drivers":[]}})"},
      {"csistoragecapacities.storage.k8s.io",
       R"({"metadata":{"name":"x"},"storageClassName":"x"})"},
      {"volumeattachments.storage.k8s.io",
       R"({"metadata":{"name":"x"},"spec":{"attacher":"a","nodeName":"x",)"
       R"("source":{"persistentVolumeName":"x"}}})"},
      {"deviceclasses.resource.k8s.io", R"({"metadata":{"name":"x"},"spec":{}})"},
      {"resourceclaims.resource.k8s.io",
       R"({"metadata":{"name":"x"},"spec":{"devices":{"requests":[]}}})"},
      {"resourceslices.resource.k8s.io",
       R"({"metadata":{"name":"x"},"spec":{"driver":"d","allNodes":true,)"
       R"("pool":{"name":"p","resourceSliceCount":1}}})"},
      {"services", R"({"metadata":{"name":"x"},"spec":{"ports":[{"port":80}]}})"},
      {"replicationcontrollers",
       R"({"metadata":{"name":"x"},"spec":{"template":{"metadata":{"labels":{"app":"x"}},)"
       R"("spec":{"containers":[{"name":"c","image":"i"}]}}}})"},
      {"statefulsets.apps",
       R"({"metadata":{"name":"x"},"spec":{"selector":{"matchLabels":{"app":"x"}},"template":{)"
       R"("metadata":{"labels":{"app":"x"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}})"},
      {"poddisruptionbudgets.policy", R"({"metadata":{"name":"x"},"spec":{"maxUnavailable":1}})"},
      {"runtimeclasses.node.k8s.io", R"({"metadata":{"name":"x"},"handler":"h"})"},
  };
  return *kObjects;
}

class Client final : public ServerFixture {
 public:
  void TestBody() override {}

  void Ask(const Recorded& row, const std::string& code) {
    const Router router(api::Resources());
    const std::string path =
        absl::StrReplaceAll(row.path, {{"{ns}", "default"}, {"{name}", "x"}});
    const RequestInfo info = router.Route(row.method, path);
    const bool about_object = info.kind == RequestInfo::Kind::kResource;
    const bool creates = about_object && row.method == "POST" && info.subresource == nullptr;
    if (about_object) {
      if (creates ? code == "409" : code != "404") MakeObject(*info.resource);
      if (row.query.find("continue=") != std::string::npos) MakePod("y");
    }
    const std::string target = path + "?" + Filled(row.query, path);
    api::Headers headers;
    if (code == "304") {
      const Answer first = Do(row.method, target, "", "", row.accept);
      headers.emplace_back("If-None-Match", std::string(api::FindHeader(first.headers, "ETag")));
    }
    const OpenStream stream = Send(row.method, target, BodyFor(row, info), row.content_type,
                                   row.accept, std::move(headers));
    Run(absl::Seconds(1));
    const Answer& answer = stream.answer();
    EXPECT_EQ(std::to_string(answer.code), code) << answer.body;
    if (code == "304") return;
    EXPECT_EQ(answer.content_type, ExpectedType(row));
    ExpectForm(row, answer, code);
  }

 private:
  void MakeObject(const api::Resource& resource) {
    const std::string path = api::CollectionPath(resource, "default");
    const Answer made = Post(path, std::string(Objects().at(resource.qualified())));
    ASSERT_EQ(made.code, 201) << made.body;
  }

  std::string Filled(std::string query, const std::string& path) {
    if (query.find("continue=N") != std::string::npos) {
      query = absl::StrReplaceAll(
          query, {{"continue=N", "continue=" + Get(path + "?limit=1").At("metadata/continue")}});
    }
    if (query.find("resourceVersion=N") != std::string::npos) {
      query = absl::StrReplaceAll(
          query,
          {{"resourceVersion=N", "resourceVersion=" + Get(path).At("metadata/resourceVersion")}});
    }
    return absl::StrReplaceAll(query, {{"timeoutSeconds=N", "timeoutSeconds=9"},
                                       {"timeout=N", "timeout=9s"}});
  }

  std::string BodyFor(const Recorded& row, const RequestInfo& info) {
    if (row.method == "GET" || info.kind != RequestInfo::Kind::kResource) return "";
    if (row.method == "DELETE") {
      return Encoded(row, *info.resource, "", R"({"kind":"DeleteOptions","apiVersion":"v1"})");
    }
    if (row.content_type == api::kJsonPatchType) {
      return R"([{"op":"add","path":"/metadata/annotations","value":{"a":"b"}}])";
    }
    const std::string_view sub = info.subresource != nullptr ? info.subresource->name : "";
    if (row.method == "PATCH") {
      if (sub == "scale") return R"({"spec":{"replicas":3}})";
      return R"({"metadata":{"annotations":{"a":"b"}}})";
    }
    if (sub == "binding") {
      return Encoded(row, *info.resource, sub,
                     R"({"metadata":{"name":"x"},"target":{"kind":"Node","name":"n"}})");
    }
    if (row.method == "PUT") {  // what was read, written back
      const Answer read = Get(api::ObjectPath(*info.resource, "default", "x", sub));
      return Encoded(row, *info.resource, sub, read.body);
    }
    if (sub == "eviction") return R"({"metadata":{"name":"x"},"kind":"Eviction"})";
    return Encoded(row, *info.resource, "", Objects().at(info.resource->qualified()));
  }

  // JSON as the row's content type has it.
  static std::string Encoded(const Recorded& row, const api::Resource& resource,
                             std::string_view subresource, std::string_view json) {
    if (row.content_type != api::kProtobufType) return std::string(json);
    std::unique_ptr<google::protobuf::Message> message = resource.New();
    std::string version = resource.api_version(), kind(resource.kind);
    if (row.method == "DELETE") {
      message = std::make_unique<api::meta::DeleteOptions>();
      version = "v1";
      kind = "DeleteOptions";
    } else if (subresource == "binding") {
      message = std::make_unique<api::core::Binding>();
      version = "v1";
      kind = "Binding";
    }
    EXPECT_TRUE(api::ParseJson(json, *message, {}, nullptr).ok());
    std::string out;
    api::AppendEnvelope(*message, version, kind, api::MapOrder::kByKey, out);
    return out;
  }

  static std::string ExpectedType(const Recorded& row) {
    if (row.path == "/openapi/v2") {
      return "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    }
    if (row.accept.starts_with("application/json;g=apidiscovery.k8s.io")) {
      return "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    }
    if (!row.protobuf()) return std::string(api::kJsonType);
    return fmt::format("{}{}", api::kProtobufType, row.watch() ? ";stream=watch" : "");
  }

  // The body is of its type, and has what was asked for.
  static void ExpectForm(const Recorded& row, const Answer& answer, const std::string& code) {
    EXPECT_EQ(answer.stream, row.watch());
    if (row.path == "/openapi/v2") return;
    if (row.protobuf()) {
      const std::string_view envelope =
          row.watch() ? std::string_view(answer.body).substr(0, 4096) : answer.body;
      EXPECT_NE(envelope.find(std::string_view("k8s\0", 4)), std::string_view::npos);
      if (row.query.find("sendInitialEvents=true") != std::string::npos) {
        EXPECT_NE(answer.body.find("k8s.io/initial-events-end"), std::string::npos);
      }
      return;
    }
    if (row.watch()) return;
    EXPECT_FALSE(answer.Json().is_null()) << answer.body;
    if (row.accept.find("as=Table") != std::string::npos && code == "200") {
      EXPECT_EQ(answer.At("kind"), "Table");
    }
  }
};

TEST(ClientsTest, EveryRecordedRequestIsAnsweredWithItsCodeAndType) {
  const fs::path file = RequestsFile();
  if (!fs::exists(file)) GTEST_SKIP() << "no recordings at " << file << "; set BERTH_SPEC_DIR";
  std::map<std::string, int> skipped;
  int asked = 0;
  for (const Recorded& row : ReadRequests(file)) {
    if (const std::string why = WhyNot(row); !why.empty()) {
      ++skipped[why];
      continue;
    }
    for (const std::string& code : row.codes) {
      SCOPED_TRACE(row.Text());
      Client client;
      client.MakeNode("n");
      client.Ask(row, code);
      ++asked;
    }
  }
  for (const auto& [why, count] : skipped) fmt::print("not asked, {}: {}\n", why, count);
  fmt::print("asked: {}\n", asked);
  EXPECT_GT(asked, 150);
}

}  // namespace
}  // namespace berth::apiserver
