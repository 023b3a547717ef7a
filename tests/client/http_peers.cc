#include "tests/client/http_peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <absl/synchronization/notification.h>
#include <fmt/format.h>

#include "base/check.h"

namespace berth::client {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void SendAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<size_t>(sent));
  }
}

bool Readable(int fd, absl::Duration time) {
  pollfd p{fd, POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(absl::ToInt64Milliseconds(time))) > 0;
}

}  // namespace

TestHandler::~TestHandler() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void TestHandler::OnStream(std::function<void(std::shared_ptr<apiserver::StreamWriter>)> then) {
  absl::MutexLock lock(&mutex_);
  on_stream_ = std::move(then);
}

int TestHandler::requests() const {
  absl::MutexLock lock(&mutex_);
  return requests_;
}

void TestHandler::DropKept() {
  std::vector<apiserver::Responder> dropped;
  absl::MutexLock lock(&mutex_);
  dropped.swap(kept_);
}

void TestHandler::Handle(api::HttpRequest request, apiserver::Responder responder) {
  const std::string_view target = request.target;
  api::HttpResponse response;
  response.code = 200;
  response.content_type = "text/plain";
  response.body = MakeBytes(fmt::format("{} {} {}", request.method, target, request.body));
  absl::MutexLock lock(&mutex_);
  ++requests_;
  if (target == "/never") {
    kept_.push_back(std::move(responder));
  } else if (target == "/drop") {
    return;
  } else if (target == "/later") {
    threads_.emplace_back(
        [responder = std::move(responder), response = std::move(response)]() mutable {
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
          responder.Respond(std::move(response));
        });
  } else if (target == "/stream") {
    response.body = nullptr;
    auto writer = responder.StartStream(std::move(response));
    if (on_stream_) on_stream_(std::move(writer));
  } else if (target.starts_with("/size/")) {
    response.body = MakeBytes(std::string(std::stoul(std::string(target.substr(6))), 'x'));
    responder.Respond(std::move(response));
  } else if (target.starts_with("/code/")) {
    response.code = std::stoi(std::string(target.substr(6)));
    if (response.code == 429) response.headers.emplace_back("Retry-After", "7");
    responder.Respond(std::move(response));
  } else {
    responder.Respond(std::move(response));
  }
}

RawClient::RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const sockaddr_in address = Loopback(port);
  BERTH_CHECK(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
}
RawClient::~RawClient() { ::close(fd_); }
void RawClient::Send(std::string_view text) { SendAll(fd_, text); }
void RawClient::CloseWrite() { ::shutdown(fd_, SHUT_WR); }

std::string RawClient::ReadAll(absl::Duration silence) {
  std::string result = std::move(buffer_);
  buffer_.clear();
  char bytes[4096];
  while (Readable(fd_, silence)) {
    const ssize_t got = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (got <= 0) break;
    result.append(bytes, static_cast<size_t>(got));
  }
  return result;
}

std::string RawClient::ReadUntil(std::string_view end) {
  char bytes[4096];
  for (;;) {
    if (const size_t at = buffer_.find(end); at != std::string::npos) {
      std::string result = buffer_.substr(0, at + end.size());
      buffer_.erase(0, at + end.size());
      return result;
    }
    if (!Readable(fd_, absl::Seconds(5))) return std::move(buffer_);
    const ssize_t got = ::recv(fd_, bytes, sizeof(bytes), 0);
    if (got <= 0) return std::move(buffer_);
    buffer_.append(bytes, static_cast<size_t>(got));
  }
}

bool RawClient::ClosedWithin(absl::Duration time) {
  char byte;
  return Readable(fd_, time) && ::recv(fd_, &byte, 1, MSG_PEEK) <= 0;
}

std::string RawServer::Peer::ReadHead() const {
  std::string head;
  char byte;
  while (!head.ends_with("\r\n\r\n")) {
    if (::recv(fd_, &byte, 1, 0) <= 0) return {};
    head.push_back(byte);
  }
  return head;
}
void RawServer::Peer::Send(std::string_view text) const { SendAll(fd_, text); }
void RawServer::Peer::CloseWrite() const { ::shutdown(fd_, SHUT_WR); }
void RawServer::Peer::AwaitClose() const {
  char bytes[256];
  while (::recv(fd_, bytes, sizeof(bytes), 0) > 0) {
  }
}

RawServer::RawServer(std::function<void(const Peer& peer, int index)> serve)
    : serve_(std::move(serve)), fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = Loopback(0);
  socklen_t length = sizeof(address);
  BERTH_CHECK(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
  BERTH_CHECK(::listen(fd_, 128) == 0);
  ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Accept(); });
}

RawServer::~RawServer() {
  ::shutdown(fd_, SHUT_RDWR);
  thread_.join();
  ::close(fd_);
  std::vector<std::thread> peers;
  {
    absl::MutexLock lock(&mutex_);
    for (const int fd : fds_) ::shutdown(fd, SHUT_RDWR);
    peers.swap(peers_);
  }
  for (std::thread& peer : peers) peer.join();
}

int RawServer::connections() const {
  absl::MutexLock lock(&mutex_);
  return static_cast<int>(peers_.size());
}

void RawServer::Accept() {
  for (;;) {
    const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    absl::MutexLock lock(&mutex_);
    const int index = static_cast<int>(peers_.size());
    fds_.push_back(fd);
    peers_.emplace_back([this, fd, index] {
      serve_(Peer(fd), index);
      absl::MutexLock inner(&mutex_);
      std::erase(fds_, fd);
      ::close(fd);
    });
  }
}

std::unique_ptr<HttpTransport> ClientOf(int port, HttpTransportOptions options) {
  if (options.server.empty()) options.server = fmt::format("http://127.0.0.1:{}", port);
  auto transport = HttpTransport::Create(std::move(options));
  BERTH_CHECK(transport.ok());
  return *std::move(transport);
}

api::HttpRequest RequestOf(std::string method, std::string target, std::string body) {
  api::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

absl::StatusOr<api::HttpResponse> Call(Transport& transport, api::HttpRequest request,
                                       absl::Duration timeout) {
  absl::Notification done;
  absl::StatusOr<api::HttpResponse> result;
  transport.Do(std::move(request), timeout, [&](absl::StatusOr<api::HttpResponse> response) {
    result = std::move(response);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

absl::Duration CpuTime() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return absl::DurationFromTimeval(usage.ru_utime) + absl::DurationFromTimeval(usage.ru_stime);
}

bool Eventually(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace berth::client
