// What a request costs on each side. Not a test of limits: run by hand, in a release build, with
// --gtest_also_run_disabled_tests.
#include <gtest/gtest.h>

#include <dirent.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <map>
#include <sstream>

#include <absl/synchronization/notification.h>
#include <fmt/format.h>

#include "base/clock.h"
#include "tests/client/http_peers.h"

namespace berth::client {
namespace {

// CPU seconds of the threads of this process, summed by name.
std::map<std::string, double> CpuByThread() {
  std::map<std::string, double> seconds;
  DIR* dir = ::opendir("/proc/self/task");
  while (const dirent* entry = ::readdir(dir)) {
    std::ifstream file(fmt::format("/proc/self/task/{}/schedstat", entry->d_name));
    std::ifstream comm(fmt::format("/proc/self/task/{}/comm", entry->d_name));
    std::string name;
    double nanos = 0;
    if (!std::getline(comm, name) || !(file >> nanos)) continue;
    seconds[name] += nanos / 1e9;
  }
  ::closedir(dir);
  return seconds;
}

void Report(std::string_view what, int count, absl::Duration wall,
            const std::map<std::string, double>& before) {
  fmt::print("{:28} {:8.0f}/s", what, count / absl::ToDoubleSeconds(wall));
  for (const auto& [name, after] : CpuByThread()) {
    const auto it = before.find(name);
    const double used = after - (it == before.end() ? 0 : it->second);
    if (used / count * 1e6 > 0.05) fmt::print("  {} {:.1f} us", name, used / count * 1e6);
  }
  fmt::print("\n");
}

TEST(HttpThroughputTest, DISABLED_Requests) {
  for (const int loops : {1, 2}) {
    for (const int in_flight : {1, 8, 32}) {
      TestHandler handler;
      apiserver::HttpServerOptions options;
      options.loops = loops;
      apiserver::HttpServer server(handler, options);
      ASSERT_TRUE(server.Start("127.0.0.1", 0).ok());
      auto transport = ClientOf(server.port());
      const std::string body(600, 'x');
      const int total = in_flight == 1 ? 20'000 : 200'000;
      std::atomic<int> started{0}, finished{0};
      absl::Notification done;
      std::function<void()> next = [&] {
        if (started++ >= total) return;
        transport->Do(RequestOf("POST", "/api/v1/namespaces/default/pods", body),
                      absl::Seconds(30), [&](absl::StatusOr<api::HttpResponse> response) {
                        ASSERT_TRUE(response.ok());
                        next();  // first: after the last one everything here is gone
                        if (++finished == total) done.Notify();
                      });
      };
      const auto before = CpuByThread();
      const absl::Time start = RealClock::Get().Now();
      for (int i = 0; i < in_flight; ++i) next();
      done.WaitForNotification();
      Report(fmt::format("requests, loops={} in flight={}", loops, in_flight), total,
             RealClock::Get().Now() - start, before);
    }
  }
}

// One writer, many watchers of every event.
TEST(HttpThroughputTest, DISABLED_WatchEvents) {
  for (const int watchers : {1, 50, 1000}) {
    TestHandler handler;
    apiserver::HttpServer server(handler);
    ASSERT_TRUE(server.Start("127.0.0.1", 0).ok());
    auto transport = ClientOf(server.port());
    absl::Mutex mutex;
    std::vector<std::shared_ptr<apiserver::StreamWriter>> writers;
    handler.OnStream([&](std::shared_ptr<apiserver::StreamWriter> w) {
      absl::MutexLock lock(&mutex);
      writers.push_back(std::move(w));
    });
    std::atomic<int64_t> received{0};
    std::vector<std::unique_ptr<Stream>> streams;
    for (int i = 0; i < watchers; ++i) {
      StreamHandler stream;
      stream.on_data = [&](Bytes chunk) { received += static_cast<int64_t>(chunk->size()); };
      streams.push_back(transport->Open(RequestOf("GET", "/stream"), std::move(stream)));
    }
    ASSERT_TRUE(Eventually([&] {
      absl::MutexLock lock(&mutex);
      return writers.size() == static_cast<size_t>(watchers);
    }));
    const int events = 200'000 / watchers;
    const Bytes event = MakeBytes(std::string(1000, 'x'));
    const auto before = CpuByThread();
    const absl::Time start = RealClock::Get().Now();
    for (int i = 0; i < events; ++i) {
      for (auto& writer : writers) ASSERT_TRUE(writer->Write(event));
      // Not faster than they are read: at most a thousand events ahead.
      while (received < int64_t{watchers} * (i - 1000) * 1000) ::usleep(100);
    }
    ASSERT_TRUE(Eventually([&] { return received == int64_t{watchers} * events * 1000; }));
    Report(fmt::format("events, watchers={}", watchers), watchers * events,
           RealClock::Get().Now() - start, before);
    absl::MutexLock lock(&mutex);
    writers.clear();
  }
}

}  // namespace
}  // namespace berth::client
