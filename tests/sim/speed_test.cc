// Faults at speed: more than 5,000 pods a second are created, while answers are lost, requests come
// twice, bindings conflict, nodes go, come back and flap, and processes crash. Nothing is lost, and
// no node takes more than it has: the invariants hold at each step (invariants.h), and once healed
// every pod is where it belongs or says why not (sim_rest.cc).
//   BERTH_FULL=1: ten seeds, half a minute each.
#include <cstdlib>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/sim/sim_cluster.h"

namespace berth::sim {
namespace {

constexpr std::string_view kReached[] = {
    "answer 409 AlreadyExists",
    "binding refused: node full",
    "binding repeated",
    "crash: agent",
    "message delayed",
    "operation: bind by hand",
    "operation: remove node",
    "pod bound",
    "request lost",
    "request repeated",
    "response lost",
};

TEST(SpeedTest, FaultsAtFiveThousandPodsASecondLoseAndOvercommitNothing) {
  LogToFile("/dev/null");
  const bool full = std::getenv("BERTH_FULL") != nullptr;
  const uint64_t seeds = full ? 10 : 1;
  constexpr absl::Duration kBusy = absl::Milliseconds(300);  // of virtual time
  Probes probes;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    SimCluster cluster(SimOptions::AtSpeed(seed, kBusy), probes);
    const SimResult result = cluster.Run();
    const double created_per_second =
        static_cast<double>(result.created) / absl::ToDoubleSeconds(kBusy);
    fmt::print("seed {}: {} pods in {}, {:.0f} a second, {} bound meanwhile; {} steps; at rest "
               "after {}\n",
               seed, result.created, absl::FormatDuration(kBusy), created_per_second,
               result.bound_while_busy, result.steps, absl::FormatDuration(result.rest_after));
    for (const std::string& problem : result.problems) ADD_FAILURE() << seed << ": " << problem;
    EXPECT_GT(created_per_second, 5000) << "not at speed";
    EXPECT_GT(result.bound_while_busy, result.created / 10) << "nobody scheduled meanwhile";
  }
  for (const auto& [name, count] : probes.counts()) fmt::print("{:>10} {}\n", count, name);
  for (const std::string_view name : kReached) {
    EXPECT_GT(probes.Count(name), 0) << "no seed reached: " << name;
  }
}

}  // namespace
}  // namespace berth::sim
