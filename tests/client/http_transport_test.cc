// The HTTP client against our server, and against servers that misbehave.
#include "client/http_transport.h"

#include <gtest/gtest.h>

#include <atomic>

#include <absl/synchronization/blocking_counter.h>
#include <absl/synchronization/notification.h>
#include <fmt/format.h>

#include "tests/client/http_peers.h"

namespace berth::client {
namespace {

using apiserver::HttpServer;
using apiserver::StreamWriter;

class HttpTransportTest : public testing::Test {
 protected:
  HttpTransportTest() : server_(handler_) {
    EXPECT_TRUE(server_.Start("127.0.0.1", 0).ok());
    transport_ = ClientOf(server_.port());
  }
  TestHandler handler_;
  HttpServer server_;
  std::unique_ptr<HttpTransport> transport_;
};

TEST_F(HttpTransportTest, Answers) {
  const struct {
    std::string_view name;
    api::HttpRequest request;
    int code;
    std::string body;
  } cases[] = {
      {"get", RequestOf("GET", "/echo?a=b"), 200, "GET /echo?a=b "},
      {"post", RequestOf("POST", "/echo", "hello"), 200, "POST /echo hello"},
      {"post without a body", RequestOf("POST", "/echo"), 200, "POST /echo "},
      {"delete with a body", RequestOf("DELETE", "/echo", "{}"), 200, "DELETE /echo {}"},
      {"head has no body", RequestOf("HEAD", "/echo"), 200, ""},
      {"after the head, in step", RequestOf("GET", "/echo"), 200, "GET /echo "},
      {"no content", RequestOf("GET", "/code/204"), 204, ""},
      {"after no content, in step", RequestOf("GET", "/echo"), 200, "GET /echo "},
      {"error codes are answers", RequestOf("GET", "/code/500"), 500, "GET /code/500 "},
      {"from another thread", RequestOf("GET", "/later"), 200, "GET /later "},
      {"empty answer", RequestOf("GET", "/size/0"), 200, ""},
      {"large answer", RequestOf("GET", "/size/5000000"), 200, std::string(5'000'000, 'x')},
      {"large body", RequestOf("PUT", "/e", std::string(2'000'000, 'y')), 200,
       "PUT /e " + std::string(2'000'000, 'y')},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto response = Call(*transport_, c.request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->code, c.code);
    EXPECT_EQ(response->text(), c.body);
  }
  EXPECT_EQ(server_.connections(), 1);
}

TEST_F(HttpTransportTest, RetryAfterIsLeftToTheCaller) {
  auto response = Call(*transport_, RequestOf("GET", "/code/429"));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->code, 429);
  EXPECT_EQ(api::FindHeader(response->headers, "retry-after"), "7");
}

TEST_F(HttpTransportTest, DroppedResponderAnswers500) {
  auto response = Call(*transport_, RequestOf("GET", "/drop"));
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->code, 500);
}

TEST_F(HttpTransportTest, TooLargeBodyIsRefusedClearly) {
  auto response =
      Call(*transport_, RequestOf("POST", "/echo", std::string(3 * 1024 * 1024 + 1, 'x')));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->code, 413);
  EXPECT_EQ(response->content_type, "application/json");
  EXPECT_NE(response->text().find("Request entity too large: limit is 3145728"),
            std::string_view::npos);
}

TEST_F(HttpTransportTest, ManyAtOnceShareTheConnections) {
  constexpr int kRequests = 3000;
  absl::BlockingCounter left(kRequests);
  std::atomic<int> wrong{0};
  for (int i = 0; i < kRequests; ++i) {
    std::string body = fmt::format("body-{}", i);
    std::string want = fmt::format("POST /echo/{} {}", i, body);
    transport_->Do(RequestOf("POST", fmt::format("/echo/{}", i), std::move(body)),
                   absl::Seconds(20),
                   [&, want = std::move(want)](absl::StatusOr<api::HttpResponse> response) {
                     if (!response.ok() || response->text() != want) ++wrong;
                     left.DecrementCount();
                   });
  }
  left.Wait();
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(server_.connections(), 32);
}

TEST_F(HttpTransportTest, TimeoutsAndTheConnectionAfterwards) {
  auto response = Call(*transport_, RequestOf("GET", "/never"), absl::Milliseconds(50));
  EXPECT_TRUE(absl::IsDeadlineExceeded(response.status())) << response.status();
  handler_.DropKept();
  EXPECT_TRUE(Call(*transport_, RequestOf("GET", "/echo")).ok());
}

TEST_F(HttpTransportTest, TimeoutCountsTheTimeInTheQueue) {
  HttpTransportOptions options;
  options.max_connections = 1;
  auto transport = ClientOf(server_.port(), options);
  absl::BlockingCounter left(2);
  std::vector<absl::Status> statuses(2);
  for (int i = 0; i < 2; ++i) {
    transport->Do(RequestOf("GET", "/never"), absl::Milliseconds(50),
                  [&, i](absl::StatusOr<api::HttpResponse> response) {
                    statuses[i] = response.status();
                    left.DecrementCount();
                  });
  }
  left.Wait();
  EXPECT_TRUE(absl::IsDeadlineExceeded(statuses[0]));
  EXPECT_TRUE(absl::IsDeadlineExceeded(statuses[1]));
  EXPECT_EQ(handler_.requests(), 1);
}

TEST_F(HttpTransportTest, DestructionCancels) {
  absl::Notification done;
  absl::Status status;
  transport_->Do(RequestOf("GET", "/never"), absl::Seconds(10),
                 [&](absl::StatusOr<api::HttpResponse> response) {
                   status = response.status();
                   done.Notify();
                 });
  ASSERT_TRUE(Eventually([&] { return handler_.requests() == 1; }));
  transport_.reset();
  EXPECT_TRUE(done.HasBeenNotified());
  EXPECT_TRUE(absl::IsCancelled(status));
}

TEST_F(HttpTransportTest, ServerStopsAndComesBack) {
  const int port = server_.port();
  ASSERT_TRUE(Call(*transport_, RequestOf("GET", "/echo")).ok());
  server_.Stop();
  EXPECT_TRUE(absl::IsUnavailable(Call(*transport_, RequestOf("GET", "/echo")).status()));
  HttpServer again(handler_);
  ASSERT_TRUE(again.Start("127.0.0.1", port).ok());
  EXPECT_TRUE(Call(*transport_, RequestOf("GET", "/echo")).ok());
}

TEST_F(HttpTransportTest, NamesAreResolved) {
  HttpTransportOptions options;
  options.server = fmt::format("http://localhost:{}", server_.port());
  auto transport = ClientOf(0, options);
  EXPECT_TRUE(Call(*transport, RequestOf("GET", "/echo")).ok());
  options.server = "http://no-such-host.invalid:1";
  auto nowhere = ClientOf(0, options);
  EXPECT_TRUE(absl::IsUnavailable(Call(*nowhere, RequestOf("GET", "/echo")).status()));
}

TEST_F(HttpTransportTest, PathPrefix) {
  HttpTransportOptions options;
  options.server = fmt::format("http://127.0.0.1:{}/k8s/", server_.port());
  auto transport = ClientOf(0, options);
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/echo"))->text(), "GET /k8s/echo ");
}

// --- streams -----------------------------------------------------------------------------------

struct StreamLog {
  absl::Mutex mutex;
  int code = 0;
  std::string data;
  absl::Status status;
  absl::Notification closed;

  StreamHandler Handler() {
    StreamHandler handler;
    handler.on_response = [this](api::HttpResponse head) {
      absl::MutexLock lock(&mutex);
      code = head.code;
    };
    handler.on_data = [this](Bytes chunk) {
      absl::MutexLock lock(&mutex);
      data += *chunk;
    };
    handler.on_close = [this](absl::Status s) {
      status = std::move(s);
      closed.Notify();
    };
    return handler;
  }
  std::string Data() {
    absl::MutexLock lock(&mutex);
    return data;
  }
};

TEST_F(HttpTransportTest, StreamArrivesAsItIsWritten) {
  std::shared_ptr<StreamWriter> writer;
  absl::Notification started;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    writer = std::move(w);
    started.Notify();
  });
  StreamLog log;
  auto stream = transport_->Open(RequestOf("GET", "/stream"), log.Handler());
  started.WaitForNotification();
  std::string want;
  for (int i = 0; i < 50; ++i) {
    const std::string chunk = fmt::format("event {}\n", i) + std::string(i * 500, 'x');
    want += chunk;
    ASSERT_TRUE(writer->Write(MakeBytes(chunk)));
    if (i % 10 == 0) {
      EXPECT_TRUE(Eventually([&] { return log.Data().size() == want.size(); }));
    }
  }
  writer->Close();
  EXPECT_FALSE(writer->Write(MakeBytes("late")));
  log.closed.WaitForNotification();
  EXPECT_TRUE(log.status.ok()) << log.status;
  EXPECT_EQ(log.code, 200);
  EXPECT_TRUE(log.Data() == want);
}

TEST_F(HttpTransportTest, CancelledStreamIsGoneForTheServer) {
  absl::Notification gone;
  std::shared_ptr<StreamWriter> writer;
  absl::Notification started;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    w->OnGone([&] { gone.Notify(); });
    writer = std::move(w);
    started.Notify();
  });
  StreamLog log;
  auto stream = transport_->Open(RequestOf("GET", "/stream"), log.Handler());
  started.WaitForNotification();
  stream.reset();
  gone.WaitForNotification();
  EXPECT_FALSE(writer->Write(MakeBytes("x")));
  EXPECT_FALSE(log.closed.HasBeenNotified());
  // Told again to whoever asks later.
  absl::Notification again;
  writer->OnGone([&] { again.Notify(); });
  EXPECT_TRUE(again.HasBeenNotified());
}

TEST_F(HttpTransportTest, StreamIsCutWhenTheServerStops) {
  std::shared_ptr<StreamWriter> writer;
  absl::Notification started, gone;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    w->OnGone([&] { gone.Notify(); });
    writer = std::move(w);
    started.Notify();
  });
  StreamLog log;
  auto stream = transport_->Open(RequestOf("GET", "/stream"), log.Handler());
  started.WaitForNotification();
  server_.Stop();
  log.closed.WaitForNotification();
  EXPECT_TRUE(absl::IsUnavailable(log.status)) << log.status;
  EXPECT_TRUE(gone.HasBeenNotified());
  EXPECT_FALSE(writer->Write(MakeBytes("x")));
}

TEST_F(HttpTransportTest, ErrorAnswerToAStream) {
  StreamLog log;
  auto stream = transport_->Open(RequestOf("GET", "/code/410"), log.Handler());
  log.closed.WaitForNotification();
  EXPECT_TRUE(log.status.ok());
  EXPECT_EQ(log.code, 410);
  EXPECT_EQ(log.Data(), "GET /code/410 ");
}

TEST_F(HttpTransportTest, StreamsAreOutsideThePool) {
  HttpTransportOptions options;
  options.max_connections = 1;
  auto transport = ClientOf(server_.port(), options);
  std::vector<std::shared_ptr<StreamWriter>> writers;
  absl::Mutex mutex;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    absl::MutexLock lock(&mutex);
    writers.push_back(std::move(w));
  });
  StreamLog logs[5];
  std::vector<std::unique_ptr<Stream>> streams;
  for (StreamLog& log : logs) {
    streams.push_back(transport->Open(RequestOf("GET", "/stream"), log.Handler()));
  }
  EXPECT_TRUE(Eventually([&] { return server_.connections() == 5; }));
  EXPECT_TRUE(Call(*transport, RequestOf("GET", "/echo")).ok());
  absl::MutexLock lock(&mutex);
  writers.clear();
}

// --- servers that misbehave --------------------------------------------------------------------

TEST(HttpTransportPeerTest, OneResponse) {
  enum Want { kAnswer, kUnavailable };
  const struct {
    std::string_view name, text;
    Want want;
    std::string_view body;
  } cases[] = {
      {"content length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", kAnswer, "hello"},
      {"chunks",
       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
       "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
       kAnswer, "hello"},
      {"until close", "HTTP/1.1 200 OK\r\n\r\nhello", kAnswer, "hello"},
      {"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", kAnswer, "hello"},
      {"100 first", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
       kAnswer, "hi"},
      {"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", kUnavailable, ""},
      {"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhe",
       kUnavailable, ""},
      {"no last chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n",
       kUnavailable, ""},
      {"cut in the head", "HTTP/1.1 200 OK\r\nContent-Le", kUnavailable, ""},
      {"nothing", "", kUnavailable, ""},
      {"no HTTP", "SSH-2.0-OpenSSH_9\r\n\r\n", kUnavailable, ""},
      {"two framings",
       "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       kUnavailable, ""},
  };
  for (const auto& c : cases) {
    for (const bool byte_by_byte : {false, true}) {
      SCOPED_TRACE(fmt::format("{}{}", c.name, byte_by_byte ? ", byte by byte" : ""));
      RawServer server([&](const RawServer::Peer& peer, int) {
        if (peer.ReadHead().empty()) return;
        if (byte_by_byte) {
          for (const char& byte : c.text) peer.Send({&byte, 1});
        } else {
          peer.Send(c.text);
        }
      });
      auto transport = ClientOf(server.port());
      auto response = Call(*transport, RequestOf("POST", "/"));
      if (c.want == kAnswer) {
        ASSERT_TRUE(response.ok()) << response.status();
        EXPECT_EQ(response->text(), c.body);
      } else {
        EXPECT_TRUE(absl::IsUnavailable(response.status())) << response.status();
      }
    }
  }
}

TEST(HttpTransportPeerTest, HalfClosedServerStillAnswers) {
  RawServer server([](const RawServer::Peer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer.CloseWrite();
    peer.AwaitClose();
  });
  auto transport = ClientOf(server.port());
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->text(), "ok");
  EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->text(), "ok");
  EXPECT_EQ(server.connections(), 2);
}

// The server answers once, and closes when the second request comes.
TEST(HttpTransportPeerTest, StaleConnection) {
  const auto serve = [](const RawServer::Peer& peer, int) {
    if (peer.ReadHead().empty()) return;
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    peer.ReadHead();
  };
  {
    RawServer server(serve);
    auto transport = ClientOf(server.port());
    ASSERT_TRUE(Call(*transport, RequestOf("GET", "/")).ok());
    EXPECT_EQ(Call(*transport, RequestOf("GET", "/"))->text(), "ok");  // on a second connection
    EXPECT_EQ(server.connections(), 2);
  }
  {
    RawServer server(serve);
    auto transport = ClientOf(server.port());
    ASSERT_TRUE(Call(*transport, RequestOf("GET", "/")).ok());
    // It was sent, and may have been carried out.
    EXPECT_TRUE(absl::IsUnavailable(Call(*transport, RequestOf("POST", "/")).status()));
    EXPECT_TRUE(Call(*transport, RequestOf("POST", "/")).ok());
  }
}

TEST(HttpTransportPeerTest, FreshConnectionIsNotRetried) {
  RawServer server([](const RawServer::Peer& peer, int) { peer.ReadHead(); });
  auto transport = ClientOf(server.port());
  EXPECT_TRUE(absl::IsUnavailable(Call(*transport, RequestOf("GET", "/")).status()));
  EXPECT_EQ(server.connections(), 1);
}

TEST(HttpTransportPeerTest, RefusalDuringABodyIsHeard) {
  RawServer server([](const RawServer::Peer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    peer.CloseWrite();
    peer.AwaitClose();
  });
  auto transport = ClientOf(server.port());
  auto response = Call(*transport, RequestOf("POST", "/", std::string(8 << 20, 'x')));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->code, 413);
}

TEST(HttpTransportPeerTest, ResponseBeyondTheLimit) {
  RawServer server([](const RawServer::Peer& peer, int) {
    peer.ReadHead();
    peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'));
    peer.AwaitClose();
  });
  HttpTransportOptions options;
  options.response_bytes_max = 999;
  auto transport = ClientOf(server.port(), options);
  EXPECT_TRUE(absl::IsResourceExhausted(Call(*transport, RequestOf("GET", "/")).status()));
}

TEST(HttpTransportPeerTest, NobodyListens) {
  int port = 0;
  {
    RawServer server([](const RawServer::Peer&, int) {});
    port = server.port();
  }
  auto transport = ClientOf(port);
  auto response = Call(*transport, RequestOf("GET", "/"));
  EXPECT_TRUE(absl::IsUnavailable(response.status()));
  EXPECT_NE(response.status().message().find("Connection refused"), absl::string_view::npos);
}

TEST(ServerUrlTest, Parse) {
  const struct {
    std::string_view url;
    bool ok, tls;
    std::string_view host;
    int port;
    std::string_view prefix;
  } cases[] = {
      {"https://1.2.3.4:6443", true, true, "1.2.3.4", 6443, ""},
      {"https://host", true, true, "host", 443, ""},
      {"http://host/", true, false, "host", 80, ""},
      {"http://[::1]:8080/a/b/", true, false, "::1", 8080, "/a/b"},
      {"host:8080", true, false, "host", 8080, ""},
      {"ftp://host", false, false, "", 0, ""},
      {"https://", false, false, "", 0, ""},
      {"http://host:0", false, false, "", 0, ""},
      {"http://host:99999", false, false, "", 0, ""},
      {"http://host:1x", false, false, "", 0, ""},
      {"http://user@host", false, false, "", 0, ""},
      {"http://[::1", false, false, "", 0, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.url);
    auto url = ParseServerUrl(c.url);
    ASSERT_EQ(url.ok(), c.ok) << url.status();
    if (!c.ok) continue;
    EXPECT_EQ(url->tls, c.tls);
    EXPECT_EQ(url->host, c.host);
    EXPECT_EQ(url->port, c.port);
    EXPECT_EQ(url->prefix, c.prefix);
  }
}

}  // namespace
}  // namespace berth::client
