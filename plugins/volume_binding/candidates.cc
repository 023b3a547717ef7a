#include "plugins/volume_binding/candidates.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "base/strings.h"

namespace berth::plugins::volume_binding {
namespace {

using api::Quantity;
using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::scheduling::LabelSet;
using volumes::KeyOf;
using volumes::Problem;

constexpr std::string_view kNoProvisioner = "kubernetes.io/no-provisioner";

template <typename Amounts>
std::optional<Quantity> StorageOf(const Amounts& amounts) {
  const auto it = amounts.find("storage");
  if (it == amounts.end()) return std::nullopt;
  return api::ToQuantity(it->second);
}

template <typename Spec>
std::string_view ModeOf(const Spec& spec) {
  return spec.has_volume_mode() ? std::string_view(spec.volume_mode()) : "Filesystem";
}

bool OffersModes(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  const auto& offered = volume.spec().access_modes();
  const auto& wanted = claim.spec().access_modes();
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& mode) {
    return std::find(offered.begin(), offered.end(), mode) != offered.end();
  });
}

enum class Fit { kNo, kYes, kMeantForIt };

// All that does not depend on the node.
Fit FitOf(const PersistentVolume& volume, const UnboundClaim& unbound,
          const api::scheduling::CompiledSelector& selector) {
  const PersistentVolumeClaim& claim = *unbound.claim;
  const bool meant = volume.spec().has_claim_ref();
  if (meant && !IsMeantFor(volume, claim)) return Fit::kNo;
  if (volumes::ClassOf(volume) != volumes::ClassOf(claim)) return Fit::kNo;
  const Quantity capacity = StorageOf(volume.spec().capacity()).value_or(Quantity());
  if (capacity.Cmp(unbound.request) < 0) return Fit::kNo;
  if (ModeOf(volume.spec()) != ModeOf(claim.spec())) return Fit::kNo;
  if (volume.spec().volume_attributes_class_name() !=
      claim.spec().volume_attributes_class_name()) {
    return Fit::kNo;
  }
  if (volume.metadata().has_deletion_timestamp()) return Fit::kNo;
  if (meant) return Fit::kMeantForIt;
  if (volume.status().phase() != "Available") return Fit::kNo;
  if (!selector.MatchesEverything() && !selector.Matches(LabelSet::FromMeta(volume.metadata()))) {
    return Fit::kNo;
  }
  return OffersModes(volume, claim) ? Fit::kYes : Fit::kNo;
}

// Nodes that a class has room for `size_bytes` on, as the driver reports it.
void FindRoom(const framework::ObjectSource& objects, const api::storage::StorageClass& of,
              int64_t size_bytes, Provisioning& out) {
  out.limited = true;
  objects.ForEach(
      api::ResourceOf<api::storage::CSIStorageCapacity>(), {},
      [&](const framework::ObjectPtr& object) {
        const auto& capacity = static_cast<const api::storage::CSIStorageCapacity&>(*object);
        if (capacity.storage_class_name() != of.metadata().name()) return;
        const auto most = VolumeSizeMax(capacity);
        if (!most || most->Value() < size_bytes || !capacity.has_node_topology()) return;
        auto selector = api::scheduling::CompileSelector(capacity.node_topology());
        if (selector.ok()) out.room.push_back(*std::move(selector));
      });
}

// As node selector terms: every expression is "one of".
void ReadTopologies(const api::storage::StorageClass& of, Provisioning& out) {
  for (const auto& term : of.allowed_topologies()) {
    api::core::NodeSelectorTerm as_selector;
    for (const auto& expression : term.match_label_expressions()) {
      auto& requirement = *as_selector.add_match_expressions();
      requirement.set_key(expression.key());
      requirement.set_operator_("In");
      *requirement.mutable_values() = expression.values();
    }
    out.topologies.push_back(api::scheduling::CompileTerm(as_selector));
  }
}

}  // namespace

bool IsMeantFor(const PersistentVolume& volume, const PersistentVolumeClaim& claim) {
  if (!volume.spec().has_claim_ref()) return false;
  const auto& meant = volume.spec().claim_ref();
  return meant.name() == claim.metadata().name() &&
         meant.namespace_() == claim.metadata().namespace_() &&
         (meant.uid().empty() || meant.uid() == claim.metadata().uid());
}

std::optional<Quantity> VolumeSizeMax(const api::storage::CSIStorageCapacity& capacity) {
  if (capacity.has_maximum_volume_size()) return api::ToQuantity(capacity.maximum_volume_size());
  if (capacity.has_capacity()) return api::ToQuantity(capacity.capacity());
  return std::nullopt;
}

UnboundClaim ReadUnbound(ClaimPtr claim) {
  UnboundClaim unbound;
  unbound.request = StorageOf(claim->spec().resources().requests()).value_or(Quantity());
  const auto& annotations = claim->metadata().annotations();
  const auto it = annotations.find(std::string(kSelectedNode));
  if (it != annotations.end()) unbound.selected_node = it->second;
  unbound.claim = std::move(claim);
  return unbound;
}

void FindCandidates(const AssumedObjects& known, std::vector<UnboundClaim>& claims) {
  std::vector<api::scheduling::CompiledSelector> selectors(claims.size());
  for (size_t i = 0; i < claims.size(); ++i) {
    if (!claims[i].claim->spec().has_selector()) continue;
    auto selector = api::scheduling::CompileSelector(claims[i].claim->spec().selector());
    if (selector.ok()) {
      selectors[i] = *std::move(selector);
      continue;
    }
    claims[i].bad_selector = Problem(
        fmt::format("error creating internal label selector for claim: {}: {}",
                    KeyOf(*claims[i].claim), ToStd(selector.status().message())));
  }
  if (claims.empty()) return;
  std::vector<bool> settled(claims.size());
  known.ForEach([&](const framework::ObjectPtr& object) {
    const auto volume = std::static_pointer_cast<const PersistentVolume>(object);
    for (size_t i = 0; i < claims.size(); ++i) {
      if (settled[i] || claims[i].selected_node || !claims[i].bad_selector.ok()) continue;
      const Fit fit = FitOf(*volume, claims[i], selectors[i]);
      if (fit == Fit::kNo) continue;
      if (fit == Fit::kMeantForIt) {
        settled[i] = true;
        claims[i].candidates.clear();
      }
      claims[i].candidates.push_back({volume, Reach::Of(*volume)});
    }
  });
  for (UnboundClaim& unbound : claims) {
    std::stable_sort(unbound.candidates.begin(), unbound.candidates.end(),
                     [](const auto& a, const auto& b) {
                       return StorageOf(a.volume->spec().capacity()).value_or(Quantity()) <
                              StorageOf(b.volume->spec().capacity()).value_or(Quantity());
                     });
  }
}

Provisioning ReadProvisioning(const framework::ObjectSource& objects,
                              const PersistentVolumeClaim& claim) {
  Provisioning out;
  const std::string_view name = volumes::ClassOf(claim);
  if (name.empty()) {
    out.problem = Problem(fmt::format("no class for claim {}", api::GoQuoted(KeyOf(claim))));
    return out;
  }
  const auto storage_class = volumes::FindClass(objects, name);
  if (storage_class == nullptr) {
    out.problem = Problem(fmt::format("failed to find storage class {}", api::GoQuoted(name)));
    return out;
  }
  const std::string& provisioner = storage_class->provisioner();
  out.possible = !provisioner.empty() && provisioner != kNoProvisioner;
  if (!out.possible) return out;
  ReadTopologies(*storage_class, out);
  const auto request = StorageOf(claim.spec().resources().requests());
  if (!request) return out;
  const auto driver = std::static_pointer_cast<const api::storage::CSIDriver>(
      objects.Get(api::ResourceOf<api::storage::CSIDriver>(), {}, provisioner));
  if (driver != nullptr && driver->spec().storage_capacity()) {
    FindRoom(objects, *storage_class, request->Value(), out);
  }
  return out;
}

}  // namespace berth::plugins::volume_binding
