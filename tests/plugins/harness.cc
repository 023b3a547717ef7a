#include "tests/plugins/harness.h"

#include <cstdlib>

#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"
#include "plugins/registry.h"

namespace berth::plugins::testing {

using framework::NodeInfo;
using framework::PodInfo;

FixedSnapshot::FixedSnapshot(std::vector<NodeInfo> nodes) : nodes_(std::move(nodes)) {
  for (size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].index = static_cast<framework::NodeIndex>(i);
    pointers_.push_back(&nodes_[i]);
    if (!nodes_[i].pods_with_affinity().empty()) with_affinity_.push_back(&nodes_[i]);
    if (!nodes_[i].pods_with_required_anti_affinity().empty()) {
      with_anti_affinity_.push_back(&nodes_[i]);
    }
    unschedulable_.push_back(nodes_[i].unschedulable() ? 1 : 0);
    taints_.push_back(static_cast<int32_t>(nodes_[i].taints().size()));
  }
  numbers_.reserve(10);
  const auto column = [&](auto value) {
    std::vector<int64_t>& out = numbers_.emplace_back();
    for (const NodeInfo& node : nodes_) out.push_back(value(node));
    return out.data();
  };
  columns_ = {
      .node_count = static_cast<int32_t>(nodes_.size()),
      .allocatable_milli_cpu = column([](auto& n) { return n.allocatable().amounts.milli_cpu; }),
      .allocatable_memory_bytes =
          column([](auto& n) { return n.allocatable().amounts.memory_bytes; }),
      .allocatable_ephemeral_storage_bytes =
          column([](auto& n) { return n.allocatable().amounts.ephemeral_storage_bytes; }),
      .allocatable_pods = column([](auto& n) { return n.allocatable().pods; }),
      .requested_milli_cpu = column([](auto& n) { return n.requested().milli_cpu; }),
      .requested_memory_bytes = column([](auto& n) { return n.requested().memory_bytes; }),
      .requested_ephemeral_storage_bytes =
          column([](auto& n) { return n.requested().ephemeral_storage_bytes; }),
      .non_zero_requested_milli_cpu =
          column([](auto& n) { return n.non_zero_requested().milli_cpu; }),
      .non_zero_requested_memory_bytes =
          column([](auto& n) { return n.non_zero_requested().memory_bytes; }),
      .pod_count = column([](auto& n) { return static_cast<int64_t>(n.pods().size()); }),
      .unschedulable = unschedulable_.data(),
      .taint_count = taints_.data(),
  };
}

const NodeInfo* FixedSnapshot::Find(std::string_view name) const {
  for (const NodeInfo& node : nodes_) {
    if (node.name() == name) return &node;
  }
  return nullptr;
}

void FakeHandle::Bind(const api::core::Pod& pod, std::string_view node_name, Done done) {
  bound.push_back(pod.metadata().namespace_() + "/" + pod.metadata().name() + " " +
                  std::string(node_name));
  done(bind_result);
}

namespace {

absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(std::string_view name,
                                                          FakeHandle& handle,
                                                          std::string args_json) {
  for (const framework::PluginEntry& entry : InTreePlugins()) {
    if (entry.name == name) return entry.create({std::move(args_json)}, handle);
  }
  return absl::NotFoundError("no such plugin");
}

}  // namespace

std::unique_ptr<framework::Plugin> NewPlugin(std::string_view name, FakeHandle& handle,
                                             std::string args_json) {
  auto plugin = Create(name, handle, std::move(args_json));
  EXPECT_TRUE(plugin.ok()) << plugin.status();
  if (!plugin.ok()) return nullptr;
  EXPECT_EQ((*plugin)->Name(), name);
  return *std::move(plugin);
}

std::string CreateError(std::string_view name, std::string args_json) {
  FakeHandle handle;
  auto plugin = Create(name, handle, std::move(args_json));
  return plugin.ok() ? std::string() : std::string(plugin.status().message());
}

framework::Status Filter(framework::Plugin& plugin, const PodInfo& pod, const NodeInfo& node) {
  return dynamic_cast<framework::FilterPlugin&>(plugin).Filter(framework::CycleState(), pod, node);
}

int64_t Score(framework::Plugin& plugin, const PodInfo& pod, const NodeInfo& node) {
  framework::CycleState state;
  if (auto* prepare = dynamic_cast<framework::PreScorePlugin*>(&plugin)) {
    const NodeInfo* nodes[] = {&node};
    const framework::Status status = prepare->PreScore(state, pod, nodes);
    EXPECT_TRUE(status.ok()) << status.Message();
  }
  return dynamic_cast<framework::ScorePlugin&>(plugin).Score(state, pod, node).score;
}

framework::QueueingHint Hint(const framework::Plugin& plugin, std::string_view resource,
                             framework::ActionType action, const PodInfo& pod,
                             const google::protobuf::Message* old_object,
                             const google::protobuf::Message* new_object) {
  const framework::ClusterEvent incoming{std::string(resource), action, ""};
  const auto registered = plugin.EventsToRegister();
  for (const auto& entry : *registered) {
    if (!entry.event.Matches(incoming)) continue;
    if (!entry.hint) return framework::QueueingHint::kQueue;
    auto hint = entry.hint(pod, old_object, new_object);
    EXPECT_TRUE(hint.ok()) << hint.status();
    return hint.ok() ? *hint : framework::QueueingHint::kQueue;
  }
  ADD_FAILURE() << "no registered event matches " << incoming.Label();
  return framework::QueueingHint::kQueue;
}

std::string SignatureOf(const framework::Plugin& plugin, const PodInfo& pod) {
  class Text final : public framework::SignatureBuilder {
   public:
    void Put(std::string_view key, std::string_view value) override {
      text.append(key).append(1, '=').append(value).append(1, '\0');
    }
    void Put(std::string_view key, int64_t value) override { Put(key, std::to_string(value)); }
    std::string text;
  } builder;
  EXPECT_TRUE(plugin.Sign(pod, builder));
  return builder.text;
}

}  // namespace berth::plugins::testing
