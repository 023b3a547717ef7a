#include "bench/scheduler_perf/rig/claim_controller.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/resource_table.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "base/log.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

using api::core::Pod;
using api::dra::ResourceClaim;
using api::dra::ResourceClaimTemplate;

constexpr const char* kPodClaimName = "resource.kubernetes.io/pod-claim-name";

const std::string* StatusOf(const Pod& pod, std::string_view name) {
  for (const auto& status : pod.status().resource_claim_statuses()) {
    if (status.name() == name) return &status.resource_claim_name();
  }
  return nullptr;
}

bool NeedsClaims(const Pod& pod) {
  if (pod.metadata().has_deletion_timestamp()) return false;
  const auto& claims = pod.spec().resource_claims();
  return std::any_of(claims.begin(), claims.end(), [&](const auto& wanted) {
    return !wanted.resource_claim_template_name().empty() &&
           StatusOf(pod, wanted.name()) == nullptr;
  });
}

bool OwnedBy(const ResourceClaim& claim, std::string_view uid) {
  const auto& owners = claim.metadata().owner_references();
  return std::any_of(owners.begin(), owners.end(),
                     [&](const auto& owner) { return owner.uid() == uid; });
}

// A failure here is the rig's own: the workload will not end, and the log says why.
void Report(std::string_view what, std::string_view name, const absl::Status& status) {
  if (status.ok()) return;
  BERTH_LOG(kError, "claim controller what={} name={} err=\"{}\"", what, name,
            ToStd(status.message()));
}

}  // namespace

ClaimController::ClaimController(Executor& executor, framework::MemoryWorld& world,
                                 MemoryApi& api)
    : executor_(executor), world_(world), api_(api) {
  world_.Subscribe(api::ResourceOf<Pod>(), [this](const auto& event) { OnPod(event); });
  world_.Subscribe(api::ResourceOf<ResourceClaimTemplate>(),
                   [this](const auto& event) { OnTemplate(event); });
}

void ClaimController::OnPod(const framework::ObjectEvent& event) {
  const bool gone = event.new_object == nullptr;
  const auto& pod = static_cast<const Pod&>(gone ? *event.old_object : *event.new_object);
  if (!gone && !NeedsClaims(pod)) return;
  const std::string& extended = pod.status().extended_resource_claim_status().resource_claim_name();
  if (pod.spec().resource_claims_size() == 0 && (!gone || extended.empty())) return;
  executor_.Post([this, gone, held = gone ? event.old_object : event.new_object] {
    const auto& seen = static_cast<const Pod&>(*held);
    const auto& metadata = seen.metadata();
    if (!gone) {
      const auto now = world_.Get(api::ResourceOf<Pod>(), metadata.namespace_(), metadata.name());
      return now == nullptr ? void() : MakeClaims(static_cast<const Pod&>(*now));
    }
    for (const auto& wanted : seen.spec().resource_claims()) {
      const std::string* made = StatusOf(seen, wanted.name());
      const std::string& name = made != nullptr ? *made : wanted.resource_claim_name();
      if (!name.empty()) Release(seen, name);
    }
    const auto& extended_status = seen.status().extended_resource_claim_status();
    if (extended_status.has_resource_claim_name()) {
      Release(seen, extended_status.resource_claim_name());
    }
  });
}

void ClaimController::OnTemplate(const framework::ObjectEvent& event) {
  if (event.new_object == nullptr) return;
  executor_.Post([this, held = event.new_object] {
    const auto& made = static_cast<const ResourceClaimTemplate&>(*held);
    std::vector<framework::ObjectPtr> pods;
    world_.ForEach(api::ResourceOf<Pod>(), made.metadata().namespace_(),
                   [&](const framework::ObjectPtr& pod) { pods.push_back(pod); });
    for (const auto& pod : pods) MakeClaims(static_cast<const Pod&>(*pod));
  });
}

void ClaimController::MakeClaims(const Pod& pod) {
  if (!NeedsClaims(pod)) return;
  std::shared_ptr<Pod> changed;
  for (const auto& wanted : pod.spec().resource_claims()) {
    if (wanted.resource_claim_template_name().empty()) continue;
    if (StatusOf(pod, wanted.name()) != nullptr) continue;
    std::string name = MakeClaim(pod, wanted);
    if (name.empty()) continue;
    if (changed == nullptr) changed = std::make_shared<Pod>(pod);
    auto& status = *changed->mutable_status()->add_resource_claim_statuses();
    status.set_name(wanted.name());
    status.set_resource_claim_name(std::move(name));
  }
  if (changed == nullptr) return;
  Report("pod status", pod.metadata().name(),
         api_.UpdateNow(api::ResourceOf<Pod>(), std::move(changed), "status").status());
}

// Its name; empty when the template is not there yet.
std::string ClaimController::MakeClaim(const Pod& pod,
                                       const api::core::PodResourceClaim& wanted) {
  const auto held = world_.Get(api::ResourceOf<ResourceClaimTemplate>(),
                               pod.metadata().namespace_(), wanted.resource_claim_template_name());
  if (held == nullptr) return {};
  const auto& from = static_cast<const ResourceClaimTemplate&>(*held);
  auto claim = std::make_shared<ResourceClaim>();
  *claim->mutable_metadata() = from.spec().metadata();
  *claim->mutable_spec() = from.spec().spec();
  auto& metadata = *claim->mutable_metadata();
  metadata.set_namespace_(pod.metadata().namespace_());
  metadata.set_name(fmt::format("{}-{}-{:05}", pod.metadata().name(), wanted.name(), ++made_));
  (*metadata.mutable_annotations())[kPodClaimName] = wanted.name();
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Pod");
  owner.set_name(pod.metadata().name());
  owner.set_uid(pod.metadata().uid());
  owner.set_controller(true);
  owner.set_block_owner_deletion(true);
  std::string name = metadata.name();
  Report("create claim", name, api_.CreateNow(api::ResourceOf<ResourceClaim>(), claim));
  return name;
}

void ClaimController::Release(const Pod& pod, const std::string& claim_name) {
  const auto& resource = api::ResourceOf<ResourceClaim>();
  const std::string& space = pod.metadata().namespace_();
  const auto held = world_.Get(resource, space, claim_name);
  if (held == nullptr) return;
  const std::string& uid = pod.metadata().uid();
  auto claim = std::make_shared<ResourceClaim>(static_cast<const ResourceClaim&>(*held));
  auto& reserved = *claim->mutable_status()->mutable_reserved_for();
  reserved.erase(std::remove_if(reserved.begin(), reserved.end(),
                                [&](const auto& consumer) { return consumer.uid() == uid; }),
                 reserved.end());
  if (reserved.empty()) claim->mutable_status()->clear_allocation();
  auto updated = api_.UpdateNow(resource, claim, "status");
  if (!updated.ok() || !OwnedBy(*claim, uid)) return Report("release", claim_name,
                                                            updated.status());
  // Its finalizer stands for the allocation, which is gone.
  auto free = std::make_shared<ResourceClaim>(static_cast<const ResourceClaim&>(**updated));
  free->mutable_metadata()->clear_finalizers();
  Report("release", claim_name, api_.UpdateNow(resource, std::move(free), {}).status());
  Report("delete", claim_name, api_.DeleteNow(resource, space, claim_name, {}, std::nullopt));
}

}  // namespace berth::bench
