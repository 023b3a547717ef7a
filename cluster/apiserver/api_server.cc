#include "cluster/apiserver/api_server.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "base/log.h"
#include "base/wake_batch.h"
#include "cluster/apiserver/admission.h"
#include "cluster/apiserver/answers.h"
#include "cluster/apiserver/batch.h"
#include "cluster/apiserver/discovery.h"
#include "cluster/apiserver/metrics.h"
#include "cluster/apiserver/openapi.h"
#include "cluster/apiserver/request_body.h"
#include "cluster/apiserver/version.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kSystemNamespaces[] = {"kube-system", "kube-public", "kube-node-lease",
                                                  "default"};
// One is worked on while another waits for the executor or the store.
constexpr int kHeavyAtOnce = 2;

struct SystemClass {
  std::string_view name;
  int32_t value;
  std::string_view description;
};
constexpr SystemClass kSystemClasses[] = {
    {"system-node-critical", 2000001000,
     "Used for system critical pods that must not be moved from their current node."},
    {"system-cluster-critical", 2000000000,
     "Used for system critical pods that must run in the cluster, but can be moved to another node "
     "if necessary."},
};

std::string_view ScopeOf(const RequestInfo& info) {
  if (info.resource == nullptr) return "";
  if (!info.name.empty() || info.verb == Verb::kCreate) return "resource";
  return info.namespace_.empty() ? "cluster" : "namespace";
}

}  // namespace

ApiServer::ApiServer(Executor& executor, Executor& encoder, store::Store& store,
                     ApiServerOptions options)
    : executor_(executor),
      encoder_(encoder),
      options_(std::move(options)),
      random_(options_.seed != 0 ? options_.seed : RandomSeed()),
      router_(api::Resources()),
      cache_(executor, store, api::Resources(), options_.cache),
      leases_(executor, store, options_.event_ttl),
      writer_(executor, store, cache_, leases_),
      rest_(executor, encoder, store, cache_, writer_, ledger_, pipeline_, random_, options_.rest),
      watches_(executor, cache_, random_, options_.watch),
      metrics_(std::make_unique<Metrics>()),
      discovery_(std::make_unique<Discovery>(api::Resources(), options_.advertised_address)),
      openapi_(std::make_unique<OpenApi>(api::Resources())),
      heavy_lane_(std::make_shared<HeavyLane>(encoder, kHeavyAtOnce)),
      started_(executor.clock().Now()) {
  pipeline_.authenticators.push_back(MakeUnsecuredAuthenticator());
  pipeline_.authorizers.push_back(MakeAlwaysAllow());
  pipeline_.admission.push_back(MakeNamespaceLifecycle(cache_));
  pipeline_.admission.push_back(MakePriority(cache_));
  pipeline_.admission.push_back(MakeRuntimeClass());
  pipeline_.admission.push_back(MakeTopologyLabels(cache_));
  pipeline_.admission.push_back(MakeStorage(cache_));
  pipeline_.admission.push_back(MakeDeviceAdminAccess(cache_));
  cache_.SetListeners(
      [this](const ResourceCache& cache, const EventPtr& event) { OnEvent(cache, event); },
      [this] { OnReset(); });
  writer_.SetCommitListener([this](absl::Duration took) { metrics_->Committed(took); });
}

ApiServer::~ApiServer() = default;

// --- life --------------------------------------------------------------------------------------

void ApiServer::Start(Task ready) {
  on_ready_ = std::move(ready);
  executor_.Post([this, alive = alive_.Watch()] {
    if (alive.expired()) return;
    cache_.Start([this] { MakeNextSystemObject(0); });
  });
}

void ApiServer::Stop() {
  stopped_ = true;
  ready_ = false;
  watches_.CloseAll();
}

void ApiServer::MakeNextSystemObject(size_t index) {
  auto done = [this, index](const absl::Status& status) {
    if (!status.ok()) {
      BERTH_LOG(kWarning, "system object not made, trying again error={}", status.ToString());
      executor_.PostAfter(absl::Seconds(1), [this, index, alive = alive_.Watch()] {
        if (!alive.expired()) MakeNextSystemObject(index);
      });
      return;
    }
    MakeNextSystemObject(index + 1);
  };
  constexpr size_t kNamespaces = std::size(kSystemNamespaces);
  if (index < kNamespaces) {
    auto space = std::make_shared<api::core::Namespace>();
    space->mutable_metadata()->set_name(std::string(kSystemNamespaces[index]));
    return rest_.Ensure(api::ResourceOf<api::core::Namespace>(), std::move(space),
                        std::move(done));
  }
  if (index < kNamespaces + std::size(kSystemClasses)) {
    const SystemClass& system = kSystemClasses[index - kNamespaces];
    auto priority = std::make_shared<api::scheduling_v1::PriorityClass>();
    priority->mutable_metadata()->set_name(std::string(system.name));
    priority->set_value(system.value);
    priority->set_description(std::string(system.description));
    return rest_.Ensure(api::ResourceOf<api::scheduling_v1::PriorityClass>(), std::move(priority),
                        std::move(done));
  }
  ready_ = !stopped_;
  FinishDeletions();
  if (on_ready_) std::exchange(on_ready_, nullptr)();
}

namespace {

// A pod goes in two steps (see delete.cc); this one has only the second before it.
bool OnlyToBeRemoved(const StoredObject& pod) {
  const api::meta::ObjectMeta& metadata = pod.metadata();
  return metadata.has_deletion_timestamp() && metadata.deletion_grace_period_seconds() == 0 &&
         metadata.finalizers().empty();
}

}  // namespace

void ApiServer::FinishDeletions() {
  const api::Resource& pods = api::ResourceOf<api::core::Pod>();
  std::vector<ObjectPtr> marked;
  cache_.For(pods).Visit("", "", [&](const ObjectPtr& pod) {
    if (OnlyToBeRemoved(*pod)) marked.push_back(pod);
    return true;
  });
  for (const ObjectPtr& pod : marked) {
    BERTH_LOG(kInfo, "finishing a deletion pod={}", pod->key());
    writer_.Modify(
        pods, pod->metadata().namespace_(), pod->metadata().name(),
        [uid = pod->metadata().uid()](const ObjectPtr& current) -> absl::StatusOr<Change> {
          const bool same = current != nullptr && current->metadata().uid() == uid;
          return same && OnlyToBeRemoved(*current) ? Change::Delete() : Change::Keep();
        },
        [key = pod->key()](const absl::StatusOr<ObjectPtr>& done) {
          if (done.ok()) return;
          BERTH_LOG(kError, "deletion not finished pod={} error={}", key,
                    done.status().ToString());
        });
  }
}

// The ledger follows the cache.
void ApiServer::OnEvent(const ResourceCache& cache, const EventPtr& event) {
  const ObjectPtr& object = event->object();
  const bool deleted = event->type() == CacheEvent::Type::kDeleted;
  if (cache.resource().kind == "Pod") {
    if (deleted) {
      ledger_.Release(object->metadata().uid(), event->revision());
    } else {
      ledger_.Confirm(object->As<api::core::Pod>(), event->revision());
    }
  } else if (cache.resource().kind == "Node") {
    if (deleted) {
      ledger_.RemoveNode(object->metadata().name());
    } else {
      ledger_.SetNode(object->metadata().name(), object->As<api::core::Node>(),
                      event->revision());
    }
  }
}

void ApiServer::OnReset() {
  ledger_.BeginRebuild();
  cache_.For(api::ResourceOf<api::core::Node>()).Visit("", "", [&](const ObjectPtr& object) {
    ledger_.SetNode(object->metadata().name(), object->As<api::core::Node>(), object->revision());
    return true;
  });
  cache_.For(api::ResourceOf<api::core::Pod>()).Visit("", "", [&](const ObjectPtr& object) {
    ledger_.Confirm(object->As<api::core::Pod>(), object->revision());
    return true;
  });
}

// --- requests ----------------------------------------------------------------------------------

void ApiServer::Handle(api::HttpRequest request, Responder responder) {
  auto call = std::make_unique<Call>(std::move(request), std::move(responder));
  call->started = executor_.clock().Now();
  call->encoder = &encoder_;
  if (IsBatch(call->request)) return HandleBatch(std::move(call));
  call->info = router_.Route(call->request.method, call->request.target);
  call->heavy = IsHeavy(call->info, call->request);
  auto dispatch = [this, &executor = executor_, alive = alive_.Watch()](CallPtr decoded) {
    executor.Post([this, alive, decoded = std::move(decoded)]() mutable {
      if (!alive.expired()) Dispatch(std::move(decoded));
    });
  };
  if (call->heavy) {
    return heavy_lane_->Enter([dispatch = std::move(dispatch), call = std::move(call)](
                                  std::unique_ptr<HeavyLane::Place> place) mutable {
      if (call->responder.IsGone()) return;
      call->place = std::move(place);
      DecodeRequestBody(*call);
      dispatch(std::move(call));
    });
  }
  DecodeRequestBody(*call);
  if (executor_.IsCurrent()) return Dispatch(std::move(call));
  dispatch(std::move(call));
}

void ApiServer::HandleBatch(CallPtr batch) {
  auto open = [this, &executor = executor_, alive = alive_.Watch()](CallPtr call) {
    auto dispatch = [this, alive, items = OpenBatch(std::move(call), router_)]() mutable {
      if (alive.expired()) return;
      WakeBatch::Flush();  // this takes a while
      for (CallPtr& item : items) Dispatch(std::move(item));
    };
    if (executor.IsCurrent()) return dispatch();
    executor.Post(std::move(dispatch));
  };
  if (std::ssize(batch->request.body) <= kLightBytesMax) return open(std::move(batch));
  heavy_lane_->Enter([open = std::move(open), call = std::move(batch)](
                         std::unique_ptr<HeavyLane::Place> place) mutable {
    if (call->responder.IsGone()) return;
    call->place = std::move(place);
    open(std::move(call));
  });
}

// A label of a metric: what clients make up counts as one.
std::string_view ApiServer::MethodLabel(std::string_view method) {
  constexpr std::string_view kKnown[] = {"GET",    "HEAD",    "POST",    "PUT",  "PATCH",
                                         "DELETE", "OPTIONS", "CONNECT", "TRACE"};
  return std::find(std::begin(kKnown), std::end(kKnown), method) == std::end(kKnown) ? "other"
                                                                                     : method;
}

void ApiServer::Dispatch(CallPtr call) {
  call->answered = [metrics = metrics_.get(), &clock = executor_.clock()](const Call& it,
                                                                          int code) {
    RequestFacts facts;
    facts.verb = it.info.resource == nullptr ? MethodLabel(it.request.method)
                                             : VerbName(it.info.verb);
    facts.group = it.info.resource ? it.info.resource->group : "";
    facts.resource = it.info.resource ? it.info.resource->plural : "";
    facts.subresource = it.info.subresource ? it.info.subresource->name : "";
    facts.scope = ScopeOf(it.info);
    facts.code = code;
    metrics->Answered(facts, clock.Now() - it.started);
  };
  auto user = pipeline_.Authenticate(call->request);
  if (!user.ok()) return Reply(std::move(call), user.status());
  call->user = *std::move(user);
  if (auto status = pipeline_.Authorize(call->user, call->info); !status.ok()) {
    return Reply(std::move(call), status);
  }
  switch (call->info.kind) {
    case RequestInfo::Kind::kResource: return DispatchResource(std::move(call));
    case RequestInfo::Kind::kOther: return DispatchOther(std::move(call));
    case RequestInfo::Kind::kNotFound: return Reply(std::move(call), api::GenericNotFound());
    case RequestInfo::Kind::kPageNotFound:
      return Reply(std::move(call), TextAnswer(404, "404 page not found\n"));
    case RequestInfo::Kind::kMethodNotAllowed:
      return Reply(std::move(call), api::GenericMethodNotAllowed());
  }
}

void ApiServer::DispatchResource(CallPtr call) {
  if (!ready_) {
    return Reply(std::move(call), api::ServiceUnavailable("the server is not ready yet"));
  }
  const bool watch = call->info.verb == Verb::kWatch;
  auto output = NegotiateOutput(call->request.accept, watch, true);
  if (!output.ok()) return Reply(std::move(call), output.status());
  call->output = *output;
  if (call->info.query.GetTrueWord("pretty")) call->output.pretty = true;
  const std::string_view subresource =
      call->info.subresource != nullptr ? call->info.subresource->name : std::string_view();
  if (subresource == "binding") return rest_.Bind(std::move(call));
  if (subresource == "scale") {
    if (call->info.verb == Verb::kGet) return rest_.GetScale(std::move(call));
    return rest_.SetScale(std::move(call));
  }
  if (subresource == "eviction") return rest_.Evict(std::move(call));
  switch (call->info.verb) {
    case Verb::kGet: return rest_.Get(std::move(call));
    case Verb::kList: return rest_.List(std::move(call));
    case Verb::kWatch: return watches_.Start(std::move(call));
    case Verb::kCreate: return rest_.Create(std::move(call));
    case Verb::kUpdate: return rest_.Update(std::move(call));
    case Verb::kPatch: return rest_.Patch(std::move(call));
    case Verb::kDelete: return rest_.Delete(std::move(call));
    case Verb::kDeleteCollection: return rest_.DeleteCollection(std::move(call));
  }
}

void ApiServer::DispatchOther(CallPtr call) {
  const std::string_view path = call->info.path;
  const std::string& method = call->request.method;
  if (method != "GET" && method != "HEAD") {
    return Reply(std::move(call), api::GenericMethodNotAllowed());
  }
  if (!path.starts_with('/')) {  // "GET ?x": nobody honest asks so
    return Reply(std::move(call), TextAnswer(404, "404 page not found\n"));
  }
  const std::string_view endpoint = path.substr(1, path.find('/', 1) - 1);
  if (endpoint == "healthz" || endpoint == "livez" || endpoint == "readyz") {
    return Health(std::move(call));
  }
  if (path == "/version" || path == "/version/") {
    api::HttpResponse response;
    response.code = 200;
    response.content_type = std::string(api::kJsonType);
    response.body = MakeBytes(VersionJson());
    return Reply(std::move(call), std::move(response));
  }
  if (path == "/metrics") {
    CollectGauges();
    api::HttpResponse response = TextAnswer(200, metrics_->Text());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return Reply(std::move(call), std::move(response));
  }
  std::optional<api::HttpResponse> response = discovery_->Answer(path, call->request.accept);
  if (!response && path.starts_with("/openapi/")) {
    response = openapi_->Answer(path, call->request.accept);
  }
  if (!response) return Reply(std::move(call), TextAnswer(404, "404 page not found\n"));
  // These documents never change: clients keep them and ask whether they are still good.
  const std::string& etag = EtagOf(response->body);
  response->headers.emplace_back("ETag", etag);
  response->headers.emplace_back("Cache-Control", "public");
  if (api::FindHeader(call->request.headers, "If-None-Match") == etag) {
    response->code = 304;
    response->body = nullptr;
  }
  Reply(std::move(call), *std::move(response));
}

const std::string& ApiServer::EtagOf(const Bytes& document) {
  std::string& etag = etags_[document.get()];
  if (etag.empty()) {
    uint64_t hash = 14695981039346656037ull;  // FNV-1a
    for (const char c : *document) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    etag = fmt::format("\"{:016X}\"", hash);
  }
  return etag;
}

// /healthz, /livez, /readyz, each with ?verbose, ?exclude=CHECK, and a check's name behind it.
void ApiServer::Health(CallPtr call) {
  const std::string path = call->info.path;
  const size_t slash = path.find('/', 1);
  const std::string endpoint = path.substr(1, slash - 1);
  const std::string only = slash == std::string::npos ? "" : path.substr(slash + 1);
  struct Check {
    std::string_view name;
    bool ok = true;
  };
  std::vector<Check> checks = {{"ping"}, {"log"}, {"etcd", !stopped_}};
  if (endpoint == "readyz") checks.push_back({"informer-sync", ready_ && cache_.ready()});
  if (!only.empty()) {
    std::erase_if(checks, [&](const Check& check) { return check.name != only; });
    if (checks.empty()) return Reply(std::move(call), TextAnswer(404, "404 page not found\n"));
    if (checks[0].ok) return Reply(std::move(call), TextAnswer(200, "ok"));
    return Reply(std::move(call), TextAnswer(500, "internal server error: not ready\n"));
  }
  const auto is_excluded = [&](std::string_view name) {
    const auto& items = call->info.query.items();
    return std::any_of(items.begin(), items.end(), [&](const auto& item) {
      return item.first == "exclude" && item.second == name;
    });
  };
  bool ok = true;
  std::string text;
  for (const Check& check : checks) {
    if (is_excluded(check.name)) {
      text += fmt::format("[+]{} excluded: ok\n", check.name);
      continue;
    }
    ok = ok && check.ok;
    text += check.ok ? fmt::format("[+]{} ok\n", check.name)
                     : fmt::format("[-]{} failed: reason withheld\n", check.name);
  }
  text += fmt::format("{} check {}\n", endpoint, ok ? "passed" : "failed");
  if (ok && !call->info.query.Has("verbose")) text = "ok";
  Reply(std::move(call), TextAnswer(ok ? 200 : 500, std::move(text)));
}

void ApiServer::CollectGauges() {
  for (const auto& cache : cache_.caches()) {
    metrics_->SetWatchers(cache->resource().group, cache->resource().plural,
                          static_cast<double>(cache->watch_count()));
    metrics_->SetObjects(cache->resource().qualified(), static_cast<double>(cache->size()));
  }
  metrics_->SetRevision(static_cast<double>(cache_.applied()));
}

}  // namespace berth::apiserver
