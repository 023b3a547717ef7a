// DeviceTaintRules: taints that are laid on devices from outside, beside those that drivers give
// them. Source: dynamic-resource-allocation/resourceslice/tracker.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "api/fwd_alpha.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "plugins/dynamic_resources/pools.h"

namespace berth::plugins::dynamic_resources {

using TaintRulePtr = std::shared_ptr<const api::dra_alpha::DeviceTaintRule>;

// Whether the rule's selector has devices of the slice in view, of whatever name. A rule without
// selector has none, one with an empty selector has all.
bool Concerns(const api::dra_alpha::DeviceTaintRule& rule, const api::dra::ResourceSlice& slice);

// Threads: one at a time.
class TaintRules {
 public:
  void Put(TaintRulePtr rule);
  void Remove(std::string_view name);
  // The slice with the taints of all rules on its devices; the slice itself when there are none.
  SlicePtr Applied(const SlicePtr& slice) const;

 private:
  std::map<std::string, TaintRulePtr, std::less<>> rules_;  // by name
};

}  // namespace berth::plugins::dynamic_resources
