// Registry: plugin names and how to make them. A table, not static initializers; out-of-tree
// plugins join the same table.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "base/strings.h"
#include "framework/fwd.h"

namespace berth::framework {

// A plugin's arguments as JSON text (the `args` of its pluginConfig entry, defaults filled in for
// in-tree plugins); "{}" or empty when there are none.
struct PluginArgs {
  std::string json;
};

using PluginFactory = std::function<absl::StatusOr<std::unique_ptr<Plugin>>(const PluginArgs& args,
                                                                            Handle& handle)>;
struct PluginEntry {
  std::string name;
  PluginFactory create;
};

class Registry {
 public:
  // AlreadyExists for a second owner of a name.
  absl::Status Register(PluginEntry entry);
  // null: `<ExtensionType> "<name>" does not exist` is the caller's message.
  const PluginFactory* Find(std::string_view name) const;

 private:
  StringMap<PluginFactory> factories_;
};

}  // namespace berth::framework
