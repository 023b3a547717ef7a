// Operations that create and update objects.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/object.h"
#include "api/quantity.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/run.h"

namespace berth::bench {
namespace {

using api::core::Node;
using api::core::Pod;
using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;

constexpr std::string_view kDefaultNode = R"(
metadata: {}
status:
  capacity: {pods: "110", cpu: "4", memory: 32Gi}
  phase: Running
  conditions: [{status: "True", type: Ready}]
)";
constexpr std::string_view kDefaultPod = R"(
metadata: {generateName: pod-}
spec:
  containers:
  - name: pause
    image: registry.k8s.io/pause:3.10.1
    ports: [{containerPort: 80}]
    resources: {limits: {cpu: 100m, memory: 500Mi}, requests: {cpu: 100m, memory: 500Mi}}
)";
constexpr const char* kMigratedPlugins = "storage.alpha.kubernetes.io/migrated-plugins";
constexpr const char* kBoundByController = "pv.kubernetes.io/bound-by-controller";

// The template at `path`, or the built-in one when there is no path.
absl::StatusOr<ObjectTemplate> TemplateOr(const TemplatePaths& paths, const std::string& path,
                                          std::string_view fallback, const api::Resource& kind) {
  if (path.empty()) return ObjectTemplate::FromText("(default)", fallback, &kind);
  return ObjectTemplate::Read(paths, path, &kind);
}

std::string VolumeName(const std::string& space, int64_t index) {
  return fmt::format("{}-vol-{}", space, index);
}
std::string ClaimName(int64_t index) { return fmt::format("pvc-{}", index); }

void AddVolume(Pod& pod, int64_t index) {
  auto& volume = *pod.mutable_spec()->add_volumes();
  volume.set_name("vol");
  volume.mutable_volume_source()->mutable_persistent_volume_claim()->set_claim_name(
      ClaimName(index));
}

void NameDisk(PersistentVolume& volume) {
  auto& source = *volume.mutable_spec()->mutable_persistent_volume_source();
  const std::string& name = volume.metadata().name();
  if (source.has_csi()) source.mutable_csi()->set_volume_handle(name);
  if (source.has_aws_elastic_block_store()) {
    source.mutable_aws_elastic_block_store()->set_volume_id(name);
  }
}

}  // namespace

void Run::Name(google::protobuf::Message& object, const std::string& default_prefix,
               size_t index) {
  auto& metadata = api::MutableMeta(object);
  if (!metadata.name().empty()) return;
  const std::string& prefix =
      metadata.generate_name().empty() ? default_prefix : metadata.generate_name();
  absl::MutexLock lock(&mutex_);
  metadata.set_name(fmt::format("{}{}-{:06}", prefix, index, named_++));
  metadata.clear_generate_name();
}

absl::Status Run::SetNamespace(const Op& op, const api::Resource& resource,
                               google::protobuf::Message& object) {
  if (op.namespace_name.empty() && resource.namespaced) {
    return absl::InvalidArgumentError(
        fmt::format("namespace not set for \"{}\", but \"{}, Kind={}\" has scope \"namespace\"",
                    op.template_path, resource.api_version(), resource.kind));
  }
  if (!op.namespace_name.empty() && !resource.namespaced) {
    return absl::InvalidArgumentError(
        fmt::format("namespace \"{}\" set for \"{}\", but \"{}, Kind={}\" has scope \"root\"",
                    op.namespace_name, op.template_path, resource.api_version(), resource.kind));
  }
  if (resource.namespaced) api::MutableMeta(object).set_namespace_(op.namespace_name);
  return absl::OkStatus();
}

absl::Status Run::Prepare(const NodeStrategy& strategy, size_t node_index, Node& node) {
  auto& labels = *node.mutable_metadata()->mutable_labels();
  labels["kubernetes.io/hostname"] = node.metadata().name();
  if (!strategy.label_values.empty()) {
    labels[strategy.label_key] = strategy.label_values[node_index % strategy.label_values.size()];
  } else if (!strategy.label_key.empty()) {
    labels[strategy.label_key] = node.metadata().name();
  }
  auto& status = *node.mutable_status();
  if (status.allocatable().empty()) *status.mutable_allocatable() = status.capacity();
  for (const auto& [resource, amount] : strategy.allocatable) {
    BERTH_RETURN_IF_ERROR(api::Quantity::Parse(amount).status());
    (*status.mutable_allocatable())[resource].set_string(amount);
  }
  const auto features = workload_.params.find(std::string(kDeclaredFeaturesParam));
  if (features == workload_.params.end()) return absl::OkStatus();
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve({.param = features->first}, workload_));
  for (int64_t i = 1; i <= count; ++i) status.add_declared_features(fmt::format("Feature{}", i));
  return absl::OkStatus();
}

absl::Status Run::CreateNodes(const Op& op, size_t index) {
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
  const auto& kind = api::ResourceOf<Node>();
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from,
                         TemplateOr(paths_, op.template_path, kDefaultNode, kind));
  Say(fmt::format("creating {} nodes", count));
  std::vector<ObjectPtr> nodes;
  std::vector<std::string> names;
  for (int64_t i = 0; i < count; ++i) {
    BERTH_ASSIGN_OR_RETURN(MutableObject made, from.Make(i, count));
    Name(*made, "node-", index);
    auto& node = static_cast<Node&>(*made);
    BERTH_RETURN_IF_ERROR(Prepare(op.strategy, static_cast<size_t>(i), node));
    names.push_back(node.metadata().name());
    nodes.push_back(std::move(made));
  }
  BERTH_RETURN_IF_ERROR(target_.Create(kind, std::move(nodes)));
  return CreateCsiNodes(op.strategy, names);
}

absl::Status Run::CreateCsiNodes(const NodeStrategy& strategy,
                                 const std::vector<std::string>& nodes) {
  if (strategy.csi_volumes.empty() && strategy.migrated_plugins.empty()) return absl::OkStatus();
  const auto& kind = api::ResourceOf<api::storage::CSINode>();
  BERTH_RETURN_IF_ERROR(target_.Serves(kind));
  std::string migrated;
  for (const std::string& plugin : strategy.migrated_plugins) {
    migrated += (migrated.empty() ? "" : ",") + plugin;
  }
  std::vector<ObjectPtr> objects;
  for (const std::string& name : nodes) {
    auto node = std::make_shared<api::storage::CSINode>();
    node->mutable_metadata()->set_name(name);
    auto& annotations = *node->mutable_metadata()->mutable_annotations();
    if (!migrated.empty()) annotations[kMigratedPlugins] = migrated;
    for (const auto& [name_of_driver, count] : strategy.csi_volumes) {
      auto& driver = *node->mutable_spec()->add_drivers();
      driver.set_name(name_of_driver);
      driver.set_node_id(name);
      driver.mutable_allocatable()->set_count(static_cast<int32_t>(count));
    }
    objects.push_back(std::move(node));
  }
  return target_.Create(kind, std::move(objects));
}

absl::Status Run::CreateNamespaces(const Op& op) {
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
  const auto& kind = api::ResourceOf<api::core::Namespace>();
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from,
                         TemplateOr(paths_, op.template_path, "metadata: {}", kind));
  for (int64_t i = 0; i < count; ++i) {
    BERTH_ASSIGN_OR_RETURN(MutableObject space, from.Make(i, count));
    const std::string name = fmt::format("{}-{}", op.prefix, i);
    if (!namespaces_.insert(name).second) continue;
    awaited_.emplace(name, 0);
    api::MutableMeta(*space).set_name(name);
    std::vector<ObjectPtr> one;
    one.push_back(std::move(space));
    BERTH_RETURN_IF_ERROR(target_.Create(kind, std::move(one)));
  }
  return absl::OkStatus();
}

absl::StatusOr<ObjectTemplate> Run::PodTemplate(const Op& op) const {
  const std::string& path =
      op.template_path.empty() ? case_.default_pod_template_path : op.template_path;
  return TemplateOr(paths_, path, kDefaultPod, api::ResourceOf<Pod>());
}

absl::StatusOr<std::vector<ObjectPtr>> Run::MakePods(const Op& op, size_t index,
                                                     const ObjectTemplate& from, int64_t count,
                                                     const std::string& space) {
  std::vector<ObjectPtr> pods;
  for (int64_t i = 0; i < count; ++i) {
    BERTH_ASSIGN_OR_RETURN(MutableObject pod, from.Make(i, count));
    Name(*pod, "pod-", index);
    api::MutableMeta(*pod).set_namespace_(space);
    if (!op.claim_path.empty()) AddVolume(static_cast<Pod&>(*pod), i);
    pods.push_back(std::move(pod));
  }
  return pods;
}

// Volumes and claims that are bound to each other already.
absl::Status Run::CreateVolumes(const Op& op, int64_t count, const std::string& space) {
  if (op.claim_path.empty()) return absl::OkStatus();
  const auto& volumes = api::ResourceOf<PersistentVolume>();
  const auto& claims = api::ResourceOf<PersistentVolumeClaim>();
  BERTH_RETURN_IF_ERROR(target_.Serves(volumes));
  BERTH_ASSIGN_OR_RETURN(const auto volume_from,
                         ObjectTemplate::Read(paths_, op.volume_path, &volumes));
  BERTH_ASSIGN_OR_RETURN(const auto claim_from,
                         ObjectTemplate::Read(paths_, op.claim_path, &claims));
  std::vector<ObjectPtr> new_volumes, new_claims;
  for (int64_t i = 0; i < count; ++i) {
    BERTH_ASSIGN_OR_RETURN(MutableObject made_volume, volume_from.Make(i, count));
    auto& volume = static_cast<PersistentVolume&>(*made_volume);
    volume.mutable_metadata()->set_name(VolumeName(space, i));
    (*volume.mutable_metadata()->mutable_annotations())[kBoundByController] = "true";
    NameDisk(volume);
    auto& reference = *volume.mutable_spec()->mutable_claim_ref();
    reference.set_kind("PersistentVolumeClaim");
    reference.set_api_version("v1");
    reference.set_namespace_(space);
    reference.set_name(ClaimName(i));
    volume.mutable_status()->set_phase("Bound");
    new_volumes.push_back(std::move(made_volume));
    BERTH_ASSIGN_OR_RETURN(MutableObject made_claim, claim_from.Make(i, count));
    auto& claim = static_cast<PersistentVolumeClaim&>(*made_claim);
    claim.mutable_metadata()->set_namespace_(space);
    claim.mutable_metadata()->set_name(ClaimName(i));
    claim.mutable_spec()->set_volume_name(VolumeName(space, i));
    claim.mutable_status()->set_phase("Bound");
    new_claims.push_back(std::move(made_claim));
  }
  BERTH_RETURN_IF_ERROR(target_.Create(claims, std::move(new_claims)));
  return target_.Create(volumes, std::move(new_volumes));
}

absl::Status Run::CreateAndAwait(const Op& op, size_t index, int64_t count,
                                 const std::string& space) {
  BERTH_RETURN_IF_ERROR(CreateVolumes(op, count, space));
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from, PodTemplate(op));
  BERTH_ASSIGN_OR_RETURN(std::vector<ObjectPtr> pods, MakePods(op, index, from, count, space));
  if (op.collect_metrics) ForgetCpu();
  BERTH_RETURN_IF_ERROR(target_.Create(api::ResourceOf<Pod>(), std::move(pods)));
  if (op.skip_wait) {
    awaited_[space] += count;
    return absl::OkStatus();
  }
  const absl::Status waited = Await({{space}, {}}, count, false);
  if (waited.ok()) return waited;
  return absl::Status(waited.code(), fmt::format("error in waiting for pods to get scheduled: {}",
                                                 ToStd(waited.message())));
}

absl::Status Run::CreatePods(const Op& op, size_t index) {
  BERTH_ASSIGN_OR_RETURN(int64_t count, Resolve(op.count, workload_));
  if (op.collect_metrics) count = options_.measure_pods.value_or(count);
  BERTH_ASSIGN_OR_RETURN(const bool steady, ResolveSteadyState(op, workload_));
  const std::string space =
      op.namespace_name.empty() ? fmt::format("namespace-{}", index) : op.namespace_name;
  BERTH_RETURN_IF_ERROR(EnsureNamespace(space));
  if (op.collect_metrics) BERTH_RETURN_IF_ERROR(StartCollecting(space, {{space}, {}}));
  if (op.collect_metrics && options_.rate) {
    BERTH_RETURN_IF_ERROR(OfferPods(op, index, space));
    return StopCollecting();
  }
  Say(fmt::format("{} {} pods in {}", op.collect_metrics ? "measuring" : "creating", count,
                  space));
  BERTH_RETURN_IF_ERROR(steady ? SteadyState(op, index, count, space)
                               : CreateAndAwait(op, index, count, space));
  return op.collect_metrics ? StopCollecting() : absl::OkStatus();
}

absl::Status Run::CreatePodSets(const Op& op, size_t index) {
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
  for (int64_t i = 0; i < count; ++i) {
    Op one = *op.create_pods;
    one.namespace_name = fmt::format("{}-{}", op.prefix, i);
    BERTH_RETURN_IF_ERROR(CreatePods(one, index));
  }
  return absl::OkStatus();
}

absl::Status Run::CreateAny(const Op& op) {
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
  if (!op.namespace_name.empty()) BERTH_RETURN_IF_ERROR(EnsureNamespace(op.namespace_name));
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from,
                         ObjectTemplate::Read(paths_, op.template_path, nullptr));
  BERTH_RETURN_IF_ERROR(target_.Serves(from.resource()));
  for (int64_t i = 0; i < count; ++i) {
    BERTH_ASSIGN_OR_RETURN(MutableObject object, from.Make(i, count));
    BERTH_RETURN_IF_ERROR(SetNamespace(op, from.resource(), *object));
    Name(*object, "any-", 0);
    std::vector<ObjectPtr> one;
    one.push_back(std::move(object));
    BERTH_RETURN_IF_ERROR(target_.Create(from.resource(), std::move(one)));
  }
  return absl::OkStatus();
}

absl::Status Run::UpdateOne(const Op& op, const ObjectTemplate& from, int64_t index,
                            int64_t count) {
  const auto make = [&]() -> absl::StatusOr<ObjectPtr> {
    BERTH_ASSIGN_OR_RETURN(MutableObject object, from.Make(index, count));
    BERTH_RETURN_IF_ERROR(SetNamespace(op, from.resource(), *object));
    return ObjectPtr(std::move(object));
  };
  BERTH_ASSIGN_OR_RETURN(const ObjectPtr object, make());
  std::vector<std::string> parts = op.subresources;
  if (parts.empty()) parts.emplace_back();
  parts.emplace_back("status");
  for (const std::string& part : parts) {
    const absl::Status status = target_.Update(from.resource(), object, part);
    if (!status.ok()) {
      return absl::Status(status.code(),
                          fmt::format("failed to update object{}: {}",
                                      part.empty() ? "" : " " + part, ToStd(status.message())));
    }
  }
  return absl::OkStatus();
}

absl::Status Run::UpdateAny(const Op& op) {
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from,
                         ObjectTemplate::Read(paths_, op.template_path, nullptr));
  BERTH_RETURN_IF_ERROR(target_.Serves(from.resource()));
  absl::Status status;
  const absl::Duration period =
      op.per_second == 0 ? absl::ZeroDuration() : absl::Seconds(1) / op.per_second;
  if (count == 0) return absl::OkStatus();
  Tick(period, [&](int64_t i) {
    status = UpdateOne(op, from, i, count);
    return status.ok() && i + 1 < count;
  });
  return status;
}

}  // namespace berth::bench
