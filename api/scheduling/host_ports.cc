#include "api/scheduling/host_ports.h"

#include <algorithm>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::api::scheduling {
namespace {

Symbol AnyAddress() {
  static const Symbol symbol = Symbol::Intern("0.0.0.0");
  return symbol;
}

void Collect(const core::Container& container, HostPortList& out) {
  for (const core::ContainerPort& port : container.ports()) {
    if (port.host_port() <= 0) continue;
    static const Symbol tcp = Symbol::Intern("TCP");
    out.push_back({port.host_ip().empty() ? AnyAddress() : Symbol::Intern(port.host_ip()),
                   port.protocol().empty() ? tcp : Symbol::Intern(port.protocol()),
                   port.host_port()});
  }
}

}  // namespace

bool HostPort::ConflictsWith(const HostPort& other) const {
  if (port != other.port || !(protocol == other.protocol)) return false;
  return ip == other.ip || ip == AnyAddress() || other.ip == AnyAddress();
}

HostPortList PodHostPorts(const core::Pod& pod) {
  HostPortList out;
  for (const core::Container& container : pod.spec().containers()) Collect(container, out);
  for (const core::Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() == "Always") Collect(container, out);
  }
  return out;
}

void UsedHostPorts::Add(const HostPort& port) {
  for (auto& [held, count] : held_) {
    if (!(held == port)) continue;
    ++count;
    return;
  }
  held_.emplace_back(port, 1);
}

void UsedHostPorts::Remove(const HostPort& port) {
  auto it = std::find_if(held_.begin(), held_.end(),
                         [&](const auto& entry) { return entry.first == port; });
  if (it == held_.end() || --it->second > 0) return;
  *it = held_.back();
  held_.pop_back();
}

bool UsedHostPorts::Conflicts(const HostPort& port) const {
  for (const auto& [held, count] : held_) {
    if (held.ConflictsWith(port)) return true;
  }
  return false;
}

bool UsedHostPorts::ConflictsAny(const HostPortList& ports) const {
  for (const HostPort& port : ports) {
    if (Conflicts(port)) return true;
  }
  return false;
}

}  // namespace berth::api::scheduling
