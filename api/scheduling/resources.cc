#include "api/scheduling/resources.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>

#include <absl/container/flat_hash_map.h>

#include "api/quantity.h"
#include "api/scheduling/resource_lists.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/validation/names.h"
#include "base/strings.h"

namespace berth::api::scheduling {
namespace {

Symbol Cpu() {
  static const Symbol symbol = Symbol::Intern("cpu");
  return symbol;
}
Symbol Memory() {
  static const Symbol symbol = Symbol::Intern("memory");
  return symbol;
}
Symbol EphemeralStorage() {
  static const Symbol symbol = Symbol::Intern("ephemeral-storage");
  return symbol;
}
Symbol Pods() {
  static const Symbol symbol = Symbol::Intern("pods");
  return symbol;
}

using Scalars = absl::InlinedVector<std::pair<Symbol, int64_t>, 1>;

// Where the entry of `name` is or belongs, by text; few entries are the rule and need no search.
size_t ScalarPlace(const Scalars& scalars, Symbol name) {
  constexpr size_t kFew = 8;
  if (scalars.size() <= kFew) {
    for (size_t i = 0; i < scalars.size(); ++i) {
      if (scalars[i].first == name) return i;
    }
  }
  const auto place = std::lower_bound(scalars.begin(), scalars.end(), name.text(),
                                      [](const auto& entry, std::string_view text) {
                                        return entry.first.text() < text;
                                      });
  return static_cast<size_t>(place - scalars.begin());
}

using Message = google::protobuf::Map<std::string, resource::Quantity>;

// A resource list under addition, exact: rounding to milli and whole units comes last.
// Names are views into the message.
class List {
 public:
  Quantity* Find(std::string_view name) {
    if (!places_.empty()) {
      const auto it = places_.find(ToAbsl(name));
      return it == places_.end() ? nullptr : &entries_[it->second].second;
    }
    for (auto& [held, amount] : entries_) {
      if (held == name) return &amount;
    }
    return nullptr;
  }
  void Add(std::string_view name, const Quantity& amount) {
    if (Quantity* held = Find(name)) {
      held->Add(amount);
    } else {
      Append(name, amount);
    }
  }
  void Max(std::string_view name, const Quantity& amount) {
    Quantity* held = Find(name);
    if (held == nullptr) {
      Append(name, amount);
    } else if (held->Cmp(amount) < 0) {
      *held = amount;
    }
  }
  void Set(std::string_view name, const Quantity& amount) {
    if (Quantity* held = Find(name)) {
      *held = amount;
    } else {
      Append(name, amount);
    }
  }
  void AddAll(const List& other) {
    for (const auto& [name, amount] : other.entries_) Add(name, amount);
  }
  void MaxAll(const List& other) {
    for (const auto& [name, amount] : other.entries_) Max(name, amount);
  }
  void AddMessage(const Message& message) {
    for (const auto& [name, amount] : message) Add(name, ToQuantity(amount));
  }
  void MaxMessage(const Message& message) {
    for (const auto& [name, amount] : message) Max(name, ToQuantity(amount));
  }
  const auto& entries() const { return entries_; }

 private:
  static constexpr size_t kFew = 16;  // from here on, places_ finds them
  void Append(std::string_view name, const Quantity& amount) {
    entries_.emplace_back(name, amount);
    if (entries_.size() < kFew) return;
    for (size_t i = places_.size(); i < entries_.size(); ++i) {
      places_.emplace(ToAbsl(entries_[i].first), i);
    }
  }

  absl::InlinedVector<std::pair<std::string_view, Quantity>, 4> entries_;
  absl::flat_hash_map<absl::string_view, size_t> places_;
};

bool IsRestartable(const core::Container& container) {
  return container.restart_policy() == "Always";
}

bool ResizeIsInfeasible(const core::Pod& pod) {
  for (const core::PodCondition& condition : pod.status().conditions()) {
    if (condition.type() == "PodResizePending") return condition.reason() == "Infeasible";
  }
  return false;
}

const core::ContainerStatus* FindStatus(const core::Pod& pod, std::string_view name) {
  for (const core::ContainerStatus& status : pod.status().container_statuses()) {
    if (status.name() == name) return &status;
  }
  for (const core::ContainerStatus& status : pod.status().init_container_statuses()) {
    if (status.name() == name) return &status;
  }
  return nullptr;
}

// Which defaults a container without a request gets.
struct Defaults {
  bool cpu = false;
  bool memory = false;
};

List ContainerRequests(const core::Pod& pod, const core::Container& container, bool use_status,
                       const Defaults& defaults) {
  List out;
  const core::ContainerStatus* status = use_status ? FindStatus(pod, container.name()) : nullptr;
  if (status != nullptr && status->has_resources()) {
    if (!ResizeIsInfeasible(pod)) out.MaxMessage(container.resources().requests());
    out.MaxMessage(status->resources().requests());
    out.MaxMessage(status->allocated_resources());
  } else {
    out.AddMessage(container.resources().requests());
  }
  if (defaults.cpu && out.Find("cpu") == nullptr) {
    out.Set("cpu", Quantity::FromMilli(kDefaultMilliCpuRequest));
  }
  if (defaults.memory && out.Find("memory") == nullptr) {
    out.Set("memory", Quantity::FromInt(kDefaultMemoryRequestBytes));
  }
  return out;
}

// use: what one container takes; may_use_status: false for what has ended by then.
template <typename Use>
List Aggregate(const core::Pod& pod, const Use& use) {
  List total;
  for (const core::Container& container : pod.spec().containers()) {
    total.AddAll(use(container, /*may_use_status=*/true));
  }
  List sidecars;
  List init_max;
  for (const core::Container& container : pod.spec().init_containers()) {
    const bool restartable = IsRestartable(container);
    List one = use(container, /*may_use_status=*/restartable);
    if (restartable) {
      total.AddAll(one);
      sidecars.AddAll(one);
      init_max.MaxAll(sidecars);
    } else {
      one.AddAll(sidecars);
      init_max.MaxAll(one);
    }
  }
  total.MaxAll(init_max);
  return total;
}

List AggregateContainers(const core::Pod& pod, bool use_status, const Defaults& defaults) {
  return Aggregate(pod, [&](const core::Container& container, bool may_use_status) {
    return ContainerRequests(pod, container, use_status && may_use_status, defaults);
  });
}

bool IsPodLevelResource(std::string_view name) {
  return name == "cpu" || name == "memory" || name.starts_with("hugepages-");
}

bool HasPodLevelResource(const Message& list) {
  return std::any_of(list.begin(), list.end(),
                     [](const auto& entry) { return IsPodLevelResource(entry.first); });
}

bool PodLevelRequestsAreSet(const core::Pod& pod) {
  return HasPodLevelResource(pod.spec().resources().requests());
}

// A status of the whole pod includes overhead, which is added again at the end.
void MaxPodStatus(const core::Pod& pod, const Message& status, List& out) {
  for (const auto& [name, amount] : status) {
    Quantity without = ToQuantity(amount);
    auto overhead = pod.spec().overhead().find(name);
    if (overhead != pod.spec().overhead().end()) without.Sub(ToQuantity(overhead->second));
    out.Max(name, without);
  }
}

void ApplyPodLevel(const core::Pod& pod, bool use_status, List& total) {
  List effective;
  const core::PodStatus& status = pod.status();
  const bool resized =
      use_status && (status.has_resources() || status.allocated_resources_size() > 0);
  if (!resized || !ResizeIsInfeasible(pod)) {
    effective.AddMessage(pod.spec().resources().requests());
  }
  if (resized) {
    MaxPodStatus(pod, status.resources().requests(), effective);
    MaxPodStatus(pod, status.allocated_resources(), effective);
  }
  for (const auto& [name, amount] : effective.entries()) {
    if (IsPodLevelResource(name)) total.Set(name, amount);
  }
}

List EffectiveRequests(const core::Pod& pod, const RequestOptions& options,
                       const Defaults& defaults) {
  List total = AggregateContainers(pod, options.use_status, defaults);
  if (options.use_pod_level && PodLevelRequestsAreSet(pod)) {
    ApplyPodLevel(pod, options.use_status, total);
  }
  total.AddMessage(pod.spec().overhead());
  return total;
}

List EffectiveLimits(const core::Pod& pod) {
  List total = Aggregate(pod, [](const core::Container& container, bool) {
    List out;
    out.AddMessage(container.resources().limits());
    return out;
  });
  const auto& pod_level = pod.spec().resources();
  if (HasPodLevelResource(pod_level.limits())) {
    for (const auto& [name, amount] : pod_level.limits()) {
      if (IsPodLevelResource(name)) total.Set(name, ToQuantity(amount));
    }
  }
  // Overhead counts towards limits that are there.
  for (const auto& [name, amount] : pod.spec().overhead()) {
    Quantity* held = total.Find(name);
    if (held != nullptr && !held->IsZero()) held->Add(ToQuantity(amount));
  }
  return total;
}

ResourceList Named(const List& list) {
  ResourceList out;
  for (const auto& [name, amount] : list.entries()) out.emplace_back(name, amount);
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

void SetResource(std::string_view name, const Quantity& amount, Amounts& out) {
  if (name == "cpu") {
    out.milli_cpu = amount.MilliValue();
  } else if (name == "memory") {
    out.memory_bytes = amount.Value();
  } else if (name == "ephemeral-storage") {
    out.ephemeral_storage_bytes = amount.Value();
  } else if (IsScalarResourceName(name)) {
    out.scalars.emplace_back(Symbol::Intern(name), amount.Value());
  }
}

void SortScalars(Amounts& amounts) {
  std::sort(amounts.scalars.begin(), amounts.scalars.end(),
            [](const auto& a, const auto& b) { return a.first.text() < b.first.text(); });
}

}  // namespace

int64_t Amounts::Scalar(Symbol name) const {
  const size_t place = ScalarPlace(scalars, name);
  return place < scalars.size() && scalars[place].first == name ? scalars[place].second : 0;
}

int64_t& Amounts::MutableScalar(Symbol name) {
  const size_t place = ScalarPlace(scalars, name);
  if (place == scalars.size() || scalars[place].first != name) {
    scalars.insert(scalars.begin() + static_cast<std::ptrdiff_t>(place), {name, 0});
  }
  return scalars[place].second;
}

int64_t Amounts::Of(Symbol name) const {
  if (name == Cpu()) return milli_cpu;
  if (name == Memory()) return memory_bytes;
  if (name == EphemeralStorage()) return ephemeral_storage_bytes;
  return Scalar(name);
}

bool Amounts::IsZero() const {
  return milli_cpu == 0 && memory_bytes == 0 && ephemeral_storage_bytes == 0 &&
         std::all_of(scalars.begin(), scalars.end(),
                     [](const auto& entry) { return entry.second == 0; });
}

bool SameAmounts(const Amounts& a, const Amounts& b) {
  const auto covered = [](const Amounts& some, const Amounts& by) {
    return std::all_of(some.scalars.begin(), some.scalars.end(), [&](const auto& entry) {
      return by.Scalar(entry.first) == entry.second;
    });
  };
  return a.milli_cpu == b.milli_cpu && a.memory_bytes == b.memory_bytes &&
         a.ephemeral_storage_bytes == b.ephemeral_storage_bytes && covered(a, b) && covered(b, a);
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

void AmountsSum::Change(const Amounts& amounts, int sign) {
  const auto signed_amount = [&](int64_t amount) { return __int128{amount} * sign; };
  Move(Cpu(), value_.milli_cpu, signed_amount(amounts.milli_cpu));
  Move(Memory(), value_.memory_bytes, signed_amount(amounts.memory_bytes));
  Move(EphemeralStorage(), value_.ephemeral_storage_bytes,
       signed_amount(amounts.ephemeral_storage_bytes));
  for (const auto& [name, amount] : amounts.scalars) {
    Move(name, value_.MutableScalar(name), signed_amount(amount));
  }
}

void AmountsSum::Move(Symbol resource, int64_t& value, __int128 change) {
  __int128 sum = value + change;
  if (!excess_.empty()) {
    const auto held = std::find_if(excess_.begin(), excess_.end(), [&](const auto& entry) {
      return entry.first == resource;
    });
    if (held != excess_.end()) {
      sum += held->second;
      excess_.erase(held);
    }
  }
  value = static_cast<int64_t>(std::clamp<__int128>(sum, std::numeric_limits<int64_t>::min(),
                                                    std::numeric_limits<int64_t>::max()));
  if (value != sum) excess_.emplace_back(resource, sum - value);
}

Amounts PodRequests(const core::Pod& pod, const RequestOptions& options) {
  Defaults defaults;
  if (options.non_zero_defaults) {
    defaults = {.cpu = true, .memory = true};
    if (options.use_pod_level && PodLevelRequestsAreSet(pod)) {
      List plain = EffectiveRequests(pod, options, {});
      defaults = {.cpu = plain.Find("cpu") == nullptr, .memory = plain.Find("memory") == nullptr};
    }
  }
  Amounts out;
  const List total = EffectiveRequests(pod, options, defaults);
  for (const auto& [name, amount] : total.entries()) SetResource(name, amount, out);
  SortScalars(out);
  return out;
}

ResourceList PodRequestList(const core::Pod& pod) { return Named(EffectiveRequests(pod, {}, {})); }

ResourceList PodLimitList(const core::Pod& pod) { return Named(EffectiveLimits(pod)); }

bool IsExtendedResourceName(std::string_view name) {
  if (name.find('/') == name.npos || name.find("kubernetes.io/") != name.npos) return false;
  if (name.starts_with("requests.")) return false;
  return validation::IsQualifiedName("requests." + std::string(name)).empty();
}

bool IsScalarResourceName(std::string_view name) {
  return name.starts_with("hugepages-") || name.starts_with("attachable-volumes-") ||
         name.find("kubernetes.io/") != name.npos || IsExtendedResourceName(name);
}

Allocatable NodeAllocatable(const core::Node& node) {
  Allocatable out;
  for (const auto& [name, amount] : node.status().allocatable()) {
    if (name == "pods") {
      out.pods = ToQuantity(amount).Value();
    } else {
      SetResource(name, ToQuantity(amount), out.amounts);
    }
  }
  SortScalars(out.amounts);
  return out;
}

bool Insufficient::Unresolvable() const { return requested > capacity && !(resource == Pods()); }

void FindInsufficient(const Amounts& request, const Allocatable& node, const Amounts& used,
                      int64_t used_pods, std::vector<Insufficient>& out) {
  if (used_pods + 1 > node.pods) out.push_back({Pods(), 1, used_pods, node.pods});
  const auto check = [&](Symbol name, int64_t want, int64_t capacity, int64_t taken) {
    if (Lacks(want, capacity, taken)) out.push_back({name, want, taken, capacity});
  };
  const Amounts& has = node.amounts;
  check(Cpu(), request.milli_cpu, has.milli_cpu, used.milli_cpu);
  check(Memory(), request.memory_bytes, has.memory_bytes, used.memory_bytes);
  check(EphemeralStorage(), request.ephemeral_storage_bytes, has.ephemeral_storage_bytes,
        used.ephemeral_storage_bytes);
  for (const auto& [name, want] : request.scalars) {
    check(name, want, has.Scalar(name), used.Scalar(name));
  }
}

bool Fits(const Amounts& request, const Allocatable& node, const Amounts& used,
          int64_t used_pods) {
  const Amounts& has = node.amounts;
  if (used_pods + 1 > node.pods) return false;
  if (Lacks(request.milli_cpu, has.milli_cpu, used.milli_cpu)) return false;
  if (Lacks(request.memory_bytes, has.memory_bytes, used.memory_bytes)) return false;
  if (Lacks(request.ephemeral_storage_bytes, has.ephemeral_storage_bytes,
            used.ephemeral_storage_bytes)) {
    return false;
  }
  return std::all_of(request.scalars.begin(), request.scalars.end(), [&](const auto& entry) {
    return !Lacks(entry.second, has.Scalar(entry.first), used.Scalar(entry.first));
  });
}

}  // namespace berth::api::scheduling
