#include "framework/pod_templates.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <absl/hash/hash.h>

#include "api/equality.h"
#include "api/schema/core_v1_container.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"

namespace berth::framework {
namespace {

using api::core::Pod;

// As many templates as are remembered, and as many that only a look at all of them tells apart.
// Where more are in use at once, they are parsed again and again.
constexpr size_t kTemplatesMax = 4096, kAlikeMax = 16;

// Labels are there since workloads of one image differ by them, claims since most pods that have
// some have their own.
size_t RoughHash(const Pod& pod) {
  const api::core::PodSpec& spec = pod.spec();
  size_t labels = 0;  // in any order
  for (const auto& label : pod.metadata().labels()) {
    labels += absl::HashOf(label.first, label.second);
  }
  const std::string_view image =
      spec.containers().empty() ? std::string_view() : spec.containers(0).image();
  size_t hash = absl::HashOf(pod.metadata().namespace_(), labels, image, spec.priority(),
                             spec.has_affinity());
  for (const auto& volume : spec.volumes()) {
    hash = absl::HashOf(hash, volume.volume_source().persistent_volume_claim().claim_name());
  }
  for (const auto& claim : spec.resource_claims()) {
    hash = absl::HashOf(hash, claim.resource_claim_name());
  }
  return hash;
}

bool SameLabels(const Pod& a, const Pod& b) {
  const auto& left = a.metadata().labels();
  const auto& right = b.metadata().labels();
  if (left.size() != right.size()) return false;
  return std::all_of(left.begin(), left.end(), [&](const auto& label) {
    const auto it = right.find(label.first);
    return it != right.end() && it->second == label.second;
  });
}

bool SameTemplate(const Pod& a, const Pod& b) {
  return a.metadata().namespace_() == b.metadata().namespace_() && SameLabels(a, b) &&
         api::SemanticEqualBut(api::core::PodSpec::kNodeNameFieldNumber, a.spec(), b.spec());
}

// Of one pod, now and before. Servers count the generations of its spec (binding makes none); where
// they do not it is 0, and the spec is to be compared.
bool SameTraits(const Pod& before, const Pod& now) {
  const int64_t generation = now.metadata().generation();
  const bool same_spec = generation > 0 && generation == before.metadata().generation();
  return same_spec ? SameLabels(before, now) : SameTemplate(before, now);
}

}  // namespace

PodTraitsPtr PodTemplates::TraitsOf(const std::shared_ptr<const Pod>& pod) {
  if (size_ >= kTemplatesMax) {
    templates_.clear();
    size_ = 0;
  }
  std::vector<Template>& alike = templates_[RoughHash(*pod)];
  for (const Template& one : alike) {
    if (SameTemplate(*one.pod, *pod)) return one.traits;
  }
  if (alike.size() >= kAlikeMax) {
    size_ -= alike.size();
    alike.clear();
  }
  ++size_;
  return alike.emplace_back(pod, MakePodTraits(*pod)).traits;
}

PodPtr PodTemplates::Make(std::shared_ptr<const Pod> pod, const PodPtr& known) {
  if (!TraitsAreOfSpec(*pod)) return PodInfo::Make(std::move(pod));
  const bool same_pod = known != nullptr && known->uid == pod->metadata().uid() &&
                        known->name == pod->metadata().name() &&
                        known->namespace_name == pod->metadata().namespace_();
  if (!same_pod) {
    PodTraitsPtr traits = TraitsOf(pod);
    return PodInfo::Make(std::move(pod), std::move(traits), nullptr);
  }
  const bool unchanged =
      TraitsAreOfSpec(known->object()) && SameTraits(known->object(), *pod);
  PodTraitsPtr traits = unchanged ? known->traits() : TraitsOf(pod);
  return PodInfo::Make(std::move(pod), std::move(traits), known->identity());
}

}  // namespace berth::framework
