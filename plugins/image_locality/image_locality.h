// Prefers nodes that already have the pod's images, the larger and the wider spread the better.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::image_locality {

// Score: the bytes of the pod's images on the node, each scaled by the share of nodes that have it,
//   mapped from [23 MiB, 1000 MiB * containers] to [0, 100]. No normalization, no events.
// Cost: one hash lookup per image. Threads: const after construction.
// Source: kube-scheduler plugin of the same name.
class ImageLocality final : public framework::ScorePlugin {
 public:
  static constexpr std::string_view kName = "ImageLocality";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);
  explicit ImageLocality(framework::Handle& handle) : handle_(handle) {}

  std::string_view Name() const override { return kName; }
  framework::Scored Score(const framework::CycleState& state, const framework::PodInfo& pod,
                          const framework::NodeInfo& node) const override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const override;
  bool SignsTemplates() const override { return true; }
  std::optional<std::vector<framework::ClusterEventWithHint>> EventsToRegister() const override;

 private:
  framework::Handle& handle_;  // for the number of nodes in the snapshot
};

// The pure arithmetic. containers: init and regular ones.
int64_t ScoreOf(int64_t scaled_bytes, int64_t containers);
int64_t ScaledSize(int64_t size_bytes, int64_t nodes_with_image, int64_t nodes);

}  // namespace berth::plugins::image_locality
