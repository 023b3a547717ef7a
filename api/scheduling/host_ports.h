// Host ports: what a pod wants of its node's own address, and what conflicts.
// Source: kube-scheduler framework/types.go (HostPortInfo), plugins/nodeports.
#pragma once

#include <cstdint>
#include <vector>

#include <absl/container/inlined_vector.h>

#include "api/fwd.h"
#include "base/symbol.h"

namespace berth::api::scheduling {

struct HostPort {
  Symbol ip;        // "0.0.0.0" when unset
  Symbol protocol;  // "TCP" when unset
  int32_t port = 0;
  // Same protocol and port, and the same address or either is 0.0.0.0.
  bool ConflictsWith(const HostPort& other) const;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};
using HostPortList = absl::InlinedVector<HostPort, 1>;

// hostPort > 0 of containers and restartable init containers.
HostPortList PodHostPorts(const core::Pod& pod);

// The ports in use on a node. A port held twice stays until it is removed twice.
class UsedHostPorts {
 public:
  void Add(const HostPort& port);
  void Remove(const HostPort& port);  // ignored when not held
  bool Conflicts(const HostPort& port) const;
  bool ConflictsAny(const HostPortList& ports) const;
  bool empty() const { return held_.empty(); }

 private:
  std::vector<std::pair<HostPort, int32_t>> held_;  // with its count
};

}  // namespace berth::api::scheduling
