#include <algorithm>
#include <string>

#include "api/errors.h"
#include "api/quantity.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "api/storage_class.h"
#include "cluster/apiserver/admission.h"

namespace berth::apiserver {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;

template <typename Object>
void Protect(Object& object, const char* finalizer) {
  auto& finalizers = *object.mutable_metadata()->mutable_finalizers();
  if (std::find(finalizers.begin(), finalizers.end(), finalizer) != finalizers.end()) return;
  *finalizers.Add() = finalizer;
}

api::Quantity SizeOf(const PersistentVolumeClaim& claim) {
  const auto& requests = claim.spec().resources().requests();
  const auto it = requests.find("storage");
  return it == requests.end() ? api::Quantity() : api::ToQuantity(it->second);
}

class Storage final : public Admission {
 public:
  explicit Storage(WatchCache& cache) : cache_(cache) {}
  std::string_view name() const override { return "Storage"; }

  absl::Status Mutate(AdmissionRequest& request) override {
    if (request.verb != Verb::kCreate || !request.subresource.empty()) return absl::OkStatus();
    if (request.resource.kind == "PersistentVolume") {
      Protect(static_cast<PersistentVolume&>(*request.object), "kubernetes.io/pv-protection");
    } else if (request.resource.kind == "PersistentVolumeClaim") {
      auto& claim = static_cast<PersistentVolumeClaim&>(*request.object);
      Protect(claim, "kubernetes.io/pvc-protection");
      GiveClass(claim);
    }
    return absl::OkStatus();
  }

  absl::Status Validate(const AdmissionRequest& request) override {
    if (request.verb != Verb::kUpdate || request.resource.kind != "PersistentVolumeClaim" ||
        !request.subresource.empty()) {
      return absl::OkStatus();
    }
    const auto& claim = static_cast<const PersistentVolumeClaim&>(*request.object);
    const auto& old = static_cast<const PersistentVolumeClaim&>(*request.old_object);
    if (SizeOf(claim).Cmp(SizeOf(old)) <= 0) return absl::OkStatus();
    if (old.status().phase() != "Bound") {
      return api::Forbidden(request.resource, request.name,
                            "Only bound persistent volume claims can be expanded");
    }
    if (MayGrow(claim, old)) return absl::OkStatus();
    return api::Forbidden(request.resource, request.name,
                          "only dynamically provisioned pvc can be resized and the storageclass "
                          "that provisions the pvc must support resize");
  }

 private:
  void GiveClass(PersistentVolumeClaim& claim) const {
    if (api::NamesStorageClass(claim)) return;
    const StorageClass* found = nullptr;
    // In the order of names, so that the first of several of one age stays.
    cache_.For(api::ResourceOf<StorageClass>()).Visit("", "", [&](const ObjectPtr& object) {
      const auto& each = object->As<StorageClass>();
      if (api::IsDefaultStorageClass(each) &&
          (found == nullptr || each.metadata().creation_timestamp().seconds() >
                                   found->metadata().creation_timestamp().seconds())) {
        found = &each;
      }
      return true;
    });
    if (found != nullptr) claim.mutable_spec()->set_storage_class_name(found->metadata().name());
  }

  bool MayGrow(const PersistentVolumeClaim& claim, const PersistentVolumeClaim& old) const {
    const std::string_view name = api::StorageClassOf(claim);
    if (name.empty() || name != api::StorageClassOf(old)) return false;
    const ObjectPtr object = cache_.For(api::ResourceOf<StorageClass>()).Find(name);
    return object != nullptr && object->As<StorageClass>().allow_volume_expansion();
  }

  WatchCache& cache_;
};

}  // namespace

std::unique_ptr<Admission> MakeStorage(WatchCache& cache) {
  return std::make_unique<Storage>(cache);
}

}  // namespace berth::apiserver
