// The result document: see result.h.
#include <utility>

#include <fmt/core.h>

#include "api/json.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/result.h"
#include "bench/scheduler_perf/fields.h"

namespace berth::bench {
namespace {

using api::JsonValue;

constexpr std::string_view kKind = "BenchResults";
constexpr int64_t kVersion = 1;

JsonValue TextsOf(const std::vector<std::string>& texts) {
  JsonValue out = JsonValue::EmptyArray();
  for (const std::string& text : texts) out.array().emplace_back(text);
  return out;
}

JsonValue TextMapOf(const std::map<std::string, std::string>& texts) {
  JsonValue out = JsonValue::EmptyObject();
  for (const auto& [name, text] : texts) out.Set(name, JsonValue(text));
  return out;
}

JsonValue FiguresOf(const Figures& figures) {
  JsonValue out = JsonValue::EmptyObject();
  for (const auto& [name, figure] : figures) {
    JsonValue& one = out.Set(name, JsonValue::EmptyObject());
    one.Set("unit", JsonValue(figure.unit));
    one.Set("better", JsonValue(std::string(BetterName(figure.better))));
    JsonValue& values = one.Set("values", JsonValue::EmptyArray());
    for (const double value : figure.values) values.array().emplace_back(value);
    one.Set("median", JsonValue(Median(figure.values)));
    one.Set("spread", JsonValue(Spread(figure.values)));
  }
  return out;
}

JsonValue PlacementOf(const std::vector<Placement>& placements) {
  JsonValue out = JsonValue::EmptyArray();
  for (const Placement& placement : placements) {
    JsonValue one = JsonValue::EmptyObject();
    one.Set("seconds", JsonValue(absl::ToDoubleSeconds(placement.at)));
    one.Set("nodes", JsonValue(placement.nodes));
    one.Set("nodesUsed", JsonValue(placement.nodes_used));
    one.Set("podsBound", JsonValue(placement.bound));
    one.Set("podsPending", JsonValue(placement.pending));
    one.Set("podsUnschedulable", JsonValue(placement.unschedulable));
    JsonValue& resources = one.Set("resources", JsonValue::EmptyObject());
    for (const auto& [name, use] : placement.resources) {
      JsonValue& shares = resources.Set(name, JsonValue::EmptyObject());
      shares.Set("utilisation", JsonValue(use.mean));
      shares.Set("deviation", JsonValue(use.deviation));
      shares.Set("stranded", JsonValue(use.stranded));
    }
    out.array().push_back(std::move(one));
  }
  return out;
}

JsonValue ToJson(const Result& result) {
  JsonValue out = JsonValue::EmptyObject();
  out.Set("name", JsonValue(result.name));
  out.Set("topic", JsonValue(result.topic));
  out.Set("offeredRate", JsonValue(result.offered_rate));
  out.Set("repetitions", JsonValue(int64_t{result.repetitions}));
  out.Set("settings", TextMapOf(result.settings));
  out.Set("machine", TextMapOf(result.machine));
  out.Set("figures", FiguresOf(result.figures));
  JsonValue& scenario = out.Set("scenario", JsonValue::EmptyObject());
  scenario.Set("happened", JsonValue(result.missing.empty()));
  scenario.Set("missing", TextsOf(result.missing));
  out.Set("problems", TextsOf(result.problems));
  out.Set("placementOverTime", PlacementOf(result.placement));
  // Printed by us a moment ago.
  out.Set("dataItems", *JsonValue::Parse(PrintDataItems(result.items)));
  return out;
}

Better BetterOf(const std::string& text) {
  for (const Better better : {Better::kHigher, Better::kLower}) {
    if (text == BetterName(better)) return better;
  }
  return Better::kNeither;
}

absl::StatusOr<Figure> ReadFigure(const JsonValue& json, const std::string& where) {
  Fields fields(json, where);
  Figure out{fields.Text("unit"), BetterOf(fields.Text("better")), {}};
  for (const JsonValue& value : fields.List("values")) {
    if (value.kind() == JsonValue::Kind::kInt) {
      out.values.push_back(static_cast<double>(value.int_value()));
    } else if (value.kind() == JsonValue::Kind::kDouble) {
      out.values.push_back(value.double_value());
    } else {
      fields.Fail("values must be numbers");
    }
  }
  fields.Number("median");
  fields.Number("spread");
  BERTH_RETURN_IF_ERROR(fields.Finish());
  return out;
}

absl::StatusOr<Result> ReadResult(const JsonValue& json, const std::string& where) {
  Fields fields(json, where);
  Result out;
  out.name = fields.Text("name");
  out.topic = fields.Text("topic");
  out.offered_rate = fields.Number("offeredRate");
  out.repetitions = static_cast<int>(fields.Whole("repetitions"));
  out.settings = fields.TextMap("settings");
  out.machine = fields.TextMap("machine");
  for (const auto& [name, figure] : fields.Object("figures")) {
    BERTH_ASSIGN_OR_RETURN(out.figures[name], ReadFigure(figure, where + "." + name));
  }
  if (const JsonValue* scenario = fields.Find("scenario"); scenario != nullptr) {
    Fields part(*scenario, where + ".scenario");
    part.Bool("happened");
    out.missing = part.Texts("missing");
    fields.Adopt(part.Finish());
  }
  out.problems = fields.Texts("problems");
  fields.Find("placementOverTime");
  fields.Find("dataItems");
  if (out.name.empty()) fields.Fail("name is required");
  BERTH_RETURN_IF_ERROR(fields.Finish());
  return out;
}

}  // namespace

std::string PrintResults(const std::vector<Result>& results) {
  JsonValue out = JsonValue::EmptyObject();
  out.Set("kind", JsonValue(std::string(kKind)));
  out.Set("version", JsonValue(kVersion));
  JsonValue& list = out.Set("results", JsonValue::EmptyArray());
  for (const Result& result : results) list.array().push_back(ToJson(result));
  return api::IndentJson(out.ToText(), 1) + "\n";
}

absl::StatusOr<std::vector<Result>> ParseResults(std::string_view text) {
  BERTH_ASSIGN_OR_RETURN(const JsonValue json, JsonValue::Parse(text));
  Fields fields(json, "results");
  if (fields.Text("kind") != kKind || fields.Whole("version") != kVersion) {
    return absl::InvalidArgumentError(fmt::format(
        "not a document of `berth bench -o json`: kind {} and version {} are expected", kKind,
        kVersion));
  }
  std::vector<Result> out;
  for (const JsonValue& one : fields.List("results")) {
    BERTH_ASSIGN_OR_RETURN(out.emplace_back(),
                           ReadResult(one, fmt::format("results[{}]", out.size())));
  }
  BERTH_RETURN_IF_ERROR(fields.Finish());
  return out;
}

}  // namespace berth::bench
