// `berth`: one program, a sub-command for every component.
#include <cstdio>
#include <cstring>
#include <exception>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <google/protobuf/stubs/logging.h>

#include "base/strings.h"
#include "program/command.h"

namespace berth::program {
namespace {

constexpr char kAbout[] =
    "berth: a pluggable scheduler framework for Kubernetes objects, with everything to run it";
constexpr char kExamples[] =
    "Examples:\n"
    "  berth up --nodes 5 --data-dir /tmp/berth --port 8001 --kubeconfig /tmp/berth.kubeconfig\n"
    "  export KUBECONFIG=/tmp/berth.kubeconfig; kubectl get nodes\n"
    "  berth bench --help\n"
    "\n`berth COMMAND --help` tells the rest.";

int Main(int argc, char** argv) {
  // Whoever sends what is no protobuf is told so; the log is not for them to fill.
  google::protobuf::SetLogHandler(nullptr);
  if (argc > 1 && std::strcmp(argv[1], "scheduler") == 0) return RunScheduler(argc - 1, argv + 1);
  if (argc > 1 && std::strcmp(argv[1], "bench") == 0) return RunBench(argc - 1, argv + 1);
  CLI::App app{kAbout};
  app.name("berth");
  app.footer(kExamples);
  app.set_version_flag("--version", fmt::format("berth {}", BERTH_VERSION));
  app.require_subcommand(1);
  Action action;
  AddUp(app, action);
  AddApiserver(app, action);
  app.add_subcommand("scheduler", "Schedules pods of any Kubernetes API server");
  AddExplain(app, action);
  AddNodes(app, action);
  app.add_subcommand("bench", "Runs scheduler_perf workloads");
  AddDemoLoad(app, action);
  AddVersion(app, action);
  const auto is_first = [&](const CLI::App* command) { return command->get_name() == argv[1]; };
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommands(is_first).empty()) {
    fmt::print(stderr, "berth: unknown command \"{}\"; `berth --help` lists them\n", argv[1]);
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return action ? action() : 2;
}

}  // namespace

int Fail(const absl::Status& status) {
  fmt::print(stderr, "berth: {}\n", ToStd(status.message()));
  return 1;
}

}  // namespace berth::program

int main(int argc, char** argv) {
  try {
    return berth::program::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "berth: %s\n", error.what());
    return 1;
  }
}
