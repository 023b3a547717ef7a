#include "scheduler-main/status_server.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fmt/core.h>

#include "base/strings.h"
#include "client/event_loop.h"
#include "client/http1.h"
#include "scheduler-main/metric_families.h"

namespace berth::scheduler {
namespace {

constexpr size_t kConnectionsMax = 64;
constexpr absl::Duration kRequestTime = absl::Seconds(10);

absl::Status SystemError(std::string_view doing) {
  return absl::UnavailableError(ToAbsl(fmt::format("{}: {}", doing, std::strerror(errno))));
}

bool Excluded(const api::Query& query, std::string_view name) {
  return std::any_of(query.items().begin(), query.items().end(), [&](const auto& item) {
    return item.first == "exclude" && item.second == name;
  });
}

api::HttpResponse RunChecks(const std::string& path, const std::vector<HealthCheck>& checks,
                            const api::Query& query, HealthSlis* slis) {
  const std::string name = path.substr(1);
  std::string lines;
  bool healthy = true;
  for (const HealthCheck& check : checks) {
    if (Excluded(query, check.name)) {
      lines += fmt::format("[+]{} excluded: ok\n", check.name);
      continue;
    }
    const bool ok = check.healthy();
    if (slis != nullptr) slis->Observe(check.name, name, ok);
    lines += ok ? fmt::format("[+]{} ok\n", check.name)
                : fmt::format("[-]{} failed: reason withheld\n", check.name);
    healthy = healthy && ok;
  }
  if (!healthy) return TextResponse(500, lines + name + " check failed\n");
  return TextResponse(200, query.Has("verbose") ? lines + name + " check passed\n" : "ok");
}

}  // namespace

api::HttpResponse TextResponse(int code, std::string text, std::string content_type) {
  api::HttpResponse response;
  response.code = code;
  response.content_type =
      content_type.empty() ? std::string("text/plain; charset=utf-8") : std::move(content_type);
  response.body = MakeBytes(std::move(text));
  return response;
}

struct HealthSlis::Families {
  MetricRegistry registry;
  GaugeFamily<2> healthy{registry, "kubernetes_healthcheck",
                         "Whether a health check passed when it was last made.",
                         {"name", "type"}};
  CounterFamily<3> checks{registry, "kubernetes_healthchecks_total",
                          "Health checks, by result: success, error.",
                          {"name", "status", "type"}};
};

HealthSlis::HealthSlis() : families_(std::make_unique<Families>()) {}
HealthSlis::~HealthSlis() = default;

void HealthSlis::Observe(std::string_view name, std::string_view type, bool healthy) {
  families_->healthy.At({name, type}).Set(healthy ? 1 : 0);
  families_->checks.At({name, healthy ? "success" : "error", type}).Add();
}

std::string HealthSlis::Text() const { return families_->registry.Text(); }

void AddHealth(std::map<std::string, StatusHandler>& routes, const std::string& path,
               std::vector<HealthCheck> checks, std::shared_ptr<HealthSlis> slis) {
  for (const HealthCheck& check : checks) {
    routes[path + "/" + check.name] = [healthy = check.healthy](const api::Query&) {
      return healthy() ? TextResponse(200, "ok")
                       : TextResponse(500, "internal server error: reason withheld\n");
    };
  }
  routes[path] = [path, checks = std::move(checks), slis = std::move(slis)](
                     const api::Query& query) {
    return RunChecks(path, checks, query, slis.get());
  };
}

// Everything below runs on the loop's thread, but for Listen.
struct StatusServer::Impl final : client::EventLoop::Watcher {
  // One request, one response, closed.
  struct Connection final : client::EventLoop::Watcher {
    Connection(Impl& of, int socket) : server(of), fd(socket) {}
    void OnReady(uint32_t events) override {
      if ((events & (EPOLLERR | EPOLLHUP)) != 0) return server.Close(fd);
      if (!answer.empty()) return Write();
      char buffer[4096];
      const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (got <= 0) return server.Close(fd);
      text.append(buffer, static_cast<size_t>(got));
      auto head = client::ParseRequestHead(text);
      if (!head.ok()) return server.Close(fd);
      if (!*head) return;
      answer = server.Answer((*head)->request);
      Write();
    }
    void Write() {
      while (!answer.empty()) {
        const ssize_t sent = send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR)) {
          return server.loop.Modify(fd, EPOLLOUT);
        }
        if (sent <= 0) break;
        answer.erase(0, static_cast<size_t>(sent));
      }
      server.Close(fd);
    }
    Impl& server;
    const int fd;
    std::string text, answer;
    TimerId timeout = 0;
  };

  explicit Impl(std::map<std::string, StatusHandler> handlers)
      : routes(std::move(handlers)), loop("status") {}

  ~Impl() {
    loop.Run([this] {
      if (listener >= 0) loop.Remove(listener);
      while (!connections.empty()) Close(connections.begin()->first);
    });
    loop.Stop();
    if (listener >= 0) close(listener);
  }

  absl::Status Listen(const std::string& address, int wanted_port) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<uint16_t>(wanted_port));
    if (inet_pton(AF_INET, address.c_str(), &where.sin_addr) != 1) {
      return absl::InvalidArgumentError(ToAbsl("not an IPv4 address: " + address));
    }
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listener < 0) return SystemError("socket");
    const int yes = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0 ||
        listen(listener, 64) != 0) {
      absl::Status failed = SystemError(fmt::format("listen on {}:{}", address, wanted_port));
      close(std::exchange(listener, -1));
      return failed;
    }
    socklen_t size = sizeof where;
    getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size);
    port = ntohs(where.sin_port);
    loop.Run([this] { loop.Add(listener, EPOLLIN, *this); });
    return absl::OkStatus();
  }

  void OnReady(uint32_t) override {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    if (connections.size() >= kConnectionsMax) {
      close(fd);
      return;
    }
    auto connection = std::make_unique<Connection>(*this, fd);
    connection->timeout = loop.PostAfter(kRequestTime, [this, fd] { Close(fd); });
    loop.Add(fd, EPOLLIN, *connection);
    connections[fd] = std::move(connection);
  }

  void Close(int fd) {
    auto it = connections.find(fd);
    if (it == connections.end()) return;
    loop.Cancel(it->second->timeout);
    loop.Remove(fd);
    close(fd);
    // The caller may be this connection: it goes once the call is over.
    loop.Post([gone = std::shared_ptr<Connection>(std::move(it->second))] {});
    connections.erase(it);
  }

  std::string Answer(const api::HttpRequest& request) const {
    const size_t question = request.target.find('?');
    const std::string path = request.target.substr(0, question);
    api::HttpResponse response;
    auto route = routes.find(path);
    const bool is_head = request.method == "HEAD";
    if (request.method != "GET" && !is_head) {
      response = TextResponse(405, "method not allowed\n");
    } else if (route == routes.end()) {
      response = TextResponse(404, "404 page not found\n");
    } else {
      response = route->second(api::Query::Parse(
          question == std::string::npos ? std::string() : request.target.substr(question + 1)));
    }
    const std::string_view body = response.text();
    std::string out = client::WriteResponseHead(
        response,
        {.kind = client::Framing::Kind::kLength, .length = static_cast<int64_t>(body.size())},
        /*keep_alive=*/false);
    if (!is_head) out.append(body);
    return out;
  }

  const std::map<std::string, StatusHandler> routes;
  int listener = -1;
  int port = 0;
  std::map<int, std::unique_ptr<Connection>> connections;
  client::EventLoop loop;
};

absl::StatusOr<std::unique_ptr<StatusServer>> StatusServer::Start(
    const std::string& address, int port, std::map<std::string, StatusHandler> routes) {
  auto impl = std::make_unique<Impl>(std::move(routes));
  if (absl::Status status = impl->Listen(address, port); !status.ok()) return status;
  return std::unique_ptr<StatusServer>(new StatusServer(std::move(impl)));
}

StatusServer::StatusServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
StatusServer::~StatusServer() = default;
int StatusServer::port() const { return impl_->port; }

}  // namespace berth::scheduler
