// One connection of the HTTP client: connects, sends one request at a time, reads its response.
// Internal to http_transport.h. Everything here lives on the transport's EventLoop.
//
//                         connected, TLS done         answered, keep-alive; Send
//   (new) --Start--> connecting ----------------> busy <-----------------------> idle
//                        |                          |                             |
//                        +---- refused, late, lost -+---- lost, Close, stale -----+--> closed
#pragma once

#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "client/event_loop.h"
#include "client/http1.h"
#include "client/tls.h"
#include "client/transport.h"

namespace berth::client {

class HttpConnection;

// A request from its submission to its end.
struct HttpCall {
  std::string wire;  // head and body, ready to send
  bool to_head = false;
  bool safe = false;  // GET or HEAD: may be sent twice
  bool streaming = false;
  bool retried = false;
  bool responded = false;  // some of the response has arrived
  bool finished = false;
  int64_t response_bytes_max = 0;
  Completion<api::HttpResponse> done;  // unless streaming
  StreamHandler handler;               // when streaming
  api::HttpResponse response;
  std::string body;
  HttpConnection* connection = nullptr;
  TimerId timer = 0;
  std::atomic<bool> cancelled{false};

  // Calls the completion, once.
  void Finish(absl::Status status);
};

struct SocketAddress {
  sockaddr_storage storage;
  socklen_t length;
};

class HttpConnection final : private EventLoop::Watcher {
 public:
  class Owner {
   public:
    // The response is complete and delivered to `call`, which has not been finished yet.
    virtual void OnAnswered(HttpConnection& connection, std::shared_ptr<HttpCall> call,
                            bool reusable) = 0;
    // Closed; call may be null. retry: nothing of the request can have been carried out, or it was
    // safe, and the connection had been lying idle: another connection may do better.
    virtual void OnLost(HttpConnection& connection, std::shared_ptr<HttpCall> call,
                        absl::Status why, bool retry) = 0;
    // The first bytes of a streaming call's response are here.
    virtual void OnResponse(HttpCall& call) = 0;

   protected:
    ~Owner() = default;
  };

  // tls: null for plain TCP.
  HttpConnection(EventLoop& loop, Owner& owner, std::shared_ptr<const TlsContext> tls,
                 std::string host, absl::Duration connect_timeout);
  ~HttpConnection();

  // Connects to the first address that takes it, with the first call already in hand.
  void Start(std::vector<SocketAddress> addresses, std::shared_ptr<HttpCall> call);
  // Idle connections only.
  void Send(std::shared_ptr<HttpCall> call);
  // Silently; returns the call in hand.
  std::shared_ptr<HttpCall> Close();

  bool dedicated = false;                        // of a stream: outside the pool
  absl::Time idle_since = absl::InfiniteFuture();  // for the pool's use

 private:
  void OnReady(uint32_t events) override;
  void ConnectNext(absl::Status last);
  void Connected();
  void BeginCall();
  void Lost(absl::Status why);
  // False when the connection has been closed.
  bool Read();
  bool Received(std::string_view data);
  bool Process(std::string_view data);
  bool ProcessHead(std::string_view& data);
  bool ProcessBody(std::string_view& data);
  bool Complete(bool clean);
  bool AtEnd();
  bool Flush();
  bool Encrypt(std::string_view plain);

  EventLoop& loop_;
  Owner& owner_;
  const std::shared_ptr<const TlsContext> tls_context_;
  const std::string host_;
  const absl::Duration connect_timeout_;
  std::vector<SocketAddress> addresses_;
  size_t next_address_ = 0;
  int fd_ = -1;
  bool connecting_ = false;
  bool used_ = false;             // has served a call before this one
  bool sent_any_ = false;         // of the call in hand
  TimerId connect_timer_ = 0;
  std::unique_ptr<TlsSession> tls_;
  std::string cipher_;            // TLS: what is to be sent
  std::string_view unsent_;       // of cipher_ or of the call's wire
  std::shared_ptr<HttpCall> call_;
  bool have_head_ = false;
  bool keep_alive_ = true;
  BodyDecoder decoder_;
  std::string in_;                // an incomplete head
};

}  // namespace berth::client
