#include "framework/registry.h"

#include <fmt/core.h>

#include "base/strings.h"

namespace berth::framework {

absl::Status Registry::Register(PluginEntry entry) {
  if (factories_.contains(entry.name)) {
    return absl::AlreadyExistsError(
        ToAbsl(fmt::format("a plugin named {} already exists", entry.name)));
  }
  factories_.emplace(std::move(entry.name), std::move(entry.create));
  return absl::OkStatus();
}

const PluginFactory* Registry::Find(std::string_view name) const {
  auto it = factories_.find(name);
  return it == factories_.end() ? nullptr : &it->second;
}

}  // namespace berth::framework
