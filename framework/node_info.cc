#include "framework/node_info.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "api/schema/core_v1_node.pb.h"

namespace berth::framework {
namespace {

// By uid; the last pod takes the freed slot.
bool SwapRemove(std::vector<PodPtr>& pods, std::string_view uid) {
  auto it = std::find_if(pods.begin(), pods.end(),
                         [&](const PodPtr& held) { return held->uid == uid; });
  if (it == pods.end()) return false;
  *it = std::move(pods.back());
  pods.pop_back();
  return true;
}

// to = from, of which the first `same` are there; pods that both have at the same place are left
// alone: counting who holds them costs more than looking.
void CopyPods(const std::vector<PodPtr>& from, std::vector<PodPtr>& to, size_t same = 0) {
  if (to.size() > from.size()) to.resize(from.size());
  for (size_t i = same; i < to.size(); ++i) {
    if (to[i] != from[i]) to[i] = from[i];
  }
  to.insert(to.end(), from.begin() + static_cast<std::ptrdiff_t>(to.size()), from.end());
}

}  // namespace

const NodeInfo::Facts& NodeInfo::NoFacts() {
  static const Facts* const kNone = new Facts;
  return *kNone;
}

void NodeInfo::SetNode(std::shared_ptr<const api::core::Node> node) {
  auto facts = std::make_shared<Facts>();
  name_ = Symbol::Intern(node->metadata().name());
  facts->labels = api::scheduling::LabelSet::FromMeta(node->metadata());
  facts->allocatable = api::scheduling::NodeAllocatable(*node);
  facts->taints.reserve(static_cast<size_t>(node->spec().taints_size()));
  for (const auto& taint : node->spec().taints()) {
    facts->taints.push_back(api::scheduling::CompileTaint(taint));
  }
  facts->unschedulable = node->spec().unschedulable();
  facts->node = std::move(node);
  facts_ = std::move(facts);
}

void NodeInfo::RemoveNode() {
  facts_ = nullptr;
  images_ = nullptr;
}

void NodeInfo::AddPod(PodPtr pod) {
  Count(*pod, 1);
  if (pod->has_pod_affinity) pods_with_affinity_.push_back(pod);
  if (pod->has_required_pod_anti_affinity) pods_with_required_anti_affinity_.push_back(pod);
  pods_.push_back(std::move(pod));
}

bool NodeInfo::RemovePod(const PodInfo& pod) {
  auto it = std::find_if(pods_.begin(), pods_.end(),
                         [&](const PodPtr& held) { return held->uid == pod.uid; });
  if (it == pods_.end()) return false;
  const PodPtr held = *it;  // what was counted, which `pod` may differ from
  Count(*held, -1);
  if (held->has_pod_affinity) SwapRemove(pods_with_affinity_, held->uid);
  if (held->has_required_pod_anti_affinity) {
    SwapRemove(pods_with_required_anti_affinity_, held->uid);
  }
  unchanged_pods_ = std::min(unchanged_pods_, static_cast<size_t>(it - pods_.begin()));
  *it = std::move(pods_.back());
  pods_.pop_back();
  return true;
}

bool NodeInfo::ReplacePod(const PodPtr& pod) {
  const auto swap = [&](std::vector<PodPtr>& pods) -> std::ptrdiff_t {
    // The newest are the likeliest.
    auto it = std::find_if(pods.rbegin(), pods.rend(),
                           [&](const PodPtr& held) { return held->uid == pod->uid; });
    if (it == pods.rend()) return -1;
    *it = pod;
    return std::prev(it.base()) - pods.begin();
  };
  const std::ptrdiff_t place = swap(pods_);
  if (place < 0) return false;
  unchanged_pods_ = std::min(unchanged_pods_, static_cast<size_t>(place));
  if (pod->has_pod_affinity) swap(pods_with_affinity_);
  if (pod->has_required_pod_anti_affinity) swap(pods_with_required_anti_affinity_);
  return true;
}

void NodeInfo::CopyPodsFrom(const NodeInfo& other, size_t same) {
  CopyPods(other.pods_, pods_, std::min(same, pods_.size()));
  CopyPods(other.pods_with_affinity_, pods_with_affinity_);
  CopyPods(other.pods_with_required_anti_affinity_, pods_with_required_anti_affinity_);
  requested_ = other.requested_;
  non_zero_requested_ = other.non_zero_requested_;
  used_ports_ = other.used_ports_;
  generation = other.generation;
}

void NodeInfo::Count(const PodInfo& pod, int sign) {
  const api::scheduling::Amounts non_zero = {
      .milli_cpu = pod.non_zero_requests.milli_cpu,
      .memory_bytes = pod.non_zero_requests.memory_bytes,
      .scalars = {}};
  if (sign > 0) {
    requested_.Add(pod.requests);
    non_zero_requested_.Add(non_zero);
    for (const auto& port : pod.host_ports) used_ports_.Add(port);
  } else {
    requested_.Subtract(pod.requests);
    non_zero_requested_.Subtract(non_zero);
    for (const auto& port : pod.host_ports) used_ports_.Remove(port);
  }
}

const NodeInfo::ImageMap& NodeInfo::images() const {
  static const ImageMap* const kNone = new ImageMap;
  return images_ ? *images_ : *kNone;
}

NodeInfo::ImageMap& NodeInfo::mutable_images() {
  if (!images_) {
    images_ = std::make_shared<ImageMap>();
  } else if (images_.use_count() > 1) {
    images_ = std::make_shared<ImageMap>(*images_);
  }
  return *images_;
}

Symbol NormalizedImageName(std::string_view image) {
  const size_t colon = image.rfind(':');
  const size_t slash = image.rfind('/');
  const bool tagged =
      colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash);
  if (tagged) return Symbol::Intern(image);
  return Symbol::Intern(std::string(image) + ":latest");
}

}  // namespace berth::framework
