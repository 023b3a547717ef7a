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

  int64_t Scalar(Symbol name) const;          // 0 when absent
  void AddScalar(Symbol name, int64_t amount);  // inserts when absent
  // By resource name: "cpu" (milli), "memory", "ephemeral-storage" or a scalar's.
  int64_t Of(Symbol name) const;
  void Add(const Amounts& other);
  void Subtract(const Amounts& other);
  void MaxWith(const Amounts& other);  // per resource
  bool IsZero() const;
  friend bool operator==(const Amounts&, const Amounts&) = default;
};

inline constexpr int64_t kDefaultMilliCpuRequest = 100;
inline constexpr int64_t kDefaultMemoryRequestBytes = 200 * 1024 * 1024;

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

}  // namespace berth::api::scheduling
