#include "plugins/dynamic_resources/device_classes.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "api/schema/meta_v1.pb.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::scheduling::kImplicitResourcePrefix;

// Before the other when both name the same resource.
bool IsPreferred(const api::dra::DeviceClass& a, const api::dra::DeviceClass& b) {
  const auto age = [](const api::dra::DeviceClass& one) {
    const auto& created = one.metadata().creation_timestamp();
    return std::pair(-created.seconds(), -created.nanos());
  };
  return std::forward_as_tuple(age(a), a.metadata().name()) <
         std::forward_as_tuple(age(b), b.metadata().name());
}

}  // namespace

// Finds out anew which class stands for it.
bool DeviceClasses::Offer(const std::string& resource) {
  if (resource.empty()) return false;
  ClassPtr best;
  for (const auto& [name, device_class] : classes_) {
    const bool implicit = resource.size() == kImplicitResourcePrefix.size() + name.size() &&
                          resource.starts_with(kImplicitResourcePrefix) &&
                          resource.ends_with(name);
    if (!implicit && device_class->spec().extended_resource_name() != resource) continue;
    if (best == nullptr || IsPreferred(*device_class, *best)) best = device_class;
  }
  const Symbol symbol = Symbol::Intern(resource);
  const auto it = offering_.find(symbol);
  const bool same = it == offering_.end()
                        ? best == nullptr
                        : best != nullptr && it->second->metadata().name() ==
                                                 best->metadata().name();
  if (best != nullptr) {
    offering_[symbol] = std::move(best);
  } else {
    offering_.erase(symbol);
  }
  return !same;
}

bool DeviceClasses::Put(ClassPtr device_class) {
  const std::string name = device_class->metadata().name();
  const std::string resource = device_class->spec().extended_resource_name();
  ClassPtr& held = classes_[name];
  const std::string before = held == nullptr ? "" : held->spec().extended_resource_name();
  held = std::move(device_class);
  const bool implicit = Offer(std::string(kImplicitResourcePrefix) + name);
  const bool named = Offer(resource);
  const bool no_longer = before != resource && Offer(before);
  return implicit || named || no_longer;
}

bool DeviceClasses::Remove(std::string_view name) {
  const auto it = classes_.find(name);
  if (it == classes_.end()) return false;
  const std::string before = it->second->spec().extended_resource_name();
  classes_.erase(it);
  const bool named = Offer(before);
  return Offer(std::string(kImplicitResourcePrefix) + std::string(name)) || named;
}

ClassPtr DeviceClasses::Find(std::string_view name) const {
  const auto it = classes_.find(name);
  return it == classes_.end() ? nullptr : it->second;
}

ClassPtr DeviceClasses::Offering(Symbol resource) const {
  const auto it = offering_.find(resource);
  return it == offering_.end() ? nullptr : it->second;
}

bool DeviceClasses::OfferAny(const api::scheduling::Amounts& requests) const {
  return std::any_of(requests.scalars.begin(), requests.scalars.end(), [&](const auto& scalar) {
    return scalar.second != 0 && offering_.contains(scalar.first) &&
           api::scheduling::MayComeFromDevices(scalar.first.text());
  });
}

}  // namespace berth::plugins::dynamic_resources
