// Over a real loopback socket, on a port the system chooses.
#include "scheduler-main/status_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include <gtest/gtest.h>

namespace berth::scheduler {
namespace {

std::string Ask(int port, const std::string& request) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<uint16_t>(port));
  inet_pton(AF_INET, "127.0.0.1", &where.sin_addr);
  if (connect(fd, reinterpret_cast<sockaddr*>(&where), sizeof where) != 0) return "no connection";
  EXPECT_EQ(send(fd, request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(fd, buffer, sizeof buffer, 0)) > 0;) {
    answer.append(buffer, static_cast<size_t>(got));
  }
  close(fd);
  return answer;
}

std::string Get(int port, const std::string& target) {
  return Ask(port, "GET " + target + " HTTP/1.1\r\nHost: x\r\n\r\n");
}

TEST(StatusServerTest, HealthInUpstreamsForm) {
  std::atomic<bool> synced = false;
  std::map<std::string, StatusHandler> routes;
  AddHealth(routes, "/readyz",
            {{"ping", [] { return true; }}, {"sync", [&] { return synced.load(); }}});
  routes["/big"] = [](const api::Query&) { return TextResponse(200, std::string(1 << 20, 'x')); };
  auto server = StatusServer::Start("127.0.0.1", 0, routes);
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  const std::string failing = Get(port, "/readyz");
  EXPECT_TRUE(failing.starts_with("HTTP/1.1 500 ")) << failing;
  EXPECT_TRUE(failing.ends_with(
      "[+]ping ok\n[-]sync failed: reason withheld\nreadyz check failed\n")) << failing;
  EXPECT_TRUE(Get(port, "/readyz?exclude=sync").ends_with("\r\n\r\nok"));
  EXPECT_TRUE(Get(port, "/readyz/ping").ends_with("\r\n\r\nok"));
  EXPECT_TRUE(Get(port, "/readyz/sync").starts_with("HTTP/1.1 500 "));
  synced = true;
  EXPECT_TRUE(Get(port, "/readyz").ends_with("\r\n\r\nok"));
  EXPECT_TRUE(Get(port, "/readyz?verbose").ends_with(
      "[+]ping ok\n[+]sync ok\nreadyz check passed\n"));
  EXPECT_TRUE(Get(port, "/nothing").starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(Ask(port, "POST /readyz HTTP/1.1\r\nHost: x\r\n\r\n").starts_with("HTTP/1.1 405 "));
  EXPECT_TRUE(Ask(port, "HEAD /readyz HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("\r\n\r\n"));
  EXPECT_EQ(Ask(port, "nonsense\r\n\r\n"), "");
  EXPECT_GT(Get(port, "/big").size(), size_t{1} << 20);
  EXPECT_FALSE(StatusServer::Start("127.0.0.1", port, {}).ok()) << "the port is taken";
  EXPECT_FALSE(StatusServer::Start("not-an-address", 0, {}).ok());
}

}  // namespace
}  // namespace berth::scheduler
