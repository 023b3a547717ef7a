// `berth nodes`: plays the kubelets of N nodes against any API server.
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/thread_executor.h"
#include "client/api_client.h"
#include "cluster/node/node_agent.h"
#include "program/checks.h"
#include "program/command.h"
#include "program/kubeconfig_flag.h"
#include "program/node_flags.h"
#include "program/signals.h"

namespace berth::program {
namespace {

struct NodesCommandFlags {
  NodeFlags nodes;
  std::string kubeconfig;
  int connections = 32;
};

void Report(const node::NodeAgentStats& now, const node::NodeAgentStats& before, double seconds) {
  fmt::print("nodes={}/{} pods={} running={} started/s={:.0f} status_writes/s={:.0f} refused={} "
             "leases/s={:.0f}\n",
             now.registered, now.nodes, now.pods, now.running,
             static_cast<double>(now.started - before.started) / seconds,
             static_cast<double>(now.status_writes - before.status_writes) / seconds, now.refused,
             static_cast<double>(now.lease_renewals - before.lease_renewals) / seconds);
  std::fflush(stdout);
}

int Run(const NodesCommandFlags& flags) {
  StopSignals signals;
  auto agent_options = MakeAgentOptions(flags.nodes);
  if (!agent_options.ok()) return Fail(agent_options.status());
  auto transport = ConnectByKubeconfig(flags.kubeconfig, flags.connections);
  if (!transport.ok()) return Fail(transport.status());
  ThreadExecutor executor("nodes");
  client::ApiClientOptions client_options;
  client_options.user_agent = "berth-nodes";
  client::ApiClient client(**transport, executor, client_options);
  std::unique_ptr<node::NodeAgent> agent;
  executor.Run([&] {
    agent = std::make_unique<node::NodeAgent>(client, *std::move(agent_options));
    agent->Start();
  });
  node::NodeAgentStats before = agent->Stats();
  constexpr absl::Duration kEvery = absl::Seconds(5);
  while (!signals.Wait(kEvery)) {
    const node::NodeAgentStats now = agent->Stats();
    Report(now, before, absl::ToDoubleSeconds(kEvery));
    before = now;
  }
  executor.Run([&] { agent.reset(); });
  transport->reset();
  executor.Stop();
  return 0;
}

}  // namespace

void AddNodes(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("nodes", "Plays the kubelets of N nodes");
  command->footer(
      "Examples:\n"
      "  berth nodes --count 5000 --kubeconfig /tmp/kubeconfig\n"
      "  berth nodes --template pools.yaml --kubeconfig /tmp/kubeconfig   # docs/nodes.md\n"
      "\nFinite pods: annotate them with berth.dev/run-seconds and berth.dev/exit-code.\n"
      "Stopping and starting it again restarts no pod: what runs is read from the API.\n");
  const auto flags = std::make_shared<NodesCommandFlags>();
  command->add_option("--count", flags->nodes.count,
                      "How many; 0: as the template says (without a template: 1)")
      ->check(Plain(CLI::Range(int64_t{0}, node::kNodesMax)))->capture_default_str();
  AddNodeFlags(*command, flags->nodes);
  command->add_option("--kubeconfig", flags->kubeconfig,
                      "Which API server; default: $KUBECONFIG, then ~/.kube/config");
  command->add_option("--connections", flags->connections, "To the API server")
      ->check(Plain(CLI::Range(1, 1000)))->capture_default_str();
  command->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace berth::program
