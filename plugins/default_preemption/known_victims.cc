#include "plugins/default_preemption/known_victims.h"

#include <algorithm>
#include <utility>

namespace berth::plugins::default_preemption {
namespace {

using Answer = KnownVictims::Answer;

Answer AnswerOf(const Victims& victims) {
  if (victims.status.ok()) return victims.violations == 0 ? Answer::kHelps : Answer::kViolates;
  return victims.status.IsRejected() ? Answer::kRejects : Answer::kError;
}

}  // namespace

void KnownVictims::Begin(const framework::Snapshot& snapshot, const framework::NodeScope& scope) {
  snapshot_ = &snapshot;
  versions_ = snapshot.versions();
  own_node_ = scope.own_node;
  own_ = {};
  auto it = std::find_if(known_.begin(), known_.end(), [&](const OfSignature& each) {
    return each.signature == scope.signature;
  });
  if (it == known_.end()) {
    if (known_.size() == kSignaturesMax) known_.pop_back();
    known_.emplace_front().signature = scope.signature;
  } else {
    known_.splice(known_.begin(), known_, it);
  }
  OfSignature& held = known_.front();
  now_ = &held;
  if (!held.signature.empty() && held.structure == snapshot.structure_generation()) return;
  held.structure = snapshot.structure_generation();
  held.versions.assign(snapshot.nodes().size(), -1);
  held.answers.assign(snapshot.nodes().size(), Answer::kUnknown);
  held.costs.assign(snapshot.nodes().size(), {});
  held.victims.assign(snapshot.nodes().size(), {});
  held.statuses.clear();
  held.hopeless_generation = -1;
}

Answer KnownVictims::Keep(framework::NodeIndex node, Victims victims) {
  const Answer answer = AnswerOf(victims);
  const Cost cost = victims.pods.empty() ? Cost() : CostOf(victims.pods, victims.violations);
  auto& statuses = now_->statuses;
  if (!victims.status.ok()) {
    const auto same = std::find(statuses.begin(), statuses.end(), victims.status);
    if (same != statuses.end()) {
      victims.status = *same;
    } else if (statuses.size() < kStatusesMax) {
      statuses.push_back(victims.status);
    }
  }
  if (node == own_node_) {
    own_ = {answer, cost, std::move(victims)};
    return answer;
  }
  const auto at = static_cast<size_t>(node);
  now_->versions[at] = versions_[at];
  now_->answers[at] = answer;
  now_->costs[at] = cost;
  now_->victims[at] = std::move(victims);
  return answer;
}

const std::string* KnownVictims::Hopeless(std::span<const framework::NodeIndex> nodes) const {
  const OfSignature& held = *now_;
  if (own_node_ >= 0 || held.hopeless_generation != snapshot_->generation()) return nullptr;
  const bool same = std::equal(nodes.begin(), nodes.end(), held.hopeless_nodes.begin(),
                               held.hopeless_nodes.end());
  return same ? &held.hopeless_said : nullptr;
}

void KnownVictims::KeepHopeless(std::span<const framework::NodeIndex> nodes, std::string said) {
  if (own_node_ >= 0) return;
  OfSignature& held = *now_;
  held.hopeless_generation = snapshot_->generation();
  held.hopeless_nodes.assign(nodes.begin(), nodes.end());
  held.hopeless_said = std::move(said);
}

}  // namespace berth::plugins::default_preemption
