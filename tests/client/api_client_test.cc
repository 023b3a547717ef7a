#include "client/api_client.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/sim_executor.h"
#include "cluster/apiserver/in_process_transport.h"
#include "tests/client/fake_api.h"

namespace berth::client {
namespace {

using api::core::ConfigMap;

struct ClientWorld {
  explicit ClientWorld(ApiClientOptions options = {})
      : loop(1),
        server(loop.MakeExecutor("server")),
        executor(loop.MakeExecutor("client")),
        transport(api, *server, *executor),
        client(transport, *executor, options) {}
  void Run(absl::Duration time = absl::Seconds(1)) {
    loop.RunUntil(loop.clock().Now() + time);
  }
  absl::Status Get(const std::string& name, absl::Duration time = absl::Seconds(1)) {
    absl::Status status = absl::UnknownError("no answer yet");
    client.Get(api::ResourceOf<ConfigMap>(), "default", name,
               [&](absl::StatusOr<ObjectPtr> got) { status = got.status(); });
    Run(time);
    return status;
  }

  SimLoop loop;
  std::unique_ptr<Executor> server, executor;
  FakeApi api;
  apiserver::InProcessTransport transport;
  ApiClient client;
};

TEST(ApiClientTest, Requests) {
  ClientWorld w;
  const api::Resource& maps = api::ResourceOf<ConfigMap>();
  ConfigMap map;
  map.mutable_metadata()->set_name("a");
  map.mutable_metadata()->set_namespace_("default");
  const auto object = [](absl::StatusOr<ObjectPtr>) {};
  const auto done = [](absl::Status) {};
  const auto list = [](absl::StatusOr<ObjectList>) {};
  const struct {
    std::string_view name;
    std::function<void()> call;
    std::string method, target, content_type;
  } cases[] = {
      {"get", [&] { w.client.Get(maps, "default", "a", object); }, "GET",
       "/api/v1/namespaces/default/configmaps/a", ""},
      {"list of all namespaces", [&] { w.client.List(maps, "", {}, list); }, "GET",
       "/api/v1/configmaps", ""},
      {"list with everything",
       [&] {
         w.client.List(maps, "n",
                       {.label_selector = "a in (b,c)",
                        .field_selector = "metadata.name=x",
                        .resource_version = "7",
                        .resource_version_match = "Exact",
                        .limit = 5,
                        .continue_token = "t/&="},
                       list);
       },
       "GET",
       "/api/v1/namespaces/n/configmaps?labelSelector=a%20in%20%28b%2Cc%29&fieldSelector="
       "metadata.name%3Dx&resourceVersion=7&resourceVersionMatch=Exact&limit=5&continue=t%2F%26%3D",
       ""},
      {"create", [&] { w.client.Create(maps, "default", map, object); }, "POST",
       "/api/v1/namespaces/default/configmaps", "application/vnd.kubernetes.protobuf"},
      {"update", [&] { w.client.Update(maps, map, "", object); }, "PUT",
       "/api/v1/namespaces/default/configmaps/a", "application/vnd.kubernetes.protobuf"},
      {"update status", [&] { w.client.Update(maps, map, "status", object); }, "PUT",
       "/api/v1/namespaces/default/configmaps/a/status", "application/vnd.kubernetes.protobuf"},
      {"patch",
       [&] {
         w.client.Patch(maps, "default", "a", PatchType::kStrategicMerge, "{}", "status", object);
       },
       "PATCH", "/api/v1/namespaces/default/configmaps/a/status",
       "application/strategic-merge-patch+json"},
      {"delete", [&] { w.client.Delete(maps, "default", "a", {}, done); }, "DELETE",
       "/api/v1/namespaces/default/configmaps/a", "application/json"},
      {"bind", [&] { w.client.Bind("default", "p", "u", "n1", done); }, "POST",
       "/api/v1/namespaces/default/pods/p/binding", "application/vnd.kubernetes.protobuf"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    w.api.requests.clear();
    c.call();
    EXPECT_TRUE(w.api.requests.empty()) << "called inside the call";
    w.Run();
    ASSERT_EQ(w.api.requests.size(), 1u);
    EXPECT_EQ(w.api.requests[0].method, c.method);
    EXPECT_EQ(w.api.requests[0].target, c.target);
    EXPECT_EQ(w.api.requests[0].content_type, c.content_type);
    EXPECT_EQ(w.api.requests[0].accept, "application/vnd.kubernetes.protobuf,application/json");
  }
}

TEST(ApiClientTest, Bodies) {
  ClientWorld w;
  const auto done = [](absl::Status) {};
  w.client.Bind("default", "p", "u", "n1", done);
  w.client.Delete(api::ResourceOf<ConfigMap>(), "default", "a",
                  {.uid = "u", .grace_period_s = 0, .propagation = "Orphan"}, done);
  w.Run();
  ASSERT_EQ(w.api.requests.size(), 2u);
  api::core::Binding binding;
  auto decoded = DecodeObject(w.api.requests[0].content_type, w.api.requests[0].body, binding);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->kind, "Binding");
  EXPECT_EQ(decoded->api_version, "v1");
  EXPECT_EQ(binding.metadata().uid(), "u");
  EXPECT_EQ(binding.target().kind(), "Node");
  EXPECT_EQ(binding.target().name(), "n1");
  EXPECT_EQ(w.api.requests[1].body,
            R"({"kind":"DeleteOptions","apiVersion":"v1","gracePeriodSeconds":0,)"
            R"("preconditions":{"uid":"u"},"propagationPolicy":"Orphan"})");
}

TEST(ApiClientTest, ErrorsCarryTheStatus) {
  ClientWorld w;
  const absl::Status status = w.Get("nothing");
  EXPECT_TRUE(api::IsNotFound(status)) << status;
  EXPECT_EQ(std::string(status.message()), "configmaps \"nothing\" not found");
  w.api.next_codes = {409};
  EXPECT_EQ(api::HttpCode(w.Get("nothing")), 409);
  w.transport.Disconnect();
  EXPECT_TRUE(absl::IsUnavailable(w.Get("nothing")));
  EXPECT_EQ(api::Reason(w.Get("nothing")), "");
}

TEST(ApiClientTest, ErrorBodies) {
  const struct {
    std::string_view name;
    int code;
    std::string type, body;
    std::string_view reason, message;
  } cases[] = {
      {"a Status", 409, "application/json",
       R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"m",)"
       R"("reason":"Conflict","code":409})",
       "Conflict", "m"},
      {"text", 404, "text/plain", "404 page not found", "NotFound", "404 page not found"},
      {"nothing", 503, "", "", "ServiceUnavailable", "the server answered 503 without saying more"},
      {"another object", 500, "application/json", R"({"kind":"Pod","apiVersion":"v1"})",
       "InternalError", R"({"kind":"Pod","apiVersion":"v1"})"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    api::HttpResponse response;
    response.code = c.code;
    response.content_type = c.type;
    response.body = MakeBytes(c.body);
    const absl::Status status = ErrorOf(response);
    EXPECT_EQ(api::HttpCode(status), c.code);
    EXPECT_EQ(api::Reason(status), c.reason);
    EXPECT_EQ(std::string(status.message()), c.message);
  }
}

TEST(ApiClientTest, RefusedRequestsAreRepeated) {
  const struct {
    std::string_view name;
    std::vector<int> codes;
    int retry_after_s;
    size_t requests;
    absl::Duration time;
  } cases[] = {
      {"429 without a time: a second", {429, 429}, 0, 3, absl::Seconds(3)},
      {"429 with a time", {429}, 5, 2, absl::Seconds(6)},
      {"503 with a time", {503}, 2, 2, absl::Seconds(3)},
      {"503 without one is an answer", {503}, 0, 1, absl::Seconds(30)},
      {"409 is an answer", {409}, 3, 1, absl::Seconds(30)},
      {"for ever", std::vector<int>(50, 429), 0, 11, absl::Seconds(60)},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    ClientWorld w;
    w.api.Put("default", "a", "1");
    w.api.next_codes = c.codes;
    w.api.retry_after_s = c.retry_after_s;
    const absl::Status status = w.Get("a", c.time);
    EXPECT_EQ(w.api.requests.size(), c.requests);
    EXPECT_NE(absl::IsUnknown(status), true);
    EXPECT_EQ(status.ok(), c.requests == c.codes.size() + 1) << status;
  }
}

TEST(ApiClientTest, WaitingRetryEndsWithTheClient) {
  SimLoop loop(1);
  auto server = loop.MakeExecutor("server"), executor = loop.MakeExecutor("client");
  FakeApi api;
  api.next_codes = {429};
  apiserver::InProcessTransport transport(api, *server, *executor);
  auto client = std::make_unique<ApiClient>(transport, *executor);
  absl::Status status;
  client->Get(api::ResourceOf<ConfigMap>(), "default", "a",
              [&](absl::StatusOr<ObjectPtr> got) { status = got.status(); });
  loop.RunUntil(loop.clock().Now() + absl::Milliseconds(500));
  client.reset();
  loop.RunUntil(loop.clock().Now() + absl::Seconds(5));
  EXPECT_TRUE(absl::IsCancelled(status));
}

TEST(ApiClientTest, QpsAndBurst) {
  ClientWorld w({.qps = 10, .burst = 5});
  int answers = 0;
  for (int i = 0; i < 25; ++i) {
    w.client.Get(api::ResourceOf<ConfigMap>(), "default", "a",
                 [&](absl::StatusOr<ObjectPtr>) { ++answers; });
  }
  w.Run(absl::Milliseconds(1));
  EXPECT_EQ(answers, 5);
  w.Run(absl::Milliseconds(1000));
  EXPECT_EQ(answers, 15);
  w.Run(absl::Milliseconds(1000));
  EXPECT_EQ(answers, 25);
}

TEST(ApiClientTest, TypedCalls) {
  ClientWorld w;
  w.api.Put("default", "a", "v");
  std::string value;
  w.client.Get<ConfigMap>("default", "a", [&](absl::StatusOr<std::shared_ptr<const ConfigMap>> m) {
    value = (*m)->data().at("value");
  });
  w.Run();
  EXPECT_EQ(value, "v");
}

// However a watch's bytes are cut, the frames are the same.
TEST(WatchDecoderTest, AnyCut) {
  for (const Media media : {Media::kProtobuf, Media::kJson}) {
    Random random(3);
    std::string wire;
    for (int i = 0; i < 20; ++i) {
      ConfigMap map;
      map.mutable_metadata()->set_name(fmt::format("m{}", i));
      (*map.mutable_data())["k"] = std::string(random.Below(300), i % 2 == 0 ? '{' : '"');
      wire += EncodeWatchFrame("ADDED", map, "v1", "ConfigMap", media);
    }
    for (int round = 0; round < 50; ++round) {
      WatchDecoder decoder(media, ConfigMap::default_instance());
      std::vector<WatchFrame> frames;
      std::string_view rest = wire;
      while (!rest.empty()) {
        const size_t size = 1 + random.Below(std::min<size_t>(rest.size(), 500));
        ASSERT_TRUE(decoder.Feed(rest.substr(0, size), frames).ok());
        rest.remove_prefix(size);
      }
      EXPECT_FALSE(decoder.partial());
      ASSERT_EQ(frames.size(), 20u);
      EXPECT_EQ(api::MetaOf(*frames[19].object).name(), "m19");
    }
  }
}

}  // namespace
}  // namespace berth::client
