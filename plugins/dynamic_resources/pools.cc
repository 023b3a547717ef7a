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

std::string ReadCounters(Pool& pool, const std::vector<SlicePtr>& slices) {
  std::set<std::string> names;
  for (const SlicePtr& slice : slices) {
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

void AddListed(std::vector<ListedDevice>& out, const NodeInfo& node, const ResourceSlice& slice,
               const std::shared_ptr<const PoolUse>& use) {
  for (const Device& device : slice.spec().devices()) {
    if (slice.spec().per_device_node_selection() && !IsForNode(node, device)) continue;
    out.push_back({&device, &slice, use});
  }
}

// near: the slices that count for the node; all: those of the pool, of the same generation.
void Fill(Pool& pool, const std::vector<SlicePtr>& near, const std::vector<SlicePtr>& all) {
  for (const SlicePtr& slice : near) AddDevices(pool.devices, *slice);
  for (const SlicePtr& slice : all) {
    if (std::find(near.begin(), near.end(), slice) == near.end()) {
      AddDevices(pool.elsewhere, *slice);
    }
  }
  pool.problem = DeviceProblem(pool.devices);
  if (pool.problem.empty()) pool.problem = ReadCounters(pool, near);
  if (pool.problem.empty()) pool.problem = CounterProblem(pool, pool.devices);
  if (pool.problem.empty()) pool.problem = CounterProblem(pool, pool.elsewhere);
}

// An invalid pool has no devices that count.
bool HasBindingConditions(const Pool& pool) {
  return pool.problem.empty() &&
         std::any_of(pool.devices.begin(), pool.devices.end(), [](const Candidate& candidate) {
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

// --- keeping them -------------------------------------------------------------------------------

Slices::List& Slices::ListOf(const ResourceSlice& slice) {
  const auto& spec = slice.spec();
  const bool local = !spec.node_name().empty() && spec.shared_counters_size() == 0;
  return local ? of_node_[spec.node_name()] : others_;
}

// The slice is about to go, or has just come.
void Slices::Touch(const ResourceSlice& slice) {
  const auto& spec = slice.spec();
  const std::string& node = spec.node_name();
  const List& pool = of_pool_[{spec.driver(), spec.pool().name()}];
  const bool one_node = !node.empty() && std::all_of(pool.begin(), pool.end(), [&](const auto& s) {
    return s->spec().node_name() == node && s->spec().shared_counters_size() == 0;
  });
  ++(one_node ? node_generation_[node] : generation_);
  if (node_generation_.size() <= 2 * of_node_.size() + 1024) return;
  int64_t highest = 0;  // nodes that are gone: sums go on growing
  for (const auto& [name, value] : node_generation_) highest = std::max(highest, value);
  generation_ += highest + 1;
  node_generation_.clear();
}

void Slices::Put(SlicePtr slice) {
  Remove(slice->metadata().name());
  const auto& spec = slice->spec();
  ListOf(*slice).push_back(slice);
  of_pool_[{spec.driver(), spec.pool().name()}].push_back(slice);
  Touch(*slice);
  slices_[slice->metadata().name()] = std::move(slice);
}

void Slices::Remove(std::string_view name) {
  const auto it = slices_.find(name);
  if (it == slices_.end()) return;
  const SlicePtr slice = it->second;
  Touch(*slice);
  slices_.erase(it);
  std::erase(ListOf(*slice), slice);
  const auto& spec = slice->spec();
  const auto of_node = of_node_.find(spec.node_name());
  if (of_node != of_node_.end() && of_node->second.empty()) of_node_.erase(of_node);
  const auto pool = of_pool_.find({spec.driver(), spec.pool().name()});
  std::erase(pool->second, slice);
  if (pool->second.empty()) of_pool_.erase(pool);
}

int64_t Slices::GenerationFor(std::string_view node_name) const {
  const auto it = node_generation_.find(node_name);
  return generation_ + (it == node_generation_.end() ? 0 : it->second);
}

// --- as a node sees them ------------------------------------------------------------------------

// By name.
Slices::List Slices::ForNode(const NodeInfo& node) const {
  List out;
  if (const auto it = of_node_.find(node.name()); it != of_node_.end()) out = it->second;
  for (const SlicePtr& slice : others_) {
    if (IsForNode(node, *slice)) out.push_back(slice);
  }
  std::sort(out.begin(), out.end(), [](const SlicePtr& a, const SlicePtr& b) {
    return a->metadata().name() < b->metadata().name();
  });
  return out;
}

Gathered Slices::Gather(const NodeInfo& node, DevicesInUse& in_use) const {
  Gathered out;
  std::map<PoolKey, List> near;
  for (const SlicePtr& slice : ForNode(node)) {
    const auto& spec = slice->spec();
    near[{spec.driver(), spec.pool().name()}].push_back(slice);
    AddListed(out.listed, node, *slice, in_use.PoolOf(spec.driver(), spec.pool().name()));
    out.slices.push_back(slice);
  }
  for (auto& [key, slices] : near) {
    const auto generation = [](const SlicePtr& slice) {
      return slice->spec().pool().generation();
    };
    List all = of_pool_.at(key);
    int64_t newest = 0, nearest = 0;
    for (const SlicePtr& slice : all) newest = std::max(newest, generation(slice));
    for (const SlicePtr& slice : slices) nearest = std::max(nearest, generation(slice));
    const auto is_another = [&](const SlicePtr& slice) { return generation(slice) != nearest; };
    std::erase_if(slices, is_another);
    std::erase_if(all, is_another);
    const int64_t wanted = slices[0]->spec().pool().resource_slice_count();
    if (std::ssize(slices) == wanted) {
      all = slices;  // whatever others say
    } else if (nearest < newest) {
      continue;  // the driver is replacing the pool, and has nothing for the node in it any more
    }
    Pool& pool = out.pools.emplace_back();
    pool.driver = key.first;
    pool.name = key.second;
    pool.use = in_use.PoolOf(key.first, key.second);
    pool.incomplete = std::ssize(all) != wanted;
    if (!pool.incomplete) Fill(pool, slices, all);
    out.slices.insert(out.slices.end(), all.begin(), all.end());
  }
  std::stable_partition(out.pools.begin(), out.pools.end(),
                        [](const Pool& pool) { return !HasBindingConditions(pool); });
  size_t index = 0;
  for (Pool& pool : out.pools) {
    for (Candidate& candidate : pool.devices) candidate.index = index++;
  }
  return out;
}

}  // namespace berth::plugins::dynamic_resources
