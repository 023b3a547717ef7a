// Files: the configurations we ship, and cases recorded from kube-scheduler when they lie beside
// the repository.
#include <filesystem>
#include <fstream>
#include <sstream>
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

TEST(ConfigFilesTest, EveryShippedFileIsComplete) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(BERTH_SOURCE_DIR "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    SCOPED_TRACE(entry.path().string());
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    auto completed = testing::Complete(text.str());
    EXPECT_TRUE(completed.ok()) << completed.status();
    ++files;
  }
  EXPECT_GE(files, 3);
}

}  // namespace
}  // namespace berth::scheduler
