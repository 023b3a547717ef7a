#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "program/command.h"

namespace berth::program {

void AddVersion(CLI::App& app, Action& action) {
  CLI::App* command = app.add_subcommand("version", "Prints the version");
  command->callback([&action] {
    action = [] {
      fmt::print("berth {} (behaviour of Kubernetes 1.36)\n", BERTH_VERSION);
      return 0;
    };
  });
}

}  // namespace berth::program
