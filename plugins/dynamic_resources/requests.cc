#include "plugins/dynamic_resources/requests.h"

#include <utility>

#include <fmt/core.h>

namespace berth::plugins::dynamic_resources {
namespace {

using Selectors = google::protobuf::RepeatedPtrField<api::dra::DeviceSelector>;

class Preparation {
 public:
  Preparation(const std::function<ClassPtr(const std::string&)>& find_class,
              SelectorCache& selectors)
      : find_class_(find_class), selectors_(selectors) {}

  Prepared Run(const std::vector<ClaimPtr>& claims) {
    for (const ClaimPtr& claim : claims) Add(claim);
    if (out_.requests > static_cast<size_t>(kMaxRequestsPerPod)) {
      Fail(fmt::format("more than {} device requests", kMaxRequestsPerPod));
    }
    return std::move(out_);
  }

 private:
  void Fail(std::string problem) {
    if (out_.problem.empty()) out_.problem = std::move(problem);
  }

  void Add(const ClaimPtr& claim) {
    PreparedClaim& prepared = out_.claims.emplace_back();
    prepared.claim = claim;
    key_ = prepared.Key();
    for (const auto& request : claim->spec().devices().requests()) {
      RequestChoices& choices = prepared.requests.emplace_back();
      choices.has_list = request.first_available_size() > 0;
      if (!choices.has_list) {
        Request& exact = choices.alternatives.emplace_back();
        exact.name = request.name();
        exact.admin_access = request.exactly().admin_access();
        Fill(exact, request.exactly());
      }
      for (const auto& alternative : request.first_available()) {
        Request& sub = choices.alternatives.emplace_back();
        sub.name = alternative.name();
        sub.parent = request.name();
        Fill(sub, alternative);
      }
    }
    const auto& constraints = claim->spec().devices().constraints();
    for (int i = 0; i < constraints.size(); ++i) {
      if (!constraints[i].has_match_attribute() && !constraints[i].has_distinct_attribute()) {
        Fail(fmt::format(
            "claim {}, constraint #{}: empty constraint (unsupported constraint type?)", key_, i));
      }
    }
  }

  template <typename Spec>
  void Fill(Request& request, const Spec& spec) {
    request.ordinal = out_.requests++;
    request.tolerations = &spec.tolerations();
    request.capacity = spec.has_capacity() ? &spec.capacity() : nullptr;
    request.count = spec.count();
    request.all = spec.allocation_mode() == "All";
    const std::string where = fmt::format("claim {}, request {}", key_, request.name);
    request.selectors = Parsed(spec.selectors(), where);
    if (spec.device_class_name().empty()) {
      return Fail(where + ": missing device class name (unsupported request type?)");
    }
    request.device_class = find_class_(spec.device_class_name());
    if (request.device_class == nullptr) {
      return Fail(fmt::format("{}: could not retrieve device class {}: not found", where,
                              spec.device_class_name()));
    }
    request.class_selectors = Parsed(request.device_class->spec().selectors(), where);
    if (!request.all && spec.allocation_mode() != "ExactCount") {
      Fail(fmt::format("{}: unsupported count mode {}", where, spec.allocation_mode()));
    }
    if (request.count < 0) Fail(fmt::format("{}: negative count {}", where, request.count));
  }

  std::vector<std::shared_ptr<const Selector>> Parsed(const Selectors& from,
                                                      const std::string& where) {
    std::vector<std::shared_ptr<const Selector>> out;
    for (int i = 0; i < from.size(); ++i) {
      if (!from[i].has_cel()) {
        Fail(fmt::format("{}, selector #{}: CEL expression empty (unsupported selector type?)",
                         where, i));
      }
      out.push_back(selectors_.Get(from[i].cel().expression()));
    }
    return out;
  }

  const std::function<ClassPtr(const std::string&)>& find_class_;
  SelectorCache& selectors_;
  std::string key_;
  Prepared out_;
};

}  // namespace

Prepared Prepare(const std::vector<ClaimPtr>& claims,
                 const std::function<ClassPtr(const std::string&)>& find_class,
                 SelectorCache& selectors) {
  return Preparation(find_class, selectors).Run(claims);
}

}  // namespace berth::plugins::dynamic_resources
