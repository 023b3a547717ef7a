// What must be true of a cluster whatever its network and its crashes do, checked by an observer
// that watches the store itself, after every event:
//
//   a binding fits its node (cpu, memory, other resources, pods, host ports) when it is stored
//   nodeName is never changed, nor set on a pod that is being deleted
//   a phase never goes back; a pod that ran is never started again, nor runs for too short or too
//   long; what it asks for stays
//   a node never refuses a pod that a scheduler bound to it
//   a deletion that has begun is never taken back
//   what a client was told is stored is there, and what a watcher is shown is what the store had
//   a scheduler binds its own pods only
//
// A node that shrank, pods that were put on it by hand and bindings to a node that is not there
// (unchecked, as upstream's) are no fault of a binding: what is bound after that is.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"
#include "api/scheduling/host_ports.h"
#include "api/scheduling/resources.h"
#include "base/executor.h"
#include "cluster/store/store.h"
#include "tests/sim/probes.h"

namespace berth::sim {

// A pod, by uid, from its creation on; it stays known after it is gone.
struct PodView {
  std::string key;  // "namespace/name"
  std::shared_ptr<const api::core::Pod> object;  // the newest, or the last
  bool deleted = false;
  bool by_hand = false;  // created with a node
  api::scheduling::Amounts requests;
  api::scheduling::HostPortList ports;
  int phase = 0;
  int64_t started_at = 0;  // of its container, in seconds; 0: not yet

  const std::string& node() const;
  const std::string& uid() const;
  bool Terminal() const;
};

struct NodeView {
  std::shared_ptr<const api::core::Node> object;  // the newest, or the last
  bool deleted = false;
  api::scheduling::Allocatable allocatable;
  // What it was until a moment ago: a binding on its way may have been checked against it.
  std::vector<std::pair<absl::Time, api::scheduling::Allocatable>> before;
  absl::Time appeared = absl::InfinitePast();  // since when it is there
  std::map<std::string, const PodView*> pods;  // bound and not ended, by uid
  bool unfair = false;  // a node's own refusal is no fault: pods by hand, or it shrank
};

// Threads: one (a simulation); the store's callbacks run on its executor.
class Observer {
 public:
  // What is referred to outlives it.
  Observer(store::Store& store, Executor& executor, Probes& probes);

  store::Revision seen() const { return seen_; }
  // By "namespace/name", those that are there.
  std::map<std::string, const PodView*> Pods() const;
  const std::map<std::string, NodeView>& nodes() const { return nodes_; }
  // "namespace/name" of what has a FailedScheduling event, with the newest one's note.
  const std::map<std::string, std::string>& failed_scheduling() const { return failed_; }
  // Null when never seen.
  const PodView* FindPod(std::string_view uid) const;
  std::string NodeUidAt(const std::string& name) const;
  // A digest of everything stored.
  uint64_t ContentHash() const;
  // Keys with their newest revision, under "/registry/<prefix>/".
  std::map<std::string, store::Revision> Content(std::string_view prefix) const;

  // Whether `node` could take the pod, as things are.
  bool Fits(const PodView& pod, const NodeView& node) const;
  // As Fits, and a scheduler would: not cordoned or tainted.
  bool Schedulable(const PodView& pod, const NodeView& node) const;

  // --- what others claim -------------------------------------------------------------------
  // Some version `revision` of the key was shown or acknowledged.
  void Claim(std::string what, std::string key, store::Revision revision);
  void ClaimBound(std::string uid, std::string node);
  // The object with that uid is gone.
  void ClaimGone(std::string key, std::string uid);
  // `who` asks for a binding of the pod; its own pods are those of `scheduler`.
  void ClaimBinder(std::string who, std::string scheduler, std::string uid);
  int64_t claims_open() const { return claims_open_; }
  int64_t claims() const { return claims_; }

  void Fail(std::string what);
  const std::vector<std::string>& violations() const { return violations_; }
  // A line of the story, kept for a failure's report.
  void Note(std::string line);
  const std::deque<std::string>& story() const { return story_; }
  // Prints lines as they come.
  void Echo() { echo_ = true; }
  bool echo() const { return echo_; }

 private:
  struct Version {
    std::set<store::Revision> revisions;
    store::Revision newest = 0;
    Bytes value;  // null: deleted
    std::string uid;
  };
  void OnEvents(const absl::Status& status, store::Revision revision,
                std::vector<store::WatchEvent> events);
  void Apply(const store::WatchEvent& event);
  void PutPod(const store::KeyValue& kv);
  void ComparePod(PodView& view, const api::core::Pod& pod);
  void CompareStatus(PodView& view, const api::core::Pod& pod);
  void CompareStart(PodView& view, int64_t at);
  void CompareRun(const PodView& view, const api::core::Pod& pod, int64_t ran);
  void Bound(PodView& view);
  void DeletePod(const std::string& key);
  void PutNode(const store::KeyValue& kv);
  void PutEvent(const store::KeyValue& kv);
  bool FitsIn(const PodView& pod, const NodeView& node,
              const api::scheduling::Allocatable& allocatable) const;
  void Release(PodView& view);
  // Runs `check` when everything stored by now, or up to `revision`, has been seen.
  void WhenSeen(Task check);
  void WhenSeen(store::Revision revision, Task check);

  store::Store& store_;
  Executor& executor_;
  Probes& probes_;
  store::Revision seen_ = 0;
  std::map<std::string, Version> versions_;             // by store key
  std::map<std::string, PodView> pods_;                 // by uid
  std::map<std::string, std::string> pod_uids_;         // by "namespace/name", those there
  std::map<std::string, NodeView> nodes_;               // by name
  std::map<std::string, std::string> failed_;
  std::multimap<store::Revision, Task> waiting_;
  int64_t claims_open_ = 0, claims_ = 0;
  std::vector<std::string> violations_;
  std::deque<std::string> story_;
  bool echo_ = false;
  std::unique_ptr<store::WatchHandle> watch_;
};

}  // namespace berth::sim
