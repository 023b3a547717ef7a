// Nominator: pods that are to run on a node once room is made there (queue.md section 10).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/flat_hash_map.h>

#include "base/strings.h"
#include "base/symbol.h"
#include "framework/plugin.h"
#include "framework/pod_info.h"

namespace berth::framework {

// Threads: none; lives on the engine's executor.
class Nominator {
 public:
  // exists: the source still has the pod (by "namespace/name") and it has no spec.nodeName.
  using StillWaiting = std::function<bool(const PodInfo&)>;
  // changed: the nominations of a node changed.
  using Changed = std::function<void(std::string_view node_name)>;
  explicit Nominator(StillWaiting still_waiting, Changed changed = nullptr)
      : still_waiting_(std::move(still_waiting)), changed_(std::move(changed)) {}

  // An earlier nomination of the pod goes first. Override: the info's node; else the pod's
  // status.nominatedNodeName, and nothing when that is empty.
  void Add(const PodPtr& pod, const NominatingInfo* info);
  void Delete(std::string_view uid);
  // Keeps the node known in memory when neither status names one.
  void Update(const PodInfo* old_pod, const PodPtr& new_pod);

  // In the order of nomination.
  std::vector<PodPtr> PodsOn(std::string_view node_name) const;
  // The same list, by the node's symbol; null when nobody is. Cost: one hash.
  const std::vector<PodPtr>* Find(Symbol node) const {
    auto it = by_symbol_.find(node);
    return it == by_symbol_.end() ? nullptr : it->second;
  }
  bool empty() const { return node_of_.empty(); }
  bool Has(std::string_view uid) const { return node_of_.contains(uid); }
  // The node the pod is nominated to; null when it is to none. Until the next change.
  const std::string* NodeOf(std::string_view uid) const {
    auto it = node_of_.find(uid);
    return it == node_of_.end() ? nullptr : &it->second;
  }
  // Nodes with nominated pods, in order of name.
  const std::map<std::string, std::vector<PodPtr>, std::less<>>& by_node() const {
    return by_node_;
  }

 private:
  StillWaiting still_waiting_;
  Changed changed_;
  std::map<std::string, std::vector<PodPtr>, std::less<>> by_node_;
  absl::flat_hash_map<Symbol, const std::vector<PodPtr>*> by_symbol_;  // into by_node_
  StringMap<std::string> node_of_;  // uid -> node
};

}  // namespace berth::framework
