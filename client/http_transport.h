// Transport over HTTP/1.1: one epoll thread, a pool of keep-alive connections for requests, a
// connection of its own for each stream.
//
// Requests beyond max_connections wait in a queue. A GET or HEAD that meets a connection which the
// server closed while it lay idle is sent once more on another one; anything else only when not a
// byte of it was sent. Error codes, 429 with its Retry-After among them, are the caller's affair.
// Cost: about 15 us of CPU a small request, socket included.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "client/tls.h"
#include "client/transport.h"

namespace berth::client {

struct HttpTransportOptions {
  std::string server = {};  // "http://127.0.0.1:8080", "https://host:6443/prefix"
  TlsOptions tls = {};      // for https
  int max_connections = 32;
  int64_t queue_max = 100'000;  // requests beyond it fail with ResourceExhausted
  int64_t response_bytes_max = int64_t{1} << 30;
  absl::Duration connect_timeout = absl::Seconds(10);  // TLS included
  // Shorter than the server's, so that it is mostly we who close.
  absl::Duration idle_timeout = absl::Seconds(60);
  std::string user_agent = "berth";  // for requests that name none
};

class HttpTransport final : public Transport {
 public:
  // Errors: InvalidArgument for a bad URL or bad certificates. Does not connect.
  static absl::StatusOr<std::unique_ptr<HttpTransport>> Create(HttpTransportOptions options);
  // Ends everything with Cancelled. Not from a callback.
  ~HttpTransport() override;

  void Do(api::HttpRequest request, absl::Duration timeout,
          Completion<api::HttpResponse> done) override;
  std::unique_ptr<Stream> Open(api::HttpRequest request, StreamHandler handler) override;

 private:
  class Pool;
  class StreamImpl;
  explicit HttpTransport(std::shared_ptr<Pool> pool) : pool_(std::move(pool)) {}
  std::shared_ptr<Pool> pool_;
};

// A server's URL, taken apart.
struct ServerUrl {
  bool tls = false;
  std::string host;    // without brackets
  int port = 0;
  std::string prefix;  // of every path, without a trailing slash
};
absl::StatusOr<ServerUrl> ParseServerUrl(std::string_view url);

}  // namespace berth::client
