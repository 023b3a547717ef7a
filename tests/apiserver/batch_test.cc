#include "cluster/apiserver/batch.h"

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/envelope.h"
#include "api/schema/berth_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

constexpr const char* kBatch = "/apis/berth.dev/v1/batch";
constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

std::string Item(std::string_view method, std::string_view path, std::string_view object,
                 std::string_view content_type = "") {
  return fmt::format(R"({{"method":"{}","path":"{}","contentType":"{}","object":{}}})", method,
                     path, content_type, object);
}

std::string BindItem(std::string_view pod, std::string_view node) {
  return Item("POST", fmt::format("{}/{}/binding", kPods, pod),
              fmt::format(R"({{"metadata":{{"name":"{}"}},"target":{{"name":"{}"}}}})", pod, node));
}

std::string BatchOf(const std::vector<std::string>& items) {
  std::string body = R"({"kind":"Batch","apiVersion":"berth.dev/v1","items":[)";
  for (size_t i = 0; i < items.size(); ++i) body += (i == 0 ? "" : ",") + items[i];
  return body + "]}";
}

class BatchTest : public ServerFixture {
 public:
  Answer Send(const std::vector<std::string>& items) { return Post(kBatch, BatchOf(items)); }
  std::string NodeOf(std::string_view pod) {
    return Get(fmt::format("{}/{}", kPods, pod)).At("spec/nodeName");
  }
};

TEST_F(BatchTest, EachItemIsDone) {
  MakeNode("n");
  MakePod("a");
  MakePod("b");
  const Answer answer =
      Send({BindItem("a", "n"),
            Item("POST", "/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"c"}})"),
            Item("PATCH", fmt::format("{}/b/status", kPods),
                 R"({"status":{"nominatedNodeName":"m"}})",
                 "application/strategic-merge-patch+json")});
  EXPECT_EQ(answer.code, 200);
  EXPECT_EQ(answer.body, R"({"kind":"BatchResult","apiVersion":"berth.dev/v1","results":[)"
                         R"({"code":201},{"code":201},{"code":200}]})");
  EXPECT_EQ(NodeOf("a"), "n");
  EXPECT_EQ(Get("/api/v1/namespaces/default/configmaps/c").code, 200);
  EXPECT_EQ(Get(fmt::format("{}/b", kPods)).At("status/nominatedNodeName"), "m");
}

// What fails is told in the words of a request of its own, and the others are done.
TEST_F(BatchTest, FailuresAreThoseOfSingleRequests) {
  MakeNode("n", 1000);
  for (const char* name : {"a", "b", "c", "huge"}) MakePod(name, name[0] == 'h' ? 5000 : 100);
  ASSERT_EQ(Bind("b", "n").code, 201);
  const std::string bad_name = R"({"metadata":{"name":"no_good"}})";
  const std::string not_json = R"("text")";
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  const struct {
    std::string name, method, path, object;
    int code;
  } cases[] = {
      {"no such pod", "POST", fmt::format("{}/none/binding", kPods),
       R"({"metadata":{"name":"none"},"target":{"name":"n"}})", 404},
      {"bound already", "POST", fmt::format("{}/b/binding", kPods),
       R"({"metadata":{"name":"b"},"target":{"name":"n"}})", 409},
      {"does not fit", "POST", fmt::format("{}/huge/binding", kPods),
       R"({"metadata":{"name":"huge"},"target":{"name":"n"}})", 409},
      {"invalid", "POST", maps, bad_name, 422},
      {"wrong kind", "POST", maps, R"({"kind":"Pod","apiVersion":"v1"})", 400},
      {"malformed", "POST", maps, not_json, 400},
      {"no object", "POST", maps, "", 400},
      {"no such resource", "POST", "/api/v1/namespaces/default/nothings", "{}", 404},
      {"no such group", "POST", "/apis/none.dev/v1/nothings", "{}", 404},
      {"wrong method", "PUT", maps, "{}", 405},
      {"no method", "", maps, "{}", 405},
      {"a batch in a batch", "POST", kBatch, "{}", 404},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Answer alone = Do(c.method, c.path, c.object, "application/json");
    const std::string good = fmt::format("made-beside-{}", &c - cases);
    const Answer answer =
        Send({Item(c.method, c.path, c.object.empty() ? "null" : c.object),
              Item("POST", maps, fmt::format(R"({{"metadata":{{"name":"{}"}}}})", good))});
    EXPECT_EQ(answer.code, 200);
    EXPECT_EQ(answer.At("results/0/code"), std::to_string(c.code));
    EXPECT_EQ(answer.At("results/1/code"), "201");
    EXPECT_EQ(Get(maps + "/" + good).code, 200);
    if (c.name == "a batch in a batch") continue;  // alone it is a batch
    EXPECT_EQ(alone.code, c.code);
    if (alone.At("kind") != "Status") {
      EXPECT_EQ(answer.At("results/0/status/message"), alone.body);
      continue;
    }
    for (const char* field : {"reason", "message", "details", "code"}) {
      EXPECT_EQ(answer.At(fmt::format("results/0/status/{}", field)), alone.At(field));
    }
  }
}

TEST_F(BatchTest, OnlyWritesOfOneObject) {
  const struct {
    std::string method, path, message;
  } cases[] = {
      {"GET", std::string(kPods) + "/a",
       "a batch is of create, update, patch and delete; GET /api/v1/namespaces/default/pods/a is a "
       "get"},
      {"GET", std::string(kPods) + "?watch=1",
       "a batch is of create, update, patch and delete; GET "
       "/api/v1/namespaces/default/pods?watch=1 is a watch"},
      {"DELETE", std::string(kPods),
       "a batch is of create, update, patch and delete; DELETE /api/v1/namespaces/default/pods is "
       "a deletecollection"},
      {"GET", "/metrics", "GET /metrics: not an object's path"},
      {"POST", "", "POST : not an object's path"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.method + " " + c.path);
    const Answer answer = Send({Item(c.method, c.path, "{}")});
    EXPECT_EQ(answer.code, 200);
    EXPECT_EQ(answer.At("results/0/code"), "400");
    EXPECT_EQ(answer.At("results/0/status/message"), c.message);
  }
}

TEST_F(BatchTest, RefusedAsAWhole) {
  const std::vector<std::string> many(kBatchItemsMax + 1, Item("POST", kPods, "{}"));
  const struct {
    std::string name, body;
    int code;
    std::string message;
  } cases[] = {
      {"another kind", R"({"kind":"Pod","apiVersion":"v1"})", 400,
       "Pod in version \"v1\" cannot be handled as a Batch: converting (v1.Pod) to (Batch): "
       "unknown conversion"},
      {"an unknown field", R"({"item":[]})", 400, ""},
      {"not JSON", "{", 400, ""},
      {"nothing", "", 400, ""},
      {"too many", BatchOf(many), 413,
       "Request entity too large: the batch has 257 items, 256 is the most"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Answer answer = Post(kBatch, c.body);
    EXPECT_EQ(answer.code, c.code);
    EXPECT_EQ(answer.At("kind"), "Status");
    if (!c.message.empty()) {
      EXPECT_EQ(answer.At("message"), c.message);
    }
  }
  EXPECT_EQ(Get(kBatch).code, 405);
  EXPECT_EQ(Do("POST", kBatch, "x", "text/plain").code, 415);
  EXPECT_EQ(Do("POST", "/apis/berth.dev/v1/batches", "{}", "application/json").code, 404);
}

TEST_F(BatchTest, Limits) {
  EXPECT_EQ(Send({}).body, R"({"kind":"BatchResult","apiVersion":"berth.dev/v1","results":null})");
  std::vector<std::string> most;
  for (int i = 0; i < kBatchItemsMax; ++i) {
    most.push_back(Item("POST", "/api/v1/namespaces/default/configmaps",
                        fmt::format(R"({{"metadata":{{"name":"c{}"}}}})", i)));
  }
  const Answer answer = Send(most);
  EXPECT_EQ(answer.At(fmt::format("results/{}/code", kBatchItemsMax - 1)), "201");
  // Long objects would keep the others waiting.
  const std::string text(65 << 10, 'x');
  const std::string object =
      R"({"metadata":{"name":"long"},"data":{"k":")" + text + "\"}}";
  const Answer longer = Send({Item("POST", "/api/v1/namespaces/default/configmaps", object)});
  EXPECT_EQ(longer.At("results/0/code"), "413");
  EXPECT_EQ(Get("/api/v1/namespaces/default/configmaps/long").code, 404);
}

TEST_F(BatchTest, WritesOfOneObjectInOneBatchAreAsSentAtOnce) {
  MakeNode("n");
  MakePod("a");
  const Answer answer = Send({BindItem("a", "n"), BindItem("a", "n")});
  EXPECT_EQ(answer.At("results/0/code"), "201");
  EXPECT_EQ(answer.At("results/1/code"), "409");
}

TEST_F(BatchTest, Protobuf) {
  MakeNode("n");
  MakePod("a");
  dev::v1::Batch batch;
  dev::v1::BatchItem& item = *batch.add_items();
  item.set_method("POST");
  item.set_path(fmt::format("{}/a/binding", kPods));
  api::core::Binding binding;
  binding.mutable_metadata()->set_name("a");
  binding.mutable_target()->set_name("n");
  api::AppendEnvelope(binding, "v1", "Binding", api::MapOrder::kAny,
                      *item.mutable_object()->mutable_raw());
  *batch.add_items() = item;
  batch.mutable_items(1)->mutable_object()->set_raw("k8s");
  std::string body;
  api::AppendEnvelope(batch, "berth.dev/v1", "Batch", api::MapOrder::kAny, body);
  const Answer answer =
      Do("POST", kBatch, body, std::string(kProtobuf), std::string(kProtobuf));
  EXPECT_EQ(answer.content_type, kProtobuf);
  dev::v1::BatchResult result;
  ASSERT_TRUE(api::DecodeEnvelope(answer.body, result).ok());
  ASSERT_EQ(result.results_size(), 2);
  EXPECT_EQ(result.results(0).code(), 201);
  EXPECT_EQ(result.results(1).code(), 400);
  EXPECT_EQ(NodeOf("a"), "n");
}

TEST_F(BatchTest, ItemsAreCountedOneByOne) {
  MakeNode("n");
  MakePod("a");
  Send({BindItem("a", "n"), BindItem("none", "n")});
  const std::string metrics = Get("/metrics").body;
  EXPECT_NE(metrics.find(R"(code="201",component="apiserver",group="",resource="pods",)"
                         R"(scope="resource",subresource="binding")"),
            std::string::npos);
  EXPECT_NE(metrics.find(R"(code="404",component="apiserver",group="",resource="pods",)"
                         R"(scope="resource",subresource="binding")"),
            std::string::npos);
}

}  // namespace
}  // namespace berth::apiserver
