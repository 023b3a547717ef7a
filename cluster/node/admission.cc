#include "cluster/node/admission.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/scheduling/device_resources.h"
#include "api/scheduling/node_affinity.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::node {
namespace {

using api::scheduling::Amounts;

constexpr std::string_view kAffinityText = "node(s) didn't match Pod's node affinity/selector";
constexpr std::string_view kPortsText =
    "node(s) didn't have free ports for the requested pod ports";
constexpr std::string_view kTaintText = "node(s) had taints that the pod didn't tolerate";

Refusal Failed(std::string_view predicate, std::string_view text) {
  return {std::string(predicate), fmt::format("Predicate {} failed: {}", predicate, text)};
}

// Without the extended resources that the node has never heard of.
Amounts KnownTo(const Amounts& request, const Amounts& allocatable) {
  Amounts out = request;
  out.scalars.clear();
  for (const auto& scalar : request.scalars) {
    const bool extended = api::scheduling::MayComeFromDevices(scalar.first.text());
    const bool known = std::any_of(allocatable.scalars.begin(), allocatable.scalars.end(),
                                   [&](const auto& other) { return other.first == scalar.first; });
    if (known || !extended) out.scalars.push_back(scalar);
  }
  return out;
}

}  // namespace

PodLoad LoadOf(const api::core::Pod& pod) {
  return {api::scheduling::PodRequests(pod), api::scheduling::PodHostPorts(pod)};
}

NodeFacts FactsOf(const api::core::Node& node) {
  NodeFacts facts;
  facts.name = Symbol::Intern(node.metadata().name());
  facts.labels = api::scheduling::LabelSet::FromMeta(node.metadata());
  for (const auto& taint : node.spec().taints()) {
    const auto compiled = api::scheduling::CompileTaint(taint);
    if (compiled.effect == api::scheduling::TaintEffect::kNoExecute) {
      facts.no_execute.push_back(compiled);
    }
  }
  return facts;
}

void NodeLoad::Add(const PodLoad& load) {
  used_.Add(load.requests);
  for (const auto& port : load.host_ports) ports_.Add(port);
  ++pods_;
}

void NodeLoad::Remove(const PodLoad& load) {
  used_.Subtract(load.requests);
  for (const auto& port : load.host_ports) ports_.Remove(port);
  --pods_;
}

std::optional<Refusal> NodeLoad::Check(const api::core::Pod& pod, const PodLoad& load,
                                       const NodeFacts& node,
                                       const api::scheduling::Allocatable& allocatable) const {
  const Amounts request = KnownTo(load.requests, allocatable.amounts);
  if (!api::scheduling::Fits(request, allocatable, used(), pods_)) {
    std::vector<api::scheduling::Insufficient> lacking;
    api::scheduling::FindInsufficient(request, allocatable, used(), pods_, lacking);
    if (!lacking.empty()) {
      const auto& first = lacking.front();
      return Refusal{fmt::format("OutOf{}", first.resource.text()),
                     fmt::format("Node didn't have enough resource: {}, requested: {}, used: {}, "
                                 "capacity: {}",
                                 first.resource.text(), first.requested, first.used,
                                 first.capacity)};
    }
  }
  const auto affinity = api::scheduling::CompileRequired(pod.spec());
  if (!affinity.empty() && !affinity.Matches(node.labels, node.name)) {
    return Failed("NodeAffinity", kAffinityText);
  }
  if (ports_.ConflictsAny(load.host_ports)) return Failed("NodePorts", kPortsText);
  if (!node.no_execute.empty()) {
    std::vector<api::scheduling::CompiledToleration> tolerations;
    for (const auto& toleration : pod.spec().tolerations()) {
      tolerations.push_back(api::scheduling::CompileToleration(toleration));
    }
    for (const auto& taint : node.no_execute) {
      if (!api::scheduling::Tolerated(tolerations, taint)) {
        return Failed("TaintToleration", kTaintText);
      }
    }
  }
  return std::nullopt;
}

}  // namespace berth::node
