#include "client/request_batcher.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "api/errors.h"
#include "api/schema/berth_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/events_v1.pb.h"
#include "base/sim_executor.h"
#include "client/api_client.h"
#include "cluster/apiserver/api_server.h"
#include "cluster/apiserver/in_process_transport.h"
#include "cluster/store/memory_store.h"

namespace berth::client {
namespace {

// Keeps what is sent until the test answers it.
class HeldTransport final : public Transport {
 public:
  struct Sent {
    api::HttpRequest request;
    Completion<api::HttpResponse> done;
    // Names of the items; the request's own target when it is no batch.
    std::vector<std::string> Items() const {
      dev::v1::Batch batch;
      if (!request.target.ends_with("/batch")) return {request.target};
      EXPECT_TRUE(DecodeObject(request.content_type, request.body, batch).ok());
      std::vector<std::string> items;
      for (const auto& item : batch.items()) items.push_back(item.path());
      return items;
    }
  };

  void Do(api::HttpRequest request, absl::Duration, Completion<api::HttpResponse> done) override {
    sent.push_back({std::move(request), std::move(done)});
  }
  std::unique_ptr<Stream> Open(api::HttpRequest, StreamHandler) override { return nullptr; }

  Sent TakeFirst() {
    Sent first = std::move(sent.front());
    sent.erase(sent.begin());
    return first;
  }
  // Every item is answered with its own code.
  static void Answer(Sent sent, const std::vector<int>& codes) {
    dev::v1::BatchResult result;
    for (const int code : codes) {
      auto& it = *result.add_results();
      it.set_code(code);
      if (code < 400) continue;
      it.mutable_status()->set_code(code);
      it.mutable_status()->set_status("Failure");
      it.mutable_status()->set_message("no");
      if (code == 429) it.mutable_status()->mutable_details()->set_retry_after_seconds(7);
    }
    api::HttpResponse response;
    response.code = 200;
    response.content_type = api::kProtobufType;
    response.body =
        MakeBytes(EncodeObject(result, "berth.dev/v1", "BatchResult", Media::kProtobuf));
    sent.done(std::move(response));
  }
  static void AnswerWhole(Sent sent, int code) {
    api::HttpResponse response;
    response.code = code;
    sent.done(std::move(response));
  }

  std::vector<Sent> sent;
};

class BatcherTest : public ::testing::Test {
 public:
  explicit BatcherTest(RequestBatcherOptions options = {.in_flight_max = 1, .items_max = 4})
      : batcher(std::make_shared<RequestBatcher>(transport, clock, options)) {}

  void Add(const std::string& path, const std::string& object, std::string body = "{}") {
    api::HttpRequest request;
    request.method = "POST";
    request.target = path;
    request.content_type = api::kJsonType;
    request.body = std::move(body);
    batcher->Add(object, std::move(request), [this, path](absl::StatusOr<api::HttpResponse> got) {
      if (!got.ok()) {
        results.push_back(fmt::format("{} {}", path, static_cast<int>(got.status().code())));
      } else {
        results.push_back(fmt::format("{} {}{}", path, got->code,
                                      api::FindHeader(got->headers, "Retry-After")));
      }
    });
  }
  using Names = std::vector<std::string>;

  FakeClock clock;
  HeldTransport transport;
  std::shared_ptr<RequestBatcher> batcher;
  Names results;
};

TEST_F(BatcherTest, WhatWaitsGoesWithTheAnswer) {
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) Add(name, name);
  ASSERT_EQ(transport.sent.size(), 1u);  // at once
  EXPECT_EQ(transport.sent[0].Items(), Names({"a"}));
  HeldTransport::Answer(transport.TakeFirst(), {201});
  ASSERT_EQ(transport.sent.size(), 1u);
  EXPECT_EQ(transport.sent[0].Items(), Names({"b", "c", "d", "e"}));  // items_max
  HeldTransport::Answer(transport.TakeFirst(), {201, 409, 429, 200});
  EXPECT_EQ(transport.sent[0].Items(), Names({"f"}));
  HeldTransport::Answer(transport.TakeFirst(), {201});
  EXPECT_EQ(results, Names({"a 201", "b 201", "c 409", "d 4297", "e 200", "f 201"}));
}

TEST_F(BatcherTest, OneWriteOfAnObjectAtATime) {
  Add("first", "x");
  for (const char* name : {"x1", "x2"}) Add(name, "x");
  Add("y1", "y");
  Add("y2", "y");
  HeldTransport::Answer(transport.TakeFirst(), {201});
  EXPECT_EQ(transport.sent[0].Items(), Names({"x1", "y1"}));
  Add("z", "z");
  HeldTransport::Answer(transport.TakeFirst(), {201, 201});
  EXPECT_EQ(transport.sent[0].Items(), Names({"x2", "y2", "z"}));
}

TEST_F(BatcherTest, BytesAreBounded) {
  Add("first", "first");
  const std::string half(30 << 10, 'x');
  Add("a", "a", half);
  Add("b", "b", half);
  Add("long", "long", half + half);
  ASSERT_EQ(transport.sent.size(), 2u);
  EXPECT_EQ(transport.sent[1].Items(), Names({"long"}));  // alone, at once
  HeldTransport::Answer(transport.TakeFirst(), {201});
  EXPECT_EQ(transport.sent[1].Items(), Names({"a"}));
}

// A server without batches: what was in one is sent again, singly, and so is what comes next; after
// a while one batch asks again.
TEST_F(BatcherTest, ServerWithoutBatches) {
  for (const int code : {404, 403, 405, 415}) {
    SCOPED_TRACE(code);
    for (const char* name : {"a", "b"}) Add(name, name);
    ASSERT_EQ(transport.sent.size(), 1u);
    HeldTransport::AnswerWhole(transport.TakeFirst(), code);
    ASSERT_EQ(transport.sent.size(), 2u);
    EXPECT_EQ(transport.sent[0].Items(), Names({"a"}));
    EXPECT_EQ(transport.sent[0].request.body, "{}");
    EXPECT_FALSE(batcher->Batching());
    Add("c", "c");
    ASSERT_EQ(transport.sent.size(), 3u);
    EXPECT_EQ(transport.sent[2].request.target, "c");
    while (!transport.sent.empty()) HeldTransport::AnswerWhole(transport.TakeFirst(), 201);
    EXPECT_EQ(results, Names({"a 201", "b 201", "c 201"}));
    results.clear();
    clock.Advance(absl::Minutes(1));
    EXPECT_TRUE(batcher->Batching());
    Add("d", "d");
    EXPECT_TRUE(transport.sent[0].request.target.ends_with("/batch"));
    HeldTransport::Answer(transport.TakeFirst(), {201});  // another server, with batches
    results.clear();
  }
}

TEST_F(BatcherTest, FailuresOfAWholeBatchAreEverybodys) {
  const struct {
    std::string_view name;
    std::function<void(HeldTransport::Sent)> answer;
    Names results;
  } cases[] = {
      {"connection lost",
       [](HeldTransport::Sent sent) { sent.done(absl::UnavailableError("lost")); },
       {"a 14", "b 14"}},
      {"too busy",
       [](HeldTransport::Sent sent) { HeldTransport::AnswerWhole(std::move(sent), 429); },
       {"a 429", "b 429"}},
      {"failed", [](HeldTransport::Sent sent) { HeldTransport::AnswerWhole(std::move(sent), 503); },
       {"a 503", "b 503"}},
      {"too few results",
       [](HeldTransport::Sent sent) { HeldTransport::Answer(std::move(sent), {201}); },
       {"a 3", "b 3"}},
      {"no BatchResult",
       [](HeldTransport::Sent sent) { HeldTransport::AnswerWhole(std::move(sent), 200); },
       {"a 3", "b 3"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Add("first", "first");
    for (const char* name : {"a", "b"}) Add(name, name);
    HeldTransport::Answer(transport.TakeFirst(), {201});
    results.clear();
    c.answer(transport.TakeFirst());
    EXPECT_EQ(results, c.results);
    EXPECT_TRUE(transport.sent.empty());
    results.clear();
  }
}

class FullBatcherTest : public BatcherTest {
 public:
  FullBatcherTest() : BatcherTest({.in_flight_max = 1, .waiting_max = 2}) {}
};

TEST_F(FullBatcherTest, IsRefused) {
  for (const char* name : {"out", "a", "b", "c"}) Add(name, name);
  EXPECT_EQ(results, Names({"c 8"}));  // ResourceExhausted
}

// The client against the real server.
struct World {
  World()
      : loop(1),
        server_executor(loop.MakeExecutor("server")),
        executor(loop.MakeExecutor("client")),
        store(store::MakeMemoryStore(*server_executor)),
        server(std::make_unique<apiserver::ApiServer>(*server_executor, *server_executor, *store)),
        transport(*server, *server_executor, *executor),
        client(transport, *executor, {.batches = true}) {
    server->Start([] {});
    Run();
  }
  ~World() { transport.Disconnect(); }
  void Run() { loop.RunUntil(loop.clock().Now() + absl::Seconds(1)); }

  SimLoop loop;
  std::unique_ptr<Executor> server_executor, executor;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<apiserver::ApiServer> server;
  apiserver::InProcessTransport transport;
  ApiClient client;
};

TEST(ApiClientBatchTest, ErrorsAreThoseOfSingleRequests) {
  World w;
  std::vector<absl::Status> statuses(8);
  for (size_t i = 0; i < statuses.size(); ++i) {
    api::events::Event event;
    event.mutable_metadata()->set_name(fmt::format("e{}", i / 2));  // each twice
    event.mutable_metadata()->set_namespace_("default");
    event.mutable_event_time()->set_seconds(1);
    for (auto* text : {event.mutable_reporting_controller(), event.mutable_reporting_instance(),
                       event.mutable_action(), event.mutable_reason()}) {
      *text = "x";
    }
    event.set_type("Normal");
    w.client.CreateOnly(api::ResourceOf<api::events::Event>(), "default", event,
                        [&statuses, i](absl::Status status) { statuses[i] = std::move(status); });
  }
  absl::Status bound;
  w.client.Bind("default", "none", "", "n", [&](absl::Status status) { bound = status; });
  w.Run();
  for (size_t i = 0; i < statuses.size(); ++i) {
    SCOPED_TRACE(statuses[i].ToString());
    EXPECT_EQ(statuses[i].ok(), i % 2 == 0);
    EXPECT_EQ(api::IsAlreadyExists(statuses[i]), i % 2 == 1);
  }
  EXPECT_TRUE(api::IsNotFound(bound));
  EXPECT_EQ(std::string(bound.message()), "pods \"none\" not found");
}

}  // namespace
}  // namespace berth::client
