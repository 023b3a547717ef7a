// The sub-commands of `berth`. Each has a file of its own: flags, help, what it runs, exit codes.
//   0  done, or stopped by SIGINT or SIGTERM    1  it failed, one line on standard error
//   2  the command line is wrong
#pragma once

#include <functional>
#include <string_view>

#include <absl/status/status.h>

namespace CLI {
class App;
}

namespace berth::program {

// What the chosen sub-command does; returns the exit code.
using Action = std::function<int()>;

void AddUp(CLI::App& app, Action& action);
void AddApiserver(CLI::App& app, Action& action);
void AddNodes(CLI::App& app, Action& action);
void AddExplain(CLI::App& app, Action& action);
void AddDemoLoad(CLI::App& app, Action& action);
void AddVersion(CLI::App& app, Action& action);
// These two parse their own arguments: all that follows the name goes to them.
int RunScheduler(int argc, char** argv);
int RunBench(int argc, char** argv);

// Prints "berth: <message>" on standard error.
int Fail(const absl::Status& status);

}  // namespace berth::program
