// Profile: the plugins of one schedulerName, made once from its configuration and then fixed.
// Which points a plugin implements is found here, never on the hot path.
// Construction rules and error texts: framework.md section 10, config.md section 2.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "framework/handle.h"
#include "framework/plugin.h"
#include "framework/profile/plugin_config.h"
#include "framework/queue/queue_profile.h"
#include "framework/registry.h"

namespace berth::framework {

// One plugin at one point. ordinal: its place among all plugins of the profile, and its bit in
// CycleState's skip sets.
template <typename P>
struct PointEntry {
  P* plugin = nullptr;
  int ordinal = 0;
  std::string_view name;
  int32_t weight = 1;
};
inline uint64_t PluginBit(int ordinal) { return uint64_t{1} << ordinal; }
template <typename P>
using PointList = std::vector<PointEntry<P>>;

// Threads: immutable after Build.
class Profile {
 public:
  static constexpr int kPluginsMax = 64;

  // config.plugins: already merged with the defaults. Plugins that come from the defaults and are
  // not in the registry are left out, named in absent() and in one line of the log. The handle
  // must outlive the profile. InvalidArgument with upstream's texts.
  static absl::StatusOr<std::unique_ptr<Profile>> Build(const ProfileConfig& config,
                                                        const Registry& registry, Handle& handle);
  ~Profile();

  const std::string& name() const { return name_; }
  std::optional<int32_t> percentage_of_nodes_to_score() const { return percentage_; }
  std::string_view plugin_name(int ordinal) const;
  Plugin* FindPlugin(std::string_view name) const;  // null when not in the profile
  // Upstream defaults this build does not have and the configuration did not disable.
  const std::vector<std::string>& absent() const { return absent_; }
  // Arguments of the queue sort plugin: equal for all profiles of a scheduler.
  const std::string& queue_sort_args() const { return queue_sort_args_; }

  PointList<PreEnqueuePlugin> pre_enqueue;
  PointList<QueueSortPlugin> queue_sort;  // exactly one
  PointList<PreFilterPlugin> pre_filter;
  PointList<FilterPlugin> filter;
  PointList<PostFilterPlugin> post_filter;
  PointList<PreScorePlugin> pre_score;
  PointList<ScorePlugin> score;
  PointList<ReservePlugin> reserve;
  PointList<PermitPlugin> permit;
  PointList<PreBindPlugin> pre_bind;
  PointList<BindPlugin> bind;
  PointList<PostBindPlugin> post_bind;
  PointList<PlacementGeneratePlugin> placement_generate;
  PointList<PlacementScorePlugin> placement_score;

  // Gates, hints and signatures for the queue. with_extenders: a pod that one of them rejected may
  // be helped by any event.
  QueueProfile ForQueue(bool with_extenders) const;
  // Everything any PreFilter, Filter, PreScore or Score plugin can see of the pod, namespace,
  // priority and scheduler name included; empty when one of them cannot tell. times: may be null.
  std::string Sign(const PodInfo& pod, PluginTimes* times = nullptr) const;

 private:
  friend class ProfileBuilder;
  struct Owned {
    std::string name;
    std::unique_ptr<Plugin> plugin;
  };
  Profile() = default;
  std::string name_;
  std::optional<int32_t> percentage_;
  std::vector<Owned> plugins_;
  std::vector<std::string> absent_;
  std::string queue_sort_args_;
  std::vector<const Plugin*> signers_;
  bool signs_templates_ = true;  // all of them do
};

// Profiles of one scheduler share its queue: same queue sort plugin, same arguments.
absl::Status CheckSameQueueSort(const std::vector<const Profile*>& profiles);

}  // namespace berth::framework
