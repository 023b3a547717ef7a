#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "cluster/apiserver/admission.h"

namespace berth::apiserver {
namespace {

using api::core::Namespace;

bool IsImmortal(std::string_view name) {
  return name == "default" || name == "kube-system" || name == "kube-public";
}

absl::Status Terminating(const AdmissionRequest& request) {
  const absl::Status forbidden = api::Forbidden(
      request.resource, request.name,
      fmt::format("unable to create new content in namespace {} because it is being terminated",
                  request.namespace_));
  api::meta::Status status = api::ToStatusMessage(forbidden);
  api::meta::StatusCause& cause = *status.mutable_details()->add_causes();
  cause.set_reason("NamespaceTerminating");
  cause.set_message(fmt::format("namespace {} is being terminated", request.namespace_));
  cause.set_field("metadata.namespace");
  return api::FromStatusMessage(status);
}

class NamespaceLifecycle final : public Admission {
 public:
  explicit NamespaceLifecycle(WatchCache& cache) : cache_(cache) {}
  std::string_view name() const override { return "NamespaceLifecycle"; }

  absl::Status Mutate(AdmissionRequest& request) override {
    if (request.verb != Verb::kCreate || request.namespace_.empty()) return absl::OkStatus();
    const api::Resource& namespaces = api::ResourceOf<Namespace>();
    const ObjectPtr object = cache_.For(namespaces).Find(request.namespace_);
    if (object == nullptr) return api::NotFound(namespaces, request.namespace_);
    if (object->As<Namespace>().status().phase() == "Terminating") return Terminating(request);
    return absl::OkStatus();
  }

  absl::Status Validate(const AdmissionRequest& request) override {
    if (request.verb == Verb::kDelete && request.resource.kind == "Namespace" &&
        IsImmortal(request.name)) {
      return api::Forbidden(request.resource, request.name, "this namespace may not be deleted");
    }
    return absl::OkStatus();
  }

 private:
  WatchCache& cache_;
};

}  // namespace

std::unique_ptr<Admission> MakeNamespaceLifecycle(WatchCache& cache) {
  return std::make_unique<NamespaceLifecycle>(cache);
}

}  // namespace berth::apiserver
