// An engine that shares evaluations, in a random cluster, and after every change the question
// whether it answers as one does that shares nothing: verdict by verdict, score by score, and in
// what it chooses.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "framework/profile/plugin_config.h"
#include "framework/registry.h"
#include "tests/framework/random_cluster.h"

namespace berth::framework::testing {

struct TwinOptions {
  uint64_t seed = 1;
  int steps = 20;
  TieBreak tie_break = TieBreak::kRoundRobin;
  // One step in so many is also compared with an engine that has just begun; 0: none is.
  int fresh_every = 6;
  int favour = -1;  // see RandomCluster
  // A fault of the engine that is planted: see EngineTestPeer.
  bool (*does_not_mark)(Change) = nullptr;  // changes of these kinds are not in the log
  bool keeps_maxima = false;                // a maximum that nobody has any more still counts
  bool misses_objects = false;              // changes of other resources are not heard of
};

struct TwinResult {
  std::string difference;  // the first; empty: there was none
  Change after = Change::kLabel;
  std::set<std::string> heard;  // plugins that rejected a node or gave it a score
  int64_t steps = 0, questions = 0, shared = 0, checked = 0, bound = 0;
};

// Ends at the first difference.
TwinResult RunTwins(const ProfileConfig& profile, const Registry& registry,
                    const TwinOptions& options);

}  // namespace berth::framework::testing
