// The HTTP edge of the API server: HTTP/1.1 over a few epoll loops, in front of a Handler.
//
// No thread waits for a request or a watch: a connection is a few hundred bytes, idle or not.
// A response is one send; watches share encoded bytes. What clients may do is bounded:
//   connections            HttpServerOptions::connections_max; beyond it 503 and closed
//   a head                 64 KiB, 200 lines, head_timeout from its first byte (431, closed)
//   a body                 body_bytes_max (413, closed), body_timeout
//   an idle connection     idle_timeout, closed
//   a reader that stalls   write_timeout without progress, cut off
//   a stream nobody takes  stream_budget_bytes unsent, cut off (watches stop well before that)
//   all that is held       held_bytes_max over all connections, half for bodies of requests that
//                          are not answered, half for answers that are not sent: beyond its half a
//                          long body, or a long answer to a read, is refused (429); from half of
//                          that on, one on the wire for pressure_timeout is cut off
// Why it is not a library's server: docs/decisions/002-own-http-server.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "client/tls.h"
#include "cluster/apiserver/handler.h"

namespace berth::apiserver {

struct HttpServerOptions {
  int loops = 2;  // threads; each also runs Handler::Handle for its connections
  int64_t connections_max = 15'000;
  int64_t body_bytes_max = 3 << 20;
  int64_t stream_budget_bytes = 8 << 20;
  int64_t held_bytes_max = 512 << 20;
  absl::Duration head_timeout = absl::Seconds(10);
  absl::Duration body_timeout = absl::Seconds(60);
  absl::Duration idle_timeout = absl::Minutes(3);
  absl::Duration write_timeout = absl::Seconds(30);
  absl::Duration pressure_timeout = absl::Seconds(5);
  // How long Stop waits for requests that are being handled.
  absl::Duration drain_timeout = absl::Seconds(2);
  // Null: plain HTTP, on loopback addresses only.
  std::shared_ptr<const client::TlsContext> tls;
};

// The address is one that only this machine can reach: 127.0.0.0/8, ::1 or "localhost".
bool IsLoopback(const std::string& address);

// Threads: Start and Stop by the owner; the rest any.
class HttpServer {
 public:
  // The handler must outlive the server.
  explicit HttpServer(Handler& handler, HttpServerOptions options = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Binds and serves. port 0: any free one, see port(). Errors: InvalidArgument for an address that
  // is none, or not loopback while there is no TLS; Unavailable when it cannot be bound.
  absl::Status Start(const std::string& address, int port);
  int port() const { return port_; }

  // No new connections; watches are cut off; requests being handled get drain_timeout to be
  // answered. Idempotent. Afterwards Handle is not called any more, and responders still about do
  // nothing.
  void Stop();

  int64_t connections() const;

 private:
  class Listener;
  struct Shared;
  Handler& handler_;
  const HttpServerOptions options_;
  std::shared_ptr<Shared> shared_;
  std::unique_ptr<Listener> listener_;
  int port_ = 0;
  bool started_ = false;
};

}  // namespace berth::apiserver
