// What tests see of the inside of an engine, and faults they plant there.
#pragma once

#include <cstdint>

#include "framework/cycle/engine_core.h"

namespace berth::framework {

struct EngineTestPeer {
  static EngineCore& Core(Engine& engine) { return *engine.core_; }

  // A place in a snapshot's log of changes.
  struct Mark {
    int64_t log_end = 0, structure_generation = 0;
    size_t nodes = 0;
    decltype(ClusterSnapshot::field_generations_) field_generations;
  };
  static Mark MarkOf(const ClusterSnapshot& snapshot) {
    return {snapshot.log_end(), snapshot.structure_generation_, snapshot.nodes_.size(),
            snapshot.field_generations_};
  }
  // The snapshot has what changed since, but tells nobody. A set of nodes of another size is told.
  static void ForgetSince(const Mark& mark, ClusterSnapshot& snapshot) {
    if (snapshot.nodes_.size() != mark.nodes) return;
    snapshot.structure_generation_ = mark.structure_generation;
    snapshot.field_generations_ = mark.field_generations;
    if (snapshot.log_begin_ > mark.log_end) {  // it began anew
      snapshot.log_begin_ = mark.log_end;
      snapshot.log_.clear();
    }
    const auto keep = static_cast<size_t>(mark.log_end - snapshot.log_begin_);
    if (keep < snapshot.log_.size()) snapshot.log_.resize(keep);
  }
  // No maximum is looked for any more when the last node that has it goes.
  static void KeepMaxima(EvaluationCache& cache) {
    constexpr int64_t kNodesThatAreNot = 1000;
    for (auto& entry : cache.entries_) {
      if (!entry.evaluation) continue;
      for (auto& column : entry.evaluation->columns_) column.at_max += kNodesThatAreNot;
    }
  }
};

}  // namespace berth::framework
