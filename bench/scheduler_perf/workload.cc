#include "bench/scheduler_perf/workload.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "api/json_value.h"
#include "api/yaml.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/fields.h"

namespace berth::bench {
namespace {

using api::JsonValue;

absl::StatusOr<MetricSelector> ParseSelector(const JsonValue& json, const std::string& where) {
  Fields fields(json, where);
  MetricSelector out;
  out.data_bucket.clear();
  if (const std::string name = fields.Text("name"); !name.empty()) out.name = name;
  out.labels = fields.TextMap("labels");
  out.data_bucket = fields.Text("dataBucket");
  out.expect_lower = fields.Bool("expectLower");
  if (out.name == kThroughputMetric && out.data_bucket.empty()) out.data_bucket = "Average";
  BERTH_RETURN_IF_ERROR(fields.Finish());
  return out;
}

void ParseThresholds(Fields& fields, Workload& out) {
  const JsonValue* threshold = fields.Find("threshold");
  if (threshold == nullptr) return;
  if (!threshold->is_object()) {
    out.thresholds[""] = fields.Number("threshold");
    return;
  }
  Fields by_topic(*threshold, fields.where() + ".threshold");
  for (const auto& [topic, value] : threshold->object()) {
    out.thresholds[topic] = by_topic.Number(topic.c_str());
  }
  fields.Adopt(by_topic.Finish());
}

absl::StatusOr<Workload> ParseWorkload(const JsonValue& json, const std::string& where,
                                       const MetricSelector& selector) {
  Fields fields(json, where);
  Workload out;
  out.name = fields.Text("name");
  if (out.name.empty()) fields.Fail("name is required");
  out.labels = fields.Texts("labels");
  out.feature_gates = fields.BoolMap("featureGates");
  out.params = fields.TextMap("params");
  out.threshold_selector = selector;
  ParseThresholds(fields, out);
  if (const char* key = "thresholdMetricSelector"; fields.Find(key) != nullptr) {
    BERTH_ASSIGN_OR_RETURN(out.threshold_selector,
                           ParseSelector(*fields.Find(key), where + "." + key));
  }
  BERTH_RETURN_IF_ERROR(fields.Finish());
  return out;
}

absl::StatusOr<HistogramConfig> ParseHistograms(const JsonValue& json,
                                                const std::string& where) {
  Fields fields(json, where);
  HistogramConfig out;
  for (const auto& [metric, list] : fields.Object("metrics")) {
    std::vector<LabelValues>& labels = out[metric];
    if (list.is_null()) continue;
    if (!list.is_array()) {
      fields.Fail("metrics must hold lists");
      break;
    }
    for (const JsonValue& item : list.array()) {
      Fields one(item, fmt::format("{}.metrics.{}", where, metric));
      labels.push_back({one.Text("label"), one.Texts("values")});
      fields.Adopt(one.Finish());
    }
  }
  BERTH_RETURN_IF_ERROR(fields.Finish());
  return out;
}

// Every parameter is used by some op, and every one used is there.
absl::Status CheckParams(const TestCase& test_case) {
  std::set<std::string> used;
  bool nodes = false;
  for (const Op& op : test_case.ops) {
    for (std::string& name : op.Params()) used.insert(std::move(name));
    nodes = nodes || op.code == OpCode::kCreateNodes;
  }
  for (const Workload& workload : test_case.workloads) {
    const std::string where = test_case.name + "/" + workload.name;
    for (const std::string& name : used) {
      if (!workload.params.contains(name)) {
        return absl::InvalidArgumentError(
            fmt::format("{}: parameter {} is undefined", where, name));
      }
    }
    std::vector<std::string> unused;
    for (const auto& [name, value] : workload.params) {
      const bool read_anyway = nodes && name == kDeclaredFeaturesParam;
      if (!used.contains(name) && !read_anyway) unused.push_back(name);
    }
    if (!unused.empty()) {
      return absl::InvalidArgumentError(fmt::format(
          "{}: the parameters [{}] are defined on workload {}, but unused.\n"
          "Please make sure there are no typos.",
          where, fmt::join(unused, " "), workload.name));
    }
  }
  return absl::OkStatus();
}

// The figure of a threshold is collected at all.
absl::Status CheckSelector(const TestCase& test_case, const Workload& workload) {
  const MetricSelector& selector = workload.threshold_selector;
  if (selector.name == kThroughputMetric) return absl::OkStatus();
  const auto fail = [&](std::string_view text) {
    return absl::InvalidArgumentError(
        fmt::format("{}/{}: {}", test_case.name, workload.name, text));
  };
  const auto metric = test_case.histograms.find(selector.name);
  if (metric == test_case.histograms.end()) {
    return fail(fmt::format("the metric {} is targeted, but it's not collected during the test. "
                            "Make sure the MetricsCollectorConfig is valid",
                            selector.name));
  }
  for (const auto& [label, value] : selector.labels) {
    const bool found = std::any_of(
        metric->second.begin(), metric->second.end(), [&](const LabelValues& labels) {
          const auto& values = labels.values;
          return labels.label == label &&
                 (values.empty() || std::find(values.begin(), values.end(), value) != values.end());
        });
    if (!found) return fail(fmt::format("no matching labels found for metric {}", selector.name));
  }
  if (selector.data_bucket.empty()) {
    return fail(fmt::format("dataBucket should be set for metric {}", selector.name));
  }
  return absl::OkStatus();
}

absl::Status ParseLists(Fields& fields, const MetricSelector& selector, TestCase& out) {
  for (const JsonValue& op : fields.List("workloadTemplate")) {
    BERTH_ASSIGN_OR_RETURN(Op parsed,
                           ParseOp(op, fmt::format("{}: op {}", out.name, out.ops.size())));
    out.ops.push_back(std::move(parsed));
  }
  std::set<std::string> names;
  for (const JsonValue& workload : fields.List("workloads")) {
    BERTH_ASSIGN_OR_RETURN(
        Workload parsed,
        ParseWorkload(workload, fmt::format("{}: workload {}", out.name, out.workloads.size()),
                      selector));
    if (!names.insert(parsed.name).second) {
      return absl::InvalidArgumentError(
          fmt::format("{}: workload name {} is not unique", out.name, parsed.name));
    }
    out.workloads.push_back(std::move(parsed));
  }
  return absl::OkStatus();
}

absl::StatusOr<TestCase> ParseCase(const JsonValue& json, size_t index) {
  Fields fields(json, fmt::format("test case {}", index));
  TestCase out;
  out.name = fields.Text("name");
  if (out.name.empty()) fields.Fail("name is required");
  out.scheduler_config_path = fields.Text("schedulerConfigPath");
  out.default_pod_template_path = fields.Text("defaultPodTemplatePath");
  const std::vector<std::string> labels = fields.Texts("labels");
  const std::map<std::string, bool> gates = fields.BoolMap("featureGates");
  MetricSelector selector;
  if (const char* key = "defaultThresholdMetricSelector"; fields.Find(key) != nullptr) {
    BERTH_ASSIGN_OR_RETURN(selector, ParseSelector(*fields.Find(key), out.name + ": " + key));
  }
  out.histograms = DefaultHistograms();
  if (const char* key = "metricsCollectorConfig"; fields.Find(key) != nullptr) {
    BERTH_ASSIGN_OR_RETURN(out.histograms,
                           ParseHistograms(*fields.Find(key), out.name + ": " + key));
  }
  BERTH_RETURN_IF_ERROR(ParseLists(fields, selector, out));
  BERTH_RETURN_IF_ERROR(fields.Finish());
  for (Workload& workload : out.workloads) {
    workload.labels.insert(workload.labels.begin(), labels.begin(), labels.end());
    workload.feature_gates.insert(gates.begin(), gates.end());
    BERTH_RETURN_IF_ERROR(CheckSelector(out, workload));
  }
  if (std::none_of(out.ops.begin(), out.ops.end(),
                   [](const Op& op) { return op.CollectsMetrics(); })) {
    return absl::InvalidArgumentError(out.name + ": no op in the workload template collects "
                                                 "metrics");
  }
  BERTH_RETURN_IF_ERROR(CheckParams(out));
  return out;
}

// Null: nothing says so.
const std::string* FindParam(const std::string& name, const Workload& workload) {
  const auto it = workload.params.find(name);
  return it == workload.params.end() ? nullptr : &it->second;
}

absl::Status Undefined(const std::string& name) {
  return absl::InvalidArgumentError(fmt::format("parameter {} is undefined", name));
}

}  // namespace

const HistogramConfig& DefaultHistograms() {
  static const HistogramConfig config = {
      {"scheduler_framework_extension_point_duration_seconds", {{"extension_point", {}}}},
      {"scheduler_scheduling_attempt_duration_seconds",
       {{"result", {"scheduled", "unschedulable", "error"}}}},
      {"scheduler_pod_scheduling_duration_seconds", {}},
      {"scheduler_plugin_execution_duration_seconds", {{"plugin", {}}, {"extension_point", {}}}},
      {"scheduler_queueing_hint_execution_duration_seconds", {{"plugin", {}}, {"event", {}}}},
      {"scheduler_event_handling_duration_seconds", {{"event", {}}}},
  };
  return config;
}

double Workload::Threshold(const std::string& topic) const {
  for (const std::string& key : {topic, std::string()}) {
    if (const auto it = thresholds.find(key); it != thresholds.end()) return it->second;
  }
  return 0;
}

absl::StatusOr<WorkloadFile> ParseWorkloads(std::string_view yaml, std::string folder) {
  BERTH_ASSIGN_OR_RETURN(const std::vector<std::string> documents, api::YamlToJson(yaml));
  absl::StatusOr<JsonValue> cases = absl::InvalidArgumentError("");
  if (documents.size() == 1) cases = JsonValue::Parse(documents[0]);
  if (!cases.ok() || !cases->is_array()) {
    return absl::InvalidArgumentError("a workload file is a list of test cases");
  }
  WorkloadFile file;
  std::error_code ignored;
  file.topic = std::filesystem::absolute(folder, ignored).lexically_normal().filename().string();
  file.folder = std::move(folder);
  std::set<std::string> names;
  for (const JsonValue& json_case : cases->array()) {
    BERTH_ASSIGN_OR_RETURN(TestCase parsed, ParseCase(json_case, file.cases.size()));
    if (!names.insert(parsed.name).second) {
      return absl::InvalidArgumentError(
          fmt::format("test case name {} is not unique", parsed.name));
    }
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

std::vector<std::string> FindWorkloadFiles(const std::string& folder) {
  std::vector<std::string> out;
  std::error_code error;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder, error)) {
    if (entry.path().filename() == "performance-config.yaml") out.push_back(entry.path().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

absl::StatusOr<int64_t> Resolve(const Count& count, const Workload& workload) {
  if (count.param.empty()) return count.value;
  const std::string* text = FindParam(count.param, workload);
  if (text == nullptr) return Undefined(count.param);
  int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto [stop, error] = std::from_chars(text->data(), end, value);
  if (error != std::errc() || stop != end || value < 0) {
    return absl::InvalidArgumentError(
        fmt::format("parameter {} has the wrong type: {} is not a count", count.param, *text));
  }
  return value;
}

absl::StatusOr<absl::Duration> ResolveDuration(const Op& op, const Workload& workload) {
  std::string text = op.duration;
  if (!op.duration_param.empty()) {
    const std::string* param = FindParam(op.duration_param, workload);
    if (param == nullptr) return Undefined(op.duration_param);
    text = *param;
  }
  absl::Duration out;
  if (!absl::ParseDuration(ToAbsl(text), &out) || out < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(fmt::format("time: invalid duration \"{}\"", text));
  }
  return out;
}

absl::StatusOr<bool> ResolveSteadyState(const Op& op, const Workload& workload) {
  if (op.steady_state || op.steady_state_param.empty()) return op.steady_state;
  const std::string* text = FindParam(op.steady_state_param, workload);
  if (text == nullptr) return Undefined(op.steady_state_param);
  if (*text != "true" && *text != "false") {
    return absl::InvalidArgumentError(
        fmt::format("parameter {} has the wrong type: {} is not a boolean", op.steady_state_param,
                    *text));
  }
  return *text == "true";
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
