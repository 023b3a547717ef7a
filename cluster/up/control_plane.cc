#include "cluster/up/control_plane.h"

#include <utility>

#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/thread_executor.h"
#include "cluster/apiserver/api_server.h"
#include "cluster/apiserver/http_server.h"
#include "cluster/store/auto_compactor.h"
#include "cluster/store/memory_store.h"
#include "cluster/store/rocksdb_store.h"

namespace berth::up {
namespace {

// Counts what passes. Threads: any.
class CountingHandler final : public apiserver::Handler {
 public:
  explicit CountingHandler(apiserver::Handler& inner) : inner_(inner) {}
  void Handle(api::HttpRequest request, apiserver::Responder responder) override {
    requests_.fetch_add(1, std::memory_order_relaxed);
    inner_.Handle(std::move(request), std::move(responder));
  }
  int64_t requests() const { return requests_.load(std::memory_order_relaxed); }

 private:
  apiserver::Handler& inner_;
  std::atomic<int64_t> requests_{0};
};

}  // namespace

// In the order in which they are made; unmade the other way round.
struct ControlPlane::Parts {
  std::optional<DataDir> dir;
  std::string address;
  ThreadExecutor encoder{"encoder"};
  ThreadExecutor executor{"apiserver"};
  std::unique_ptr<store::Store> store;
  std::unique_ptr<store::AutoCompactor> compactor;
  std::unique_ptr<apiserver::ApiServer> server;
  std::unique_ptr<CountingHandler> handler;
  std::unique_ptr<apiserver::HttpServer> http;

  ~Parts() {
    if (http) http->Stop();
    http.reset();
    executor.Run([this] {
      if (server) server->Stop();
    });
    encoder.Stop();  // what it renders looks at the server
    executor.Run([this] {
      server.reset();
      compactor.reset();
    });
    executor.Stop();
    store.reset();
  }
};

std::optional<ControlPlaneOptions::StoreKind> ParseStoreKind(std::string_view text) {
  if (text == "rocksdb") return ControlPlaneOptions::StoreKind::kRocksdb;
  if (text == "memory") return ControlPlaneOptions::StoreKind::kMemory;
  return std::nullopt;
}

ControlPlane::ControlPlane(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ControlPlane::~ControlPlane() = default;

absl::StatusOr<std::unique_ptr<ControlPlane>> ControlPlane::Start(
    const ControlPlaneOptions& options) {
  if (!apiserver::IsLoopback(options.address)) {
    return absl::InvalidArgumentError(fmt::format(
        "address {} is not a loopback address: the insecure port authenticates nobody",
        options.address));
  }
  auto parts = std::make_unique<Parts>();
  parts->address = options.address;
  if (!options.data_dir.empty()) {
    BERTH_ASSIGN_OR_RETURN(DataDir dir, DataDir::Acquire(options.data_dir));
    parts->dir.emplace(std::move(dir));
  }
  if (options.store == ControlPlaneOptions::StoreKind::kMemory) {
    parts->store = store::MakeMemoryStore(parts->executor, {},
                                          options.first_revision);
  } else {
    if (!parts->dir) {
      return absl::InvalidArgumentError("the rocksdb store needs a data directory (--data-dir)");
    }
    BERTH_ASSIGN_OR_RETURN(parts->store,
                           store::OpenRocksdbStore(parts->executor,
                                                   {.path = parts->dir->File("store"),
                                                    .first_revision = options.first_revision}));
  }
  apiserver::ApiServerOptions server;
  server.event_ttl = options.event_ttl;
  server.rest.binding_check = options.binding_check;
  server.advertised_address = fmt::format("{}:{}", options.address, options.port);
  parts->executor.Run([&] {
    parts->server = std::make_unique<apiserver::ApiServer>(parts->executor, parts->encoder,
                                                           *parts->store, server);
    parts->compactor = std::make_unique<store::AutoCompactor>(*parts->store, parts->executor);
  });
  parts->handler = std::make_unique<CountingHandler>(*parts->server);
  const auto ready = std::make_shared<absl::Notification>();
  parts->executor.Run([&] { parts->server->Start([ready] { ready->Notify(); }); });
  parts->http = std::make_unique<apiserver::HttpServer>(*parts->handler);
  BERTH_RETURN_IF_ERROR(parts->http->Start(options.address, options.port));
  ready->WaitForNotification();
  return std::unique_ptr<ControlPlane>(new ControlPlane(std::move(parts)));
}

std::string ControlPlane::url() const {
  const bool v6 = parts_->address.find(':') != std::string::npos;
  return fmt::format("http://{}{}{}:{}", v6 ? "[" : "", parts_->address, v6 ? "]" : "", port());
}
int ControlPlane::port() const { return parts_->http->port(); }
apiserver::Handler& ControlPlane::handler() { return *parts_->handler; }
Executor& ControlPlane::executor() { return parts_->executor; }

ControlPlaneStats ControlPlane::Stats() {
  ControlPlaneStats stats;
  stats.requests = parts_->handler->requests();
  parts_->executor.Run([&] {
    apiserver::WatchCache& cache = parts_->server->cache();
    stats.revision = cache.applied();
    stats.pods = static_cast<int64_t>(cache.For(api::ResourceOf<api::core::Pod>()).size());
    for (const auto& resource : cache.caches()) {
      stats.watchers += static_cast<int64_t>(resource->watch_count());
    }
  });
  return stats;
}

}  // namespace berth::up
