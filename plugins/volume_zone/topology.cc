#include "plugins/volume_zone/topology.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "api/schema/core_v1_persistent_volume.pb.h"

namespace berth::plugins::volume_zone {
namespace {

constexpr std::string_view kDelimiter = "__";
constexpr std::string_view kSpace = " \t\n\v\f\r";

struct Key {
  Symbol key, ga_key;
};

const std::array<Key, 4>& Keys() {
  static const auto* const keys = [] {
    const Symbol zone = Symbol::Intern("topology.kubernetes.io/zone");
    const Symbol region = Symbol::Intern("topology.kubernetes.io/region");
    return new std::array<Key, 4>{
        Key{Symbol::Intern("failure-domain.beta.kubernetes.io/zone"), zone},
        Key{Symbol::Intern("failure-domain.beta.kubernetes.io/region"), region}, Key{zone, zone},
        Key{region, region}};
  }();
  return *keys;
}

// "a__b" -> {a, b}, trimmed. Nothing when a part is empty.
std::vector<Symbol> Split(std::string_view text) {
  std::vector<Symbol> values;
  for (size_t from = 0;;) {
    const size_t end = text.find(kDelimiter, from);
    std::string_view part = text.substr(from, end == std::string_view::npos ? end : end - from);
    const size_t first = part.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    part = part.substr(first, part.find_last_not_of(kSpace) - first + 1);
    values.push_back(Symbol::Intern(part));
    if (end == std::string_view::npos) break;
    from = end + kDelimiter.size();
  }
  std::sort(values.begin(), values.end(),
            [](Symbol a, Symbol b) { return a.text() < b.text(); });
  values.erase(std::unique(values.begin(), values.end()), values.end());
  return values;
}

}  // namespace

bool Topology::Allows(const api::scheduling::LabelSet& node) const {
  Symbol value;
  if (!node.Get(key, &value) && !node.Get(ga_key, &value)) return false;
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::vector<Topology> TopologiesOf(const api::core::PersistentVolume& volume) {
  std::vector<Topology> topologies;
  const auto& labels = volume.metadata().labels();
  for (const auto& [key, ga_key] : Keys()) {
    const auto it = labels.find(std::string(key.text()));
    if (it == labels.end()) continue;
    std::vector<Symbol> values = Split(it->second);
    if (!values.empty()) topologies.push_back({key, ga_key, std::move(values)});
  }
  return topologies;
}

bool HasTopology(const api::scheduling::LabelSet& node) {
  return std::any_of(Keys().begin(), Keys().end(),
                     [&](const Key& each) { return node.Has(each.key); });
}

}  // namespace berth::plugins::volume_zone
