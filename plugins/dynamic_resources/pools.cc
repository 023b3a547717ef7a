#include "plugins/dynamic_resources/pools.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "api/scheduling/node_affinity.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::Device;
using api::dra::ResourceSlice;
using framework::NodeInfo;

bool IsForNode(const NodeInfo& node, const Device& device) {
  return NodeMatches(node, device.node_name(), device.all_nodes(),
                     device.has_node_selector() ? &device.node_selector() : nullptr);
}

// Counters are needed whatever node they are for.
bool IsForNode(const NodeInfo& node, const ResourceSlice& slice) {
  const auto& spec = slice.spec();
  if (spec.shared_counters_size() > 0) return true;
  if (!spec.node_name().empty() || spec.all_nodes() || spec.has_node_selector()) {
    return NodeMatches(node, spec.node_name(), spec.all_nodes(),
                       spec.has_node_selector() ? &spec.node_selector() : nullptr);
  }
  return spec.per_device_node_selection() &&
         std::any_of(spec.devices().begin(), spec.devices().end(),
                     [&](const Device& device) { return IsForNode(node, device); });
}

std::string ReadCounters(Pool& pool, const std::vector<const ResourceSlice*>& slices) {
  std::set<std::string> names;
  for (const ResourceSlice* slice : slices) {
    for (const auto& set : slice->spec().shared_counters()) {
      if (!names.insert(set.name()).second) {
        return fmt::format("duplicate counter set name {}", set.name());
      }
      for (const auto& [name, counter] : set.counters()) {
        pool.counters[{set.name(), name}] = api::ToQuantity(counter.value());
      }
    }
  }
  return {};
}

std::string CounterProblem(const Pool& pool, const std::vector<Candidate>& devices) {
  for (const Candidate& candidate : devices) {
    for (const auto& consumption : candidate.device->consumes_counters()) {
      for (const auto& [name, counter] : consumption.counters()) {
        if (!pool.counters.contains({consumption.counter_set(), name})) {
          return fmt::format("counter {} not found in counter set {}", name,
                             consumption.counter_set());
        }
      }
    }
  }
  return {};
}

std::string DeviceProblem(const std::vector<Candidate>& devices) {
  std::set<std::string_view> names;
  for (const Candidate& candidate : devices) {
    if (!names.insert(candidate.id.device).second) {
      return fmt::format("duplicate device name {}", candidate.id.device);
    }
  }
  return {};
}

void AddDevices(std::vector<Candidate>& out, const ResourceSlice& slice) {
  if (slice.spec().shared_counters_size() > 0) return;
  for (const Device& device : slice.spec().devices()) {
    out.push_back({{slice.spec().driver(), slice.spec().pool().name(), device.name()},
                   &device, &slice, 0});
  }
}

// near: the slices that count for the node; all: those of the pool, of the same generation.
void Fill(Pool& pool, const std::vector<const ResourceSlice*>& near,
          const std::vector<const ResourceSlice*>& all) {
  for (const ResourceSlice* slice : near) AddDevices(pool.devices, *slice);
  for (const ResourceSlice* slice : all) {
    if (std::find(near.begin(), near.end(), slice) == near.end()) {
      AddDevices(pool.elsewhere, *slice);
    }
  }
  pool.problem = DeviceProblem(pool.devices);
  if (pool.problem.empty()) pool.problem = ReadCounters(pool, near);
  if (pool.problem.empty()) pool.problem = CounterProblem(pool, pool.devices);
  if (pool.problem.empty()) pool.problem = CounterProblem(pool, pool.elsewhere);
}

bool HasBindingConditions(const Pool& pool) {
  return std::any_of(pool.devices.begin(), pool.devices.end(), [](const Candidate& candidate) {
    return candidate.device->binding_conditions_size() > 0;
  });
}

}  // namespace

bool NodeMatches(const NodeInfo& node, std::string_view node_name, bool all_nodes,
                 const api::core::NodeSelector* selector) {
  if (!node_name.empty()) return node.name() == node_name;
  if (all_nodes) return true;
  if (selector == nullptr) return false;
  const auto terms = api::scheduling::CompileSelector(*selector);
  return std::any_of(terms.begin(), terms.end(), [&](const auto& term) {
    return term.Matches(node.labels(), node.name_symbol());
  });
}

Slices::Slices(std::vector<SlicePtr> slices) : slices_(std::move(slices)) {
  for (const SlicePtr& slice : slices_) {
    const auto& spec = slice->spec();
    (spec.node_name().empty() || spec.shared_counters_size() > 0 ? others_
                                                                 : of_node_[spec.node_name()])
        .push_back(slice.get());
    of_pool_[{spec.driver(), spec.pool().name()}].push_back(slice.get());
  }
}

// By name.
Slices::List Slices::ForNode(const NodeInfo& node) const {
  List out;
  if (const auto it = of_node_.find(node.name()); it != of_node_.end()) out = it->second;
  for (const ResourceSlice* slice : others_) {
    if (IsForNode(node, *slice)) out.push_back(slice);
  }
  std::sort(out.begin(), out.end(), [](const ResourceSlice* a, const ResourceSlice* b) {
    return a->metadata().name() < b->metadata().name();
  });
  return out;
}

std::vector<Pool> Slices::Gather(const NodeInfo& node) const {
  std::map<PoolKey, List> near;
  for (const ResourceSlice* slice : ForNode(node)) {
    near[{slice->spec().driver(), slice->spec().pool().name()}].push_back(slice);
  }
  std::vector<Pool> out;
  for (auto& [key, slices] : near) {
    const auto generation = [](const ResourceSlice* slice) {
      return slice->spec().pool().generation();
    };
    List all = of_pool_.at(key);
    int64_t newest = 0, nearest = 0;
    for (const ResourceSlice* slice : all) newest = std::max(newest, generation(slice));
    for (const ResourceSlice* slice : slices) nearest = std::max(nearest, generation(slice));
    const auto is_old = [&](const ResourceSlice* slice) { return generation(slice) < nearest; };
    std::erase_if(slices, is_old);
    std::erase_if(all, is_old);
    const int64_t wanted = slices[0]->spec().pool().resource_slice_count();
    // The driver is replacing the pool, and has nothing for the node in it any more.
    if (nearest < newest && std::ssize(slices) != wanted) continue;
    Pool& pool = out.emplace_back();
    pool.driver = key.first;
    pool.name = key.second;
    pool.incomplete = std::ssize(slices) != wanted && std::ssize(all) != wanted;
    if (!pool.incomplete) Fill(pool, slices, all);
  }
  std::stable_partition(out.begin(), out.end(),
                        [](const Pool& pool) { return !HasBindingConditions(pool); });
  size_t index = 0;
  for (Pool& pool : out) {
    for (Candidate& candidate : pool.devices) candidate.index = index++;
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
