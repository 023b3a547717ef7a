// NodeColumns: the snapshot as plain arrays indexed by node, for plugins that work on many nodes
// at a time. Plain data: it can cross a C ABI. Arrays live as long as the snapshot.
#pragma once

#include <cstdint>

namespace berth::framework {

struct NodeColumns {
  int32_t node_count = 0;
  // millicores, bytes, bytes, pods
  const int64_t* allocatable_milli_cpu = nullptr;
  const int64_t* allocatable_memory_bytes = nullptr;
  const int64_t* allocatable_ephemeral_storage_bytes = nullptr;
  const int64_t* allocatable_pods = nullptr;
  const int64_t* requested_milli_cpu = nullptr;
  const int64_t* requested_memory_bytes = nullptr;
  const int64_t* requested_ephemeral_storage_bytes = nullptr;
  const int64_t* non_zero_requested_milli_cpu = nullptr;
  const int64_t* non_zero_requested_memory_bytes = nullptr;
  const int64_t* pod_count = nullptr;
  const uint8_t* unschedulable = nullptr;
  const int32_t* taint_count = nullptr;
};

}  // namespace berth::framework
