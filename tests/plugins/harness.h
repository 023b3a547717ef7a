// What a plugin under test needs around it: a handle over a fixed list of nodes, and short ways to
// make plugins from JSON arguments and to ask them.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>

#include "base/random.h"
#include "base/sim_executor.h"
#include "base/strings.h"
#include "framework/cycle_state.h"
#include "framework/handle.h"
#include "framework/memory_world.h"
#include "framework/object_source.h"
#include "framework/plugin.h"
#include "framework/signature.h"
#include "framework/snapshot.h"
#include "tests/framework/metric_recorder.h"

namespace berth::plugins::testing {

// Nodes in the order given; columns filled from them.
class FixedSnapshot final : public framework::Snapshot {
 public:
  explicit FixedSnapshot(std::vector<framework::NodeInfo> nodes);
  std::span<const framework::NodeInfo* const> nodes() const override { return pointers_; }
  const framework::NodeInfo* Find(std::string_view name) const override;
  std::span<const framework::NodeInfo* const> nodes_with_affinity() const override {
    return with_affinity_;
  }
  std::span<const framework::NodeInfo* const> nodes_with_required_anti_affinity() const override {
    return with_anti_affinity_;
  }
  const framework::NodeColumns& columns() const override { return columns_; }
  int64_t generation() const override { return 1; }
  int64_t structure_generation() const override { return 1; }
  std::span<const int64_t> versions() const override { return versions_; }

 private:
  std::vector<framework::NodeInfo> nodes_;
  std::vector<int64_t> versions_ = std::vector<int64_t>(nodes_.size(), 1);
  std::vector<const framework::NodeInfo*> pointers_, with_affinity_, with_anti_affinity_;
  std::vector<std::vector<int64_t>> numbers_;
  std::vector<uint8_t> unschedulable_;
  std::vector<int32_t> taints_;
  framework::NodeColumns columns_;
};

// Bind answers `bind_result`; whatever else is to be called needs other_sink.
class FakeHandle final : public framework::Handle, public framework::ObjectSink {
 public:
  explicit FakeHandle(std::vector<framework::NodeInfo> nodes = {}) : snapshot_(std::move(nodes)) {}

  std::string_view profile() const override { return "default-scheduler"; }
  Executor& executor() override { return *executor_; }
  Random& random() override { return random_; }
  framework::ObjectSource& objects() override { return world; }
  framework::ObjectSink& sink() override {
    return other_sink != nullptr ? *other_sink : static_cast<framework::ObjectSink&>(*this);
  }
  void Watch(const api::Resource&) override {}
  framework::Metrics& metrics() override { return recorded; }
  std::shared_ptr<framework::SharedPart>& Shared(std::string_view name) override {
    return shared_[std::string(name)];
  }
  const framework::Snapshot& snapshot() const override {
    return other_snapshot != nullptr ? *other_snapshot : snapshot_;
  }
  void Invalidate(std::string_view, std::string_view) override {}
  void InvalidateDomain(std::string_view, std::string_view, std::string_view) override {}
  void InvalidateAll(std::string_view) override {}
  void Activate(std::span<const std::string>) override {}
  void ForEachWaitingPod(const std::function<void(framework::WaitingPod&)>&) override {}
  framework::WaitingPod* FindWaitingPod(std::string_view) override { return nullptr; }
  bool RejectWaitingPod(std::string_view) override { return false; }
  std::vector<framework::PodPtr> NominatedPods(std::string_view) const override {
    return nominated;
  }
  void ClearNomination(const framework::PodPtr&) override {}
  framework::PodGroupMembers MembersOf(std::string_view, std::string_view) const override {
    return members;
  }
  framework::PodGroupCounts CountMembers(std::string_view, std::string_view) const override {
    return counts;
  }
  const framework::PodGroupFeatures& pod_group_features() const override { return features; }
  const framework::DeviceFeatures& device_features() const override { return devices; }
  bool ExtendersPreempt(const framework::PodInfo&) const override { return false; }
  void AskExtendersToPreempt(
      const framework::PodPtr&, std::vector<framework::PreemptionCandidate>,
      absl::AnyInvocable<void(absl::StatusOr<std::vector<framework::PreemptionCandidate>>)>)
      override {}
  framework::NodeScope NodeScopeOf(const framework::PodInfo&) const override { return {}; }
  int64_t objects_generation() const override { return 0; }
  framework::PodPtr FindPod(std::string_view) const override { return nullptr; }
  void OnPodEnding(std::function<void(const framework::PodInfo&)>) override {}
  void GateMayOpen(std::string_view) override {}
  framework::Status RunFiltersWithNominatedPods(framework::CycleState&, const framework::PodInfo&,
                                                const framework::NodeInfo&) override {
    return {};
  }
  framework::Status RunAddPod(framework::CycleState&, const framework::PodInfo&,
                              const framework::PodInfo&, const framework::NodeInfo&) override {
    return {};
  }
  framework::Status RunRemovePod(framework::CycleState&, const framework::PodInfo&,
                                 const framework::PodInfo&, const framework::NodeInfo&) override {
    return {};
  }

  void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) override;
  void Create(const api::Resource&, framework::ObjectPtr, ObjectDone) override {}
  void Update(const api::Resource&, framework::ObjectPtr, std::string_view, ObjectDone) override {}
  void Patch(const api::Resource&, std::string_view, std::string_view, std::string,
             std::string_view, Done) override {}
  void Delete(const api::Resource&, std::string_view, std::string_view, std::string_view,
              Done) override {}
  void Event(framework::EventNote) override {}

  // Runs everything posted, and timers that are due within `span`.
  void Settle(absl::Duration span = absl::ZeroDuration()) {
    loop_.RunUntil(loop_.clock().Now() + span);
  }

  void Step() { loop_.Step(); }

  const framework::Snapshot* other_snapshot = nullptr;  // instead of the fixed nodes
  framework::ObjectSink* other_sink = nullptr;          // perhaps &world
  framework::PodGroupMembers members;                   // of whatever group is asked for
  framework::PodGroupCounts counts;                     // of it
  framework::PodGroupFeatures features;
  framework::DeviceFeatures devices;
  std::vector<framework::PodPtr> nominated;             // on whatever node is asked for
  framework::testing::MetricRecorder recorded;
  absl::Status bind_result;
  std::vector<std::string> bound;  // "namespace/name node"

 private:
  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("test");

 public:
  framework::MemoryWorld world{*executor_};  // what objects() shows

 private:
  Random random_{1};
  FixedSnapshot snapshot_;
  StringMap<std::shared_ptr<framework::SharedPart>> shared_;
};

// The in-tree plugin of that name; fails the test when its arguments are refused.
std::unique_ptr<framework::Plugin> NewPlugin(std::string_view name, FakeHandle& handle,
                                             std::string args_json = {});
// Why the plugin refuses these arguments; empty when it does not.
std::string CreateError(std::string_view name, std::string args_json);

framework::Status Filter(framework::Plugin& plugin, const framework::PodInfo& pod,
                         const framework::NodeInfo& node);
// PreScore (which must not fail), then Score.
int64_t Score(framework::Plugin& plugin, const framework::PodInfo& pod,
              const framework::NodeInfo& node);
// The hint of the first registered event that matches; kQueue when it has none. Fails the test
// when no registered event matches.
framework::QueueingHint Hint(const framework::Plugin& plugin, std::string_view resource,
                             framework::ActionType action, const framework::PodInfo& pod,
                             const google::protobuf::Message* old_object,
                             const google::protobuf::Message* new_object);
// The whole signature of a pod by one plugin.
std::string SignatureOf(const framework::Plugin& plugin, const framework::PodInfo& pod);

}  // namespace berth::plugins::testing
