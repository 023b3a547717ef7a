// matchAttribute and distinctAttribute: what the devices of a claim must have in common, or not.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "api/fwd.h"
#include "api/schema/resource_v1_device.pb.h"
#include "plugins/dynamic_resources/pools.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

// One constraint during a search. Added devices are removed in reverse order.
class Constraint {
 public:
  explicit Constraint(const api::dra::DeviceConstraint& spec);

  // False, and nothing is added: the device breaks the constraint. A request that the constraint
  // does not name may have any device.
  bool Add(const Request& request, const Candidate& candidate);
  void Remove(const Request& request, const Candidate& candidate);

 private:
  bool Concerns(const Request& request) const;

  const bool distinct_;
  const std::string attribute_;
  const std::set<std::string, std::less<>> requests_;  // empty: all
  std::vector<std::string> values_;  // of the devices added
};

// Type and value of an attribute as text; empty: the device does not have it, or of a type that
// cannot be compared. A name in the driver's domain may be held without the domain.
std::string AttributeText(const Candidate& candidate, std::string_view qualified_name);

// Whether taints (NoSchedule, NoExecute) that the request does not tolerate keep it away.
bool TaintsForbid(const api::dra::Device& device, const Request& request);

}  // namespace berth::plugins::dynamic_resources
