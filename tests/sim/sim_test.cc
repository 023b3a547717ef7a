// The cluster under many seeds.
//   BERTH_SIM_SEED=17 sim_test        one seed, its story printed as it goes
//   BERTH_SIM_SEEDS=1000 sim_test     seeds 1 to 1000 (BERTH_FULL=1: the same); default 100
#include <cstdlib>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/sim/sim_cluster.h"

namespace berth::sim {
namespace {

uint64_t NumberFrom(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string Report(const SimOptions& options, const SimResult& result) {
  std::string out = options.ToString() + "\n";
  for (const std::string& line : result.story) out += line + "\n";
  for (const std::string& problem : result.problems) out += "PROBLEM " + problem + "\n";
  return out + fmt::format("rerun: BERTH_SIM_SEED={} build/release/bin/sim_test", options.seed);
}

SimResult RunSeed(uint64_t seed, Probes& probes, bool echo = false) {
  SimCluster cluster(SimOptions::FromSeed(seed), probes);
  return cluster.Run(echo);
}

TEST(SimTest, SeedsKeepTheInvariantsAndComeToRest) {
  if (std::getenv("BERTH_SIM_SEED") == nullptr) LogToFile("/dev/null");
  Probes probes;
  if (const uint64_t seed = NumberFrom("BERTH_SIM_SEED", 0); seed != 0) {
    const SimResult result = RunSeed(seed, probes, true);
    ASSERT_TRUE(result.problems.empty()) << Report(SimOptions::FromSeed(seed), result);
    return;
  }
  const uint64_t seeds =
      NumberFrom("BERTH_SIM_SEEDS", NumberFrom("BERTH_FULL", 0) != 0 ? 1000 : 100);
  int64_t steps = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const SimResult result = RunSeed(seed, probes);
    steps += result.steps;
    EXPECT_TRUE(result.problems.empty()) << Report(SimOptions::FromSeed(seed), result);
    if (seed % 10 != 0) continue;
    Probes ignored;
    const SimResult again = RunSeed(seed, ignored);
    EXPECT_EQ(result.hash, again.hash) << "seed " << seed << " ran otherwise the second time";
    EXPECT_EQ(result.content_hash, again.content_hash) << "seed " << seed;
  }
  fmt::print("{} seeds, {} steps\n", seeds, steps);
  for (const auto& [name, count] : probes.counts()) fmt::print("{:>10} {}\n", count, name);
}

}  // namespace
}  // namespace berth::sim
