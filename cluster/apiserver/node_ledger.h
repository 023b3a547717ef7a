// The node ledger: what is bound to each node, and what is about to be, so that a binding is only
// committed when the node can still take it.
//
// A pod's load is in the ledger once, under its uid:
//
//                 Reserve / ForceReserve          Confirm (the cache saw it bound)
//     (absent) ------------------------> reserved ------------------------------> bound
//        ^                                  |  Release (the write failed)           |
//        +----------------------------------+<------- Release (gone, finished) -----+
//
// A binding that does not fit only because of reservations in flight is not refused but asked to
// wait: those may fail, and if they do not, the refusal can name the revision to catch up to.
//
// Threads: none; everything on the API server's executor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"
#include "api/scheduling/host_ports.h"
#include "api/scheduling/resources.h"
#include "base/executor.h"
#include "base/strings.h"
#include "cluster/store/store.h"

namespace berth::apiserver {

// What a pod asks of its node.
struct PodLoad {
  api::scheduling::Amounts requests;
  api::scheduling::HostPortList ports;
  friend bool operator==(const PodLoad&, const PodLoad&) = default;
};
// As the scheduler counts it: a resize that is on its way counts with the larger of both sizes.
PodLoad LoadOf(const api::core::Pod& pod);

// Why a node cannot take a pod.
struct Shortage {
  std::vector<api::scheduling::Insufficient> resources;
  bool host_ports = false;
  // What made the node too full: pods had come and gone by the one, and the node itself was what it
  // is by the other.
  store::Revision pods_revision = 0, node_revision = 0;
  // The scheduler's words: "Insufficient cpu", "Too many pods", ...
  std::vector<std::string> Reasons() const;
};

class NodeLedger {
 public:
  enum class Verdict {
    kReserved,
    kWait,     // does not fit now, or the pod is being bound: a write in flight may change that
    kRefused,
  };
  struct Outcome {
    Verdict verdict = Verdict::kReserved;
    Shortage shortage;      // of kRefused
    std::string wait_node;  // of kWait: see OnSettled
  };

  // Forgets all nodes and everything bound; what is in flight stays. What the cache holds is then
  // told again.
  void BeginRebuild();
  void SetNode(const std::string& name, const api::core::Node& node, store::Revision revision);
  // Pods bound to it stay counted, for a node that comes back.
  void RemoveNode(const std::string& name);

  // What Reserve would say; changes nothing.
  Outcome Check(const std::string& uid, const std::string& node, const PodLoad& load) const;
  // A node that is not known takes everything.
  Outcome Reserve(const std::string& uid, const std::string& node, const PodLoad& load);
  // A pod created with spec.nodeName: never refused.
  void ForceReserve(const std::string& uid, const std::string& node, PodLoad load);
  // The write that reserved it is done; `revision` 0 when it failed, which releases it.
  void Settle(const std::string& uid, store::Revision revision);
  // Runs `retry` once, when some write in flight on the node has settled.
  void OnSettled(const std::string& node, Task retry);

  // What the cache sees. A pod's load may change while it is bound (resize).
  void Confirm(const api::core::Pod& pod, store::Revision revision);
  void Release(const std::string& uid, store::Revision revision);

  // Inspection.
  api::scheduling::Amounts Used(const std::string& node) const;
  int64_t PodCount(const std::string& node) const;

 private:
  struct Node {
    bool known = false;
    api::scheduling::Allocatable allocatable;
    api::scheduling::AmountsSum used;
    int64_t pods = 0;
    api::scheduling::UsedHostPorts ports;
    int64_t in_flight = 0;
    store::Revision pods_revision = 0;  // of the last change of what is bound to it
    store::Revision node_revision = 0;  // since when allocatable is what it is
    std::vector<Task> waiting;
  };
  struct Entry {
    std::string node;
    PodLoad load;
    bool in_flight = false;
  };
  void Add(const std::string& uid, Entry entry);
  void Finish(StringMap<Entry>::iterator entry, store::Revision revision, bool remove);
  void Remove(StringMap<Entry>::iterator entry);
  void DropIfUnused(StringMap<Node>::iterator node);

  StringMap<Node> nodes_;
  StringMap<Entry> pods_;  // by uid
};

}  // namespace berth::apiserver
