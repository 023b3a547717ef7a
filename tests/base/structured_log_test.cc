#include "base/structured_log.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/log.h"

namespace berth {
namespace {

std::string Text(std::string_view message, std::initializer_list<LogField> fields) {
  return EntryText(message, nullptr, fields);
}

TEST(StructuredLogTest, KlogsText) {
  EXPECT_EQ(Text("Attempting to schedule pod", {{"pod", "default/web-1"}}),
            R"("Attempting to schedule pod" pod="default/web-1")");
  const std::string node = "n1";
  EXPECT_EQ(Text("Successfully bound pod to node",
                 {{"node", node}, {"evaluatedNodes", 5}, {"feasibleNodes", int64_t{3}}}),
            R"("Successfully bound pod to node" node="n1" evaluatedNodes=5 feasibleNodes=3)");
  EXPECT_EQ(Text("m", {}), R"("m")");
  EXPECT_EQ(Text("m", {{"yes", true}, {"no", false}, {"size", size_t{7}}}),
            R"("m" yes=true no=false size=7)");
  EXPECT_EQ(Text("m", {{"list", std::vector<std::string>{"a", "b \"c\""}},
                       {"none", std::vector<std::string>{}}}),
            R"("m" list=["a","b \"c\""] none=[])");
  EXPECT_EQ(Text("m", {{"quoted", "say \"x\"\\\t\x01\x7f é"}}),
            R"("m" quoted="say \"x\"\\\t\x01\x7f é")");
}

TEST(StructuredLogTest, SeveralLinesAreShownAsLines) {
  EXPECT_EQ(Text("dump", {{"nodes", "a\nb\n"}, {"more", "x"}}),
            "\"dump\" nodes=<\n\ta\n\tb\n > more=\"x\"");
  EXPECT_EQ(Text("dump", {{"nodes", "a\n\n > no=\"end\""}}),
            "\"dump\" nodes=<\n\ta\n\t\n\t > no=\"end\"\n >");
}

TEST(StructuredLogTest, Json) {
  const LogPlace place{"framework/cycle/failure.cc", 54};
  EXPECT_EQ(EntryJson(place, "Unable", nullptr, 2,
                      {{"pod", "d/p"}, {"n", 1}, {"b", true}, {"text", "a\n\"\x01"}}),
            R"("caller":"failure.cc:54","msg":"Unable","v":2,"pod":"d/p","n":1,"b":true,)"
            R"("text":"a\n\"\u0001"})");
  const std::string_view error = "it broke";
  EXPECT_EQ(EntryJson(place, "Error scheduling pod; retrying", &error, -1, {{"pod", "d/p"}}),
            R"("caller":"failure.cc:54","msg":"Error scheduling pod; retrying",)"
            R"("err":"it broke","pod":"d/p"})");
}

// Where all entries go while it is there.
class LogTest : public ::testing::Test {
 protected:
  LogTest() { LogToStream(&stream_); }
  ~LogTest() override {
    SetLogFormat(LogFormat::kText);
    SetVerbosity(0);
    LogToStream(nullptr);
  }
  std::string Take() {
    std::string text = stream_.str();
    stream_.str("");
    return text;
  }
  std::ostringstream stream_;
};

TEST_F(LogTest, LinesHaveKlogsHead) {
  BERTH_INFO(0, "hello", {"a", 1});
  EXPECT_THAT(Take(), ::testing::MatchesRegex(
                          "I[0-9][0-9][0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]\\.[0-9]+ +[0-9]+ "
                          "structured_log_test\\.cc:[0-9]+\\] \"hello\" a=1\n"));
  BERTH_FAILURE("no", "hello");
  EXPECT_THAT(Take(), ::testing::MatchesRegex("E.*\\] \"hello\" err=\"no\"\n"));
  BERTH_FAILURE("", "hello", {"a", 1});
  EXPECT_THAT(Take(), ::testing::MatchesRegex("E.*\\] \"hello\" a=1\n"));
  BERTH_LOG(kWarning, "plain words key={}", 3);
  EXPECT_THAT(Take(), ::testing::MatchesRegex("W.*_test\\.cc:[0-9]+\\] plain words key=3\n"));
}

TEST_F(LogTest, JsonLinesAreObjects) {
  SetLogFormat(LogFormat::kJson);
  BERTH_INFO(0, "hello", {"a", 1});
  EXPECT_THAT(Take(), ::testing::MatchesRegex(
                          "\\{\"ts\":[0-9]+\\.[0-9]+,\"caller\":\"structured_log_test\\.cc:"
                          "[0-9]+\",\"msg\":\"hello\",\"v\":0,\"a\":1\\}\n"));
  BERTH_LOG(kWarning, "plain \"words\"");
  EXPECT_THAT(Take(), ::testing::HasSubstr("\"msg\":\"plain \\\"words\\\"\",\"v\":0}\n"));
  BERTH_LOG(kError, "plain");
  EXPECT_THAT(Take(), ::testing::HasSubstr("\"msg\":\"plain\"}\n")) << "errors have no verbosity";
}

TEST_F(LogTest, WhatIsTooVerboseIsNotEvaluated) {
  int evaluated = 0;
  const auto value = [&] { return ++evaluated; };
  BERTH_INFO(2, "hello", {"a", value()});
  EXPECT_EQ(Take(), "");
  EXPECT_EQ(evaluated, 0);
  SetVerbosity(2);
  BERTH_INFO(2, "hello", {"a", value()});
  BERTH_INFO(3, "hello", {"a", value()});
  EXPECT_EQ(evaluated, 1);
  EXPECT_FALSE(LogEnabled(Severity::kDebug));
  SetVerbosity(4);
  EXPECT_TRUE(LogEnabled(Severity::kDebug));
}

}  // namespace
}  // namespace berth
