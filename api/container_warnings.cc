// Warnings of the containers of a pod: each alone, then their ports together.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/pod_warnings.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/validation/pod.h"
#include "api/validation/visit.h"

namespace berth::api {
namespace {

using validation::FieldPath;
using validation::VisitContainers;
using Variables = google::protobuf::RepeatedPtrField<core::EnvVar>;

void WarnOfProfiles(const AnnotatedSpec& pod, std::string_view name,
                    const core::SecurityContext& own, WarningList& warnings) {
  if (pod.metadata.annotations().empty()) return;
  const std::string seccomp = std::string(validation::kSeccompPrefix).append(name);
  if (!own.has_seccomp_profile() && HasAnnotation(pod.metadata, seccomp)) {
    warnings.Add(pod.annotations_path.Key(seccomp),
                 "non-functional in v1.27+; use the \"seccompProfile\" field instead");
  }
  // Of pods: WarnOfAppArmorAnnotations.
  if (!pod.is_template || own.has_app_armor_profile()) return;
  if (pod.spec.security_context().has_app_armor_profile()) return;
  const std::string app_armor = std::string(validation::kAppArmorPrefix).append(name);
  if (HasAnnotation(pod.metadata, app_armor)) {
    warnings.Add(pod.annotations_path.Key(app_armor),
                 "deprecated since v1.30; use the \"appArmorProfile\" field instead");
  }
}

void WarnOfAmounts(const core::ResourceRequirements& resources, const FieldPath& path,
                   WarningList& warnings) {
  const FieldPath limits = path.Child("resources.limits");
  const FieldPath requests = path.Child("resources.requests");
  for (const std::string_view name : {"memory", "ephemeral-storage"}) {
    WarnOfFraction(resources.limits(), name, limits, warnings);
    WarnOfFraction(resources.requests(), name, requests, warnings);
  }
}

// A later definition is meant to add to the one it hides when it speaks of it, as in
// PATH=/opt/bin:$(PATH).
void WarnOfHiddenVariables(const Variables& variables, const FieldPath& path,
                           WarningList& warnings) {
  if (variables.size() < 2) return;
  std::set<std::string_view> names;
  for (int i = 0; i < variables.size(); ++i) {
    const core::EnvVar& variable = variables[i];
    if (names.insert(variable.name()).second) continue;
    const std::string reference = fmt::format("$({})", variable.name());
    const bool adds = variable.value() != reference &&
                      variable.value().find(reference) != std::string::npos;
    if (adds && !variable.has_value_from()) continue;
    warnings.Add(path.Child("env", i),
                 fmt::format("hides previous definition of {}, which may be dropped when using "
                             "apply",
                             GoQuoted(variable.name())));
  }
}

// The ports of all containers, for what a new one repeats or overlaps. Looking for it costs no
// more than there is to say.
class Ports {
 public:
  void Add(const core::ContainerPort& port, std::string path, WarningList& warnings) {
    for (const int i : Related(port)) {
      const Known& other = known_[static_cast<size_t>(i)];
      warnings.Add(fmt::format("{}: {} port definition with {}", path,
                               Relation(port, *other.port), other.path));
    }
    const int index = static_cast<int>(known_.size());
    const int32_t number = port.container_port(), host_port = port.host_port();
    of_number_[{number, port.protocol()}].push_back(index);
    of_host_port_[{number, port.protocol(), host_port}].push_back(index);
    of_address_[{number, port.protocol(), host_port, port.host_ip()}].push_back(index);
    known_.push_back({&port, std::move(path)});
  }

 private:
  struct Known {
    const core::ContainerPort* port;
    std::string path;
  };
  template <typename... Key>
  using Index = std::map<std::tuple<int32_t, std::string_view, Key...>, std::vector<int>>;

  static std::string_view Relation(const core::ContainerPort& a, const core::ContainerPort& b) {
    if (a.host_ip() == b.host_ip() && a.host_port() == b.host_port()) return "duplicate";
    // Without a host port it is only said twice.
    if (a.host_port() == 0 || b.host_port() == 0) return "overlapping";
    return "dangerously ambiguous";  // every address of the host, and one of them
  }

  // Ascending.
  std::vector<int> Related(const core::ContainerPort& port) const {
    std::vector<int> out;
    const auto append = [&](const auto& index, const auto& key) {
      const auto it = index.find(key);
      if (it != index.end()) out.insert(out.end(), it->second.begin(), it->second.end());
    };
    const int32_t number = port.container_port(), host_port = port.host_port();
    const std::string_view protocol = port.protocol(), ip = port.host_ip();
    if (host_port == 0) {
      append(of_number_, std::tuple(number, protocol));
      return out;
    }
    append(of_host_port_, std::tuple(number, protocol, int32_t{0}));
    if (ip.empty()) {
      append(of_host_port_, std::tuple(number, protocol, host_port));
    } else {
      append(of_address_, std::tuple(number, protocol, host_port, ip));
      append(of_address_, std::tuple(number, protocol, host_port, std::string_view()));
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  std::vector<Known> known_;
  Index<> of_number_;
  Index<int32_t> of_host_port_;
  Index<int32_t, std::string_view> of_address_;
};

void WarnOfPorts(const core::PodSpec& spec, const FieldPath& path, WarningList& warnings) {
  Ports ports;
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    for (int i = 0; i < container.ports_size() && !warnings.full(); ++i) {
      const core::ContainerPort& port = container.ports(i);
      const FieldPath port_path = at.Child("ports", i);
      if (!port.host_ip().empty() && port.host_port() == 0) {
        warnings.Add(port_path,
                     fmt::format("hostIP set without hostPort: {{Name:{} HostPort:0 "
                                 "ContainerPort:{} Protocol:{} HostIP:{}}}",
                                 port.name(), port.container_port(), port.protocol(),
                                 port.host_ip()));
      }
      ports.Add(port, port_path.ToString(), warnings);
    }
  });
}

void WarnOfPortNames(const core::PodSpec& spec, const FieldPath& path, WarningList& warnings) {
  std::map<std::string_view, std::string> paths;  // name -> the port that has it
  VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) {
    for (int i = 0; i < container.ports_size() && !warnings.full(); ++i) {
      const std::string& name = container.ports(i).name();
      if (name.empty()) continue;
      const FieldPath port_path = at.Child("ports", i);
      const auto [it, is_new] = paths.emplace(name, std::string());
      if (is_new) {
        it->second = port_path.ToString();
        continue;
      }
      warnings.Add(port_path, fmt::format("duplicate port name {} with {}, services and probes "
                                          "that select ports by name will use {}",
                                          GoQuoted(name), it->second, it->second));
    }
  });
}

}  // namespace

void WarnOfContainers(const AnnotatedSpec& pod, WarningList& warnings) {
  VisitContainers(pod.spec, pod.path, [&](const auto& container, const FieldPath& at) {
    if (warnings.full()) return;
    WarnOfProfiles(pod, container.name(), container.security_context(), warnings);
    WarnOfAmounts(container.resources(), at, warnings);
    WarnOfHiddenVariables(container.env(), at, warnings);
  });
  WarnOfPorts(pod.spec, pod.path, warnings);
  WarnOfPortNames(pod.spec, pod.path, warnings);
}

}  // namespace berth::api
