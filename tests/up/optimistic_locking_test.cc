// Many clients, one object, over HTTP: a write on top of an older state is refused, so that no
// increment is lost, on every store. In full with BERTH_FULL=1.
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <absl/synchronization/notification.h>
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json_value.h"
#include "client/http_transport.h"
#include "cluster/up/control_plane.h"

namespace berth::up {
namespace {

constexpr std::string_view kObject = "/api/v1/namespaces/default/configmaps/counter";

class OptimisticLockingTest
    : public ::testing::TestWithParam<ControlPlaneOptions::StoreKind> {
 public:
  OptimisticLockingTest() {
    directory_ = std::filesystem::temp_directory_path() / "berth-locking-XXXXXX";
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    ControlPlaneOptions options;
    options.store = GetParam();
    options.data_dir = directory_;
    auto plane = ControlPlane::Start(options);
    EXPECT_TRUE(plane.ok()) << plane.status();
    plane_ = *std::move(plane);
    client::HttpTransportOptions http;
    http.server = plane_->url();
    http.max_connections = 64;
    transport_ = *client::HttpTransport::Create(http);
  }
  ~OptimisticLockingTest() override {
    transport_.reset();
    plane_.reset();
    std::filesystem::remove_all(directory_);
  }

  api::HttpResponse Ask(std::string method, std::string target, std::string body = "") {
    api::HttpRequest request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    if (!request.body.empty()) request.content_type = api::kJsonType;
    absl::Notification done;
    api::HttpResponse answer;
    transport_->Do(std::move(request), absl::Seconds(60),
                   [&](absl::StatusOr<api::HttpResponse> response) {
                     EXPECT_TRUE(response.ok()) << response.status();
                     if (response.ok()) answer = *std::move(response);
                     done.Notify();
                   });
    done.WaitForNotification();
    return answer;
  }
  api::JsonValue Read() {
    const api::HttpResponse answer = Ask("GET", std::string(kObject));
    EXPECT_EQ(answer.code, 200) << answer.text();
    return *api::JsonValue::Parse(answer.text());
  }
  static int CountOf(api::JsonValue& object) {
    return std::stoi(
        object.Find("metadata")->Find("annotations")->Find("count")->string());
  }
  // Reads, adds one, writes: until nobody else wrote in between. How often it was refused.
  int Increment() {
    for (int refused = 0;; ++refused) {
      api::JsonValue object = Read();
      const int count = CountOf(object);
      object.Find("metadata")->Find("annotations")->Set(
          "count", api::JsonValue(std::to_string(count + 1)));
      const api::HttpResponse answer = Ask("PUT", std::string(kObject), object.ToText());
      if (answer.code == 200) return refused;
      EXPECT_EQ(answer.code, 409) << answer.text();
      if (answer.code != 409) return refused;
    }
  }

 private:
  std::string directory_;
  std::unique_ptr<ControlPlane> plane_;
  std::unique_ptr<client::HttpTransport> transport_;
};

TEST_P(OptimisticLockingTest, NoIncrementIsLost) {
  const bool full = std::getenv("BERTH_FULL") != nullptr;
  const int clients = 64, increments = full ? 100 : 5;
  ASSERT_EQ(Ask("POST", "/api/v1/namespaces/default/configmaps",
                R"({"metadata":{"name":"counter","annotations":{"count":"0"}}})").code,
            201);
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < increments; ++n) refused += Increment();
    });
  }
  for (std::thread& thread : threads) thread.join();
  api::JsonValue object = Read();
  EXPECT_EQ(CountOf(object), clients * increments);
  EXPECT_GT(refused, 0) << "nobody was in anybody's way: this proves nothing";
}

INSTANTIATE_TEST_SUITE_P(
    Stores, OptimisticLockingTest,
    ::testing::Values(ControlPlaneOptions::StoreKind::kRocksdb,
                      ControlPlaneOptions::StoreKind::kMemory),
    [](const auto& store) {
      return store.param == ControlPlaneOptions::StoreKind::kRocksdb ? "rocksdb" : "memory";
    });

}  // namespace
}  // namespace berth::up
