// One search of the allocator: what has been picked so far, and what it leaves.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/fwd.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/constraints.h"
#include "plugins/dynamic_resources/devices.h"
#include "plugins/dynamic_resources/node_view.h"
#include "plugins/dynamic_resources/pools.h"
#include "plugins/dynamic_resources/requests.h"

namespace berth::plugins::dynamic_resources {

// A device picked for a request.
struct Picked {
  const Candidate* candidate = nullptr;
  const Request* request = nullptr;
  bool shared = false;
  Capacities consumed;  // of shared ones
};

// Shares of one device that are picked.
struct PickedShares {
  int64_t count = 0;
  Capacities held;  // by them
};

// Recursion is as deep as there are requests and devices to pick, which Prepare and the limit of
// devices bound.
class Search {
 public:
  enum class Found : uint8_t {
    kYes,
    kNo,
    kTooMany,  // more devices than a claim may have: other devices would not help
    kStopped,  // timed_out() or problem()
  };

  Search(const Prepared& prepared, const NodeView& view, const framework::NodeInfo& node,
         const std::function<bool()>& expired);

  Found Run();

  bool timed_out() const { return timed_out_; }
  const std::string& problem() const { return problem_; }
  int64_t steps() const { return steps_; }
  // Of kYes: by claim, in the order of requests.
  const std::vector<std::vector<Picked>>& picked() const { return picked_; }
  // The alternative taken.
  const Request& ChosenRequest(size_t claim, size_t request) const;

 private:
  struct Place {  // where to look on
    size_t pool = 0, device = 0;
  };
  // The request (or alternative) in work.
  struct Work {
    size_t claim = 0, request = 0, alternative = 0;
    int64_t devices = 0;  // picked for it so far
  };

  bool CountDevices();
  bool CountAll(const PreparedClaim& claim, const Request& request);
  Found NextRequest(size_t claim, size_t request);
  Found PickRest(const Work& work, Place from);
  Found PickAll(const Work& work);
  Found PickOne(const Work& work, Place from);
  Found Stop(std::string problem);

  // nullopt: stopped.
  std::optional<bool> Selectable(const PreparedClaim& claim, const Request& request,
                                 const Candidate& candidate);
  std::optional<bool> Select(const PreparedClaim& claim, const Request& request,
                             const Candidate& candidate);
  // Whether the selector says yes; nullopt and why: it has no answer.
  std::optional<bool> Ask(const std::shared_ptr<const Selector>& selector,
                          const Candidate& candidate, std::string& why) const;
  // Whether sharing the device takes no counters: they were taken for another share of the pod,
  // or claims hold shares that consume capacity. (Shares that consume none do not count.)
  bool HasCounters(const Pool& pool, const Candidate& candidate) const;
  bool IsFree(const Work& work, const Request& request, const Pool& pool,
              const Candidate& candidate) const;
  bool Take(const Work& work, const Request& request, const Pool& pool,
            const Candidate& candidate);
  void GiveBack(const Work& work, const Pool& pool);
  bool TakeCounters(const Pool& pool, const Candidate& candidate);
  void ReturnCounters(const Pool& pool, const Candidate& candidate);
  bool AddToConstraints(size_t claim, const Request& request, const Candidate& candidate);
  const Request& RequestOf(const Work& work) const {
    return prepared_.claims[work.claim].requests[work.request].alternatives[work.alternative];
  }

  const Prepared& prepared_;
  const NodeView& view_;
  const std::vector<Pool>& pools_;
  const framework::NodeInfo& node_;
  const std::function<bool()>& expired_;
  size_t device_count_ = 0;

  std::vector<int64_t> counts_;                     // by the request's ordinal
  std::vector<std::vector<Place>> all_;             // of those that want all
  std::vector<int8_t> selectable_;                  // by ordinal and device; -1: not known yet
  std::vector<std::vector<size_t>> holders_;        // by device: the claims that picked it
  std::map<size_t, PickedShares> shared_;           // by device
  std::map<const Pool*, Counters> free_counters_;
  std::vector<std::vector<Constraint>> constraints_;  // by claim
  std::vector<std::vector<Picked>> picked_;
  std::vector<std::vector<size_t>> chosen_;           // alternatives, by claim and request
  int64_t steps_ = 0;
  bool timed_out_ = false;
  std::string problem_;
};

}  // namespace berth::plugins::dynamic_resources
