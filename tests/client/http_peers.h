// Peers for HTTP tests: handlers of several tempers, and bare sockets that speak as they please.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>

#include "client/http_transport.h"
#include "cluster/apiserver/http_server.h"

namespace berth::client {

// GET /echo...      answers "METHOD target body"
// GET /later        answers from another thread
// GET /never        keeps the responder
// GET /drop         drops the responder
// GET /size/N       answers N bytes
// GET /code/N       answers code N, with a body where there may be one
// GET /stream       starts a stream and hands it to `on_stream`
class TestHandler final : public apiserver::Handler {
 public:
  ~TestHandler() override;
  void Handle(api::HttpRequest request, apiserver::Responder responder) override;
  void OnStream(std::function<void(std::shared_ptr<apiserver::StreamWriter>)> then);
  int requests() const;
  // Lets go of what /never kept.
  void DropKept();

 private:
  mutable absl::Mutex mutex_;
  int requests_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<apiserver::Responder> kept_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
  std::function<void(std::shared_ptr<apiserver::StreamWriter>)> on_stream_ ABSL_GUARDED_BY(mutex_);
};

// A blocking client socket.
class RawClient {
 public:
  explicit RawClient(int port);
  ~RawClient();
  void Send(std::string_view text);
  void CloseWrite();
  // Reads until the other side closes, or nothing came for `silence`.
  std::string ReadAll(absl::Duration silence = absl::Seconds(5));
  // Reads until `end` was seen, or nothing came for five seconds.
  std::string ReadUntil(std::string_view end);
  // The other side has closed within the time.
  bool ClosedWithin(absl::Duration time);
  int fd() const { return fd_; }

 private:
  int fd_;
  std::string buffer_;
};

// A server that treats each connection as told, one thread a connection.
class RawServer {
 public:
  class Peer {
   public:
    explicit Peer(int fd) : fd_(fd) {}
    // Until the end of a head; empty when the client closed.
    std::string ReadHead() const;
    void Send(std::string_view text) const;
    void CloseWrite() const;
    // Waits for the client to close.
    void AwaitClose() const;

   private:
    int fd_;
  };
  // index: of the connection, from 0.
  explicit RawServer(std::function<void(const Peer& peer, int index)> serve);
  ~RawServer();
  int port() const { return port_; }
  int connections() const;

 private:
  void Accept();
  const std::function<void(const Peer&, int)> serve_;
  int fd_ = -1;
  int port_ = 0;
  std::thread thread_;
  mutable absl::Mutex mutex_;
  std::vector<std::thread> peers_ ABSL_GUARDED_BY(mutex_);
  std::vector<int> fds_ ABSL_GUARDED_BY(mutex_);
};

std::unique_ptr<HttpTransport> ClientOf(int port, HttpTransportOptions options = {});
api::HttpRequest RequestOf(std::string method, std::string target, std::string body = {});
absl::StatusOr<api::HttpResponse> Call(Transport& transport, api::HttpRequest request,
                                       absl::Duration timeout = absl::Seconds(10));
// CPU time of this process so far.
absl::Duration CpuTime();
// Waits for the condition, for ten seconds at most.
bool Eventually(const std::function<bool()>& condition);

}  // namespace berth::client
