// When a healed cluster is at rest: nothing is on its way, everything is where it belongs, and
// every copy is the same.
#include <fmt/core.h>

#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "cluster/node/pod_lifecycle.h"
#include "tests/sim/sim_processes.h"

namespace berth::sim {
namespace {

using api::core::Node;
using api::core::Pod;

const api::core::PodCondition* ScheduledCondition(const Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled") return &condition;
  }
  return nullptr;
}

std::map<std::string, int64_t> CopyOf(const client::Informer& informer) {
  std::map<std::string, int64_t> out;
  informer.ForEach("", [&](const client::ObjectPtr& object) {
    const auto& metadata = api::MetaOf(*object);
    out[apiserver::StoreKey(informer.resource(), metadata.namespace_(), metadata.name())] =
        api::RevisionOf(metadata.resource_version());
  });
  return out;
}

std::map<std::string, int64_t> CopyOf(const framework::ObjectSource& source,
                                      const api::Resource& resource) {
  std::map<std::string, int64_t> out;
  source.ForEach(resource, "", [&](const framework::ObjectPtr& object) {
    const auto& metadata = api::MetaOf(*object);
    out[apiserver::StoreKey(resource, metadata.namespace_(), metadata.name())] =
        api::RevisionOf(metadata.resource_version());
  });
  return out;
}

std::map<std::string, int64_t> CopyOf(const apiserver::ResourceCache& cache) {
  std::map<std::string, int64_t> out;
  cache.Visit("", "", [&](const apiserver::ObjectPtr& object) {
    const auto& metadata = object->metadata();
    out[apiserver::StoreKey(cache.resource(), metadata.namespace_(), metadata.name())] =
        object->revision();
    return true;
  });
  return out;
}

// The first difference.
void Compare(std::string_view whose, const std::map<std::string, int64_t>& copy,
             const std::map<std::string, int64_t>& content, std::vector<std::string>& unmet) {
  if (copy == content) return;
  for (const auto& [key, revision] : content) {
    const auto it = copy.find(key);
    if (it == copy.end()) {
      return unmet.push_back(fmt::format("{} lacks {}@{}", whose, key, revision));
    }
    if (it->second != revision) {
      return unmet.push_back(
          fmt::format("{} has {}@{}, the store @{}", whose, key, it->second, revision));
    }
  }
  for (const auto& [key, revision] : copy) {
    if (content.contains(key)) continue;
    return unmet.push_back(fmt::format("{} still has {}@{}", whose, key, revision));
  }
}

}  // namespace

std::vector<std::string> SimCluster::Unmet() {
  std::vector<std::string> unmet;
  if (const int64_t open = people_->operations->in_flight(); open > 0) {
    unmet.push_back(fmt::format("{} operations have no answer", open));
  }
  if (observer_->claims_open() > 0) unmet.push_back("claims are open");
  CheckPods(unmet);
  CheckServer(unmet);
  CheckCopies(unmet);
  return unmet;
}

void SimCluster::CheckPods(std::vector<std::string>& unmet) {
  for (const auto& [key, pod] : observer_->Pods()) {
    if (pod->object->metadata().has_deletion_timestamp()) {
      unmet.push_back(fmt::format("pod {} is still being deleted", key));
    } else if (pod->node().empty()) {
      CheckPending(*pod, unmet);
    } else {
      CheckBound(*pod, unmet);
    }
  }
}

void SimCluster::CheckPending(const PodView& pod, std::vector<std::string>& unmet) {
  if (pod.object->spec().scheduler_name() == kNobody) {
    if (ScheduledCondition(*pod.object) != nullptr) {
      unmet.push_back(fmt::format("pod {} is nobody's, and somebody tried it", pod.key));
    }
    return;
  }
  for (const auto& [name, node] : observer_->nodes()) {
    if (!observer_->Schedulable(pod, node)) continue;
    return unmet.push_back(fmt::format(
        "pod {} is pending, and node {} could take it; it says \"{}\"", pod.key, name,
        ScheduledCondition(*pod.object) ? ScheduledCondition(*pod.object)->message() : ""));
  }
  const api::core::PodCondition* condition = ScheduledCondition(*pod.object);
  if (condition == nullptr || condition->status() != "False" ||
      condition->reason() != "Unschedulable") {
    return unmet.push_back(fmt::format("pod {} is pending and does not say why", pod.key));
  }
  if (!observer_->failed_scheduling().contains(pod.key)) {
    return unmet.push_back(fmt::format("pod {} has no FailedScheduling event", pod.key));
  }
  const bool any_node = condition->message().find("0/0 nodes") == std::string::npos &&
                        condition->message().find("no nodes available") == std::string::npos;
  const bool huge = pod.object->metadata().name().starts_with(kTooBigPrefix);
  if (huge && any_node && condition->message().find("Insufficient cpu") == std::string::npos &&
      condition->message().find("were unschedulable") == std::string::npos &&
      condition->message().find("had untolerated taint") == std::string::npos) {
    return unmet.push_back(fmt::format("pod {} says \"{}\"", pod.key, condition->message()));
  }
  if (huge) probes_.Hit("pod too big, and says so");
}

void SimCluster::CheckBound(const PodView& pod, std::vector<std::string>& unmet) {
  const Pod& object = *pod.object;
  const bool handled = pod.by_hand || people_->operations->bound_by_hand().contains(pod.uid());
  if (object.spec().scheduler_name() == kNobody && !handled) {
    unmet.push_back(fmt::format("pod {} is nobody's and was bound to {}", pod.key, pod.node()));
  }
  const auto& annotations = object.metadata().annotations();
  const bool finite = annotations.contains(std::string(node::kRunSecondsAnnotation));
  const bool fails = annotations.contains(std::string(node::kExitCodeAnnotation));
  const std::string_view want = !finite ? "Running" : fails ? "Failed" : "Succeeded";
  const bool refused = object.status().phase() == "Failed" && !object.status().reason().empty();
  // Whatever was said before its binding, or too late. A node that refuses a pod says no more.
  const api::core::PodCondition* scheduled = ScheduledCondition(object);
  if (!refused && (scheduled == nullptr || scheduled->status() != "True")) {
    unmet.push_back(fmt::format("pod {} on {} does not say that it is scheduled", pod.key,
                                pod.node()));
  }
  if (object.status().phase() != want && !(refused && !object.status().reason().empty())) {
    unmet.push_back(fmt::format("pod {} on {} is {}, not {}", pod.key, pod.node(),
                                object.status().phase(), want));
  }
}

void SimCluster::CheckServer(std::vector<std::string>& unmet) {
  if (!server_ || !server_->server->ready()) return unmet.push_back("the server is not ready");
  apiserver::WatchCache& cache = server_->server->cache();
  Compare("the server's cache", CopyOf(cache.For(api::ResourceOf<Pod>())),
          observer_->Content("pods"), unmet);
  Compare("the server's cache", CopyOf(cache.For(api::ResourceOf<Node>())),
          observer_->Content("minions"), unmet);
  for (const auto& [name, node] : observer_->nodes()) {
    api::scheduling::AmountsSum used;
    for (const auto& [uid, pod] : node.pods) used.Add(pod->requests);
    const api::scheduling::Amounts counted = server_->server->ledger().Used(name);
    const int64_t pods = server_->server->ledger().PodCount(name);
    if (!api::scheduling::SameAmounts(counted, used.value()) ||
        pods != static_cast<int64_t>(node.pods.size())) {
      unmet.push_back(fmt::format("the ledger has cpu {} and {} pods on {}, the store {} and {}",
                                  counted.milli_cpu, pods, name, used.value().milli_cpu,
                                  node.pods.size()));
    }
  }
}

void SimCluster::CheckEvaluations(const SchedulerProcess& process) {
  const int64_t wrong = process.scheduler->counts().evaluations_wrong;
  if (wrong > 0) observer_->Fail(fmt::format("{} kept {} wrong evaluations", process.name, wrong));
}

void SimCluster::CheckCopies(std::vector<std::string>& unmet) {
  for (const auto& witness : witnesses_) {
    Compare(witness->name, CopyOf(*witness->pods), observer_->Content("pods"), unmet);
    Compare(witness->name, CopyOf(*witness->nodes), observer_->Content("minions"), unmet);
  }
  std::map<std::string, int64_t> living = observer_->Content("pods");
  for (const auto& [key, pod] : observer_->Pods()) {
    if (pod->Terminal()) living.erase("/registry/pods/" + key);
  }
  for (const auto& process : schedulers_) {
    const framework::ObjectSource& source = process->scheduler->source();
    Compare(process->name, CopyOf(source, api::ResourceOf<Pod>()), living, unmet);
    Compare(process->name, CopyOf(source, api::ResourceOf<Node>()), observer_->Content("minions"),
            unmet);
    if (!process->scheduler->synced()) {
      unmet.push_back(process->name + " is not in sync");
    } else if (auto status = process->scheduler->CheckConsistency(); !status.ok()) {
      unmet.push_back(fmt::format("{} is not consistent: {}", process->name,
                                  ToStd(status.message())));
    }
    CheckEvaluations(*process);
    if (process->scheduler->counts().bindings_in_flight > 0) {
      unmet.push_back(process->name + " has bindings in flight");
    } else if (process->scheduler->counts().assumed_pods > 0) {
      unmet.push_back(process->name + " still assumes pods");
    }
  }
  for (size_t i = 0; i < agents_.size(); ++i) {
    int64_t bound = 0, running = 0;
    const std::vector<std::string> nodes = NodesOf(i);
    for (const auto& [key, pod] : observer_->Pods()) {
      if (std::find(nodes.begin(), nodes.end(), pod->node()) == nodes.end()) continue;
      ++bound;
      running += pod->object->status().phase() == "Running" ? 1 : 0;
    }
    const node::NodeAgentStats stats = agents_[i]->agent->Stats();
    if (stats.pods == bound && stats.running == running) continue;
    unmet.push_back(fmt::format("{} has {} pods, {} running; the store {} and {}",
                                agents_[i]->name, stats.pods, stats.running, bound, running));
  }
}

void SimCluster::CountProbes() {
  for (const auto& witness : witnesses_) {
    for (const client::Informer* informer : {witness->pods.get(), witness->nodes.get()}) {
      const client::Reflector::Stats& stats = informer->reflector_stats();
      probes_.Hit("relist", stats.lists - 1);
      probes_.Hit("list too old", stats.lists_too_old);
      if (informer->stats().healed > 0) {
        observer_->Fail(witness->name + ": a relist healed what a watch should have told");
      }
    }
  }
}

}  // namespace berth::sim
