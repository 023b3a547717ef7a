#include "program/node_flags.h"

#include <utility>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/random.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "client/credentials.h"
#include "program/checks.h"

namespace berth::program {
namespace {

absl::StatusOr<absl::Duration> Interval(std::string_view flag, const std::string& text) {
  return DurationOf(flag, text, absl::Milliseconds(1));
}

absl::StatusOr<node::Delay> DelayOf(std::string_view flag, const std::string& text) {
  auto delay = node::Delay::Parse(text);
  if (delay.ok()) return delay;
  return absl::InvalidArgumentError(fmt::format("{}: {}", flag, ToStd(delay.status().message())));
}

}  // namespace

void AddNodeFlags(CLI::App& command, NodeFlags& flags) {
  command.add_option("--template", flags.template_file,
                     "YAML file of node pools; without one: 32 CPUs, 64 GiB, 110 pods, 3 zones");
  command.add_option("--start-delay", flags.start_delay,
                     "From bound to running: 50ms, 50ms..200ms (uniform) or exp:100ms (mean)")
      ->capture_default_str();
  command.add_option("--init-time", flags.init_time, "Of each init container, as above")
      ->capture_default_str();
  command.add_option("--stop-delay", flags.stop_delay,
                     "From deleted to gone, as above; never more than the grace period")
      ->capture_default_str();
  command.add_option("--lease-interval", flags.lease_interval, "Heartbeat of each node")
      ->capture_default_str();
  command.add_option("--node-status-interval", flags.status_interval,
                     "How often a node reports its status when nothing changed")
      ->capture_default_str();
  command.add_flag("!--no-crash-loop-backoff", flags.crash_loop_backoff,
                   "Restart finished containers after a second, however often");
  command.add_option("--seed", flags.seed, "Of the delays; 0: a new one each time")
      ->capture_default_str();
}

absl::StatusOr<node::NodeAgentOptions> MakeAgentOptions(const NodeFlags& flags) {
  node::NodeAgentOptions options;
  options.count = flags.count;
  if (!flags.template_file.empty()) {
    BERTH_ASSIGN_OR_RETURN(const std::string text, client::ReadFile(flags.template_file));
    BERTH_ASSIGN_OR_RETURN(options.nodes,
                           node::NodeTemplate::Parse(text, flags.template_file));
  }
  const int64_t total = static_cast<int64_t>(node::Seats(options.nodes, options.count).size());
  if (total > node::kNodesMax) {
    return absl::InvalidArgumentError(
        fmt::format("{} nodes asked for, {} is the most", total, node::kNodesMax));
  }
  node::LifecycleOptions& lifecycle = options.pods.lifecycle;
  BERTH_ASSIGN_OR_RETURN(lifecycle.start_delay, DelayOf("--start-delay", flags.start_delay));
  BERTH_ASSIGN_OR_RETURN(lifecycle.init_time, DelayOf("--init-time", flags.init_time));
  BERTH_ASSIGN_OR_RETURN(lifecycle.stop_delay, DelayOf("--stop-delay", flags.stop_delay));
  lifecycle.crash_loop_backoff = flags.crash_loop_backoff;
  lifecycle.seed = flags.seed != 0 ? flags.seed : RandomSeed();
  BERTH_ASSIGN_OR_RETURN(options.lease.interval,
                         Interval("--lease-interval", flags.lease_interval));
  options.lease.duration = std::max(options.lease.duration, 4 * options.lease.interval);
  BERTH_ASSIGN_OR_RETURN(options.registrar.report_interval,
                         Interval("--node-status-interval", flags.status_interval));
  options.reflector.seed = RandomSeed();
  return options;
}

}  // namespace berth::program
