// CacheDebugger: what the scheduler believes, written to the log, and held against what the source
// shows. For an operator who asks (SIGUSR2), on a scheduler that goes on working: it is done in
// pieces, each a short task, so the dump of a changing cluster is not of one moment. What the
// comparison finds was found within one piece, and is real.
// Source: kube-scheduler backend/cache/debugger.
#pragma once

#include <memory>
#include <vector>

#include "framework/cycle/engine_core.h"

namespace berth::framework {

// Threads: the engine's executor.
class CacheDebugger {
 public:
  using Done = Engine::CompareDone;

  // core must outlive it. Destroying it ends what is under way, without a word.
  explicit CacheDebugger(EngineCore& core) : core_(core) {}

  // Compares (upstream's comparer: "Cache mismatch" entries), then dumps nodes and queue, each
  // entry of the log of 16 KiB at most. Pods of other schedulers, and pods that are being decided
  // upon, are not missed. done: at the end. What is asked while one is under way waits for its end
  // and shares the next one.
  // Cost: 3 us a pod, lines included. Measured with 5,000 nodes and 155,000 pods: 0.5 s in 494
  // tasks of 0.8 ms, but for the one that copies the list of pods (16 to 22 ms).
  void Run(Done done);

 private:
  static constexpr size_t kPiece = 1000;  // pods
  struct Pass;
  using PassPtr = std::shared_ptr<Pass>;
  void Begin();
  // Runs `piece` again and again, a task each, until it returns false; then `next`.
  void Repeat(const PassPtr& pass, bool (CacheDebugger::*piece)(Pass&),
              void (CacheDebugger::*next)(const PassPtr&));
  void CompareNodes(const PassPtr& pass);
  bool ComparePods(Pass& pass);
  void CompareCached(const PassPtr& pass);
  bool CompareNodePods(Pass& pass);
  void CompareQueue(const PassPtr& pass);
  bool CompareQueued(Pass& pass);
  void TellComparison(const PassPtr& pass);
  bool DumpNodes(Pass& pass);
  void DumpQueue(const PassPtr& pass);
  bool DumpQueued(Pass& pass);
  void End(const PassPtr& pass);
  bool IsMissed(const api::core::Pod& pod) const;

  EngineCore& core_;
  PassPtr under_way_;
  std::vector<Done> waiting_, served_;  // for the next pass; by this one
  Lifetime lifetime_;
};

}  // namespace berth::framework
