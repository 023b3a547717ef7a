// The API server: requests in, answers and watches out, over any store. It knows no socket: an
// HTTP edge (http_server.h) or an in-process transport hands it requests.
//
//   (new) --Start--> loading the cache --> making the system's objects --> ready --Stop--> stopped
//
// Threads: Handle from any thread; it routes and decodes the body there (a large body on `encoder`)
// and does the rest as tasks of `executor`, on which all state lives. Long lists are rendered on
// `encoder`. With both the same, and a memory store on a simulation executor, everything runs on
// one thread from one seed.
#pragma once

#include <memory>
#include <string>

#include <absl/container/flat_hash_map.h>
#include <absl/time/time.h>

#include "base/executor.h"
#include "base/random.h"
#include "cluster/apiserver/handler.h"
#include "cluster/apiserver/pipeline.h"
#include "cluster/apiserver/rest.h"
#include "cluster/apiserver/router.h"
#include "cluster/apiserver/watch_session.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

class Discovery;
class Metrics;
class OpenApi;

struct ApiServerOptions {
  uint64_t seed = 0;                       // of uids and generated names; 0: from the system
  absl::Duration event_ttl = absl::Hours(1);
  // Where clients reach the server, for discovery: "127.0.0.1:8080".
  std::string advertised_address = "127.0.0.1:8080";
  RestOptions rest;
  WatchCacheOptions cache;
  WatchOptions watch;
};

class ApiServer final : public Handler {
 public:
  // Everything referred to must outlive the server. Destroy it on `executor`, or when that has
  // stopped, and when `encoder` has.
  ApiServer(Executor& executor, Executor& encoder, store::Store& store,
            ApiServerOptions options = {});
  ~ApiServer() override;

  // `ready` is called once, when requests are served: until then they get 503. Failures of the
  // store are retried for ever.
  void Start(Task ready);
  // Ends all watches; requests get 503. Call it on the executor.
  void Stop();
  bool ready() const { return ready_; }

  void Handle(api::HttpRequest request, Responder responder) override;

  // Plugins beyond the built-in ones; before Start.
  Pipeline& pipeline() { return pipeline_; }
  // For tests and tools; on the executor only.
  WatchCache& cache() { return cache_; }
  NodeLedger& ledger() { return ledger_; }

 private:
  static std::string_view MethodLabel(std::string_view method);
  void HandleBatch(CallPtr batch);
  void Dispatch(CallPtr call);
  void DispatchResource(CallPtr call);
  void DispatchOther(CallPtr call);
  void Health(CallPtr call);
  void MakeSystemObjects();
  void MakeNextSystemObject(size_t index);
  void OnEvent(const ResourceCache& cache, const EventPtr& event);
  void OnReset();
  // Removes pods that were marked for it when the server last died.
  void FinishDeletions();
  void CollectGauges();
  const std::string& EtagOf(const Bytes& document);

  Executor& executor_;
  Executor& encoder_;
  const ApiServerOptions options_;
  Random random_;
  Router router_;
  WatchCache cache_;
  EventLeases leases_;
  ObjectWriter writer_;
  NodeLedger ledger_;
  Pipeline pipeline_;
  Rest rest_;
  WatchSessions watches_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<Discovery> discovery_;
  std::unique_ptr<OpenApi> openapi_;
  std::shared_ptr<HeavyLane> heavy_lane_;
  absl::flat_hash_map<const std::string*, std::string> etags_;  // of documents that live on
  Task on_ready_;
  bool ready_ = false;
  bool stopped_ = false;
  absl::Time started_;
  Lifetime alive_;
};

}  // namespace berth::apiserver
