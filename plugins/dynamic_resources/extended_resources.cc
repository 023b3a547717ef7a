#include "plugins/dynamic_resources/extended_resources.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>

#include <fmt/core.h>

#include "api/quantity.h"
#include "api/schema/meta_v1.pb.h"
#include "plugins/dynamic_resources/claims.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::core::Container;
using api::dra::DeviceRequest;
using Mapping = api::core::ContainerExtendedResourceRequest;

// The containers of a pod, those that run to their end before others first.
struct Containers {
  explicit Containers(const api::core::Pod& pod) {
    for (const Container& one : pod.spec().init_containers()) {
      (one.restart_policy() == "Always" ? lasting : passing).push_back(all.size());
      all.push_back(&one);
    }
    for (const Container& one : pod.spec().containers()) {
      lasting.push_back(all.size());
      all.push_back(&one);
    }
  }
  std::vector<const Container*> all;
  std::vector<size_t> lasting, passing;  // places in it
};

// Whole units; 0: none, or not in whole units.
int64_t AmountIn(const Container& container, const std::string& resource) {
  const auto& requests = container.resources().requests();
  const auto it = requests.find(resource);
  if (it == requests.end()) return 0;
  const api::Quantity amount = api::ToQuantity(it->second);
  return api::Quantity::FromInt(amount.Value()) == amount ? amount.Value() : 0;
}

// The place of the resource among all that the container requests, by name.
int64_t PlaceIn(const Container& container, const std::string& resource) {
  const auto& requests = container.resources().requests();
  return std::count_if(requests.begin(), requests.end(),
                       [&](const auto& entry) { return entry.first < resource; });
}

// The requests for one resource, and who gets which.
class OneResource {
 public:
  OneResource(const Containers& containers, const std::string& resource,
              const std::string& class_name)
      : containers_(containers), resource_(resource), class_name_(class_name) {
    of_lasting_.resize(containers.all.size());
    for (size_t i : containers.lasting) of_lasting_[i] = Ask(i, {}, lasting_mappings_);
    std::set<std::string> replaced;
    for (size_t i : containers.passing) {
      const auto reusable = std::span(of_lasting_).subspan(i);
      std::optional<DeviceRequest> asked = Ask(i, reusable, passing_mappings_);
      if (!asked) continue;
      replaced.insert(asked->name());
      if (!beyond_ || beyond_->exactly().count() < asked->exactly().count()) {
        beyond_ = std::move(asked);
      }
    }
    for (Mapping& mapping : passing_mappings_) {
      if (replaced.contains(mapping.request_name())) mapping.set_request_name(beyond_->name());
    }
  }

  void AddTo(ExtendedRequests& out) const {
    if (beyond_) out.requests.push_back(*beyond_);
    for (const auto& request : of_lasting_) {
      if (request) out.requests.push_back(*request);
    }
    for (const auto* mappings : {&lasting_mappings_, &passing_mappings_}) {
      for (const Mapping& mapping : *mappings) *out.status.add_request_mappings() = mapping;
    }
  }

 private:
  using Requests = std::span<const std::optional<DeviceRequest>>;

  // What the container needs beyond the reusable ones; nullopt: nothing.
  std::optional<DeviceRequest> Ask(size_t at, Requests reusable, std::vector<Mapping>& mappings) {
    const Container& container = *containers_.all[at];
    const int64_t amount = AmountIn(container, resource_);
    if (amount == 0) return std::nullopt;
    const auto add = [&](const std::string& request) {
      Mapping& added = mappings.emplace_back();
      added.set_container_name(container.name());
      added.set_resource_name(resource_);
      added.set_request_name(request);
    };
    int64_t reused = 0;
    for (const auto& request : reusable) {
      if (!request) continue;
      reused += request->exactly().count();
      add(request->name());
      if (reused >= amount) return std::nullopt;
    }
    DeviceRequest out;
    out.set_name(fmt::format("container-{}-request-{}", at, PlaceIn(container, resource_)));
    out.mutable_exactly()->set_device_class_name(class_name_);
    out.mutable_exactly()->set_allocation_mode("ExactCount");
    out.mutable_exactly()->set_count(amount - reused);
    add(out.name());
    return out;
  }

  const Containers& containers_;
  const std::string resource_, class_name_;
  std::vector<std::optional<DeviceRequest>> of_lasting_;  // by container
  std::optional<DeviceRequest> beyond_;                   // of those that pass
  std::vector<Mapping> lasting_mappings_, passing_mappings_;
};

}  // namespace

bool IsInMemory(const api::dra::ResourceClaim& claim) {
  return claim.metadata().name() == kExtendedClaimInMemory;
}

ClaimPtr NewExtendedClaim(const framework::PodInfo& pod, const std::string& uid) {
  auto claim = std::make_shared<api::dra::ResourceClaim>();
  auto& metadata = *claim->mutable_metadata();
  metadata.set_namespace_(pod.namespace_name);
  metadata.set_name(std::string(kExtendedClaimInMemory));
  metadata.set_uid(uid);
  metadata.set_generate_name(pod.name + "-extended-resources-");
  (*metadata.mutable_annotations())[kExtendedClaimAnnotation] = "true";
  auto& owner = *metadata.add_owner_references();
  owner.set_api_version("v1");
  owner.set_kind("Pod");
  owner.set_name(pod.name);
  owner.set_uid(pod.uid);
  owner.set_controller(true);
  return claim;
}

ExtendedRequests ExtendedRequestsOf(const api::core::Pod& pod, ResourceClasses resources) {
  std::sort(resources.begin(), resources.end(), [](const auto& a, const auto& b) {
    return a.first.text() < b.first.text();
  });
  const Containers containers(pod);
  ExtendedRequests out;
  for (const auto& [resource, device_class] : resources) {
    OneResource(containers, std::string(resource.text()), device_class->metadata().name())
        .AddTo(out);
  }
  std::sort(out.requests.begin(), out.requests.end(),
            [](const auto& a, const auto& b) { return a.name() < b.name(); });
  return out;
}

}  // namespace berth::plugins::dynamic_resources
