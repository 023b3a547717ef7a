#include "tests/sim/operator.h"

#include <iterator>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "cluster/node/pod_lifecycle.h"

namespace berth::sim {

using api::core::Node;
using api::core::Pod;
using client::PatchType;
using PodPtr = std::shared_ptr<const Pod>;

namespace {

constexpr std::string_view kCordon = R"({"spec":{"unschedulable":true}})";
constexpr std::string_view kUncordon = R"({"spec":{"unschedulable":null}})";
constexpr std::string_view kTaint =
    R"({"spec":{"taints":[{"key":"sim","value":"x","effect":"NoSchedule"}]}})";
constexpr std::string_view kUntaint = R"({"spec":{"taints":null}})";
constexpr std::string_view kShrink = R"({"status":{"allocatable":{"cpu":"700m","pods":"3"}}})";

void Request(Pod& pod, std::string_view resource, std::string quantity) {
  auto& requests =
      *pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests();
  requests[std::string(resource)].set_string(std::move(quantity));
}

Pod RandomPod(Random& random, std::string name, double host_ports) {
  Pod pod;
  pod.mutable_metadata()->set_namespace_("default");
  auto& spec = *pod.mutable_spec();
  const uint64_t scheduler = random.Below(10);
  if (scheduler < 4) {
    spec.set_scheduler_name(std::string(kSchedulers[1]));
  } else if (scheduler == 9) {
    spec.set_scheduler_name(std::string(kNobody));
  } else if (scheduler > 5) {
    spec.set_scheduler_name(std::string(kSchedulers[0]));
  }  // else: the default one
  spec.set_termination_grace_period_seconds(random.Between(1, 5));
  auto& container = *spec.add_containers();
  container.set_name("app");
  container.set_image("registry.example/app:1");
  const bool too_big = scheduler != 9 && random.Chance(0.04);
  if (too_big) name = std::string(kTooBigPrefix) + name;
  pod.mutable_metadata()->set_name(name);
  constexpr int64_t kSizes[] = {50, 100, 100, 250, 500, 500, 1000, 1500};
  if (too_big) {
    Request(pod, "cpu", "64");
  } else if (random.Chance(0.9)) {
    Request(pod, "cpu", fmt::format("{}m", kSizes[random.Below(std::size(kSizes))]));
  }
  if (random.Chance(0.5)) Request(pod, "memory", fmt::format("{}Mi", random.Between(1, 24) * 32));
  if (!too_big && random.Chance(host_ports)) {
    auto& port = *container.add_ports();
    port.set_container_port(80);
    port.set_host_port(static_cast<int32_t>(8000 + random.Below(3)));
  }
  if (random.Chance(0.35)) {
    auto& annotations = *pod.mutable_metadata()->mutable_annotations();
    annotations[std::string(node::kRunSecondsAnnotation)] =
        fmt::format("{}.5", random.Between(0, 12));
    if (random.Chance(0.4)) annotations[std::string(node::kExitCodeAnnotation)] = "1";
    spec.set_restart_policy("Never");
  }
  return pod;
}

}  // namespace

Operator::Operator(client::ApiClient& client, const SimOptions& options, Probes& probes)
    : client_(client), executor_(client.executor()), options_(options), probes_(probes),
      random_(options.seed ^ 0x6f70657261746f72) {}

template <typename F>
auto Operator::Counted(F then) {
  ++in_flight_;
  return [this, alive = alive_.Watch(), then = std::move(then)](auto result) mutable {
    if (alive.expired()) return;
    --in_flight_;
    then(std::move(result));
  };
}

void Operator::AddNodes(const std::vector<std::string>& names) {
  nodes_.insert(nodes_.end(), names.begin(), names.end());
}

void Operator::Start() { Next(); }

void Operator::Next() {
  executor_.PostAfter(options_.operation_gap * (2 * random_.Unit()), [this] {
    if (stopped_) return;
    Operate();
    Next();
  });
}

void Operator::Operate() {
  const OperationMix& mix = options_.operations;
  const int all = mix.create + mix.remove + mix.force_remove + mix.bind_by_hand +
                  mix.create_on_node + mix.label + mix.cordon + mix.taint + mix.remove_node +
                  mix.shrink_node;
  int draw = static_cast<int>(random_.Below(static_cast<uint64_t>(all)));
  const auto is = [&draw](int share) { return (draw -= share) < 0; };
  if (is(mix.create)) return CreatePod(false);
  if (is(mix.remove)) return RemovePod(false);
  if (is(mix.force_remove)) return RemovePod(true);
  if (is(mix.bind_by_hand)) return BindByHand();
  if (is(mix.create_on_node)) return CreatePod(true);
  if (is(mix.label)) return LabelPod();
  const bool on = random_.Chance(0.5);
  if (is(mix.cordon)) return PatchNode(RandomNode(), on ? kCordon : kUncordon, false);
  if (is(mix.taint)) return PatchNode(RandomNode(), on ? kTaint : kUntaint, false);
  if (is(mix.remove_node)) return RemoveNode();
  probes_.Hit("operation: shrink node");
  client_.Patch(api::ResourceOf<Node>(), {}, RandomNode(), PatchType::kMerge,
                std::string(kShrink), "status", Counted([](const auto&) {}));
}

const std::string& Operator::RandomNode() { return nodes_[random_.Below(nodes_.size())]; }

// Names come back, so that a pod is taken for another only by its uid.
std::string Operator::NewName() {
  if (!used_names_.empty() && random_.Chance(0.3)) {
    return used_names_[random_.Below(used_names_.size())];
  }
  used_names_.push_back(fmt::format("pod-{:03}", next_pod_++));
  return used_names_.back();
}

void Operator::CreatePod(bool on_node) {
  Pod pod = RandomPod(random_, NewName(), options_.host_ports);
  if (on_node) {
    pod.mutable_spec()->set_node_name(RandomNode());
    if (pod.metadata().name().starts_with(kTooBigPrefix)) return;
  }
  client_.Create<Pod>(pod, Counted([this, on_node](const absl::StatusOr<PodPtr>& made) {
    if (!made.ok()) return;
    pods_[(*made)->metadata().name()] = (*made)->metadata().uid();
    if (on_node) bound_by_hand_.insert((*made)->metadata().uid());
  }));
}

void Operator::RemovePod(bool by_force) {
  if (pods_.empty()) return;
  const auto it = std::next(pods_.begin(), static_cast<int64_t>(random_.Below(pods_.size())));
  client::DeleteOptions options;
  if (random_.Chance(0.5)) options.uid = it->second;
  if (by_force) options.grace_period_s = 0;
  probes_.Hit(by_force ? "operation: force delete" : "operation: delete");
  client_.Delete(api::ResourceOf<Pod>(), "default", it->first, options,
                 Counted([](const auto&) {}));
  // Often it is forgotten, sometimes deleted again.
  if (random_.Chance(0.8)) pods_.erase(it);
}

void Operator::BindByHand() {
  if (pods_.empty()) return;
  const auto it = std::next(pods_.begin(), static_cast<int64_t>(random_.Below(pods_.size())));
  bound_by_hand_.insert(it->second);
  probes_.Hit("operation: bind by hand");
  client_.Bind("default", it->first, it->second, RandomNode(), Counted([](const auto&) {}));
}

void Operator::LabelPod() {
  if (pods_.empty()) return;
  const auto it = std::next(pods_.begin(), static_cast<int64_t>(random_.Below(pods_.size())));
  client_.Patch(api::ResourceOf<Pod>(), "default", it->first, PatchType::kMerge,
                fmt::format(R"({{"metadata":{{"labels":{{"color":"c{}"}}}}}})", random_.Below(9)),
                {}, Counted([](const auto&) {}));
}

void Operator::PatchNode(const std::string& node, std::string_view patch, bool again) {
  client_.Patch(api::ResourceOf<Node>(), {}, node, PatchType::kStrategicMerge, std::string(patch),
                {}, Counted([this, node, patch = std::string(patch),
                             again](const absl::StatusOr<client::ObjectPtr>& done) {
                  if (done.ok() || api::IsNotFound(done.status())) return;
                  if (!again) return;
                  executor_.PostAfter(absl::Milliseconds(300), [this, node, patch] {
                    PatchNode(node, patch, true);
                  });
                }));
}

void Operator::RemoveNode() {
  probes_.Hit("operation: remove node");
  client_.Delete(api::ResourceOf<Node>(), {}, RandomNode(), {}, Counted([](const auto&) {}));
}

void Operator::LiftSome() {
  for (const std::string& node : nodes_) {
    if (random_.Chance(0.5)) PatchNode(node, kUncordon, true);
    if (random_.Chance(0.5)) PatchNode(node, kUntaint, true);
  }
}

}  // namespace berth::sim
