#include "bench/scheduler_perf/op.h"

#include <string_view>
#include <utility>

#include <fmt/core.h>

#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

using api::JsonValue;

absl::Status ParseAllocatable(const JsonValue& json, const std::string& where, NodeStrategy& out) {
  Fields fields(json, where);
  out.allocatable = fields.TextMap("nodeAllocatable");
  out.migrated_plugins = fields.Texts("migratedPlugins");
  for (const auto& [driver, amounts] : fields.Object("csiNodeAllocatable")) {
    Fields one(amounts, where + ".csiNodeAllocatable." + driver);
    out.csi_volumes[driver] = one.Whole("count");
    fields.Adopt(one.Finish());
  }
  return fields.Finish();
}

void ParseStrategy(Fields& fields, NodeStrategy& out) {
  int strategies = 0;
  if (const char* key = "nodeAllocatableStrategy"; fields.Find(key) != nullptr) {
    ++strategies;
    fields.Adopt(ParseAllocatable(*fields.Find(key), fields.where() + "." + key, out));
  }
  for (const char* key : {"labelNodePrepareStrategy", "uniqueNodeLabelStrategy"}) {
    if (fields.Find(key) == nullptr) continue;
    ++strategies;
    const bool unique = std::string_view(key).starts_with("unique");
    Fields strategy(*fields.Find(key), fields.where() + "." + key);
    out.label_key = strategy.Text("labelKey");
    if (out.label_key.empty()) strategy.Fail("labelKey is required");
    if (!unique) {
      out.label_values = strategy.Texts("labelValues");
      if (out.label_values.empty()) strategy.Fail("labelValues is required");
    }
    fields.Adopt(strategy.Finish());
  }
  if (strategies > 1) fields.Fail("at most one node strategy may be set");
}

void ParseCreateNodes(Fields& fields, Op& op) {
  op.count = fields.Number("count", "countParam");
  op.template_path = fields.Text("nodeTemplatePath");
  ParseStrategy(fields, op.strategy);
}

void ParseCreateNamespaces(Fields& fields, Op& op) {
  op.count = fields.Number("count", "countParam");
  op.prefix = fields.Text("prefix");
  op.template_path = fields.Text("namespaceTemplatePath");
  if (op.prefix.empty()) fields.Fail("prefix is required");
}

void ParseCreatePods(Fields& fields, Op& op) {
  op.count = fields.Number("count", "countParam");
  op.namespace_name = fields.Text("namespace");
  op.template_path = fields.Text("podTemplatePath");
  op.collect_metrics = fields.Bool("collectMetrics");
  op.skip_wait = fields.Bool("skipWaitToCompletion");
  op.steady_state = fields.Bool("steadyState");
  op.steady_state_param = fields.Param("steadyStateParam");
  op.duration = fields.Text("duration");
  op.duration_param = fields.Param("durationParam");
  op.volume_path = fields.Text("persistentVolumeTemplatePath");
  op.claim_path = fields.Text("persistentVolumeClaimTemplatePath");
  if (op.collect_metrics && op.skip_wait) {
    fields.Fail("collectMetrics and skipWaitToCompletion cannot be true at the same time");
  }
  if (op.skip_wait && op.steady_state) {
    fields.Fail("skipWaitToCompletion and steadyState cannot be true at the same time");
  }
  if (op.steady_state && op.duration.empty() && op.duration_param.empty()) {
    fields.Fail("when creating pods in a steady state, the test duration must be > 0");
  }
  if (op.volume_path.empty() != op.claim_path.empty()) {
    fields.Fail("persistentVolumeTemplatePath and persistentVolumeClaimTemplatePath must be set "
                "together");
  }
}

void ParseCreatePodSets(Fields& fields, Op& op) {
  op.count = fields.Number("count", "countParam");
  op.prefix = fields.Text("namespacePrefix");
  const JsonValue* json = fields.Find("createPodsOp");
  if (json == nullptr) return fields.Fail("createPodsOp is required");
  absl::StatusOr<Op> inner = ParseOp(*json, fields.where() + ".createPodsOp");
  if (!inner.ok()) return fields.Adopt(inner.status());
  if (inner->code != OpCode::kCreatePods) return fields.Fail("createPodsOp must be createPods");
  op.create_pods = std::make_shared<const Op>(*std::move(inner));
}

void ParseDeletePods(Fields& fields, Op& op) {
  op.namespace_name = fields.Text("namespace");
  op.label_selector = fields.TextMap("labelSelector");
  op.skip_wait = fields.Bool("skipWaitToCompletion");
  op.per_second = fields.Whole("deletePodsPerSecond");
  if (op.per_second < 0) {
    fields.Fail(fmt::format("invalid DeletePodsPerSecond={}; should be non-negative",
                            op.per_second));
  }
}

void ParseChurn(Fields& fields, Op& op) {
  const std::string mode = fields.Text("mode");
  op.recreate = mode == "recreate";
  op.number = fields.Whole("number");
  op.namespace_name = fields.Text("namespace");
  op.template_paths = fields.Texts("templatePaths");
  if (const int64_t interval = fields.Whole("intervalMilliseconds"); interval != 0) {
    op.interval_ms = interval;
  }
  if (mode != "create" && mode != "recreate") {
    fields.Fail(fmt::format("invalid mode: {}. must be one of [recreate create]", mode));
  }
  if (op.number < 0) fields.Fail(fmt::format("number ({}) cannot be negative", op.number));
  if (op.recreate && op.number == 0) fields.Fail("number cannot be 0 when mode is recreate");
  if (op.template_paths.empty()) {
    fields.Fail("at least one template spec file needs to be specified");
  }
  if (op.interval_ms < 0) fields.Fail("intervalMilliseconds cannot be negative");
}

void ParseAny(Fields& fields, Op& op) {
  op.namespace_name = fields.Text("namespace");
  op.template_path = fields.Text("templatePath");
  const bool counted = fields.Find("count") != nullptr || fields.Find("countParam") != nullptr;
  op.count = fields.Number("count", "countParam");
  if (!counted) op.count.value = 1;
  if (op.template_path.empty()) fields.Fail("TemplatePath must be set");
  if (op.code == OpCode::kCreateAny) return;
  op.subresources = fields.Texts("subresources");
  op.per_second = fields.Whole("updatePerSecond");
  if (op.per_second < 0) {
    fields.Fail(fmt::format("invalid UpdatePerSecond={}; should be non-negative", op.per_second));
  }
}

void ParseCreateResourceClaims(Fields& fields, Op& op) {
  op.namespace_name = fields.Text("namespace");
  op.template_path = fields.Text("templatePath");
  op.count = fields.Number("count", "countParam");
  if (op.namespace_name.empty()) fields.Fail("Namespace must be set");
  if (op.template_path.empty()) fields.Fail("TemplatePath must be set");
}

void ParseCreateResourceDriver(Fields& fields, Op& op) {
  op.driver_name = fields.Text("driverName");
  op.node_glob = fields.Text("nodes");
  op.count = fields.Number("maxClaimsPerNode", "maxClaimsPerNodeParam");
  if (op.driver_name.empty()) fields.Fail("DriverName must be set");
  if (op.node_glob.empty()) fields.Fail("Nodes must be set");
}

void ParseAllocResourceClaims(Fields& fields, Op& op) {
  op.namespace_name = fields.Text("namespace");
}

void ParseBarrier(Fields& fields, Op& op) {
  op.namespaces = fields.Texts("namespaces");
  op.label_selector = fields.TextMap("labelSelector");
  const std::string stage = fields.Text("stageRequirement");
  op.attempted = stage == "Attempted";
  if (!stage.empty() && stage != "Scheduled" && stage != "Attempted") {
    fields.Fail(fmt::format("invalid StageRequirement {}", stage));
  }
}

void ParseSleep(Fields& fields, Op& op) {
  op.duration = fields.Text("duration");
  op.duration_param = fields.Param("durationParam");
}

void ParseStartCollecting(Fields& fields, Op& op) {
  op.collector_name = fields.Text("name");
  op.namespaces = fields.Texts("namespaces");
  op.label_selector = fields.TextMap("labelSelector");
  if (op.namespaces.empty()) fields.Fail("namespaces cannot be empty");
}

void ParseStopCollecting(Fields&, Op&) {}

struct Row {
  std::string_view name;
  OpCode code;
  void (*parse)(Fields&, Op&);
};
constexpr Row kRows[] = {
    {"createNodes", OpCode::kCreateNodes, ParseCreateNodes},
    {"createNamespaces", OpCode::kCreateNamespaces, ParseCreateNamespaces},
    {"createPods", OpCode::kCreatePods, ParseCreatePods},
    {"createPodSets", OpCode::kCreatePodSets, ParseCreatePodSets},
    {"deletePods", OpCode::kDeletePods, ParseDeletePods},
    {"churn", OpCode::kChurn, ParseChurn},
    {"createAny", OpCode::kCreateAny, ParseAny},
    {"updateAny", OpCode::kUpdateAny, ParseAny},
    {"createResourceClaims", OpCode::kCreateResourceClaims, ParseCreateResourceClaims},
    {"createResourceDriver", OpCode::kCreateResourceDriver, ParseCreateResourceDriver},
    {"allocResourceClaims", OpCode::kAllocResourceClaims, ParseAllocResourceClaims},
    {"barrier", OpCode::kBarrier, ParseBarrier},
    {"sleep", OpCode::kSleep, ParseSleep},
    {"startCollectingMetrics", OpCode::kStartCollectingMetrics, ParseStartCollecting},
    {"stopCollectingMetrics", OpCode::kStopCollectingMetrics, ParseStopCollecting},
};

}  // namespace

std::vector<std::string> Op::Params() const {
  std::vector<std::string> out;
  for (const std::string& name : {count.param, duration_param, steady_state_param}) {
    if (!name.empty()) out.push_back(name);
  }
  if (create_pods != nullptr) {
    for (std::string& name : create_pods->Params()) out.push_back(std::move(name));
  }
  return out;
}

bool Op::CollectsMetrics() const {
  if (code == OpCode::kStopCollectingMetrics) return true;
  return collect_metrics || (create_pods != nullptr && create_pods->collect_metrics);
}

absl::StatusOr<Op> ParseOp(const JsonValue& json, const std::string& where) {
  Fields fields(json, where);
  const std::string name = fields.Text("opcode");
  for (const Row& row : kRows) {
    if (name != row.name) continue;
    Op op;
    op.code = row.code;
    row.parse(fields, op);
    BERTH_RETURN_IF_ERROR(fields.Finish());
    return op;
  }
  fields.Fail(fmt::format("unknown opcode \"{}\"", name));
  return fields.Finish();
}

}  // namespace berth::bench
