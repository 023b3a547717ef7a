#include "tests/sim/invariants.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fmt/core.h>

#include "api/envelope.h"
#include "api/object.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "cluster/node/pod_lifecycle.h"

namespace berth::sim {
namespace {

using api::core::Node;
using api::core::Pod;
using store::Revision;
namespace scheduling = api::scheduling;

constexpr std::string_view kPods = "/registry/pods/";
constexpr std::string_view kNodes = "/registry/nodes/";
constexpr std::string_view kMinions = "/registry/minions/";
constexpr std::string_view kEvents = "/registry/events/";
constexpr size_t kStoryMax = 400;
// A binding may have been checked this long before it is stored.
constexpr absl::Duration kInFlightMax = absl::Seconds(1);

int PhaseRank(std::string_view phase) {
  if (phase == "Running") return 1;
  if (phase == "Succeeded") return 2;
  if (phase == "Failed") return 3;
  return 0;
}

uint64_t Fold(uint64_t hash, std::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return (hash ^ 0xff) * 1099511628211ull;
}

bool Less(const scheduling::Allocatable& a, const scheduling::Allocatable& b) {
  return a.pods < b.pods || a.amounts.milli_cpu < b.amounts.milli_cpu ||
         a.amounts.memory_bytes < b.amounts.memory_bytes;
}

std::string Text(const Pod& pod) {
  std::string out = fmt::format("{}/{} uid={} cpu={} node={} phase={}",
                                pod.metadata().namespace_(), pod.metadata().name(),
                                pod.metadata().uid().substr(0, 8),
                                scheduling::PodRequests(pod).milli_cpu, pod.spec().node_name(),
                                pod.status().phase());
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled") out += " scheduled=" + condition.status();
  }
  if (!pod.status().reason().empty()) out += " reason=" + pod.status().reason();
  if (pod.metadata().has_deletion_timestamp()) {
    out += fmt::format(" deleting={}s", pod.metadata().deletion_grace_period_seconds());
  }
  return out;
}

}  // namespace

const std::string& PodView::node() const { return object->spec().node_name(); }
const std::string& PodView::uid() const { return object->metadata().uid(); }
bool PodView::Terminal() const { return phase >= 2; }

Observer::Observer(store::Store& store, Executor& executor, Probes& probes)
    : store_(store), executor_(executor), probes_(probes) {
  store::WatchOptions options;
  options.start = 1;
  watch_ = store_.Watch(options, [this](const absl::Status& status, Revision revision,
                                        std::vector<store::WatchEvent> events) {
    OnEvents(status, revision, std::move(events));
  });
}

void Observer::Fail(std::string what) {
  Note("VIOLATION " + what);
  violations_.push_back(std::move(what));
}

void Observer::Note(std::string line) {
  const double at = absl::ToDoubleSeconds(executor_.clock().Now() - absl::UnixEpoch()) - 1.7e9;
  line = fmt::format("{:10.6f} r{} {}", at, seen_, line);
  if (echo_) fmt::print(stderr, "{}\n", line);
  story_.push_back(std::move(line));
  if (story_.size() > kStoryMax) story_.pop_front();
}

// --- events --------------------------------------------------------------------------------------

void Observer::OnEvents(const absl::Status& status, Revision revision,
                        std::vector<store::WatchEvent> events) {
  if (!status.ok()) {
    if (!absl::IsCancelled(status)) Fail("the observer's watch ended: " + status.ToString());
    return;
  }
  for (const store::WatchEvent& event : events) Apply(event);
  seen_ = std::max(seen_, revision);
  while (!waiting_.empty() && waiting_.begin()->first <= seen_) {
    Task check = std::move(waiting_.begin()->second);
    waiting_.erase(waiting_.begin());
    check();
  }
}

void Observer::Apply(const store::WatchEvent& event) {
  const store::KeyValue& kv = event.kv;
  const bool deleted = event.kind == store::WatchEvent::Kind::kDelete;
  if (kv.mod_revision < seen_) {
    Fail(fmt::format("the store went back: {} at {} after {}", kv.key, kv.mod_revision, seen_));
  }
  seen_ = std::max(seen_, kv.mod_revision);
  Version& version = versions_[kv.key];
  version.revisions.insert(kv.mod_revision);
  version.newest = kv.mod_revision;
  version.value = deleted ? nullptr : kv.value;
  const std::string_view key = kv.key;
  if (key.starts_with(kPods)) {
    deleted ? DeletePod(std::string(key.substr(kPods.size()))) : PutPod(kv);
  } else if (key.starts_with(kNodes) || key.starts_with(kMinions)) {
    if (deleted) {
      const std::string name(key.substr(key.rfind('/') + 1));
      Note("node deleted " + name);
      nodes_[name].deleted = true;
    } else {
      PutNode(kv);
    }
  } else if (key.starts_with(kEvents) && !deleted) {
    PutEvent(kv);
  }
}

void Observer::PutPod(const store::KeyValue& kv) {
  auto pod = std::make_shared<Pod>();
  if (auto decoded = api::DecodeEnvelope(*kv.value, *pod); !decoded.ok()) {
    return Fail(kv.key + " cannot be decoded: " + decoded.status().ToString());
  }
  Note("pod " + Text(*pod));
  const std::string& uid = pod->metadata().uid();
  const std::string key = kv.key.substr(kPods.size());
  versions_[kv.key].uid = uid;
  std::string& there = pod_uids_[key];
  if (!there.empty() && there != uid) {
    Fail(fmt::format("pod {} was replaced without being deleted: {} -> {}", key, there, uid));
  }
  there = uid;
  const auto [it, is_new] = pods_.try_emplace(uid);
  PodView& view = it->second;
  if (is_new) {
    probes_.Hit("pod created");
    view.key = key;
    view.object = pod;
    view.requests = scheduling::PodRequests(*pod);
    view.ports = scheduling::PodHostPorts(*pod);
    view.by_hand = !pod->spec().node_name().empty();
    if (!view.node().empty()) Bound(view);
    return;
  }
  if (view.deleted) Fail(fmt::format("pod {} came back: {}", key, uid));
  ComparePod(view, *pod);
  const bool bound_now = view.node().empty() && !pod->spec().node_name().empty();
  CompareStatus(view, *pod);
  view.object = pod;
  if (bound_now) Bound(view);
  if (view.Terminal()) Release(view);
}

void Observer::ComparePod(PodView& view, const Pod& pod) {
  const Pod& old = *view.object;
  if (!view.node().empty() && pod.spec().node_name() != view.node()) {
    Fail(fmt::format("pod {} was moved from {} to {}", view.key, view.node(),
                     pod.spec().node_name()));
  }
  if (view.node().empty() && !pod.spec().node_name().empty() &&
      old.metadata().has_deletion_timestamp()) {
    Fail(fmt::format("pod {} was bound while being deleted", view.key));
  }
  if (old.metadata().has_deletion_timestamp() && !pod.metadata().has_deletion_timestamp()) {
    Fail(fmt::format("pod {}: its deletion was taken back", view.key));
  }
  if (scheduling::PodRequests(pod) != view.requests) {
    Fail(fmt::format("pod {}: what it asks for has changed", view.key));
  }
  if (pod.spec().scheduler_name() != old.spec().scheduler_name()) {
    Fail(fmt::format("pod {}: its scheduler has changed", view.key));
  }
}

void Observer::CompareStatus(PodView& view, const Pod& pod) {
  const int phase = PhaseRank(pod.status().phase());
  const bool stays = phase == view.phase || (view.phase < 2 && phase > view.phase);
  if (!stays) {
    Fail(fmt::format("pod {} went from {} to {}", view.key, view.object->status().phase(),
                     pod.status().phase()));
  }
  view.phase = phase;
  if (phase > 0 && pod.spec().node_name().empty()) {
    Fail(fmt::format("pod {} is {} without a node", view.key, pod.status().phase()));
  }
  const std::string& reason = pod.status().reason();
  if (phase == 3 && !reason.empty() && view.object->status().phase() != "Failed") {
    probes_.Hit("pod refused by its node");
    if (!view.by_hand && !nodes_[view.node()].unfair) {
      Fail(fmt::format("pod {} was refused by its node {}: {} {}", view.key, view.node(), reason,
                       pod.status().message()));
    }
  }
  for (const auto& container : pod.status().container_statuses()) {
    if (container.restart_count() > 0) Fail(fmt::format("pod {} was restarted", view.key));
    if (container.state().has_running()) {
      CompareStart(view, container.state().running().started_at().seconds());
    } else if (container.state().has_terminated()) {
      const auto& terminated = container.state().terminated();
      if (terminated.has_started_at()) CompareStart(view, terminated.started_at().seconds());
      CompareRun(view, pod,
                 terminated.finished_at().seconds() - terminated.started_at().seconds());
    }
  }
}

void Observer::CompareStart(PodView& view, int64_t at) {
  if (view.started_at == 0) {
    view.started_at = at;
    probes_.Hit("pod running");
  } else if (view.started_at != at) {
    Fail(fmt::format("pod {} was started twice: at {} and at {}", view.key, view.started_at, at));
  }
}

// A pod that ends by itself runs as long as it says, whoever watched over it; times are whole
// seconds.
void Observer::CompareRun(const PodView& view, const Pod& pod, int64_t ran) {
  const auto run = pod.metadata().annotations().find(std::string(node::kRunSecondsAnnotation));
  if (run == pod.metadata().annotations().end() || pod.metadata().has_deletion_timestamp()) return;
  const double wanted = std::strtod(run->second.c_str(), nullptr);
  const auto run_for = static_cast<double>(ran);
  if (run_for >= wanted - 1 && run_for <= wanted + 1) return;
  Fail(fmt::format("pod {} ran for {} s, not {}", view.key, ran, run->second));
}

// The pod has just been given its node.
void Observer::Bound(PodView& view) {
  NodeView& node = nodes_[view.node()];
  if (view.Terminal()) return;
  node.pods[view.uid()] = &view;
  if (view.by_hand) {
    node.unfair = node.unfair || !FitsIn(view, node, node.allocatable);
    return probes_.Hit("pod put on a node by hand");
  }
  probes_.Hit("pod bound");
  if (!node.object || node.deleted) {
    // As upstream: nobody knows what it can take.
    probes_.Hit("pod bound to an absent node");
    node.unfair = node.unfair || !FitsIn(view, node, node.allocatable);
    return;
  }
  if (FitsIn(view, node, node.allocatable)) return;
  if (executor_.clock().Now() - node.appeared <= kInFlightMax) {
    probes_.Hit("binding checked against an absent node that then appeared");
    node.unfair = true;
    return;
  }
  const absl::Time now = executor_.clock().Now();
  for (const auto& [until, allocatable] : node.before) {
    if (now - until <= kInFlightMax && FitsIn(view, node, allocatable)) return;
  }
  scheduling::AmountsSum sum;
  for (const auto& [uid, pod] : node.pods) sum.Add(pod->requests);
  const scheduling::Amounts& used = sum.value();
  Fail(fmt::format("node {} is over-committed by pod {}: cpu {} of {}, memory {} of {}, pods {} of "
                   "{}, host ports {}",
                   view.node(), view.key, used.milli_cpu, node.allocatable.amounts.milli_cpu,
                   used.memory_bytes, node.allocatable.amounts.memory_bytes, node.pods.size(),
                   node.allocatable.pods, view.ports.size()));
}

void Observer::Release(PodView& view) {
  const auto it = nodes_.find(view.node());
  if (it != nodes_.end()) it->second.pods.erase(view.uid());
}

void Observer::DeletePod(const std::string& key) {
  Note("pod deleted " + key);
  const auto it = pod_uids_.find(key);
  if (it == pod_uids_.end()) return Fail("deleted what was not there: " + key);
  PodView& view = pods_[it->second];
  view.deleted = true;
  Release(view);
  pod_uids_.erase(it);
}

void Observer::PutNode(const store::KeyValue& kv) {
  auto node = std::make_shared<Node>();
  if (auto decoded = api::DecodeEnvelope(*kv.value, *node); !decoded.ok()) {
    return Fail(kv.key + " cannot be decoded: " + decoded.status().ToString());
  }
  versions_[kv.key].uid = node->metadata().uid();
  NodeView& view = nodes_[node->metadata().name()];
  const scheduling::Allocatable now = scheduling::NodeAllocatable(*node);
  if (view.object && Less(now, view.allocatable)) {
    probes_.Hit("node shrunk");
    view.unfair = true;
    view.before.emplace_back(executor_.clock().Now(), view.allocatable);
  }
  Note(fmt::format("node {} cpu={} pods={}{} taints={}", node->metadata().name(),
                   now.amounts.milli_cpu, now.pods,
                   node->spec().unschedulable() ? " cordoned" : "", node->spec().taints_size()));
  if (view.deleted || !view.object) view.appeared = executor_.clock().Now();
  view.allocatable = now;
  view.deleted = false;
  view.object = std::move(node);
}

void Observer::PutEvent(const store::KeyValue& kv) {
  const auto envelope = api::ReadEnvelope(*kv.value);
  if (!envelope.ok()) return Fail(kv.key + " cannot be decoded");
  api::core::Event event;
  if (!event.ParseFromArray(envelope->raw.data(), static_cast<int>(envelope->raw.size()))) {
    return Fail(kv.key + " cannot be decoded as " + std::string(envelope->kind));
  }
  if (event.reason() != "FailedScheduling") return;
  const auto& about = event.involved_object();
  failed_[about.namespace_() + "/" + about.name()] = event.message();
}

// --- questions -----------------------------------------------------------------------------------

std::map<std::string, const PodView*> Observer::Pods() const {
  std::map<std::string, const PodView*> out;
  for (const auto& [key, uid] : pod_uids_) out[key] = &pods_.at(uid);
  return out;
}

const PodView* Observer::FindPod(std::string_view uid) const {
  const auto it = pods_.find(std::string(uid));
  return it == pods_.end() ? nullptr : &it->second;
}

bool Observer::FitsIn(const PodView& pod, const NodeView& node,
                      const scheduling::Allocatable& allocatable) const {
  scheduling::AmountsSum used;
  scheduling::UsedHostPorts ports;
  int64_t count = 0;
  for (const auto& [uid, other] : node.pods) {
    if (other == &pod) continue;
    used.Add(other->requests);
    for (const auto& port : other->ports) ports.Add(port);
    ++count;
  }
  return scheduling::Fits(pod.requests, allocatable, used.value(), count) &&
         !ports.ConflictsAny(pod.ports);
}

bool Observer::Fits(const PodView& pod, const NodeView& node) const {
  return FitsIn(pod, node, node.allocatable);
}

bool Observer::Schedulable(const PodView& pod, const NodeView& node) const {
  if (node.deleted || !node.object || node.object->spec().unschedulable()) return false;
  for (const auto& taint : node.object->spec().taints()) {
    if (taint.effect() != "PreferNoSchedule") return false;  // the pods here tolerate nothing
  }
  return Fits(pod, node);
}

std::map<std::string, Revision> Observer::Content(std::string_view prefix) const {
  std::map<std::string, Revision> out;
  const std::string root = fmt::format("/registry/{}/", prefix);
  for (const auto& [key, version] : versions_) {
    if (version.value && key.starts_with(root)) out[key] = version.newest;
  }
  return out;
}

uint64_t Observer::ContentHash() const {
  uint64_t hash = 14695981039346656037ull;
  for (const auto& [key, version] : versions_) {
    if (!version.value) continue;
    hash = Fold(hash, fmt::format("{}@{}", key, version.newest));
    hash = Fold(hash, *version.value);
  }
  return hash;
}

// --- claims --------------------------------------------------------------------------------------

void Observer::WhenSeen(Revision revision, Task check) {
  ++claims_;
  if (revision <= seen_) return check();
  ++claims_open_;
  waiting_.emplace(revision, [this, check = std::move(check)]() mutable {
    --claims_open_;
    check();
  });
}

void Observer::WhenSeen(Task check) {
  ++claims_open_;
  store_.CurrentRevision([this, check = std::move(check)](absl::StatusOr<Revision> now) mutable {
    --claims_open_;
    if (now.ok()) WhenSeen(*now, std::move(check));
  });
}

void Observer::Claim(std::string what, std::string key, Revision revision) {
  WhenSeen(revision, [this, what = std::move(what), key = std::move(key), revision] {
    const auto it = versions_.find(key);
    if (it != versions_.end() && it->second.revisions.contains(revision)) return;
    Fail(fmt::format("{}: the store never had {} at revision {}", what, key, revision));
  });
}

void Observer::ClaimBound(std::string uid, std::string node) {
  WhenSeen([this, uid = std::move(uid), node = std::move(node)] {
    const PodView* pod = FindPod(uid);
    if (pod == nullptr || pod->node() != node) {
      Fail(fmt::format("an acknowledged binding is lost: {} to {}", pod ? pod->key : uid, node));
    }
  });
}

void Observer::ClaimGone(std::string key, std::string uid) {
  WhenSeen([this, key = std::move(key), uid = std::move(uid)] {
    const auto it = versions_.find(key);
    if (it == versions_.end() || !it->second.value || it->second.uid != uid) return;
    Fail(fmt::format("an acknowledged deletion is lost: {} {}", key, uid));
  });
}

void Observer::ClaimBinder(std::string who, std::string scheduler, std::string uid) {
  WhenSeen([this, who = std::move(who), scheduler = std::move(scheduler), uid = std::move(uid)] {
    const PodView* pod = FindPod(uid);
    if (pod == nullptr) return Fail(fmt::format("{} binds what never was: {}", who, uid));
    if (pod->object->spec().scheduler_name() == scheduler) return;
    Fail(fmt::format("{} binds pod {} of {}", who, pod->key,
                     pod->object->spec().scheduler_name()));
  });
}

}  // namespace berth::sim
