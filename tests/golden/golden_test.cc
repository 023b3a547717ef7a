// Cases recorded from kube-scheduler, when they lie beside the repository, and some of our own.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/golden/case_runner.h"

namespace berth::golden {
namespace {

namespace fs = std::filesystem;

// fit-0015: a pod-level request that is no whole number ("4.74Gi") and an overhead. Upstream adds
// the overhead to the pod's own quantity again each time it sums the requests, so that its score
// depends on how often it did; we add it once.
constexpr const char* kDifferentOnPurpose[] = {"fit-0015"};

void CheckFolder(const fs::path& folder, Engine engine) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  int passed = 0, cells = 0;
  int64_t checked = 0;
  for (const fs::path& file : files) {
    std::ifstream in(file);
    std::stringstream text;
    text << in.rdbuf();
    auto test_case = api::JsonValue::Parse(text.str());
    ASSERT_TRUE(test_case.ok()) << file;
    const std::string name = folder.filename().string() + "-" + file.stem().string();
    if (std::find(std::begin(kDifferentOnPurpose), std::end(kDifferentOnPurpose), name) !=
        std::end(kDifferentOnPurpose)) {
      fmt::print("{}: different on purpose\n", name);
      continue;
    }
    const CaseResult result = RunCase(*test_case, engine);
    cells += result.cells;
    checked += result.checked;
    passed += result.differences.empty() ? 1 : 0;
    for (const std::string& difference : result.differences) {
      ADD_FAILURE() << file.filename().string() << ": " << difference;
    }
  }
  fmt::print("{}: {} of {} cases, {} cells, {} shared decisions checked\n",
             folder.filename().string(), passed, files.size(), cells, checked);
  EXPECT_EQ(checked > 0, engine != Engine::kPlain);
  EXPECT_FALSE(files.empty());
}

// A small set of our own making, in the form of the recorded cases.
TEST(OwnCasesTest, EveryCase) {
  for (const Engine engine : {Engine::kPlain, Engine::kCold, Engine::kWarm}) {
    CheckFolder(fs::path(BERTH_SOURCE_DIR) / "tests" / "golden" / "cases", engine);
  }
}

class GoldenTest : public ::testing::TestWithParam<std::tuple<const char*, Engine>> {};

TEST_P(GoldenTest, EveryCaseOfTheFamily) {
  const fs::path folder =
      fs::path(BERTH_SOURCE_DIR) / ".." / "shared" / "golden" / std::get<0>(GetParam());
  if (!fs::is_directory(folder)) GTEST_SKIP() << "no recorded cases beside the repository";
  CheckFolder(folder, std::get<1>(GetParam()));
}

constexpr const char* kFamilies[] = {
    "fit", "taint", "nodeaffinity", "nodename_ports", "image", "nominated", "mixed", "big", "odd",
    "interpod", "spread", "default_spread", "volume", "dra", "preempt", "sequence"};
constexpr const char* kEngines[] = {"plain", "cold", "warm"};  // by Engine

INSTANTIATE_TEST_SUITE_P(
    Families, GoldenTest,
    ::testing::Combine(::testing::ValuesIn(kFamilies),
                       ::testing::Values(Engine::kPlain, Engine::kCold, Engine::kWarm)),
    [](const auto& test) {
      return fmt::format("{}_{}", std::get<0>(test.param),
                         kEngines[static_cast<size_t>(std::get<1>(test.param))]);
    });

}  // namespace
}  // namespace berth::golden
