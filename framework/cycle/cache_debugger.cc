#include "framework/cycle/cache_debugger.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "api/pod_phase.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/structured_log.h"

namespace berth::framework {
namespace {

using api::core::Node;
using api::core::Pod;

constexpr size_t kEntryBytesMax = 16 << 10;
constexpr size_t kNamesPerEntry = 200;

const api::Resource& Pods() { return api::ResourceOf<Pod>(); }

// As Go prints a framework.Resource.
std::string ResourceText(const api::scheduling::Amounts& amounts, int64_t pods) {
  std::string scalars;
  for (const auto& [name, amount] : amounts.scalars) {
    fmt::format_to(std::back_inserter(scalars), "{}{}:{}", scalars.empty() ? "" : " ", name.text(),
                   amount);
  }
  return fmt::format(
      "&{{MilliCPU:{} Memory:{} EphemeralStorage:{} AllowedPodNumber:{} ScalarResources:map[{}]}}",
      amounts.milli_cpu, amounts.memory_bytes, amounts.ephemeral_storage_bytes, pods, scalars);
}

void AppendPod(const PodInfo& pod, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "name: {}, namespace: {}, uid: {}, phase: {}, nominated node: {}\n", pod.name,
                 pod.namespace_name, pod.uid, pod.object().status().phase(),
                 pod.nominated_node_name);
}

std::string_view QueueName(const QueueEntry& entry) {
  switch (entry.place) {
    case QueueEntry::Place::kActive: return "active";
    case QueueEntry::Place::kBackoff:
    case QueueEntry::Place::kErrorBackoff: return "backoff";
    case QueueEntry::Place::kUnschedulable: return entry.gated() ? "gated" : "unschedulable";
    case QueueEntry::Place::kHeldBack:
    case QueueEntry::Place::kNone: break;
  }
  return "held back";
}

// Entries of at most kNamesPerEntry names each; nothing when both lists are empty.
void TellMismatch(std::string_view missed_key, const std::vector<std::string>& missed,
                  std::string_view redundant_key, const std::vector<std::string>& redundant) {
  const auto part = [](const std::vector<std::string>& names, size_t from) {
    const size_t begin = std::min(from, names.size());
    const size_t end = std::min(from + kNamesPerEntry, names.size());
    return std::vector<std::string>(names.begin() + static_cast<ptrdiff_t>(begin),
                                    names.begin() + static_cast<ptrdiff_t>(end));
  };
  for (size_t at = 0; at < std::max(missed.size(), redundant.size()); at += kNamesPerEntry) {
    BERTH_INFO(0, "Cache mismatch", {missed_key, part(missed, at)},
               {redundant_key, part(redundant, at)});
  }
}

}  // namespace

// One comparison and dump. Lists are of its beginning; what they name is looked up anew.
struct CacheDebugger::Pass {
  CacheComparison found;
  std::vector<ObjectPtr> pods;       // of the source
  std::vector<std::string> nodes;    // of the cache, with those that are gone but have pods
  std::vector<std::string> queued;   // keys
  size_t next = 0;                   // in the list in work
  std::array<std::vector<PodPtr>, 5> by_queue;
};

namespace {
constexpr std::array<std::string_view, 5> kQueues = {"active", "backoff", "unschedulable", "gated",
                                                     "held back"};
}  // namespace

void CacheDebugger::Run(Done done) {
  waiting_.push_back(std::move(done));
  if (under_way_ == nullptr) Begin();
}

void CacheDebugger::Begin() {
  served_ = std::exchange(waiting_, {});
  under_way_ = std::make_shared<Pass>();
  BERTH_INFO(3, "Cache comparer started");
  core_.executor.Post([this, alive = lifetime_.Watch(), pass = under_way_] {
    if (!alive.expired()) CompareNodes(pass);
  });
}

void CacheDebugger::Repeat(const PassPtr& pass, bool (CacheDebugger::*piece)(Pass&),
                           void (CacheDebugger::*next)(const PassPtr&)) {
  core_.executor.Post([this, alive = lifetime_.Watch(), pass, piece, next] {
    if (alive.expired()) return;
    if ((this->*piece)(*pass)) return Repeat(pass, piece, next);
    pass->next = 0;
    (this->*next)(pass);
  });
}

// --- comparing ---------------------------------------------------------------------------------

void CacheDebugger::CompareNodes(const PassPtr& pass) {
  core_.source.ForEach(api::ResourceOf<Node>(), {}, [&](const ObjectPtr& object) {
    const std::string& name = static_cast<const Node&>(*object).metadata().name();
    if (core_.cache.FindNode(name) == nullptr) pass->found.missed_nodes.push_back(name);
  });
  pass->nodes = core_.cache.NodeNames();
  std::sort(pass->nodes.begin(), pass->nodes.end());
  for (const std::string& name : pass->nodes) {
    if (core_.source.Get(api::ResourceOf<Node>(), {}, name) == nullptr) {
      pass->found.redundant_nodes.push_back(name);
    }
  }
  core_.executor.Post([this, alive = lifetime_.Watch(), pass] {
    if (alive.expired()) return;
    core_.source.ForEach(Pods(), {},
                         [&](const ObjectPtr& pod) { pass->pods.push_back(pod); });
    Repeat(pass, &CacheDebugger::ComparePods, &CacheDebugger::CompareCached);
  });
}

bool CacheDebugger::IsMissed(const Pod& pod) const {
  const std::string& uid = pod.metadata().uid();
  if (api::IsTerminal(pod) || core_.cache.FindPod(uid) != nullptr) return false;
  if (!pod.spec().node_name().empty()) return true;
  if (core_.UnitOf(pod.spec().scheduler_name()) == nullptr) return false;
  if (core_.queue->in_flight().Has(uid) || pod.metadata().has_deletion_timestamp()) return false;
  const QueueEntry* entry =
      core_.queue->Find(pod.metadata().namespace_() + "/" + pod.metadata().name());
  return entry == nullptr || entry->pod->uid != uid;
}

bool CacheDebugger::ComparePods(Pass& pass) {
  const size_t end = std::min(pass.next + kPiece, pass.pods.size());
  for (; pass.next < end; ++pass.next) {
    const auto& pod = static_cast<const Pod&>(*pass.pods[pass.next]);
    const api::meta::ObjectMeta& metadata = pod.metadata();
    if (!IsMissed(pod)) continue;
    // Only what is still so.
    if (core_.source.Get(Pods(), metadata.namespace_(), metadata.name()).get() != &pod) continue;
    pass.found.missed_pods.push_back(metadata.uid());
  }
  return pass.next < pass.pods.size();
}

void CacheDebugger::CompareCached(const PassPtr& pass) {
  pass->pods = {};
  Repeat(pass, &CacheDebugger::CompareNodePods, &CacheDebugger::CompareQueue);
}

bool CacheDebugger::CompareNodePods(Pass& pass) {
  for (size_t pods = 0; pass.next < pass.nodes.size() && pods < kPiece; ++pass.next) {
    const NodeInfo* node = core_.cache.FindNodeOrGhost(pass.nodes[pass.next]);
    if (node == nullptr) continue;
    pods += 1 + node->pods().size();
    for (const PodPtr& pod : node->pods()) {
      const ObjectPtr held = core_.source.Get(Pods(), pod->namespace_name, pod->name);
      if (held == nullptr || static_cast<const Pod&>(*held).metadata().uid() != pod->uid) {
        pass.found.redundant_pods.push_back(pod->uid);
      }
    }
  }
  return pass.next < pass.nodes.size();
}

void CacheDebugger::CompareQueue(const PassPtr& pass) {
  core_.queue->ForEach([&](const QueueEntry& entry) { pass->queued.push_back(entry.pod->key); });
  std::sort(pass->queued.begin(), pass->queued.end());
  Repeat(pass, &CacheDebugger::CompareQueued, &CacheDebugger::TellComparison);
}

// And sorts them into queues, for the dump.
bool CacheDebugger::CompareQueued(Pass& pass) {
  const size_t end = std::min(pass.next + kPiece, pass.queued.size());
  for (; pass.next < end; ++pass.next) {
    const QueueEntry* entry = core_.queue->Find(pass.queued[pass.next]);
    if (entry == nullptr) continue;
    const PodPtr& pod = entry->pod;
    const auto queue = std::find(kQueues.begin(), kQueues.end(), QueueName(*entry));
    pass.by_queue[static_cast<size_t>(queue - kQueues.begin())].push_back(pod);
    const ObjectPtr held = core_.source.Get(Pods(), pod->namespace_name, pod->name);
    if (held == nullptr || static_cast<const Pod&>(*held).metadata().uid() != pod->uid) {
      pass.found.redundant_pods.push_back(pod->uid);
    }
  }
  return pass.next < pass.queued.size();
}

void CacheDebugger::TellComparison(const PassPtr& pass) {
  CacheComparison& found = pass->found;
  for (auto* list : {&found.missed_nodes, &found.redundant_nodes, &found.missed_pods,
                     &found.redundant_pods}) {
    std::sort(list->begin(), list->end());
  }
  TellMismatch("missedNodes", found.missed_nodes, "redundantNodes", found.redundant_nodes);
  TellMismatch("missedPods", found.missed_pods, "redundantPods", found.redundant_pods);
  BERTH_INFO(3, "Cache comparer finished");
  Repeat(pass, &CacheDebugger::DumpNodes, &CacheDebugger::DumpQueue);
}

// --- dumping -----------------------------------------------------------------------------------

bool CacheDebugger::DumpNodes(Pass& pass) {
  for (size_t pods = 0; pass.next < pass.nodes.size() && pods < kPiece; ++pass.next) {
    const std::string& name = pass.nodes[pass.next];
    const NodeInfo* node = core_.cache.FindNodeOrGhost(name);
    if (node == nullptr) continue;
    pods += 1 + node->pods().size();
    std::string text = fmt::format(
        "Node name: {}\nDeleted: {}\nRequested Resources: {}\nAllocatable Resources: {}\n"
        "Scheduled Pods(number: {}):\n",
        name, node->node() == nullptr, ResourceText(node->requested(), 0),
        ResourceText(node->allocatable().amounts, node->allocatable().pods), node->pods().size());
    const auto tell = [&](bool whole) {
      if (text.empty() || (!whole && text.size() < kEntryBytesMax - 1024)) return;
      BERTH_INFO(0, "Dump of cached NodeInfo", {"node", name}, {"nodes", text});
      text.clear();
    };
    for (const PodPtr& pod : node->pods()) {
      AppendPod(*pod, text);
      tell(false);
    }
    const std::vector<PodPtr> nominated = core_.nominator.PodsOn(name);
    if (!nominated.empty()) text += fmt::format("Nominated Pods(number: {}):\n", nominated.size());
    for (const PodPtr& pod : nominated) {
      AppendPod(*pod, text);
      tell(false);
    }
    tell(true);
  }
  return pass.next < pass.nodes.size();
}

void CacheDebugger::DumpQueue(const PassPtr& pass) {
  const QueueCounts counts = core_.queue->counts();
  BERTH_INFO(0, "Dump of scheduling queue", {"summary", core_.queue->Summary()},
             {"active", counts.active}, {"backoff", counts.backoff},
             {"unschedulable", counts.unschedulable}, {"gated", counts.gated});
  Repeat(pass, &CacheDebugger::DumpQueued, &CacheDebugger::End);
}

// An entry of the log a task.
bool CacheDebugger::DumpQueued(Pass& pass) {
  for (size_t i = 0; i < kQueues.size(); ++i) {
    std::vector<PodPtr>& pods = pass.by_queue[i];
    if (pods.empty()) continue;
    std::string text;
    while (pass.next < pods.size() && text.size() < kEntryBytesMax - 1024) {
      AppendPod(*pods[pass.next++], text);
    }
    if (pass.next == pods.size()) {
      pods.clear();
      pass.next = 0;
    }
    BERTH_INFO(0, "Dump of scheduling queue", {"queue", kQueues[i]}, {"pods", text});
    return true;
  }
  return false;
}

void CacheDebugger::End(const PassPtr& pass) {
  under_way_ = nullptr;
  for (Done& done : std::exchange(served_, {})) done(pass->found);
  if (!waiting_.empty() && under_way_ == nullptr) Begin();
}

}  // namespace berth::framework
