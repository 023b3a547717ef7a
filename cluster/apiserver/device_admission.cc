#include <string>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "cluster/apiserver/admission.h"

namespace berth::apiserver {
namespace {

namespace dra = api::dra;

constexpr char kLabel[] = "resource.kubernetes.io/admin-access";

// The field of the first request for admin access; empty: there is none.
std::string FirstRequest(const dra::DeviceClaim& claim) {
  for (int i = 0; i < claim.requests_size(); ++i) {
    if (claim.requests(i).exactly().admin_access()) {
      return fmt::format("spec.devices.requests[{}].adminAccess", i);
    }
  }
  return {};
}

std::string FirstResult(const dra::ResourceClaim& claim) {
  const auto& results = claim.status().allocation().devices().results();
  for (int i = 0; i < results.size(); ++i) {
    if (results[i].admin_access()) {
      return fmt::format("status.allocation.devices.results[{}].adminAccess", i);
    }
  }
  return {};
}

class DeviceAdminAccess final : public Admission {
 public:
  explicit DeviceAdminAccess(WatchCache& cache) : cache_(cache) {}
  std::string_view name() const override { return "DeviceAdminAccess"; }

  absl::Status Validate(const AdmissionRequest& request) override {
    const std::string field = FieldOf(request);
    if (field.empty() || IsAdminNamespace(std::string(request.namespace_))) {
      return absl::OkStatus();
    }
    return api::Invalid(
        request.resource, request.name,
        {api::ForbiddenField(field, fmt::format("admin access to devices requires the `{}: true` "
                                                "label on the containing namespace",
                                                kLabel))});
  }

 private:
  // Where new admin access is asked for or given.
  static std::string FieldOf(const AdmissionRequest& request) {
    if (request.resource.kind == "ResourceClaim") {
      if (request.verb == Verb::kCreate) {
        const auto& claim = static_cast<const dra::ResourceClaim&>(*request.object);
        return FirstRequest(claim.spec().devices());
      }
      if (request.verb == Verb::kUpdate && request.subresource == "status" &&
          FirstResult(static_cast<const dra::ResourceClaim&>(*request.old_object)).empty()) {
        return FirstResult(static_cast<const dra::ResourceClaim&>(*request.object));
      }
    }
    if (request.resource.kind == "ResourceClaimTemplate" && request.verb == Verb::kCreate) {
      const auto& object = static_cast<const dra::ResourceClaimTemplate&>(*request.object);
      return FirstRequest(object.spec().spec().devices());
    }
    return {};
  }

  bool IsAdminNamespace(const std::string& name) const {
    const ObjectPtr object = cache_.For(api::ResourceOf<api::core::Namespace>()).Find(name);
    if (object == nullptr) return false;
    const auto& labels = object->metadata().labels();
    const auto it = labels.find(kLabel);
    return it != labels.end() && it->second == "true";
  }

  WatchCache& cache_;
};

}  // namespace

std::unique_ptr<Admission> MakeDeviceAdminAccess(WatchCache& cache) {
  return std::make_unique<DeviceAdminAccess>(cache);
}

}  // namespace berth::apiserver
