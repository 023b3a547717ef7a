// What building the profiles would say, and the form in which upstream writes them.
#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "api/errors.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "plugins/args_validation.h"
#include "plugins/registry.h"
#include "scheduler-main/config.h"
#include "scheduler-main/plugin_points.h"

namespace berth::scheduler {
namespace {

using Names = std::vector<std::string>;

bool Has(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Names NamesOf(const std::vector<PluginSection>& plugins) {
  Names out;
  for (const PluginSection& plugin : plugins) out.push_back(plugin.name);
  return out;
}

absl::Status Invalid(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

class ProfileCheck {
 public:
  ProfileCheck(const ProfileSection& profile, const Names& out_of_tree)
      : profile_(profile), out_of_tree_(out_of_tree) {
    Collect(profile.plugins.multi_point);
    for (const PluginPoint& point : kPluginPoints) Collect(profile.plugins.*point.section);
  }

  const std::set<std::string>& needed() const { return needed_; }

  absl::Status Run() {
    BERTH_RETURN_IF_ERROR(CheckArgs());
    size_t counts[framework::kExtensionPointCount] = {};
    for (const PluginPoint& point : kPluginPoints) {
      BERTH_RETURN_IF_ERROR(CheckPoint(point, counts[static_cast<size_t>(point.engine)]));
    }
    for (const PluginPoint& point : kPluginPoints) {
      BERTH_RETURN_IF_ERROR(Expand(point, counts[static_cast<size_t>(point.engine)]));
    }
    const std::string quoted = api::GoQuoted(*profile_.scheduler_name);
    const size_t sorts = counts[static_cast<size_t>(ExtensionPoint::kQueueSort)];
    if (sorts != 1) {
      return Invalid(fmt::format(
          "only one queue sort plugin required for profile with scheduler name {}, but got {}",
          quoted, sorts));
    }
    if (counts[static_cast<size_t>(ExtensionPoint::kBind)] == 0) {
      return Invalid(fmt::format(
          "at least one bind plugin is needed for profile with scheduler name {}", quoted));
    }
    if (counts[static_cast<size_t>(ExtensionPoint::kPlacementGenerate)] > 1) {
      return Invalid(fmt::format(
          "at most one placement generate plugin is allowed for profile with scheduler name {}",
          quoted));
    }
    return absl::OkStatus();
  }

 private:
  void Collect(const PluginSetSection& set) {
    for (const PluginSection& plugin : set.enabled) needed_.insert(plugin.name);
  }

  absl::Status CheckArgs() const {
    for (const PluginConfigSection& entry : profile_.plugin_config) {
      if (!needed_.contains(entry.name)) continue;
      const auto errors = plugins::ValidateArgs(entry.name, "", entry.args);
      if (errors.empty()) continue;
      return Invalid(fmt::format("initializing plugin {}: {}", api::GoQuoted(entry.name),
                                 plugins::AggregateText(errors)));
    }
    return absl::OkStatus();
  }

  bool Exists(std::string_view name) const {
    return FindUpstreamPlugin(name) != nullptr || Has(out_of_tree_, name);
  }
  // A plugin from elsewhere may implement anything; its profile finds out.
  bool Implements(std::string_view name, ExtensionPoint point) const {
    const UpstreamPlugin* plugin = FindUpstreamPlugin(name);
    return plugin == nullptr || plugin->Implements(point);
  }
  static std::string TypeName(const PluginPoint& point) {
    return std::string(framework::ExtensionPointName(point.engine)) + "Plugin";
  }

  absl::Status CheckPoint(const PluginPoint& point, size_t& count) const {
    Names seen;
    for (const std::string& name : NamesOf((profile_.plugins.*point.section).enabled)) {
      const std::string quoted = api::GoQuoted(name);
      const std::string type = TypeName(point);
      if (!Exists(name)) return Invalid(fmt::format("{} {} does not exist", type, quoted));
      if (!Implements(name, point.engine)) {
        return Invalid(fmt::format("plugin {} does not extend {} plugin", quoted, type));
      }
      if (Has(seen, name)) {
        return Invalid(
            fmt::format("plugin {} already registered as {}", quoted, api::GoQuoted(type)));
      }
      seen.push_back(name);
      ++count;
    }
    return absl::OkStatus();
  }

  absl::Status Expand(const PluginPoint& point, size_t& count) const {
    const PluginSetSection& set = profile_.plugins.*point.section;
    const Names enabled = NamesOf(set.enabled);
    const Names disabled = NamesOf(set.disabled);
    if (Has(disabled, "*")) return absl::OkStatus();
    const std::string type = TypeName(point);
    Names seen;
    for (const std::string& name : NamesOf(profile_.plugins.multi_point.enabled)) {
      if (!Exists(name)) {
        return Invalid(fmt::format("{} {} does not exist", type, api::GoQuoted(name)));
      }
      const bool upstream = FindUpstreamPlugin(name) != nullptr;
      if (!Implements(name, point.engine) || Has(disabled, name) || Has(enabled, name)) continue;
      if (Has(seen, name)) {
        return Invalid(fmt::format("plugin {} already registered as {}", api::GoQuoted(name),
                                   api::GoQuoted(type)));
      }
      seen.push_back(name);
      // Whether a plugin from elsewhere sorts the queue or binds is for its profile to say.
      const bool unknown = !upstream && (point.engine == ExtensionPoint::kQueueSort ||
                                         point.engine == ExtensionPoint::kPlacementGenerate);
      if (!unknown) ++count;
    }
    return absl::OkStatus();
  }

  const ProfileSection& profile_;
  const Names& out_of_tree_;
  std::set<std::string> needed_;
};

// Resources that an extender manages and wants the scheduler to leave alone replace those that
// NodeResourcesFit was told to ignore.
absl::Status ApplyIgnoredResources(Configuration& config) {
  api::JsonValue::Array ignored;
  for (const ExtenderSection& extender : config.extenders) {
    for (const ManagedResourceSection& resource : extender.managed_resources) {
      if (resource.ignored_by_scheduler) ignored.emplace_back(resource.name);
    }
  }
  if (ignored.empty()) return absl::OkStatus();
  for (ProfileSection& profile : config.profiles) {
    auto it = std::find_if(profile.plugin_config.begin(), profile.plugin_config.end(),
                           [](const auto& entry) { return entry.name == "NodeResourcesFit"; });
    if (it == profile.plugin_config.end()) {
      return Invalid("couldn't build extenders: can't find NodeResourcesFitArgs in plugin config");
    }
    it->args.Set("ignoredResources", api::JsonValue(ignored));
  }
  return absl::OkStatus();
}

void KeepNeeded(const std::set<std::string>& needed, ProfileSection& profile) {
  auto& entries = profile.plugin_config;
  entries.erase(std::remove_if(entries.begin(), entries.end(),
                               [&](const PluginConfigSection& entry) {
                                 return !needed.contains(entry.name) || entry.args.is_null();
                               }),
                entries.end());
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.name < b.name; });
}

}  // namespace

absl::Status CompleteProfiles(Configuration& config, const Names& out_of_tree) {
  for (ExtenderSection& extender : config.extenders) {
    if (extender.http_timeout == absl::ZeroDuration()) extender.http_timeout = absl::Seconds(5);
  }
  BERTH_RETURN_IF_ERROR(ApplyIgnoredResources(config));
  for (ProfileSection& profile : config.profiles) {
    ProfileCheck check(profile, out_of_tree);
    if (absl::Status status = check.Run(); !status.ok()) {
      return Invalid(
          fmt::format("initializing profiles: creating profile for scheduler name {}: {}",
                      *profile.scheduler_name, ToStd(status.message())));
    }
    KeepNeeded(check.needed(), profile);
  }
  return absl::OkStatus();
}

std::vector<framework::ProfileConfig> ToProfileConfigs(const Configuration& config) {
  std::vector<framework::ProfileConfig> out;
  for (const ProfileSection& profile : config.profiles) {
    framework::ProfileConfig& built = out.emplace_back();
    built.scheduler_name = profile.scheduler_name.value_or("");
    built.plugins = ToEnginePlugins(profile.plugins);
    built.percentage_of_nodes_to_score = profile.percentage_of_nodes_to_score;
    for (const PluginConfigSection& entry : profile.plugin_config) {
      built.plugin_config.push_back({entry.name, entry.args.ToText()});
    }
  }
  return out;
}

}  // namespace berth::scheduler
