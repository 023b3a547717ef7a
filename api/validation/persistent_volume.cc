#include "api/validation/persistent_volume.h"

#include <algorithm>
#include <iterator>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/quantity.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/resources.h"
#include "api/validation/scheduling.h"
#include "api/validation/sorted_keys.h"
#include "api/validation/volume.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

constexpr std::string_view kNotInline = "may not be specified in the context of inline volumes";

// Deprecated topology keys and those that replaced them.
struct Successor {
  std::string_view key, successor;
};
constexpr Successor kSuccessors[] = {
    {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
    {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"},
    {"beta.kubernetes.io/os", "kubernetes.io/os"},
    {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
    {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
};

// "/", "//", "/./": what names the root, when there are no ".." in it.
bool IsRoot(std::string_view path) {
  if (!path.starts_with('/')) return false;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view segment = path.substr(0, slash);
    if (!segment.empty() && segment != "." && segment != "..") return false;
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return true;
}

// The one source that is set; every further one is an error. Order is upstream's.
class SourceRules {
 public:
  SourceRules(const core::PersistentVolumeSource& source, std::string_view volume_name,
              bool has_node_affinity, const FieldPath& path, Errors& errors)
      : source_(source), volume_name_(volume_name), has_node_affinity_(has_node_affinity),
        path_(path), errors_(errors) {}

  void Validate() {
    ValidateFirstHalf();
    ValidateSecondHalf();
    if (count_ == 0) errors_.Required(path_, "must specify a volume type");
  }

 private:
  // name: of the complaint about a second source; field: where its own rules look.
  template <typename Source>
  bool Check(bool present, const Source& source, std::string_view name,
             std::string_view field = {}) {
    if (!present) return false;
    if (count_++ > 0) {
      errors_.Forbidden(path_.Child(name), "may not specify more than 1 volume type");
      return false;
    }
    ValidateBackEnd(source, path_.Child(field.empty() ? name : field), errors_);
    return true;
  }

  void ValidateFirstHalf() {
    const core::PersistentVolumeSource& s = source_;
    Check(s.has_host_path(), s.host_path(), "hostPath");
    Check(s.has_gce_persistent_disk(), s.gce_persistent_disk(), "gcePersistentDisk",
          "persistentDisk");
    Check(s.has_aws_elastic_block_store(), s.aws_elastic_block_store(), "awsElasticBlockStore");
    Check(s.has_glusterfs(), s.glusterfs(), "glusterfs");
    Check(s.has_flocker(), s.flocker(), "flocker");
    Check(s.has_nfs(), s.nfs(), "nfs");
    Check(s.has_rbd(), s.rbd(), "rbd");
    Check(s.has_quobyte(), s.quobyte(), "quobyte");
    Check(s.has_cephfs(), s.cephfs(), "cephFS", "cephfs");
    if (s.has_iscsi() && count_ == 0) ValidateIscsiLength();
    Check(s.has_iscsi(), s.iscsi(), "iscsi");
    Check(s.has_cinder(), s.cinder(), "cinder");
    Check(s.has_fc(), s.fc(), "fc");
    if (s.has_flex_volume()) {  // upstream lets it stand beside another
      ++count_;
      ValidateBackEnd(s.flex_volume(), path_.Child("flexVolume"), errors_);
    }
  }

  void ValidateSecondHalf() {
    const core::PersistentVolumeSource& s = source_;
    Check(s.has_azure_file(), s.azure_file(), "azureFile");
    Check(s.has_vsphere_volume(), s.vsphere_volume(), "vsphereVolume");
    Check(s.has_photon_persistent_disk(), s.photon_persistent_disk(), "photonPersistentDisk");
    Check(s.has_portworx_volume(), s.portworx_volume(), "portworxVolume");
    Check(s.has_azure_disk(), s.azure_disk(), "azureDisk");
    Check(s.has_scale_io(), s.scale_io(), "scaleIO");
    if (Check(s.has_local(), s.local(), "local") && !has_node_affinity_) {
      errors_.Required(path_.Child("nodeAffinity"), "Local volume requires node affinity");
    }
    Check(s.has_storageos(), s.storageos(), "storageos");
    Check(s.has_csi(), s.csi(), "csi");
  }

  void ValidateIscsiLength() {
    const core::ISCSIPersistentVolumeSource& iscsi = source_.iscsi();
    if (!iscsi.has_initiator_name()) return;
    if (volume_name_.size() + 1 + iscsi.target_portal().size() <= 64) return;
    const FieldPath at = path_.Child("iscsi");
    errors_.Invalid(at.Child("targetportal"), iscsi.target_portal(),
                    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 "
                    "characters if iscsi.initiatorName is specified.");
  }

  const core::PersistentVolumeSource& source_;
  std::string_view volume_name_;
  bool has_node_affinity_;
  const FieldPath& path_;
  Errors& errors_;
  int count_ = 0;
};

void ValidateCapacity(const core::PersistentVolumeSpec& spec, const FieldPath& path,
                      Errors& errors) {
  if (spec.capacity().empty()) errors.Required(path);
  if (spec.capacity().size() != 1 || !spec.capacity().contains("storage")) {
    // Upstream shows Go's map of quantities.
    std::string shown = "{";
    for (const std::string_view name : SortedKeys(spec.capacity())) {
      shown += fmt::format("{}{}:{}", shown.size() > 1 ? "," : "", GoQuoted(name),
                           GoQuoted(spec.capacity().at(std::string(name)).string()));
    }
    errors.NotSupportedShown(path, shown + "}", {"storage"});
  }
  for (const auto& [name, amount] : spec.capacity()) {
    const FieldPath at = path.Key(name);
    const Quantity value = ToQuantity(amount);
    if (value.Value() < 0) {
      errors.InvalidInt(at, value.Value(), "must be a valid resource quantity");
    }
    if (value.Sign() <= 0) errors.Invalid(at, amount.string(), kNotPositiveText);
  }
}

void ValidateNodeAffinity(const core::VolumeNodeAffinity& affinity, const FieldPath& path,
                          Errors& errors) {
  const FieldPath at = path.Child("required");
  if (!affinity.has_required()) {
    errors.Required(at, "must specify required node constraints");
  } else {
    ValidateNodeSelector(affinity.required(), at, errors);
  }
}

void ValidateVolumeMode(const core::PersistentVolumeSpec& spec, const FieldPath& path,
                        Errors& errors) {
  const std::string& mode = spec.volume_mode();
  if (!spec.has_volume_mode() || mode == "Block" || mode == "Filesystem") return;
  errors.NotSupported(path, mode, {"Block", "Filesystem"});
}

void ValidateAttributesClass(const core::PersistentVolumeSpec& spec, const FieldPath& path,
                             Errors& errors) {
  if (!spec.has_volume_attributes_class_name()) return;
  const std::string& name = spec.volume_attributes_class_name();
  const FieldPath at = path.Child("volumeAttributesClassName");
  if (name.empty()) {
    errors.Required(at, "an empty string is disallowed");
  } else {
    errors.Invalid(at, name, IsDns1123Subdomain(name));
  }
  if (spec.persistent_volume_source().has_csi()) return;
  errors.Required(path.Child("csi"), "has to be specified when using volumeAttributesClassName");
}

void ValidateReclaimPolicy(const core::PersistentVolumeSpec& spec, const FieldPath& path,
                           Errors& errors) {
  const std::string& policy = spec.persistent_volume_reclaim_policy();
  if (policy.empty()) return;
  errors.OneOf(path.Child("persistentVolumeReclaimPolicy"), policy,
               {"Delete", "Recycle", "Retain"});
}

void ValidateSpec(const core::PersistentVolumeSpec& spec, std::string_view volume_name,
                  const FieldPath& path, Errors& errors) {
  const core::PersistentVolumeSource& source = spec.persistent_volume_source();
  const FieldPath modes = path.Child("accessModes");
  if (spec.access_modes().empty()) errors.Required(modes);
  ValidateAccessModes(spec.access_modes(), modes, errors);
  ValidateCapacity(spec, path.Child("capacity"), errors);
  ValidateReclaimPolicy(spec, path, errors);
  if (spec.has_node_affinity()) {
    ValidateNodeAffinity(spec.node_affinity(), path.Child("nodeAffinity"), errors);
  }
  SourceRules(source, volume_name, spec.has_node_affinity(), path, errors).Validate();
  if (source.has_host_path() && IsRoot(source.host_path().path()) &&
      spec.persistent_volume_reclaim_policy() == "Recycle") {
    errors.Forbidden(path.Child("persistentVolumeReclaimPolicy"),
                     "may not be 'recycle' for a hostPath mount of '/'");
  }
  const std::string& class_name = spec.storage_class_name();
  if (!class_name.empty()) {
    errors.Invalid(path.Child("storageClassName"), class_name, IsDns1123Subdomain(class_name));
  }
  ValidateVolumeMode(spec, path.Child("volumeMode"), errors);
  ValidateAttributesClass(spec, path, errors);
}

// The old affinity with the keys of the new one where they replace deprecated ones.
core::VolumeNodeAffinity Modernized(core::VolumeNodeAffinity old,
                                    const core::VolumeNodeAffinity& affinity) {
  const auto modernize = [](auto& requirements, const auto& now) {
    for (int i = 0; i < std::min(requirements.size(), now.size()); ++i) {
      for (const Successor& row : kSuccessors) {
        if (requirements[i].key() != row.key || now[i].key() != row.successor) continue;
        requirements[i].set_key(std::string(row.successor));
        break;
      }
    }
  };
  auto& terms = *old.mutable_required()->mutable_node_selector_terms();
  const auto& now = affinity.required().node_selector_terms();
  for (int i = 0; i < std::min(terms.size(), now.size()); ++i) {
    modernize(*terms[i].mutable_match_expressions(), now[i].match_expressions());
    modernize(*terms[i].mutable_match_fields(), now[i].match_fields());
  }
  return old;
}

// A secret for expansion may come later.
core::PersistentVolumeSource ComparableSource(const core::PersistentVolume& volume,
                                              const core::PersistentVolume& old) {
  core::PersistentVolumeSource source = volume.spec().persistent_volume_source();
  const core::PersistentVolumeSource& before = old.spec().persistent_volume_source();
  if (before.has_csi() && !before.csi().has_controller_expand_secret_ref() && source.has_csi()) {
    source.mutable_csi()->clear_controller_expand_secret_ref();
  }
  return source;
}

}  // namespace

void ValidatePersistentVolume(const core::PersistentVolume& volume, Errors& errors) {
  ValidateCoreObjectMeta(volume.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateSpec(volume.spec(), volume.metadata().name(), FieldPath("spec"), errors);
}

void ValidatePersistentVolumeUpdate(const core::PersistentVolume& volume,
                                    const core::PersistentVolume& old, Errors& errors) {
  ValidatePersistentVolume(volume, errors);
  const core::PersistentVolumeSpec& spec = volume.spec();
  const core::PersistentVolumeSpec& before = old.spec();
  const core::PersistentVolumeSource source = ComparableSource(volume, old);
  if (!SemanticEqual(source, before.persistent_volume_source())) {
    errors.Forbidden(FieldPath("spec.persistentvolumesource"),
                     fmt::format("spec.persistentvolumesource is immutable after creation\n{}",
                                 DescribeDifference(before.persistent_volume_source(), source)));
  }
  if (spec.has_volume_mode() != before.has_volume_mode() ||
      spec.volume_mode() != before.volume_mode()) {
    errors.Invalid(FieldPath("volumeMode"), spec.volume_mode(), kImmutableText);
  }
  if (before.has_node_affinity() &&
      (!spec.has_node_affinity() ||
       !SemanticEqual(Modernized(before.node_affinity(), spec.node_affinity()),
                      spec.node_affinity()))) {
    errors.InvalidShown(FieldPath("nodeAffinity"),
                        spec.has_node_affinity() ? ToJsonText(spec.node_affinity()) : "null",
                        "field is immutable, except for updating from beta label to GA");
  }
  if (before.has_volume_attributes_class_name() && !spec.has_volume_attributes_class_name()) {
    errors.Forbidden(FieldPath("spec.volumeAttributesClassName"),
                     "update from non-nil value to nil is forbidden");
  }
}

void ValidatePersistentVolumeStatusUpdate(const core::PersistentVolume& volume,
                                          const core::PersistentVolume& old, Errors& errors) {
  ValidateCoreObjectMetaUpdate(volume.metadata(), old.metadata(), FieldPath("metadata"), errors);
}

void ValidateInlineVolumeSpec(const core::PersistentVolumeSpec& spec, const FieldPath& path,
                              Errors& errors) {
  const auto absent = [&](bool present, std::string_view field) {
    if (present) errors.Forbidden(path.Child(field), kNotInline);
  };
  absent(spec.has_claim_ref(), "claimRef");
  absent(!spec.capacity().empty(), "capacity");
  if (!spec.persistent_volume_source().has_csi()) {
    errors.Required(path.Child("csi"), "has to be specified in the context of inline volumes");
  }
  const FieldPath modes = path.Child("accessModes");
  if (spec.access_modes().empty()) errors.Required(modes);
  ValidateAccessModes(spec.access_modes(), modes, errors);
  const std::string& policy = spec.persistent_volume_reclaim_policy();
  if (!policy.empty() && policy != "Retain") {
    errors.Forbidden(path.Child("persistentVolumeReclaimPolicy"),
                     "may only be Retain in the context of inline volumes");
  }
  absent(spec.has_node_affinity(), "nodeAffinity");
  SourceRules(spec.persistent_volume_source(), "", false, path, errors).Validate();
  absent(!spec.storage_class_name().empty(), "storageClassName");
  if (spec.has_volume_mode() && spec.volume_mode() != "Filesystem") {
    errors.Forbidden(path.Child("volumeMode"),
                     "may not specify volumeMode other than Filesystem in the context of inline "
                     "volumes");
  }
}

}  // namespace berth::api::validation
