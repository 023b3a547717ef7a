// PreferQuiet: of the nodes that can take a pod, prefer those that run fewest pods.
#include <algorithm>
#include <memory>

#include "framework/plugin.h"
#include "framework/registry.h"
#include "scheduler-main/scheduler_main.h"

using berth::framework::CycleState;
using berth::framework::Handle;
using berth::framework::NodeInfo;
using berth::framework::Plugin;
using berth::framework::PluginArgs;
using berth::framework::PodInfo;
using berth::framework::Scored;

class PreferQuiet final : public berth::framework::ScorePlugin {
 public:
  std::string_view Name() const override { return "PreferQuiet"; }
  Scored Score(const CycleState&, const PodInfo&, const NodeInfo& node) const override {
    return {.score = 100 - std::min<int64_t>(100, static_cast<int64_t>(node.pods().size()))};
  }
  // Optional, for speed: a score depends on the node's own pods and on nothing of the pod.
  berth::framework::Dependencies DependsOn(const PodInfo&) const override {
    using berth::framework::Scope;
    return {.filter = Scope::kNode, .score = Scope::kNode,
            .node_fields = berth::framework::kNodePods};
  }
  bool Sign(const PodInfo&, berth::framework::SignatureBuilder&) const override { return true; }
};

absl::StatusOr<std::unique_ptr<Plugin>> Create(const PluginArgs&, Handle&) {
  return std::make_unique<PreferQuiet>();
}

int main(int argc, char** argv) {
  return berth::SchedulerMain(argc, argv, {{"PreferQuiet", &Create}});
}
