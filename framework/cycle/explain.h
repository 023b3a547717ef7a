// Explanation: everything a profile says about one pod on the cluster as it is: what each node was
// told by which plugin, every score, the best nodes, and the message of a pod that fits nowhere.
//
// It is what the scheduling cycle computes, by the same calls, with nothing left out: every node is
// looked at, also where a cycle would stop early or reuse what it knows.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "framework/fwd.h"
#include "framework/plugin.h"
#include "framework/pod_info.h"
#include "framework/status.h"

namespace berth::framework {

struct EngineCore;

struct Explanation {
  struct NodeVerdict {
    std::string node;
    Status status;  // stamped with the plugin: the first that rejects it, which counts
    std::vector<Status> others;  // of the plugins after that which reject it too
  };
  struct PluginScore {
    std::string plugin;
    int64_t raw = 0, normalized = 0, weighted = 0;
  };
  struct NodeScores {
    std::string node;
    std::vector<PluginScore> plugins;
    int64_t total = 0;
  };

  Status pre_filter;  // Success: the nodes were looked at
  std::optional<std::vector<std::string>> narrowed_to;  // by PreFilter
  std::vector<NodeVerdict> rejected;                    // in the snapshot's order
  std::vector<std::string> feasible;                    // the same
  std::vector<NodeScores> scores;  // of the feasible nodes; none with fewer than two
  std::vector<std::string> best;   // in the snapshot's order
  std::string chosen;              // what the profile's tie-break takes of these
  std::string message;             // why there is none, before PostFilter
  // What PostFilter would do then: where room could be made, the best of these nodes, and the whole
  // message when there is none.
  struct Preemption {
    std::vector<PreemptionCandidate> candidates;
    std::vector<std::string> pick;
    std::string message;
  };
  std::optional<Preemption> preemption;
  std::string error;               // the cycle failed
};

// pod: without a node. The cluster is what the engine has heard of so far; nothing is changed but
// the tie-break cursor. Errors are in the explanation.
Explanation Explain(EngineCore& core, const PodPtr& pod);

}  // namespace berth::framework
