#include "tests/framework/random_cluster.h"

#include <iterator>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/storage_v1.pb.h"

namespace berth::framework::testing {
namespace {

constexpr int kVariations = 16, kAntiAffinity = 10;
constexpr std::string_view kZoneLabel = "topology.kubernetes.io/zone";

template <typename T>
void PutJson(MemoryWorld& world, const std::string& json) {
  auto object = std::make_shared<T>();
  const absl::Status parsed = api::ParseJson(json, *object);
  ASSERT_TRUE(parsed.ok()) << parsed << "\n" << json;
  world.Put(api::ResourceOf<T>(), std::move(object));
}

}  // namespace

std::string_view ChangeName(Change change) {
  constexpr std::array<std::string_view, kChanges> kNames = {
      "label", "taint", "cordon", "capacity", "images", "features", "replace",
      "zone", "arrival", "departure", "relabel", "nomination", "object", "pending"};
  return kNames[static_cast<size_t>(change)];
}

void RandomCluster::Begin() {
  affine_ = random_.Chance(0.3);
  const int count = 3 + Draw(6);
  for (int i = 0; i < count; ++i) {
    NodeState node;
    node.name = fmt::format("n{}", i);
    node.cpu = 1 + Draw(4);
    node.rank = Draw(4);
    node.zone = i % 3;
    node.hard = random_.Chance(0.2);
    node.soft = random_.Chance(0.3) ? 1 + Draw(2) : 0;
    node.cordoned = random_.Chance(0.1);
    node.image = Maybe();
    node.features = Maybe();
    nodes_.push_back(node);
    PutNode(nodes_.back());
  }
  PutObjects();
  for (int i = Draw(8); i > 0; --i) PutPod(true);
  MakeProbes();
}

Change RandomCluster::Step() {
  for (;;) {
    const auto change = static_cast<Change>(Draw(kChanges));
    if (Apply(change)) return change;
  }
}

bool RandomCluster::Apply(Change change) {
  switch (change) {
    case Change::kReplace: Replace(); return true;
    case Change::kArrival: PutPod(true); return true;
    case Change::kDeparture: return RemovePod();
    case Change::kRelabel: return Relabel();
    case Change::kNomination: Nominate(); return true;
    case Change::kObject: ChangeObject(); return true;
    case Change::kPending: PutPod(false); return true;
    default: ChangeNode(change); return true;
  }
}

// --- nodes -------------------------------------------------------------------------------------

void RandomCluster::PutNode(const NodeState& state) {
  MakeNode node(state.name);
  node.Capacity(std::to_string(state.cpu), "8Gi", "8");
  node.Zone(fmt::format("z{}", state.zone)).Label("rank", std::to_string(state.rank));
  node.Label("kubernetes.io/hostname", state.name);
  if (state.hard) node.Taint("hard", "v", "NoSchedule");
  for (int i = 0; i < state.soft; ++i) {
    node.Taint(fmt::format("soft{}", i), "v", "PreferNoSchedule");
  }
  if (state.cordoned) node.Unschedulable();
  if (state.image) node.Image("app:1", 300'000'000);
  if (state.features) {
    node.message().mutable_status()->add_declared_features("UserNamespacesHostNetworkSupport");
  }
  node.Revision(++revision_);
  world_.Put(api::ResourceOf<api::core::Node>(), node.Object());
}

void RandomCluster::ChangeNode(Change change) {
  NodeState& node = AnyNode();
  switch (change) {
    case Change::kLabel: node.rank = (node.rank + 1 + Draw(3)) % 4; break;
    case Change::kTaint:
      if (Maybe()) {
        node.hard = !node.hard;
      } else {
        node.soft = (node.soft + 1 + Draw(2)) % 3;
      }
      break;
    case Change::kCordon: node.cordoned = !node.cordoned; break;
    case Change::kCapacity: node.cpu = 1 + Draw(4); break;
    case Change::kImages: node.image = !node.image; break;
    case Change::kFeatures: node.features = !node.features; break;
    default: node.zone = (node.zone + 1) % 3; break;
  }
  PutNode(node);
}

void RandomCluster::Replace() {
  NodeState& node = AnyNode();
  world_.Remove(api::ResourceOf<api::core::Node>(), "", node.name);
  node.name = fmt::format("m{}", named_++);
  PutNode(node);
}

// --- pods --------------------------------------------------------------------------------------

MakePod RandomCluster::AnyPod(const std::string& name) {
  MakePod pod(name);
  constexpr std::array<const char*, 3> kSizes = {"100m", "500m", "1"};
  pod.Req(kSizes[random_.Below(kSizes.size())], "100Mi").Image("app:1");
  pod.Label("app", Maybe() ? "a" : "b").Priority(Draw(3)).Revision(++revision_);
  return pod;
}

// One more thing that some plugin looks at.
void RandomCluster::Vary(MakePod& pod, int what) {
  auto& spec = *pod.message().mutable_spec();
  switch (what) {
    case 0: pod.Container({{"cpu", "1500m"}}); break;
    case 1: pod.HostPort(80 + Draw(2)); break;
    case 2: pod.Toleration("hard", "v", "NoSchedule"); break;
    case 3: pod.Toleration("soft0", "v", "PreferNoSchedule"); break;
    case 4: pod.NodeSelector("rank", std::to_string(Draw(4))); break;
    case 5:
      pod.PreferredNodeAffinity(5, "rank", "In", {"1", "2"});
      pod.PreferredNodeAffinity(9, "rank", "In", {"2"});
      break;
    case 6: pod.RequiredNodeAffinity("rank", "NotIn", {"3"}); break;
    case 7: spec.mutable_containers(0)->set_image("other:1"); break;
    case 8:
      if (Maybe()) {
        spec.set_host_network(true);
        spec.set_host_users(false);
      } else {
        spec.mutable_containers(0)->add_restart_policy_rules()->set_action("RestartAllContainers");
      }
      break;
    case 9: {
      pod.TopologySpread(kZoneLabel);
      auto& constraint = *spec.mutable_topology_spread_constraints(0);
      (*constraint.mutable_label_selector()->mutable_match_labels())["app"] = "a";
      if (Maybe()) constraint.set_when_unsatisfiable("ScheduleAnyway");
      break;
    }
    case kAntiAffinity: {
      pod.RequiredAntiAffinity(Maybe() ? "kubernetes.io/hostname" : kZoneLabel);
      auto& term = *spec.mutable_affinity()->mutable_pod_anti_affinity()
                        ->mutable_required_during_scheduling_ignored_during_execution(0);
      (*term.mutable_label_selector()->mutable_match_labels())["app"] = "a";
      break;
    }
    case kWithVolume: pod.PvcVolume(fmt::format("c{}", Draw(3))); break;
    case kWithDisk: {
      auto& volume = *spec.add_volumes();
      volume.set_name("disk");
      volume.mutable_volume_source()->mutable_gce_persistent_disk()->set_pd_name(
          Maybe() ? "d0" : "d1");
      break;
    }
    case 13: pod.PvcVolume("wait"); break;
    case kWithDevice: {
      auto& claim = *spec.add_resource_claims();
      claim.set_name("gpu");
      claim.set_resource_claim_name("device");
      break;
    }
    default: pod.Toleration("node.kubernetes.io/unschedulable", "", "NoSchedule", "Exists");
  }
}

void RandomCluster::PutPod(bool assigned) {
  const std::string name = fmt::format("p{}", named_++);
  MakePod pod = AnyPod(name);
  constexpr int kForAll = 13;  // the rest would wait for controllers
  for (int i = Draw(3); i > 0; --i) {
    const int what = Draw(kForAll);
    if (what != kAntiAffinity) Vary(pod, what);
  }
  if (affine_ && random_.Chance(0.25)) Vary(pod, kAntiAffinity);
  if (favour_ >= 0 && favour_ < kForAll && Maybe()) Vary(pod, favour_);
  if (assigned) {
    pod.Node(AnyNode().name);
    assigned_.emplace(name, pod);
  }
  world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
}

bool RandomCluster::RemovePod() {
  if (assigned_.empty()) return false;
  const auto it = std::next(assigned_.begin(), Draw(static_cast<int>(assigned_.size())));
  world_.Remove(api::ResourceOf<api::core::Pod>(), "default", it->first);
  assigned_.erase(it);
  return true;
}

bool RandomCluster::Relabel() {
  if (assigned_.empty()) return false;
  const auto it = std::next(assigned_.begin(), Draw(static_cast<int>(assigned_.size())));
  const auto held = world_.Get(api::ResourceOf<api::core::Pod>(), "default", it->first);
  if (held == nullptr) return false;  // preempted
  MakePod pod(it->first);
  pod.message() = static_cast<const api::core::Pod&>(*held);
  std::string& app = (*pod.message().mutable_metadata()->mutable_labels())["app"];
  app = app == "a" ? "b" : "a";
  pod.Revision(++revision_);
  world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object());
  return true;
}

// Pods behind a gate keep their nomination; who counts as there is of middle priority.
void RandomCluster::Nominate() {
  MakePod pod(fmt::format("nominee{}", Draw(3)));
  pod.Req("1", "100Mi").Priority(1).SchedulingGate("closed").Label("app", "a").HostPort(80);
  world_.Put(api::ResourceOf<api::core::Pod>(), pod.Revision(++revision_).Object());
  nominate(pod.Info(), random_.Chance(0.3) ? std::string() : AnyNode().name);
}

void RandomCluster::MakeProbes() {
  MakePod base = AnyPod("probe");
  for (int i = Draw(3); i > 0; --i) Vary(base, Draw(9));
  probes_.push_back(base.Info());
  for (int i = 0; i < 4; ++i) {
    const std::string name = fmt::format("probe{}", i);
    MakePod pod(name);
    pod.message() = base.message();
    pod.message().mutable_metadata()->set_name(name);
    pod.Uid(name);
    const int what = favour_ >= 0 && Maybe() ? favour_ : Draw(kVariations + 2);
    if (what < kVariations) Vary(pod, what);
    if (what == kVariations) pod.Node(AnyNode().name);
    if (what == kVariations + 1) pod.Priority((base.Info()->priority + 1) % 3);
    probes_.push_back(pod.Info());
  }
}

// --- other objects -----------------------------------------------------------------------------

void RandomCluster::PutObjects() {
  PutJson<api::core::Namespace>(world_, R"({"metadata": {"name": "default"}})");
  PutJson<api::storage::StorageClass>(world_, R"({"metadata": {"name": "late"},
      "provisioner": "kubernetes.io/no-provisioner",
      "volumeBindingMode": "WaitForFirstConsumer"})");
  PutLimit(1);
  for (int i = 0; i < 4; ++i) PutVolume(i);
  for (int i = 0; i < 3; ++i) {
    PutJson<api::core::PersistentVolumeClaim>(world_, fmt::format(R"({{"metadata":
        {{"name": "c{0}", "namespace": "default", "uid": "c{0}",
          "annotations": {{"pv.kubernetes.io/bind-completed": "yes"}}}},
        "spec": {{"volumeName": "v{0}", "accessModes": ["{1}"]}}}})",
        i, i == 2 ? "ReadWriteOncePod" : "ReadWriteOnce"));
  }
  PutJson<api::core::PersistentVolumeClaim>(world_, R"({"metadata": {"name": "wait",
      "namespace": "default", "uid": "wait"}, "spec": {"storageClassName": "late",
      "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})");
  PutJson<api::dra::DeviceClass>(world_, R"({"metadata": {"name": "gpu"}})");
  PutJson<api::dra::ResourceClaim>(world_, R"({"metadata": {"name": "device",
      "namespace": "default", "uid": "device"}, "spec": {"devices": {"requests": [{"name": "r",
      "exactly": {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}}]}}})");
  PutSlice(0);
}

// The last is free for the claim that waits. Each is in one zone and on nodes of two ranks.
void RandomCluster::PutVolume(int number) {
  const std::string of_claim = fmt::format(
      R"("claimRef": {{"name": "c{0}", "namespace": "default", "uid": "c{0}"}},)", number);
  const int rank = Draw(4);
  PutJson<api::core::PersistentVolume>(world_, fmt::format(R"({{"metadata": {{"name": "v{0}",
      "labels": {{"topology.kubernetes.io/zone": "z{1}"}}}}, "spec": {{{2}
      "csi": {{"driver": "csi", "volumeHandle": "v{0}"}}, "capacity": {{"storage": "1Gi"}},
      "accessModes": ["ReadWriteOnce", "ReadWriteOncePod"], "storageClassName": "{3}",
      "nodeAffinity": {{"required": {{"nodeSelectorTerms": [{{"matchExpressions": [
          {{"key": "rank", "operator": "In", "values": ["{4}", "{5}"]}}]}}]}}}}}},
      "status": {{"phase": "{6}"}}}})",
      number, Draw(3), number < 3 ? of_claim : "", number < 3 ? "" : "late", rank, (rank + 1) % 4,
      number < 3 ? "Bound" : "Available"));
}

void RandomCluster::PutSlice(int node) {
  PutJson<api::dra::ResourceSlice>(world_, fmt::format(R"({{"metadata": {{"name": "s"}},
      "spec": {{"driver": "d", "nodeName": "n{}", "pool": {{"name": "p", "generation": {},
      "resourceSliceCount": 1}}, "devices": [{{"name": "a"}}]}}}})", node, ++revision_));
}

void RandomCluster::PutLimit(int volumes) {
  PutJson<api::storage::CSINode>(world_, fmt::format(R"({{"metadata": {{"name": "n0"}},
      "spec": {{"drivers": [{{"name": "csi", "nodeID": "n0",
      "allocatable": {{"count": {}}}}}]}}}})",
      volumes));
}

void RandomCluster::ChangeObject() {
  switch (Draw(5)) {
    case 0: PutSlice(Draw(4)); break;
    case 1:
      PutJson<api::core::Namespace>(world_, fmt::format(
          R"({{"metadata": {{"name": "default", "labels": {{"team": "{}"}}}}}})", Draw(3)));
      break;
    case 2: PutLimit(Draw(3)); break;
    default: PutVolume(Draw(4)); break;
  }
}

}  // namespace berth::framework::testing
