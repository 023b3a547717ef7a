#include "framework/cycle/node_groups.h"

#include <algorithm>
#include <utility>

namespace berth::framework {

NodeGroups::NodeGroups(const Runtime& runtime, const PodInfo& pod, uint64_t classifiers) {
  const Profile& profile = runtime.profile();
  const auto make = [&](const Plugin& plugin, int ordinal) -> Classifier& {
    Classifier& made = classifiers_.emplace_back();
    made.classes = plugin.Classify(pod);
    made.ordinal = ordinal;
    ok_ = ok_ && made.classes != nullptr;
    classifiers &= ~PluginBit(ordinal);
    return made;
  };
  absl::flat_hash_map<int, size_t> by_ordinal;
  for (size_t at = 0; at < profile.filter.size(); ++at) {
    const auto& entry = profile.filter[at];
    if ((classifiers & PluginBit(entry.ordinal)) == 0) continue;
    by_ordinal.emplace(entry.ordinal, classifiers_.size());
    Classifier& made = make(*entry.plugin, entry.ordinal);
    made.filters = true;
    made.filter_calls = runtime.counts().filter[at];
  }
  for (size_t at = 0; at < profile.score.size(); ++at) {
    const auto& entry = profile.score[at];
    const auto known = by_ordinal.find(entry.ordinal);
    if (known == by_ordinal.end() && (classifiers & PluginBit(entry.ordinal)) == 0) continue;
    Classifier& classifier = known != by_ordinal.end() ? classifiers_[known->second]
                                                       : make(*entry.plugin, entry.ordinal);
    classifier.weight = entry.weight;
    classifier.score_calls = runtime.counts().score[at];
  }
}

NodeGroups::Key NodeGroups::KeyOf(NodeIndex node) const {
  Key key;
  for (const Classifier& each : classifiers_) key.push_back(each.classes->Of(node));
  return key;
}

void NodeGroups::Update(const Snapshot& snapshot, std::span<const NodeIndex> changed, bool all,
                        std::vector<NodeIndex>& moved) {
  moved_.clear();
  for (Classifier& each : classifiers_) each.classes->Update(snapshot, changed, all, moved_);
  if (all) {
    groups_.Reset(snapshot.nodes().size(), [this](NodeIndex node) { return KeyOf(node); });
    return;
  }
  for (const NodeIndex node : moved_) groups_.Renew(node, KeyOf(node), moved);
}

int NodeGroups::Refuser(NodeGroup group) const {
  const Key& key = groups_.KeyOf(group);
  for (size_t i = 0; i < classifiers_.size(); ++i) {
    if (!classifiers_[i].filters) continue;
    classifiers_[i].filter_calls->Add();
    if (!classifiers_[i].classes->Feasible(key[i])) return classifiers_[i].ordinal;
  }
  return kAllAgree;
}

bool NodeGroups::Score(std::span<GroupStanding> standings) const {
  for (size_t i = 0; i < classifiers_.size(); ++i) {
    const Classifier& each = classifiers_[i];
    if (each.weight == 0) continue;
    // Several groups may be of one class.
    scores_.clear();
    for (const GroupStanding& standing : standings) {
      const auto node_class = static_cast<size_t>(groups_.KeyOf(standing.group)[i]);
      if (place_.size() <= node_class) place_.resize(node_class + 1, -1);
      int32_t& place = place_[node_class];
      if (place < 0) {
        place = static_cast<int32_t>(scores_.size());
        scores_.push_back({.node_class = static_cast<NodeClass>(node_class)});
      }
      scores_[static_cast<size_t>(place)].nodes += standing.nodes;
    }
    each.score_calls->Add(std::ssize(scores_));
    each.classes->Score(scores_);
    bool in_range = true;
    for (GroupStanding& standing : standings) {
      const auto node_class = static_cast<size_t>(groups_.KeyOf(standing.group)[i]);
      const int64_t score = scores_[static_cast<size_t>(place_[node_class])].score;
      in_range = in_range && score >= kNodeScoreMin && score <= kNodeScoreMax;
      standing.score += score * each.weight;
    }
    for (const ClassScore& score : scores_) place_[static_cast<size_t>(score.node_class)] = -1;
    if (!in_range) return false;
  }
  return true;
}

}  // namespace berth::framework
