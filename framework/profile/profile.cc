#include "framework/profile/profile.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "framework/extender.h"
#include "framework/profile/plugin_metrics.h"
#include "framework/profile/registered_events.h"
#include "framework/profile/signature_text.h"

namespace berth::framework {
namespace {

// Signatures of templates.
using KnownSignatures = absl::flat_hash_map<PodTraitsPtr, std::string>;
constexpr size_t kSignaturesMax = 4096;

absl::Status Invalid(std::string_view text) { return absl::InvalidArgumentError(ToAbsl(text)); }

}  // namespace

// Makes one profile.
class ProfileBuilder {
 public:
  ProfileBuilder(const ProfileConfig& config, const Registry& registry, Handle& handle)
      : config_(config), registry_(registry), handle_(handle), profile_(new Profile) {}

  absl::StatusOr<std::unique_ptr<Profile>> Build() {
    profile_->name_ = config_.scheduler_name;
    profile_->percentage_ = config_.percentage_of_nodes_to_score;
    BERTH_RETURN_IF_ERROR(ReadArgs());
    BERTH_RETURN_IF_ERROR(CreatePlugins());
    BERTH_RETURN_IF_ERROR(FillPoints());
    BERTH_RETURN_IF_ERROR(CheckCounts());
    CollectSigners();
    if (!profile_->absent_.empty()) LogAbsent();
    return std::move(profile_);
  }

 private:
  absl::Status ReadArgs() {
    for (const PluginConfigEntry& entry : config_.plugin_config) {
      if (!args_.emplace(entry.name, entry.args_json).second) {
        return Invalid(fmt::format("repeated config for plugin {}", entry.name));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CreatePlugins() {
    BERTH_RETURN_IF_ERROR(CreateFrom(config_.plugins.multi_point));
    for (const PluginSet& set : config_.plugins.points) BERTH_RETURN_IF_ERROR(CreateFrom(set));
    return absl::OkStatus();
  }

  absl::Status CreateFrom(const PluginSet& set) {
    for (const PluginRef& ref : set.enabled) {
      if (ordinals_.contains(ref.name)) continue;
      const PluginFactory* create = registry_.Find(ref.name);
      if (create == nullptr) {
        if (ref.from_default) profile_->absent_.push_back(ref.name);
        continue;  // who asked for it by name is told where it is used
      }
      auto args = args_.find(ref.name);
      const std::string text = args == args_.end() ? std::string() : args->second;
      auto plugin = (*create)(PluginArgs{text}, handle_);
      if (!plugin.ok()) {
        return Invalid(fmt::format("initializing plugin {}: {}", api::GoQuoted(ref.name),
                                   ToStd(plugin.status().message())));
      }
      ordinals_.emplace(ref.name, static_cast<int>(profile_->plugins_.size()));
      profile_->plugins_.push_back({ref.name, *std::move(plugin)});
      if (profile_->plugins_.size() > Profile::kPluginsMax) {
        return Invalid(fmt::format("more than {} plugins in profile {}", Profile::kPluginsMax,
                                   api::GoQuoted(config_.scheduler_name)));
      }
    }
    return absl::OkStatus();
  }

  absl::Status FillPoints() {
    Profile& p = *profile_;
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPreEnqueue, p.pre_enqueue));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kQueueSort, p.queue_sort));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPreFilter, p.pre_filter));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kFilter, p.filter));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPostFilter, p.post_filter));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPreScore, p.pre_score));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kScore, p.score));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kReserve, p.reserve));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPermit, p.permit));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPreBind, p.pre_bind));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kBind, p.bind));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPostBind, p.post_bind));
    BERTH_RETURN_IF_ERROR(Fill(ExtensionPoint::kPlacementGenerate, p.placement_generate));
    return Fill(ExtensionPoint::kPlacementScore, p.placement_score);
  }

  // The entries of one point in order: those enabled here that MultiPoint has too, the rest of
  // MultiPoint, the rest of those enabled here.
  template <typename P>
  absl::Status Fill(ExtensionPoint point, PointList<P>& list) {
    const PluginSet& specific = config_.plugins.at(point);
    PointList<P> from_both, from_multi, only_here;
    std::vector<std::string_view> seen;
    for (const PluginRef& ref : specific.enabled) {
      auto entry = Entry<P>(point, ref, /*required=*/true, seen);
      if (!entry.ok()) return entry.status();
      const auto& multi = config_.plugins.multi_point.enabled;
      const bool in_multi = std::any_of(multi.begin(), multi.end(), [&](const PluginRef& m) {
        return m.name == ref.name;
      });
      if (*entry) (in_multi ? from_both : only_here).push_back(**entry);
    }
    BERTH_RETURN_IF_ERROR(AddMultiPoint(point, specific, from_multi));
    for (auto* part : {&from_both, &from_multi, &only_here}) {
      list.insert(list.end(), part->begin(), part->end());
    }
    return absl::OkStatus();
  }

  template <typename P>
  absl::Status AddMultiPoint(ExtensionPoint point, const PluginSet& specific,
                             PointList<P>& list) {
    const auto& disabled = specific.disabled;
    const auto off = [&](std::string_view name) {
      return std::find(disabled.begin(), disabled.end(), name) != disabled.end();
    };
    if (off("*")) return absl::OkStatus();
    std::vector<std::string_view> seen;
    for (const PluginRef& ref : config_.plugins.multi_point.enabled) {
      auto entry = Entry<P>(point, ref, /*required=*/false, seen);
      if (!entry.ok()) return entry.status();
      const bool here = std::any_of(specific.enabled.begin(), specific.enabled.end(),
                                    [&](const PluginRef& s) { return s.name == ref.name; });
      if (*entry && !off(ref.name) && !here) list.push_back(**entry);
    }
    return absl::OkStatus();
  }

  // nullopt: an absent default, or (not required) a plugin without this point.
  template <typename P>
  absl::StatusOr<std::optional<PointEntry<P>>> Entry(ExtensionPoint point, const PluginRef& ref,
                                                     bool required,
                                                     std::vector<std::string_view>& seen) {
    const std::string type = std::string(ExtensionPointName(point)) + "Plugin";
    auto it = ordinals_.find(ref.name);
    if (it == ordinals_.end()) {
      if (ref.from_default) return std::optional<PointEntry<P>>();
      return Invalid(fmt::format("{} {} does not exist", type, api::GoQuoted(ref.name)));
    }
    P* plugin = dynamic_cast<P*>(
        profile_->plugins_[static_cast<size_t>(it->second)].plugin.get());
    if (plugin == nullptr) {
      if (!required) return std::optional<PointEntry<P>>();
      return Invalid(fmt::format("plugin {} does not extend {} plugin", api::GoQuoted(ref.name),
                                 type));
    }
    if (std::find(seen.begin(), seen.end(), ref.name) != seen.end()) {
      return Invalid(fmt::format("plugin {} already registered as {}", api::GoQuoted(ref.name),
                                 api::GoQuoted(type)));
    }
    seen.push_back(it->first);
    return std::optional(PointEntry<P>{plugin, it->second, it->first, WeightOf(ref)});
  }

  int32_t WeightOf(const PluginRef& ref) const {
    if (ref.weight != 0) return ref.weight;
    for (const PluginRef& multi : config_.plugins.multi_point.enabled) {
      if (multi.name == ref.name && multi.weight != 0) return multi.weight;
    }
    return 1;
  }

  absl::Status CheckCounts() {
    const std::string quoted = api::GoQuoted(config_.scheduler_name);
    if (profile_->queue_sort.size() != 1) {
      return Invalid(fmt::format(
          "only one queue sort plugin required for profile with scheduler name {}, but got {}",
          quoted, profile_->queue_sort.size()));
    }
    if (profile_->bind.empty()) {
      return Invalid(fmt::format(
          "at least one bind plugin is needed for profile with scheduler name {}", quoted));
    }
    if (profile_->placement_generate.size() > 1) {
      return Invalid(fmt::format(
          "at most one placement generate plugin is allowed for profile with scheduler name {}",
          quoted));
    }
    int64_t total = 0;
    for (const auto& entry : profile_->score) {
      int64_t most = 0;
      if (__builtin_mul_overflow(int64_t{entry.weight}, kNodeScoreMax, &most) ||
          __builtin_add_overflow(total, most, &total)) {
        return Invalid("total score of Score plugins could overflow");
      }
    }
    auto args = args_.find(profile_->queue_sort[0].name);
    if (args != args_.end()) profile_->queue_sort_args_ = args->second;
    // Names were views of the map that goes with this builder.
    const auto rename = [&](auto& list) {
      for (auto& entry : list) entry.name = profile_->plugin_name(entry.ordinal);
    };
    Profile& p = *profile_;
    rename(p.pre_enqueue), rename(p.queue_sort), rename(p.pre_filter), rename(p.filter);
    rename(p.post_filter), rename(p.pre_score), rename(p.score), rename(p.reserve);
    rename(p.permit), rename(p.pre_bind), rename(p.bind), rename(p.post_bind);
    rename(p.placement_generate), rename(p.placement_score);
    return absl::OkStatus();
  }

  void CollectSigners() {
    const auto add = [&](const Plugin* plugin) {
      auto& signers = profile_->signers_;
      if (std::find(signers.begin(), signers.end(), plugin) == signers.end()) {
        signers.push_back(plugin);
        profile_->signs_templates_ = profile_->signs_templates_ && plugin->SignsTemplates();
      }
    };
    for (const auto& entry : profile_->pre_filter) add(entry.plugin);
    for (const auto& entry : profile_->filter) add(entry.plugin);
    for (const auto& entry : profile_->pre_score) add(entry.plugin);
    for (const auto& entry : profile_->score) add(entry.plugin);
  }

  void LogAbsent() const {
    std::string names;
    for (const std::string& name : profile_->absent_) names += (names.empty() ? "" : " ") + name;
    BERTH_LOG(kInfo, "default plugins not in this scheduler profile={} plugins=\"{}\"",
              config_.scheduler_name, names);
  }

  const ProfileConfig& config_;
  const Registry& registry_;
  Handle& handle_;
  std::unique_ptr<Profile> profile_;
  StringMap<std::string> args_;
  std::map<std::string, int, std::less<>> ordinals_;
};

absl::StatusOr<std::unique_ptr<Profile>> Profile::Build(const ProfileConfig& config,
                                                        const Registry& registry,
                                                        Handle& handle) {
  return ProfileBuilder(config, registry, handle).Build();
}

Profile::~Profile() {
  for (const Owned& owned : plugins_) owned.plugin->Close();
}

std::string_view Profile::plugin_name(int ordinal) const {
  return plugins_[static_cast<size_t>(ordinal)].name;
}

Plugin* Profile::FindPlugin(std::string_view name) const {
  for (const Owned& owned : plugins_) {
    if (owned.name == name) return owned.plugin.get();
  }
  return nullptr;
}

QueueProfile Profile::ForQueue(bool with_extenders) const {
  QueueProfile queue;
  for (const auto& entry : pre_enqueue) queue.pre_enqueue.push_back(entry.plugin);
  RegisteredEvents events;
  for (const auto& entry : pre_enqueue) events.Add(entry.name, *entry.plugin);
  for (const auto& entry : pre_filter) events.Add(entry.name, *entry.plugin);
  for (const auto& entry : filter) events.Add(entry.name, *entry.plugin);
  for (const auto& entry : reserve) events.Add(entry.name, *entry.plugin);
  for (const auto& entry : permit) events.Add(entry.name, *entry.plugin);
  if (with_extenders) events.AddEverything(kExtenderPlugin);
  queue.events = std::move(events.list);
  queue.events_of_plugin = std::move(events.of_plugin);
  queue.sign = [this, known = std::make_shared<KnownSignatures>()](const PodInfo& pod,
                                                                   PluginTimes* times) {
    // Of pods that share their traits with nobody, remembering would be for nothing.
    if (!signs_templates_ || !TraitsAreOfSpec(pod.object())) return Sign(pod, times);
    if (const auto it = known->find(pod.traits()); it != known->end()) return it->second;
    if (known->size() >= kSignaturesMax) known->clear();
    return known->emplace(pod.traits(), Sign(pod, times)).first->second;
  };
  return queue;
}

std::string Profile::Sign(const PodInfo& pod, PluginTimes* times) const {
  SignatureText text;
  for (const Plugin* plugin : signers_) {
    if (times == nullptr) {
      if (!plugin->Sign(pod, text)) return {};
      continue;
    }
    const absl::Time began = times->Now();
    const bool said = plugin->Sign(pod, text);
    times->Took(plugin->Name(), "Sign", said ? Code::kSuccess : Code::kUnschedulable, began);
    if (!said) return {};
  }
  text.Put("v1.Pod.Spec.SchedulerName", pod.scheduler_name);
  text.Put("v1.Pod.Namespace", pod.namespace_name);
  text.Put("v1.Pod.Spec.Priority", pod.priority);
  return text.Finish();
}

absl::Status CheckSameQueueSort(const std::vector<const Profile*>& profiles) {
  for (const Profile* profile : profiles) {
    const Profile& first = *profiles.front();
    const std::string quoted = api::GoQuoted(profile->name());
    if (profile->queue_sort[0].name != first.queue_sort[0].name) {
      return Invalid(fmt::format("different queue sort plugins for profile {}: {}, first: {}",
                                 quoted, api::GoQuoted(profile->queue_sort[0].name),
                                 api::GoQuoted(first.queue_sort[0].name)));
    }
    if (profile->queue_sort_args() != first.queue_sort_args()) {
      return Invalid(fmt::format("different queue sort plugin args for profile {}", quoted));
    }
  }
  return absl::OkStatus();
}

}  // namespace berth::framework
