// Server-side printing: an object as a row of the columns that `kubectl get` shows.
// Columns: columns of upstream's printers, in order; priority 1 is shown by -o wide only.
// Source: pkg/printers/internalversion/printers.go.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <absl/time/time.h>
#include <google/protobuf/message.h>

#include "api/fwd.h"
#include "api/json_writer.h"
#include "api/resource_table.h"

namespace berth::apiserver {

struct Column {
  std::string_view name;
  std::string_view type;    // "string", "integer", "boolean"
  std::string_view format;  // "name" or empty
  int32_t priority = 0;
};

// What a row says beyond its cells: the pod has finished.
struct RowCondition {
  std::string_view type, status, reason, message;
};

struct Printer {
  std::span<const Column> columns;
  // Appends the cells, one per column, each followed by a comma.
  void (*cells)(const google::protobuf::Message& object, absl::Time now, api::JsonWriter& out);
  // Null when the row has none.
  const RowCondition* (*condition)(const google::protobuf::Message& object) = nullptr;
};

// The kind's own printer; name and creation time for a kind without one.
const Printer& PrinterFor(const api::Resource& resource);

// What nearly every kind shows.
inline constexpr Column kNameColumn = {"Name", "string", "name", 0};
inline constexpr Column kAgeColumn = {"Age", "string", "", 0};
void NameCell(api::JsonWriter& out, const google::protobuf::Message& object);
void CreatedCell(api::JsonWriter& out, const google::protobuf::Message& object, absl::Time now);

// --- cells -------------------------------------------------------------------------------------
void TextCell(api::JsonWriter& out, std::string_view text);
// "<none>" when empty.
void TextOrNoneCell(api::JsonWriter& out, std::string_view text);
void IntCell(api::JsonWriter& out, int64_t value);
void BoolCell(api::JsonWriter& out, bool value);
// How long ago; "<unknown>" for a zero time.
void AgeCell(api::JsonWriter& out, const api::meta::Time& since, absl::Time now);

std::string TimeSince(const api::meta::Time& since, absl::Time now);
std::string TimeSince(const api::meta::MicroTime& since, absl::Time now);
// "5s", "3m20s", "2d4h", "3y" (apimachinery/pkg/util/duration).
std::string HumanDuration(absl::Duration duration);

// The printers of the kinds that have a file of their own.
extern const Printer kPodPrinter, kNodePrinter, kEventPrinter;
// device_printers.cc
extern const Printer kNameAndAgePrinter, kResourceClaimPrinter, kResourceSlicePrinter,
    kDeviceTaintRulePrinter;
// workload_printers.cc
extern const Printer kReplicaSetPrinter, kReplicationControllerPrinter, kStatefulSetPrinter,
    kServicePrinter, kPodGroupPrinter;
// storage_printers.cc
extern const Printer kPersistentVolumePrinter, kPersistentVolumeClaimPrinter, kStorageClassPrinter,
    kCsiDriverPrinter, kCsiNodePrinter, kCsiStorageCapacityPrinter, kVolumeAttachmentPrinter;

}  // namespace berth::apiserver
