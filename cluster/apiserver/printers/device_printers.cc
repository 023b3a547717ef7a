// What `kubectl get` shows of claims for devices, their templates and classes, of slices and of
// rules that taint devices.
#include <string>

#include "api/fwd_alpha.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

namespace dra = api::dra;
using google::protobuf::Message;

constexpr Column kNameAndAgeColumns[] = {kNameColumn, kAgeColumn};
constexpr Column kResourceClaimColumns[] = {kNameColumn, {"State", "string", "", 0}, kAgeColumn};
constexpr Column kResourceSliceColumns[] = {
    kNameColumn,
    {"Node", "string", "", 0},
    {"Driver", "string", "", 0},
    {"Pool", "string", "", 0},
    kAgeColumn,
};

constexpr Column kDeviceTaintRuleColumns[] = {
    kNameColumn,
    {"Key", "string", "", 0},
    {"Value", "string", "", 0},
    {"Effect", "string", "", 0},
    {"TimeAdded", "string", "", 0},
    kAgeColumn,
};

void PrintNameAndAge(const Message& object, absl::Time now, api::JsonWriter& out) {
  NameCell(out, object);
  CreatedCell(out, object, now);
}

std::string StateOf(const dra::ResourceClaim& claim) {
  const bool deleted = claim.metadata().has_deletion_timestamp();
  if (!claim.status().has_allocation()) return deleted ? "deleted" : "pending";
  std::string state = deleted ? "deleted,allocated" : "allocated";
  if (!claim.status().reserved_for().empty()) state += ",reserved";
  return state;
}

void PrintResourceClaim(const Message& object, absl::Time now, api::JsonWriter& out) {
  NameCell(out, object);
  TextCell(out, StateOf(static_cast<const dra::ResourceClaim&>(object)));
  CreatedCell(out, object, now);
}

void PrintResourceSlice(const Message& object, absl::Time now, api::JsonWriter& out) {
  const dra::ResourceSliceSpec& spec = static_cast<const dra::ResourceSlice&>(object).spec();
  NameCell(out, object);
  TextCell(out, spec.node_name());
  TextCell(out, spec.driver());
  TextCell(out, spec.pool().name());
  CreatedCell(out, object, now);
}

void PrintDeviceTaintRule(const Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& taint =
      static_cast<const api::dra_alpha::DeviceTaintRule&>(object).spec().taint();
  NameCell(out, object);
  TextCell(out, taint.key());
  TextCell(out, taint.value());
  TextCell(out, taint.effect());
  TextCell(out, taint.has_time_added()
                    ? HumanDuration(now - absl::FromUnixSeconds(taint.time_added().seconds()))
                    : "<unknown>");
  CreatedCell(out, object, now);
}

}  // namespace

const Printer kNameAndAgePrinter = {kNameAndAgeColumns, PrintNameAndAge};
const Printer kResourceClaimPrinter = {kResourceClaimColumns, PrintResourceClaim};
const Printer kResourceSlicePrinter = {kResourceSliceColumns, PrintResourceSlice};
const Printer kDeviceTaintRulePrinter = {kDeviceTaintRuleColumns, PrintDeviceTaintRule};

}  // namespace berth::apiserver
