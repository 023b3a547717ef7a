#include "cluster/up/load_generator.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/pod_phase.h"
#include "api/scheduling/resources.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::up {

using api::core::Namespace;
using api::core::Node;
using api::core::Pod;
using client::ObjectPtr;

LoadGenerator::LoadGenerator(client::ApiClient& client, std::string namespace_name,
                             int64_t in_flight_max)
    : client_(client), namespace_(std::move(namespace_name)), in_flight_max_(in_flight_max) {
  client::ReflectorOptions options;
  options.namespace_ = namespace_;
  client::ReflectorTarget& target = *this;
  reflector_ = std::make_unique<client::Reflector>(client, api::ResourceOf<Pod>(), target, options);
}

LoadGenerator::~LoadGenerator() = default;

void LoadGenerator::Start(absl::AnyInvocable<void(absl::Status)> ready) {
  ready_ = std::move(ready);
  Namespace made;
  made.mutable_metadata()->set_name(namespace_);
  client_.Create<Namespace>(made, [this, alive = lifetime_.Watch()](auto result) {
    if (alive.expired()) return;
    if (!result.ok() && !api::IsAlreadyExists(result.status())) return ready_(result.status());
    reflector_->Start();
  });
}

void LoadGenerator::Replace(std::vector<ObjectPtr> objects, int64_t) {
  for (const ObjectPtr& object : objects) See(object);
  if (ready_) std::exchange(ready_, nullptr)(absl::OkStatus());
}

void LoadGenerator::Apply(client::WatchFrame::Type type, ObjectPtr object, int64_t) {
  if (type != client::WatchFrame::Type::kDeleted) See(object);
}

void LoadGenerator::See(const ObjectPtr& object) {
  const auto& pod = static_cast<const Pod&>(*object);
  const auto it = index_.find(pod.metadata().name());
  if (it == index_.end()) return;
  PodTimes& times = times_[static_cast<size_t>(it->second)];
  const absl::Time now = client_.executor().clock().Now();
  if (!pod.spec().node_name().empty() && times.bound == absl::InfiniteFuture()) {
    times.bound = now;
    times.node = pod.spec().node_name();
    ++progress_.bound;
  }
  if (pod.status().phase() == "Running" && times.running == absl::InfiniteFuture()) {
    times.running = now;
    ++progress_.running;
  }
}

void LoadGenerator::Begin(LoadStep step) {
  step_ = std::move(step);
  next_ = 0;
  progress_ = {};
  times_.assign(static_cast<size_t>(step_.pods), {});
  index_.clear();
  Pump();
}

std::vector<PodTimes> LoadGenerator::Take() { return times_; }

void LoadGenerator::Pump() {
  while (next_ < step_.pods && in_flight_ < in_flight_max_ && progress_.failure.ok()) {
    CreateOne(next_++);
  }
}

void LoadGenerator::CreateOne(int64_t index) {
  PodTimes& times = times_[static_cast<size_t>(index)];
  const std::string name = fmt::format("{}-{:05}", step_.prefix, index + 1);
  Pod pod;
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_namespace_(namespace_);
  (*pod.mutable_metadata()->mutable_labels())["app"] = step_.prefix;
  times.scheduler = step_.schedulers[static_cast<size_t>(index) % step_.schedulers.size()];
  pod.mutable_spec()->set_scheduler_name(times.scheduler);
  auto& container = *pod.mutable_spec()->add_containers();
  container.set_name("app");
  container.set_image("registry.k8s.io/pause:3.10");
  for (const auto& [resource, amount] : step_.requests) {
    (*container.mutable_resources()->mutable_requests())[resource].set_string(amount);
  }
  index_[name] = index;
  times.created = std::min(times.created, client_.executor().clock().Now());
  ++in_flight_;
  client_.Create<Pod>(pod, [this, index, alive = lifetime_.Watch()](auto made) {
    if (alive.expired()) return;
    --in_flight_;
    const absl::Status& status = made.status();
    if (status.ok() || api::IsAlreadyExists(status)) {
      ++progress_.created;
    } else if (!api::Reason(status).empty() && api::HttpCode(status) < 500) {
      progress_.failure = status;
    } else {
      client_.executor().PostAfter(absl::Milliseconds(200), [this, index, alive] {
        if (!alive.expired()) CreateOne(index);
      });
    }
    Pump();
  });
}

// --- reading the outcome -------------------------------------------------------------------------

namespace {

// Lists all pages of one resource, then calls back.
struct Listing : std::enable_shared_from_this<Listing> {
  client::ApiClient& client;
  const api::Resource& resource;
  std::vector<ObjectPtr> items;
  absl::AnyInvocable<void(absl::StatusOr<std::vector<ObjectPtr>>)> done;

  Listing(client::ApiClient& c, const api::Resource& r, decltype(done) d)
      : client(c), resource(r), done(std::move(d)) {}
  void Page(std::string token) {
    client::ListOptions options;
    options.limit = 2000;
    options.continue_token = std::move(token);
    client.List(resource, {}, options,
                [self = shared_from_this()](absl::StatusOr<client::ObjectList> page) {
                  if (!page.ok()) return self->done(page.status());
                  for (ObjectPtr& item : page->items) self->items.push_back(std::move(item));
                  if (page->continue_token.empty()) return self->done(std::move(self->items));
                  self->Page(page->continue_token);
                });
  }
};

std::vector<NodeUse> AddUp(const std::vector<ObjectPtr>& nodes,
                           const std::vector<ObjectPtr>& pods) {
  std::vector<NodeUse> out;
  StringMap<size_t> by_name;
  for (const ObjectPtr& object : nodes) {
    const auto& node = static_cast<const Node&>(*object);
    const auto allocatable = api::scheduling::NodeAllocatable(node);
    by_name[node.metadata().name()] = out.size();
    NodeUse& use = out.emplace_back();
    use.name = node.metadata().name();
    use.pods_max = allocatable.pods;
    use.milli_cpu_max = allocatable.amounts.milli_cpu;
    use.memory_bytes_max = allocatable.amounts.memory_bytes;
  }
  for (const ObjectPtr& object : pods) {
    const auto& pod = static_cast<const Pod&>(*object);
    const auto it = by_name.find(pod.spec().node_name());
    if (it == by_name.end() || api::IsTerminal(pod)) continue;
    const auto requests = api::scheduling::PodRequests(pod);
    NodeUse& use = out[it->second];
    ++use.pods;
    use.milli_cpu += requests.milli_cpu;
    use.memory_bytes += requests.memory_bytes;
  }
  return out;
}

}  // namespace

void ListNodeUse(client::ApiClient& client,
                 absl::AnyInvocable<void(absl::StatusOr<std::vector<NodeUse>>)> done) {
  using Objects = absl::StatusOr<std::vector<ObjectPtr>>;
  std::make_shared<Listing>(
      client, api::ResourceOf<Node>(),
      [&client, done = std::move(done)](Objects nodes) mutable {
        if (!nodes.ok()) return done(nodes.status());
        std::make_shared<Listing>(
            client, api::ResourceOf<Pod>(),
            [done = std::move(done), nodes = *std::move(nodes)](Objects pods) mutable {
              if (!pods.ok()) return done(pods.status());
              done(AddUp(nodes, *pods));
            })->Page({});
      })->Page({});
}

int64_t BindingConflictsIn(std::string_view metrics) {
  int64_t sum = 0;
  for (size_t at = 0; at < metrics.size();) {
    const size_t end = std::min(metrics.find('\n', at), metrics.size());
    const std::string_view line = metrics.substr(at, end - at);
    at = end + 1;
    const auto has = [&](std::string_view part) {
      return line.find(part) != std::string_view::npos;
    };
    if (line.starts_with("apiserver_request_total{") && has("code=\"409\"") &&
        has("subresource=\"binding\"")) {
      sum += static_cast<int64_t>(std::strtod(
          std::string(line.substr(line.rfind(' ') + 1)).c_str(), nullptr));
    }
  }
  return sum;
}

void ReadBindingConflicts(client::Transport& transport, Executor& executor,
                          absl::AnyInvocable<void(absl::StatusOr<int64_t>)> done) {
  api::HttpRequest request;
  request.target = "/metrics";
  transport.Do(std::move(request), client::kDefaultRequestTimeout,
               OnExecutor(executor, [done = std::move(done)](
                                        absl::StatusOr<api::HttpResponse> response) mutable {
                 if (!response.ok()) return done(response.status());
                 if (response->code != 200) {
                   return done(absl::UnavailableError(
                       fmt::format("/metrics answered {}", response->code)));
                 }
                 done(BindingConflictsIn(response->text()));
               }));
}

}  // namespace berth::up
