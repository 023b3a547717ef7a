// What the API server takes over HTTP: gets, creations, lists, watches, what watchers cost, and
// what hostile clients cost the others.
// Server and clients share the machine, so a figure is of both: on two cores a client's share of a
// small request is a third to a half. Arithmetic first, in docs/performance.md.
//
//   berth_api_bench [--store rocksdb|memory] [--seconds 5] [--directory DIR] [NAME...]
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/strings/numbers.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "api/schema/meta_v1.pb.h"
#include "bench/micro/api_rig.h"
#include "bench/micro/hostile_clients.h"

namespace berth::bench {
namespace {

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

// A thousand requests a second by honest clients, gets and creations in turn.
Figures PacedLoad(Rig& rig, double seconds) {
  const auto count = static_cast<int64_t>(seconds * 1000);
  absl::Mutex mutex;
  Figures figures;
  std::atomic<int64_t> left{count};
  absl::Notification done;
  static int round = 0;
  const std::string prefix = fmt::format("h{}-", round++);
  const int64_t begin = NowNs();
  for (int64_t i = 0; i < count; ++i) {
    const int64_t due = begin + i * 1'000'000;
    if (const int64_t early = due - NowNs(); early > 0) {
      std::this_thread::sleep_for(std::chrono::nanoseconds(early));
    }
    api::HttpRequest request = i % 2 == 0 ? Create(NewPod(prefix + std::to_string(i)), true)
                                          : Read(fmt::format("{}/f0-{}", kPods, i % 1024), true);
    rig.transport().Do(std::move(request), absl::Seconds(30),
                       [&, sent = NowNs()](const absl::StatusOr<api::HttpResponse>& response) {
                         if (!response.ok()) Die(response.status().ToString());
                         if (response->code >= 300) Die(response->text());
                         {
                           absl::MutexLock lock(&mutex);
                           figures.latencies_ms.push_back(double(NowNs() - sent) / 1e6);
                         }
                         if (--left == 0) done.Notify();
                       });
  }
  done.WaitForNotification();
  absl::MutexLock lock(&mutex);
  figures.per_second = double(count) * 1e9 / double(NowNs() - begin);
  std::sort(figures.latencies_ms.begin(), figures.latencies_ms.end());
  return figures;
}

// What honest clients see while others send what they should not.
void Hostile(const Options& options) {
  Rig rig(options);
  rig.Fill(10'000);
  const auto print = [](std::string_view name, const Figures& figures, double attempts) {
    fmt::print("{:<34} {:>5.0f} /s   p50 {:>7.2f} ms   p99 {:>7.2f} ms   p99.9 {:>7.2f} ms   "
               "{:>7.0f} attacks/s   {:>5} MB\n",
               name, figures.per_second, figures.At(0.5), figures.At(0.99), figures.At(0.999),
               attempts, ResidentBytes() >> 20);
    std::fflush(stdout);
  };
  print("nobody", PacedLoad(rig, options.seconds), 0);
  for (const HostileKind& kind : HostileKinds()) {
    if (kind.name.find(options.hostile) == std::string::npos) continue;
    HostileClients attack(rig.port(), kind);
    const Figures figures = PacedLoad(rig, options.seconds);
    print(kind.name, figures, double(attack.ended()) / options.seconds);
  }
  print("nobody", PacedLoad(rig, options.seconds), 0);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("What the API server takes over HTTP.");
  app.add_option("--store", options.store, "rocksdb or memory")
      ->check(CLI::IsMember({"rocksdb", "memory"}))->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long each figure is measured")
      ->capture_default_str();
  app.add_option("--hostile", options.hostile,
                 "only hostile clients with this in the name of their kind");
  app.add_option("--directory", options.directory, "where the store keeps its data");
  app.add_option("names", options.names, 
                 "gets, creates, lists, propagation, watchers, hostile; all");
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
      {"hostile", Hostile},
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
