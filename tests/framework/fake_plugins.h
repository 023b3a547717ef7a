// Small plugins with a rule each, and what an engine needs to run them.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/scheduling/resources.h"
#include "framework/handle.h"
#include "framework/node_classes.h"
#include "framework/object_source.h"
#include "framework/plugin.h"
#include "framework/profile/plugin_config.h"
#include "framework/queued_pod_info.h"
#include "framework/registry.h"
#include "framework/snapshot.h"

namespace berth::framework::testing {

// Priority, then age.
class FakeSort final : public QueueSortPlugin {
 public:
  std::string_view Name() const override { return "FakeSort"; }
  bool Less(const QueuedPodInfo& a, const QueuedPodInfo& b) const override {
    if (a.pod->priority != b.pod->priority) return a.pod->priority > b.pod->priority;
    return a.timestamp < b.timestamp;
  }
};

class FakeBinder final : public BindPlugin {
 public:
  explicit FakeBinder(Handle& handle) : handle_(handle) {}
  std::string_view Name() const override { return "FakeBinder"; }
  void Bind(CycleState&, const PodInfo& pod, std::string_view node, StatusDone done) override {
    handle_.sink().Bind(pod.object(), node, [done = std::move(done)](absl::Status status) mutable {
      done(Status::FromError(status));
    });
  }

 private:
  Handle& handle_;
};

// Scope kNode: fits cpu and memory; emptier is better. Woken by pods that go and nodes that come.
class FakeFit final : public FilterPlugin, public ScorePlugin {
 public:
  std::string_view Name() const override { return "FakeFit"; }
  Status Filter(const CycleState&, const PodInfo& pod, const NodeInfo& node) const override {
    if (api::scheduling::Fits(pod.requests, node.allocatable(), node.requested(),
                              static_cast<int64_t>(node.pods().size()))) {
      return Success();
    }
    static const Status* const kFull = new Status(Unschedulable("does not fit"));
    return *kFull;
  }
  Scored Score(const CycleState&, const PodInfo& pod, const NodeInfo& node) const override {
    const int64_t room = node.allocatable().amounts.milli_cpu;
    if (room == 0) return {0, {}};
    const int64_t used = node.requested().milli_cpu + pod.requests.milli_cpu;
    return {used > room ? 0 : (room - used) * 100 / room, {}};
  }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kNode, .score = Scope::kNode,
            .node_fields = kNodePods | kNodeAllocatable, .domains = {}, .objects = {}};
  }
  bool Sign(const PodInfo& pod, SignatureBuilder& out) const override {
    out.Put("cpu", pod.requests.milli_cpu);
    out.Put("memory", pod.requests.memory_bytes);
    return true;
  }
  std::optional<std::vector<ClusterEventWithHint>> EventsToRegister() const override {
    return std::vector<ClusterEventWithHint>{
        {{std::string(kPodResource), kDelete, {}}, nullptr},
        {{std::string(kNodeResource), kAdd | kUpdateNodeAllocatable, {}}, nullptr},
    };
  }
};

// The node's label "rank"; 0: it has none.
inline int64_t RankOf(const NodeInfo& node) {
  Symbol value;
  if (!node.labels().Get(Symbol::Intern("rank"), &value)) return 0;
  return std::stoll(std::string(value.text()));
}

// Scope kNode, normalized: nodes with label "rank" = a number; higher is better, or worse.
class FakeRank final : public ScorePlugin {
 public:
  explicit FakeRank(Normalization normalization) : normalization_(normalization) {}
  std::string_view Name() const override {
    return normalization_ == Normalization::kDefault ? "FakeRank" : "FakeReverseRank";
  }
  Scored Score(const CycleState&, const PodInfo&, const NodeInfo& node) const override {
    return {RankOf(node), {}};
  }
  Normalization normalization() const override { return normalization_; }
  bool SignsTemplates() const override { return true; }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kNode, .score = Scope::kNode, .node_fields = kNodeLabels,
            .domains = {}, .objects = {}};
  }
  bool Sign(const PodInfo&, SignatureBuilder&) const override { return true; }

 private:
  const Normalization normalization_;
};

// Every node is in one class, all is feasible there, and the score is 0.
class FakeOneClass final : public NodeClasses {
 public:
  void Update(const Snapshot&, std::span<const NodeIndex>, bool, std::vector<NodeIndex>&) override {
  }
  NodeClass Of(NodeIndex) const override { return 0; }
  bool Feasible(NodeClass) const override { return true; }
  void Score(std::span<ClassScore> classes) const override {
    for (ClassScore& each : classes) each.score = 0;
  }
};

// Lies: nodes are worth their label "rank", and all the same when they are asked about by class.
class FakeFalseClasses final : public ScorePlugin {
 public:
  std::string_view Name() const override { return "FakeFalseClasses"; }
  Scored Score(const CycleState&, const PodInfo&, const NodeInfo& node) const override {
    return {RankOf(node), {}};
  }
  bool SignsTemplates() const override { return true; }
  bool Sign(const PodInfo&, SignatureBuilder&) const override { return true; }
  bool Classifies(const PodInfo&) const override { return true; }
  std::unique_ptr<NodeClasses> Classify(const PodInfo&) const override {
    return std::make_unique<FakeOneClass>();
  }
};

// Scope kDomain: at most `max` pods of the pod's "app" label in the node's zone.
class FakeZoneLimit final : public FilterPlugin {
 public:
  explicit FakeZoneLimit(Handle& handle, int64_t max) : handle_(handle), max_(max) {}
  std::string_view Name() const override { return "FakeZoneLimit"; }
  Status Filter(const CycleState&, const PodInfo& pod, const NodeInfo& node) const override {
    const Symbol zone_key = Symbol::Intern("topology.kubernetes.io/zone");
    const Symbol app_key = Symbol::Intern("app");
    Symbol zone, app;
    if (!node.labels().Get(zone_key, &zone) || !pod.labels.Get(app_key, &app)) return Success();
    int64_t count = 0;
    for (const NodeInfo* other : handle_.snapshot().nodes()) {
      Symbol other_zone;
      if (!other->labels().Get(zone_key, &other_zone) || other_zone != zone) continue;
      for (const PodPtr& held : other->pods()) {
        Symbol held_app;
        count += held->labels.Get(app_key, &held_app) && held_app == app;
      }
    }
    return count < max_ ? Success() : Unschedulable("zone has enough of this app");
  }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kDomain, .score = Scope::kNode,
            .node_fields = kNodePods | kNodeLabels,
            .domains = {Symbol::Intern("topology.kubernetes.io/zone")}, .objects = {}};
  }
  bool Sign(const PodInfo& pod, SignatureBuilder& out) const override {
    Symbol app;
    pod.labels.Get(Symbol::Intern("app"), &app);
    out.Put("app", app.text());
    return true;
  }

 private:
  Handle& handle_;
  const int64_t max_;
};

// Scope kFeasibleSet: the fewer feasible nodes share a node's zone, the better.
class FakeRareZone final : public PreScorePlugin, public ScorePlugin {
 public:
  std::string_view Name() const override { return "FakeRareZone"; }
  struct Counts final : StateData {
    std::map<uint32_t, int64_t> by_zone;
    std::unique_ptr<StateData> Clone() const override { return std::make_unique<Counts>(*this); }
  };
  static constexpr StateKey kKey{"FakeRareZone"};
  Status PreScore(CycleState& state, const PodInfo&,
                  std::span<const NodeInfo* const> feasible) override {
    auto counts = std::make_unique<Counts>();
    for (const NodeInfo* node : feasible) ++counts->by_zone[Zone(*node)];
    state.Write(kKey, std::move(counts));
    return Success();
  }
  Scored Score(const CycleState& state, const PodInfo&, const NodeInfo& node) const override {
    const auto* counts = state.Read<Counts>(kKey);
    return {counts->by_zone.at(Zone(node)), {}};
  }
  Normalization normalization() const override { return Normalization::kDefaultReverse; }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kNode, .score = Scope::kFeasibleSet, .node_fields = kNodeLabels,
            .domains = {}, .objects = {}};
  }
  bool Sign(const PodInfo&, SignatureBuilder&) const override { return true; }

 private:
  static uint32_t Zone(const NodeInfo& node) {
    Symbol zone;
    node.labels().Get(Symbol::Intern("topology.kubernetes.io/zone"), &zone);
    return zone.id();
  }
};

// Scope kCluster, by default and in fact: what a plugin is that says nothing of itself.
class FakeNaive final : public ScorePlugin {
 public:
  explicit FakeNaive(Handle& handle) : handle_(handle) {}
  std::string_view Name() const override { return "FakeNaive"; }
  Scored Score(const CycleState&, const PodInfo&, const NodeInfo& node) const override {
    size_t pods = 0;
    for (const NodeInfo* other : handle_.snapshot().nodes()) pods += other->pods().size();
    return {static_cast<int64_t>((pods + static_cast<size_t>(node.index)) % 7), {}};
  }

 private:
  Handle& handle_;
};

// Scope kCluster over images: how many nodes have the pod's image.
class FakeImageCount final : public ScorePlugin {
 public:
  std::string_view Name() const override { return "FakeImageCount"; }
  Scored Score(const CycleState&, const PodInfo& pod, const NodeInfo& node) const override {
    int64_t sum = 0;
    for (Symbol image : pod.images) {
      auto it = node.images().find(image);
      if (it != node.images().end()) sum += it->second.nodes;
    }
    return {std::min<int64_t>(sum, 100), {}};
  }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kNode, .score = Scope::kCluster, .node_fields = kNodeImages,
            .domains = {}, .objects = {}};
  }
  bool Sign(const PodInfo& pod, SignatureBuilder& out) const override {
    for (Symbol image : pod.images) out.Put("image", image.text());
    return true;
  }
};

// Scope kCluster over labels: PreFilter counts the nodes of the highest rank, and Filter takes
// nodes of at least half of it.
class FakeHalfRank final : public PreFilterPlugin, public FilterPlugin {
 public:
  std::string_view Name() const override { return "FakeHalfRank"; }
  struct Best final : StateData {
    int64_t rank = 0;
    std::unique_ptr<StateData> Clone() const override { return std::make_unique<Best>(*this); }
  };
  static constexpr StateKey kKey{"FakeHalfRank"};
  PreFilterResult PreFilter(CycleState& state, const PodInfo&, const Snapshot& snapshot) override {
    auto best = std::make_unique<Best>();
    for (const NodeInfo* node : snapshot.nodes()) best->rank = std::max(best->rank, Rank(*node));
    state.Write(kKey, std::move(best));
    return {};
  }
  Status Filter(const CycleState& state, const PodInfo&, const NodeInfo& node) const override {
    if (2 * Rank(node) >= state.Read<Best>(kKey)->rank) return Success();
    static const Status* const kLow = new Status(Unschedulable("ranks too low"));
    return *kLow;
  }
  Dependencies DependsOn(const PodInfo&) const override {
    return {.filter = Scope::kCluster, .score = Scope::kNode, .node_fields = kNodeLabels,
            .domains = {}, .objects = {}};
  }
  bool Sign(const PodInfo&, SignatureBuilder&) const override { return true; }

 private:
  static int64_t Rank(const NodeInfo& node) {
    Symbol value;
    if (!node.labels().Get(Symbol::Intern("rank"), &value)) return 0;
    return std::stoll(std::string(value.text()));
  }
};

// PreBind plugins of one group, which the test completes.
class ParallelPreBind final : public PreBindPlugin {
 public:
  struct Script {
    std::map<std::string, StatusDone, std::less<>> held;  // by plugin
    std::vector<std::string> cancelled;
  };
  ParallelPreBind(std::string name, Script& script) : name_(std::move(name)), script_(script) {}
  std::string_view Name() const override { return name_; }
  PreBindPreFlightResult PreBindPreFlight(CycleState&, const PodInfo&,
                                          std::string_view) override {
    return {Success(), true};
  }
  void PreBind(CycleState&, const PodInfo&, std::string_view, StatusDone done) override {
    script_.held[name_] = std::move(done);
  }
  // Ends at once.
  void CancelPreBind(const PodInfo&) override {
    script_.cancelled.push_back(name_);
    std::exchange(script_.held[name_], nullptr)(Error("cancelled"));
  }

 private:
  const std::string name_;
  Script& script_;
};

// Answers what the test says, at every point.
class Scripted final : public PreEnqueuePlugin,
                       public PreFilterPlugin,
                       public FilterPlugin,
                       public PostFilterPlugin,
                       public ReservePlugin,
                       public PermitPlugin,
                       public PreBindPlugin,
                       public PostBindPlugin {
 public:
  struct Script {
    std::function<Status(const PodInfo&)> pre_enqueue;
    std::function<PreFilterResult(const PodInfo&)> pre_filter;
    std::function<Status(const PodInfo&, const NodeInfo&)> filter;
    std::function<PostFilterResult(const PodInfo&)> post_filter;
    bool hold_post_filter = false;  // the test completes them
    std::vector<PostFilterDone> held_post_filters;
    std::function<Status(const PodInfo&)> reserve;
    std::function<PermitResult(const PodInfo&)> permit;
    std::function<Status(const PodInfo&)> pre_bind;
    std::vector<std::string> calls;  // "Reserve p", in order
    Handle* handle = nullptr;
    std::vector<ClusterEventWithHint> events;
    ParallelPreBind::Script parallel;
    std::optional<Dependencies> depends;  // with it, every pod has the same signature, or
    std::function<std::string(const PodInfo&)> sign_by;  // the one that this says
    bool signs_templates = false;
    std::function<std::unique_ptr<NodeClasses>()> classify;
  };
  Scripted(Script& script, Handle& handle) : script_(script) { script_.handle = &handle; }
  std::string_view Name() const override { return "Scripted"; }
  std::optional<std::vector<ClusterEventWithHint>> EventsToRegister() const override {
    return script_.events;
  }

  Dependencies DependsOn(const PodInfo&) const override {
    return script_.depends.value_or(Dependencies{});
  }
  bool Sign(const PodInfo& pod, SignatureBuilder& out) const override {
    if (script_.sign_by) out.Put("scripted", script_.sign_by(pod));
    return script_.depends.has_value();
  }
  bool SignsTemplates() const override { return script_.signs_templates; }
  bool Classifies(const PodInfo&) const override { return script_.classify != nullptr; }
  std::unique_ptr<NodeClasses> Classify(const PodInfo&) const override {
    return script_.classify();
  }

  Status PreEnqueue(const PodInfo& pod) override {
    return script_.pre_enqueue ? script_.pre_enqueue(pod) : Success();
  }
  PreFilterResult PreFilter(CycleState&, const PodInfo& pod, const Snapshot&) override {
    return script_.pre_filter ? script_.pre_filter(pod) : PreFilterResult{};
  }
  Status Filter(const CycleState&, const PodInfo& pod, const NodeInfo& node) const override {
    return script_.filter ? script_.filter(pod, node) : Success();
  }
  void PostFilter(CycleState&, const PodInfo& pod, const NodeStatusReader&,
                  PostFilterDone done) override {
    if (script_.hold_post_filter) return script_.held_post_filters.push_back(std::move(done));
    if (!script_.post_filter) return done({Unschedulable(""), std::nullopt});
    done(script_.post_filter(pod));
  }
  Status Reserve(CycleState&, const PodInfo& pod, std::string_view) override {
    script_.calls.push_back("Reserve " + pod.name);
    return script_.reserve ? script_.reserve(pod) : Success();
  }
  void Unreserve(CycleState&, const PodInfo& pod, std::string_view) override {
    script_.calls.push_back("Unreserve " + pod.name);
  }
  PermitResult Permit(CycleState&, const PodInfo& pod, std::string_view) override {
    return script_.permit ? script_.permit(pod) : PermitResult{};
  }
  PreBindPreFlightResult PreBindPreFlight(CycleState&, const PodInfo&,
                                          std::string_view) override {
    return {script_.pre_bind ? Success() : Skip(), false};
  }
  void PreBind(CycleState&, const PodInfo& pod, std::string_view, StatusDone done) override {
    script_.calls.push_back("PreBind " + pod.name);
    done(script_.pre_bind(pod));
  }
  void PostBind(CycleState&, const PodInfo& pod, std::string_view) override {
    script_.calls.push_back("PostBind " + pod.name);
  }

 private:
  Script& script_;
};

// A registry of all of these; script may be null.
inline Registry FakeRegistry(Scripted::Script* script = nullptr) {
  Registry registry;
  const auto add = [&](std::string name, auto make) {
    (void)registry.Register(
        {std::move(name), [make](const PluginArgs&, Handle& handle)
             -> absl::StatusOr<std::unique_ptr<Plugin>> { return make(handle); }});
  };
  add("FakeSort", [](Handle&) { return std::make_unique<FakeSort>(); });
  add("FakeBinder", [](Handle& handle) { return std::make_unique<FakeBinder>(handle); });
  add("FakeFit", [](Handle&) { return std::make_unique<FakeFit>(); });
  add("FakeRank", [](Handle&) { return std::make_unique<FakeRank>(Normalization::kDefault); });
  add("FakeReverseRank",
      [](Handle&) { return std::make_unique<FakeRank>(Normalization::kDefaultReverse); });
  add("FakeZoneLimit", [](Handle& handle) { return std::make_unique<FakeZoneLimit>(handle, 3); });
  add("FakeFalseClasses", [](Handle&) { return std::make_unique<FakeFalseClasses>(); });
  add("FakeRareZone", [](Handle&) { return std::make_unique<FakeRareZone>(); });
  add("FakeNaive", [](Handle& handle) { return std::make_unique<FakeNaive>(handle); });
  add("FakeImageCount", [](Handle&) { return std::make_unique<FakeImageCount>(); });
  add("FakeHalfRank", [](Handle&) { return std::make_unique<FakeHalfRank>(); });
  if (script != nullptr) {
    for (const char* name : {"ParallelA", "ParallelB", "ParallelC"}) {
      add(name, [script, name](Handle&) {
        return std::make_unique<ParallelPreBind>(name, script->parallel);
      });
    }
    add("Scripted", [script](Handle& handle) {
      return std::make_unique<Scripted>(*script, handle);
    });
  }
  return registry;
}

// A profile of the named plugins with weight 1, behind FakeSort and FakeBinder.
inline ProfileConfig FakeProfile(std::vector<std::string> plugins,
                                 std::string name = "default-scheduler") {
  ProfileConfig config;
  config.scheduler_name = std::move(name);
  config.plugins.multi_point.enabled = {{"FakeSort"}, {"FakeBinder"}};
  for (std::string& plugin : plugins) {
    config.plugins.multi_point.enabled.push_back({std::move(plugin), 1});
  }
  return config;
}

}  // namespace berth::framework::testing
