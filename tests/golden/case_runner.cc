#include "tests/golden/case_runner.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "api/json.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "framework/cache/cache.h"
#include "framework/cycle/fit_error.h"
#include "framework/profile/runtime.h"
#include "framework/queue/nominator.h"
#include "plugins/registry.h"
#include "scheduler-main/config.h"
#include "tests/plugins/harness.h"

namespace berth::golden {
namespace {

using api::JsonValue;
using framework::NodeInfo;
using Names = std::vector<std::string>;

std::string Text(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.Find(name);
  return member != nullptr && member->is_string() ? member->string() : std::string();
}

Names Strings(const JsonValue* list) {
  Names out;
  if (list == nullptr) return out;
  for (const JsonValue& item : list->array()) out.push_back(item.string());
  return out;
}

// The cluster of a case and one profile over it.
class World {
 public:
  World() : nominator_([](const framework::PodInfo&) { return true; }) {
    for (framework::PluginEntry& entry : plugins::InTreePlugins()) {
      present_.insert(entry.name);
      (void)registry_.Register(std::move(entry));
    }
  }

  std::string Load(const JsonValue& test_case) {
    for (const JsonValue& object : test_case.Find("objects")->array()) {
      if (std::string problem = Put(object); !problem.empty()) return problem;
    }
    cache_.UpdateSnapshot(snapshot_);
    handle_.other_snapshot = &snapshot_;
    auto pod = std::make_shared<api::core::Pod>();
    const absl::Status parsed = api::ParseJson(test_case.Find("pod")->ToText(), *pod);
    if (!parsed.ok()) return std::string(ToStd(parsed.message()));
    pod_ = framework::PodInfo::Make(std::move(pod));
    return BuildProfile(test_case.Find("config"));
  }

  bool Has(const std::string& plugin) const { return present_.contains(plugin); }
  const framework::Runtime& runtime() const { return *runtime_; }
  const framework::ClusterSnapshot& snapshot() const { return snapshot_; }
  const framework::PodInfo& pod() const { return *pod_; }

 private:
  std::string Put(const JsonValue& object) {
    const std::string kind = Text(object, "kind");
    if (kind == "Node") {
      auto node = std::make_shared<api::core::Node>();
      const absl::Status parsed = api::ParseJson(object.ToText(), *node);
      if (!parsed.ok()) return std::string(ToStd(parsed.message()));
      cache_.SetNode(std::move(node));
    } else if (kind == "Pod") {
      auto pod = std::make_shared<api::core::Pod>();
      const absl::Status parsed = api::ParseJson(object.ToText(), *pod);
      if (!parsed.ok()) return std::string(ToStd(parsed.message()));
      PutPod(framework::PodInfo::Make(std::move(pod)));
    }
    return {};
  }

  void PutPod(const framework::PodPtr& pod) {
    const std::string& phase = pod->object().status().phase();
    if (phase == "Succeeded" || phase == "Failed") return;
    // Pods that are only nominated are left out: the recorded answers do not count them (cases of
    // the family "nominated" where they would change a verdict show it).
    if (!pod->node_name.empty()) (void)cache_.AddPod(pod);
  }

  std::string BuildProfile(const JsonValue* config_json) {
    scheduler::Configuration config = scheduler::DefaultConfig();
    if (config_json != nullptr) {
      auto decoded = scheduler::DecodeConfig(config_json->ToText());
      if (!decoded.ok()) return std::string(ToStd(decoded.status().message()));
      config = *std::move(decoded);
    }
    if (auto status = scheduler::CompleteProfiles(config, {}); !status.ok()) {
      return std::string(ToStd(status.message()));
    }
    auto profile = framework::Profile::Build(scheduler::ToProfileConfigs(config)[0], registry_,
                                             handle_);
    if (!profile.ok()) return std::string(ToStd(profile.status().message()));
    profile_ = *std::move(profile);
    runtime_ = std::make_unique<framework::Runtime>(*profile_, nominator_, metrics_,
                                                    handle_.executor());
    return {};
  }

  std::set<std::string> present_;
  framework::Registry registry_;
  framework::Cache cache_;
  framework::ClusterSnapshot snapshot_;
  framework::Nominator nominator_;
  plugins::testing::FakeHandle handle_;
  framework::Metrics metrics_;
  framework::PodPtr pod_;
  std::unique_ptr<framework::Profile> profile_;
  std::unique_ptr<framework::Runtime> runtime_;
};

class Comparison {
 public:
  explicit Comparison(const JsonValue& test_case) : expect_(*test_case.Find("expect")) {}

  CaseResult Run(World& world) {
    framework::CycleState state;
    if (!PreFilter(world, state)) return std::move(result_);
    Verdicts(world, state);
    Scores(world, state);
    return std::move(result_);
  }

 private:
  void Differ(std::string text) { result_.differences.push_back(std::move(text)); }

  // False: nothing more can be compared.
  bool PreFilter(World& world, framework::CycleState& state) {
    const auto outcome = world.runtime().RunPreFilter(state, world.pod(), world.snapshot());
    const JsonValue* want = expect_.Find("preFilter");
    if (expect_.Find("error") != nullptr) return false;
    if (want != nullptr && Text(*want, "code") != "Success") {
      if (world.Has(Text(*want, "plugin"))) {
        CompareStatus("preFilter", outcome.status, *want);
      }
      return false;
    }
    if (!outcome.status.ok()) {
      Differ("preFilter rejected: " + outcome.status.Message());
      return false;
    }
    Names want_names = want == nullptr ? Names() : Strings(want->Find("nodeNames"));
    std::sort(want_names.begin(), want_names.end());
    const Names got_names = outcome.node_names.value_or(Names());
    if (want_names != got_names) {
      Differ(fmt::format("preFilter nodes: got [{}], expected [{}]", fmt::join(got_names, " "),
                         fmt::join(want_names, " ")));
    }
    return true;
  }

  void CompareStatus(const std::string& where, const framework::Status& got,
                     const JsonValue& want) {
    Names got_reasons = got.Reasons();
    std::sort(got_reasons.begin(), got_reasons.end());
    Names want_reasons = Strings(want.Find("reasons"));
    std::sort(want_reasons.begin(), want_reasons.end());
    if (framework::CodeName(got.code()) == Text(want, "code") &&
        got.plugin() == Text(want, "plugin") && got_reasons == want_reasons) {
      return;
    }
    Differ(fmt::format("{}: got {} by {} [{}], expected {}", where,
                       framework::CodeName(got.code()), got.plugin(),
                       fmt::join(got_reasons, "; "), want.ToText()));
  }

  void Verdicts(World& world, framework::CycleState& state) {
    framework::Diagnosis diagnosis;
    diagnosis.all_nodes = static_cast<int64_t>(world.snapshot().nodes().size());
    bool all_present = true;
    if (const JsonValue* rejected = expect_.Find("filter")) {
      for (const auto& [name, want] : rejected->object()) {
        if (!world.Has(Text(want, "plugin"))) {
          all_present = false;
          continue;
        }
        const NodeInfo* node = world.snapshot().Find(name);
        const framework::Status got = Filter(world, state, *node);
        CompareStatus("node " + name, got, want);
        diagnosis.Count(got);
        ++result_.verdicts;
      }
    }
    for (const std::string& name : Strings(expect_.Find("feasible"))) {
      const framework::Status got = Filter(world, state, *world.snapshot().Find(name));
      if (!got.ok()) Differ(fmt::format("node {} rejected: {}", name, got.Message()));
      ++result_.verdicts;
    }
    const JsonValue* message = expect_.Find("message");
    const bool all_filtered = expect_.Find("preFilter") == nullptr;
    if (message != nullptr && all_present && all_filtered && diagnosis.all_nodes > 0 &&
        diagnosis.Message() != message->string()) {
      Differ(fmt::format("message: got \"{}\", expected \"{}\"", diagnosis.Message(),
                         message->string()));
    }
  }

  static framework::Status Filter(World& world, framework::CycleState& state,
                                  const NodeInfo& node) {
    return world.runtime().Stamped(
        world.runtime().RunFilterWithNominated(state, world.pod(), node));
  }

  void Scores(World& world, framework::CycleState& state) {
    const JsonValue* want = expect_.Find("scores");
    if (want == nullptr) return;
    std::vector<const NodeInfo*> feasible;
    for (const std::string& name : Strings(expect_.Find("feasible"))) {
      feasible.push_back(world.snapshot().Find(name));
    }
    framework::ScoreTable table;
    framework::Status status = world.runtime().RunPreScore(state, world.pod(), feasible);
    if (status.ok()) status = world.runtime().RunScore(state, world.pod(), feasible, table);
    if (!status.ok()) return Differ("scoring failed: " + status.Message());
    std::vector<int64_t> totals(feasible.size(), 0);
    for (size_t p = 0; p < table.plugins.size(); ++p) {
      ComparePlugin(*table.plugins[p],
                    std::span(table.raw).subspan(p * feasible.size(), feasible.size()), feasible,
                    *want, totals);
    }
    for (size_t n = 0; n < feasible.size(); ++n) {
      CompareNode(world, table, std::string(feasible[n]->name()), *want, totals[n],
                  table.total[n]);
    }
  }

  void ComparePlugin(const framework::PointEntry<framework::ScorePlugin>& entry,
                     std::span<const int64_t> raw, const std::vector<const NodeInfo*>& feasible,
                     const JsonValue& want, std::vector<int64_t>& totals) {
    std::vector<framework::NodeScore> scores;
    for (size_t n = 0; n < raw.size(); ++n) scores.push_back({feasible[n]->index, raw[n]});
    const auto kind = entry.plugin->normalization();
    if (kind != framework::Normalization::kNone) {
      framework::DefaultNormalize(scores, kind == framework::Normalization::kDefaultReverse);
    }
    for (size_t n = 0; n < raw.size(); ++n) {
      const std::string name(feasible[n]->name());
      const JsonValue* expected = want.Find(name)->Find(entry.name);
      const int64_t weighted = scores[n].score * entry.weight;
      totals[n] += weighted;
      ++result_.scores;
      if (expected == nullptr) {
        Differ(fmt::format("{} scored {} but upstream skipped it", entry.name, name));
      } else if (expected->Find("raw")->int_value() != raw[n] ||
                 expected->Find("normalized")->int_value() != scores[n].score ||
                 expected->Find("weighted")->int_value() != weighted) {
        Differ(fmt::format("{} on {}: got raw {} normalized {} weighted {}, expected {}",
                           entry.name, name, raw[n], scores[n].score, weighted,
                           expected->ToText()));
      }
    }
  }

  void CompareNode(const World& world, const framework::ScoreTable& table,
                   const std::string& name, const JsonValue& want, int64_t summed,
                   int64_t total) {
    int64_t expected_total = 0;
    for (const auto& scored_by : want.Find(name)->object()) {
      const auto& plugin = scored_by.first;
      const JsonValue& score = scored_by.second;
      if (plugin == "total" || !world.Has(plugin)) continue;
      expected_total += score.Find("weighted")->int_value();
      const bool scored = std::any_of(table.plugins.begin(), table.plugins.end(),
                                      [&](const auto* entry) { return entry->name == plugin; });
      if (!scored) Differ(fmt::format("{} skipped, but upstream scored {}", plugin, name));
    }
    if (summed != total || total != expected_total) {
      Differ(fmt::format("total of {}: got {}, sum {}, expected {}", name, total, summed,
                         expected_total));
    }
  }

  const JsonValue& expect_;
  CaseResult result_;
};

}  // namespace

CaseResult RunCase(const JsonValue& test_case) {
  World world;
  if (std::string problem = world.Load(test_case); !problem.empty()) {
    return {.differences = {"cannot load: " + problem}};
  }
  return Comparison(test_case).Run(world);
}

}  // namespace berth::golden
