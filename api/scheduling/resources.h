// How much a pod asks for and a node has: the arithmetic of fitting, in one place. The scheduler's
// plugins, the API server's bind check, node agents and quota all call it.
// Units: CPU in millicores (rounded up), everything else in whole units (bytes; rounded up).
// Source: component-helpers/resource/helpers.go, kube-scheduler framework/types.go.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "api/fwd.h"
#include "base/symbol.h"

namespace berth::api::scheduling {

// Amounts of resources. scalars: extended resources, hugepages and the like, sorted by name text;
// an entry that is present with 0 differs from an absent one (as upstream's maps do).
struct Amounts {
  int64_t milli_cpu = 0;
  int64_t memory_bytes = 0;
  int64_t ephemeral_storage_bytes = 0;
  absl::InlinedVector<std::pair<Symbol, int64_t>, 1> scalars;

  int64_t Scalar(Symbol name) const;     // 0 when absent
  int64_t& MutableScalar(Symbol name);  // inserts 0 when absent
  // By resource name: "cpu" (milli), "memory", "ephemeral-storage" or a scalar's.
  int64_t Of(Symbol name) const;
  bool IsZero() const;
  friend bool operator==(const Amounts&, const Amounts&) = default;
};

// As amounts: a scalar of 0 is as good as none.
bool SameAmounts(const Amounts& a, const Amounts& b);

// a + b, or the end of the range that it would pass.
int64_t SaturatingAdd(int64_t a, int64_t b);

// What pods that come and go ask for together. Exact whatever they ask for: a sum that int64_t
// cannot hold reads as the end of its range, and is right again once enough of it has left.
class AmountsSum {
 public:
  void Add(const Amounts& amounts) { Change(amounts, 1); }
  void Subtract(const Amounts& amounts) { Change(amounts, -1); }
  const Amounts& value() const { return value_; }
  friend bool operator==(const AmountsSum&, const AmountsSum&) = default;

 private:
  void Change(const Amounts& amounts, int sign);
  void Move(Symbol resource, int64_t& value, __int128 change);

  Amounts value_;
  // By how much the sum of a resource passes the end its value stopped at; nearly always empty.
  std::vector<std::pair<Symbol, __int128>> excess_;
};

inline constexpr int64_t kDefaultMilliCpuRequest = 100;
inline constexpr int64_t kDefaultMemoryRequestBytes = int64_t{200} * 1024 * 1024;

struct RequestOptions {
  bool non_zero_defaults = false;    // 100m / 200 MiB for containers that name no request
  bool use_pod_level = true;         // honour spec.resources
  bool use_status = false;           // honour in-place resize status
};
// Effective request of a pod, overhead included (framework.md section 11).
Amounts PodRequests(const core::Pod& pod, const RequestOptions& options = {});

// "example.com/gpu": has a slash, no kubernetes.io/ domain, not prefixed "requests.".
bool IsExtendedResourceName(std::string_view name);
// Whether NodeResourcesFit counts it: extended, hugepages-*, *kubernetes.io/ native, attachable-*.
bool IsScalarResourceName(std::string_view name);

// What a node can hold. pods: status.allocatable["pods"].
struct Allocatable {
  Amounts amounts;
  int64_t pods = 0;
  friend bool operator==(const Allocatable&, const Allocatable&) = default;
};
Allocatable NodeAllocatable(const core::Node& node);

// One resource a request does not fit in. used and capacity in the request's unit.
struct Insufficient {
  Symbol resource;        // "cpu", "memory", "ephemeral-storage", "pods" or a scalar
  int64_t requested = 0;
  int64_t used = 0;
  int64_t capacity = 0;
  bool Unresolvable() const;  // requested > capacity, and not "pods"
};
// Everything that does not fit, in upstream's order: pods, cpu, memory, ephemeral-storage, scalars
// by name. used_pods: pods on the node already. Appends to `out`; allocates only on failure.
void FindInsufficient(const Amounts& request, const Allocatable& node, const Amounts& used,
                      int64_t used_pods, std::vector<Insufficient>& out);
// The same as a yes or no, without naming reasons.
bool Fits(const Amounts& request, const Allocatable& node, const Amounts& used, int64_t used_pods);
// The rule for one resource: what is not asked for is never lacking. capacity >= 0.
inline bool Lacks(int64_t request, int64_t capacity, int64_t used) {
  return request > 0 && used > capacity - request;
}

}  // namespace berth::api::scheduling
