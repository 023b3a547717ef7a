// Cases recorded from kube-scheduler, when they lie beside the repository.
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "tests/scheduler_main/config_cases.h"

namespace berth::scheduler {
namespace {

TEST(ConfigGoldenTest, EveryRecordedCase) {
  std::ifstream file(BERTH_SOURCE_DIR "/../shared/golden_config/cases.jsonl");
  if (!file) GTEST_SKIP() << "no recorded cases beside the repository";
  int cases = 0;
  int passed = 0;
  std::string line;
  while (std::getline(file, line)) {
    auto test_case = api::JsonValue::Parse(line);
    ASSERT_TRUE(test_case.ok());
    ++cases;
    const std::string difference = testing::RunCase(*test_case);
    if (difference.empty()) {
      ++passed;
    } else {
      ADD_FAILURE() << test_case->Find("name")->string() << "\n" << difference;
    }
  }
  RecordProperty("cases", cases);
  RecordProperty("passed", passed);
  EXPECT_GT(cases, 0);
}

}  // namespace
}  // namespace berth::scheduler
