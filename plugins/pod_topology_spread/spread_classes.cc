#include "plugins/pod_topology_spread/spread_classes.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <absl/container/flat_hash_set.h>

namespace berth::plugins::pod_topology_spread {

using framework::NodeClass;
using framework::NodeIndex;
using framework::NodeInfo;

SpreadClasses::SpreadClasses(const framework::PodInfo& pod, Constraints hard, Constraints soft,
                             bool require_all)
    : pod_(pod), hard_count_(hard.size()), require_all_(require_all) {
  const auto add = [&](Constraint& constraint, bool by_node) {
    Counted& counted = counted_.emplace_back();
    counted.own = constraint.selector.Matches(pod.labels);
    counted.by_node = by_node;
    counted.constraint = std::move(constraint);
  };
  for (Constraint& each : hard) add(each, false);
  for (Constraint& each : soft) add(each, each.topology_key == HostnameKey());
}

// --- counting ----------------------------------------------------------------------------------

void SpreadClasses::FindKeys() {
  keys_.clear();
  for (size_t i = 0; i < counted_.size(); ++i) {
    Counted& counted = counted_[i];
    const Symbol key = counted.constraint.topology_key;
    auto it = std::find_if(keys_.begin(), keys_.end(),
                           [&](const Key& each) { return each.topology.key() == key; });
    if (it == keys_.end()) {
      keys_.push_back({.topology = Topology(key, *snapshot_)});
      it = std::prev(keys_.end());
      it->by_value = it->topology.coarse();
    }
    counted.key = static_cast<size_t>(it - keys_.begin());
    // How many values feasible nodes have is part of the score.
    it->by_value = it->by_value || (i >= hard_count_ && !counted.by_node);
  }
  size_t words = 0;
  for (Key& key : keys_) key.word = words++;
  for (size_t i = 0; i < counted_.size(); ++i) {
    Counted& counted = counted_[i];
    const bool in_class = counted.by_node || (i < hard_count_ && !keys_[counted.key].by_value);
    counted.count_word = in_class ? words++ : kNoWord;
  }
}

bool SpreadClasses::HasAll(const NodeInfo& node, bool soft) const {
  const size_t begin = soft ? hard_count_ : 0, end = soft ? counted_.size() : hard_count_;
  for (size_t i = begin; i < end; ++i) {
    if (keys_[counted_[i].key].topology.ValueOf(node.index) == Topology::kNone) return false;
  }
  return true;
}

SpreadClasses::Parts SpreadClasses::PartsOf(const NodeInfo& node) const {
  Parts parts;
  const bool has_hard = HasAll(node, false), has_soft = !require_all_ || HasAll(node, true);
  for (size_t i = 0; i < counted_.size(); ++i) {
    const Counted& counted = counted_[i];
    Part& part = parts.emplace_back();
    part.value = keys_[counted.key].topology.ValueOf(node.index);
    part.counts = (i < hard_count_ ? has_hard : has_soft) && counted.constraint.Counts(pod_, node);
    part.pods = CountMatching(node, counted.constraint.selector, pod_.namespace_symbol);
  }
  return parts;
}

void SpreadClasses::Apply(const Parts& parts, int64_t sign) {
  for (size_t i = 0; i < parts.size(); ++i) {
    Counted& counted = counted_[i];
    if (!parts[i].counts || counted.by_node) continue;
    Domain& domain = counted.domains[parts[i].value];
    if (domain.nodes > 0) {
      const auto it = counted.domains_with.find(domain.pods);
      if (--it->second == 0) counted.domains_with.erase(it);
    }
    domain.nodes += sign;
    domain.pods += sign * parts[i].pods;
    if (domain.nodes > 0) {
      ++counted.domains_with[domain.pods];
    } else {
      counted.domains.erase(parts[i].value);
    }
    if (counted.count_word != kNoWord) {
      touched_.emplace_back(counted.key, parts[i].value);
    }
  }
}

void SpreadClasses::Recount(const NodeInfo& node) {
  Parts fresh = PartsOf(node);
  Parts& held = parts_[static_cast<size_t>(node.index)];
  if (fresh == held) return;
  // First more, then less: a domain that goes on is not forgotten in between.
  Apply(fresh, 1);
  Apply(held, -1);
  held = std::move(fresh);
}

// --- classes -----------------------------------------------------------------------------------

SpreadClasses::Words SpreadClasses::WordsOf(NodeIndex node) const {
  Words words;
  for (const Key& key : keys_) {
    const Value value = key.topology.ValueOf(node);
    words.push_back(key.by_value ? value : static_cast<Value>(value != Topology::kNone));
  }
  const Parts& parts = parts_[static_cast<size_t>(node)];
  for (size_t i = 0; i < counted_.size(); ++i) {
    const Counted& counted = counted_[i];
    if (counted.count_word == kNoWord) continue;
    const auto it = counted.domains.find(parts[i].value);
    const int64_t in_domain = it == counted.domains.end() ? 0 : it->second.pods;
    words.push_back(counted.by_node ? parts[i].pods : in_domain);
  }
  return words;
}

void SpreadClasses::Rebuild() {
  FindKeys();
  for (Counted& counted : counted_) {
    counted.domains.clear();
    counted.domains_with.clear();
  }
  const auto nodes = snapshot_->nodes();
  parts_.assign(nodes.size(), {});
  for (const NodeInfo* node : nodes) Recount(*node);
  touched_.clear();
  by_words_.Reset(nodes.size(), [this](NodeIndex node) { return WordsOf(node); });
}

void SpreadClasses::Update(const framework::Snapshot& snapshot,
                           std::span<const NodeIndex> changed, bool all,
                           std::vector<NodeIndex>& moved) {
  snapshot_ = &snapshot;
  if (all) {
    Rebuild();
    return;
  }
  for (const NodeIndex index : changed) {
    const NodeInfo& node = *snapshot.nodes()[static_cast<size_t>(index)];
    for (Key& key : keys_) key.topology.Renew(node);
    Recount(node);
  }
  const auto renew = [&](NodeIndex node) { by_words_.Renew(node, WordsOf(node), moved); };
  for (const auto& [key, value] : std::exchange(touched_, {})) {
    for (const NodeIndex node : keys_[key].topology.NodesOf(value)) renew(node);
  }
  for (const NodeIndex node : changed) renew(node);
}

// --- answers -----------------------------------------------------------------------------------

SpreadClasses::Value SpreadClasses::ValueOf(const Words& words, const Counted& counted) const {
  return static_cast<Value>(words[keys_[counted.key].word]);
}

int64_t SpreadClasses::PodsThere(const Words& words, const Counted& counted) const {
  if (counted.count_word != kNoWord) return words[counted.count_word];
  const auto it = counted.domains.find(ValueOf(words, counted));
  return it == counted.domains.end() ? 0 : it->second.pods;
}

bool SpreadClasses::Feasible(NodeClass node_class) const {
  const Words& words = by_words_.KeyOf(node_class);
  for (size_t i = 0; i < hard_count_; ++i) {
    const Counted& counted = counted_[i];
    if (ValueOf(words, counted) == Topology::kNone) return false;
    int64_t least = 0;
    if (std::ssize(counted.domains) >= counted.constraint.min_domains) {
      least = counted.domains_with.empty() ? std::numeric_limits<int32_t>::max()
                                           : counted.domains_with.begin()->first;
    }
    const int64_t there = PodsThere(words, counted) + (counted.own ? 1 : 0);
    if (there - least > counted.constraint.max_skew) return false;
  }
  return true;
}

bool SpreadClasses::Ignored(const Words& words) const {
  return require_all_ &&
         std::any_of(counted_.begin() + static_cast<std::ptrdiff_t>(hard_count_), counted_.end(),
                     [&](const Counted& each) {
                       return ValueOf(words, each) == Topology::kNone;
                     });
}

// Of each soft constraint, by how many values feasible nodes have.
std::vector<double> SpreadClasses::Weights(std::span<const framework::ClassScore> classes) const {
  std::vector<double> weights;
  for (size_t i = hard_count_; i < counted_.size(); ++i) {
    absl::flat_hash_set<Value> values;
    int64_t nodes = 0;
    for (const framework::ClassScore& each : classes) {
      const Words& words = by_words_.KeyOf(each.node_class);
      if (Ignored(words)) continue;
      nodes += each.nodes;
      if (!counted_[i].by_node) values.insert(ValueOf(words, counted_[i]));
    }
    const int64_t size = counted_[i].by_node ? nodes : std::ssize(values);
    weights.push_back(std::log(static_cast<double>(size + 2)));
  }
  return weights;
}

void SpreadClasses::Score(std::span<framework::ClassScore> classes) const {
  if (hard_count_ == counted_.size()) return;  // nothing is preferred
  const std::vector<double> weights = Weights(classes);
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = 0;
  for (framework::ClassScore& each : classes) {
    const Words& words = by_words_.KeyOf(each.node_class);
    if (Ignored(words)) continue;
    double sum = 0;
    for (size_t i = hard_count_; i < counted_.size(); ++i) {
      if (ValueOf(words, counted_[i]) == Topology::kNone) continue;
      sum += static_cast<double>(PodsThere(words, counted_[i])) * weights[i - hard_count_] +
             static_cast<double>(counted_[i].constraint.max_skew - 1);
    }
    each.score = static_cast<int64_t>(std::round(sum));
    least = std::min(least, each.score);
    most = std::max(most, each.score);
  }
  for (framework::ClassScore& each : classes) {
    each.score = Ignored(by_words_.KeyOf(each.node_class))
                     ? 0
                     : NormalizedSpread(each.score, least, most);
  }
}

}  // namespace berth::plugins::pod_topology_spread
