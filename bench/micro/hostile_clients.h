// Clients that mean no good, over sockets of their own: what do they cost the others?
// Source of the kinds: what the API server promises to withstand (docs/performance.md).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace berth::bench {

struct HostileKind {
  std::string name;
  std::string bytes;      // what a connection sends, again and again; empty: no connections
  int connections = 2;    // each a thread that sends all, and reads until the server closes
  bool trickles = false;  // or one thread that sends each connection a byte every 20 ms
};

// All kinds, the longest 20 MB.
std::vector<HostileKind> HostileKinds();

// At it from construction to destruction.
class HostileClients {
 public:
  // `kind` must outlive the clients.
  HostileClients(int port, const HostileKind& kind);
  ~HostileClients();
  HostileClients(const HostileClients&) = delete;
  HostileClients& operator=(const HostileClients&) = delete;

  // Connections that the server has closed, mostly after an answer.
  int64_t ended() const { return ended_; }

 private:
  void Send(const HostileKind& kind);
  void Trickle(const HostileKind& kind);

  const int port_;
  std::atomic<bool> stop_{false};
  std::atomic<int64_t> ended_{0};
  std::vector<std::thread> threads_;
};

}  // namespace berth::bench
