// What a load did to a cluster, told to a person: throughput, latencies, spread, conflicts.
// Pure functions over observations (load_generator.h makes them).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/time/time.h>

namespace berth::up {

// One pod as a client saw it; InfiniteFuture for what has not happened.
struct PodTimes {
  absl::Time created = absl::InfiniteFuture();  // the request was sent
  absl::Time bound = absl::InfiniteFuture();    // the watch showed its node
  absl::Time running = absl::InfiniteFuture();  // the watch showed it Running
  std::string scheduler;
  std::string node;
};

// A share of nodes' allocatable.
struct NodeUse {
  std::string name;
  int64_t pods = 0, pods_max = 0;
  int64_t milli_cpu = 0, milli_cpu_max = 0;
  int64_t memory_bytes = 0, memory_bytes_max = 0;
  bool Overcommitted() const {
    return pods > pods_max || milli_cpu > milli_cpu_max || memory_bytes > memory_bytes_max;
  }
};

struct Percentiles {
  absl::Duration p50, p90, p99, max;
};
// Nearest rank: the smallest value with at least that share of values at or below it.
// Of nothing: zeros. Reorders `values`.
Percentiles PercentilesOf(std::vector<absl::Duration>& values);

struct Spread {
  int64_t min = 0, max = 0;
  double mean = 0, stddev = 0;               // of the population
  std::map<int64_t, int64_t> histogram;      // pods on a node -> nodes
};
Spread SpreadOf(const std::vector<int64_t>& pods_per_node);

// One step of a load: what was asked for and seen.
struct LoadStepReport {
  std::string title;                // "10,000 pods of 500m cpu, 512Mi"
  std::vector<PodTimes> pods;
  int64_t conflicts = 0;            // bindings refused with 409 meanwhile
  // Schedulers named in the step, in order, for the table.
  std::vector<std::string> schedulers;
};

// Each ends with a newline; columns at most 100. colour: ANSI codes.
std::string RenderStep(const LoadStepReport& step, bool colour);
std::string RenderNodes(const std::vector<NodeUse>& nodes, bool colour);

}  // namespace berth::up
