// Configuration files and what kube-scheduler makes of them, as lines of JSON: name, input, and
// either `completed` or `error` (`loose`: the words quote Go, any error will do).
#pragma once

#include <string>
#include <vector>

#include "api/json_value.h"
#include "scheduler-main/config.h"

namespace berth::scheduler::testing {

// What `berth scheduler --config FILE --write-config-to -` does, without the process.
inline absl::StatusOr<std::string> Complete(std::string_view text) {
  auto config = DecodeConfig(text);
  if (!config.ok()) return config.status();
  if (auto status = ValidateConfig(*config); !status.ok()) return status;
  if (auto status = CompleteProfiles(*config, {}); !status.ok()) return status;
  return WriteConfig(*config);
}

// Empty when the case passes, else what differs.
std::string RunCase(const api::JsonValue& test_case);

}  // namespace berth::scheduler::testing
