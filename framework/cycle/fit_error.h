// Diagnosis: why no node took a pod, and the message that says so.
// Source: kube-scheduler framework/types.go (FitError); framework.md sections 3.3 and 5.1.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "framework/status.h"

namespace berth::framework {

inline constexpr std::string_view kNoNodesAvailable =
    "no nodes available to schedule pods";

struct Diagnosis {
  using Names = std::set<std::string, std::less<>>;

  int64_t all_nodes = 0;
  // Verdicts of nodes that were looked at, each with how many nodes got it.
  std::vector<std::pair<Status, int64_t>> verdicts;
  Status absent_status;  // of the nodes that were not
  std::string pre_filter_message, post_filter_message;
  Names unschedulable_plugins, pending_plugins;

  // The plugin a rejected status names is a rejector of the pod.
  void AddRejector(const Status& status);
  void Count(const Status& status, int64_t nodes = 1);
  // "0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s)."
  std::string Message() const;
  // Keeps the text for copies of this diagnosis. From here on only post_filter_message, and who
  // rejected, may change.
  void KeepText() { kept_text_ = std::make_shared<const std::string>(TextBeforePostFilter()); }

 private:
  std::string TextBeforePostFilter() const;

  std::shared_ptr<const std::string> kept_text_;
};

}  // namespace berth::framework
