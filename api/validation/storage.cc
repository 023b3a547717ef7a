#include "api/validation/storage.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <absl/strings/ascii.h>
#include <fmt/core.h>

#include "api/equality.h"
#include "api/quantity.h"
#include "api/schema/storage_v1.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/persistent_volume.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

constexpr int64_t kParameterBytesMax = 256 << 10;
constexpr int64_t kParametersMax = 512;
constexpr int64_t kAttachmentBytesMax = 256 << 10;
constexpr size_t kErrorMessageBytesMax = 1024;
constexpr size_t kNodeIdBytesMax = 256;

int64_t BytesOf(const StringStringMap& map) {
  int64_t bytes = 0;
  for (const auto& [key, value] : map) bytes += std::ssize(key) + std::ssize(value);
  return bytes;
}

// --- classes -----------------------------------------------------------------------------------

void ValidateProvisioner(const std::string& provisioner, const FieldPath& path, Errors& errors) {
  if (provisioner.empty()) return errors.Required(path);
  const std::string lower = absl::AsciiStrToLower(provisioner);
  errors.Invalid(path, lower, IsQualifiedName(lower));
}

void ValidateParameters(const StringStringMap& parameters, const FieldPath& path, Errors& errors) {
  if (static_cast<int64_t>(parameters.size()) > kParametersMax) {
    return errors.TooLong(path, kParametersMax);
  }
  if (parameters.contains("")) errors.Invalid(path, "", "field can not be empty.");
  if (BytesOf(parameters) > kParameterBytesMax) errors.TooLong(path, kParameterBytesMax);
}

using Topology = std::map<std::string, std::set<std::string>>;

Topology ValidateTerm(const core::TopologySelectorTerm& term, const FieldPath& path,
                      Errors& errors) {
  Topology topology;
  for (int i = 0; i < term.match_label_expressions_size(); ++i) {
    const auto& requirement = term.match_label_expressions(i);
    const FieldPath at = path.Child("matchLabelExpressions", i);
    const FieldPath values_path = at.Child("values");
    if (requirement.values().empty()) errors.Required(values_path);
    std::set<std::string> values;
    for (int j = 0; j < requirement.values_size(); ++j) {
      if (values.insert(requirement.values(j)).second) continue;
      errors.Duplicate(values_path.Index(j), requirement.values(j));
    }
    errors.Invalid(at.Child("key"), requirement.key(), IsQualifiedName(requirement.key()));
    if (topology.contains(requirement.key())) {
      errors.Duplicate(at.Child("key"), requirement.key());
    }
    topology[requirement.key()] = std::move(values);
  }
  return topology;
}

void ValidateTopologies(const storage::StorageClass& object, const FieldPath& path,
                        Errors& errors) {
  // Upstream compares with as many empty terms as there are terms, so that an empty one is a
  // duplicate.
  std::vector<Topology> seen(object.allowed_topologies().size());
  for (int i = 0; i < object.allowed_topologies_size() && !errors.full(); ++i) {
    const FieldPath at = path.Index(i);
    Topology topology = ValidateTerm(object.allowed_topologies(i), at, errors);
    for (const Topology& other : seen) {
      if (other == topology) errors.Duplicate(at.Child("matchLabelExpressions"), "");
    }
    seen.push_back(std::move(topology));
  }
}

// --- drivers -----------------------------------------------------------------------------------

void ValidateTokenRequests(const storage::CSIDriverSpec& spec, const FieldPath& path,
                           Errors& errors) {
  constexpr int64_t kMinSeconds = 600, kMaxSeconds = int64_t{1} << 32;
  std::set<std::string_view> audiences;
  for (int i = 0; i < spec.token_requests_size(); ++i) {
    const storage::TokenRequest& request = spec.token_requests(i);
    const FieldPath at = path.Index(i);
    if (!audiences.insert(request.audience()).second) {
      errors.Duplicate(at.Child("audience"), request.audience());
      continue;
    }
    if (!request.has_expiration_seconds()) continue;
    const FieldPath seconds = at.Child("expirationSeconds");
    if (request.expiration_seconds() < kMinSeconds) {
      errors.InvalidInt(seconds, request.expiration_seconds(),
                        "may not specify a duration less than 10 minutes");
    }
    if (request.expiration_seconds() > kMaxSeconds) {
      errors.InvalidInt(seconds, request.expiration_seconds(),
                        "may not specify a duration larger than 2^32 seconds");
    }
  }
}

void ValidateDriverSpec(const storage::CSIDriverSpec& spec, Errors& errors) {
  const FieldPath path("spec");
  if (spec.has_fs_group_policy()) {
    static const std::initializer_list<std::string_view> kPolicies = {"File", "None",
                                                                      "ReadWriteOnceWithFSType"};
    const std::string& policy = spec.fs_group_policy();
    if (std::find(kPolicies.begin(), kPolicies.end(), policy) == kPolicies.end()) {
      errors.NotSupported(path.Child("fsGroupPolicy"), policy, kPolicies);
    }
  }
  ValidateTokenRequests(spec, path.Child("tokenRequests"), errors);
  for (const std::string& mode : spec.volume_lifecycle_modes()) {
    if (mode == "Persistent" || mode == "Ephemeral") continue;
    errors.NotSupported(path.Child("volumeLifecycleModes"), mode, {"Persistent", "Ephemeral"});
  }
  if (spec.has_node_allocatable_update_period_seconds() &&
      spec.node_allocatable_update_period_seconds() < 10) {
    errors.InvalidInt(path.Child("nodeAllocatableUpdatePeriodSeconds"),
                      spec.node_allocatable_update_period_seconds(),
                      "must be greater than or equal to 10 seconds");
  }
}

void ValidateNodeDriver(const storage::CSINodeDriver& driver, std::set<std::string_view>& names,
                        const FieldPath& path, Errors& errors) {
  ValidateCsiDriverName(driver.name(), path.Child("name"), errors);
  const FieldPath id = path.Child("nodeID");
  if (driver.node_id().empty()) errors.Required(id);
  if (driver.node_id().size() > kNodeIdBytesMax) {
    errors.Invalid(id, driver.node_id(),
                   std::string_view(fmt::format("must be {} characters or less",
                                                kNodeIdBytesMax)));
  }
  const FieldPath allocatable = path.Child("allocatable");
  errors.NonNegative(allocatable.Child("count"), driver.allocatable().count());
  if (!names.insert(driver.name()).second) errors.Duplicate(path.Child("name"), driver.name());
  std::set<std::string_view> keys;
  for (const std::string& key : driver.topology_keys()) {
    if (key.empty()) errors.Required(path);
    if (!keys.insert(key).second) errors.Duplicate(path, key);
    errors.Invalid(path, key, IsQualifiedName(key));
  }
}

storage::CSINodeDriver WithoutAllocatable(storage::CSINodeDriver driver) {
  driver.clear_allocatable();
  return driver;
}

// --- attachments -------------------------------------------------------------------------------

void ValidateSource(const storage::VolumeAttachmentSource& source, const FieldPath& path,
                    Errors& errors) {
  constexpr std::string_view kOne =
      "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (source.has_inline_volume_spec() && source.has_persistent_volume_name()) {
    errors.Forbidden(path, kOne);
  } else if (source.has_persistent_volume_name()) {
    if (!source.persistent_volume_name().empty()) return;
    errors.Required(path.Child("persistentVolumeName"),
                    "must specify non empty persistentVolumeName");
  } else if (source.has_inline_volume_spec()) {
    ValidateInlineVolumeSpec(source.inline_volume_spec(), path.Child("inlineVolumeSpec"), errors);
  } else {
    errors.Required(path, kOne);
  }
}

void ValidateVolumeError(bool present, const storage::VolumeError& error, const FieldPath& path,
                         Errors& errors) {
  if (!present) return;
  if (error.message().size() > kErrorMessageBytesMax) {
    errors.TooLong(path.Child("message"), kAttachmentBytesMax);  // upstream names this limit
  }
  if (error.has_error_code() && error.error_code() < 0) {
    errors.InvalidInt(path.Child("errorCode"), error.error_code(),
                      "must be between 0 and 2147483647, inclusive");
  }
}

void ValidateAttachment(const storage::VolumeAttachment& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  const FieldPath path("spec"), status_path("status");
  if (object.spec().attacher().empty()) errors.Required(path.Child("attacher"));
  ValidateSource(object.spec().source(), path.Child("source"), errors);
  const std::string& node = object.spec().node_name();
  errors.Invalid(path.Child("nodeName"), node, IsDns1123Subdomain(node));
  const storage::VolumeAttachmentStatus& status = object.status();
  if (BytesOf(status.attachment_metadata()) > kAttachmentBytesMax) {
    errors.TooLong(status_path.Child("attachmentMetadata"), kAttachmentBytesMax);
  }
  ValidateVolumeError(status.has_attach_error(), status.attach_error(),
                      status_path.Child("attachError"), errors);
  ValidateVolumeError(status.has_detach_error(), status.detach_error(),
                      status_path.Child("detachError"), errors);
}

}  // namespace

void ValidateStorageClass(const storage::StorageClass& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateProvisioner(object.provisioner(), FieldPath("provisioner"), errors);
  ValidateParameters(object.parameters(), FieldPath("parameters"), errors);
  if (!object.reclaim_policy().empty()) {
    errors.OneOf(FieldPath("reclaimPolicy"), object.reclaim_policy(), {"Delete", "Retain"});
  }
  const std::string& mode = object.volume_binding_mode();
  if (mode != "Immediate" && mode != "WaitForFirstConsumer") {
    errors.NotSupported(FieldPath("volumeBindingMode"), mode,
                        {"Immediate", "WaitForFirstConsumer"});
  }
  ValidateTopologies(object, FieldPath("allowedTopologies"), errors);
}

void ValidateStorageClassUpdate(const storage::StorageClass& object,
                                const storage::StorageClass& old, Errors& errors) {
  ValidateStorageClass(object, errors);
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  const std::string parameters = ToJsonText(object.parameters());
  if (parameters != ToJsonText(old.parameters())) {
    errors.InvalidShown(FieldPath("parameters"), parameters, kImmutableText);
  }
  const auto stays = [&](const std::string& is, const std::string& was, std::string_view field) {
    if (is != was) errors.Invalid(FieldPath(field), is, kImmutableText);
  };
  stays(object.provisioner(), old.provisioner(), "provisioner");
  stays(object.reclaim_policy(), old.reclaim_policy(), "reclaimPolicy");
  stays(object.volume_binding_mode(), old.volume_binding_mode(), "volumeBindingMode");
}

void ValidateCsiDriver(const storage::CSIDriver& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateDriverSpec(object.spec(), errors);
}

void ValidateCsiDriverUpdate(const storage::CSIDriver& object, const storage::CSIDriver& old,
                             Errors& errors) {
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateDriverSpec(object.spec(), errors);
  const auto& modes = object.spec().volume_lifecycle_modes();
  if (object.spec().attach_required() != old.spec().attach_required()) {
    errors.InvalidShown(FieldPath("spec.attachedRequired"),
                        object.spec().attach_required() ? "true" : "false", kImmutableText);
  }
  if (ToJsonList(modes) != ToJsonList(old.spec().volume_lifecycle_modes())) {
    errors.InvalidShown(FieldPath("spec.volumeLifecycleModes"), ToJsonList(modes),
                        kImmutableText);
  }
}

void ValidateCsiNode(const storage::CSINode& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  const FieldPath spec("spec");
  std::set<std::string_view> names;
  for (int i = 0; i < object.spec().drivers_size() && !errors.full(); ++i) {
    ValidateNodeDriver(object.spec().drivers(i), names, spec.Child("drivers", i), errors);
  }
}

void ValidateCsiNodeUpdate(const storage::CSINode& object, const storage::CSINode& old,
                           Errors& errors) {
  ValidateCsiNode(object, errors);
  std::map<std::string_view, const storage::CSINodeDriver*> by_name;
  for (const storage::CSINodeDriver& driver : object.spec().drivers()) {
    by_name.emplace(driver.name(), &driver);
  }
  for (const storage::CSINodeDriver& before : old.spec().drivers()) {
    const auto it = by_name.find(before.name());
    if (it == by_name.end()) continue;
    const storage::CSINodeDriver driver = WithoutAllocatable(*it->second);
    if (SemanticEqual(driver, WithoutAllocatable(before))) continue;
    errors.InvalidShown(FieldPath("spec.drivers"), ToJsonText(driver), kImmutableText);
  }
}

void ValidateCsiStorageCapacity(const storage::CSIStorageCapacity& object, Errors& errors) {
  ValidateCoreObjectMeta(object.metadata(), true, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  if (object.has_node_topology()) {
    ValidateLabelSelector(object.node_topology(), FieldPath("nodeTopology"), errors);
  }
  errors.Invalid(FieldPath("storageClassName"), object.storage_class_name(),
                 IsDns1123Subdomain(object.storage_class_name()));
  if (object.has_capacity() && ToQuantity(object.capacity()).Sign() < 0) {
    errors.Invalid(FieldPath("capacity"), object.capacity().string(), kNegativeText);
  }
}

void ValidateCsiStorageCapacityUpdate(const storage::CSIStorageCapacity& object,
                                      const storage::CSIStorageCapacity& old, Errors& errors) {
  ValidateCsiStorageCapacity(object, errors);
  ValidateCoreObjectMetaUpdate(object.metadata(), old.metadata(), FieldPath("metadata"), errors);
  if (object.has_node_topology() != old.has_node_topology() ||
      !SemanticEqual(object.node_topology(), old.node_topology())) {
    errors.InvalidShown(FieldPath("nodeTopology"),
                        object.has_node_topology() ? ToJsonText(object.node_topology()) : "null",
                        kImmutableText);
  }
  if (object.storage_class_name() != old.storage_class_name()) {
    errors.Invalid(FieldPath("storageClassName"), object.storage_class_name(), kImmutableText);
  }
}

void ValidateVolumeAttachmentCreate(const storage::VolumeAttachment& object, Errors& errors) {
  ValidateAttachment(object, errors);
  ValidateCsiDriverName(object.spec().attacher(), FieldPath("spec.attacher"), errors);
  const storage::VolumeAttachmentSource& source = object.spec().source();
  if (source.has_persistent_volume_name()) {
    errors.Invalid(FieldPath("spec.source.persistentVolumeName"), source.persistent_volume_name(),
                   IsDns1123Subdomain(source.persistent_volume_name()));
  }
}

void ValidateVolumeAttachmentUpdate(const storage::VolumeAttachment& object,
                                    const storage::VolumeAttachment& old, Errors& errors) {
  ValidateAttachment(object, errors);
  if (SemanticEqual(object.spec(), old.spec())) return;
  errors.InvalidShown(FieldPath("spec"), ToJsonText(object.spec()), kImmutableText);
}

}  // namespace berth::api::validation
