// Device classes by name, and by the extended resource that they stand for.
#pragma once

#include <string>
#include <string_view>

#include <absl/container/flat_hash_map.h>

#include "api/scheduling/device_resources.h"
#include "api/scheduling/resources.h"
#include "base/strings.h"
#include "base/symbol.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

// A class stands for the resource that it names (spec.extendedResourceName), and always for
// "deviceclass.resource.kubernetes.io/" and its own name. Of several that name the same resource
// the newest counts, then the first by name.
// Threads: one writer; const calls while nobody writes.
// Source: dynamic-resource-allocation/deviceclass/extendedresourcecache.
class DeviceClasses {
 public:
  // True: another class stands for some resource than before.
  bool Put(ClassPtr device_class);
  bool Remove(std::string_view name);

  // Null: there is none.
  ClassPtr Find(std::string_view name) const;
  ClassPtr Offering(Symbol resource) const;
  // Some resource that is asked for may come from devices.
  bool OfferAny(const api::scheduling::Amounts& requests) const;

 private:
  bool Offer(const std::string& resource);

  StringMap<ClassPtr> classes_;
  absl::flat_hash_map<Symbol, ClassPtr> offering_;
};

}  // namespace berth::plugins::dynamic_resources
