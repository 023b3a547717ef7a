#include "client/http_connection.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <utility>

#include <absl/strings/str_cat.h>
#include <fmt/format.h>

#include "base/check.h"

namespace berth::client {
namespace {

constexpr uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP;
constexpr int kReadsPerWake = 16;

std::string ErrorText(int error) { return absl::StrCat(strerror(error)); }

}  // namespace

void HttpCall::Finish(absl::Status status) {
  if (finished) return;
  finished = true;
  if (streaming) {
    if (!cancelled && handler.on_close) handler.on_close(std::move(status));
    handler = {};
    return;
  }
  if (!status.ok()) {
    done(std::move(status));
  } else {
    if (!body.empty()) response.body = MakeBytes(std::move(body));
    done(std::move(response));
  }
  done = nullptr;
}

HttpConnection::HttpConnection(EventLoop& loop, Owner& owner,
                               std::shared_ptr<const TlsContext> tls, std::string host,
                               absl::Duration connect_timeout)
    : loop_(loop),
      owner_(owner),
      tls_context_(std::move(tls)),
      host_(std::move(host)),
      connect_timeout_(connect_timeout) {}

HttpConnection::~HttpConnection() { Close(); }

std::shared_ptr<HttpCall> HttpConnection::Close() {
  if (connect_timer_ != 0) loop_.Cancel(std::exchange(connect_timer_, 0));
  if (fd_ >= 0) {
    loop_.Remove(fd_);
    ::close(fd_);
    fd_ = -1;
  }
  connecting_ = false;
  if (call_) call_->connection = nullptr;
  return std::move(call_);
}

void HttpConnection::Lost(absl::Status why) {
  const bool silent = call_ != nullptr && !call_->responded;
  const bool retry = silent && used_ && (call_->safe || !sent_any_);
  std::shared_ptr<HttpCall> call = Close();
  owner_.OnLost(*this, std::move(call), std::move(why), retry);
}

// --- connecting --------------------------------------------------------------------------------

void HttpConnection::Start(std::vector<SocketAddress> addresses, std::shared_ptr<HttpCall> call) {
  addresses_ = std::move(addresses);
  call_ = std::move(call);
  call_->connection = this;
  connect_timer_ = loop_.PostAfter(connect_timeout_, [this] {
    connect_timer_ = 0;
    Lost(absl::UnavailableError(fmt::format("connect to {}: timed out", host_)));
  });
  // Never fails inside the call: the owner is told from the loop.
  ConnectNext(absl::UnavailableError(fmt::format("connect to {}: no address", host_)));
}

void HttpConnection::ConnectNext(absl::Status last) {
  while (next_address_ < addresses_.size()) {
    const SocketAddress& address = addresses_[next_address_++];
    const auto* generic = reinterpret_cast<const sockaddr*>(&address.storage);
    fd_ = ::socket(generic->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      last = absl::UnavailableError(absl::StrCat("socket: ", ErrorText(errno)));
      continue;
    }
    TuneTcp(fd_);
    const int result = ::connect(fd_, generic, address.length);
    if ((result == 0 || errno == EINPROGRESS) && loop_.Add(fd_, EPOLLOUT, *this)) {
      connecting_ = true;
      return;
    }
    last = absl::UnavailableError(fmt::format("connect to {}: {}", host_, ErrorText(errno)));
    ::close(fd_);
    fd_ = -1;
  }
  // Posted: the owner is not told inside its own call. Close and destruction cancel it.
  if (connect_timer_ != 0) loop_.Cancel(connect_timer_);
  connect_timer_ = loop_.PostAfter(absl::ZeroDuration(), [this, last = std::move(last)] {
    connect_timer_ = 0;
    Lost(last);
  });
}

void HttpConnection::Connected() {
  connecting_ = false;
  loop_.Modify(fd_, kReadEvents);
  if (tls_context_) tls_ = std::make_unique<TlsSession>(tls_context_, host_);
  if (!tls_ && connect_timer_ != 0) loop_.Cancel(std::exchange(connect_timer_, 0));
  BeginCall();
}

// --- sending -----------------------------------------------------------------------------------

void HttpConnection::Send(std::shared_ptr<HttpCall> call) {
  BERTH_CHECK(call_ == nullptr);
  BERTH_CHECK(fd_ >= 0);
  call_ = std::move(call);
  call_->connection = this;
  used_ = true;
  BeginCall();
}

void HttpConnection::BeginCall() {
  have_head_ = false;
  sent_any_ = false;
  if (tls_) {
    if (!Encrypt(call_->wire)) return;
  } else {
    unsent_ = call_->wire;
  }
  Flush();
}

bool HttpConnection::Encrypt(std::string_view plain) {
  if (absl::Status status = tls_->Write(plain); !status.ok()) {
    Lost(std::move(status));
    return false;
  }
  return true;
}

bool HttpConnection::Flush() {
  for (;;) {
    if (tls_ && unsent_.empty()) {
      cipher_ = tls_->TakeOutput();
      unsent_ = cipher_;
    }
    if (unsent_.empty()) break;
    const ssize_t sent = ::send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      sent_any_ = sent_any_ || sent > 0;
      unsent_.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      loop_.Modify(fd_, kReadEvents | EPOLLOUT);
      return true;
    }
    // The server may have answered before it closed (413): what it said is worth more than the
    // error. Reading finds out, from the loop.
    unsent_ = {};
    keep_alive_ = false;
    loop_.Modify(fd_, kReadEvents);
    return true;
  }
  loop_.Modify(fd_, kReadEvents);
  return true;
}

// --- receiving ---------------------------------------------------------------------------------

void HttpConnection::OnReady(uint32_t events) {
  if (connecting_) {
    int error = 0;
    socklen_t length = sizeof(error);
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
      loop_.Remove(fd_);
      ::close(fd_);
      fd_ = -1;
      connecting_ = false;
      ConnectNext(
          absl::UnavailableError(fmt::format("connect to {}: {}", host_, ErrorText(error))));
      return;
    }
    Connected();
    return;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && !Read()) return;
  if ((events & EPOLLOUT) != 0) Flush();
}

bool HttpConnection::Read() {
  const std::span<char> buffer = loop_.scratch();
  for (int i = 0; i < kReadsPerWake; ++i) {
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      const auto size = static_cast<size_t>(got);
      if (!Received({buffer.data(), size})) return false;
      if (size < buffer.size()) return true;
      continue;
    }
    if (got == 0) return AtEnd();
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return true;
    Lost(absl::UnavailableError(absl::StrCat("connection lost: ", ErrorText(errno))));
    return false;
  }
  return true;
}

bool HttpConnection::Received(std::string_view data) {
  if (!tls_) return Process(data);
  std::string plain;
  absl::Status status = tls_->Feed(data, plain);
  if (!status.ok()) {
    Flush();  // the alert
    Lost(std::move(status));
    return false;
  }
  if (tls_->established() && connect_timer_ != 0) {
    loop_.Cancel(std::exchange(connect_timer_, 0));
  }
  if (!Flush()) return false;
  if (!plain.empty() && !Process(plain)) return false;
  return tls_->closed() ? AtEnd() : true;
}

bool HttpConnection::Process(std::string_view data) {
  std::string buffered;
  if (!in_.empty()) {
    buffered = std::move(in_);
    in_.clear();
    buffered.append(data);
    data = buffered;
  }
  while (!data.empty()) {
    if (!call_) {
      Lost(absl::UnavailableError("the server sent what nobody asked for"));
      return false;
    }
    if (!have_head_) {
      if (!ProcessHead(data)) return false;
      if (!have_head_) return true;  // it is in in_, incomplete
    }
    if (!ProcessBody(data)) return false;
    if (decoder_.done()) return Complete(data.empty());
  }
  return true;
}

bool HttpConnection::ProcessHead(std::string_view& data) {
  for (;;) {
    auto head = ParseResponseHead(data, call_->to_head);
    if (!head.ok()) {
      Lost(absl::UnavailableError(head.status().message()));
      return false;
    }
    if (!*head) {
      in_.assign(data);
      return true;
    }
    data.remove_prefix((*head)->bytes);
    call_->responded = true;
    if ((*head)->response.code < 200) continue;  // 100 Continue and its like
    have_head_ = true;
    keep_alive_ = (*head)->keep_alive;
    decoder_ = BodyDecoder((*head)->framing);
    call_->response = std::move((*head)->response);
    if (call_->streaming) {
      owner_.OnResponse(*call_);
      if (!call_->cancelled && call_->handler.on_response) {
        call_->handler.on_response(std::move(call_->response));
      }
    } else if ((*head)->framing.kind == Framing::Kind::kLength) {
      call_->body.reserve(static_cast<size_t>(
          std::min((*head)->framing.length, call_->response_bytes_max)));
    }
    return true;
  }
}

bool HttpConnection::ProcessBody(std::string_view& data) {
  std::string piece;
  const bool streaming = call_->streaming;
  const size_t max = streaming ? std::numeric_limits<size_t>::max()
                               : static_cast<size_t>(call_->response_bytes_max);
  auto used = decoder_.Feed(data, streaming ? piece : call_->body, max);
  if (!used.ok()) {
    Lost(absl::IsResourceExhausted(used.status())
             ? used.status()
             : absl::UnavailableError(used.status().message()));
    return false;
  }
  data.remove_prefix(*used);
  if (!piece.empty() && !call_->cancelled && call_->handler.on_data) {
    call_->handler.on_data(MakeBytes(std::move(piece)));
  }
  return true;
}

bool HttpConnection::Complete(bool clean) {
  const bool reusable = clean && keep_alive_ && unsent_.empty();
  std::shared_ptr<HttpCall> call = std::move(call_);
  call->connection = nullptr;
  have_head_ = false;
  if (!reusable) Close();
  owner_.OnAnswered(*this, std::move(call), reusable);
  return false;  // the owner may have given it another call, or closed it: stop reading
}

bool HttpConnection::AtEnd() {
  if (call_ && have_head_ && decoder_.EndsAtClose()) {
    keep_alive_ = false;
    return Complete(false);
  }
  Lost(absl::UnavailableError(have_head_ ? "the response was cut short: unexpected EOF"
                                         : "the server closed the connection: EOF"));
  return false;
}

}  // namespace berth::client
