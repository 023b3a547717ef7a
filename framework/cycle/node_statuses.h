// NodeStatuses: the verdict of each node that was looked at, for PostFilter.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "framework/plugin.h"
#include "framework/profile/runtime.h"
#include "framework/snapshot.h"

namespace berth::framework {

// Nodes with one verdict share it: many nodes, few verdicts. Pods of one evaluation share all of
// it. Threads: the engine's executor.
class NodeStatuses final : public NodeStatusReader {
 public:
  NodeStatuses(const Runtime& runtime, const Snapshot& snapshot)
      : runtime_(runtime), snapshot_(snapshot), structure_(snapshot.structure_generation()) {}

  void Set(NodeIndex node, Verdict verdict);
  // All at once. kind_of: by node; 0: not looked at, else 1 + a place in kinds.
  void SetAll(const std::vector<uint16_t>& kind_of, std::vector<Verdict> kinds) {
    kind_of_.assign(kind_of.begin(), kind_of.end());
    kinds_ = std::move(kinds);
    lists_ = nullptr;
  }
  // Of the nodes that were not looked at. At first UnschedulableAndUnresolvable, no reason.
  void SetAbsent(Status status) {
    absent_ = std::move(status);
    lists_ = nullptr;
  }
  const Status& absent() const { return absent_; }

  Status Get(std::string_view node_name) const override;
  // Cost: O(nodes) when asked for the first time.
  std::span<const NodeIndex> NodesWith(Code code) const override;

 private:
  const Runtime& runtime_;
  // Nodes came, went or moved since: nothing is known of them any more (other cycles ran while an
  // extender was asked about victims).
  bool IsOutdated() const { return snapshot_.structure_generation() != structure_; }

  const Snapshot& snapshot_;
  const int64_t structure_;
  std::vector<uint32_t> kind_of_;  // empty: nobody was looked at
  std::vector<Verdict> kinds_;
  Status absent_{Code::kUnschedulableAndUnresolvable, {}};
  using Lists = std::array<std::optional<std::vector<NodeIndex>>, kCodeCount>;
  mutable std::unique_ptr<Lists> lists_;  // by code, of those that were asked for; null: none were
};

}  // namespace berth::framework
