// The HTTP server against clients that misbehave.
#include "cluster/apiserver/http_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <thread>

#include <absl/synchronization/notification.h>

#include "base/clock.h"
#include "tests/client/http_peers.h"

namespace berth::client {
namespace {

using apiserver::HttpServer;
using apiserver::HttpServerOptions;
using apiserver::StreamWriter;

class HttpServerTest : public testing::Test {
 protected:
  void StartWith(HttpServerOptions options) {
    server_ = std::make_unique<HttpServer>(handler_, options);
    ASSERT_TRUE(server_->Start("127.0.0.1", 0).ok());
  }
  TestHandler handler_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, OneConnection) {
  StartWith({});
  const std::string big = "GET / HTTP/1.1\r\nA: " + std::string(70'000, 'x');
  const struct {
    std::string_view name, sent;
    std::vector<std::string_view> want;  // in this order
    bool closed;
  } cases[] = {
      {"pipelined", "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n",
       {"GET /a", "GET /b", "GET /c"}, false},
      {"pipelined behind a slow one", "GET /later HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
       {"GET /later", "GET /b"}, false},
      {"asked to close", "GET /a HTTP/1.1\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
       {"Connection: close\r\n", "GET /a"}, true},
      {"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", {"GET /a"}, true},
      {"chunked body",
       "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
       {"POST /a abc"}, false},
      {"expects 100",
       "POST /a HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n", {"100 Continue"},
       false},
      {"no HTTP", "hello\r\n\r\n", {"HTTP/1.1 400 Bad Request", "400 Bad Request"}, true},
      {"smuggler", "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       {"HTTP/1.1 400"}, true},
      {"bad chunk", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
       {"HTTP/1.1 400"}, true},
      {"head too long", big, {"HTTP/1.1 431 Request Header Fields Too Large"}, true},
      {"announced body too large", "POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n",
       {"HTTP/1.1 413", "\"reason\":\"RequestEntityTooLarge\""}, true},
      {"empty answer", "GET /size/0 HTTP/1.1\r\n\r\n", {"Content-Length: 0\r\n\r\n"}, false},
      {"no content has no length", "GET /code/204 HTTP/1.1\r\n\r\n", {"204 No Content\r\n"}, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    RawClient client(server_->port());
    client.Send(c.sent);
    const std::string got = client.ReadAll(absl::Milliseconds(100));
    size_t from = 0;
    for (const std::string_view want : c.want) {
      const size_t at = got.find(want, from);
      ASSERT_NE(at, std::string::npos) << want << " is not in: " << got.substr(0, 2000);
      from = at + want.size();
    }
    EXPECT_EQ(got.find("GET /b") != std::string::npos && c.name == "asked to close", false);
    client.CloseWrite();
    EXPECT_TRUE(client.ClosedWithin(absl::Seconds(5)));
  }
}

TEST_F(HttpServerTest, AnyCut) {
  StartWith({});
  RawClient client(server_->port());
  for (const char& byte : std::string_view("POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")) {
    client.Send({&byte, 1});
  }
  EXPECT_TRUE(client.ReadUntil("POST /a abc").ends_with("POST /a abc"));
}

TEST_F(HttpServerTest, HalfClosedClientIsAnswered) {
  StartWith({});
  RawClient client(server_->port());
  client.Send("GET /later HTTP/1.1\r\n\r\n");
  client.CloseWrite();
  EXPECT_TRUE(client.ReadAll().ends_with("GET /later "));
}

TEST_F(HttpServerTest, HalfClosedClientGetsAllOfALongAnswer) {
  StartWith({});
  RawClient client(server_->port());
  client.Send("GET /size/9000000 HTTP/1.1\r\n\r\n");
  ASSERT_FALSE(client.ReadUntil("\r\n\r\n").empty());  // more than the socket holds is on its way
  client.CloseWrite();
  EXPECT_GT(client.ReadAll().size(), size_t{8} << 20);
}

// A peer that asks and asks, and reads nothing, is owed one long answer at a time.
TEST_F(HttpServerTest, NoFurtherRequestIsTakenWhileMuchIsOwed) {
  StartWith({});
  RawClient client(server_->port());
  std::string requests;
  for (int i = 0; i < 20; ++i) requests += "GET /size/9000000 HTTP/1.1\r\n\r\n";
  client.Send(requests);
  const absl::Time until = RealClock::Get().Now() + absl::Milliseconds(300);
  while (RealClock::Get().Now() < until) std::this_thread::yield();
  EXPECT_EQ(handler_.requests(), 1);
  client.CloseWrite();
  EXPECT_GT(client.ReadAll().size(), 20 * (size_t{8} << 20));
  EXPECT_EQ(handler_.requests(), 20);
}

TEST_F(HttpServerTest, SlowAndIdleClientsAreClosed) {
  HttpServerOptions options;
  options.head_timeout = absl::Milliseconds(300);
  options.body_timeout = absl::Milliseconds(300);
  options.idle_timeout = absl::Milliseconds(300);
  StartWith(options);
  for (const std::string_view start :
       {"", "GET / HT", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"}) {
    SCOPED_TRACE(start);
    RawClient client(server_->port());
    client.Send(start);
    EXPECT_TRUE(client.ClosedWithin(absl::Seconds(5)));
  }
  // A byte now and then does not help.
  RawClient drip(server_->port());
  const absl::Time start = RealClock::Get().Now();
  while (!drip.ClosedWithin(absl::Milliseconds(50)) &&
         RealClock::Get().Now() - start < absl::Seconds(10)) {
    drip.Send("G");
  }
  EXPECT_LT(RealClock::Get().Now() - start, absl::Seconds(5));
  RawClient idle(server_->port());
  idle.Send("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(idle.ReadUntil("GET /a ").ends_with("GET /a "));
  EXPECT_TRUE(idle.ClosedWithin(absl::Seconds(5)));
}

TEST_F(HttpServerTest, ConnectionsAreBounded) {
  HttpServerOptions options;
  options.connections_max = 3;
  StartWith(options);
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<RawClient>(server_->port()));
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 3; }));
  RawClient refused(server_->port());
  EXPECT_TRUE(refused.ReadAll().starts_with("HTTP/1.1 503"));
  clients.pop_back();
  ASSERT_TRUE(Eventually([&] { return server_->connections() == 2; }));
  RawClient welcome(server_->port());
  welcome.Send("GET /a HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(welcome.ReadUntil("GET /a ").ends_with("GET /a "));
}

TEST_F(HttpServerTest, IdleConnectionsCostNoCpu) {
  StartWith({});
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->Send("GET /a HTTP/1.1\r\n\r\n");
    ASSERT_TRUE(clients.back()->ReadUntil("GET /a ").ends_with("GET /a "));
  }
  EXPECT_EQ(server_->connections(), 1000);
  const absl::Duration before = CpuTime();
  std::this_thread::sleep_for(std::chrono::seconds(2));
  EXPECT_LT(CpuTime() - before, absl::Milliseconds(40));  // 2 % of a core
}

TEST_F(HttpServerTest, SlowWatcherIsCutOff) {
  HttpServerOptions options;
  options.stream_budget_bytes = 1 << 20;
  StartWith(options);
  std::shared_ptr<StreamWriter> writer;
  absl::Notification started, gone;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    w->OnGone([&] { gone.Notify(); });
    writer = std::move(w);
    started.Notify();
  });
  RawClient client(server_->port());
  client.Send("GET /stream HTTP/1.1\r\n\r\n");
  started.WaitForNotification();
  const Bytes chunk = MakeBytes(std::string(64 << 10, 'x'));
  int written = 0;
  while (written < 10'000 && writer->Write(chunk)) ++written;  // nobody reads
  EXPECT_LT(written, 10'000);
  EXPECT_TRUE(gone.HasBeenNotified());
  EXPECT_FALSE(writer->Write(MakeBytes("x")));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  // What did arrive is cut, and does not look complete.
  EXPECT_FALSE(client.ReadAll().ends_with("0\r\n\r\n"));
}

TEST_F(HttpServerTest, WhoWaitsForAllToBeTakenIsTold) {
  StartWith({});
  std::shared_ptr<StreamWriter> writer;
  absl::Notification started;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    writer = std::move(w);
    started.Notify();
  });
  RawClient client(server_->port());
  client.Send("GET /stream HTTP/1.1\r\n\r\n");
  started.WaitForNotification();
  std::atomic<int> told{0};
  writer->OnDrained([&] { ++told; });
  EXPECT_EQ(told, 1) << "nothing is unsent";
  const Bytes chunk = MakeBytes(std::string(64 << 10, 'x'));
  for (int i = 0; i < 112; ++i) ASSERT_TRUE(writer->Write(chunk));  // more than sockets buffer
  writer->OnDrained([&] { ++told; });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  EXPECT_EQ(told, 1) << "the client has not read";
  EXPECT_GT(writer->UnsentBytes(), 112 * 65536 - (1 << 20)) << "the system holds megabytes of it";
  std::thread reader([&] { client.ReadAll(); });
  EXPECT_TRUE(Eventually([&] { return told == 2; }));
  EXPECT_EQ(writer->UnsentBytes(), 0);
  // Not when the end comes first.
  for (int i = 0; i < 112; ++i) ASSERT_TRUE(writer->Write(chunk));
  if (writer->UnsentBytes() > 0) writer->OnDrained([&] { ++told; });
  writer->Close();
  const int at_close = told;
  writer->OnDrained([&] { ++told; });
  server_.reset();
  reader.join();
  EXPECT_EQ(told, at_close);
}

TEST_F(HttpServerTest, WhoSendsOnAfterARefusalIsCutOffAndHasTheAnswer) {
  StartWith({});
  RawClient client(server_->port());
  client.Send("POST /a HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
  const std::string chunk(64 << 10, 'x');
  size_t sent = 0;
  while (sent < (256 << 20)) {
    const ssize_t count = ::send(client.fd(), chunk.data(), chunk.size(), MSG_NOSIGNAL);
    if (count < 0) break;
    sent += static_cast<size_t>(count);
  }
  EXPECT_LT(sent, 16 << 20) << "what the system buffers, and a megabyte";
  EXPECT_TRUE(client.ReadAll().starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

TEST_F(HttpServerTest, StalledReaderIsCutOff) {
  HttpServerOptions options;
  options.write_timeout = absl::Milliseconds(300);
  StartWith(options);
  RawClient client(server_->port());
  client.Send("GET /size/50000000 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(Eventually([&] { return handler_.requests() == 1; }));
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
}

// Long answers that nobody takes fill the memory only so far.
TEST_F(HttpServerTest, UnsentAnswersAreBoundedInAll) {
  HttpServerOptions options;
  options.held_bytes_max = 120'000'000;
  options.pressure_timeout = absl::Seconds(1);
  StartWith(options);
  RawClient deaf(server_->port());
  deaf.Send("GET /size/50000000 HTTP/1.1\r\n\r\n");
  EXPECT_TRUE(Eventually([&] { return handler_.requests() == 1; }));
  RawClient refused(server_->port()), small(server_->port());
  refused.Send("GET /size/50000000 HTTP/1.1\r\nConnection: close\r\n\r\n");
  const std::string answer = refused.ReadAll();
  EXPECT_NE(answer.find("429 Too Many Requests"), std::string::npos) << answer.substr(0, 500);
  EXPECT_NE(answer.find("\"reason\":\"TooManyRequests\""), std::string::npos);
  EXPECT_NE(answer.find("Retry-After: 1\r\n"), std::string::npos);
  small.Send("GET /size/1000 HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_NE(small.ReadAll().find("200 OK"), std::string::npos);
  // Who does not take its answer makes room.
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 0; }));
  RawClient taken(server_->port());
  taken.Send("GET /size/50000000 HTTP/1.1\r\nConnection: close\r\n\r\n");
  EXPECT_GT(taken.ReadAll().size(), 50'000'000U);
}

// So do bodies that come slowly, and those of requests that are not answered.
TEST_F(HttpServerTest, UnansweredBodiesAreBoundedInAll) {
  HttpServerOptions options;
  options.held_bytes_max = 8'000'000;
  options.pressure_timeout = absl::Seconds(1);
  StartWith(options);
  const auto post = [](std::string_view target, size_t length, size_t sent) {
    return fmt::format("POST {} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{}",
                       target, length, std::string(sent, 'x'));
  };
  RawClient waiting(server_->port()), slow(server_->port());
  waiting.Send(post("/never", 2'500'000, 2'500'000));
  EXPECT_TRUE(Eventually([&] { return handler_.requests() == 1; }));
  slow.Send(post("/echo", 2'900'000, 1'000'000));
  absl::SleepFor(absl::Milliseconds(100));
  RawClient refused(server_->port()), small(server_->port());
  refused.Send(post("/echo", 1'000'000, 1'000'000));
  EXPECT_NE(refused.ReadAll().find("429 Too Many Requests"), std::string::npos);
  small.Send(post("/echo", 1000, 1000));
  EXPECT_NE(small.ReadAll().find("200 OK"), std::string::npos);
  EXPECT_TRUE(Eventually([&] { return server_->connections() == 1; }));  // the slow one is gone
  RawClient taken(server_->port());
  taken.Send(post("/echo", 1'000'000, 1'000'000));
  EXPECT_NE(taken.ReadAll().find("200 OK"), std::string::npos);
}

TEST_F(HttpServerTest, WatcherThatLeavesIsNoticed) {
  StartWith({});
  absl::Notification gone;
  std::shared_ptr<StreamWriter> writer;
  handler_.OnStream([&](std::shared_ptr<StreamWriter> w) {
    w->OnGone([&] { gone.Notify(); });
    writer = std::move(w);
  });
  {
    RawClient client(server_->port());
    client.Send("GET /stream HTTP/1.1\r\n\r\n");
    client.ReadUntil("\r\n\r\n");
  }
  gone.WaitForNotification();
}

TEST_F(HttpServerTest, StreamToHttp10EndsWithTheConnection) {
  StartWith({});
  handler_.OnStream([](std::shared_ptr<StreamWriter> w) {
    w->Write(MakeBytes("one "));
    w->Write(MakeBytes("two"));
  });
  RawClient client(server_->port());
  client.Send("GET /stream HTTP/1.0\r\n\r\n");
  const std::string got = client.ReadAll();
  EXPECT_TRUE(got.ends_with("\r\n\r\none two")) << got;
  EXPECT_EQ(got.find("chunked"), std::string::npos);
}

TEST_F(HttpServerTest, StopWaitsForAnswersAndRespondersOutliveIt) {
  HttpServerOptions options;
  options.drain_timeout = absl::Milliseconds(300);
  StartWith(options);
  RawClient slow(server_->port()), never(server_->port()), idle(server_->port());
  slow.Send("GET /later HTTP/1.1\r\n\r\n");
  never.Send("GET /never HTTP/1.1\r\n\r\n");
  ASSERT_TRUE(Eventually([&] { return handler_.requests() == 2; }));
  server_->Stop();
  EXPECT_TRUE(slow.ReadAll().ends_with("GET /later "));
  EXPECT_EQ(never.ReadAll(), "");
  EXPECT_EQ(idle.ReadAll(), "");
  handler_.DropKept();  // answers 500 to nobody
  server_->Stop();
  server_.reset();
  handler_.DropKept();
}

TEST(HttpServerStartTest, Addresses) {
  const struct {
    std::string address;
    int port;
    bool ok;
    std::string_view message;
  } cases[] = {
      {"127.0.0.1", 0, true, ""},
      {"127.1.2.3", 0, true, ""},
      {"localhost", 0, true, ""},
      {"::1", 0, true, ""},
      {"0.0.0.0", 0, false, "binds to loopback addresses only, not to 0.0.0.0"},
      {"::", 0, false, "binds to loopback addresses only, not to ::"},
      {"10.0.0.1", 0, false, "binds to loopback addresses only"},
      {"example.com", 0, false, "is not an IP address"},
      {"", 0, false, "is not an IP address"},
      {"127.0.0.1", 70000, false, "is not in [0, 65535]"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.address);
    TestHandler handler;
    HttpServer server(handler);
    const absl::Status status = server.Start(c.address, c.port);
    EXPECT_EQ(status.ok(), c.ok) << status;
    EXPECT_NE(std::string(status.message()).find(c.message), std::string::npos) << status;
  }
}

TEST(HttpServerStartTest, TakenPort) {
  TestHandler handler;
  HttpServer first(handler), second(handler);
  ASSERT_TRUE(first.Start("127.0.0.1", 0).ok());
  EXPECT_TRUE(absl::IsUnavailable(second.Start("127.0.0.1", first.port())));
}

}  // namespace
}  // namespace berth::client
