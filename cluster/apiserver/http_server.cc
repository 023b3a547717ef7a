#include "cluster/apiserver/http_server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "client/event_loop.h"
#include "cluster/apiserver/http_connection.h"

namespace berth::apiserver {
namespace {

constexpr int kBacklog = 4096;  // the kernel caps it at net.core.somaxconn
constexpr int kAcceptsPerWake = 64;
constexpr int kUnreadMax = 256 << 10;  // of a connection, waiting in the system
constexpr absl::Duration kSweep = absl::Seconds(1);
constexpr absl::Duration kAcceptPause = absl::Milliseconds(100);
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Retry-After: 1\r\nContent-Length: 21\r\nConnection: close\r\n\r\ntoo many connections\n";

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

absl::StatusOr<Address> Parse(const std::string& text, int port) {
  Address address;
  const std::string numeric = text == "localhost" ? "127.0.0.1" : text;
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (port < 0 || port > 65535) {
    return absl::InvalidArgumentError(fmt::format("port {} is not in [0, 65535]", port));
  }
  if (::inet_pton(AF_INET, numeric.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(sockaddr_in);
  } else if (::inet_pton(AF_INET6, numeric.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(static_cast<uint16_t>(port));
    address.length = sizeof(sockaddr_in6);
  } else {
    return absl::InvalidArgumentError(fmt::format("\"{}\" is not an IP address", text));
  }
  return address;
}

absl::Status SystemError(std::string_view what, const std::string& address, int port) {
  return absl::UnavailableError(fmt::format("{} {}:{}: {}", what, address, port, strerror(errno)));
}

// The connections of one loop. On that loop only.
class Group final : public HttpConnection::Owner {
 public:
  Group(std::shared_ptr<client::EventLoop> loop, Handler& handler,
        const HttpServerOptions& options, std::shared_ptr<HttpLoad> load,
        std::function<void()> on_closed)
      : loop_(std::move(loop)),
        handler_(&handler),
        options_(options),
        load_(std::move(load)),
        on_closed_(std::move(on_closed)) {}

  void Adopt(int fd) {
    if (stopping_) {
      ::close(fd);
      return on_closed_();
    }
    auto connection = std::make_shared<HttpConnection>(loop_, *this, options_, load_, fd);
    connections_.emplace(connection.get(), connection);
    connection->Start();
    if (!sweeping_) Sweep();
  }
  void Drain() {
    stopping_ = true;
    for (const auto& connection : All()) connection->Drain();
  }
  void CloseAll() {
    handler_ = nullptr;
    for (const auto& connection : All()) {
      connection->Close();
      OnClosed(*connection);
    }
  }
  client::EventLoop& loop() { return *loop_; }

 private:
  void OnClosed(HttpConnection& connection) override {
    if (connections_.erase(&connection) == 1) on_closed_();
  }
  Handler* handler() override { return handler_; }

  std::vector<std::shared_ptr<HttpConnection>> All() const {
    std::vector<std::shared_ptr<HttpConnection>> all;
    all.reserve(connections_.size());
    for (const auto& [key, connection] : connections_) all.push_back(connection);
    return all;
  }
  // Deadlines are coarse, so that a request costs no timer.
  void Sweep() {
    sweeping_ = !connections_.empty();
    if (!sweeping_) return;
    loop_->PostAfter(kSweep, [this] {
      const absl::Time now = loop_->clock().Now();
      for (const auto& connection : All()) connection->CheckDeadline(now);
      Sweep();
    });
  }

  const std::shared_ptr<client::EventLoop> loop_;
  Handler* handler_;
  const HttpServerOptions options_;
  const std::shared_ptr<HttpLoad> load_;
  const std::function<void()> on_closed_;
  bool stopping_ = false;
  bool sweeping_ = false;
  absl::flat_hash_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections_;
};

}  // namespace

struct HttpServer::Shared {
  absl::Mutex mutex;
  int64_t connections ABSL_GUARDED_BY(mutex) = 0;
  const std::shared_ptr<HttpLoad> load = std::make_shared<HttpLoad>();
  std::vector<std::unique_ptr<Group>> groups;

  // False: there are as many as there may be.
  bool Enter(int64_t max) {
    absl::MutexLock lock(&mutex);
    if (connections >= max) return false;
    ++connections;
    return true;
  }
  void Leave() {
    absl::MutexLock lock(&mutex);
    --connections;
  }
};

// The listening socket, on the first loop.
class HttpServer::Listener final : private client::EventLoop::Watcher {
 public:
  Listener(Shared& shared, int64_t connections_max, int fd)
      : shared_(shared), connections_max_(connections_max), fd_(fd) {}

  void Start() { loop().Add(fd_, EPOLLIN, *this); }
  void Close() {
    if (fd_ < 0) return;
    loop().Cancel(pause_);
    loop().Remove(fd_);
    ::close(fd_);
    fd_ = -1;
  }

 private:
  client::EventLoop& loop() { return shared_.groups.front()->loop(); }

  void OnReady(uint32_t) override {
    for (int i = 0; i < kAcceptsPerWake; ++i) {
      const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        Accepted(fd);
        continue;
      }
      if (errno == EAGAIN || errno == EWOULDBLOCK) return;
      if (errno == EINTR || errno == ECONNABORTED) continue;
      // Out of descriptors or memory: the connection stays in the backlog, and a level-triggered
      // loop would spin on it.
      BERTH_LOG(kWarning, "accept failed err=\"{}\" pause_ms=100", strerror(errno));
      loop().Modify(fd_, 0);
      pause_ = loop().PostAfter(kAcceptPause, [this] { loop().Modify(fd_, EPOLLIN); });
      return;
    }
  }

  void Accepted(int fd) {
    if (!shared_.Enter(connections_max_)) {
      [[maybe_unused]] const ssize_t sent =
          ::send(fd, kTooMany.data(), kTooMany.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::close(fd);
      return;
    }
    client::TuneTcp(fd);
    Group* group = shared_.groups[next_++ % shared_.groups.size()].get();
    if (&group->loop() == &loop()) return group->Adopt(fd);
    group->loop().Post([group, fd] { group->Adopt(fd); });
  }

  Shared& shared_;
  const int64_t connections_max_;
  int fd_;
  size_t next_ = 0;
  TimerId pause_ = 0;
};

bool IsLoopback(const std::string& address) {
  auto parsed = Parse(address, 0);
  if (!parsed.ok()) return false;
  if (parsed->get()->sa_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&parsed->storage);
    return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&parsed->storage);
  return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) != 0;
}

HttpServer::HttpServer(Handler& handler, HttpServerOptions options)
    : handler_(handler), options_(std::move(options)) {}

HttpServer::~HttpServer() { Stop(); }

absl::Status HttpServer::Start(const std::string& address, int port) {
  BERTH_CHECK(!started_);
  auto parsed = Parse(address, port);
  if (!parsed.ok()) return parsed.status();
  if (!options_.tls && !IsLoopback(address)) {
    return absl::InvalidArgumentError(fmt::format(
        "the insecure port is plain HTTP without authentication and binds to loopback addresses "
        "only, not to {}: use 127.0.0.1 or ::1",
        address));
  }
  const int fd =
      ::socket(parsed->get()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return SystemError("socket for", address, port);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  // Inherited by the connections. Without it the system takes tens of megabytes that we do not
  // read.
  ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kUnreadMax, sizeof(kUnreadMax));
  if (::bind(fd, parsed->get(), parsed->length) != 0 || ::listen(fd, kBacklog) != 0) {
    absl::Status status = SystemError("cannot listen on", address, port);
    ::close(fd);
    return status;
  }
  Address bound;
  bound.length = sizeof(bound.storage);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound.storage), &bound.length);
  // The port stands at the same place in both families.
  port_ = ntohs(reinterpret_cast<const sockaddr_in*>(&bound.storage)->sin_port);

  shared_ = std::make_shared<Shared>();
  for (int i = 0; i < std::max(1, options_.loops); ++i) {
    auto loop = std::make_shared<client::EventLoop>(fmt::format("http-server-{}", i));
    shared_->groups.push_back(std::make_unique<Group>(
        std::move(loop), handler_, options_, shared_->load,
        [shared = shared_.get()] { shared->Leave(); }));
  }
  listener_ = std::make_unique<Listener>(*shared_, options_.connections_max, fd);
  shared_->groups.front()->loop().Run([this] { listener_->Start(); });
  started_ = true;
  return absl::OkStatus();
}

void HttpServer::Stop() {
  if (!started_) return;
  started_ = false;
  shared_->groups.front()->loop().Run([this] { listener_->Close(); });
  for (auto& group : shared_->groups) {
    group->loop().Run([&group] { group->Drain(); });
  }
  {
    absl::MutexLock lock(&shared_->mutex);
    auto none = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(shared_->mutex) {
      return shared_->connections == 0;
    };
    shared_->mutex.AwaitWithTimeout(absl::Condition(&none), options_.drain_timeout);
  }
  for (auto& group : shared_->groups) {
    group->loop().Run([&group] { group->CloseAll(); });
    group->loop().Stop();
  }
}

int64_t HttpServer::connections() const {
  if (!shared_) return 0;
  absl::MutexLock lock(&shared_->mutex);
  return shared_->connections;
}

}  // namespace berth::apiserver
