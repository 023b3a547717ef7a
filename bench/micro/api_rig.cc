#include "bench/micro/api_rig.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "api/envelope.h"
#include "api/json.h"
#include "api/schema/meta_v1.pb.h"
#include "base/clock.h"
#include "bench/micro/sample_pod.h"

namespace berth::bench {

int64_t NowNs() { return absl::ToUnixNanos(RealClock().Now()); }

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

[[noreturn]] void Die(std::string_view what) {
  fmt::print(stderr, "berth_api_bench: {}\n", what);
  std::exit(1);
}

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

void Print(std::string_view name, const Figures& figures) {
  fmt::print("{:<34} {:>9.0f} /s   p50 {:>7.2f} ms   p99 {:>7.2f} ms\n", name, figures.per_second,
             figures.At(0.5), figures.At(0.99));
  std::fflush(stdout);
}

Figures Load::Run(double seconds) {
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

void Load::Next() {
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

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int small = 16 << 10;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    Die("cannot connect");
  }
  return fd;
}

Rig::Rig(const Options& options) {
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

Rig::~Rig() {
  transport_.reset();
  plane_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::unique_ptr<client::HttpTransport> Rig::Connect(int connections) {
  client::HttpTransportOptions options;
  options.server = plane_->url();
  options.max_connections = connections;
  auto transport = client::HttpTransport::Create(options);
  if (!transport.ok()) Die(transport.status().ToString());
  return *std::move(transport);
}

Figures Rig::Creates(double seconds, bool protobuf) {
  const std::string prefix = fmt::format("p{}-", next_++);
  return Load(transport(),
              [&](int64_t i) { return Create(NewPod(prefix + std::to_string(i)), protobuf); },
              201).Run(seconds);
}

void Rig::Fill(int64_t pods) {
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

void Rig::OpenDeafWatch(const std::string& target) {
  const int fd = ConnectTo(port());
  const std::string request =
      fmt::format("GET {} HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n", target);
  if (send(fd, request.data(), request.size(), 0) < 0) Die("cannot send");
  deaf_.push_back(fd);
}

void Rig::CloseDeafWatches() {
  for (const int fd : deaf_) close(fd);
  deaf_.clear();
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

void Rig::WaitForWatchers(int64_t count) {
  while (plane_->Stats().watchers < count) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

}  // namespace berth::bench
