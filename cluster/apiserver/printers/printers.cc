// The printers of the smaller kinds, and which kind has which.
#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>
#include <fmt/core.h>

#include "api/schema/coordination_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "api/time_text.h"
#include "cluster/apiserver/codec.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

using google::protobuf::Message;

// --- any kind ----------------------------------------------------------------------------------
constexpr Column kDefaultColumns[] = {kNameColumn, {"Created At", "date", "", 0}};
void PrintDefault(const Message& object, absl::Time, api::JsonWriter& out) {
  NameCell(out, object);
  TextCell(out, api::FormatTime(MetadataOf(object).creation_timestamp()));
}

constexpr Column kNamespaceColumns[] = {kNameColumn, {"Status", "string", "", 0}, kAgeColumn};
void PrintNamespace(const Message& object, absl::Time now, api::JsonWriter& out) {
  NameCell(out, object);
  TextCell(out, static_cast<const api::core::Namespace&>(object).status().phase());
  CreatedCell(out, object, now);
}

constexpr Column kConfigMapColumns[] = {kNameColumn, {"Data", "string", "", 0}, kAgeColumn};
void PrintConfigMap(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& config = static_cast<const api::core::ConfigMap&>(object);
  NameCell(out, object);
  IntCell(out, static_cast<int64_t>(config.data().size() + config.binary_data().size()));
  CreatedCell(out, object, now);
}

constexpr Column kLeaseColumns[] = {kNameColumn, {"Holder", "string", "", 0}, kAgeColumn};
void PrintLease(const Message& object, absl::Time now, api::JsonWriter& out) {
  NameCell(out, object);
  TextCell(out, static_cast<const api::coordination::Lease&>(object).spec().holder_identity());
  CreatedCell(out, object, now);
}

constexpr Column kPriorityClassColumns[] = {kNameColumn,
                                            {"Value", "integer", "", 0},
                                            {"Global-Default", "boolean", "", 0},
                                            kAgeColumn,
                                            {"PreemptionPolicy", "string", "", 0}};
void PrintPriorityClass(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& priority = static_cast<const api::scheduling_v1::PriorityClass&>(object);
  NameCell(out, object);
  IntCell(out, priority.value());
  BoolCell(out, priority.global_default());
  CreatedCell(out, object, now);
  TextCell(out, priority.preemption_policy());
}

constexpr Column kBudgetColumns[] = {kNameColumn,
                                     {"Min Available", "string", "", 0},
                                     {"Max Unavailable", "string", "", 0},
                                     {"Allowed Disruptions", "integer", "", 0},
                                     kAgeColumn};
std::string IntOrStringText(const api::intstr::IntOrString& value) {
  return value.type() == 0 ? std::to_string(value.int_val()) : value.str_val();
}
void PrintBudget(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& budget = static_cast<const api::policy::PodDisruptionBudget&>(object);
  NameCell(out, object);
  TextCell(out, budget.spec().has_min_available()
                    ? IntOrStringText(budget.spec().min_available()) : "N/A");
  TextCell(out, budget.spec().has_max_unavailable()
                    ? IntOrStringText(budget.spec().max_unavailable()) : "N/A");
  IntCell(out, budget.status().disruptions_allowed());
  CreatedCell(out, object, now);
}

constexpr Printer kDefaultPrinter = {kDefaultColumns, PrintDefault};
constexpr Printer kNamespacePrinter = {kNamespaceColumns, PrintNamespace};
constexpr Printer kConfigMapPrinter = {kConfigMapColumns, PrintConfigMap};
constexpr Printer kLeasePrinter = {kLeaseColumns, PrintLease};
constexpr Printer kPriorityClassPrinter = {kPriorityClassColumns, PrintPriorityClass};
constexpr Printer kBudgetPrinter = {kBudgetColumns, PrintBudget};

// By storage prefix, as printers work on the stored form.
struct PrinterRow {
  std::string_view storage_prefix;
  const Printer* printer;
};
constexpr PrinterRow kPrinters[] = {
    {"configmaps", &kConfigMapPrinter},
    {"controllers", &kReplicationControllerPrinter},
    {"csidrivers", &kCsiDriverPrinter},
    {"csinodes", &kCsiNodePrinter},
    {"csistoragecapacities", &kCsiStorageCapacityPrinter},
    {"deviceclasses", &kNameAndAgePrinter},
    {"devicetaintrules", &kDeviceTaintRulePrinter},
    {"events", &kEventPrinter},
    {"leases", &kLeasePrinter},
    {"minions", &kNodePrinter},
    {"namespaces", &kNamespacePrinter},
    {"persistentvolumeclaims", &kPersistentVolumeClaimPrinter},
    {"persistentvolumes", &kPersistentVolumePrinter},
    {"poddisruptionbudgets", &kBudgetPrinter},
    {"podgroups", &kPodGroupPrinter},
    {"pods", &kPodPrinter},
    {"priorityclasses", &kPriorityClassPrinter},
    {"replicasets", &kReplicaSetPrinter},
    {"resourceclaims", &kResourceClaimPrinter},
    {"resourceclaimtemplates", &kNameAndAgePrinter},
    {"resourceslices", &kResourceSlicePrinter},
    {"services/specs", &kServicePrinter},
    {"statefulsets", &kStatefulSetPrinter},
    {"storageclasses", &kStorageClassPrinter},
    {"volumeattachments", &kVolumeAttachmentPrinter},
    {"workloads", &kNameAndAgePrinter},
};

}  // namespace

const Printer& PrinterFor(const api::Resource& resource) {
  for (const PrinterRow& row : kPrinters) {
    if (row.storage_prefix == resource.storage_prefix) return *row.printer;
  }
  return kDefaultPrinter;
}

}  // namespace berth::apiserver
