// What the API server takes over HTTP: gets, creations, lists, watches, and what watchers cost.
// Server and clients share the machine, so a figure is of both: on two cores a client's share of a
// small request is a third to a half. Arithmetic first, in docs/performance.md.
//
//   berth_api_bench [--store rocksdb|memory] [--seconds 5] [--directory DIR] [NAME...]
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/strings/numbers.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "api/envelope.h"
#include "api/json.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "base/clock.h"
#include "base/strings.h"
#include "bench/micro/sample_pod.h"
#include "client/http_transport.h"
#include "cluster/up/control_plane.h"

namespace berth::bench {
namespace {

constexpr int kClients = 64;
constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";

struct Options {
  std::string store = "rocksdb";
  std::string directory;
  double seconds = 5;
  std::vector<std::string> names;
};

int64_t NowNs() { return absl::ToUnixNanos(RealClock().Now()); }

[[noreturn]] void Die(std::string_view what) {
  fmt::print(stderr, "berth_api_bench: {}\n", what);
  std::exit(1);
}

// A pod of 2 KB that can be created.
api::core::Pod NewPod(const std::string& name) {
  static const api::core::Pod& pod = *new api::core::Pod([] {
    api::core::Pod made;
    if (!api::ParseJson(kSamplePod, made).ok()) Die("the sample pod cannot be read");
    made.clear_status();
    api::meta::ObjectMeta metadata;
    *metadata.mutable_labels() = made.metadata().labels();
    (*metadata.mutable_annotations())["filler"] = std::string(600, 'x');
    *made.mutable_metadata() = metadata;
    made.mutable_spec()->clear_node_name();
    return made;
  }());
  api::core::Pod copy = pod;
  copy.mutable_metadata()->set_name(name);
  return copy;
}

std::string Body(const api::core::Pod& pod, bool protobuf) {
  std::string out;
  if (protobuf) {
    api::AppendEnvelope(pod, "v1", "Pod", api::MapOrder::kAny, out);
  } else {
    api::PrintJson(pod, out, {"v1", "Pod"});
  }
  return out;
}

api::HttpRequest Create(const api::core::Pod& pod, bool protobuf) {
  api::HttpRequest request;
  request.method = "POST";
  request.target = kPods;
  request.content_type = protobuf ? api::kProtobufType : api::kJsonType;
  request.accept = request.content_type;
  request.body = Body(pod, protobuf);
  return request;
}

api::HttpRequest Read(std::string target, bool protobuf) {
  api::HttpRequest request;
  request.target = std::move(target);
  request.accept = protobuf ? api::kProtobufType : api::kJsonType;
  return request;
}

struct Figures {
  double per_second = 0;
  std::vector<double> latencies_ms;  // sorted
  double At(double share) const {
    if (latencies_ms.empty()) return 0;
    return latencies_ms[static_cast<size_t>(share * double(latencies_ms.size() - 1))];
  }
};

// Clients that each have one request on its way, for a time.
class Load {
 public:
  Load(client::Transport& transport, std::function<api::HttpRequest(int64_t)> make, int code)
      : transport_(transport), make_(std::move(make)), code_(code) {}

  Figures Run(double seconds) {
    const int64_t begin = NowNs();
    end_ = begin + static_cast<int64_t>(seconds * 1e9);
    running_ = kClients;
    for (int i = 0; i < kClients; ++i) Next();
    idle_.WaitForNotification();
    Figures figures;
    const double took = double(NowNs() - begin) / 1e9;
    absl::MutexLock lock(&mutex_);
    figures.per_second = double(latencies_ms_.size()) / took;
    figures.latencies_ms = std::move(latencies_ms_);
    std::sort(figures.latencies_ms.begin(), figures.latencies_ms.end());
    return figures;
  }

 private:
  void Next() {
    if (NowNs() >= end_) {
      if (--running_ == 0) idle_.Notify();
      return;
    }
    const int64_t sent = NowNs();
    transport_.Do(make_(count_++), absl::Seconds(30),
                  [this, sent](const absl::StatusOr<api::HttpResponse>& response) {
                    if (!response.ok()) Die(response.status().ToString());
                    if (response->code != code_) {
                      Die(fmt::format("{}: {}", response->code, response->text()));
                    }
                    {
                      absl::MutexLock lock(&mutex_);
                      latencies_ms_.push_back(double(NowNs() - sent) / 1e6);
                    }
                    Next();
                  });
  }

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
  explicit Rig(const Options& options) {
    directory_ = (options.directory.empty() ? std::filesystem::temp_directory_path()
                                            : std::filesystem::path(options.directory)) /
                 "berth-api-bench-XXXXXX";
    if (mkdtemp(directory_.data()) == nullptr) Die("cannot make " + directory_);
    up::ControlPlaneOptions plane;
    plane.store = *up::ParseStoreKind(options.store);
    plane.data_dir = directory_;
    auto started = up::ControlPlane::Start(plane);
    if (!started.ok()) Die(started.status().ToString());
    plane_ = *std::move(started);
    transport_ = Connect(kClients);
  }
  ~Rig() {
    transport_.reset();
    plane_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
  }

  client::Transport& transport() { return *transport_; }
  std::unique_ptr<client::HttpTransport> Connect(int connections) {
    client::HttpTransportOptions options;
    options.server = plane_->url();
    options.max_connections = connections;
    auto transport = client::HttpTransport::Create(options);
    if (!transport.ok()) Die(transport.status().ToString());
    return *std::move(transport);
  }

  Figures Creates(double seconds, bool protobuf) {
    const std::string prefix = fmt::format("p{}-", next_++);
    return Load(transport(),
                [&](int64_t i) { return Create(NewPod(prefix + std::to_string(i)), protobuf); },
                201).Run(seconds);
  }
  // That many pods, as fast as it goes.
  void Fill(int64_t pods) {
    std::atomic<int64_t> left{pods};
    const std::string prefix = fmt::format("f{}-", next_++);
    absl::Notification done;
    std::function<void(int64_t)> next = [&](int64_t i) {
      if (i >= pods) return;
      transport().Do(Create(NewPod(prefix + std::to_string(i)), true), absl::Seconds(30),
                     [&, i](const absl::StatusOr<api::HttpResponse>& response) {
                       if (!response.ok() || response->code != 201) Die("cannot create pods");
                       if (--left == 0) return done.Notify();
                       next(i + kClients);
                     });
    };
    for (int64_t i = 0; i < kClients; ++i) next(i);
    done.WaitForNotification();
  }

  // A connection that asks for a watch and never reads what comes.
  void OpenDeafWatch(const std::string& target) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(plane_->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int small = 16 << 10;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      Die("cannot connect");
    }
    const std::string request =
        fmt::format("GET {} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n", target);
    if (send(fd, request.data(), request.size(), 0) < 0) Die("cannot send");
    deaf_.push_back(fd);
  }
  int64_t revision() { return plane_->Stats().revision; }
  void CloseDeafWatches() {
    for (const int fd : deaf_) close(fd);
    deaf_.clear();
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  void WaitForWatchers(int64_t count) {
    while (plane_->Stats().watchers < count) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

 private:
  std::string directory_;
  std::unique_ptr<up::ControlPlane> plane_;
  std::unique_ptr<client::HttpTransport> transport_;
  std::vector<int> deaf_;
  int next_ = 0;
};

void Print(std::string_view name, const Figures& figures) {
  fmt::print("{:<34} {:>9.0f} /s   p50 {:>7.2f} ms   p99 {:>7.2f} ms\n", name, figures.per_second,
             figures.At(0.5), figures.At(0.99));
  std::fflush(stdout);
}

// --- the figures -------------------------------------------------------------------------------

void Gets(const Options& options) {
  for (const bool protobuf : {false, true}) {
    Rig rig(options);
    rig.Fill(1024);
    Load load(rig.transport(),
              [&](int64_t i) {
                return Read(fmt::format("{}/f0-{}", kPods, i % 1024), protobuf);
              },
              200);
    Print(protobuf ? "gets, protobuf" : "gets, JSON", load.Run(options.seconds));
  }
}

void Creates(const Options& options) {
  for (const bool protobuf : {false, true}) {
    Rig rig(options);
    Print(protobuf ? "creates, protobuf" : "creates, JSON",
          rig.Creates(options.seconds, protobuf));
  }
}

void Lists(const Options& options) {
  Rig rig(options);
  rig.Fill(10'000);
  for (const bool protobuf : {false, true}) {
    std::vector<double> took_ms;
    size_t bytes = 0;
    for (int i = 0; i < 7; ++i) {
      const int64_t begin = NowNs();
      absl::Notification done;
      rig.transport().Do(Read("/api/v1/pods", protobuf), absl::Seconds(60),
                         [&](const absl::StatusOr<api::HttpResponse>& response) {
                           if (!response.ok() || response->code != 200) Die("cannot list");
                           bytes = response->text().size();
                           done.Notify();
                         });
      done.WaitForNotification();
      took_ms.push_back(double(NowNs() - begin) / 1e6);
    }
    const double first = took_ms.front();
    std::sort(took_ms.begin(), took_ms.end());
    fmt::print("{:<34} {:>6.1f} MB   first {:>7.1f} ms   median {:>7.1f} ms\n",
               protobuf ? "list of 10,000 pods, protobuf" : "list of 10,000 pods, JSON",
               double(bytes) / 1e6, first, took_ms[took_ms.size() / 2]);
  }
}

// From the moment a creation is sent to its event at a watcher, while 64 clients create.
void Propagation(const Options& options) {
  Rig rig(options);
  absl::Mutex mutex;
  std::vector<double> took_ms;
  std::string rest;
  constexpr std::string_view kMark = "\"sent\":\"";
  client::StreamHandler handler;
  handler.on_data = [&](const Bytes& chunk) {
    const int64_t now = NowNs();
    rest += *chunk;
    const size_t whole = rest.rfind('\n');
    if (whole == std::string::npos) return;
    absl::MutexLock lock(&mutex);
    for (size_t at = rest.find(kMark); at < whole; at = rest.find(kMark, at + 1)) {
      int64_t sent = 0;
      const size_t begin = at + kMark.size();
      if (absl::SimpleAtoi(rest.substr(begin, rest.find('"', begin) - begin), &sent)) {
        took_ms.push_back(double(now - sent) / 1e6);
      }
    }
    rest.erase(0, whole + 1);
  };
  auto watcher = rig.Connect(1);
  const auto stream = watcher->Open(Read("/api/v1/pods?watch=true", false), std::move(handler));
  rig.WaitForWatchers(1);
  Load load(rig.transport(),
            [&](int64_t i) {
              api::core::Pod pod = NewPod(fmt::format("w{}", i));
              (*pod.mutable_metadata()->mutable_annotations())["sent"] = std::to_string(NowNs());
              return Create(pod, false);
            },
            201);
  const Figures creates = load.Run(options.seconds);
  Print("creates, JSON, one watcher", creates);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  absl::MutexLock lock(&mutex);
  Figures seen;
  seen.per_second = double(took_ms.size()) / options.seconds;
  seen.latencies_ms = took_ms;
  std::sort(seen.latencies_ms.begin(), seen.latencies_ms.end());
  Print("  sent to seen by the watcher", seen);
}

// Creations a second beside watchers, as a share of those without, in turns.
void Watchers(const Options& options) {
  const auto beside = [&](std::string_view name, int count, std::string_view target,
                          bool numbered) {
    Rig rig(options);
    double plain = 0, with = 0;
    for (int turn = 0; turn < 3; ++turn) {
      plain += rig.Creates(options.seconds, true).per_second;
      const int64_t now = rig.revision();
      for (int i = 0; i < count; ++i) {
        rig.OpenDeafWatch(fmt::format("{}{}&resourceVersion={}", target,
                                      numbered ? std::to_string(i) : "", now));
      }
      rig.WaitForWatchers(count);
      with += rig.Creates(options.seconds, true).per_second;
      rig.CloseDeafWatches();
    }
    fmt::print("{:<34} {:>9.0f} /s   {:>5.1f} % of {:.0f} /s without\n", name, with / 3,
               100 * with / plain, plain / 3);
    std::fflush(stdout);
  };
  beside("creates, 1,000 idle watchers", 1000, "/api/v1/configmaps?watch=true", false);
  beside("creates, 1,000 slow watchers", 1000, "/api/v1/pods?watch=true", false);
  beside("creates, 500 watchers of a node each", 500,
         "/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn", true);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("What the API server takes over HTTP.");
  app.add_option("--store", options.store, "rocksdb or memory")
      ->check(CLI::IsMember({"rocksdb", "memory"}))->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long each figure is measured")
      ->capture_default_str();
  app.add_option("--directory", options.directory, "where the store keeps its data");
  app.add_option("names", options.names, "gets, creates, lists, propagation, watchers; all");
  CLI11_PARSE(app, argc, argv);
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::pair<std::string_view, void (*)(const Options&)> figures[] = {
      {"gets", Gets},
      {"creates", Creates},
      {"lists", Lists},
      {"propagation", Propagation},
      {"watchers", Watchers},
  };
  for (const auto& [name, run] : figures) {
    const bool wanted = options.names.empty() ||
                        std::find(options.names.begin(), options.names.end(), name) !=
                            options.names.end();
    if (wanted) run(options);
  }
  return 0;
}

}  // namespace
}  // namespace berth::bench

int main(int argc, char** argv) {
  try {
    return berth::bench::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "berth_api_bench: %s\n", error.what());
    return 1;
  }
}
