#include "api/errors.h"
#include "api/schema/core_v1_pod.pb.h"
#include "cluster/apiserver/admission.h"

namespace berth::apiserver {
namespace {

// There are no RuntimeClasses yet: what upstream says of a pod whose class is not there.
class RuntimeClass final : public Admission {
 public:
  std::string_view name() const override { return "RuntimeClass"; }

  absl::Status Mutate(AdmissionRequest& request) override {
    if (request.verb != Verb::kCreate || request.resource.kind != "Pod" ||
        !request.subresource.empty()) {
      return absl::OkStatus();
    }
    const auto& spec = static_cast<const api::core::Pod&>(*request.object).spec();
    if (spec.has_runtime_class_name() && !spec.runtime_class_name().empty()) {
      return api::Forbidden(request.resource, request.name,
                            "pod rejected: RuntimeClass \"" + spec.runtime_class_name() +
                                "\" not found");
    }
    if (!spec.overhead().empty()) {
      return api::Forbidden(
          request.resource, request.name,
          "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    }
    return absl::OkStatus();
  }
};

}  // namespace

std::unique_ptr<Admission> MakeRuntimeClass() { return std::make_unique<RuntimeClass>(); }

}  // namespace berth::apiserver
