// What claims ask for, ready to be allocated: requests with their class and parsed selectors.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/fwd.h"
#include "api/schema/resource_v1.pb.h"
#include "plugins/dynamic_resources/selectors.h"

namespace berth::plugins::dynamic_resources {

using ClaimPtr = std::shared_ptr<const api::dra::ResourceClaim>;
using ClassPtr = std::shared_ptr<const api::dra::DeviceClass>;

inline constexpr int kMaxDevicesPerClaim = 32;
inline constexpr int kMaxRequestsPerPod = 1024;  // far beyond what an API server accepts

// One request, or one alternative of a request that has a list of them.
struct Request {
  std::string name;
  std::string parent;  // the request whose alternative this is; else empty
  ClassPtr device_class;
  std::vector<std::shared_ptr<const Selector>> class_selectors, selectors;
  bool all = false;    // allocationMode All
  int64_t count = 0;   // ExactCount
  bool admin_access = false;
  const google::protobuf::RepeatedPtrField<api::dra::DeviceToleration>* tolerations = nullptr;
  const api::dra::CapacityRequirements* capacity = nullptr;  // null: none
  size_t ordinal = 0;  // among all of the pod's

  std::string FullName() const { return parent.empty() ? name : parent + "/" + name; }
  const std::string& BaseName() const { return parent.empty() ? name : parent; }
};

// The alternatives of one request, the most wanted first; one when it has none.
struct RequestChoices {
  std::vector<Request> alternatives;
  bool has_list = false;
};

struct PreparedClaim {
  ClaimPtr claim;
  std::vector<RequestChoices> requests;
  std::string Key() const {
    return claim->metadata().namespace_() + "/" + claim->metadata().name();
  }
};

struct Prepared {
  std::vector<PreparedClaim> claims;
  size_t requests = 0;
  // Why nothing can be allocated on any node; empty: it may be possible.
  std::string problem;
};

// find_class: by name; null when there is none. Claims are kept; what is prepared refers to them.
Prepared Prepare(const std::vector<ClaimPtr>& claims,
                 const std::function<ClassPtr(const std::string&)>& find_class,
                 SelectorCache& selectors);

}  // namespace berth::plugins::dynamic_resources
