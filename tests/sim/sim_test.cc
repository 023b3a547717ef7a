// The cluster under many seeds.
//   BERTH_SIM_SEED=17 sim_test        one seed, its story printed as it goes
//   BERTH_SIM_SEEDS=1000 sim_test     seeds 1 to 1000 (BERTH_FULL=1: the same); default 100
//   BERTH_SIM_FIRST=101               starts there instead
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/sim/sim_cluster.h"

namespace berth::sim {
namespace {

constexpr uint64_t kRerunOneIn = 10;
constexpr std::string_view kTestName = "SimTest.SeedsKeepTheInvariantsAndComeToRest";

// What all seeds together must have reached.
constexpr std::string_view kReached[] = {
    "410 in a watch",
    "answer 404 NotFound",
    "answer 409 AlreadyExists",
    "answer 503 ServiceUnavailable",
    "binding refused: node full",
    "binding repeated",
    "bookmark",
    "crash: agent",
    "crash: scheduler",
    "crash: server",
    "initial list ended",
    "message delayed",
    "node shrunk",
    "operation: bind by hand",
    "operation: delete",
    "operation: force delete",
    "operation: remove node",
    "partition",
    "pod bound",
    "pod bound to an absent node",
    "pod put on a node by hand",
    "pod running",
    "pod too big, and says so",
    "refused: another uid",
    "relist",
    "request lost",
    "request repeated",
    "response lost",
    "store compacted",
    "store watch lost",
    "stream cut",
    "stream stalled",
    "watch refused 503",
    "write conflict",
};

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

std::string HashLine(const SimResult& result) {
  return fmt::format("hash {:016x} {:016x}\n", result.hash, result.content_hash);
}

// The seed in a process of its own, where memory lies elsewhere and hash tables are ordered
// otherwise.
std::string HashLineOfAnotherProcess(uint64_t seed) {
  const std::string command = fmt::format(
      "BERTH_SIM_SEED={} BERTH_SIM_QUIET=1 {} --gtest_filter={}", seed,
      std::filesystem::read_symlink("/proc/self/exe").string(), kTestName);
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return "not started";
  std::string found;
  std::array<char, 512> line;
  while (std::fgets(line.data(), static_cast<int>(line.size()), pipe) != nullptr) {
    if (std::string_view(line.data()).starts_with("hash ")) found = line.data();
  }
  pclose(pipe);
  return found;
}

void RunOne(uint64_t seed, bool quiet) {
  if (quiet) LogToFile("/dev/null");
  Probes probes;
  const SimResult result = RunSeed(seed, probes, !quiet);
  fmt::print("{}", HashLine(result));
  EXPECT_TRUE(result.problems.empty()) << Report(SimOptions::FromSeed(seed), result);
}

TEST(SimTest, SeedsKeepTheInvariantsAndComeToRest) {
  if (const uint64_t seed = NumberFrom("BERTH_SIM_SEED", 0); seed != 0) {
    return RunOne(seed, NumberFrom("BERTH_SIM_QUIET", 0) != 0);
  }
  LogToFile("/dev/null");
  const bool full = NumberFrom("BERTH_FULL", 0) != 0;
  const uint64_t seeds = NumberFrom("BERTH_SIM_SEEDS", full ? 1000 : 100);
  const uint64_t first = NumberFrom("BERTH_SIM_FIRST", 1);
  Probes probes;
  int64_t steps = 0;
  absl::Duration longest_rest;
  for (uint64_t seed = first; seed < first + seeds; ++seed) {
    const SimResult result = RunSeed(seed, probes);
    steps += result.steps;
    longest_rest = std::max(longest_rest, result.rest_after);
    EXPECT_TRUE(result.problems.empty()) << Report(SimOptions::FromSeed(seed), result);
    if (seed % kRerunOneIn == 0) {
      EXPECT_EQ(HashLineOfAnotherProcess(seed), HashLine(result))
          << "seed " << seed << " ran otherwise in another process";
    }
  }
  fmt::print("{} seeds, {} steps, at rest after {} s at most\n", seeds, steps,
             absl::ToInt64Seconds(longest_rest));
  for (const auto& [name, count] : probes.counts()) fmt::print("{:>10} {}\n", count, name);
  if (seeds < 100) return;
  for (const std::string_view name : kReached) {
    EXPECT_GT(probes.Count(name), 0) << "no seed reached: " << name;
  }
}

}  // namespace
}  // namespace berth::sim
