#include "api/validation/resource_slice.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "api/equality.h"
#include "api/quantity.h"
#include "api/schema/resource_v1.pb.h"
#include "api/validation/devices.h"
#include "api/validation/metadata.h"
#include "api/validation/scheduling.h"
#include "api/validation/sorted_keys.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

constexpr int64_t kDevicesMax = 128;
constexpr int64_t kAdvancedDevicesMax = 64;  // with taints or counters
constexpr int64_t kCounterSetsMax = 8;
constexpr int64_t kCountersMax = 32;
constexpr int64_t kConsumptionsMax = 2;
constexpr int64_t kAttributesAndCapacitiesMax = 32;
constexpr int64_t kAttributeBytesMax = 64;
constexpr int64_t kDeviceTaintsMax = 16;
constexpr int64_t kValidValuesMax = 10;

using DevicesByName = std::map<std::string_view, const dra::Device*>;

// --- versions (semver.org 2.0.0) ---------------------------------------------------------------

bool IsVersionDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNumber(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsVersionDigit) &&
         (text.size() == 1 || text[0] != '0');
}

bool IsVersionWord(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsVersionDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

// Words between dots, each to the liking of `good`.
template <typename Good>
bool AreWords(std::string_view text, Good good) {
  while (true) {
    const size_t dot = text.find('.');
    if (!good(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool IsSemanticVersion(std::string_view text) {
  const size_t plus = text.find('+');
  if (plus != std::string_view::npos && !AreWords(text.substr(plus + 1), IsVersionWord)) {
    return false;
  }
  text = text.substr(0, plus);
  const size_t dash = text.find('-');
  const auto is_pre_release = [](std::string_view word) {
    return IsVersionWord(word) && (!std::all_of(word.begin(), word.end(), IsVersionDigit) ||
                                   IsNumber(word));
  };
  if (dash != std::string_view::npos && !AreWords(text.substr(dash + 1), is_pre_release)) {
    return false;
  }
  text = text.substr(0, dash);
  return std::count(text.begin(), text.end(), '.') == 2 && AreWords(text, IsNumber);
}

// --- devices -----------------------------------------------------------------------------------

void ValidateAttribute(const dra::DeviceAttribute& attribute, const FieldPath& path,
                       Errors& errors) {
  int values = (attribute.has_bool_() ? 1 : 0) + (attribute.has_int_() ? 1 : 0);
  if (attribute.has_string()) {
    ++values;
    if (std::ssize(attribute.string()) > kAttributeBytesMax) {
      errors.TooLong(path.Child("string"), kAttributeBytesMax);
    }
  }
  if (attribute.has_version()) {
    ++values;
    const FieldPath at = path.Child("version");
    if (!IsSemanticVersion(attribute.version())) {
      errors.Invalid(at, attribute.version(),
                     "must be a string compatible with semver.org spec 2.0.0");
    }
    if (std::ssize(attribute.version()) > kAttributeBytesMax) {
      errors.TooLong(at, kAttributeBytesMax);
    }
  }
  if (values == 1) return;
  errors.InvalidShown(path, values == 0 ? "\"\"" : ToJsonText(attribute),
                      "exactly one value must be specified");
}

void ValidateValidValues(const dra::CapacityRequestPolicy& policy, const Quantity& capacity,
                         const FieldPath& path, Errors& errors) {
  const Quantity preset = ToQuantity(policy.default_());
  if (!ValidateCount(policy.valid_values_size(), kValidValuesMax, path, errors)) return;
  bool found = false;
  std::map<int64_t, int> seen;
  for (int i = 0; i < policy.valid_values_size(); ++i) {
    const Quantity value = ToQuantity(policy.valid_values(i));
    const std::string& text = policy.valid_values(i).string();
    const FieldPath at = path.Index(i);
    if (i > 0 && ToQuantity(policy.valid_values(i - 1)).Cmp(value) > 0) {
      errors.Invalid(at, text, "values must be sorted in ascending order");
    }
    if (value.Cmp(capacity) > 0) {
      errors.Invalid(at, text,
                     std::string_view(fmt::format("option is larger than capacity value: {}",
                                                  capacity.ToString())));
    }
    found = found || value.Cmp(preset) == 0;
    if (!seen.emplace(value.Value(), i).second) {
      errors.Duplicate(at, std::to_string(value.Value()));
    }
  }
  if (!found) {
    errors.Invalid(path, policy.default_().string(),
                   "default value is not valid according to the requestPolicy");
  }
}

// `value` is so many steps above the minimum.
void ValidateStep(const resource::Quantity& value, const dra::CapacityRequestPolicyRange& range,
                  const FieldPath& path, Errors& errors) {
  const int64_t step = ToQuantity(range.step()).Value(), min = ToQuantity(range.min()).Value();
  const __int128 above = static_cast<__int128>(ToQuantity(value).Value()) - min;
  if (above % step == 0) return;
  errors.Invalid(path, value.string(),
                 std::string_view(fmt::format("value is not a multiple of a given step ({}) from "
                                              "({})",
                                              range.step().string(), range.min().string())));
}

void ValidateRangeSteps(const dra::CapacityRequestPolicy& policy, const Quantity& capacity,
                        const FieldPath& path, Errors& errors) {
  const dra::CapacityRequestPolicyRange& range = policy.valid_range();
  if (!range.has_step()) return;
  const FieldPath at = path.Child("step");
  const Quantity step = ToQuantity(range.step());
  if (step.Sign() <= 0) return errors.Invalid(at, range.step().string(), kNotPositiveText);
  Quantity first = ToQuantity(range.min());
  first.Add(step);
  if (first.Cmp(capacity) > 0) {
    errors.Invalid(at, range.step().string(),
                   std::string_view(fmt::format("one step {} is larger than capacity value: {}",
                                                first.ToString(), capacity.ToString())));
  }
  ValidateStep(policy.default_(), range, at, errors);
  if (range.has_max()) ValidateStep(range.max(), range, at, errors);
}

void ValidateRange(const dra::CapacityRequestPolicy& policy, const Quantity& capacity,
                   const FieldPath& path, Errors& errors) {
  const dra::CapacityRequestPolicyRange& range = policy.valid_range();
  const FieldPath min_path = path.Child("min"), max_path = path.Child("max");
  if (!range.has_min()) {
    return errors.Required(min_path, "required when validRange is defined");
  }
  const auto wrong = [&](const FieldPath& at, const resource::Quantity& value,
                         std::string_view what, const Quantity& than) {
    errors.Invalid(at, value.string(),
                   std::string_view(fmt::format("{}: {}", what, than.ToString())));
  };
  const Quantity min = ToQuantity(range.min()), preset = ToQuantity(policy.default_());
  if (min.Cmp(capacity) > 0) {
    wrong(min_path, range.min(), "min is larger than capacity value", capacity);
  }
  if (preset.Cmp(min) < 0) {
    wrong(min_path, policy.default_(), "default is less than min", min);
  }
  if (range.has_max()) {
    const Quantity max = ToQuantity(range.max());
    if (min.Cmp(max) > 0) wrong(max_path, range.min(), "min is larger than max", max);
    if (max.Cmp(capacity) > 0) {
      wrong(max_path, range.max(), "max is larger than capacity value", capacity);
    }
    if (preset.Cmp(max) > 0) {
      wrong(max_path, policy.default_(), "default is more than max", max);
    }
  }
  ValidateRangeSteps(policy, capacity, path, errors);
}

void ValidateCapacityPolicy(const dra::DeviceCapacity& capacity, bool shared,
                            const FieldPath& path, Errors& errors) {
  if (!capacity.has_request_policy()) return;
  const dra::CapacityRequestPolicy& policy = capacity.request_policy();
  const FieldPath at = path.Child("requestPolicy");
  if (!shared) return errors.Forbidden(at, "allowMultipleAllocations must be true");
  const bool values = !policy.valid_values().empty();
  if (values && policy.has_valid_range()) {
    return errors.Forbidden(at,
                            "exactly one policy can be specified, cannot specify \"validValues\" "
                            "and \"validRange\" at the same time");
  }
  if (!values && !policy.has_valid_range()) return;
  if (!policy.has_default_()) {
    return errors.Required(at.Child("default"), values ? "required when validValues is defined"
                                                       : "required when validRange is defined");
  }
  const Quantity all = ToQuantity(capacity.value());
  if (values) {
    ValidateValidValues(policy, all, at.Child("validValues"), errors);
  } else {
    ValidateRange(policy, all, at.Child("validRange"), errors);
  }
}

void ValidateAttributesAndCapacities(const dra::Device& device, const dra::Device* old,
                                     const FieldPath& path, Errors& errors) {
  const auto count = static_cast<int64_t>(device.attributes().size() + device.capacity().size());
  if (count > kAttributesAndCapacitiesMax) {
    errors.InvalidInt(path, count,
                      std::string_view(fmt::format("the total number of attributes and capacities "
                                                   "must not exceed {}",
                                                   kAttributesAndCapacitiesMax)));
  }
  const FieldPath attributes = path.Child("attributes"), capacity = path.Child("capacity");
  for (const std::string_view key : SortedKeys(device.attributes())) {
    const std::string name(key);
    ValidateDeviceQualifiedName(name, attributes, errors);
    ValidateAttribute(device.attributes().at(name), attributes.Key(name), errors);
  }
  for (const std::string_view key : SortedKeys(device.capacity())) {
    const std::string name(key);
    const dra::DeviceCapacity& each = device.capacity().at(name);
    if (old != nullptr) {
      const auto before = old->capacity().find(name);
      if (before != old->capacity().end() && SemanticEqual(before->second, each)) continue;
    }
    ValidateDeviceQualifiedName(name, capacity, errors);
    ValidateCapacityPolicy(each, device.allow_multiple_allocations(), capacity.Key(name), errors);
  }
}

template <typename Counters>
void ValidateCounters(const Counters& counters, const FieldPath& path, Errors& errors) {
  if (counters.empty()) return errors.Required(path);
  if (!ValidateCount(static_cast<int64_t>(counters.size()), kCountersMax, path, errors)) return;
  for (const std::string_view name : SortedKeys(counters)) {
    errors.Invalid(path, name, IsDns1123Label(name));
  }
}

// The counters of a set, or those of it that a device takes.
void ValidateCounterSetName(const std::string& name, const FieldPath& path, Errors& errors) {
  if (name.empty()) return errors.Required(path);
  errors.Invalid(path, name, IsDns1123Label(name));
}

void ValidateConsumption(const dra::Device& device, const FieldPath& path, Errors& errors) {
  if (!ValidateCount(device.consumes_counters_size(), kConsumptionsMax, path, errors)) return;
  UniqueNames sets;
  for (int i = 0; i < device.consumes_counters_size(); ++i) {
    const dra::DeviceCounterConsumption& each = device.consumes_counters(i);
    const FieldPath at = path.Index(i);
    ValidateCounterSetName(each.counter_set(), at.Child("counterSet"), errors);
    ValidateCounters(each.counters(), at.Child("counters"), errors);
    sets.Add(each.counter_set(), at, errors);
  }
}

// Which nodes: exactly one of several fields. Collects those that are set.
class NodeChoice {
 public:
  NodeChoice(const FieldPath& path, Errors& errors) : path_(path), errors_(errors) {}

  void Name(bool present, const std::string& name, std::string_view when_empty) {
    if (!present) return;
    const FieldPath at = path_.Child("nodeName");
    if (name.empty()) return errors_.Invalid(at, name, when_empty);
    set_.push_back("`nodeName`");
    errors_.Invalid(at, name, IsDns1123Subdomain(name));
  }
  void Selector(bool present, const core::NodeSelector& selector) {
    if (!present) return;
    set_.push_back("`nodeSelector`");
    ValidateNodeSelector(selector, path_.Child("nodeSelector"), errors_);
  }
  void Flag(bool present, bool value, std::string_view field, std::string_view shown) {
    if (!present) return;
    if (value) {
      set_.push_back(shown);
    } else {
      errors_.InvalidShown(path_.Child(field), "false", "must be either unset or set to true");
    }
  }
  void RequireOne(std::string_view none, std::string_view several) {
    if (set_.size() == 1) return;
    if (set_.empty()) return errors_.Required(path_, none);
    std::string shown = "{";
    for (const std::string_view field : set_) {
      shown.append(shown.size() > 1 ? ", " : "").append(field);
    }
    errors_.Invalid(path_, shown + "}", several);
  }

 private:
  const FieldPath& path_;
  Errors& errors_;
  std::vector<std::string_view> set_;
};

void ValidateNodesOfDevice(const dra::Device& device, bool per_device, const FieldPath& path,
                           Errors& errors) {
  if (!per_device) {
    if (!device.has_node_name() && !device.has_node_selector() && !device.has_all_nodes()) return;
    return errors.InvalidShown(path, "null",
                               "`nodeName`, `nodeSelector` and `allNodes` can only be set if "
                               "`perDeviceNodeSelection` is set to true in the ResourceSlice spec");
  }
  constexpr std::string_view kOne =
      "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when "
      "`perDeviceNodeSelection` is set to true in the ResourceSlice spec";
  NodeChoice choice(path, errors);
  choice.Name(device.has_node_name(), device.node_name(), "must not be empty");
  choice.Selector(device.has_node_selector(), device.node_selector());
  choice.Flag(device.has_all_nodes(), device.all_nodes(), "allNodes", "`allNodes`");
  choice.RequireOne(kOne, kOne);
}

bool SameTaints(const dra::Device& a, const dra::Device& b) {
  return std::equal(a.taints().begin(), a.taints().end(), b.taints().begin(), b.taints().end(),
                    [](const auto& x, const auto& y) { return SemanticEqual(x, y); });
}

void ValidateDevice(const dra::Device& device, const dra::Device* old, bool per_device,
                    const FieldPath& path, Errors& errors) {
  errors.Invalid(path.Child("name"), device.name(), IsDns1123Label(device.name()));
  ValidateAttributesAndCapacities(device, old, path, errors);
  const FieldPath taints = path.Child("taints");
  if ((old == nullptr || !SameTaints(device, *old)) &&
      ValidateCount(device.taints_size(), kDeviceTaintsMax, taints, errors)) {
    for (int i = 0; i < device.taints_size(); ++i) {
      ValidateDeviceTaint(device.taints(i), taints.Index(i), errors);
    }
  }
  ValidateConsumption(device, path.Child("consumesCounters"), errors);
  ValidateNodesOfDevice(device, per_device, path, errors);
  ValidateBindingConditions(device.binding_conditions(), device.binding_failure_conditions(),
                            path, errors);
}

// --- the slice ---------------------------------------------------------------------------------

void ValidatePool(const dra::ResourcePool& pool, const FieldPath& path, Errors& errors) {
  ValidatePoolName(pool.name(), path.Child("name"), errors);
  if (pool.resource_slice_count() <= 0) {
    errors.InvalidInt(path.Child("resourceSliceCount"), pool.resource_slice_count(),
                      kNotPositiveText);
  }
  if (pool.generation() < 0) {
    errors.InvalidInt(path.Child("generation"), pool.generation(),
                      "must be greater than or equal to zero");
  }
}

void ValidateNodesOfSlice(const dra::ResourceSliceSpec& spec, const FieldPath& path,
                          Errors& errors) {
  NodeChoice choice(path, errors);
  choice.Name(spec.has_node_name(), spec.node_name(),
              "must be either unset or set to a non-empty string");
  choice.Selector(spec.has_node_selector(), spec.node_selector());
  if (spec.has_node_selector() && spec.node_selector().node_selector_terms_size() != 1) {
    const FieldPath selector = path.Child("nodeSelector");
    errors.InvalidShown(selector.Child("nodeSelectorTerms"), ToJsonText(spec.node_selector()),
                        "must have exactly one node selector term");
  }
  choice.Flag(spec.has_all_nodes(), spec.all_nodes(), "allNodes", "`allNodes`");
  choice.Flag(spec.has_per_device_node_selection(), spec.per_device_node_selection(),
              "perDeviceNodeSelection", "`perDeviceNodeSelection`");
  choice.RequireOne(
      "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required",
      "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is "
      "required, but multiple fields are set");
}

void ValidateSliceDevices(const dra::ResourceSliceSpec& spec, const DevicesByName& old,
                     const FieldPath& path, Errors& errors) {
  const bool advanced =
      std::any_of(spec.devices().begin(), spec.devices().end(), [](const dra::Device& device) {
        return !device.taints().empty() || !device.consumes_counters().empty();
      });
  const int64_t max = advanced ? kAdvancedDevicesMax : kDevicesMax;
  if (!ValidateCount(spec.devices_size(), max, path, errors)) return;
  UniqueNames names;
  for (int i = 0; i < spec.devices_size(); ++i) {
    const auto it = old.find(spec.devices(i).name());
    ValidateDevice(spec.devices(i), it == old.end() ? nullptr : it->second,
                   spec.per_device_node_selection(), path.Index(i), errors);
    names.Add(spec.devices(i).name(), path.Index(i), errors);
  }
}

void ValidateCounterSets(const dra::ResourceSliceSpec& spec, const FieldPath& path,
                         Errors& errors) {
  if (!ValidateCount(spec.shared_counters_size(), kCounterSetsMax, path, errors)) return;
  UniqueNames names;
  for (int i = 0; i < spec.shared_counters_size(); ++i) {
    const FieldPath at = path.Index(i);
    ValidateCounterSetName(spec.shared_counters(i).name(), at.Child("name"), errors);
    ValidateCounters(spec.shared_counters(i).counters(), at.Child("counters"), errors);
    names.Add(spec.shared_counters(i).name(), at, errors);
  }
}

void ValidateSliceSpec(const dra::ResourceSliceSpec& spec, const dra::ResourceSliceSpec* old,
                       Errors& errors) {
  const FieldPath path("spec");
  const FieldPath pool = path.Child("pool");
  ValidateCsiDriverName(spec.driver(), path.Child("driver"), errors);
  ValidatePool(spec.pool(), pool, errors);
  DevicesByName devices;
  if (old != nullptr) {
    const auto stays = [&](const std::string& value, const std::string& before,
                           const FieldPath& at) {
      if (value != before) errors.Invalid(at, value, kImmutableText);
    };
    stays(spec.pool().name(), old->pool().name(), pool.Child("name"));
    stays(spec.driver(), old->driver(), path.Child("driver"));
    if (spec.has_node_name() != old->has_node_name() || spec.node_name() != old->node_name()) {
      errors.InvalidShown(path.Child("nodeName"),
                          spec.has_node_name() ? GoQuoted(spec.node_name()) : "null",
                          kImmutableText);
    }
    for (const dra::Device& device : old->devices()) devices.emplace(device.name(), &device);
  }
  ValidateNodesOfSlice(spec, path, errors);
  if (!spec.shared_counters().empty() && !spec.devices().empty()) {
    errors.Invalid(path, "", "only one of `sharedCounters` or `devices` is allowed");
  }
  ValidateSliceDevices(spec, devices, path.Child("devices"), errors);
  ValidateCounterSets(spec, path.Child("sharedCounters"), errors);
}

}  // namespace

void ValidateResourceSlice(const dra::ResourceSlice& slice, Errors& errors) {
  ValidateCoreObjectMeta(slice.metadata(), false, IsDns1123Subdomain, FieldPath("metadata"),
                         errors);
  ValidateSliceSpec(slice.spec(), nullptr, errors);
}

void ValidateResourceSliceUpdate(const dra::ResourceSlice& slice, const dra::ResourceSlice& old,
                                 Errors& errors) {
  ValidateCoreObjectMetaUpdate(slice.metadata(), old.metadata(), FieldPath("metadata"), errors);
  ValidateSliceSpec(slice.spec(), &old.spec(), errors);
}

}  // namespace berth::api::validation
