#include "plugins/image_locality/image_locality.h"

#include <string>

#include <fmt/core.h>

#include "framework/handle.h"
#include "framework/snapshot.h"
#include "plugins/signature_keys.h"

namespace berth::plugins::image_locality {
namespace {

constexpr int64_t kMiB = 1 << 20;
constexpr int64_t kThresholdMin = 23 * kMiB;
constexpr int64_t kThresholdMaxPerContainer = 1000 * kMiB;

}  // namespace

int64_t ScaledSize(int64_t size_bytes, int64_t nodes_with_image, int64_t nodes) {
  const double spread = static_cast<double>(nodes_with_image) / static_cast<double>(nodes);
  return static_cast<int64_t>(static_cast<double>(size_bytes) * spread);
}

int64_t ScoreOf(int64_t scaled_bytes, int64_t containers) {
  const int64_t max = kThresholdMaxPerContainer * containers;
  if (scaled_bytes < kThresholdMin) {
    scaled_bytes = kThresholdMin;
  } else if (scaled_bytes > max) {
    scaled_bytes = max;
  }
  return framework::kNodeScoreMax * (scaled_bytes - kThresholdMin) / (max - kThresholdMin);
}

absl::StatusOr<std::unique_ptr<framework::Plugin>> ImageLocality::Create(
    const framework::PluginArgs&, framework::Handle& handle) {
  return std::make_unique<ImageLocality>(handle);
}

framework::Scored ImageLocality::Score(const framework::CycleState&,
                                       const framework::PodInfo& pod,
                                       const framework::NodeInfo& node) const {
  int64_t sum = 0;
  const auto& held = node.images();
  if (!held.empty()) {
    const auto nodes = static_cast<int64_t>(handle_.snapshot().nodes().size());
    for (Symbol image : pod.images) {
      auto it = held.find(image);
      if (it != held.end()) sum += ScaledSize(it->second.size_bytes, it->second.nodes, nodes);
    }
  }
  return {ScoreOf(sum, pod.container_count), {}};
}

// The number of nodes, and of nodes with an image, reaches beyond the node scored.
framework::Dependencies ImageLocality::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kCluster,
          .node_fields = framework::kNodeImages,
          .domains = {},
          .objects = {}};
}

bool ImageLocality::Sign(const framework::PodInfo& pod, framework::SignatureBuilder& out) const {
  std::string value = fmt::format("{}", pod.container_count);
  for (Symbol image : pod.images) value.append(1, '\n').append(image.text());
  out.Put(kImageNamesKey, value);
  return true;
}

std::optional<std::vector<framework::ClusterEventWithHint>> ImageLocality::EventsToRegister()
    const {
  return std::vector<framework::ClusterEventWithHint>();
}

}  // namespace berth::plugins::image_locality
