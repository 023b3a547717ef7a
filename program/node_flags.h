// The flags about simulated nodes that `berth nodes` and `berth up` share.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "cluster/node/node_agent.h"

namespace CLI {
class App;
}

namespace berth::program {

struct NodeFlags {
  int64_t count = 0;
  std::string template_file;
  std::string start_delay = "50ms", init_time = "50ms", stop_delay = "100ms";
  std::string lease_interval = "10s", status_interval = "5m";
  bool crash_loop_backoff = true;
  uint64_t seed = 0;
};

// All but the count.
void AddNodeFlags(CLI::App& command, NodeFlags& flags);

// Reads the template. InvalidArgument names the flag or lists the file's errors.
absl::StatusOr<node::NodeAgentOptions> MakeAgentOptions(const NodeFlags& flags);

}  // namespace berth::program
