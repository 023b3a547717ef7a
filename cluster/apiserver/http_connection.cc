#include "cluster/apiserver/http_connection.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "api/errors.h"
#include "base/check.h"
#include "cluster/apiserver/answers.h"
#include "cluster/apiserver/outbox.h"

namespace berth::apiserver {
namespace {

using client::Framing;

constexpr size_t kUnparsedMax = 64 << 10;     // read ahead while no request can be taken
constexpr size_t kUnsentMax = 64 << 10;       // with more, the next request waits
constexpr size_t kJoinMax = 16 << 10;         // smaller pieces are copied together
constexpr int64_t kLongMin = 16 << 10;        // bodies and answers beyond this are long
constexpr int64_t kPullBytes = 64 << 10;      // of a stream, moved to the socket at a time
constexpr int kStreamUnsentMax = 16 << 10;    // of a stream, waiting in the system
constexpr int kReadsPerWake = 8;

absl::Status TooMuchHeld() {
  return api::TooManyRequests("Too many requests, please try again later.", 1);
}

api::HttpResponse BodyTooLarge(int64_t bytes_max) {
  return StatusAnswer(api::RequestEntityTooLarge(fmt::format("limit is {}", bytes_max)));
}

}  // namespace

// The bytes of a body, counted until its request is answered or forgotten, whatever becomes of the
// connection. Threads: one at a time.
class HttpConnection::BodyHold {
 public:
  explicit BodyHold(std::shared_ptr<HttpLoad> load) : load_(std::move(load)) {}
  ~BodyHold() { load_->bodies -= bytes_; }
  BodyHold(const BodyHold&) = delete;
  BodyHold& operator=(const BodyHold&) = delete;
  void Set(int64_t bytes) {
    load_->bodies += bytes - bytes_;
    bytes_ = bytes;
  }

 private:
  const std::shared_ptr<HttpLoad> load_;
  int64_t bytes_ = 0;
};

class HttpConnection::Writer final : public StreamWriter {
 public:
  Writer(std::shared_ptr<HttpConnection> connection, std::shared_ptr<Outbox> outbox,
         int64_t budget_bytes)
      : connection_(std::move(connection)),
        outbox_(std::move(outbox)),
        budget_bytes_(budget_bytes) {}
  ~Writer() override { Close(); }

  bool Write(Bytes chunk) override {
    if (!chunk || chunk->empty()) return true;
    const auto size = static_cast<int64_t>(chunk->size());
    bool schedule = false, behind = false;
    {
      absl::MutexLock lock(&outbox_->mutex);
      if (outbox_->gone || outbox_->closed) return false;
      // One chunk may be larger than all that may wait: with nothing unsent nobody is behind.
      behind = outbox_->bytes > 0 && outbox_->bytes + size > budget_bytes_;
      if (!behind) {
        outbox_->bytes += size;
        outbox_->queue.push_back(std::move(chunk));
        schedule = !std::exchange(outbox_->scheduled, true);
      }
    }
    if (behind) {
      outbox_->Gone();
      connection_->loop_->Post([connection = connection_, outbox = outbox_] {
        if (connection->outbox_ == outbox) connection->CloseSelf();
      });
      return false;
    }
    if (schedule) SchedulePull();
    return true;
  }

  int64_t UnsentBytes() const override {
    absl::MutexLock lock(&outbox_->mutex);
    return outbox_->bytes;
  }

  void OnDrained(Task drained) override {
    {
      absl::MutexLock lock(&outbox_->mutex);
      if (outbox_->closed || outbox_->gone) return;
      if (outbox_->bytes > 0) {
        std::swap(outbox_->on_drained, drained);
        return;
      }
    }
    drained();
  }

  void Close() override {
    Task dropped, also_dropped;
    bool schedule = false;
    {
      absl::MutexLock lock(&outbox_->mutex);
      if (outbox_->closed) return;
      outbox_->closed = true;
      dropped = std::move(outbox_->on_gone);
      also_dropped = std::exchange(outbox_->on_drained, nullptr);
      schedule = !outbox_->gone && !std::exchange(outbox_->scheduled, true);
    }
    if (schedule) SchedulePull();
  }

  void OnGone(Task gone) override {
    {
      absl::MutexLock lock(&outbox_->mutex);
      if (outbox_->closed) return;
      if (!outbox_->gone) {
        std::swap(outbox_->on_gone, gone);
        return;
      }
    }
    gone();
  }

 private:
  void SchedulePull() {
    connection_->loop_->Post([connection = connection_, outbox = outbox_] {
      if (connection->outbox_ == outbox) connection->Pull();
    });
  }

  const std::shared_ptr<HttpConnection> connection_;
  const std::shared_ptr<Outbox> outbox_;
  const int64_t budget_bytes_;
};

class HttpConnection::Sink final : public Responder::Sink {
 public:
  Sink(std::shared_ptr<HttpConnection> connection, uint64_t serial,
       std::unique_ptr<BodyHold> body_hold)
      : connection_(std::move(connection)), serial_(serial), body_hold_(std::move(body_hold)) {}

  bool IsGone() const override { return connection_->gone_; }

  void Respond(api::HttpResponse response) override {
    // Inside Handle of this very request; never into another connection's call stack.
    if (connection_->loop_->IsCurrent() && connection_->in_handler_) {
      connection_->Answer(serial_, std::move(response));
      return;
    }
    connection_->loop_->Post(
        [connection = connection_, serial = serial_, response = std::move(response)]() mutable {
          connection->Answer(serial, std::move(response));
        });
  }

  std::shared_ptr<StreamWriter> StartStream(api::HttpResponse head) override {
    auto outbox = std::make_shared<Outbox>();
    auto writer = std::make_shared<Writer>(connection_, outbox,
                                           connection_->options_.stream_budget_bytes);
    connection_->loop_->Post([connection = connection_, serial = serial_, head = std::move(head),
                              outbox = std::move(outbox)]() mutable {
      connection->BeginStream(serial, head, std::move(outbox));
    });
    return writer;
  }

 private:
  const std::shared_ptr<HttpConnection> connection_;
  const uint64_t serial_;
  const std::unique_ptr<BodyHold> body_hold_;
};

HttpConnection::HttpConnection(std::shared_ptr<client::EventLoop> loop, Owner& owner,
                               const HttpServerOptions& options, std::shared_ptr<HttpLoad> load,
                               int fd)
    : loop_(std::move(loop)),
      owner_(&owner),
      load_(std::move(load)),
      options_(options),
      fd_(fd) {
  if (options_.tls) tls_ = std::make_unique<client::TlsSession>(options_.tls);
}

HttpConnection::~HttpConnection() { BERTH_CHECK(fd_ < 0); }

void HttpConnection::Start() {
  if (!loop_->Add(fd_, EPOLLIN | EPOLLRDHUP, *this)) {
    CloseSelf();
    return;
  }
  SetDeadline(options_.head_timeout);
}

void HttpConnection::Close() {
  Owe(-static_cast<int64_t>(out_bytes_));
  body_hold_.reset();
  gone_ = true;
  owner_ = nullptr;
  if (fd_ >= 0) {
    loop_->Remove(fd_);
    ::close(fd_);
    fd_ = -1;
  }
  out_.clear();
  handling_ = false;
  if (auto outbox = std::move(outbox_)) outbox->Gone();
}

void HttpConnection::CloseSelf() {
  Owner* owner = owner_;
  std::shared_ptr<HttpConnection> keep = shared_from_this();
  Close();
  if (owner != nullptr) owner->OnClosed(*this);
}

void HttpConnection::Drain() {
  draining_ = true;
  keep_alive_ = false;
  if (outbox_ || !handling_) CloseSelf();
}

void HttpConnection::SetDeadline(absl::Duration from_now) {
  deadline_ = from_now == absl::InfiniteDuration() ? absl::InfiniteFuture()
                                                   : loop_->clock().Now() + from_now;
}

void HttpConnection::CheckDeadline(absl::Time now) {
  if (now >= deadline_ || now >= write_deadline_ || IsBurden(now)) CloseSelf();
}

bool HttpConnection::IsBurden(absl::Time now) const {
  const int64_t much = options_.held_bytes_max / 4;  // half of a half
  const bool sends = std::ssize(body_) > kLongMin && load_->bodies > much;
  const bool takes = !outbox_ && static_cast<int64_t>(out_bytes_) > kLongMin &&
                     load_->answers > much;
  return (sends || takes) && now - long_since_ > options_.pressure_timeout;
}

// --- reading -----------------------------------------------------------------------------------

void HttpConnection::OnReady(uint32_t events) {
  std::shared_ptr<HttpConnection> keep = shared_from_this();
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) return CloseSelf();
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) Read();
  if (fd_ >= 0 && (events & EPOLLOUT) != 0) Flush();
}

// Reading stops while much is unparsed, and for good at the end of the input; otherwise a
// level-triggered loop would spin.
void HttpConnection::UpdateInterest() {
  if (fd_ < 0) return;
  uint32_t events = 0;
  if (!read_closed_ && (lingering_ || WantsInput() || in_.size() < kUnparsedMax)) {
    events |= EPOLLIN | EPOLLRDHUP;
  }
  if (!out_.empty()) events |= EPOLLOUT;
  loop_->Modify(fd_, events);
}

void HttpConnection::Read() {
  const std::span<char> buffer = loop_->scratch();
  for (int i = 0; i < kReadsPerWake && fd_ >= 0; ++i) {
    if (!lingering_ && !WantsInput() && in_.size() >= kUnparsedMax) break;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      const auto size = static_cast<size_t>(got);
      if (!Received({buffer.data(), size})) return;
      if (size < buffer.size()) break;
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    // A peer that has sent its request and closed its half still gets the answer; one that watches
    // has left.
    read_closed_ = true;
    if (got < 0 || outbox_ || lingering_ || (!handling_ && out_.empty())) return CloseSelf();
    break;
  }
  UpdateInterest();
}

bool HttpConnection::Received(std::string_view data) {
  if (tls_) {
    const bool was_established = tls_->established();
    absl::Status status = tls_->Feed(data, in_);
    PutOnWire(tls_->TakeOutput());
    if (!status.ok()) {
      Flush();
      if (fd_ >= 0) CloseSelf();
      return false;
    }
    if (!was_established) Flush();
    if (tls_->closed()) read_closed_ = true;
  } else if (!lingering_) {
    in_.append(data);
  }
  if (lingering_) {
    in_.clear();
    linger_bytes_ -= std::ssize(data);
    if (linger_bytes_ <= 0) CloseSelf();
    return fd_ >= 0;
  }
  Process();
  if (fd_ >= 0 && read_closed_ && (outbox_ || (!handling_ && out_.empty()))) CloseSelf();
  return fd_ >= 0;
}

bool HttpConnection::WantsInput() const {
  if (handling_ || lingering_ || linger_after_) return false;
  if (head_) return true;  // its body
  return keep_alive_ && out_bytes_ <= kUnsentMax;
}

// Takes as many requests from in_ as can be handled one after another.
void HttpConnection::Process() {
  processing_ = true;
  while (fd_ >= 0 && WantsInput()) {
    if (!head_ && !ReadHead()) break;
    if (!ReadBody()) break;
    Dispatch();
  }
  processing_ = false;
  if (fd_ < 0) return;
  if (!out_.empty()) return Flush();
  if (read_closed_ && !handling_ && !lingering_) CloseSelf();
}

// False: no whole head is there.
bool HttpConnection::ReadHead() {
  if (in_.empty()) return false;
  auto head = client::ParseRequestHead(in_);
  if (!head.ok()) {
    const bool big = absl::IsResourceExhausted(head.status());
    Reject(big ? TextAnswer(431, "431 Request Header Fields Too Large")
               : TextAnswer(400, "400 Bad Request"));
    return false;
  }
  if (!*head) {
    // The clock of a head runs from its first byte, and is not wound by the next ones.
    if (deadline_ > loop_->clock().Now() + options_.head_timeout) {
      SetDeadline(options_.head_timeout);
    }
    return false;
  }
  head_ = **std::move(head);
  in_.erase(0, head_->bytes);
  to_head_ = head_->request.method == "HEAD";
  http_1_0_ = head_->http_1_0;
  keep_alive_ = head_->keep_alive && !draining_;
  if (head_->framing.length > options_.body_bytes_max) {
    Reject(BodyTooLarge(options_.body_bytes_max));
    return false;
  }
  decoder_ = client::BodyDecoder(head_->framing);
  body_.clear();
  if (head_->framing.kind == Framing::Kind::kLength) {
    body_.reserve(static_cast<size_t>(std::min<int64_t>(head_->framing.length, 64 << 10)));
  }
  SetDeadline(options_.body_timeout);
  long_since_ = loop_->clock().Now();
  if (head_->expect_continue && in_.empty() && !decoder_.done()) {
    Put(std::string("HTTP/1.1 100 Continue\r\n\r\n"));
  }
  return true;
}

bool HttpConnection::ReadBody() {
  auto used = decoder_.Feed(in_, body_, static_cast<size_t>(options_.body_bytes_max));
  if (body_hold_ == nullptr) body_hold_ = std::make_unique<BodyHold>(load_);
  body_hold_->Set(std::ssize(body_));
  if (used.ok() && std::ssize(body_) > kLongMin && load_->bodies > options_.held_bytes_max / 2) {
    Reject(StatusAnswer(TooMuchHeld()));
    return false;
  }
  if (!used.ok()) {
    Reject(absl::IsResourceExhausted(used.status()) ? BodyTooLarge(options_.body_bytes_max)
                                                    : TextAnswer(400, "400 Bad Request"));
    return false;
  }
  in_.erase(0, *used);
  return decoder_.done();
}

void HttpConnection::Dispatch() {
  api::HttpRequest request = std::move(head_->request);
  head_.reset();
  request.body = std::move(body_);
  body_ = {};
  sheddable_ = request.method == "GET" || request.method == "HEAD";
  handling_ = true;
  ++serial_;
  SetDeadline(absl::InfiniteDuration());
  Handler* handler = handler_for_dispatch();
  if (handler == nullptr) return CloseSelf();
  in_handler_ = true;
  handler->Handle(std::move(request),
                  Responder(std::make_unique<Sink>(shared_from_this(), serial_,
                                                   std::move(body_hold_))));
  in_handler_ = false;
}

// Answers for the handler, and closes: what follows in the input cannot be trusted, or is too much.
void HttpConnection::Reject(const api::HttpResponse& response) {
  body_hold_.reset();
  body_ = {};
  const Framing framing{Framing::Kind::kLength, std::ssize(*response.body)};
  Put(client::WriteResponseHead(response, framing, false) + *response.body);
  in_.clear();
  head_.reset();
  keep_alive_ = false;
  linger_after_ = true;
  Flush();
}

// --- answering ---------------------------------------------------------------------------------

void HttpConnection::Answer(uint64_t serial, api::HttpResponse response) {
  if (fd_ < 0 || !handling_ || serial != serial_) return;
  size_t size = response.body ? response.body->size() : 0;
  if (const auto bytes = static_cast<int64_t>(size); bytes > kLongMin) {
    if (sheddable_ && load_->answers + bytes > options_.held_bytes_max / 2) {
      response = StatusAnswer(TooMuchHeld());
      size = response.body->size();
    } else {
      long_since_ = loop_->clock().Now();
    }
  }
  std::string head = client::WriteResponseHead(
      response, Framing{Framing::Kind::kLength, static_cast<int64_t>(size)}, keep_alive_);
  const bool bodiless = to_head_ || response.code == 204 || response.code == 304;
  if (!bodiless && size <= kJoinMax) head += response.text();
  Put(std::move(head));
  if (!bodiless && size > kJoinMax) Put(std::move(response.body));
  Finished();
}

void HttpConnection::BeginStream(uint64_t serial, const api::HttpResponse& head,
                                 std::shared_ptr<Outbox> outbox) {
  if (fd_ < 0 || !handling_ || serial != serial_) return outbox->Gone();
  if (http_1_0_) keep_alive_ = false;
  const Framing::Kind kind = http_1_0_ ? Framing::Kind::kUntilClose : Framing::Kind::kChunked;
  Put(client::WriteResponseHead(head, Framing{kind, 0}, keep_alive_));
  if (to_head_) {
    outbox->Gone();
    return Finished();
  }
  outbox_ = std::move(outbox);
  client::BoundUnsentTcp(fd_, kStreamUnsentMax);
  Pull();
  if (fd_ >= 0) Flush();
  if (fd_ >= 0 && (read_closed_ || draining_)) CloseSelf();
}

// Moves what is waiting to the socket, once what was moved before has been sent.
void HttpConnection::Pull() {
  if (pulled_bytes_ > 0) {
    pull_again_ = true;  // when all is sent
    return;
  }
  bool ended = false;
  int64_t taken = 0;
  std::string joined;
  {
    absl::MutexLock lock(&outbox_->mutex);
    outbox_->scheduled = false;
    while (!outbox_->queue.empty() && taken < kPullBytes) {
      Bytes chunk = std::move(outbox_->queue.front());
      outbox_->queue.pop_front();
      taken += static_cast<int64_t>(chunk->size());
      if (!http_1_0_) joined += client::ChunkPrefix(chunk->size());
      if (chunk->size() <= kJoinMax) {
        joined += *chunk;
      } else {
        Put(std::exchange(joined, {}));
        Put(std::move(chunk));
      }
      if (!http_1_0_) joined += "\r\n";
    }
    if (!outbox_->queue.empty()) {
      outbox_->scheduled = true;  // nobody needs to post: all sent, then again
      pull_again_ = true;
    } else {
      ended = outbox_->closed;
    }
  }
  pulled_bytes_ = taken;
  Put(std::move(joined));
  if (ended) return EndStream();
  if (!out_.empty()) Flush();
}

void HttpConnection::EndStream() {
  if (!http_1_0_) Put(std::string("0\r\n\r\n"));
  outbox_.reset();
  pulled_bytes_ = 0;
  pull_again_ = false;
  Finished();
}

// The answer to the request is complete, though perhaps not sent.
void HttpConnection::Finished() {
  handling_ = false;
  if (draining_) keep_alive_ = false;
  SetDeadline(options_.idle_timeout);
  if (in_.empty() && in_.capacity() > kJoinMax) in_ = {};
  if (in_handler_) return;  // Process goes on
  Flush();
  if (fd_ >= 0 && !in_.empty() && !processing_) Process();
  UpdateInterest();
}

}  // namespace berth::apiserver
