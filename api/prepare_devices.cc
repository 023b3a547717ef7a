#include "api/prepare_devices.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <tuple>

#include "api/prepare_parts.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"

namespace berth::api {
namespace {

using DeviceId = std::tuple<std::string, std::string, std::string>;

template <typename Device>
DeviceId IdOf(const Device& device) {
  return {device.driver(), device.pool(), device.device()};
}

std::set<DeviceId> AllocatedDevices(const dra::ResourceClaim& claim) {
  std::set<DeviceId> devices;
  for (const auto& result : claim.status().allocation().devices().results()) {
    devices.insert(IdOf(result));
  }
  return devices;
}

void DropFreedDevices(const dra::ResourceClaim& old, dra::ResourceClaim& claim) {
  const std::set<DeviceId> before = AllocatedDevices(old), after = AllocatedDevices(claim);
  auto& devices = *claim.mutable_status()->mutable_devices();
  const auto freed = [&](const dra::AllocatedDeviceStatus& device) {
    const DeviceId id = IdOf(device);
    return before.contains(id) && !after.contains(id);
  };
  devices.erase(std::remove_if(devices.begin(), devices.end(), freed), devices.end());
}

bool HasLists(const dra::DeviceAttribute& attribute) {
  return !attribute.ints().empty() || !attribute.bools().empty() ||
         !attribute.strings().empty() || !attribute.versions().empty();
}

bool UsesLists(const dra::ResourceSlice& slice) {
  for (const dra::Device& device : slice.spec().devices()) {
    for (const auto& [name, attribute] : device.attributes()) {
      if (HasLists(attribute)) return true;
    }
  }
  return false;
}

bool UsesMappings(const dra::ResourceSlice& slice) {
  const auto& devices = slice.spec().devices();
  return std::any_of(devices.begin(), devices.end(), [](const dra::Device& device) {
    return !device.node_allocatable_resource_mappings().empty();
  });
}

void DropGatedFields(const dra::ResourceSlice& old, dra::ResourceSlice& slice) {
  const bool keeps_lists = UsesLists(old), keeps_mappings = UsesMappings(old);
  for (dra::Device& device : *slice.mutable_spec()->mutable_devices()) {
    if (!keeps_mappings) device.clear_node_allocatable_resource_mappings();
    if (keeps_lists) continue;
    for (auto& [name, attribute] : *device.mutable_attributes()) {
      attribute.clear_ints();
      attribute.clear_bools();
      attribute.clear_strings();
      attribute.clear_versions();
    }
  }
}

// A time of zero: the server's to fill in.
void BeginTaintTimes(dra::ResourceSlice& slice) {
  for (dra::Device& device : *slice.mutable_spec()->mutable_devices()) {
    for (dra::DeviceTaint& taint : *device.mutable_taints()) taint.mutable_time_added();
  }
}

}  // namespace

void CreateResourceClaim(dra::ResourceClaim& claim) {
  claim.clear_status();
  claim.mutable_status();
}

void UpdateResourceClaim(std::string_view subresource, const dra::ResourceClaim& old,
                         dra::ResourceClaim& claim) {
  KeepSpecOrStatus(subresource, old, claim);
  if (subresource != "status") return;
  KeepUsersMetadata(old.metadata(), *claim.mutable_metadata());
  DropFreedDevices(old, claim);
}

void CreateResourceSlice(dra::ResourceSlice& slice) {
  slice.mutable_metadata()->set_generation(1);
  DropGatedFields(dra::ResourceSlice::default_instance(), slice);
  BeginTaintTimes(slice);
}

void UpdateResourceSlice(std::string_view /*subresource*/, const dra::ResourceSlice& old,
                         dra::ResourceSlice& slice) {
  BeginTaintTimes(slice);
  CountSpecChange(old, slice);
  DropGatedFields(old, slice);
}

void CreateDeviceTaintRule(dra_alpha::DeviceTaintRule& rule) {
  CreateSpecAndStatus(rule);
  rule.mutable_spec()->mutable_taint()->mutable_time_added();
}

void UpdateDeviceTaintRule(std::string_view subresource, const dra_alpha::DeviceTaintRule& old,
                           dra_alpha::DeviceTaintRule& rule) {
  dra_alpha::DeviceTaint& taint = *rule.mutable_spec()->mutable_taint();
  const dra_alpha::DeviceTaint& before = old.spec().taint();
  // Another effect is there since now, unless the client says otherwise.
  if (taint.effect() != before.effect() &&
      taint.time_added().seconds() == before.time_added().seconds()) {
    taint.clear_time_added();
  }
  taint.mutable_time_added();
  UpdateSpecOrStatus(subresource, old, rule);
  if (subresource == "status") KeepUsersMetadata(old.metadata(), *rule.mutable_metadata());
}

}  // namespace berth::api
