// One connection of the HTTP server. Internal to http_server.h.
//
//            head, body complete            answered, keep-alive
//   reading -------------------> handling --------------------> reading
//      |                            | \-- StartStream --> streaming --- Close, not keep-alive --+
//      | timeout, bad message       | peer gone                | peer gone, lag, stall          |
//      +----> answer, linger -------+--------------------------+-----------> closed <-----------+
//
// Everything lives on one EventLoop, but for what says "any thread".
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <absl/synchronization/mutex.h>

#include "client/event_loop.h"
#include "client/http1.h"
#include "client/tls.h"
#include "cluster/apiserver/http_server.h"

namespace berth::apiserver {

struct Outbox;

// What all connections of a server hold for their peers, in bytes. Threads: any.
struct HttpLoad {
  std::atomic<int64_t> bodies{0};   // of requests that are not answered
  std::atomic<int64_t> answers{0};  // not sent yet
};

class HttpConnection final : public std::enable_shared_from_this<HttpConnection>,
                             private client::EventLoop::Watcher {
 public:
  class Owner {
   public:
    // The connection has closed itself.
    virtual void OnClosed(HttpConnection& connection) = 0;
    virtual Handler* handler() = 0;  // null: stopping

   protected:
    ~Owner() = default;
  };

  // Takes over the descriptor (non-blocking). owner: until Close; loop: kept for late answers.
  HttpConnection(std::shared_ptr<client::EventLoop> loop, Owner& owner,
                 const HttpServerOptions& options, std::shared_ptr<HttpLoad> load, int fd);
  ~HttpConnection();

  void Start();
  // Silently; the receiver of a stream is told.
  void Close();
  // Closes once the request being handled has been answered; at once when there is none.
  void Drain();
  // Closes if it is late.
  void CheckDeadline(absl::Time now);

  // What a Responder ends up in.
  class Sink;
  class Writer;

 private:
  class BodyHold;
  void OnReady(uint32_t events) override;
  void Read();
  bool Received(std::string_view data);
  // Whether what is read is used now: a connection that owes its peer much, or that will close,
  // takes no further request, and reads only so far ahead.
  bool WantsInput() const;
  void Process();
  bool ReadHead();
  bool ReadBody();
  void Dispatch();
  void Reject(const api::HttpResponse& response);
  // From a Sink, on the loop. serial: of the request, so that a late answer is told.
  void Answer(uint64_t serial, api::HttpResponse response);
  void BeginStream(uint64_t serial, const api::HttpResponse& head,
                   std::shared_ptr<Outbox> outbox);
  void Pull();
  void EndStream();
  void Finished();
  void Put(std::string text);
  void Put(Bytes bytes);
  void PutOnWire(std::string text);  // encrypted already
  void Owe(int64_t more_bytes);
  // Somebody is slow to send a long body or to take a long answer while the server holds much.
  bool IsBurden(absl::Time now) const;
  void Flush();
  void AllSent();
  void Linger();
  void CloseSelf();
  void UpdateInterest();
  void SetDeadline(absl::Duration from_now);

  struct Piece {
    std::string text;
    Bytes shared;  // instead of text
    std::string_view view() const { return shared ? std::string_view(*shared) : text; }
  };

  const std::shared_ptr<client::EventLoop> loop_;
  Owner* owner_;
  const std::shared_ptr<HttpLoad> load_;
  Handler* handler_for_dispatch() { return owner_ == nullptr ? nullptr : owner_->handler(); }
  const HttpServerOptions options_;
  int fd_;
  std::unique_ptr<client::TlsSession> tls_;
  absl::Time deadline_ = absl::InfiniteFuture();
  absl::Time write_deadline_ = absl::InfiniteFuture();
  absl::Time long_since_;    // when the last body began to come, or long answer to go

  std::string in_;           // read, not parsed
  bool read_closed_ = false;
  bool lingering_ = false;
  int64_t linger_bytes_ = 0;  // that may still be read, and are dropped
  bool draining_ = false;
  std::optional<client::RequestHead> head_;  // of the request whose body is being read
  client::BodyDecoder decoder_;
  std::string body_;
  std::unique_ptr<BodyHold> body_hold_;
  bool sheddable_ = false;   // the request being handled changes nothing: it may be refused late
  std::atomic<bool> gone_{false};

  uint64_t serial_ = 0;      // of the request being handled
  bool handling_ = false;    // it has not been answered completely
  bool in_handler_ = false;  // Handle is on the stack
  bool processing_ = false;  // Process is
  bool to_head_ = false, http_1_0_ = false, keep_alive_ = true;
  bool linger_after_ = false;
  std::shared_ptr<Outbox> outbox_;  // streaming
  int64_t pulled_bytes_ = 0;        // of the outbox, in out_
  bool pull_again_ = false;         // once they are sent

  std::deque<Piece> out_;
  size_t out_bytes_ = 0;     // of its pieces
  size_t out_offset_ = 0;    // of the first piece, sent already
};

}  // namespace berth::apiserver
