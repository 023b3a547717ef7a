// Every plugin of this build and how to make it: the table a scheduler starts from. Out-of-tree
// plugins are appended to it (framework/registry.h).
#pragma once

#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/errors.h"
#include "api/json_value.h"
#include "framework/registry.h"

namespace berth::plugins {

// In the order of upstream's default list. Factories decode, default and validate their arguments;
// a failure is InvalidArgument with upstream's text.
std::vector<framework::PluginEntry> InTreePlugins();

// Typed arguments by plugin name, also for plugins that are not in this build: a configuration
// file may hold them.
bool HasArgs(std::string_view plugin);
struct CompletedArgs {
  api::JsonValue json;        // defaults filled in, apiVersion and kind included
  std::string problem;        // values of the wrong type; then json is null
  std::string strict_problem; // unknown fields: "strict decoding error: ..."
};
// args: an object or null. HasArgs(plugin) must hold.
CompletedArgs CompleteArgs(std::string_view plugin, const api::JsonValue& args);
// Complaints about completed arguments; none when HasArgs does not hold.
api::FieldErrors ValidateArgs(std::string_view plugin, const std::string& path,
                              const api::JsonValue& completed);

}  // namespace berth::plugins
