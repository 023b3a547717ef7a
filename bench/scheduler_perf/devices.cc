// Operations about resource claims and the devices they get.
#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "api/json.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "base/status_macros.h"
#include "bench/scheduler_perf/run.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/allocator.h"
#include "plugins/dynamic_resources/selectors.h"

namespace berth::bench {
namespace {

namespace dra = plugins::dynamic_resources;
using api::core::Node;
using api::dra::DeviceClass;
using api::dra::ResourceClaim;
using api::dra::ResourceSlice;

// A slice of `devices` equal devices, as upstream's emulated driver publishes for a node.
absl::StatusOr<ObjectPtr> SliceOf(const std::string& driver, const std::string& node,
                                  int64_t devices) {
  std::string json = fmt::format(
      R"({{"metadata":{{"name":"{0}"}},"spec":{{"driver":"{1}","nodeName":"{0}",)"
      R"("pool":{{"name":"{0}","resourceSliceCount":1}},"devices":[)",
      node, driver);
  for (int64_t i = 0; i < devices; ++i) {
    json += fmt::format(
        R"({}{{"name":"instance-{}","attributes":{{"model":{{"string":"A100"}},)"
        R"("family":{{"string":"GPU"}},"driverVersion":{{"version":"1.2.3"}},)"
        R"("dra.example.com/numa":{{"int":{}}}}},"capacity":{{"memory":{{"value":"1Gi"}}}}}})",
        i == 0 ? "" : ",", i, i);
  }
  json += "]}}";
  auto slice = std::make_shared<ResourceSlice>();
  BERTH_RETURN_IF_ERROR(api::ParseJson(json, *slice));
  return ObjectPtr(std::move(slice));
}

template <typename T>
absl::StatusOr<std::vector<std::shared_ptr<const T>>> ListOf(Target& target,
                                                             const std::string& space) {
  BERTH_ASSIGN_OR_RETURN(const std::vector<ObjectPtr> objects,
                         target.List(api::ResourceOf<T>(), space));
  std::vector<std::shared_ptr<const T>> out;
  for (const ObjectPtr& object : objects) out.push_back(std::static_pointer_cast<const T>(object));
  return out;
}

}  // namespace

absl::Status Run::CreateResourceClaims(const Op& op) {
  BERTH_ASSIGN_OR_RETURN(const int64_t count, Resolve(op.count, workload_));
  const auto& kind = api::ResourceOf<ResourceClaim>();
  BERTH_RETURN_IF_ERROR(target_.Serves(kind));
  BERTH_RETURN_IF_ERROR(EnsureNamespace(op.namespace_name));
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from,
                         ObjectTemplate::Read(paths_, op.template_path, &kind));
  std::vector<ObjectPtr> claims;
  for (int64_t i = 0; i < count; ++i) {
    BERTH_ASSIGN_OR_RETURN(MutableObject claim, from.Make(i, count));
    api::MutableMeta(*claim).set_namespace_(op.namespace_name);
    Name(*claim, "claim-", 0);
    claims.push_back(std::move(claim));
  }
  return target_.Create(kind, std::move(claims));
}

absl::Status Run::CreateResourceDriver(const Op& op) {
  BERTH_ASSIGN_OR_RETURN(const int64_t devices, Resolve(op.count, workload_));
  const auto& kind = api::ResourceOf<ResourceSlice>();
  BERTH_RETURN_IF_ERROR(target_.Serves(kind));
  BERTH_ASSIGN_OR_RETURN(const auto nodes, ListOf<Node>(target_, {}));
  std::vector<ObjectPtr> slices;
  for (const auto& node : nodes) {
    const std::string& name = node->metadata().name();
    if (fnmatch(op.node_glob.c_str(), name.c_str(), FNM_PATHNAME) != 0) continue;
    BERTH_ASSIGN_OR_RETURN(ObjectPtr slice, SliceOf(op.driver_name, name, devices));
    slices.push_back(std::move(slice));
  }
  Say(fmt::format("{} nodes with {} devices of {}", slices.size(), devices, op.driver_name));
  return target_.Create(kind, std::move(slices));
}

// One claim after the other, on nodes in random order, as the scheduler's own allocator decides.
absl::Status Run::AllocResourceClaims(const Op& op) {
  const auto& kind = api::ResourceOf<ResourceClaim>();
  BERTH_RETURN_IF_ERROR(target_.Serves(kind));
  BERTH_ASSIGN_OR_RETURN(const auto claims, ListOf<ResourceClaim>(target_, op.namespace_name));
  BERTH_ASSIGN_OR_RETURN(const auto all_claims, ListOf<ResourceClaim>(target_, {}));
  BERTH_ASSIGN_OR_RETURN(const auto slices, ListOf<ResourceSlice>(target_, {}));
  BERTH_ASSIGN_OR_RETURN(const auto classes, ListOf<DeviceClass>(target_, {}));
  BERTH_ASSIGN_OR_RETURN(const auto node_objects, ListOf<Node>(target_, {}));
  std::vector<framework::NodeInfo> nodes;
  for (const auto& node : node_objects) nodes.emplace_back(node);
  const auto find_class = [&](const std::string& name) -> std::shared_ptr<const DeviceClass> {
    const auto it = std::find_if(classes.begin(), classes.end(), [&](const auto& one) {
      return one->metadata().name() == name;
    });
    return it == classes.end() ? nullptr : *it;
  };
  dra::SelectorCache selectors;
  dra::DevicesInUse in_use;
  for (const auto& claim : all_claims) in_use.Add(claim->status().allocation());
  dra::Slices published;
  for (const auto& slice : slices) published.Put(slice);
  std::vector<std::unique_ptr<const dra::NodeView>> views;
  for (const auto& node : nodes) {
    views.push_back(std::make_unique<const dra::NodeView>(published.Gather(node, in_use)));
  }
  for (size_t i = 0; i < claims.size(); ++i) {
    if (claims[i]->status().has_allocation()) continue;
    const dra::Prepared prepared = dra::Prepare({claims[i]}, find_class, selectors);
    if (!prepared.problem.empty()) {
      return absl::InvalidArgumentError("create allocator: " + prepared.problem);
    }
    dra::AllocationOutcome outcome;
    for (size_t left = nodes.size(); left > 0 && outcome.results.empty(); --left) {
      const size_t drawn = random_.Below(left);
      std::swap(nodes[drawn], nodes[left - 1]);
      std::swap(views[drawn], views[left - 1]);
      outcome = dra::AllocateOn(nodes[left - 1], prepared, *views[left - 1],
                                [] { return false; });
    }
    if (outcome.results.empty()) {
      return absl::ResourceExhaustedError(
          fmt::format("Could not allocate claim {} out of {}", i, claims.size()));
    }
    auto allocated = std::make_shared<ResourceClaim>(*claims[i]);
    *allocated->mutable_status()->mutable_allocation() = outcome.results[0];
    in_use.Add(outcome.results[0]);
    BERTH_RETURN_IF_ERROR(target_.Update(kind, std::move(allocated), "status"));
  }
  Say(fmt::format("allocated {} claims", claims.size()));
  return absl::OkStatus();
}

}  // namespace berth::bench
