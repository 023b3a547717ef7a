// ProfileHandle: what the plugins of one profile see of the engine.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "framework/cycle/engine_core.h"
#include "framework/handle.h"

namespace berth::framework {

class ProfileHandle final : public Handle {
 public:
  ProfileHandle(EngineCore& core, std::string profile)
      : core_(core), profile_(std::move(profile)) {}

  std::string_view profile() const override { return profile_; }
  Executor& executor() override { return core_.executor; }
  Random& random() override { return core_.random; }
  ObjectSource& objects() override { return core_.source; }
  ObjectSink& sink() override { return core_.tap; }
  Metrics& metrics() override { return core_.metrics; }
  std::shared_ptr<SharedPart>& Shared(std::string_view name) override {
    return core_.shared_parts[std::string(name)];
  }
  void Watch(const api::Resource& resource) override;
  const Snapshot& snapshot() const override { return core_.snapshot; }

  void Invalidate(std::string_view plugin, std::string_view node_name) override;
  void InvalidateDomain(std::string_view plugin, std::string_view topology_key,
                        std::string_view value) override;
  void InvalidateAll(std::string_view plugin) override;

  void Activate(std::span<const std::string> pod_keys) override;
  void ForEachWaitingPod(const std::function<void(WaitingPod&)>& visit) override;
  WaitingPod* FindWaitingPod(std::string_view uid) override;
  bool RejectWaitingPod(std::string_view uid) override;
  PodPtr FindPod(std::string_view uid) const override { return core_.cache.FindPod(uid); }
  void OnPodEnding(std::function<void(const PodInfo&)> listener) override {
    core_.cache.on_ending.push_back(std::move(listener));
  }
  void GateMayOpen(std::string_view pod_key) override;
  std::vector<PodPtr> NominatedPods(std::string_view node_name) const override;
  bool ExtendersPreempt(const PodInfo& pod) const override {
    return core_.extender_talk.AnyPreempts(pod);
  }
  void AskExtendersToPreempt(const PodPtr& pod, std::vector<PreemptionCandidate> candidates,
                             ExtenderTalk::PreemptDone done) override;
  PodGroupMembers MembersOf(std::string_view namespace_,
                            std::string_view group) const override {
    return core_.pod_groups.MembersOf(namespace_, group);
  }
  PodGroupCounts CountMembers(std::string_view namespace_,
                              std::string_view group) const override {
    return core_.pod_groups.Count(namespace_, group);
  }
  const PodGroupFeatures& pod_group_features() const override {
    return core_.options.pod_groups;
  }
  const DeviceFeatures& device_features() const override { return core_.options.devices; }
  void ClearNomination(const PodPtr& pod) override;
  NodeScope NodeScopeOf(const PodInfo& pod) const override;
  int64_t objects_generation() const override { return core_.objects_generation; }

  Status RunFiltersWithNominatedPods(CycleState& state, const PodInfo& pod,
                                     const NodeInfo& node) override;
  Status RunAddPod(CycleState& state, const PodInfo& to_schedule, const PodInfo& added,
                   const NodeInfo& node) override;
  Status RunRemovePod(CycleState& state, const PodInfo& to_schedule, const PodInfo& removed,
                      const NodeInfo& node) override;

 private:
  const Runtime& runtime() const;
  EngineCore& core_;
  const std::string profile_;
};

}  // namespace berth::framework
