#include "plugins/dynamic_resources/allocation_result.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include <fmt/core.h>

#include "api/quantity.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::AllocationResult;
using Requirements = google::protobuf::RepeatedPtrField<api::core::NodeSelectorRequirement>;

void AddDevices(AllocationResult& out, const std::vector<Picked>& devices) {
  for (const Picked& picked : devices) {
    auto& result = *out.mutable_devices()->add_results();
    const DeviceId& id = picked.candidate->id;
    result.set_request(picked.request->FullName());
    result.set_driver(id.driver);
    result.set_pool(id.pool);
    result.set_device(id.device);
    if (picked.request->admin_access) result.set_admin_access(true);
    *result.mutable_tolerations() = *picked.request->tolerations;
    *result.mutable_binding_conditions() = picked.candidate->device->binding_conditions();
    *result.mutable_binding_failure_conditions() =
        picked.candidate->device->binding_failure_conditions();
    if (picked.shared) result.set_share_id(std::string(kShareIdToCome));
    for (const auto& [name, amount] : picked.consumed) {
      api::SetQuantity((*result.mutable_consumed_capacity())[name], amount);
    }
  }
}

void AddClassConfigurations(AllocationResult& out, const PreparedClaim& claim, size_t index,
                            const Search& search) {
  struct Range {
    int begin = 0, end = 0;
  };
  std::map<std::string, Range> of_class;  // each class once, for all its requests
  auto& config = *out.mutable_devices()->mutable_config();
  for (size_t r = 0; r < claim.requests.size(); ++r) {
    const Request& request = search.ChosenRequest(index, r);
    const std::string& name = request.device_class->metadata().name();
    auto it = of_class.find(name);
    if (it == of_class.end()) {
      it = of_class.emplace(name, Range{config.size(), config.size()}).first;
      for (const auto& from : request.device_class->spec().config()) {
        auto& added = *config.Add();
        added.set_source("FromClass");
        *added.mutable_device_configuration() = from.device_configuration();
        ++it->second.end;
      }
    }
    for (int i = it->second.begin; i < it->second.end; ++i) {
      config[i].add_requests(request.FullName());
    }
  }
}

bool Names(const google::protobuf::RepeatedPtrField<std::string>& names,
           const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void AddClaimConfigurations(AllocationResult& out, const PreparedClaim& claim, size_t index,
                            const Search& search) {
  for (const auto& from : claim.claim->spec().devices().config()) {
    const auto add = [&] {
      auto& added = *out.mutable_devices()->add_config();
      added.set_source("FromClaim");
      *added.mutable_requests() = from.requests();
      *added.mutable_device_configuration() = from.device_configuration();
    };
    if (from.requests().empty()) {
      add();
      continue;
    }
    for (size_t r = 0; r < claim.requests.size(); ++r) {
      const Request& request = search.ChosenRequest(index, r);
      if (Names(from.requests(), request.BaseName()) ||
          (!request.parent.empty() && Names(from.requests(), request.FullName()))) {
        add();
      }
    }
  }
}

bool Has(const Requirements& all, const api::core::NodeSelectorRequirement& wanted) {
  const auto values = [](const auto& requirement) {
    return std::set<std::string>(requirement.values().begin(), requirement.values().end());
  };
  return std::any_of(all.begin(), all.end(), [&](const auto& held) {
    return held.key() == wanted.key() && held.operator_() == wanted.operator_() &&
           values(held) == values(wanted);
  });
}

void AddNew(const Requirements& from, Requirements& to) {
  for (const auto& requirement : from) {
    if (!Has(to, requirement)) *to.Add() = requirement;
  }
}

void OnlyNode(api::core::NodeSelector& selector, std::string_view node_name) {
  selector.Clear();
  auto& field = *selector.add_node_selector_terms()->add_match_fields();
  field.set_key("metadata.name");
  field.set_operator_("In");
  field.add_values(std::string(node_name));
}

// nullopt: any node.
std::optional<api::core::NodeSelector> NodesOf(const std::vector<Picked>& devices,
                                               std::string_view node_name,
                                               std::string& problem) {
  api::core::NodeSelector out;
  auto& term = *out.add_node_selector_terms();
  for (const Picked& picked : devices) {
    const api::dra::Device& device = *picked.candidate->device;
    const auto& spec = picked.candidate->slice->spec();
    const bool per_device = spec.per_device_node_selection();
    if ((per_device ? device.has_node_name() : spec.has_node_name()) || device.binds_to_node()) {
      OnlyNode(out, node_name);
      return out;
    }
    if (!(per_device ? device.has_node_selector() : spec.has_node_selector())) continue;
    const auto& selector = per_device ? device.node_selector() : spec.node_selector();
    if (selector.node_selector_terms_size() > 1) {
      problem = fmt::format("unsupported ResourceSlice.NodeSelector with {} terms",
                            selector.node_selector_terms_size());
      return std::nullopt;
    }
    for (const auto& from : selector.node_selector_terms()) {
      AddNew(from.match_fields(), *term.mutable_match_fields());
      AddNew(from.match_expressions(), *term.mutable_match_expressions());
    }
  }
  if (term.match_fields().empty() && term.match_expressions().empty()) return std::nullopt;
  return out;
}

}  // namespace

AllocationResult ResultOf(const PreparedClaim& claim, size_t index, const Search& search,
                          std::string_view node_name, std::string& problem) {
  AllocationResult out;
  AddDevices(out, search.picked()[index]);
  AddClassConfigurations(out, claim, index, search);
  AddClaimConfigurations(out, claim, index, search);
  std::string wrong;
  if (auto nodes = NodesOf(search.picked()[index], node_name, wrong)) {
    *out.mutable_node_selector() = *std::move(nodes);
  }
  if (!wrong.empty()) {
    problem = fmt::format("create NodeSelector for claim {}: {}",
                          claim.claim->metadata().name(), wrong);
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
