// EvaluationCheck: the debug check of what is kept (EngineOptions::verify_evaluations).
//
// Kept results are right when every plugin says truly what they depend on (DependsOn, Abstains) and
// what it sees of a pod (Sign, SignsTemplates). For a share of the decisions all plugins are asked
// about every node, for the pod at hand. Where one answers otherwise than what is kept, that is
// told (log, metrics, counts), the evaluation is dropped, and the pod is decided plainly.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/random.h"
#include "framework/cycle/metrics.h"

namespace berth::framework {

// What is kept of a node, and what is said of it when asked.
struct WrongEvaluation {
  std::string plugin;  // empty: all plugins agree, and the engine has added up or chosen wrongly
  std::string node;    // empty: any
  std::string pod;     // "namespace/name"
  std::string kept, asked;

  // One line, with what to do about it.
  std::string ToString() const;
};

// Threads: the engine's executor.
class EvaluationCheck {
 public:
  // share: of the decisions that rest on what is kept, in [0, 1]. metrics must outlive it.
  EvaluationCheck(double share, uint64_t seed, Metrics& metrics)
      : share_(share), random_(seed), metrics_(metrics) {}
  // Whether this decision is to be checked.
  bool Due() { return share_ > 0 && random_.Chance(share_); }
  // The outcome; nullopt: all is right.
  void Tell(const std::optional<WrongEvaluation>& found);

  int64_t made() const { return made_; }
  int64_t wrong() const { return wrong_; }
  const std::string& last() const { return last_; }  // of what was wrong

 private:
  const double share_;
  Random random_;  // its own: no decision depends on whether it is checked
  Metrics& metrics_;
  int64_t made_ = 0, wrong_ = 0;
  std::string last_;
};

}  // namespace berth::framework
