// An extender that answers as the test says, after a while.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/schema/core_v1_node.pb.h"
#include "base/executor.h"
#include "framework/extender.h"

namespace berth::framework::testing {

class ScriptedExtender final : public Extender {
 public:
  struct Script {
    bool filters = false, prioritizes = false, binds = false, preempts = false, ignorable = false;
    int64_t weight = 1;
    std::string interested_in = {};  // a pod's name prefix
    absl::Duration takes = absl::Milliseconds(1);
    std::function<absl::StatusOr<ExtenderFilterResult>(const std::vector<NodePtr>&)> filter = {};
    std::function<absl::StatusOr<Scores>(const std::vector<NodePtr>&)> prioritize = {};
    std::function<absl::Status(const PodInfo&, std::string_view)> bind = {};
    std::function<absl::StatusOr<std::vector<ExtenderVictims>>(
        const std::vector<PreemptionCandidate>&)>
        preempt = {};
    std::vector<std::string> calls = {};  // "filter web: a b"
  };
  ScriptedExtender(Executor& executor, std::shared_ptr<Script> script)
      : executor_(executor), script_(std::move(script)) {}

  std::string_view name() const override { return "http://extender"; }
  bool filters() const override { return script_->filters; }
  bool prioritizes() const override { return script_->prioritizes; }
  bool binds() const override { return script_->binds; }
  bool preempts() const override { return script_->preempts; }
  bool ignorable() const override { return script_->ignorable; }
  int64_t weight() const override { return script_->weight; }
  bool IsInterested(const PodInfo& pod) const override {
    return pod.name.starts_with(script_->interested_in);
  }

  void Filter(const PodPtr& pod, std::vector<NodePtr> nodes, bool, FilterDone done) override {
    Note("filter", *pod, nodes);
    After([script = script_, nodes = std::move(nodes), done = std::move(done)]() mutable {
      done(script->filter(nodes));
    });
  }
  void Prioritize(const PodPtr& pod, std::vector<NodePtr> nodes, bool,
                  PrioritizeDone done) override {
    Note("prioritize", *pod, nodes);
    After([script = script_, nodes = std::move(nodes), done = std::move(done)]() mutable {
      done(script->prioritize(nodes));
    });
  }
  void Bind(const PodPtr& pod, std::string_view node, BindDone done) override {
    After([script = script_, pod, node = std::string(node), done = std::move(done)]() mutable {
      done(script->bind(*pod, node));
    });
  }
  void Preempt(const PodPtr&, std::vector<PreemptionCandidate> candidates,
               PreemptDone done) override {
    After([script = script_, candidates = std::move(candidates), done = std::move(done)]() mutable {
      done(script->preempt(candidates));
    });
  }

 private:
  void After(Task task) { executor_.PostAfter(script_->takes, std::move(task)); }
  void Note(std::string_view what, const PodInfo& pod, const std::vector<NodePtr>& nodes) {
    std::string call = std::string(what) + " " + pod.name + ":";
    for (const NodePtr& node : nodes) call += " " + node->metadata().name();
    script_->calls.push_back(std::move(call));
  }

  Executor& executor_;
  const std::shared_ptr<Script> script_;
};

}  // namespace berth::framework::testing
