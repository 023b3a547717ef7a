// The operations of a scheduler_perf workload template, as they stand in the file.
// Source: test/integration/scheduler_perf/{operations,update,dra}.go.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "api/json_value.h"
#include "bench/scheduler_perf/fields.h"

namespace berth::bench {

enum class OpCode : uint8_t {
  kCreateNodes,
  kCreateNamespaces,
  kCreatePods,
  kCreatePodSets,
  kDeletePods,
  kChurn,
  kCreateAny,
  kUpdateAny,
  kCreateResourceClaims,
  kCreateResourceDriver,
  kAllocResourceClaims,
  kBarrier,
  kSleep,
  kStartCollectingMetrics,
  kStopCollectingMetrics,
};

// What createNodes does to each node beside its template. At most one is set.
struct NodeStrategy {
  // labelNodePrepareStrategy: values are dealt out round-robin by node index.
  // uniqueNodeLabelStrategy: no values; each node has one of its own.
  std::string label_key;
  std::vector<std::string> label_values;
  // nodeAllocatableStrategy: amounts by resource, volumes by CSI driver, in-tree plugins that the
  // node says are migrated.
  std::map<std::string, std::string> allocatable;
  std::map<std::string, int64_t> csi_volumes;
  std::vector<std::string> migrated_plugins;
};

struct Op {
  OpCode code = OpCode::kCreateNodes;
  // Of objects; of createResourceDriver: maxClaimsPerNode. createAny and updateAny default to 1.
  Count count;
  std::string template_path;   // empty: the built-in default
  std::string namespace_name;  // createPods and churn, empty: "namespace-<op index>"
  std::string prefix;          // createNamespaces; createPodSets: namespacePrefix
  NodeStrategy strategy;       // createNodes

  // createPods
  bool collect_metrics = false;
  bool skip_wait = false;  // deletePods too
  bool steady_state = false;
  std::string steady_state_param;
  std::string duration, duration_param;  // steady state, sleep; Go's form: "2s"
  std::string volume_path, claim_path;
  std::shared_ptr<const Op> create_pods;  // createPodSets

  // deletePods, barrier, startCollectingMetrics: pods with all of these. Empty: all pods.
  std::map<std::string, std::string> label_selector;
  std::vector<std::string> namespaces;  // barrier, empty: all known; startCollectingMetrics
  bool attempted = false;               // barrier: stageRequirement Attempted
  std::string collector_name;           // startCollectingMetrics
  int64_t per_second = 0;               // deletePods, updateAny; 0: as fast as possible
  std::vector<std::string> subresources;  // updateAny

  // churn
  bool recreate = false;
  int64_t number = 0;
  int64_t interval_ms = 500;
  std::vector<std::string> template_paths;

  std::string driver_name, node_glob;  // createResourceDriver

  // Every parameter it refers to.
  std::vector<std::string> Params() const;
  bool CollectsMetrics() const;
};

// where: for messages ("Basic: op 2"). InvalidArgument: an unknown opcode or field, a wrong type,
// what upstream refuses in upstream's words.
absl::StatusOr<Op> ParseOp(const api::JsonValue& json, const std::string& where);

}  // namespace berth::bench
