// Evictions under way: the victims of a preemption are told, marked and deleted, the last one after
// the others, since its end is what brings the preemptor back. So many at a time: neither the
// server nor the pods that are scheduled meanwhile shall feel a storm of them.
// Source: kube-scheduler framework/preemption/executor.go; framework.md section 8.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/strings.h"
#include "framework/handle.h"
#include "framework/pod_info.h"
#include "framework/plugin.h"

namespace berth::plugins::default_preemption {

// Threads: the engine's executor. Destroying it forgets what is under way; what was sent stays
// sent.
class Evictions {
 public:
  // plugin: in whose name waiting pods are sent away.
  Evictions(framework::Handle& handle, std::string_view plugin);

  // Pods on their way out already are left alone; with nobody else there is nothing to do. Pods of
  // lower priority that are nominated to the node lose that. A failure puts the preemptor back into
  // the active queue after a second.
  void Start(const framework::PodPtr& preemptor, const framework::PreemptionCandidate& candidate);
  // From Start until all is done, or only the last victim is left and its end has been seen. When
  // that comes, Handle::GateMayOpen is told.
  bool IsUnderWay(std::string_view preemptor_uid) const;

 private:
  struct Run;
  using RunPtr = std::shared_ptr<Run>;
  void Evict(const RunPtr& run, const framework::PodPtr& victim);
  void Pump();  // begins with those whose turn it is
  void Mark(const RunPtr& run, const framework::PodPtr& victim);
  void Delete(const RunPtr& run, const framework::PodPtr& victim);
  void Evicted(const RunPtr& run, const framework::PodPtr& victim, const absl::Status& status);
  void Tell(const Run& run, const framework::PodInfo& victim, std::string_view suffix);
  void OneIsDone(const RunPtr& run);
  void End(const RunPtr& run);
  void OnPodEnding(const framework::PodInfo& pod);

  framework::Handle& handle_;
  const std::string plugin_;
  StringMap<RunPtr> runs_;  // by the preemptor's uid
  StringMap<std::vector<RunPtr>> last_ones_;  // runs of which only this uid is left
  std::deque<std::pair<RunPtr, framework::PodPtr>> waiting_;  // for their turn
  int in_flight_ = 0;                                         // between Mark and Evicted
  Lifetime alive_;
};

}  // namespace berth::plugins::default_preemption
