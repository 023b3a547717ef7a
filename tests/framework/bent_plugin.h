// A plugin around another that answers as it does, and lies about what it looks at.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/plugin.h"

namespace berth::framework::testing {

// What it says otherwise. By default nothing.
struct Bend {
  NodeFields unsaid_fields = 0;    // left out of DependsOn's node_fields
  bool node_scope = false;         // DependsOn says Scope::kNode and no objects
  bool leaves_objects_out = false;
  std::string unsigned_key = {};   // left out of the signature
  bool signs_all = false;          // Sign never says no
  bool abstains = false;           // always
  bool filters_only = false;       // scores nothing: what it normalizes itself is never kept

  friend bool operator==(const Bend&, const Bend&) = default;
};

// Filter and Score only: what is bent is not asked to reserve or bind.
class BentPlugin final : public PreFilterPlugin,
                         public FilterPlugin,
                         public PreScorePlugin,
                         public ScorePlugin {
 public:
  BentPlugin(std::unique_ptr<Plugin> inner, Bend bend)
      : inner_(std::move(inner)),
        bend_(std::move(bend)),
        pre_filter_(dynamic_cast<PreFilterPlugin*>(inner_.get())),
        filter_(dynamic_cast<FilterPlugin*>(inner_.get())),
        pre_score_(dynamic_cast<PreScorePlugin*>(inner_.get())),
        score_(bend_.filters_only ? nullptr : dynamic_cast<ScorePlugin*>(inner_.get())) {}

  std::string_view Name() const override { return inner_->Name(); }
  Dependencies DependsOn(const PodInfo& pod) const override {
    Dependencies said = inner_->DependsOn(pod);
    said.node_fields &= ~bend_.unsaid_fields;
    if (bend_.node_scope) said.filter = said.score = Scope::kNode;
    if (bend_.node_scope || bend_.leaves_objects_out) said.objects.clear();
    return said;
  }
  bool Abstains(const PodInfo& pod) const override {
    return bend_.abstains || inner_->Abstains(pod);
  }
  bool Sign(const PodInfo& pod, SignatureBuilder& out) const override {
    Without without(out, bend_.unsigned_key);
    return inner_->Sign(pod, without) || bend_.signs_all;
  }
  std::optional<std::vector<ClusterEventWithHint>> EventsToRegister() const override {
    return inner_->EventsToRegister();
  }
  void Close() override { inner_->Close(); }

  PreFilterResult PreFilter(CycleState& state, const PodInfo& pod,
                            const Snapshot& snapshot) override {
    return pre_filter_ ? pre_filter_->PreFilter(state, pod, snapshot) : PreFilterResult{};
  }
  bool HasExtensions() const override { return pre_filter_ && pre_filter_->HasExtensions(); }
  Status AddPod(CycleState& state, const PodInfo& pod, const PodInfo& added,
                const NodeInfo& node) override {
    return pre_filter_->AddPod(state, pod, added, node);
  }
  Status RemovePod(CycleState& state, const PodInfo& pod, const PodInfo& removed,
                   const NodeInfo& node) override {
    return pre_filter_->RemovePod(state, pod, removed, node);
  }
  Status Filter(const CycleState& state, const PodInfo& pod, const NodeInfo& node) const override {
    return filter_ ? filter_->Filter(state, pod, node) : Success();
  }
  bool FilterBatch(const CycleState& state, const PodInfo& pod, const NodeColumns& columns,
                   std::span<const NodeIndex> nodes, std::span<uint8_t> out) const override {
    return filter_ && filter_->FilterBatch(state, pod, columns, nodes, out);
  }
  Status PreScore(CycleState& state, const PodInfo& pod,
                  std::span<const NodeInfo* const> feasible) override {
    if (!score_) return Skip();
    return pre_score_ ? pre_score_->PreScore(state, pod, feasible) : Success();
  }
  Scored Score(const CycleState& state, const PodInfo& pod, const NodeInfo& node) const override {
    return score_->Score(state, pod, node);
  }
  Normalization normalization() const override {
    return score_ ? score_->normalization() : Normalization::kNone;
  }
  Status NormalizeScore(const CycleState& state, const PodInfo& pod,
                        std::span<NodeScore> scores) const override {
    return score_->NormalizeScore(state, pod, scores);
  }
  bool ScoreBatch(const CycleState& state, const PodInfo& pod, const NodeColumns& columns,
                  std::span<const NodeIndex> nodes, std::span<int64_t> out) const override {
    return score_->ScoreBatch(state, pod, columns, nodes, out);
  }

 private:
  class Without final : public SignatureBuilder {
   public:
    Without(SignatureBuilder& inner, std::string_view key) : inner_(inner), key_(key) {}
    void Put(std::string_view key, std::string_view value) override {
      if (key != key_) inner_.Put(key, value);
    }
    void Put(std::string_view key, int64_t value) override {
      if (key != key_) inner_.Put(key, value);
    }

   private:
    SignatureBuilder& inner_;
    const std::string_view key_;
  };

  const std::unique_ptr<Plugin> inner_;
  const Bend bend_;
  PreFilterPlugin* const pre_filter_;
  FilterPlugin* const filter_;
  PreScorePlugin* const pre_score_;
  ScorePlugin* const score_;
};

}  // namespace berth::framework::testing
