#include "tests/golden/case_runner.h"

#include <fmt/core.h>

#include "base/strings.h"
#include "scheduler-main/explain/explain.h"

namespace berth::golden {
namespace {

using api::JsonValue;

class Comparison {
 public:
  void Compare(const std::string& where, const JsonValue& got, const JsonValue& want) {
    if (!got.is_object() || !want.is_object()) {
      ++result.cells;
      if (!(got == want)) {
        Differ(fmt::format("{}: got {}, expected {}", where, got.ToText(), want.ToText()));
      }
      return;
    }
    for (const auto& [name, value] : want.object()) {
      const JsonValue* held = got.Find(name);
      if (held == nullptr) {
        Differ(fmt::format("{}.{}: missing, expected {}", where, name, value.ToText()));
      } else {
        Compare(where + "." + name, *held, value);
      }
    }
    for (const auto& [name, value] : got.object()) {
      if (want.Find(name) == nullptr) {
        Differ(fmt::format("{}.{}: got {}, expected nothing", where, name, value.ToText()));
      }
    }
  }

  CaseResult result;

 private:
  void Differ(std::string text) { result.differences.push_back(std::move(text)); }
};

}  // namespace

CaseResult RunCase(const JsonValue& test_case, Engine engine) {
  Comparison comparison;
  framework::EngineCounts counts;
  scheduler::ExplainOptions options;
  options.counts = &counts;
  options.warm = engine == Engine::kWarm;
  if (engine == Engine::kPlain) {
    options.scheduler.evaluation_cache_bytes = 0;
  } else {
    options.scheduler.verify_evaluations = 1;
  }
  auto file = scheduler::ParseClusterFile(test_case.ToText());
  if (!file.ok()) return {.differences = {std::string(ToStd(file.status().message()))}};
  const auto got = scheduler::ExplainAsJson(*std::move(file), options);
  if (!got.ok()) {
    return {.differences = {"not explained: " + std::string(ToStd(got.status().message()))}};
  }
  comparison.result.checked = counts.evaluations_checked;
  const JsonValue* steps = test_case.Find("steps");
  if (steps == nullptr) {
    comparison.Compare("", *got, *test_case.Find("expect"));
    return std::move(comparison.result);
  }
  for (size_t i = 0; i < steps->array().size(); ++i) {
    const JsonValue* expect = steps->array()[i].Find("expect");
    comparison.Compare(fmt::format("step {}", i), got->Find("steps")->array()[i],
                       expect == nullptr ? JsonValue::EmptyObject() : *expect);
  }
  return std::move(comparison.result);
}

}  // namespace berth::golden
