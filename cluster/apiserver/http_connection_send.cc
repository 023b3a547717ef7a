// The sending half of a connection: pieces to the socket, and what happens once all is sent.
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <utility>

#include "cluster/apiserver/http_connection.h"
#include "cluster/apiserver/outbox.h"

namespace berth::apiserver {
namespace {

constexpr size_t kTextPieceMax = 64 << 10;
constexpr int kPiecesPerSend = 64;
constexpr absl::Duration kLinger = absl::Seconds(2);
constexpr int64_t kLingerBytes = 1 << 20;

}  // namespace

void HttpConnection::Put(std::string text) {
  if (text.empty()) return;
  if (tls_) {
    // A failure shows up as soon as the peer's bytes are read.
    (void)tls_->Write(text);
    text = tls_->TakeOutput();
  }
  PutOnWire(std::move(text));
}

void HttpConnection::PutOnWire(std::string text) {
  if (text.empty()) return;
  if (!out_.empty() && !out_.back().shared &&
      out_.back().text.size() + text.size() <= kTextPieceMax) {
    Owe(std::ssize(text));
    out_.back().text += text;
    return;
  }
  Owe(std::ssize(text));
  out_.push_back(Piece{std::move(text), nullptr});
}

void HttpConnection::Put(Bytes bytes) {
  if (tls_) return Put(std::string(*bytes));
  Owe(std::ssize(*bytes));
  out_.push_back(Piece{{}, std::move(bytes)});
}

void HttpConnection::Owe(int64_t more_bytes) {
  out_bytes_ += static_cast<size_t>(more_bytes);
  load_->answers += more_bytes;
}

void HttpConnection::Flush() {
  while (!out_.empty()) {
    iovec vectors[kPiecesPerSend];
    size_t count = 0;
    for (const Piece& piece : out_) {
      if (count == kPiecesPerSend) break;
      std::string_view view = piece.view();
      if (count == 0) view.remove_prefix(out_offset_);
      vectors[count++] = {const_cast<char*>(view.data()), view.size()};
    }
    msghdr message{};
    message.msg_iov = vectors;
    message.msg_iovlen = count;
    const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return CloseSelf();
      if (write_deadline_ == absl::InfiniteFuture()) {
        write_deadline_ = loop_->clock().Now() + options_.write_timeout;
      }
      return UpdateInterest();
    }
    write_deadline_ = absl::InfiniteFuture();
    auto left = static_cast<size_t>(sent) + out_offset_;
    while (!out_.empty() && left >= out_.front().view().size()) {
      left -= out_.front().view().size();
      Owe(-std::ssize(out_.front().view()));
      out_.pop_front();
    }
    out_offset_ = left;
  }
  AllSent();
}

void HttpConnection::AllSent() {
  out_offset_ = 0;
  write_deadline_ = absl::InfiniteFuture();
  if (outbox_) {
    outbox_->Sent(std::exchange(pulled_bytes_, 0));
    if (std::exchange(pull_again_, false)) {
      // From the loop, so that one stream does not keep the others waiting.
      loop_->Post([self = shared_from_this(), outbox = outbox_] {
        if (self->outbox_ == outbox) self->Pull();
      });
    }
  }
  UpdateInterest();
  if (linger_after_) return Linger();
  if (handling_ || head_ || processing_) return;
  if (!in_.empty() && WantsInput()) {
    // Requests that waited until we had sent what we owed. From the loop: the stack stays flat.
    loop_->Post([self = shared_from_this()] {
      if (self->fd_ >= 0) self->Process();
      self->UpdateInterest();
    });
    return;
  }
  if (!keep_alive_ || read_closed_) CloseSelf();
}

// The peer may still be sending. Closing now would reset the connection and lose our answer. What
// it sends is read for some bytes more; who still sends then is cut off: what it has received by
// then it can read, though it may hear of the reset first.
void HttpConnection::Linger() {
  linger_after_ = false;
  lingering_ = true;
  linger_bytes_ = kLingerBytes;
  if (!tls_) ::shutdown(fd_, SHUT_WR);
  SetDeadline(kLinger);
}

}  // namespace berth::apiserver
