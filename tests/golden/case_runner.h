// A recorded case through the explanation, as `berth explain -f CASE.json -o json` gives it.
//
// A case is a cluster, a pod, and what kube-scheduler answered; a sequence is a cluster and steps,
// played on one engine that keeps what it knows between pods and checks that against the plain
// path. Every cell must be equal.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "api/json_value.h"

namespace berth::golden {

// What decides: nothing shared; shared, with nothing kept from before; shared, asked a second time.
// Sharing is checked against the plain path as well.
enum class Engine : uint8_t { kPlain, kCold, kWarm };

struct CaseResult {
  std::vector<std::string> differences;
  int cells = 0;        // values compared
  int64_t checked = 0;  // shared decisions
};
CaseResult RunCase(const api::JsonValue& test_case, Engine engine);

}  // namespace berth::golden
