// NodeStatuses: the verdict of each node that was looked at, for PostFilter.
#pragma once

#include <string_view>
#include <vector>

#include "framework/plugin.h"
#include "framework/profile/runtime.h"
#include "framework/snapshot.h"

namespace berth::framework {

class NodeStatuses final : public NodeStatusReader {
 public:
  NodeStatuses(const Runtime& runtime, const Snapshot& snapshot)
      : runtime_(runtime), snapshot_(snapshot) {}

  void Set(NodeIndex node, Verdict verdict);
  // Of the nodes that were not looked at. At first UnschedulableAndUnresolvable, no reason.
  void SetAbsent(Status status) { absent_ = std::move(status); }
  const Status& absent() const { return absent_; }

  Status Get(std::string_view node_name) const override;
  std::vector<const NodeInfo*> NodesWith(Code code) const override;

 private:
  const Runtime& runtime_;
  const Snapshot& snapshot_;
  std::vector<Verdict> verdicts_;  // by node; ok: not looked at
  Status absent_{Code::kUnschedulableAndUnresolvable, {}};
};

}  // namespace berth::framework
