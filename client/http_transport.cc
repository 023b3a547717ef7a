#include "client/http_transport.h"

#include <netdb.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <deque>
#include <thread>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/status_macros.h"
#include "client/event_loop.h"
#include "client/http1.h"
#include "client/http_connection.h"

namespace berth::client {
namespace {

constexpr absl::Duration kIdleSweep = absl::Seconds(10);

// Numeric addresses only when `numeric`; otherwise this may block.
absl::StatusOr<std::vector<SocketAddress>> Lookup(const std::string& host, int port,
                                                  bool numeric) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (numeric ? AI_NUMERICHOST : 0);
  addrinfo* found = nullptr;
  const int error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (error != 0) {
    return absl::UnavailableError(fmt::format("lookup {}: {}", host, gai_strerror(error)));
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    SocketAddress address{};
    std::memcpy(&address.storage, a->ai_addr, a->ai_addrlen);
    address.length = a->ai_addrlen;
    addresses.push_back(address);
  }
  ::freeaddrinfo(found);
  return addresses;
}

}  // namespace

absl::StatusOr<ServerUrl> ParseServerUrl(std::string_view url) {
  const auto bad = [url](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("server URL \"{}\": {}", url, why));
  };
  ServerUrl result;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    result.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else if (rest.find("://") != std::string_view::npos) {
    return bad("the scheme must be http or https");
  }
  const size_t slash = std::min(rest.find('/'), rest.size());
  std::string_view authority = rest.substr(0, slash);
  result.prefix = rest.substr(slash);
  while (!result.prefix.empty() && result.prefix.back() == '/') result.prefix.pop_back();
  if (authority.find('@') != std::string_view::npos) return bad("user names are not supported");
  if (result.prefix.find_first_of("?#") != std::string::npos) return bad("it has a query");
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad("a bracket is missing");
    result.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority.front() != ':') return bad("no port after the address");
    if (!authority.empty()) port = authority.substr(1);
  } else {
    const size_t colon = std::min(authority.find(':'), authority.size());
    result.host = authority.substr(0, colon);
    if (colon < authority.size()) port = authority.substr(colon + 1);
  }
  if (result.host.empty()) return bad("it has no host");
  result.port = result.tls ? 443 : 80;
  if (!port.empty()) {
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), result.port);
    if (error != std::errc() || end != port.data() + port.size() || result.port < 1 ||
        result.port > 65535) {
      return bad("the port is not in [1, 65535]");
    }
  }
  return result;
}

// Lives on the loop, except for what says otherwise.
class HttpTransport::Pool final : public HttpConnection::Owner,
                                  public std::enable_shared_from_this<Pool> {
 public:
  Pool(HttpTransportOptions options, ServerUrl url, std::shared_ptr<const TlsContext> tls)
      : options_(std::move(options)), url_(std::move(url)), tls_(std::move(tls)) {
    const bool v6 = url_.host.find(':') != std::string::npos;
    host_line_ = fmt::format("Host: {}{}{}:{}\r\n", v6 ? "[" : "", url_.host, v6 ? "]" : "",
                             url_.port);
    if (auto addresses = Lookup(url_.host, url_.port, true); addresses.ok()) {
      addresses_ = *std::move(addresses);
      numeric_ = true;
    }
  }

  // Any thread.
  std::shared_ptr<HttpCall> NewCall(api::HttpRequest request) const {
    auto call = std::make_shared<HttpCall>();
    if (request.user_agent.empty()) request.user_agent = options_.user_agent;
    if (!url_.prefix.empty()) request.target = url_.prefix + request.target;
    call->wire = WriteRequestHead(request, host_line_);
    call->wire += request.body;
    call->to_head = request.method == "HEAD";
    call->safe = call->to_head || request.method == "GET";
    call->response_bytes_max = options_.response_bytes_max;
    return call;
  }
  // Any thread.
  void Submit(std::shared_ptr<HttpCall> call, absl::Duration timeout) {
    const absl::Time deadline = loop_.clock().Now() + timeout;
    loop_.Post([this, call = std::move(call), deadline]() mutable {
      Begin(std::move(call), deadline);
    });
  }
  // Any thread.
  void Cancel(std::shared_ptr<HttpCall> call) {
    call->cancelled = true;
    loop_.Post([this, call = std::move(call)] { Abort(*call, absl::CancelledError("cancelled")); });
  }
  void Shutdown() {
    loop_.Run([this] {
      closed_ = true;
      const absl::Status status = absl::CancelledError("the transport was closed");
      std::deque<std::shared_ptr<HttpCall>> waiting;
      waiting.swap(queue_);
      for (auto& call : waiting) End(*call, status);
      auto connections = std::move(connections_);
      connections_.clear();
      idle_.clear();
      for (auto& [key, connection] : connections) {
        if (auto call = connection->Close()) End(*call, status);
      }
    });
    loop_.Stop();
  }
  EventLoop& loop() { return loop_; }

 private:
  void OnAnswered(HttpConnection& connection, std::shared_ptr<HttpCall> call,
                  bool reusable) override {
    if (!reusable || connection.dedicated) {
      Discard(connection);
    } else {
      connection.idle_since = loop_.clock().Now();
      idle_.push_back(&connection);
    }
    Pump();
    End(*call, absl::OkStatus());
  }

  void OnLost(HttpConnection& connection, std::shared_ptr<HttpCall> call, absl::Status why,
              bool retry) override {
    Discard(connection);
    if (call && retry && !call->retried && !call->cancelled) {
      call->retried = true;
      Connect(std::move(call));
    } else if (call) {
      if (!call->responded && !numeric_) addresses_.clear();  // ask the resolver again
      End(*call, std::move(why));
    }
    Pump();
  }

  void OnResponse(HttpCall& call) override { Disarm(call); }

  void Begin(std::shared_ptr<HttpCall> call, absl::Time deadline) {
    if (closed_) return End(*call, absl::CancelledError("the transport was closed"));
    if (call->cancelled) return End(*call, absl::CancelledError("cancelled"));
    if (static_cast<int64_t>(queue_.size()) >= options_.queue_max) {
      return End(*call, absl::ResourceExhaustedError("too many requests are waiting"));
    }
    std::weak_ptr<HttpCall> weak = call;
    call->timer = loop_.PostAt(deadline, [this, weak] {
      if (auto late = weak.lock()) {
        late->timer = 0;
        Abort(*late, absl::DeadlineExceededError("no answer within the timeout"));
      }
    });
    if (call->streaming && !addresses_.empty()) return Connect(std::move(call));
    queue_.push_back(std::move(call));
    Pump();
  }

  // Gives waiting calls the connections there are, or may be.
  void Pump() {
    while (!queue_.empty() && !closed_) {
      if (queue_.front()->finished) {
        queue_.pop_front();
        continue;
      }
      if (addresses_.empty()) return Resolve();
      if (queue_.front()->streaming) {
        std::shared_ptr<HttpCall> call = std::move(queue_.front());
        queue_.pop_front();
        Connect(std::move(call));
        continue;
      }
      if (idle_.empty() && pooled_ >= options_.max_connections) return;
      std::shared_ptr<HttpCall> call = std::move(queue_.front());
      queue_.pop_front();
      if (idle_.empty()) {
        Connect(std::move(call));
        continue;
      }
      HttpConnection* connection = idle_.back();
      idle_.pop_back();
      connection->Send(std::move(call));
    }
    ArmSweep();
  }

  void Connect(std::shared_ptr<HttpCall> call) {
    auto connection = std::make_unique<HttpConnection>(loop_, *this, tls_, url_.host,
                                                       options_.connect_timeout);
    HttpConnection* raw = connection.get();
    raw->dedicated = call->streaming;
    if (!raw->dedicated) ++pooled_;
    connections_.emplace(raw, std::move(connection));
    raw->Start(addresses_, std::move(call));
  }

  // Takes a connection out at once and destroys it later: it may be running.
  void Discard(HttpConnection& connection) {
    connection.Close();
    std::erase(idle_, &connection);
    auto it = connections_.find(&connection);
    if (it == connections_.end()) return;
    if (!connection.dedicated) --pooled_;
    loop_.Post([gone = std::move(it->second)] {});
    connections_.erase(it);
  }

  void Disarm(HttpCall& call) {
    if (call.timer != 0) loop_.Cancel(std::exchange(call.timer, 0));
  }
  void End(HttpCall& call, absl::Status status) {
    Disarm(call);
    call.Finish(std::move(status));
  }
  void Abort(HttpCall& call, absl::Status status) {
    if (call.finished) return;
    std::shared_ptr<HttpCall> keep;
    if (HttpConnection* connection = call.connection) {
      keep = connection->Close();
      Discard(*connection);
    }
    End(call, std::move(status));
    Pump();
  }

  void Resolve() {
    if (resolving_) return;
    resolving_ = true;
    std::weak_ptr<Pool> weak = weak_from_this();
    // A thread of its own, since the resolver blocks; the loop is not kept waiting, nor is the end
    // of the transport.
    std::thread([weak, host = url_.host, port = url_.port] {
      auto found = Lookup(host, port, false);
      if (auto pool = weak.lock()) {
        Pool* raw = pool.get();
        raw->loop_.Post([raw, found = std::move(found)]() mutable {
          raw->Resolved(std::move(found));
        });
        raw->ReleaseFromResolver(std::move(pool));
      }
    }).detach();
  }
  // The last reference must not go on the resolver's thread while the loop runs: the transport's
  // destructor stops the loop first, so all that is left here is memory.
  static void ReleaseFromResolver(std::shared_ptr<Pool> pool) { pool.reset(); }

  void Resolved(absl::StatusOr<std::vector<SocketAddress>> found) {
    resolving_ = false;
    if (found.ok()) {
      addresses_ = *std::move(found);
      return Pump();
    }
    std::deque<std::shared_ptr<HttpCall>> waiting;
    waiting.swap(queue_);
    for (auto& call : waiting) End(*call, found.status());
  }

  void ArmSweep() {
    if (sweeping_ || idle_.empty() || closed_) return;
    sweeping_ = true;
    loop_.PostAfter(std::min(kIdleSweep, options_.idle_timeout), [this] {
      sweeping_ = false;
      const absl::Time oldest = loop_.clock().Now() - options_.idle_timeout;
      const std::vector<HttpConnection*> idle = idle_;
      for (HttpConnection* connection : idle) {
        if (connection->idle_since <= oldest) Discard(*connection);
      }
      ArmSweep();
    });
  }

  const HttpTransportOptions options_;
  const ServerUrl url_;
  const std::shared_ptr<const TlsContext> tls_;
  std::string host_line_;
  EventLoop loop_{"http-client"};
  std::vector<SocketAddress> addresses_;  // empty: not resolved
  bool numeric_ = false;
  bool resolving_ = false;
  bool sweeping_ = false;
  bool closed_ = false;
  int pooled_ = 0;
  std::deque<std::shared_ptr<HttpCall>> queue_;
  std::vector<HttpConnection*> idle_;  // most recently used last
  absl::flat_hash_map<HttpConnection*, std::unique_ptr<HttpConnection>> connections_;
};

class HttpTransport::StreamImpl final : public Stream {
 public:
  StreamImpl(std::shared_ptr<Pool> pool, std::shared_ptr<HttpCall> call)
      : pool_(std::move(pool)), call_(std::move(call)) {}
  ~StreamImpl() override { pool_->Cancel(std::move(call_)); }

 private:
  const std::shared_ptr<Pool> pool_;
  std::shared_ptr<HttpCall> call_;
};

absl::StatusOr<std::unique_ptr<HttpTransport>> HttpTransport::Create(
    HttpTransportOptions options) {
  BERTH_ASSIGN_OR_RETURN(ServerUrl url, ParseServerUrl(options.server));
  std::shared_ptr<const TlsContext> tls;
  if (url.tls) {
    BERTH_ASSIGN_OR_RETURN(tls, TlsContext::ForClient(options.tls));
  }
  auto pool = std::make_shared<Pool>(std::move(options), std::move(url), std::move(tls));
  return std::unique_ptr<HttpTransport>(new HttpTransport(std::move(pool)));
}

HttpTransport::~HttpTransport() {
  BERTH_CHECK(!pool_->loop().IsCurrent());
  pool_->Shutdown();
}

void HttpTransport::Do(api::HttpRequest request, absl::Duration timeout,
                       Completion<api::HttpResponse> done) {
  std::shared_ptr<HttpCall> call = pool_->NewCall(std::move(request));
  call->done = std::move(done);
  pool_->Submit(std::move(call), timeout);
}

std::unique_ptr<Stream> HttpTransport::Open(api::HttpRequest request, StreamHandler handler) {
  std::shared_ptr<HttpCall> call = pool_->NewCall(std::move(request));
  call->streaming = true;
  call->handler = std::move(handler);
  auto stream = std::make_unique<StreamImpl>(pool_, call);
  pool_->Submit(std::move(call), kStreamResponseTimeout);
  return stream;
}

}  // namespace berth::client
