#include "plugins/dynamic_resources/taint_rules.h"

#include <utility>

#include "api/schema/meta_v1.pb.h"

namespace berth::plugins::dynamic_resources {

using api::dra_alpha::DeviceTaintRule;

bool Concerns(const DeviceTaintRule& rule, const api::dra::ResourceSlice& slice) {
  if (!rule.spec().has_device_selector()) return false;
  const auto& selector = rule.spec().device_selector();
  if (selector.has_driver() && selector.driver() != slice.spec().driver()) return false;
  return !selector.has_pool() || selector.pool() == slice.spec().pool().name();
}

void TaintRules::Put(TaintRulePtr rule) {
  std::string name = rule->metadata().name();
  rules_[std::move(name)] = std::move(rule);
}

void TaintRules::Remove(std::string_view name) {
  if (const auto it = rules_.find(name); it != rules_.end()) rules_.erase(it);
}

SlicePtr TaintRules::Applied(const SlicePtr& slice) const {
  std::shared_ptr<api::dra::ResourceSlice> tainted;
  for (const auto& [name, rule] : rules_) {
    if (!Concerns(*rule, *slice)) continue;
    const auto& selector = rule->spec().device_selector();
    for (int i = 0; i < slice->spec().devices_size(); ++i) {
      if (selector.has_device() && selector.device() != slice->spec().devices(i).name()) continue;
      if (tainted == nullptr) tainted = std::make_shared<api::dra::ResourceSlice>(*slice);
      auto& taint = *tainted->mutable_spec()->mutable_devices(i)->add_taints();
      taint.set_key(rule->spec().taint().key());
      taint.set_value(rule->spec().taint().value());
      taint.set_effect(rule->spec().taint().effect());
      if (rule->spec().taint().has_time_added()) {
        *taint.mutable_time_added() = rule->spec().taint().time_added();
      }
    }
  }
  return tainted != nullptr ? tainted : slice;
}

}  // namespace berth::plugins::dynamic_resources
