// EvaluationCache: the evaluations of one profile, by signature, the least recently used dropped
// when they outgrow the byte budget.
//
// Same decisions, far less work: what it decides is what the plain path (algorithm.h) would have
// decided over the same snapshot. Before a node is given out it is filtered plainly for that very
// pod; a surprise drops the evaluation, and the plain path decides. A pod that is nominated to a
// node shares with its equals: what that node answers is put right for it alone
// (Evaluation::BeginOwn).
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "framework/cycle/engine_options.h"
#include "framework/cycle/evaluation.h"
#include "framework/cycle/evaluation_check.h"
#include "framework/cycle/tie_breaker.h"

namespace berth::framework {

struct Decision;

// Threads: the engine's executor.
class EvaluationCache {
 public:
  // watched_objects: other resources of which changes are heard; objects_generation grows with
  // each.
  EvaluationCache(const Runtime& runtime, const ClusterSnapshot& snapshot,
                  TieBreaker& tie_breaker, const EngineOptions& options, Metrics& metrics,
                  const StringSet& watched_objects,
                  const int64_t& objects_generation);
  ~EvaluationCache();

  // state: of this pod, after PreFilter, which narrowed nothing. roles: RolesFor the pod;
  // classifiers either with their PreFilter left out, while no pod is nominated to any node, or
  // taken from the roles. False: nothing can be shared for this pod now, or what was kept is wrong:
  // the plain path decides. All nodes count.
  bool Decide(CycleState& state, const PodPtr& pod, const std::string& signature,
              const PluginRoles& roles, Decision& decision);
  // Also from a plugin in the middle of Decide, which then ends with what it has.
  void Clear();

  // Whether what was decided last was checked, and what the checks found.
  bool checked_last() const { return checked_last_; }
  EvaluationCheck& check() { return check_; }
  size_t size() const { return by_signature_.size(); }
  int64_t bytes() const { return bytes_; }

 private:
  friend struct EngineTestPeer;
  struct Entry;
  using Entries = std::list<Entry>;  // most recently used first
  struct Entry {
    std::string signature;  // and the plugins' roles, and more
    PodTraitsPtr traits;    // of the first pod
    EvaluationNeeds needs;
    std::unique_ptr<Evaluation> evaluation;  // null: not shareable, which is worth remembering too
    int64_t bytes = 0;
    Entries::iterator self;
  };

  enum class Outcome : uint8_t {
    kDecided,
    kPlainly,  // this pod is for the plain path
    kUseless,  // so are others
  };

  bool DecideWith(Entry& entry, CycleState& state, const PodPtr& pod, Decision& decision);
  bool Refresh(Evaluation& evaluation, CycleState& state, int64_t* evaluated);
  bool HoldsTrue(Evaluation& evaluation, const CycleState& state, const PodInfo& pod);
  void CountReused(const Evaluation& evaluation, int64_t evaluated, int64_t scored);
  Entry& Use(std::string_view signature, const PodPtr& pod, const PluginRoles& roles);
  void Drop(Entries::iterator entry);
  void Account(Entry& entry);
  Outcome Choose(Evaluation& evaluation, CycleState& state, const PodInfo& pod,
                 Decision& decision);
  // The first that also takes plugins that filter for each pod.
  Outcome ChooseForPod(Evaluation& evaluation, CycleState& state, const PodInfo& pod,
                       Decision& decision);
  Outcome ChooseByGroups(Evaluation& evaluation, CycleState& state, const PodInfo& pod,
                         Decision& decision);
  // Fills standings_. False: the plain path is to decide.
  bool Standings(const Evaluation& evaluation, Decision& decision);
  NodeIndex BestOf(const ScoreBoard& board, NodeIndex start) const;

  const Runtime& runtime_;
  const ClusterSnapshot& snapshot_;
  TieBreaker& tie_breaker_;
  const EngineOptions& options_;
  Metrics& metrics_;
  const StringSet& watched_objects_;
  const int64_t& objects_generation_;
  Entries entries_;
  StringMap<Entries::iterator> by_signature_;
  std::string key_;  // scratch
  std::vector<GroupStanding> standings_;  // scratch
  int64_t bytes_ = 0;
  bool deciding_ = false, clear_after_ = false, checked_last_ = false;
  EvaluationCheck check_;
};

}  // namespace berth::framework
