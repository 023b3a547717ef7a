// Listens to one client's traffic: what the server acknowledged and showed becomes claims that the
// observer checks against the store; what happened rarely becomes probes.
#pragma once

#include <memory>
#include <string>

#include "tests/sim/faulty_transport.h"
#include "tests/sim/invariants.h"
#include "tests/sim/probes.h"

namespace berth::sim {

class WireTap final : public TransportTap {
 public:
  // scheduler: whose pods this client binds; empty: it is no scheduler and may bind any.
  WireTap(std::string name, std::string scheduler, Observer& observer, Probes& probes)
      : name_(std::move(name)), scheduler_(std::move(scheduler)), observer_(observer),
        probes_(probes) {}

  void OnRequest(const api::HttpRequest& request) override;
  void OnAnswer(const api::HttpRequest& request, const api::HttpResponse& response) override;
  std::unique_ptr<StreamTap> OnOpen(const api::HttpRequest& request) override;

  int64_t requests() const { return requests_; }

 private:
  void OnRefusal(const api::HttpRequest& request, const api::HttpResponse& response);
  void OnWritten(const api::HttpRequest& request, const api::HttpResponse& response);

  const std::string name_;
  const std::string scheduler_;
  Observer& observer_;
  Probes& probes_;
  int64_t requests_ = 0;
};

}  // namespace berth::sim
