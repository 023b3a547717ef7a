// `berth explain`: what a scheduler says about one pod, node by node.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "api/resource_table.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "client/credentials.h"
#include "client/transport.h"
#include "program/checks.h"
#include "program/command.h"
#include "program/kubeconfig_flag.h"
#include "scheduler-main/explain/cluster_file.h"
#include "scheduler-main/explain/explain.h"
#include "scheduler-main/explain/explain_json.h"
#include "scheduler-main/explain/explain_text.h"
#include "scheduler-main/flags.h"

namespace berth::program {
namespace {

constexpr absl::Duration kListTimeout = absl::Seconds(60);

struct ExplainFlags {
  std::vector<std::string> files;  // "-": standard input
  std::string pod, output = "table", config, kubeconfig, tie_break = "RoundRobin";
};

absl::StatusOr<std::string> ReadInput(const std::string& path) {
  if (path != "-") return client::ReadFile(path);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

// What no decision looks at is not asked for.
bool Matters(const api::Resource& resource) {
  for (const std::string_view kind : {"Event", "ConfigMap", "Lease", "PriorityClass"}) {
    if (resource.kind == kind) return false;
  }
  return true;
}

absl::StatusOr<api::HttpResponse> Get(client::Transport& transport, std::string target) {
  api::HttpRequest request;
  request.target = std::move(target);
  request.accept = "application/json";
  request.user_agent = "berth-explain";
  absl::Notification answered;
  absl::StatusOr<api::HttpResponse> answer;
  transport.Do(std::move(request), kListTimeout, [&](absl::StatusOr<api::HttpResponse> got) {
    answer = std::move(got);
    answered.Notify();
  });
  answered.WaitForNotification();
  return answer;
}

// All lists of a live cluster, as one file.
absl::StatusOr<scheduler::ClusterFile> ListCluster(client::Transport& transport) {
  scheduler::ClusterFile all;
  for (const api::Resource& resource : api::Resources()) {
    if (!Matters(resource)) continue;
    const std::string path = api::CollectionPath(resource, {});
    BERTH_ASSIGN_OR_RETURN(const api::HttpResponse answer, Get(transport, path));
    if (answer.code == 404) continue;  // this server has no such resource
    if (answer.code != 200) {
      return absl::UnavailableError(
          ToAbsl(fmt::format("GET {}: {} {}", path, answer.code, answer.text())));
    }
    BERTH_ASSIGN_OR_RETURN(auto list, scheduler::ParseClusterFile(answer.text()));
    all.objects.insert(all.objects.end(), list.objects.begin(), list.objects.end());
  }
  return all;
}

absl::StatusOr<scheduler::ClusterFile> ReadCluster(const ExplainFlags& flags) {
  if (flags.files.empty()) {
    BERTH_ASSIGN_OR_RETURN(const auto transport, ConnectByKubeconfig(flags.kubeconfig, 1));
    return ListCluster(*transport);
  }
  scheduler::ClusterFile all;
  for (const std::string& path : flags.files) {
    BERTH_ASSIGN_OR_RETURN(const std::string text, ReadInput(path));
    auto file = scheduler::ParseClusterFile(text);
    if (!file.ok()) {
      return absl::Status(file.status().code(),
                          fmt::format("{}: {}", path, ToStd(file.status().message())));
    }
    all.objects.insert(all.objects.end(), file->objects.begin(), file->objects.end());
    all.skipped.insert(all.skipped.end(), file->skipped.begin(), file->skipped.end());
    if (file->pod) all.pod = std::move(file->pod);
    if (file->config) all.config = std::move(file->config);
    if (file->steps) all.steps = std::move(file->steps);
  }
  return all;
}

absl::Status Explain(const ExplainFlags& flags) {
  scheduler::ExplainOptions options;
  options.pod = flags.pod;
  options.scheduler.tie_break = *scheduler::ParseTieBreak(flags.tie_break);
  BERTH_ASSIGN_OR_RETURN(options.scheduler.config, scheduler::ReadConfig(flags.config));
  BERTH_ASSIGN_OR_RETURN(scheduler::ClusterFile file, ReadCluster(flags));
  if (flags.output == "json") {
    BERTH_ASSIGN_OR_RETURN(const api::JsonValue json,
                           scheduler::ExplainAsJson(std::move(file), options));
    fmt::print("{}\n", json.ToText());
    return absl::OkStatus();
  }
  BERTH_ASSIGN_OR_RETURN(const auto pod, scheduler::ExplainPod(std::move(file), options));
  fmt::print("{}", scheduler::ToText(pod));
  return absl::OkStatus();
}

int Run(const ExplainFlags& flags) {
  if (!flags.files.empty() && !flags.kubeconfig.empty()) {
    fmt::print(stderr, "berth: -f and --kubeconfig: a file or a live cluster, not both\n");
    return 2;
  }
  const absl::Status status = Explain(flags);
  return status.ok() ? 0 : Fail(status);
}

}  // namespace

void AddExplain(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("explain", "Says what a scheduler makes of a pod, node by node");
  command->footer(
      "Examples:\n"
      "  kubectl get nodes,pods,namespaces,services -A -o yaml |\n"
      "    berth explain -f - --pod default/web\n"
      "  berth explain --pod default/web                  # of the cluster of $KUBECONFIG\n"
      "  berth explain -f cluster.yaml --pod default/web --config scheduler.yaml -o json\n"
      "\nA pod that has a node is taken off it and decided upon anew. Nothing is changed.\n");
  const auto flags = std::make_shared<ExplainFlags>();
  command->add_option("-f,--filename", flags->files,
                      "Manifests, YAML or JSON; - is standard input; repeat it. Default: a live "
                      "cluster");
  command->add_option("--pod", flags->pod,
                      "NAMESPACE/NAME; default: the only pod that waits for a node");
  command->add_option("-o,--output", flags->output, "table or json")
      ->check(Plain(CLI::IsMember({"table", "json"})))->capture_default_str();
  command->add_option("--config", flags->config,
                      "KubeSchedulerConfiguration; default: the one an absent file gives");
  command->add_option("--tie-break", flags->tie_break, "RoundRobin, Random or First")
      ->check(Plain(CLI::IsMember({"RoundRobin", "Random", "First"})))->capture_default_str();
  command->add_option("--kubeconfig", flags->kubeconfig,
                      "Which live cluster; default: $KUBECONFIG, then ~/.kube/config");
  command->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace berth::program
