#include "cluster/apiserver/warning_headers.h"

#include <string>
#include <vector>

#include <fmt/core.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::apiserver {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(WarningHeadersTest, QuotedOnceAndOnlyWhatAHeaderCarries) {
  EXPECT_THAT(WarningHeaders({"a", "say \"b\\c\"", "", "a", "line\nfeed", "\xff", "caf\xc3\xa9"}),
              ElementsAre(R"(299 - "a")", R"(299 - "say \"b\\c\"")", "299 - \"caf\xc3\xa9\""));
  EXPECT_THAT(WarningHeaders({}), IsEmpty());
}

TEST(WarningHeadersTest, ManyAreCut) {
  std::vector<std::string> texts;
  for (int i = 0; i < 10; ++i) texts.push_back(fmt::format("{}{}", i, std::string(399, 'x')));
  EXPECT_EQ(WarningHeaders(texts).size(), 10U);  // 4,000 runes: whole
  EXPECT_EQ(WarningHeaders(texts)[9].size(), 400 + std::string(R"(299 - "")").size());
  for (int i = 10; i < 30; ++i) texts.push_back(fmt::format("{}{}", i, std::string(398, 'x')));
  const auto cut = WarningHeaders(texts);
  EXPECT_EQ(cut.size(), 16U);  // of 256 runes each
  for (const std::string& header : cut) {
    EXPECT_EQ(header.size(), 256 + std::string(R"(299 - "")").size());
  }
}

TEST(WarningHeadersTest, CutBetweenRunes) {
  std::vector<std::string> texts;
  for (int i = 0; i < 20; ++i) {
    std::string text = std::to_string(i % 10) + std::to_string(i / 10);
    for (int j = 0; j < 300; ++j) text += "\xc3\xa9";
    texts.push_back(text);
  }
  const auto cut = WarningHeaders(texts);
  ASSERT_EQ(cut.size(), 16U);
  EXPECT_EQ(cut[0].size(), 2 + 2 * 254 + std::string(R"(299 - "")").size());
}

}  // namespace
}  // namespace berth::apiserver
