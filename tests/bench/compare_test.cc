#include "bench/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace berth::bench {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr CompareOptions kDefaults;

Figure Rate(std::vector<double> values) { return {"pods/s", Better::kHigher, std::move(values)}; }

Result Basic(std::vector<double> pods_per_second, double loop_ms = 10) {
  Result out;
  out.name = "SchedulingBasic/5Nodes/namespace-2";
  out.topic = "misc";
  out.repetitions = static_cast<int>(pods_per_second.size());
  out.settings = {{"store", "rocksdb"}, {"tie_break", "RoundRobin"}};
  out.machine = {{"cores", "2"}};
  out.figures[std::string(kCalibration)] = {
      "ms", Better::kNeither, std::vector<double>(pods_per_second.size(), loop_ms)};
  out.figures[std::string(kPodsPerSecond)] = Rate(std::move(pods_per_second));
  return out;
}

TEST(JudgeTest, Verdicts) {
  const Figure before = Rate({100, 101, 102, 103, 104});
  const struct { const char* name; Figure after; Verdict want; } cases[] = {
      {"equal", before, Verdict::kSame},
      {"too small to matter", Rate({104.1, 104.2, 104.3, 104.4, 104.5}), Verdict::kSame},
      {"within noise", Rate({80, 95, 98, 103.5, 130}), Verdict::kSame},
      {"better", Rate({110, 111, 112, 113, 114}), Verdict::kBetter},
      {"worse", Rate({80, 81, 82, 83, 84}), Verdict::kWorse},
      {"too few", Rate({50, 51, 52}), Verdict::kUnknown},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Judge(before, c.after, kDefaults), c.want) << c.name;
  }
  const Figure low{"ms", Better::kLower, {1, 2, 3, 4}}, high{"ms", Better::kLower, {5, 6, 7, 8}};
  EXPECT_EQ(Judge(low, high, kDefaults), Verdict::kWorse);
  const Figure few{"nodes", Better::kNeither, {1, 1, 1, 1}};
  const Figure many{"nodes", Better::kNeither, {2, 2, 2, 2}};
  EXPECT_EQ(Judge(few, many, kDefaults), Verdict::kChanged);
  // Of shares, points count: from 0.1 % to 0.2 % is nothing.
  const Figure a{"share", Better::kLower, {.001, .001, .001, .001}};
  const Figure b{"share", Better::kLower, {.002, .002, .002, .002}};
  const Figure c{"share", Better::kLower, {.02, .02, .02, .02}};
  EXPECT_EQ(Judge(a, b, kDefaults), Verdict::kSame);
  EXPECT_EQ(Judge(a, c, kDefaults), Verdict::kWorse);
}

TEST(CompareTest, SaysWhatDiffersBesideTheFigures) {
  Result after = Basic({50, 51, 52, 53});
  after.settings["store"] = "memory";
  const Comparison comparison = Compare({Basic({100, 101, 102, 103})}, {after}, kDefaults);
  EXPECT_THAT(comparison.text, HasSubstr("store: rocksdb -> memory"));
  EXPECT_THAT(comparison.text, Not(HasSubstr("tie_break")));
  EXPECT_THAT(comparison.text, HasSubstr("WORSE"));
  EXPECT_THAT(comparison.text, HasSubstr("0 better, 1 worse"));
  EXPECT_TRUE(comparison.passed);  // nothing was demanded
}

// The machine was half as fast the second time, the scheduler as good.
TEST(CompareTest, CalibratedTakesOutTheMachine) {
  const std::vector<Result> before = {Basic({100, 101, 102, 103}, 10)};
  const std::vector<Result> after = {Basic({50, 50.5, 51, 51.5}, 20)};
  EXPECT_THAT(Compare(before, after, kDefaults).text, HasSubstr("2.00 times as long"));
  EXPECT_THAT(Compare(before, after, kDefaults).text, HasSubstr("1 worse"));
  CompareOptions options;
  options.calibrated = true;
  options.fail_beyond = 1.5;
  const Comparison calibrated = Compare(before, after, options);
  EXPECT_THAT(calibrated.text, HasSubstr("0 worse"));
  EXPECT_TRUE(calibrated.passed);
  options.calibrated = false;
  EXPECT_FALSE(Compare(before, after, options).passed);
}

TEST(CompareTest, FailsWhenAWorkloadOrItsScenarioIsGone) {
  CompareOptions options;
  options.fail_beyond = 2;
  const std::vector<Result> before = {Basic({100})};
  EXPECT_TRUE(Compare(before, {Basic({51})}, options).passed);
  EXPECT_FALSE(Compare(before, {Basic({49})}, options).passed);
  EXPECT_FALSE(Compare(before, {}, options).passed);
  Result after = Basic({100});
  after.missing = {"no pod was preempted"};
  EXPECT_FALSE(Compare(before, {after}, options).passed);
  EXPECT_TRUE(Compare({after}, {after}, options).passed);
}

TEST(ResultsTest, ReadBackAsWritten) {
  Result result = Basic({100.5, 101});
  result.offered_rate = 2000;
  result.missing = {"no pod was preempted"};
  result.problems = {"too slow"};
  const std::string text = PrintResults({result});
  const auto read = ParseResults(text);
  ASSERT_TRUE(read.ok()) << read.status() << text;
  ASSERT_EQ(read->size(), 1u);
  const Result& got = read->front();
  EXPECT_EQ(got.name, result.name);
  EXPECT_EQ(got.offered_rate, 2000);
  EXPECT_EQ(got.repetitions, 2);
  EXPECT_EQ(got.settings, result.settings);
  EXPECT_EQ(got.machine, result.machine);
  EXPECT_EQ(got.missing, result.missing);
  EXPECT_EQ(got.problems, result.problems);
  EXPECT_EQ(got.figures.at(std::string(kPodsPerSecond)).values, (std::vector<double>{100.5, 101}));
  EXPECT_EQ(got.figures.at(std::string(kPodsPerSecond)).better, Better::kHigher);
  EXPECT_THAT(text, HasSubstr("\"dataItems\""));
  EXPECT_FALSE(ParseResults("{}").ok());
  EXPECT_FALSE(ParseResults("[").ok());
}

}  // namespace
}  // namespace berth::bench
