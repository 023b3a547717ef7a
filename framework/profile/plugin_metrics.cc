#include "framework/profile/plugin_metrics.h"

namespace berth::framework {

void PluginTimes::Begin(bool sampled) {
  if (!sampled || metrics_ == nullptr || left_ == kSamplesPerSecond) return;
  const absl::Time now = clock_.Now();
  if (now - refilled_ < absl::Seconds(1)) return;
  refilled_ = now;
  left_ = kSamplesPerSecond;
}

void PluginTimes::Took(std::string_view plugin, std::string_view point, Code code,
                       absl::Time began, int64_t nodes) {
  if (metrics_ == nullptr || nodes <= 0) return;
  --left_;
  metrics_->PluginExecution(plugin, point, code, (clock_.Now() - began) / nodes);
}

PluginCounts::PluginCounts(const Profile& profile, Metrics& metrics)
    : pre_filter(Of(profile.pre_filter, "PreFilter", profile, metrics)),
      filter(Of(profile.filter, "Filter", profile, metrics)),
      pre_score(Of(profile.pre_score, "PreScore", profile, metrics)),
      score(Of(profile.score, "Score", profile, metrics)),
      reused_verdicts(OrUnseen(metrics.Reused("Filter", profile.name()))),
      reused_scores(OrUnseen(metrics.Reused("Score", profile.name()))) {}

Tally* PluginCounts::OrUnseen(Tally* tally) {
  return tally != nullptr ? tally : &unseen_.emplace_back();
}

template <typename P>
PluginCounts::Tallies PluginCounts::Of(const PointList<P>& list, std::string_view point,
                                       const Profile& profile, Metrics& metrics) {
  Tallies tallies;
  for (const auto& entry : list) {
    tallies.push_back(OrUnseen(metrics.PluginEvaluations(entry.name, point, profile.name())));
  }
  return tallies;
}

}  // namespace berth::framework
