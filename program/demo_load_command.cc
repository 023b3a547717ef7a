// `berth demo-load`: the pods of ./demo, and the summary it ends with.
//
//   1. --pods small pods, in turn for each --scheduler, as fast as the cluster takes them
//   2. pods of a third of what is free on a node, then small ones, until --fill percent of the CPU
//      of the whole cluster is requested: late bindings meet full nodes, and the server refuses
//      those that another scheduler's binding has overtaken
//   Pods ask for cpu and memory in the proportion the nodes have them. Otherwise
//   NodeResourcesBalancedAllocation, whose scores are whole numbers, prefers a node that has such
//   a pod to an empty one, and the spread shows that instead of the schedulers.
//   3. every node is added up on this side: nothing may be over-committed
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <absl/synchronization/notification.h>
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "base/thread_executor.h"
#include "client/api_client.h"
#include "cluster/up/load_generator.h"
#include "cluster/up/text.h"
#include "program/checks.h"
#include "program/command.h"
#include "program/kubeconfig_flag.h"
#include "program/signals.h"

namespace berth::program {
namespace {

using up::Grouped;

struct DemoFlags {
  std::string kubeconfig, namespace_name = "demo";
  int64_t pods = 10'000;
  std::vector<std::string> schedulers;
  int fill_percent = 95;
  int timeout_s = 300;
};

// The load against one cluster; blocking calls around the executor's.
class Demo {
 public:
  Demo(const DemoFlags& flags, client::Transport& transport, StopSignals& signals)
      : flags_(flags), transport_(transport), signals_(signals),
        colour_(isatty(STDOUT_FILENO) == 1), client_(transport, executor_) {
    executor_.Run([this] {
      load_ = std::make_unique<up::LoadGenerator>(client_, flags_.namespace_name, 64);
    });
  }
  ~Demo() {
    executor_.Run([this] { load_.reset(); });
    executor_.Stop();
  }

  absl::Status Run() {
    absl::Status status = Await<absl::Status>(
        [this](auto done) { load_->Start(std::move(done)); });
    if (!status.ok()) return status;
    auto nodes = Nodes();
    if (!nodes.ok()) return nodes.status();
    if (nodes->empty()) return absl::FailedPreconditionError("the cluster has no nodes");
    const up::NodeUse& first = nodes->front();
    // Terabytes times millicores still fit: 2^40 * 125.
    unit_memory_bytes_ =
        first.memory_bytes_max * kUnitMilliCpu / std::max<int64_t>(first.milli_cpu_max, 1);
    status = Step({"demo", flags_.pods, flags_.schedulers, Units(1)},
                  fmt::format("{} pods of {}m cpu under {} scheduler{}", Grouped(flags_.pods),
                              kUnitMilliCpu, flags_.schedulers.size(),
                              flags_.schedulers.size() == 1 ? "" : "s"));
    if (status.ok() && flags_.fill_percent > 0) status = Fill();
    if (!status.ok()) return status;
    nodes = Nodes();
    if (!nodes.ok()) return nodes.status();
    fmt::print("{}", up::RenderNodes(*nodes, colour_));
    const bool over = std::any_of(nodes->begin(), nodes->end(),
                                  [](const up::NodeUse& node) { return node.Overcommitted(); });
    return over ? absl::InternalError("a node is over-committed") : absl::OkStatus();
  }

 private:
  template <typename R>
  R Await(std::function<void(absl::AnyInvocable<void(R)>)> call) {
    std::optional<R> result;
    absl::Notification done;
    executor_.Post([&] {
      call([&](R r) {
        result.emplace(std::move(r));
        done.Notify();
      });
    });
    done.WaitForNotification();
    return *std::move(result);
  }

  absl::StatusOr<std::vector<up::NodeUse>> Nodes() {
    return Await<absl::StatusOr<std::vector<up::NodeUse>>>(
        [this](auto done) { up::ListNodeUse(client_, std::move(done)); });
  }
  int64_t Conflicts() {
    return Await<absl::StatusOr<int64_t>>([this](auto done) {
             up::ReadBindingConflicts(transport_, executor_, std::move(done));
           }).value_or(0);
  }

  absl::Status Step(up::LoadStep step, std::string title) {
    const int64_t before = Conflicts();
    const int64_t pods = step.pods;
    executor_.Run([&] { load_->Begin(std::move(step)); });
    const absl::Time limit = executor_.clock().Now() + absl::Seconds(flags_.timeout_s);
    up::LoadProgress progress;
    for (;;) {
      if (signals_.Wait(absl::Milliseconds(200))) return absl::CancelledError("stopped");
      executor_.Run([&] { progress = load_->progress(); });
      Show(progress, pods);
      if (!progress.failure.ok()) return progress.failure;
      if (progress.running == pods || executor_.clock().Now() > limit) break;
    }
    if (colour_) fmt::print("\r\033[K");
    up::LoadStepReport report;
    report.title = std::move(title);
    executor_.Run([&] { report.pods = load_->Take(); });
    report.schedulers = flags_.schedulers;
    report.conflicts = Conflicts() - before;
    fmt::print("{}", up::RenderStep(report, colour_));
    std::fflush(stdout);
    if (progress.running < pods) {
      return absl::DeadlineExceededError(fmt::format(
          "{} of {} pods did not run within {} s", pods - progress.running, pods,
          flags_.timeout_s));
    }
    return absl::OkStatus();
  }

  void Show(const up::LoadProgress& progress, int64_t pods) {
    if (!colour_) return;
    fmt::print("\r\033[K  created {:>7}   bound {:>7}   running {:>7}   of {}",
               Grouped(progress.created), Grouped(progress.bound), Grouped(progress.running),
               Grouped(pods));
    std::fflush(stdout);
  }

  // Big pods that leave room for few on each node, then small ones up to the percentage.
  absl::Status Fill() {
    const auto nodes = Nodes();
    if (!nodes.ok()) return nodes.status();
    int64_t total = 0, used = 0, free_min = INT64_MAX, pods_left = 0;
    for (const up::NodeUse& node : *nodes) {
      total += node.milli_cpu_max;
      used += node.milli_cpu;
      free_min = std::min(free_min, node.milli_cpu_max - node.milli_cpu);
      pods_left += node.pods_max - node.pods;
    }
    const int64_t wanted = total * flags_.fill_percent / 100 - used;
    const int64_t units = free_min * 3 / 10 / kUnitMilliCpu;  // three fit on each node, no fourth
    if (wanted < kUnitMilliCpu || units == 0) {
      fmt::print("\n  The nodes are as full as that already.\n");
      return absl::OkStatus();
    }
    const int64_t size = units * kUnitMilliCpu;
    const int64_t big = std::min<int64_t>(wanted / size, 3 * static_cast<int64_t>(nodes->size()));
    const int64_t small =
        std::clamp<int64_t>((wanted - big * size) / kUnitMilliCpu, 0, pods_left - big);
    absl::Status status = Step({"fill", big, flags_.schedulers, Units(units)},
                               fmt::format("Filling: {} pods of {}m cpu, three fit on a node",
                                           Grouped(big), size));
    if (!status.ok() || small == 0) return status;
    return Step({"rest", small, flags_.schedulers, Units(1)},
                fmt::format("Filling: {} pods of {}m cpu, up to {} % of all cpu", Grouped(small),
                            kUnitMilliCpu, flags_.fill_percent));
  }

  std::map<std::string, std::string> Units(int64_t count) const {
    return {{"cpu", fmt::format("{}m", count * kUnitMilliCpu)},
            {"memory", fmt::format("{}", count * unit_memory_bytes_)}};
  }

  static constexpr int64_t kUnitMilliCpu = 125;  // divides most nodes without a remainder
  int64_t unit_memory_bytes_ = 0;
  const DemoFlags& flags_;
  client::Transport& transport_;
  StopSignals& signals_;
  const bool colour_;
  ThreadExecutor executor_{"load"};
  client::ApiClient client_;
  std::unique_ptr<up::LoadGenerator> load_;
};

int Run(DemoFlags flags) {
  StopSignals signals;
  if (flags.schedulers.empty()) flags.schedulers = {"default-scheduler"};
  auto transport = ConnectByKubeconfig(flags.kubeconfig, 64);
  if (!transport.ok()) return Fail(transport.status());
  const absl::Status status = Demo(flags, **transport, signals).Run();
  if (absl::IsCancelled(status)) return 130;
  return status.ok() ? 0 : Fail(status);
}

}  // namespace

void AddDemoLoad(CLI::App& app, Action& action) {
  CLI::App* command =
      app.add_subcommand("demo-load", "Creates the demonstration's pods and sums up");
  command->footer(
      "Example:\n"
      "  berth demo-load --pods 10000 --scheduler a --scheduler b --kubeconfig /tmp/kubeconfig\n"
      "\nExit code 1 when a node is over-committed or pods do not run in time.\n");
  const auto flags = std::make_shared<DemoFlags>();
  command->add_option("--pods", flags->pods, "Of 125m cpu each, and memory in proportion")
      ->check(Plain(CLI::Range(1, 1'000'000)))->capture_default_str();
  command->add_option("--scheduler", flags->schedulers,
                      "Takes its share of the pods; repeat it. Default: default-scheduler");
  command->add_option("--fill", flags->fill_percent,
                      "Then fills the cluster to this percentage of its CPU; 0: does not")
      ->check(Plain(CLI::Range(0, 100)))->capture_default_str();
  command->add_option("--namespace", flags->namespace_name, "Of the pods")->capture_default_str();
  command->add_option("--timeout", flags->timeout_s, "Seconds for each step")
      ->check(Plain(CLI::Range(1, 86'400)))->capture_default_str();
  command->add_option("--kubeconfig", flags->kubeconfig,
                      "Which API server; default: $KUBECONFIG, then ~/.kube/config");
  command->callback([flags, &action] { action = [flags] { return Run(*flags); }; });
}

}  // namespace berth::program
