#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/admission.h"

namespace berth::apiserver {
namespace {

using api::core::Pod;
using api::scheduling_v1::PriorityClass;

bool IsSystemClass(std::string_view name) {
  return name == "system-cluster-critical" || name == "system-node-critical";
}

class Priority final : public Admission {
 public:
  explicit Priority(WatchCache& cache) : cache_(cache) {}
  std::string_view name() const override { return "Priority"; }

  absl::Status Mutate(AdmissionRequest& request) override {
    if (request.resource.kind != "Pod" || request.object == nullptr ||
        !request.subresource.empty()) {
      return absl::OkStatus();
    }
    auto& pod = static_cast<Pod&>(*request.object);
    if (request.verb == Verb::kCreate) return Admit(request, pod);
    const auto& old = static_cast<const Pod&>(*request.old_object);
    if (!pod.spec().has_priority() && old.spec().has_priority()) {
      pod.mutable_spec()->set_priority(old.spec().priority());
    }
    if (!pod.spec().has_preemption_policy() && old.spec().has_preemption_policy()) {
      pod.mutable_spec()->set_preemption_policy(old.spec().preemption_policy());
    }
    return absl::OkStatus();
  }

  absl::Status Validate(const AdmissionRequest& request) override {
    if (request.resource.kind != "PriorityClass") return absl::OkStatus();
    if (request.verb == Verb::kDelete) {
      if (!IsSystemClass(request.name)) return absl::OkStatus();
      return api::Forbidden(request.resource, request.name,
                            "this is a system priority class and cannot be deleted");
    }
    const auto& wanted = static_cast<const PriorityClass&>(*request.object);
    const PriorityClass* standing = Default();
    if (!wanted.global_default() || standing == nullptr ||
        standing->metadata().name() == wanted.metadata().name()) {
      return absl::OkStatus();
    }
    return api::Forbidden(
        request.resource, wanted.metadata().name(),
        fmt::format("PriorityClass {} is already marked as default. Only one default can exist",
                    standing->metadata().name()));
  }

 private:
  // The default class; of several the lowest. Null when there is none.
  const PriorityClass* Default() const {
    const PriorityClass* found = nullptr;
    cache_.For(api::ResourceOf<PriorityClass>()).Visit("", "", [&](const ObjectPtr& object) {
      const auto& each = object->As<PriorityClass>();
      if (each.global_default() && (found == nullptr || each.value() < found->value())) {
        found = &each;
      }
      return true;
    });
    return found;
  }

  absl::Status Admit(const AdmissionRequest& request, Pod& pod) const {
    const std::string& class_name = pod.spec().priority_class_name();
    const PriorityClass* its = nullptr;
    ObjectPtr held;
    if (class_name.empty()) {
      its = Default();
      if (its != nullptr) pod.mutable_spec()->set_priority_class_name(its->metadata().name());
    } else {
      held = cache_.For(api::ResourceOf<PriorityClass>()).Find(class_name);
      if (held == nullptr) {
        return api::Forbidden(
            request.resource, request.name,
            fmt::format("no PriorityClass with name {} was found", class_name));
      }
      its = &held->As<PriorityClass>();
    }
    const int32_t value = its == nullptr ? 0 : its->value();
    if (pod.spec().has_priority() && pod.spec().priority() != value) {
      return api::Forbidden(
          request.resource, request.name,
          fmt::format("the integer value of priority ({}) must not be provided in pod spec; "
                      "priority admission controller computed {} from the given PriorityClass name",
                      pod.spec().priority(), value));
    }
    pod.mutable_spec()->set_priority(value);
    const std::string policy =
        its == nullptr ? "PreemptLowerPriority" : its->preemption_policy();
    if (policy.empty()) return absl::OkStatus();
    if (pod.spec().has_preemption_policy() && pod.spec().preemption_policy() != policy) {
      return api::Forbidden(
          request.resource, request.name,
          fmt::format("the string value of PreemptionPolicy ({}) must not be provided in pod spec; "
                      "priority admission controller computed {} from the given PriorityClass name",
                      pod.spec().preemption_policy(), policy));
    }
    pod.mutable_spec()->set_preemption_policy(policy);
    return absl::OkStatus();
  }

  WatchCache& cache_;
};

}  // namespace

std::unique_ptr<Admission> MakePriority(WatchCache& cache) {
  return std::make_unique<Priority>(cache);
}

}  // namespace berth::apiserver
