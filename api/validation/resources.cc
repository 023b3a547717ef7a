#include "api/validation/resources.h"

#include <algorithm>
#include <array>
#include <vector>

#include <fmt/core.h>

#include "api/pod_resources.h"
#include "api/schema/core_v1_pod_spec.pb.h"
#include "api/validation/sorted_keys.h"

namespace berth::api::validation {
namespace {

template <size_t N>
bool Among(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsStandardResource(std::string_view name) {
  static constexpr std::array<std::string_view, 20> kNames = {
      "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
      "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
      "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
      "persistentvolumeclaims", "storage", "requests.storage", "services.nodeports",
      "services.loadbalancers"};
  return Among(kNames, name) || IsHugePages(name) || name.starts_with("requests.hugepages-");
}

bool IsContainerResource(std::string_view name) {
  return name == "cpu" || name == "memory" || name == "ephemeral-storage" || IsHugePages(name);
}

bool IsExtended(std::string_view name) {
  return !IsNativeResource(name) && !name.starts_with("requests.") &&
         IsQualifiedName(fmt::format("requests.{}", name)).empty();
}

bool IsCounted(std::string_view name) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "pods", "resourcequotas", "services", "replicationcontrollers", "secrets", "configmaps",
      "persistentvolumeclaims", "services.nodeports", "services.loadbalancers"};
  return Among(kNames, name) || IsExtended(name);
}

// False when the name is no resource's at all.
bool ValidateResourceName(std::string_view name, const FieldPath& path, Errors& errors) {
  const Complaints bad = IsQualifiedName(name);
  errors.Invalid(path, name, bad);
  if (!bad.empty()) return false;
  if (name.find('/') != std::string_view::npos || IsStandardResource(name)) return true;
  errors.Invalid(path, name, "must be a standard resource type or fully qualified");
  return false;
}

void ValidateContainerResourceName(std::string_view name, const FieldPath& path, Errors& errors) {
  ValidateResourceName(name, path, errors);
  if (name.find('/') == std::string_view::npos) {
    if (!IsContainerResource(name)) {
      errors.Invalid(path, name, "must be a standard resource for containers");
    }
  } else if (!IsNativeResource(name) && !IsExtended(name)) {
    errors.Invalid(path, name, "doesn't follow extended resource name standard");
  }
}

void ValidatePodResourceName(std::string_view name, const FieldPath& path, Errors& errors) {
  if (!ValidateResourceName(name, path, errors) || IsPodLevelResource(name)) return;
  errors.NotSupported(path, name, {"cpu", "hugepages-", "memory"});
}

void ValidateHugePages(std::string_view name, const resource::Quantity& amount,
                       const FieldPath& path, Errors& errors) {
  const auto page = Quantity::Parse(name.substr(std::string_view("hugepages-").size()));
  const int64_t page_bytes = page.ok() ? page->Value() : 0;
  const int64_t bytes = ToQuantity(amount).Value();
  if (page_bytes > 0 && bytes > 0 && bytes % page_bytes == 0) return;
  errors.Invalid(path, amount.string(),
                 fmt::format("{} is not positive integer multiple of {}", amount.string(), name));
}

const resource::Quantity* FindAmount(const ResourceMap& map, std::string_view name) {
  const auto it = map.find(std::string(name));
  return it == map.end() ? nullptr : &it->second;
}

using ResourceNameRule = void (*)(std::string_view, const FieldPath&, Errors&);

struct Seen {
  bool cpu_or_memory = false;
  bool huge_pages = false;
};

void ValidateAmounts(const ResourceMap& amounts, ResourceNameRule name_rule, const FieldPath& path,
                     Seen& seen, Errors& errors) {
  for (const std::string_view name : SortedKeys(amounts)) {
    const FieldPath at = path.Key(name);
    const resource::Quantity& amount = *FindAmount(amounts, name);
    name_rule(name, at, errors);
    ValidateResourceAmount(name, amount, at, errors);
    if (IsHugePages(name)) {
      seen.huge_pages = true;
      ValidateHugePages(name, amount, at, errors);
    }
    seen.cpu_or_memory = seen.cpu_or_memory || name == "cpu" || name == "memory";
  }
}

void ValidateAgainstLimit(std::string_view name, const resource::Quantity& request,
                          const resource::Quantity* limit, const FieldPath& path, Errors& errors) {
  if (limit == nullptr) {
    if (AllowsOvercommit(name)) return;
    errors.Required(path.Child("limits"), "Limit must be set for non overcommitable resources");
    return;
  }
  const int order = ToQuantity(request).Cmp(ToQuantity(*limit));
  if (order != 0 && !AllowsOvercommit(name)) {
    errors.Invalid(path.Child("requests"), request.string(),
                   fmt::format("must be equal to {} limit of {}", name, limit->string()));
  } else if (order > 0) {
    errors.Invalid(path.Child("requests"), request.string(),
                   fmt::format("must be less than or equal to {} limit of {}", name,
                               limit->string()));
  }
}

void ValidateClaims(const core::ResourceRequirements& resources, const NameSet& claim_names,
                    const FieldPath& path, Errors& errors) {
  NameSet seen;
  for (int i = 0; i < resources.claims_size() && !errors.full(); ++i) {
    const FieldPath at = path.Index(i);
    const core::ResourceClaim& claim = resources.claims(i);
    if (claim.name().empty()) {
      errors.Required(at);
      continue;
    }
    std::string key = claim.name();
    if (seen.contains(key)) {
      errors.Duplicate(at, key);
    } else {
      if (!claim.request().empty()) {
        errors.Invalid(at.Child("request"), claim.request(), IsDns1123Label(claim.request()));
        key.append("/").append(claim.request());
      }
      const auto next = seen.lower_bound(claim.name() + "/");
      if (seen.contains(key)) {
        errors.Duplicate(at, key);
      } else if (claim.request().empty() && next != seen.end() &&
                 next->starts_with(claim.name() + "/")) {
        errors.Duplicate(at, claim.name());
      }
      seen.insert(key);
    }
    if (claim_names.contains(claim.name())) continue;
    std::string detail = "must be one of the names in pod.spec.resourceClaims";
    if (claim_names.empty()) {
      detail += " which is empty";
    } else {
      detail += ": " + Joined({claim_names.begin(), claim_names.end()}, ", ");
    }
    errors.NotFound(at, claim.name(), detail);
  }
}

void ValidateRequirements(const core::ResourceRequirements& resources, ResourceNameRule name_rule,
                          const NameSet& claim_names, const FieldPath& path, Errors& errors) {
  if (resources.limits().empty() && resources.requests().empty() && resources.claims().empty()) {
    return;
  }
  Seen seen;
  ValidateAmounts(resources.limits(), name_rule, path.Child("limits"), seen, errors);
  const FieldPath requests_path = path.Child("requests");
  for (const std::string_view name : SortedKeys(resources.requests())) {
    const FieldPath at = requests_path.Key(name);
    const resource::Quantity& request = *FindAmount(resources.requests(), name);
    name_rule(name, at, errors);
    ValidateResourceAmount(name, request, at, errors);
    ValidateAgainstLimit(name, request, FindAmount(resources.limits(), name), path, errors);
    if (IsHugePages(name)) {
      seen.huge_pages = true;
      ValidateHugePages(name, request, at, errors);
    }
    seen.cpu_or_memory = seen.cpu_or_memory || name == "cpu" || name == "memory";
  }
  if (seen.huge_pages && !seen.cpu_or_memory) {
    errors.Forbidden(path, "HugePages require cpu or memory");
  }
  ValidateClaims(resources, claim_names, path.Child("claims"), errors);
}

// What the containers ask for together against what the pod asks for, where it does.
void ValidateSumsFit(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  const FieldPath requests = path.Child("requests"), limits = path.Child("limits");
  for (const auto& [name, sum] : AggregateContainerRequests(spec)) {
    const resource::Quantity* of_pod = FindAmount(spec.resources().requests(), name);
    if (of_pod == nullptr || sum.Cmp(ToQuantity(*of_pod)) <= 0) continue;
    errors.Invalid(requests.Key(name), of_pod->string(),
                   fmt::format("must be greater than or equal to aggregate container requests "
                               "of {}",
                               sum.ToString()));
  }
  for (const auto& [name, sum] : AggregateContainerLimits(spec)) {
    const resource::Quantity* of_pod = FindAmount(spec.resources().limits(), name);
    if (!IsHugePages(name) || of_pod == nullptr) continue;
    if (sum.Cmp(ToQuantity(*of_pod)) <= 0) continue;
    errors.Invalid(limits.Key(name), of_pod->string(),
                   fmt::format("must be greater than or equal to aggregate container limits of {}",
                               sum.ToString()));
  }
}

// The containers together must fit the pod's requests, each alone its limits.
void ValidateContainersFitPod(const core::PodSpec& spec, const FieldPath& path, Errors& errors) {
  ValidateSumsFit(spec, path, errors);
  for (int i = 0; i < spec.containers_size(); ++i) {
    const ResourceMap& limits = spec.containers(i).resources().limits();
    for (const std::string_view name : SortedKeys(limits)) {
      const resource::Quantity* of_pod = FindAmount(spec.resources().limits(), name);
      const resource::Quantity& limit = *FindAmount(limits, name);
      if (of_pod == nullptr || ToQuantity(limit).Cmp(ToQuantity(*of_pod)) <= 0) continue;
      const FieldPath container = path.Child("containers", i);
      const FieldPath at = container.Key(name);
      errors.Invalid(at.Child("limits"), limit.string(),
                     fmt::format("must be less than or equal to pod limits of {}",
                                 of_pod->string()));
    }
  }
}

}  // namespace

void ValidateResourceAmount(std::string_view name, const resource::Quantity& amount,
                            const FieldPath& path, Errors& errors) {
  const Quantity value = ToQuantity(amount);
  if (value.Sign() < 0) errors.Invalid(path, amount.string(), kNegativeText);
  if (IsCounted(name) && value.MilliValue() % 1000 != 0) {
    errors.Invalid(path, amount.string(), "must be an integer");
  }
}

void ValidateResourceAmounts(const ResourceMap& amounts, const FieldPath& path, Errors& errors) {
  for (const std::string_view name : SortedKeys(amounts)) {
    ValidateResourceAmount(name, *FindAmount(amounts, name), path.Child(name), errors);
  }
}

void ValidateContainerResources(const core::ResourceRequirements& resources,
                                const NameSet& claim_names, const FieldPath& path,
                                Errors& errors) {
  ValidateRequirements(resources, ValidateContainerResourceName, claim_names, path, errors);
}

void ValidateOverhead(const ResourceMap& overhead, const FieldPath& path, Errors& errors) {
  Seen seen;
  ValidateAmounts(overhead, ValidateContainerResourceName, path.Child("limits"), seen, errors);
  if (seen.huge_pages && !seen.cpu_or_memory) {
    errors.Forbidden(path, "HugePages require cpu or memory");
  }
}

void ValidatePodResources(const core::PodSpec& spec, const NameSet& claim_names,
                          const FieldPath& path, Errors& errors) {
  if (!spec.has_resources()) return;
  if (spec.os().name() == "windows") {
    return errors.Forbidden(path, "may not be set for a windows pod");
  }
  if (!spec.resources().claims().empty()) {
    errors.Forbidden(path.Child("claims"), "claims may not be set for Resources at pod-level");
  }
  ValidateRequirements(spec.resources(), ValidatePodResourceName, claim_names, path, errors);
  ValidateContainersFitPod(spec, path, errors);
}

}  // namespace berth::api::validation
