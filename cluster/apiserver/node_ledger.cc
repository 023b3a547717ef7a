#include "cluster/apiserver/node_ledger.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/pod_phase.h"
#include "api/scheduling/device_resources.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::apiserver {

namespace scheduling = api::scheduling;

namespace {

// What the node does not have at all may be allocated as devices: whoever binds the pod has seen to
// that.
bool IsLeftToDevices(const scheduling::Insufficient& lack) {
  return lack.capacity == 0 && scheduling::MayComeFromDevices(lack.resource.text());
}

}  // namespace

PodLoad LoadOf(const api::core::Pod& pod) {
  return {scheduling::PodRequests(pod, {.use_status = true}), scheduling::PodHostPorts(pod)};
}

std::vector<std::string> Shortage::Reasons() const {
  std::vector<std::string> reasons;
  for (const scheduling::Insufficient& item : resources) {
    const std::string_view name = item.resource.text();
    reasons.push_back(name == "pods" ? std::string("Too many pods")
                                     : fmt::format("Insufficient {}", name));
  }
  if (host_ports) {
    reasons.emplace_back("node(s) didn't have free ports for the requested pod ports");
  }
  return reasons;
}

void NodeLedger::BeginRebuild() {
  for (auto it = pods_.begin(); it != pods_.end();) {
    const auto entry = it++;  // erasing leaves other iterators alone
    if (!entry->second.in_flight) Remove(entry);
  }
  for (auto& [name, node] : nodes_) node.known = false;
}

void NodeLedger::SetNode(const std::string& name, const api::core::Node& node,
                         store::Revision revision) {
  Node& entry = nodes_[name];
  scheduling::Allocatable allocatable = scheduling::NodeAllocatable(node);
  if (!entry.known || allocatable != entry.allocatable) entry.node_revision = revision;
  entry.known = true;
  entry.allocatable = std::move(allocatable);
}

void NodeLedger::RemoveNode(const std::string& name) {
  const auto it = nodes_.find(name);
  if (it == nodes_.end()) return;
  it->second.known = false;
  DropIfUnused(it);
}

void NodeLedger::DropIfUnused(StringMap<Node>::iterator node) {
  const Node& entry = node->second;
  if (!entry.known && entry.pods == 0 && entry.waiting.empty()) nodes_.erase(node);
}

NodeLedger::Outcome NodeLedger::Check(const std::string& uid, const std::string& node,
                                      const PodLoad& load) const {
  Outcome outcome;
  const auto known = pods_.find(uid);
  if (known != pods_.end() && known->second.in_flight) {
    outcome.verdict = Verdict::kWait;
    outcome.wait_node = known->second.node;
    return outcome;
  }
  const auto found = nodes_.find(node);
  if (found == nodes_.end() || !found->second.known) return outcome;
  const Node& target = found->second;
  Shortage& shortage = outcome.shortage;
  scheduling::FindInsufficient(load.requests, target.allocatable, target.used.value(),
                               target.pods, shortage.resources);
  std::erase_if(shortage.resources, IsLeftToDevices);
  shortage.host_ports = target.ports.ConflictsAny(load.ports);
  if (shortage.resources.empty() && !shortage.host_ports) return outcome;
  shortage.pods_revision = target.pods_revision;
  shortage.node_revision = target.node_revision;
  outcome.verdict = target.in_flight > 0 ? Verdict::kWait : Verdict::kRefused;
  outcome.wait_node = node;
  return outcome;
}

NodeLedger::Outcome NodeLedger::Reserve(const std::string& uid, const std::string& node,
                                        const PodLoad& load) {
  Outcome outcome = Check(uid, node, load);
  if (outcome.verdict == Verdict::kReserved) ForceReserve(uid, node, load);
  return outcome;
}

void NodeLedger::ForceReserve(const std::string& uid, const std::string& node, PodLoad load) {
  Add(uid, {node, std::move(load), true});
}

void NodeLedger::Settle(const std::string& uid, store::Revision revision) {
  const auto it = pods_.find(uid);
  if (it == pods_.end() || !it->second.in_flight) return;
  Finish(it, revision, revision == 0);
}

void NodeLedger::Finish(StringMap<Entry>::iterator entry, store::Revision revision, bool remove) {
  Node& node = nodes_[entry->second.node];
  node.pods_revision = std::max(node.pods_revision, revision);
  std::vector<Task> waiting;
  if (entry->second.in_flight) {
    entry->second.in_flight = false;
    --node.in_flight;
    waiting.swap(node.waiting);
  }
  if (remove) Remove(entry);
  for (Task& task : waiting) task();  // may change both maps
}

void NodeLedger::OnSettled(const std::string& node, Task retry) {
  nodes_[node].waiting.push_back(std::move(retry));
}

void NodeLedger::Confirm(const api::core::Pod& pod, store::Revision revision) {
  const std::string& uid = pod.metadata().uid();
  const std::string& node = pod.spec().node_name();
  const auto it = pods_.find(uid);
  if (node.empty() || api::IsTerminal(pod)) {
    // A binding on its way keeps its reservation: what is seen here was written before it.
    const bool being_bound = node.empty() && it != pods_.end() && it->second.in_flight;
    if (it != pods_.end() && !being_bound) Release(uid, revision);
    return;
  }
  PodLoad load = LoadOf(pod);
  if (it != pods_.end() && it->second.node == node && it->second.load == load) {
    Settle(uid, revision);
    return;
  }
  Release(uid, revision);
  Add(uid, {node, std::move(load), false});
  Node& entry = nodes_[node];
  entry.pods_revision = std::max(entry.pods_revision, revision);
}

void NodeLedger::Release(const std::string& uid, store::Revision revision) {
  const auto it = pods_.find(uid);
  if (it != pods_.end()) Finish(it, revision, true);
}

scheduling::Amounts NodeLedger::Used(const std::string& node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? scheduling::Amounts() : it->second.used.value();
}

int64_t NodeLedger::PodCount(const std::string& node) const {
  const auto it = nodes_.find(node);
  return it == nodes_.end() ? 0 : it->second.pods;
}

void NodeLedger::Add(const std::string& uid, Entry entry) {
  const auto old = pods_.find(uid);
  if (old != pods_.end()) Remove(old);
  Node& node = nodes_[entry.node];
  node.used.Add(entry.load.requests);
  ++node.pods;
  for (const scheduling::HostPort& port : entry.load.ports) node.ports.Add(port);
  if (entry.in_flight) ++node.in_flight;
  pods_[uid] = std::move(entry);
}

void NodeLedger::Remove(StringMap<Entry>::iterator entry) {
  const auto place = nodes_.find(entry->second.node);
  Node& node = place->second;
  node.used.Subtract(entry->second.load.requests);
  --node.pods;
  for (const scheduling::HostPort& port : entry->second.load.ports) node.ports.Remove(port);
  if (entry->second.in_flight) --node.in_flight;
  pods_.erase(entry);
  DropIfUnused(place);
}

}  // namespace berth::apiserver
