#include "bench/micro/hostile_clients.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string_view>

#include <fmt/core.h>

#include "bench/micro/api_rig.h"

namespace berth::bench {
namespace {

constexpr size_t kBodyBytes = 3 << 20;  // the most that is taken

std::string Request(std::string_view method, std::string_view target, std::string_view type,
                    const std::string& body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {}\r\n"
      "Content-Length: {}\r\n\r\n{}",
      method, target, type, body.size(), body);
}

std::string Repeat(std::string_view text, size_t bytes) {
  std::string out;
  while (out.size() + text.size() <= bytes) out += text;
  return out;
}

// "k0":"","k1":"",...
std::string Members(size_t bytes) {
  std::string out;
  for (int i = 0; out.size() + 16 < bytes; ++i) out += fmt::format("\"k{}\":\"\",", i);
  out.pop_back();
  return out;
}

std::string Pod(std::string_view metadata, std::string_view container) {
  return fmt::format(R"({{"metadata":{{"name":"hostile"{}}},)"
                     R"("spec":{{"containers":[{{"name":"c","image":"i"{}}}]}}}})",
                     metadata, container);
}

std::string ListWith(const std::string& query) {
  return fmt::format("GET {}?{} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", kPods, query);
}

std::string JsonPatch() {
  std::string operations = R"([{"op":"add","path":"/metadata/annotations/a","value":"x"})";
  for (int i = 0; i < 9'990; ++i) {
    operations += R"(,{"op":"copy","from":"/spec","path":"/metadata/annotations/a"})";
  }
  return operations + "]";
}

}  // namespace

std::vector<HostileKind> HostileKinds() {
  constexpr std::string_view kJson = "application/json";
  constexpr std::string_view kPod = "/api/v1/namespaces/default/pods/f0-0";
  const std::string members = Members(kBodyBytes - 200);
  std::string env = R"(,"env":[{"name":"E"})", labels = "labelSelector=", fields = "fieldSelector=";
  for (int i = 0; env.size() + 1000 < kBodyBytes; ++i) env += fmt::format(R"(,{{"name":"E{}"}})", i);
  env += "]";
  for (int i = 0; i < 8'000; ++i) labels += fmt::format("!k{},", i);
  for (int i = 0; i < 2'500; ++i) fields += fmt::format("metadata.name!=k{},", i);
  return {
      {"two threads that only compute", ""},  // what the attackers' share of the cores costs alone
      {"3 MB, 10,000 deep and deeper",
       Request("POST", kPods, kJson, Repeat("{\"a\":", kBodyBytes))},
      {"3 MB of unknown fields",
       Request("POST", kPods, kJson, "{" + members + "}")},
      {"a pod of 3 MB of labels",
       Request("POST", kPods, kJson, Pod(",\"labels\":{" + members + "}", ""))},
      {"a pod of 100,000 variables", Request("POST", kPods, kJson, Pod("", env))},
      {"20 MB bodies", Request("POST", kPods, kJson, std::string(20 << 20, ' '))},
      {"3 MB merge patches",
       Request("PATCH", kPod, "application/merge-patch+json",
               "{\"metadata\":{\"labels\":{" + members + "}}}")},
      {"3 MB strategic merge patches",
       Request("PATCH", kPod, "application/strategic-merge-patch+json",
               "{\"metadata\":{\"labels\":{" + members + "}}}")},
      {"JSON patches of 10,000 copies",
       Request("PATCH", kPod, "application/json-patch+json", JsonPatch())},
      {"lists by 8,000 labels", ListWith(labels.substr(0, labels.size() - 1))},
      {"lists by 2,500 fields", ListWith(fields.substr(0, fields.size() - 1))},
      {"heads without an end", "GET / HTTP/1.1\r\nX: " + std::string(1 << 20, 'x'), 4},
      {"pipelined garbage",
       Repeat("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n", 1 << 20) + "\1\2\3", 4},
      {"1,000 slow heads and bodies",
       Request("POST", kPods, kJson, std::string(1000, ' ')), 1000, true},
  };
}

HostileClients::HostileClients(int port, const HostileKind& kind) : port_(port) {
  const int threads = kind.trickles ? 1 : kind.connections;
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, &kind] { kind.trickles ? Trickle(kind) : Send(kind); });
  }
}

HostileClients::~HostileClients() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
}

void HostileClients::Send(const HostileKind& kind) {
  while (!stop_) {
    if (kind.bytes.empty()) continue;
    const int fd = ConnectTo(port_);
    size_t sent = 0;
    char heard[16 << 10];
    for (bool open = true; open && !stop_;) {
      const int wanted = POLLIN | (sent < kind.bytes.size() ? POLLOUT : 0);
      pollfd poll = {fd, static_cast<int16_t>(wanted), 0};
      if (::poll(&poll, 1, 100) <= 0) continue;
      if ((poll.revents & POLLOUT) != 0) {
        const ssize_t size = send(fd, kind.bytes.data() + sent, kind.bytes.size() - sent,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size > 0) sent += static_cast<size_t>(size);
        if (size < 0 && errno != EAGAIN) open = false;
      }
      if ((poll.revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
        open = recv(fd, heard, sizeof(heard), MSG_DONTWAIT) > 0;
      }
    }
    close(fd);
    ++ended_;
  }
}

void HostileClients::Trickle(const HostileKind& kind) {
  struct Victim {
    int fd;
    size_t sent = 0;
  };
  std::vector<Victim> all;
  for (int i = 0; i < kind.connections; ++i) all.push_back({ConnectTo(port_)});
  while (!stop_) {
    for (Victim& each : all) {
      const char next = kind.bytes[each.sent++ % kind.bytes.size()];
      if (send(each.fd, &next, 1, MSG_DONTWAIT | MSG_NOSIGNAL) == 1) continue;
      close(each.fd);
      ++ended_;
      each = {ConnectTo(port_)};
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  for (const Victim& each : all) close(each.fd);
}

}  // namespace berth::bench
