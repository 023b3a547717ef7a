// What a scheduler knows of devices: classes, claims, slices, and what of them is in use. Kept up
// to date by events, and shared by all profiles: a device that one gives away is in use for all.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/executor.h"
#include "framework/handle.h"
#include "plugins/dynamic_resources/claims.h"
#include "plugins/dynamic_resources/device_classes.h"
#include "plugins/dynamic_resources/node_view.h"
#include "plugins/dynamic_resources/pools.h"
#include "plugins/dynamic_resources/selectors.h"
#include "plugins/dynamic_resources/taint_rules.h"
#include "plugins/dynamic_resources/verdicts.h"

namespace berth::plugins::dynamic_resources {

// Threads: the engine's executor; ViewOf and TotalsOf also from Filter and Score, which run while
// the executor does not.
class Inventory final : public framework::SharedPart {
 public:
  // The engine's; made, and classes followed, when it is first asked for.
  static std::shared_ptr<Inventory> Of(framework::Handle& handle);

  explicit Inventory(framework::Handle& handle);

  // Follows claims and slices too, from now on, and DeviceTaintRules where they count. What
  // depends on it says so.
  void Track();

  const DeviceClasses& classes() const { return classes_; }
  ClaimStore& claims() { return claims_; }
  SelectorCache& selectors() { return selectors_; }
  VerdictCache& verdicts() { return verdicts_; }

  // Called when another class stands for some extended resource, until `alive` ends.
  void WhenOffersChange(Lifetime::Watcher alive, std::function<void()> tell);

  // After Track.
  std::shared_ptr<const NodeView> ViewOf(const framework::NodeInfo& node);
  // How many devices stand for a resource on a node. After Track.
  DeviceTotals TotalsOf(Symbol resource, const framework::NodeInfo& node);

 private:
  struct Listener {
    Lifetime::Watcher alive;
    std::function<void()> tell;
  };
  struct Kept {
    Symbol node;
    std::shared_ptr<const api::core::Node> object;  // when labels count
    int64_t generation = -1;
    std::shared_ptr<const NodeView> view;
  };
  void OnClass(const framework::ObjectEvent& event);
  void OnSlice(const framework::ObjectEvent& event);
  void OnTaintRule(const framework::ObjectEvent& event);

  framework::ObjectSource& objects_;
  const bool follows_taint_rules_;
  bool tracks_ = false;
  DeviceClasses classes_;
  ClaimStore claims_;
  TaintRules taint_rules_;
  std::map<std::string, SlicePtr, std::less<>> published_;  // as drivers have them; by name
  Slices slices_;                                           // with the taints of rules
  SelectorCache selectors_;
  VerdictCache verdicts_;
  std::vector<Listener> listeners_;
  // Also over claims_.MutableInUse(): making a view may add pools to it.
  absl::Mutex views_mutex_;
  std::vector<Kept> views_ ABSL_GUARDED_BY(views_mutex_);  // by the node's place in the snapshot
  int64_t views_made_ ABSL_GUARDED_BY(views_mutex_) = 0;
  Lifetime alive_;
};

}  // namespace berth::plugins::dynamic_resources
