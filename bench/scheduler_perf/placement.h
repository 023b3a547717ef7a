// Placement quality: how well the pods of a workload fill its nodes, at moments of its run.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "bench/scheduler_perf/pod_ledger.h"
#include "bench/scheduler_perf/target.h"

namespace berth::bench {

// Of one resource; shares of what the nodes can hand out, in [0, 1].
struct ResourceUse {
  double mean = 0;      // over nodes that have the resource, of requested / allocatable
  double deviation = 0;  // over the same nodes: the standard deviation
  // Free, but on nodes that take no further pod of the workload's shapes: the mean over the shapes,
  // weighted by how many pods have each.
  double stranded = 0;
};

struct Placement {
  absl::Duration at;  // since the first create that is measured
  int64_t nodes = 0, nodes_used = 0;
  int64_t bound = 0;          // pods that are there and have a node
  int64_t pending = 0;        // pods that are there and have none
  int64_t unschedulable = 0;  // of them, those that were told that no node takes them
  // "cpu", "memory", "pods" and whatever else a pod asks for.
  std::map<std::string, ResourceUse> resources;

  // Of the pods that are there.
  double UnschedulableShare() const;
};

// At `points` moments evenly spread over (begin, end], the last of them `end`. nodes: as they are
// now. A shape is what a pod asks for; of more than 16 different ones the most frequent are looked
// at. What fits is judged by resources alone, not by affinity, taints or ports.
// Cost: O(pods log pods + points x nodes x shapes). Threads: pure.
std::vector<Placement> PlacementOverTime(const std::vector<ObjectPtr>& nodes,
                                         const std::vector<PodStay>& pods, absl::Time begin,
                                         absl::Time end, int points);

}  // namespace berth::bench
