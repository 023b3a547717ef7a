#include "framework/cycle/profile_handle.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/check.h"
#include "framework/cycle/evaluation.h"
#include "framework/cycle/pod_status.h"

namespace berth::framework {

const Runtime& ProfileHandle::runtime() const {
  const ProfileUnit* unit = core_.UnitOf(profile_);
  BERTH_CHECK(unit != nullptr);  // not from within Create
  return *unit->runtime;
}

void ProfileHandle::Watch(const api::Resource& resource) {
  auto& wanted = core_.wanted_objects;
  if (std::find(wanted.begin(), wanted.end(), &resource) == wanted.end()) {
    wanted.push_back(&resource);
  }
}

void ProfileHandle::Invalidate(std::string_view, std::string_view node_name) {
  core_.snapshot.MarkNode(node_name, kAllNodeFields);
}

void ProfileHandle::InvalidateDomain(std::string_view, std::string_view topology_key,
                                     std::string_view value) {
  const Symbol key = Symbol::Intern(topology_key);
  const Symbol wanted = Symbol::Intern(value);
  for (const NodeInfo* node : core_.snapshot.nodes()) {
    Symbol held;
    if (node->labels().Get(key, &held) && held == wanted) {
      core_.snapshot.MarkNode(node->name(), kAllNodeFields);
    }
  }
}

void ProfileHandle::InvalidateAll(std::string_view) {
  for (ProfileUnit* unit : core_.unit_order) {
    if (unit->evaluations) unit->evaluations->Clear();
  }
}

void ProfileHandle::Activate(std::span<const std::string> pod_keys) {
  if (core_.queue) core_.queue->Activate(pod_keys);
}

void ProfileHandle::GateMayOpen(std::string_view pod_key) {
  if (core_.queue) core_.queue->GateMayOpen(pod_key);
}

void ProfileHandle::ForEachWaitingPod(const std::function<void(WaitingPod&)>& visit) {
  core_.waiting.ForEach(visit);
}

WaitingPod* ProfileHandle::FindWaitingPod(std::string_view uid) {
  return core_.waiting.Find(uid).get();
}

bool ProfileHandle::RejectWaitingPod(std::string_view uid) { return core_.waiting.Reject(uid); }

std::vector<PodPtr> ProfileHandle::NominatedPods(std::string_view node_name) const {
  return core_.nominator.PodsOn(node_name);
}

void ProfileHandle::AskExtendersToPreempt(const PodPtr& pod,
                                          std::vector<PreemptionCandidate> candidates,
                                          ExtenderTalk::PreemptDone done) {
  core_.extender_talk.Preempt(pod, std::move(candidates), std::move(done));
}

void ProfileHandle::ClearNomination(const PodPtr& pod) {
  core_.nominator.Delete(pod->uid);
  PatchNomination(core_, *pod, "");
}

NodeScope ProfileHandle::NodeScopeOf(const PodInfo& pod) const {
  const Profile& profile = runtime().profile();
  NodeScope scope;
  std::string signature = profile.Sign(pod);
  if (signature.empty()) return scope;
  const uint64_t abstainers = RolesFor(profile, pod).abstainers;
  const EvaluationNeeds needs =
      FilterNeedsOf(profile, pod, core_.watched_objects, abstainers);
  if (!needs.shareable || needs.cluster_fields != 0) return scope;
  scope.signature = std::move(signature);
  scope.signature +=
      fmt::format("/{}/{}", abstainers, needs.objects ? core_.objects_generation : 0);
  if (const std::string* name = core_.nominator.NodeOf(pod.uid)) {
    if (const NodeInfo* node = core_.snapshot.Find(*name)) scope.own_node = node->index;
  }
  return scope;
}

Status ProfileHandle::RunFiltersWithNominatedPods(CycleState& state, const PodInfo& pod,
                                                  const NodeInfo& node) {
  return runtime().Stamped(runtime().RunFilterWithNominated(state, pod, node));
}

Status ProfileHandle::RunAddPod(CycleState& state, const PodInfo& to_schedule,
                                const PodInfo& added, const NodeInfo& node) {
  return runtime().RunAddPod(state, to_schedule, added, node);
}

Status ProfileHandle::RunRemovePod(CycleState& state, const PodInfo& to_schedule,
                                   const PodInfo& removed, const NodeInfo& node) {
  return runtime().RunRemovePod(state, to_schedule, removed, node);
}

}  // namespace berth::framework
