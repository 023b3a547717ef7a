// What `kubectl get` shows of volumes, claims, storage classes, drivers and attachments.
#include <algorithm>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "api/quantity.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "api/storage_class.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

namespace core = api::core;
namespace storage = api::storage;
using google::protobuf::Message;

constexpr std::string_view kUnset = "<unset>";

constexpr Column kPersistentVolumeColumns[] = {
    kNameColumn,
    {"Capacity", "string", "", 0},
    {"Access Modes", "string", "", 0},
    {"Reclaim Policy", "string", "", 0},
    {"Status", "string", "", 0},
    {"Claim", "string", "", 0},
    {"StorageClass", "string", "", 0},
    {"VolumeAttributesClass", "string", "", 0},
    {"Reason", "string", "", 0},
    kAgeColumn,
    {"VolumeMode", "string", "", 1},
};
constexpr Column kClaimColumns[] = {
    kNameColumn,
    {"Status", "string", "", 0},
    {"Volume", "string", "", 0},
    {"Capacity", "string", "", 0},
    {"Access Modes", "string", "", 0},
    {"StorageClass", "string", "", 0},
    {"VolumeAttributesClass", "string", "", 0},
    kAgeColumn,
    {"VolumeMode", "string", "", 1},
};
constexpr Column kStorageClassColumns[] = {
    kNameColumn,
    {"Provisioner", "string", "", 0},
    {"ReclaimPolicy", "string", "", 0},
    {"VolumeBindingMode", "string", "", 0},
    {"AllowVolumeExpansion", "string", "", 0},
    kAgeColumn,
};
constexpr Column kCsiDriverColumns[] = {
    kNameColumn,
    {"AttachRequired", "boolean", "", 0},
    {"PodInfoOnMount", "boolean", "", 0},
    {"StorageCapacity", "boolean", "", 0},
    {"TokenRequests", "string", "", 0},
    {"RequiresRepublish", "boolean", "", 0},
    {"Modes", "string", "", 0},
    kAgeColumn,
};
constexpr Column kCsiNodeColumns[] = {kNameColumn, {"Drivers", "integer", "", 0}, kAgeColumn};
constexpr Column kCapacityColumns[] = {
    kNameColumn,
    {"StorageClassName", "string", "", 0},
    {"Capacity", "string", "", 0},
};
constexpr Column kAttachmentColumns[] = {
    kNameColumn,
    {"Attacher", "string", "name", 0},
    {"PV", "string", "", 0},
    {"Node", "string", "", 0},
    {"Attached", "boolean", "", 0},
    kAgeColumn,
};

// "RWO,RWX": each mode once, in this order.
template <typename Modes>
std::string ShortModes(const Modes& modes) {
  constexpr std::string_view kModes[][2] = {{"ReadWriteOnce", "RWO"},
                                            {"ReadOnlyMany", "ROX"},
                                            {"ReadWriteMany", "RWX"},
                                            {"ReadWriteOncePod", "RWOP"}};
  std::string text;
  for (const auto& [mode, name] : kModes) {
    if (std::find(modes.begin(), modes.end(), mode) == modes.end()) continue;
    text.append(text.empty() ? "" : ",").append(name);
  }
  return text;
}

template <typename Amounts>
std::string StorageText(const Amounts& amounts) {
  const auto it = amounts.find("storage");
  return it == amounts.end() ? "0" : api::ToQuantity(it->second).ToString();
}

template <typename Object>
std::string_view PhaseOf(const Object& object) {
  return object.metadata().has_deletion_timestamp() ? std::string_view("Terminating")
                                                    : object.status().phase();
}

template <typename Spec>
void AttributesClassCell(api::JsonWriter& out, const Spec& spec) {
  TextCell(out, spec.has_volume_attributes_class_name() ? spec.volume_attributes_class_name()
                                                        : kUnset);
}

template <typename Spec>
void ModeCell(api::JsonWriter& out, const Spec& spec) {
  TextCell(out, spec.has_volume_mode() ? spec.volume_mode() : kUnset);
}

void PrintVolume(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& volume = static_cast<const core::PersistentVolume&>(object);
  const core::PersistentVolumeSpec& spec = volume.spec();
  NameCell(out, object);
  TextCell(out, StorageText(spec.capacity()));
  TextCell(out, ShortModes(spec.access_modes()));
  TextCell(out, spec.persistent_volume_reclaim_policy());
  TextCell(out, PhaseOf(volume));
  TextCell(out, spec.has_claim_ref() ? fmt::format("{}/{}", spec.claim_ref().namespace_(),
                                                   spec.claim_ref().name())
                                     : "");
  TextCell(out, api::StorageClassOf(volume));
  AttributesClassCell(out, spec);
  TextCell(out, volume.status().reason());
  CreatedCell(out, object, now);
  ModeCell(out, spec);
}

void PrintClaim(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& claim = static_cast<const core::PersistentVolumeClaim&>(object);
  const bool has_volume = !claim.spec().volume_name().empty();
  NameCell(out, object);
  TextCell(out, PhaseOf(claim));
  TextCell(out, claim.spec().volume_name());
  TextCell(out, has_volume ? StorageText(claim.status().capacity()) : "");
  TextCell(out, has_volume ? ShortModes(claim.status().access_modes()) : "");
  TextCell(out, api::StorageClassOf(claim));
  AttributesClassCell(out, claim.spec());
  CreatedCell(out, object, now);
  ModeCell(out, claim.spec());
}

void PrintStorageClass(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& row = static_cast<const storage::StorageClass&>(object);
  const std::string& name = row.metadata().name();
  TextCell(out, api::IsDefaultStorageClass(row) ? name + " (default)" : name);
  TextCell(out, row.provisioner());
  TextCell(out, row.has_reclaim_policy() ? row.reclaim_policy() : "Delete");
  TextCell(out, row.has_volume_binding_mode() ? row.volume_binding_mode() : "Immediate");
  BoolCell(out, row.allow_volume_expansion());
  CreatedCell(out, object, now);
}

void PrintDriver(const Message& object, absl::Time now, api::JsonWriter& out) {
  const storage::CSIDriverSpec& spec = static_cast<const storage::CSIDriver&>(object).spec();
  std::string audiences, modes;
  for (const storage::TokenRequest& request : spec.token_requests()) {
    if (&request != &spec.token_requests(0)) audiences += ',';
    audiences += request.audience();
  }
  for (const std::string& mode : spec.volume_lifecycle_modes()) {
    if (!modes.empty()) modes += ',';
    modes += mode;
  }
  NameCell(out, object);
  BoolCell(out, !spec.has_attach_required() || spec.attach_required());
  BoolCell(out, spec.pod_info_on_mount());
  BoolCell(out, spec.storage_capacity());
  TextCell(out, spec.token_requests().empty() ? kUnset : audiences);
  BoolCell(out, spec.requires_republish());
  TextOrNoneCell(out, modes);
  CreatedCell(out, object, now);
}

void PrintCsiNode(const Message& object, absl::Time now, api::JsonWriter& out) {
  NameCell(out, object);
  IntCell(out, static_cast<const storage::CSINode&>(object).spec().drivers_size());
  CreatedCell(out, object, now);
}

void PrintCapacity(const Message& object, absl::Time /*now*/, api::JsonWriter& out) {
  const auto& row = static_cast<const storage::CSIStorageCapacity&>(object);
  NameCell(out, object);
  TextCell(out, row.storage_class_name());
  TextCell(out, row.has_capacity() ? api::ToQuantity(row.capacity()).ToString()
                                   : std::string(kUnset));
}

void PrintAttachment(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& row = static_cast<const storage::VolumeAttachment&>(object);
  NameCell(out, object);
  TextCell(out, row.spec().attacher());
  TextCell(out, row.spec().source().persistent_volume_name());
  TextCell(out, row.spec().node_name());
  BoolCell(out, row.status().attached());
  CreatedCell(out, object, now);
}

}  // namespace

const Printer kPersistentVolumePrinter = {kPersistentVolumeColumns, PrintVolume};
const Printer kPersistentVolumeClaimPrinter = {kClaimColumns, PrintClaim};
const Printer kStorageClassPrinter = {kStorageClassColumns, PrintStorageClass};
const Printer kCsiDriverPrinter = {kCsiDriverColumns, PrintDriver};
const Printer kCsiNodePrinter = {kCsiNodeColumns, PrintCsiNode};
const Printer kCsiStorageCapacityPrinter = {kCapacityColumns, PrintCapacity};
const Printer kVolumeAttachmentPrinter = {kAttachmentColumns, PrintAttachment};

}  // namespace berth::apiserver
