// The loops around plugins: order, which code stops what, who is named as the one that rejected.
// One function for each extension point; framework.md section 2 is the rule book.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "framework/cycle/metrics.h"
#include "framework/profile/plugin_metrics.h"
#include "framework/profile/point_timer.h"
#include "framework/profile/profile.h"
#include "framework/queue/nominator.h"

namespace berth::framework {

// A node's verdict as the Filter loop finds it: the status is stamped with the plugin's name only
// when somebody asks, since most are only counted.
struct Verdict {
  Status status;
  int ordinal = -1;  // of the plugin that rejected; -1: none
  bool ok() const { return status.ok(); }
};

struct PreFilterOutcome {
  Status status;  // stamped
  // Nodes worth a look, sorted; nullopt: all.
  std::optional<std::vector<std::string>> node_names;
  std::vector<std::string> narrowed_by;  // sorted
};

// What the score loop says of each node of its list.
struct ScoreTable {
  // raw[p * nodes + n], before normalization; plugins in Score order, skipped ones absent.
  std::vector<const PointEntry<ScorePlugin>*> plugins;
  std::vector<int64_t> raw;
  std::vector<int64_t> normalized;  // as raw
  std::vector<int64_t> total;       // weighted sum of the normalized scores
};

// Threads: the engine's executor.
class Runtime {
 public:
  Runtime(const Profile& profile, const Nominator& nominator, Metrics& metrics,
          Executor& executor)
      : profile_(profile),
        nominator_(nominator),
        metrics_(metrics),
        executor_(executor),
        clock_(executor.clock()),
        counts_(std::make_unique<PluginCounts>(profile, metrics)),
        times_(std::make_unique<PluginTimes>(metrics, clock_)) {}
  const Profile& profile() const { return profile_; }
  const Nominator& nominator() const { return nominator_; }

  // For those who call plugins themselves.
  PluginCounts& counts() const { return *counts_; }
  PluginTimes& times() const { return *times_; }
  PointTimer Timed(std::string_view point) const {
    return {metrics_, clock_, point, profile_.name()};
  }
  // A point was passed at which there was nothing to run.
  void NothingRan(std::string_view point) const;

  // except: plugins (as bits) that are not run, as if they had answered Skip.
  PreFilterOutcome RunPreFilter(CycleState& state, const PodInfo& pod, const Snapshot& snapshot,
                                uint64_t except = 0) const;
  // First failure wins.
  Verdict RunFilter(const CycleState& state, const PodInfo& pod, const NodeInfo& node) const;
  // With pods nominated to the node, of equal or higher priority, counted as there; and then
  // without them (framework.md section 2.3).
  Verdict RunFilterWithNominated(CycleState& state, const PodInfo& pod,
                                 const NodeInfo& node) const;
  Status RunAddPod(CycleState& state, const PodInfo& to_schedule, const PodInfo& added,
                   const NodeInfo& node) const;
  Status RunRemovePod(CycleState& state, const PodInfo& to_schedule, const PodInfo& removed,
                      const NodeInfo& node) const;
  Status Stamped(const Verdict& verdict) const;

  // One plugin after the other; framework.md section 2.5. state: must live until done, which is
  // called once, on the executor of the plugins' calls.
  void RunPostFilter(CycleState& state, PodPtr pod,
                     std::shared_ptr<const NodeStatusReader> statuses, PostFilterDone done) const;
  // except: as above.
  Status RunPreScore(CycleState& state, const PodInfo& pod,
                     std::span<const NodeInfo* const> feasible, uint64_t except = 0) const;
  Status RunScore(const CycleState& state, const PodInfo& pod,
                  std::span<const NodeInfo* const> feasible, ScoreTable& out) const;

  Status RunReserve(CycleState& state, const PodInfo& pod, std::string_view node) const;
  void RunUnreserve(CycleState& state, const PodInfo& pod, std::string_view node) const;
  struct PermitOutcome {
    Status status;  // Success, Wait, or stamped failure
    std::vector<std::pair<std::string, absl::Duration>> waits;  // plugin, timeout
  };
  PermitOutcome RunPermit(CycleState& state, const PodInfo& pod, std::string_view node) const;

  struct PreFlight {
    Status status;  // Success: some plugin has work. Skip: none. Else failed.
    // Of each PreBind plugin, in order.
    std::vector<PreBindPreFlightResult> results;
  };
  PreFlight RunPreBindPreFlight(CycleState& state, const PodInfo& pod,
                                std::string_view node) const;
  // Groups of plugins that allow it run together; the first failure wins.
  // state, pod: must live until done, which is called once, on the executor of the plugins' calls.
  void RunPreBind(CycleState& state, PodPtr pod, std::string node, PreFlight flight,
                  StatusDone done) const;
  // In order until one does not skip. Skip when all do.
  void RunBind(CycleState& state, PodPtr pod, std::string node, StatusDone done) const;
  void RunPostBind(CycleState& state, const PodInfo& pod, std::string_view node) const;

 private:
  struct BindRun;
  void BindFrom(size_t index, std::shared_ptr<BindRun> run) const;
  void NormalizeAndWeigh(const CycleState& state, const PodInfo& pod,
                         std::span<const NodeInfo* const> feasible, ScoreTable& out,
                         Status& status) const;

  const Profile& profile_;
  const Nominator& nominator_;
  Metrics& metrics_;
  Executor& executor_;
  Clock& clock_;
  const std::unique_ptr<PluginCounts> counts_;
  const std::unique_ptr<PluginTimes> times_;
  Lifetime lifetime_;
};

}  // namespace berth::framework
