#include "plugins/inter_pod_affinity/affinity_classes.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "plugins/inter_pod_affinity/inter_pod_affinity.h"

namespace berth::plugins::inter_pod_affinity {
namespace {

using api::scheduling::LabelSet;
using api::scheduling::PodAffinity;
using api::scheduling::PodAffinityTerm;
using framework::NodeClass;
using framework::NodeIndex;
using framework::NodeInfo;
using framework::PodInfo;

constexpr size_t kEffectsMax = 8192;
constexpr int64_t kHasValue = 1, kRequired = 2, kAnti = 4, kTheirs = 8;

const PodAffinity& TermsOf(const framework::PodTraits& traits) {
  static const PodAffinity* const kNone = new PodAffinity;
  return traits.pod_affinity ? *traits.pod_affinity : *kNone;
}

// By namespace name alone: an expanded term has the names its selector picks.
bool Picks(const PodAffinityTerm& term, const PodInfo& pod) {
  return term.Matches(pod.namespace_symbol, pod.labels, LabelSet());
}

bool SameNamespaces(const PodAffinity& a, const PodAffinity& b) {
  const auto same_terms = [](const auto& left, const auto& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const PodAffinityTerm& x, const PodAffinityTerm& y) {
                        return x.namespaces == y.namespaces;
                      });
  };
  const auto same_weighted = [](const auto& left, const auto& right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](const auto& x, const auto& y) {
                        return x.term.namespaces == y.term.namespaces;
                      });
  };
  return same_terms(a.required, b.required) && same_terms(a.required_anti, b.required_anti) &&
         same_weighted(a.preferred, b.preferred) &&
         same_weighted(a.preferred_anti, b.preferred_anti);
}

}  // namespace

void AffinityClasses::Sums::Add(const Sums& other, int64_t sign) {
  required += sign * other.required;
  anti += sign * other.anti;
  theirs += sign * other.theirs;
  weight += sign * other.weight;
}

AffinityClasses::AffinityClasses(const InterPodAffinity& plugin, const PodInfo& pod)
    : plugin_(plugin), traits_(pod.traits()) {}

bool AffinityClasses::ReadNamespaces() {
  const int64_t generation = plugin_.handle_.objects_generation();
  if (generation == objects_generation_) return false;
  const bool first = objects_generation_ < 0;
  objects_generation_ = generation;
  PodAffinity terms = TermsOf(*traits_);
  for (auto& term : terms.required) plugin_.ExpandNamespaces(term);
  for (auto& term : terms.required_anti) plugin_.ExpandNamespaces(term);
  for (auto& weighted : terms.preferred) plugin_.ExpandNamespaces(weighted.term);
  for (auto& weighted : terms.preferred_anti) plugin_.ExpandNamespaces(weighted.term);
  LabelSet labels = plugin_.NamespaceLabels(traits_->namespace_name);
  if (!first && labels == namespace_labels_ && SameNamespaces(terms, terms_)) return false;
  terms_ = std::move(terms);
  namespace_labels_ = std::move(labels);
  return true;
}

// --- what pods that run add --------------------------------------------------------------------

size_t AffinityClasses::KeyAt(Symbol key) {
  const auto it = std::find_if(keys_.begin(), keys_.end(),
                               [&](const Key& each) { return each.topology.key() == key; });
  if (it != keys_.end()) return static_cast<size_t>(it - keys_.begin());
  keys_.push_back({Topology(key, *snapshot_), {}});
  new_keys_ = true;
  return keys_.size() - 1;
}

std::vector<AffinityClasses::OfKey> AffinityClasses::FindEffects(const PodInfo& pod) {
  std::vector<OfKey> out;
  const auto at = [&](const PodAffinityTerm& term) -> Sums& {
    const size_t key = KeyAt(term.topology_key);
    for (OfKey& each : out) {
      if (each.key == key) return each.sums;
    }
    out.push_back({.key = key, .value = Topology::kNone, .sums = {}});
    return out.back().sums;
  };
  const auto concerns_us = [&](const PodAffinityTerm& term) {
    return term.Matches(traits_->namespace_symbol, traits_->labels, namespace_labels_);
  };
  const PodAffinity& theirs = TermsOf(*pod.traits());
  for (const PodAffinityTerm& term : theirs.required_anti) {
    if (concerns_us(term)) ++at(term).theirs;
  }
  if (MatchesAll(terms_.required, pod.namespace_symbol, pod.labels)) {
    for (const PodAffinityTerm& term : terms_.required) ++at(term).required;
  }
  for (const PodAffinityTerm& term : terms_.required_anti) {
    if (Picks(term, pod)) ++at(term).anti;
  }
  if (plugin_.ignore_existing_ && terms_.preferred.empty() && terms_.preferred_anti.empty()) {
    return out;
  }
  for (const auto& [term, weight] : terms_.preferred) {
    if (Picks(term, pod)) at(term).weight += weight;
  }
  for (const auto& [term, weight] : terms_.preferred_anti) {
    if (Picks(term, pod)) at(term).weight -= weight;
  }
  for (const PodAffinityTerm& term : theirs.required) {
    if (plugin_.hard_weight_ > 0 && concerns_us(term)) at(term).weight += plugin_.hard_weight_;
  }
  for (const auto& [term, weight] : theirs.preferred) {
    if (concerns_us(term)) at(term).weight += weight;
  }
  for (const auto& [term, weight] : theirs.preferred_anti) {
    if (concerns_us(term)) at(term).weight -= weight;
  }
  return out;
}

const std::vector<AffinityClasses::OfKey>& AffinityClasses::EffectsOf(const PodInfo& pod) {
  if (!framework::TraitsAreOfSpec(pod.object())) {  // shared with nobody
    unshared_ = FindEffects(pod);
    return unshared_;
  }
  const auto it = effects_.find(pod.traits().get());
  if (it != effects_.end()) return it->second.list;
  if (effects_.size() >= kEffectsMax) effects_.clear();
  Effects& made = effects_[pod.traits().get()];
  made.traits = pod.traits();
  made.list = FindEffects(pod);
  return made.list;
}

void AffinityClasses::Apply(const std::vector<OfKey>& parts, int64_t sign) {
  for (const OfKey& part : parts) {
    Key& key = keys_[part.key];
    key.sums[part.value].Add(part.sums, sign);
    required_there_ += sign * part.sums.required;
    if (!key.topology.coarse()) touched_.push_back(part);
  }
}

// What the node's pods add, anew.
void AffinityClasses::Recount(const NodeInfo& node) {
  std::vector<OfKey> fresh;
  for (const framework::PodPtr& pod : node.pods()) {
    for (const OfKey& effect : EffectsOf(*pod)) {
      const Topology::Value value = keys_[effect.key].topology.ValueOf(node.index);
      if (value == Topology::kNone) continue;
      auto it = std::find_if(fresh.begin(), fresh.end(),
                             [&](const OfKey& part) { return part.key == effect.key; });
      if (it == fresh.end()) {
        it = fresh.insert(it, {.key = effect.key, .value = value, .sums = {}});
      }
      it->sums.Add(effect.sums, 1);
    }
  }
  std::vector<OfKey>& held = parts_[static_cast<size_t>(node.index)];
  if (fresh == held) return;
  Apply(held, -1);
  Apply(fresh, 1);
  held = std::move(fresh);
}

// --- classes -----------------------------------------------------------------------------------

AffinityClasses::Words AffinityClasses::WordsOf(NodeIndex node) const {
  Words words;
  for (const Key& key : keys_) {
    const Topology::Value value = key.topology.ValueOf(node);
    if (key.topology.coarse()) {
      words.push_back(value);
      continue;
    }
    Sums sums;
    if (const auto it = key.sums.find(value); it != key.sums.end()) sums = it->second;
    const int64_t has = value == Topology::kNone ? 0 : kHasValue;
    words.push_back(has | (sums.required > 0 ? kRequired : 0) | (sums.anti > 0 ? kAnti : 0) |
                    (sums.theirs > 0 ? kTheirs : 0));
    words.push_back(sums.weight);
  }
  return words;
}

bool AffinityClasses::Read(const Words& words, size_t key, Sums* out) const {
  const int64_t* at = &words[word_of_[key]];
  if (keys_[key].topology.coarse()) {
    const auto it = keys_[key].sums.find(static_cast<Topology::Value>(*at));
    *out = it == keys_[key].sums.end() ? Sums() : it->second;
    return *at != Topology::kNone;
  }
  *out = {.required = at[0] & kRequired,
          .anti = at[0] & kAnti,
          .theirs = at[0] & kTheirs,
          .weight = at[1]};
  return (at[0] & kHasValue) != 0;
}

// Every key that plays a part, so that none is found half way.
void AffinityClasses::FindKeys() {
  keys_.clear();
  effects_.clear();
  required_keys_.clear();
  anti_keys_.clear();
  for (const auto& term : terms_.required) required_keys_.push_back(KeyAt(term.topology_key));
  for (const auto& term : terms_.required_anti) anti_keys_.push_back(KeyAt(term.topology_key));
  for (const NodeInfo* node : snapshot_->nodes()) {
    for (const framework::PodPtr& pod : node->pods()) EffectsOf(*pod);
  }
  new_keys_ = false;
}

void AffinityClasses::Rebuild() {
  FindKeys();
  word_of_.clear();
  size_t words = 0;
  for (const Key& key : keys_) {
    word_of_.push_back(words);
    words += key.topology.coarse() ? 1 : 2;
  }
  const auto nodes = snapshot_->nodes();
  parts_.assign(nodes.size(), {});
  required_there_ = 0;
  for (const NodeInfo* node : nodes) Recount(*node);
  touched_.clear();
  by_words_.Reset(nodes.size(), [this](NodeIndex node) { return WordsOf(node); });
}

void AffinityClasses::Update(const framework::Snapshot& snapshot,
                             std::span<const NodeIndex> changed, bool all,
                             std::vector<NodeIndex>& moved) {
  snapshot_ = &snapshot;
  all = ReadNamespaces() || all;
  for (const NodeIndex index : changed) {
    if (all) break;
    const NodeInfo& node = *snapshot.nodes()[static_cast<size_t>(index)];
    for (Key& key : keys_) key.topology.Renew(node);
    Recount(node);
    all = new_keys_;
  }
  if (all) {
    Rebuild();
    for (const NodeInfo* node : snapshot.nodes()) moved.push_back(node->index);
    return;
  }
  const auto renew = [&](NodeIndex node) { by_words_.Renew(node, WordsOf(node), moved); };
  for (const OfKey& part : std::exchange(touched_, {})) {
    for (const NodeIndex node : keys_[part.key].topology.NodesOf(part.value)) renew(node);
  }
  for (const NodeIndex node : changed) renew(node);
}

// --- answers -----------------------------------------------------------------------------------

bool AffinityClasses::Feasible(NodeClass node_class) const {
  const Words& words = by_words_.KeyOf(node_class);
  Sums sums;
  bool all_there = true;
  for (const size_t key : required_keys_) {
    if (!Read(words, key, &sums)) return false;
    all_there = all_there && sums.required > 0;
  }
  // The first of a group that requires itself may go anywhere.
  if (!all_there && (required_there_ > 0 || !MatchesAll(terms_.required, traits_->namespace_symbol,
                                                        traits_->labels))) {
    return false;
  }
  for (const size_t key : anti_keys_) {
    if (Read(words, key, &sums) && sums.anti > 0) return false;
  }
  for (size_t key = 0; key < keys_.size(); ++key) {
    if (Read(words, key, &sums) && sums.theirs > 0) return false;
  }
  return true;
}

void AffinityClasses::Score(std::span<framework::ClassScore> classes) const {
  std::vector<framework::NodeScore> scores;
  for (const framework::ClassScore& each : classes) {
    const Words& words = by_words_.KeyOf(each.node_class);
    int64_t weight = 0;
    Sums sums;
    for (size_t key = 0; key < keys_.size(); ++key) {
      if (Read(words, key, &sums)) weight += sums.weight;
    }
    scores.push_back({0, weight});
  }
  InterPodAffinity::Normalize(scores);
  for (size_t i = 0; i < classes.size(); ++i) classes[i].score = scores[i].score;
}

}  // namespace berth::plugins::inter_pod_affinity
