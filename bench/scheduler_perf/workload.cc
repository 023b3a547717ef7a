#include "bench/scheduler_perf/workload.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <fmt/core.h>
#include <simdjson.h>

#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

using simdjson::dom::element;

// Reads the members of one object, remembering which; Finish complains about the others.
class Fields {
 public:
  Fields(element object, std::string where) : object_(object), where_(std::move(where)) {
    if (!object_.is_object()) Fail("must be an object");
  }
  bool Has(const char* key) {
    seen_.insert(key);
    element found;
    return object_.is_object() &&
           object_.get_object().at_key(key).get(found) == simdjson::SUCCESS;
  }
  element At(const char* key) {
    seen_.insert(key);
    return object_.get_object().at_key(key).value_unsafe();
  }
  std::string Text(const char* key) {
    if (!Has(key)) return {};
    std::string_view text;
    if (At(key).get(text) != simdjson::SUCCESS) Fail(fmt::format("{} must be a string", key));
    return std::string(text);
  }
  bool Bool(const char* key) {
    bool value = false;
    if (Has(key) && At(key).get(value) != simdjson::SUCCESS) {
      Fail(fmt::format("{} must be true or false", key));
    }
    return value;
  }
  std::vector<std::string> Texts(const char* key) {
    std::vector<std::string> out;
    if (!Has(key)) return out;
    simdjson::dom::array array;
    if (At(key).get(array) != simdjson::SUCCESS) {
      Fail(fmt::format("{} must be a list", key));
      return out;
    }
    for (element item : array) out.emplace_back(item.get_string().value_unsafe());
    return out;
  }
  // The literal, or `...Param` with "$name"; a literal 0 beside a parameter means the parameter.
  Count Number(const char* key, const char* param_key) {
    Count count;
    if (Has(key) && At(key).get(count.value) != simdjson::SUCCESS) {
      Fail(fmt::format("{} must be a whole number", key));
    }
    const std::string param = Text(param_key);
    if (!param.empty() && param[0] != '$') Fail(fmt::format("{} must begin with $", param_key));
    if (!param.empty() && count.value == 0) count.param = param.substr(1);
    return count;
  }
  void Fail(const std::string& what) {
    if (error_.ok()) error_ = absl::InvalidArgumentError(where_ + ": " + what);
  }
  // A part of the format that is right and cannot be run yet.
  void Later(std::string_view what) {
    if (!later_.ok()) return;
    later_ = absl::UnimplementedError(
        ToAbsl(fmt::format("{}: {} is not supported yet (docs/parity.md)", where_, what)));
  }
  const absl::Status& later() const { return later_; }
  absl::Status Finish() {
    if (!error_.ok() || !object_.is_object()) return error_;
    for (auto field : object_.get_object()) {
      if (!seen_.contains(std::string(field.key))) {
        Fail(fmt::format("unknown field \"{}\"", field.key));
      }
    }
    return error_;
  }

 private:
  element object_;
  std::string where_;
  std::set<std::string, std::less<>> seen_;
  absl::Status error_, later_;
};

absl::StatusOr<OpCode> ParseOpCode(const std::string& text, const std::string& where) {
  static constexpr std::pair<std::string_view, OpCode> kCodes[] = {
      {"createNodes", OpCode::kCreateNodes},
      {"createNamespaces", OpCode::kCreateNamespaces},
      {"createPods", OpCode::kCreatePods},
      {"barrier", OpCode::kBarrier},
      {"sleep", OpCode::kSleep},
  };
  for (const auto& [name, code] : kCodes) {
    if (text == name) return code;
  }
  static constexpr std::string_view kLater[] = {
      "createPodSets", "deletePods", "churn", "createAny", "updateAny", "createResourceClaims",
      "createResourceDriver", "allocResourceClaims", "startCollectingMetrics",
      "stopCollectingMetrics"};
  if (std::find(std::begin(kLater), std::end(kLater), text) != std::end(kLater)) {
    return absl::UnimplementedError(
        fmt::format("{}: opcode {} is not supported yet (docs/parity.md)", where, text));
  }
  return absl::InvalidArgumentError(fmt::format("{}: unknown opcode \"{}\"", where, text));
}

void ParseNodeStrategies(Fields& fields, Op& op, const std::string& where) {
  for (const char* later : {"nodeAllocatableStrategy", "uniqueNodeLabelStrategy"}) {
    if (fields.Has(later)) fields.Later(later);
  }
  if (!fields.Has("labelNodePrepareStrategy")) return;
  Fields strategy(fields.At("labelNodePrepareStrategy"), where + ".labelNodePrepareStrategy");
  op.label_key = strategy.Text("labelKey");
  op.label_values = strategy.Texts("labelValues");
  if (op.label_key.empty() || op.label_values.empty()) {
    strategy.Fail("labelKey and labelValues are required");
  }
  if (const absl::Status bad = strategy.Finish(); !bad.ok()) {
    fields.Fail(std::string(ToStd(bad.message())));
  }
}

absl::StatusOr<Op> ParseOp(element json, const std::string& where) {
  Fields fields(json, where);
  Op op;
  BERTH_ASSIGN_OR_RETURN(op.code, ParseOpCode(fields.Text("opcode"), where));
  switch (op.code) {
    case OpCode::kCreateNodes:
      op.count = fields.Number("count", "countParam");
      op.template_path = fields.Text("nodeTemplatePath");
      ParseNodeStrategies(fields, op, where);
      break;
    case OpCode::kCreateNamespaces:
      op.count = fields.Number("count", "countParam");
      op.prefix = fields.Text("prefix");
      op.template_path = fields.Text("namespaceTemplatePath");
      if (op.prefix.empty()) fields.Fail("prefix is required");
      break;
    case OpCode::kCreatePods:
      op.count = fields.Number("count", "countParam");
      op.namespace_name = fields.Text("namespace");
      op.template_path = fields.Text("podTemplatePath");
      op.collect_metrics = fields.Bool("collectMetrics");
      op.skip_wait = fields.Bool("skipWaitToCompletion");
      for (const char* later : {"steadyState", "persistentVolumeTemplatePath",
                                "persistentVolumeClaimTemplatePath"}) {
        if (fields.Has(later)) fields.Later(later);
      }
      if (op.collect_metrics && op.skip_wait) {
        fields.Fail("collectMetrics and skipWaitToCompletion cannot be set at the same time");
      }
      break;
    case OpCode::kBarrier: {
      op.namespaces = fields.Texts("namespaces");
      const std::string stage = fields.Text("stageRequirement");
      if (!stage.empty() && stage != "Scheduled") {
        fields.Later("stageRequirement other than Scheduled");
      }
      break;
    }
    case OpCode::kSleep:
      op.duration = fields.Text("duration");
      if (const std::string param = fields.Text("durationParam"); !param.empty()) {
        op.duration = param;
      }
      break;
  }
  BERTH_RETURN_IF_ERROR(fields.Finish());
  BERTH_RETURN_IF_ERROR(fields.later());
  return op;
}

std::string ScalarText(element value) {
  std::string_view text;
  if (value.get(text) == simdjson::SUCCESS) return std::string(text);
  return simdjson::minify(value);
}

std::map<std::string, bool> ParseGates(Fields& fields, const char* key) {
  std::map<std::string, bool> gates;
  if (!fields.Has(key)) return gates;
  simdjson::dom::object object;
  if (fields.At(key).get(object) != simdjson::SUCCESS) {
    fields.Fail(fmt::format("{} must be an object", key));
    return gates;
  }
  for (auto field : object) {
    bool on = false;
    if (field.value.get(on) != simdjson::SUCCESS) {
      fields.Fail(fmt::format("{}.{} must be true or false", key, field.key));
    }
    gates[std::string(field.key)] = on;
  }
  return gates;
}

absl::StatusOr<Workload> ParseWorkload(element json, const std::string& where) {
  Fields fields(json, where);
  Workload workload;
  workload.name = fields.Text("name");
  if (workload.name.empty()) fields.Fail("name is required");
  workload.labels = fields.Texts("labels");
  workload.feature_gates = ParseGates(fields, "featureGates");
  if (fields.Has("threshold")) {
    const element threshold = fields.At("threshold");
    if (threshold.is_object()) {
      fields.Later("a threshold by topic");
    } else if (threshold.get(workload.threshold) != simdjson::SUCCESS) {
      fields.Fail("threshold must be a number or an object");
    }
  }
  if (fields.Has("thresholdMetricSelector")) fields.Later("thresholdMetricSelector");
  if (fields.Has("params")) {
    simdjson::dom::object params;
    if (fields.At("params").get(params) != simdjson::SUCCESS) {
      fields.Fail("params must be an object");
    } else {
      for (auto field : params) workload.params[std::string(field.key)] = ScalarText(field.value);
    }
  }
  BERTH_RETURN_IF_ERROR(fields.Finish());
  workload.supported = fields.later();
  return workload;
}

// Every parameter is used by some op, and every one used is there.
absl::Status CheckParams(const TestCase& test_case) {
  std::set<std::string> used;
  for (const Op& op : test_case.ops) {
    if (!op.count.param.empty()) used.insert(op.count.param);
    if (op.duration.starts_with('$')) used.insert(op.duration.substr(1));
  }
  for (const Workload& workload : test_case.workloads) {
    for (const std::string& name : used) {
      if (!workload.params.contains(name)) {
        return absl::InvalidArgumentError(
            fmt::format("{}/{}: parameter ${} is not there", test_case.name, workload.name, name));
      }
    }
    for (const auto& [name, value] : workload.params) {
      if (!used.contains(name)) {
        return absl::InvalidArgumentError(fmt::format("{}/{}: unused parameter {}",
                                                      test_case.name, workload.name, name));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status ParseLists(Fields& fields, TestCase& out) {
  simdjson::dom::array ops, workloads;
  if (!fields.Has("workloadTemplate") ||
      fields.At("workloadTemplate").get(ops) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(out.name + ": workloadTemplate must be a list");
  }
  int index = 0;
  for (element op : ops) {
    absl::StatusOr<Op> parsed = ParseOp(op, fmt::format("{}: op {}", out.name, index++));
    if (absl::IsUnimplemented(parsed.status())) {
      out.supported.Update(parsed.status());
      continue;
    }
    BERTH_RETURN_IF_ERROR(parsed.status());
    out.ops.push_back(*std::move(parsed));
  }
  if (!fields.Has("workloads") || fields.At("workloads").get(workloads) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError(out.name + ": workloads must be a list");
  }
  std::set<std::string> names;
  for (element workload : workloads) {
    BERTH_ASSIGN_OR_RETURN(
        Workload parsed,
        ParseWorkload(workload, fmt::format("{}: workload {}", out.name, out.workloads.size())));
    if (!names.insert(parsed.name).second) {
      return absl::InvalidArgumentError(
          fmt::format("{}: workload name {} is not unique", out.name, parsed.name));
    }
    out.workloads.push_back(std::move(parsed));
  }
  return absl::OkStatus();
}

absl::StatusOr<TestCase> ParseCase(element json, size_t index) {
  Fields fields(json, fmt::format("test case {}", index));
  TestCase out;
  out.name = fields.Text("name");
  if (out.name.empty()) fields.Fail("name is required");
  out.scheduler_config_path = fields.Text("schedulerConfigPath");
  out.default_pod_template_path = fields.Text("defaultPodTemplatePath");
  if (fields.Has("defaultThresholdMetricSelector")) fields.Later("defaultThresholdMetricSelector");
  const std::vector<std::string> labels = fields.Texts("labels");
  const std::map<std::string, bool> gates = ParseGates(fields, "featureGates");
  fields.Has("metricsCollectorConfig");  // read and not used: only the default set is collected
  BERTH_RETURN_IF_ERROR(ParseLists(fields, out));
  BERTH_RETURN_IF_ERROR(fields.Finish());
  for (Workload& workload : out.workloads) {
    workload.labels.insert(workload.labels.begin(), labels.begin(), labels.end());
    workload.feature_gates.insert(gates.begin(), gates.end());
  }
  out.supported.Update(fields.later());
  if (!out.supported.ok()) return out;  // what its ops use is not known
  const bool collects = std::any_of(out.ops.begin(), out.ops.end(),
                                    [](const Op& op) { return op.collect_metrics; });
  if (!collects) return absl::InvalidArgumentError(out.name + ": no op collects metrics");
  BERTH_RETURN_IF_ERROR(CheckParams(out));
  return out;
}

}  // namespace

absl::StatusOr<WorkloadFile> ParseWorkloads(std::string_view yaml, std::string folder) {
  BERTH_ASSIGN_OR_RETURN(const std::vector<std::string> documents, api::YamlToJson(yaml));
  simdjson::dom::parser parser;
  simdjson::dom::array cases;
  if (documents.size() != 1 || parser.parse(documents[0]).get(cases) != simdjson::SUCCESS) {
    return absl::InvalidArgumentError("a workload file is a list of test cases");
  }
  WorkloadFile file{std::move(folder), {}};
  for (element json_case : cases) {
    BERTH_ASSIGN_OR_RETURN(TestCase parsed, ParseCase(json_case, file.cases.size()));
    file.cases.push_back(std::move(parsed));
  }
  return file;
}

absl::StatusOr<WorkloadFile> ReadWorkloads(const std::string& path) {
  std::ifstream in(path);
  if (!in) return absl::NotFoundError(fmt::format("{}: cannot be read", path));
  std::ostringstream text;
  text << in.rdbuf();
  auto file = ParseWorkloads(text.str(), std::filesystem::path(path).parent_path().string());
  if (!file.ok()) {
    return absl::Status(file.status().code(),
                        fmt::format("{}: {}", path, ToStd(file.status().message())));
  }
  return file;
}

absl::StatusOr<int64_t> Resolve(const Count& count, const Workload& workload) {
  if (count.param.empty()) return count.value;
  const auto it = workload.params.find(count.param);
  int64_t value = 0;
  if (it == workload.params.end()) {
    return absl::InvalidArgumentError(fmt::format("parameter ${} is not there", count.param));
  }
  const std::string& text = it->second;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0) {
    return absl::InvalidArgumentError(
        fmt::format("parameter ${} is not a count: {}", count.param, text));
  }
  return value;
}

bool MatchesLabels(std::string_view filter, const std::vector<std::string>& labels) {
  while (!filter.empty()) {
    const size_t comma = std::min(filter.find(','), filter.size());
    std::string_view item = filter.substr(0, comma);
    filter.remove_prefix(std::min(comma + 1, filter.size()));
    const bool absent = item.starts_with('-');
    if (absent || item.starts_with('+')) item.remove_prefix(1);
    if (item.empty()) continue;
    const bool has = std::find(labels.begin(), labels.end(), item) != labels.end();
    if (has == absent) return false;
  }
  return true;
}

}  // namespace berth::bench
