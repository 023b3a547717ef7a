#include "cluster/apiserver/version.h"

#include <fmt/core.h>

namespace berth::apiserver {

// Clients read major and minor, and compare gitVersion as a semantic version; what follows the '+'
// is build metadata to them. There is no Go here, but clients expect its fields.
std::string VersionJson() {
  return fmt::format(R"({{
  "major": "1",
  "minor": "36",
  "emulationMajor": "1",
  "emulationMinor": "36",
  "minCompatibilityMajor": "1",
  "minCompatibilityMinor": "35",
  "gitVersion": "v1.36.2+berth.{0}",
  "gitCommit": "",
  "gitTreeState": "clean",
  "buildDate": "1970-01-01T00:00:00Z",
  "goVersion": "",
  "compiler": "gcc {1}",
  "platform": "linux/amd64",
  "berthVersion": "{0}"
}})",
                     kBerthVersion, __VERSION__);
}

}  // namespace berth::apiserver
