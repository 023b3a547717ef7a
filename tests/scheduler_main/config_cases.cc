#include "tests/scheduler_main/config_cases.h"

#include "api/yaml.h"
#include "base/strings.h"

namespace berth::scheduler::testing {

std::string RunCase(const api::JsonValue& test_case) {
  auto written = Complete(test_case.Find("input")->string());
  if (const api::JsonValue* error = test_case.Find("error")) {
    if (written.ok()) return "no error; expected: " + error->string();
    const api::JsonValue* loose = test_case.Find("loose");
    const std::string got(ToStd(written.status().message()));
    if ((loose != nullptr && loose->bool_value()) || got == error->string()) return {};
    return "got error:      " + got + "\nexpected error: " + error->string();
  }
  if (!written.ok()) return "unexpected error: " + std::string(ToStd(written.status().message()));
  auto documents = api::YamlToJson(*written);
  if (!documents.ok()) return "what was written is not YAML: " + *written;
  auto got = api::JsonValue::Parse(documents->front());
  const api::JsonValue& want = *test_case.Find("completed");
  if (*got == want) return {};
  return "got:      " + got->ToText() + "\nexpected: " + want.ToText();
}

}  // namespace berth::scheduler::testing
