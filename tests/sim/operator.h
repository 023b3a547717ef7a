// The people and controllers of a simulated cluster: pods come and go, nodes are cordoned, tainted,
// shrunk and removed. Everything through the API, over a bad network, never sure of its success.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "api/fwd.h"
#include "base/executor.h"
#include "base/random.h"
#include "client/api_client.h"
#include "tests/sim/probes.h"
#include "tests/sim/sim_options.h"

namespace berth::sim {

inline constexpr std::string_view kSchedulers[] = {"default-scheduler", "packer"};
inline constexpr std::string_view kNobody = "nobody";  // a scheduler that does not exist
inline constexpr std::string_view kTooBigPrefix = "huge-";

// Threads: one (a simulation); the client's executor.
class Operator {
 public:
  Operator(client::ApiClient& client, const SimOptions& options, Probes& probes);

  void AddNodes(const std::vector<std::string>& names);
  // Operations begin, one after another, until Stop.
  void Start();
  void Stop() { stopped_ = true; }
  // Ends half of the cordons and taints, once more and again until it is done.
  void LiftSome();
  int64_t in_flight() const { return in_flight_; }

  // Pods that somebody tried to bind by hand, or made with a node: by uid.
  const std::set<std::string>& bound_by_hand() const { return bound_by_hand_; }

 private:
  void Next();
  void Operate();
  void CreatePod(bool on_node);
  void RemovePod(bool by_force);
  void BindByHand();
  void LabelPod();
  void PatchNode(const std::string& node, std::string_view patch, bool again);
  void RemoveNode();
  std::string NewName();
  const std::string& RandomNode();
  // A completion that counts itself.
  template <typename F>
  auto Counted(F then);

  client::ApiClient& client_;
  Executor& executor_;
  const SimOptions options_;
  Probes& probes_;
  Random random_;
  std::vector<std::string> nodes_;
  std::map<std::string, std::string> pods_;  // name to uid, acknowledged and not asked to go
  std::vector<std::string> used_names_;
  std::set<std::string> bound_by_hand_;
  int64_t next_pod_ = 0;
  int64_t in_flight_ = 0;
  bool stopped_ = false;
  Lifetime alive_;
};

}  // namespace berth::sim
