// What the benchmarks of the API server share: a server with its store, honest clients over HTTP,
// and their figures. A benchmark that cannot go on says why and exits.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>

#include "api/fwd.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/wire.h"
#include "client/http_transport.h"
#include "cluster/up/control_plane.h"

namespace berth::bench {

inline constexpr int kClients = 64;
inline constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";

struct Options {
  std::string store = "rocksdb";
  std::string directory;
  std::string hostile;
  double seconds = 5;
  std::vector<std::string> names;
};

int64_t NowNs();
// Of this process, server and clients.
int64_t ResidentBytes();

[[noreturn]] void Die(std::string_view what);

// A pod of 2 KB that can be created.
api::core::Pod NewPod(const std::string& name);
std::string Body(const api::core::Pod& pod, bool protobuf);
api::HttpRequest Create(const api::core::Pod& pod, bool protobuf);
api::HttpRequest Read(std::string target, bool protobuf);

struct Figures {
  double per_second = 0;
  std::vector<double> latencies_ms;  // sorted
  double At(double share) const {
    if (latencies_ms.empty()) return 0;
    return latencies_ms[static_cast<size_t>(share * double(latencies_ms.size() - 1))];
  }
};

void Print(std::string_view name, const Figures& figures);

// Clients that each have one request on its way, for a time.
class Load {
 public:
  Load(client::Transport& transport, std::function<api::HttpRequest(int64_t)> make, int code)
      : transport_(transport), make_(std::move(make)), code_(code) {}

  Figures Run(double seconds);

 private:
  void Next();

  client::Transport& transport_;
  const std::function<api::HttpRequest(int64_t)> make_;
  const int code_;
  int64_t end_ = 0;
  std::atomic<int> running_{0};
  std::atomic<int64_t> count_{0};
  absl::Mutex mutex_;
  std::vector<double> latencies_ms_ ABSL_GUARDED_BY(mutex_);
  absl::Notification idle_;
};

// A server of its own for each figure, and a client of 64 connections.
class Rig {
 public:
  explicit Rig(const Options& options);
  ~Rig();

  client::Transport& transport() { return *transport_; }
  int port() const { return plane_->port(); }
  int64_t revision() { return plane_->Stats().revision; }
  std::unique_ptr<client::HttpTransport> Connect(int connections);

  Figures Creates(double seconds, bool protobuf);
  // That many pods, as fast as it goes.
  void Fill(int64_t pods);

  // A connection that asks for a watch and never reads what comes.
  void OpenDeafWatch(const std::string& target);
  void CloseDeafWatches();
  void WaitForWatchers(int64_t count);

 private:
  std::string directory_;
  std::unique_ptr<up::ControlPlane> plane_;
  std::unique_ptr<client::HttpTransport> transport_;
  std::vector<int> deaf_;
  int next_ = 0;
};

// A TCP connection to a port of this machine, with little room for what comes.
int ConnectTo(int port);

}  // namespace berth::bench
