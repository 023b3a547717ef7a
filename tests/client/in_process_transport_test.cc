#include "cluster/apiserver/in_process_transport.h"

#include <gtest/gtest.h>

#include "base/sim_executor.h"
#include "base/thread_executor.h"
#include "tests/client/fake_api.h"

namespace berth::client {
namespace {

using apiserver::InProcessTransport;
using apiserver::Responder;
using apiserver::StreamWriter;

// Keeps what it is given until the test says otherwise.
class KeepingHandler final : public apiserver::Handler {
 public:
  void Handle(api::HttpRequest request, Responder responder) override {
    requests.push_back(std::move(request));
    responders.push_back(std::move(responder));
  }
  std::vector<api::HttpRequest> requests;
  std::vector<Responder> responders;
};

struct TransportWorld {
  TransportWorld()
      : loop(1),
        server(loop.MakeExecutor("server")),
        executor(loop.MakeExecutor("client")),
        transport(std::make_unique<InProcessTransport>(
            handler, *server, *executor, apiserver::InProcessOptions{.stream_budget_bytes = 100})) {
  }
  void Run(absl::Duration time = absl::Seconds(1)) {
    loop.RunUntil(loop.clock().Now() + time);
  }
  void Do(absl::Duration timeout = absl::Seconds(10)) {
    transport->Do({}, timeout, [this](absl::StatusOr<api::HttpResponse> r) {
      EXPECT_TRUE(executor->IsCurrent());
      answers.push_back(std::move(r));
    });
  }
  std::unique_ptr<Stream> Open() {
    StreamHandler handlers;
    handlers.on_response = [this](api::HttpResponse head) {
      heard += "head " + std::to_string(head.code) + ";";
    };
    handlers.on_data = [this](Bytes chunk) { heard += *chunk + ";"; };
    handlers.on_close = [this](absl::Status status) {
      heard += "close " + std::string(absl::StatusCodeToString(status.code())) + ";";
    };
    return transport->Open({}, std::move(handlers));
  }
  std::shared_ptr<StreamWriter> StartStream() {
    api::HttpResponse head;
    head.code = 200;
    return handler.responders.back().StartStream(std::move(head));
  }

  SimLoop loop;
  std::unique_ptr<Executor> server, executor;
  KeepingHandler handler;
  std::unique_ptr<InProcessTransport> transport;
  std::vector<absl::StatusOr<api::HttpResponse>> answers;
  std::string heard;
};

api::HttpResponse Answer(std::string body) {
  api::HttpResponse response;
  response.code = 200;
  response.body = MakeBytes(std::move(body));
  return response;
}

TEST(InProcessTransportTest, NothingHappensInsideTheCall) {
  TransportWorld w;
  w.Do();
  EXPECT_TRUE(w.handler.requests.empty());
  w.Run();
  ASSERT_EQ(w.handler.requests.size(), 1u);
  w.handler.responders[0].Respond(Answer("hi"));
  EXPECT_TRUE(w.answers.empty());
  w.Run();
  ASSERT_EQ(w.answers.size(), 1u);
  EXPECT_EQ(w.answers[0]->text(), "hi");
}

TEST(InProcessTransportTest, BodyIsShared) {
  TransportWorld w;
  w.Do();
  w.Run();
  const Bytes body = MakeBytes("hello");
  api::HttpResponse response;
  response.code = 200;
  response.body = body;
  w.handler.responders[0].Respond(std::move(response));
  w.Run();
  EXPECT_EQ(w.answers[0]->body.get(), body.get());
}

TEST(InProcessTransportTest, FailuresOfARequest) {
  TransportWorld w;
  w.Do(absl::Milliseconds(10));
  w.Run();
  ASSERT_EQ(w.answers.size(), 1u);
  EXPECT_TRUE(absl::IsDeadlineExceeded(w.answers[0].status()));
  w.handler.responders[0].Respond(Answer("late"));  // to nobody
  w.Do();
  w.Run();
  w.transport->Disconnect();
  w.Run();
  ASSERT_EQ(w.answers.size(), 2u);
  EXPECT_TRUE(absl::IsUnavailable(w.answers[1].status()));
  w.handler.responders[1].Respond(Answer("late"));
  w.Do();
  w.Run();
  ASSERT_EQ(w.answers.size(), 3u);
  EXPECT_TRUE(absl::IsUnavailable(w.answers[2].status()));
  w.transport->Connect(w.handler, *w.server);
  w.Do();
  w.Run();
  EXPECT_EQ(w.handler.requests.size(), 3u);
  w.transport.reset();
  w.Run();
  ASSERT_EQ(w.answers.size(), 4u);
  EXPECT_TRUE(absl::IsCancelled(w.answers[3].status()));
  w.handler.responders[2].Respond(Answer("late"));
}

TEST(InProcessTransportTest, DroppedResponderAnswers500) {
  TransportWorld w;
  w.Do();
  w.Run();
  w.handler.responders.clear();
  w.Run();
  ASSERT_EQ(w.answers.size(), 1u);
  EXPECT_EQ(w.answers[0]->code, 500);
}

TEST(InProcessTransportTest, StreamInOrder) {
  TransportWorld w;
  auto stream = w.Open();
  w.Run();
  auto writer = w.StartStream();
  EXPECT_TRUE(writer->Write(MakeBytes("a")));
  EXPECT_TRUE(writer->Write(MakeBytes("b")));
  w.Run();
  EXPECT_EQ(w.heard, "head 200;a;b;");
  writer->Close();
  EXPECT_FALSE(writer->Write(MakeBytes("c")));
  w.Run();
  EXPECT_EQ(w.heard, "head 200;a;b;close OK;");
}

TEST(InProcessTransportTest, StreamToDoIsJoined) {
  TransportWorld w;
  w.Do();
  w.Run();
  auto writer = w.StartStream();
  writer->Write(MakeBytes("a"));
  writer->Write(MakeBytes("b"));
  writer.reset();
  w.Run();
  ASSERT_EQ(w.answers.size(), 1u);
  EXPECT_EQ(w.answers[0]->text(), "ab");
}

TEST(InProcessTransportTest, SlowReceiverIsCutOff) {
  TransportWorld w;
  auto stream = w.Open();
  w.Run();
  auto writer = w.StartStream();
  int gone = 0;
  writer->OnGone([&] { ++gone; });
  EXPECT_TRUE(writer->Write(MakeBytes(std::string(60, 'x'))));
  EXPECT_FALSE(writer->Write(MakeBytes(std::string(60, 'y'))));
  EXPECT_EQ(gone, 1);
  EXPECT_FALSE(writer->Write(MakeBytes("z")));
  w.Run();
  EXPECT_EQ(w.heard, "head 200;" + std::string(60, 'x') + ";close UNAVAILABLE;");
}

TEST(InProcessTransportTest, BudgetIsOfWhatIsUndelivered) {
  TransportWorld w;
  auto stream = w.Open();
  w.Run();
  auto writer = w.StartStream();
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(writer->Write(MakeBytes(std::string(60, 'x'))));
    w.Run();
  }
}

TEST(InProcessTransportTest, WhoWaitsForAllToBeTakenIsTold) {
  TransportWorld world;
  auto stream = world.Open();
  world.Run();
  auto writer = world.StartStream();
  int told = 0;
  writer->OnDrained([&] { ++told; });
  EXPECT_EQ(told, 1) << "nothing is unsent";
  writer->Write(MakeBytes("abc"));
  writer->OnDrained([&] {
    EXPECT_TRUE(world.server->IsCurrent());
    ++told;
  });
  EXPECT_EQ(told, 1);
  world.Run();
  EXPECT_EQ(told, 2);
  writer->Write(MakeBytes("abc"));
  writer->OnDrained([&] { ++told; });
  writer->Close();
  world.Run();
  EXPECT_EQ(told, 2) << "the end came first";
}

TEST(InProcessTransportTest, CancelledStreamHearsNothingMore) {
  TransportWorld w;
  auto stream = w.Open();
  w.Run();
  auto writer = w.StartStream();
  int gone = 0;
  writer->OnGone([&] {
    EXPECT_TRUE(w.server->IsCurrent());
    ++gone;
  });
  writer->Write(MakeBytes("a"));
  stream.reset();
  w.Run();
  EXPECT_EQ(w.heard, "");
  EXPECT_EQ(gone, 1);
  EXPECT_FALSE(writer->Write(MakeBytes("b")));
  writer->OnGone([&] { ++gone; });  // told at once
  EXPECT_EQ(gone, 2);
}

TEST(InProcessTransportTest, StreamWithoutAnAnswerTimesOut) {
  TransportWorld w;
  auto stream = w.Open();
  w.Run(kStreamResponseTimeout + absl::Seconds(1));
  EXPECT_EQ(w.heard, "close DEADLINE_EXCEEDED;");
}

TEST(InProcessTransportTest, AnsweredStreamHasNoTimeout) {
  TransportWorld w;
  auto stream = w.Open();
  w.Run();
  auto writer = w.StartStream();
  w.Run(absl::Hours(5));
  EXPECT_EQ(w.heard, "head 200;");
  w.transport->Disconnect();
  w.Run();
  EXPECT_EQ(w.heard, "head 200;close UNAVAILABLE;");
  EXPECT_FALSE(writer->Write(MakeBytes("b")));
}

TEST(InProcessTransportTest, CancelInsideACallback) {
  TransportWorld w;
  std::unique_ptr<Stream> stream;
  StreamHandler handler;
  int chunks = 0;
  auto kept = std::make_shared<int>(1);
  handler.on_data = [&, kept](Bytes) {
    ++chunks;
    stream.reset();
    EXPECT_EQ(*kept, 1);  // the callback is still whole
  };
  stream = w.transport->Open({}, std::move(handler));
  w.Run();
  auto writer = w.StartStream();
  writer->Write(MakeBytes("a"));
  writer->Write(MakeBytes("b"));
  w.Run();
  EXPECT_EQ(chunks, 1);
  EXPECT_EQ(kept.use_count(), 1);
}

// Requests and streams from several threads, with real executors.
TEST(InProcessTransportThreadsTest, ManyThreads) {
  FakeApi api;
  api.Put("default", "a", "1");
  ThreadExecutor server("server"), client("client");
  auto transport = std::make_unique<InProcessTransport>(api, server, client);
  std::atomic<int> answers{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        api::HttpRequest request;
        request.target = "/api/v1/namespaces/default/configmaps/a";
        transport->Do(request, absl::Seconds(10),
                      [&](absl::StatusOr<api::HttpResponse>) { ++answers; });
        request.target = "/api/v1/configmaps?watch=true";
        auto stream = transport->Open(request, {});
      }
    });
  }
  for (auto& thread : threads) thread.join();
  while (answers < 800) std::this_thread::yield();
  transport.reset();
  server.Stop();
  client.Stop();
  EXPECT_EQ(answers, 800);
}

}  // namespace
}  // namespace berth::client
