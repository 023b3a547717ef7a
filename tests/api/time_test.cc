#include <limits>

#include <gtest/gtest.h>

#include "api/duration.h"
#include "api/time_text.h"
#include "base/strings.h"

namespace berth::api {
namespace {

std::string Text(int64_t seconds) {
  char buffer[kTimeTextMax];
  return std::string(buffer, WriteTime(seconds, buffer));
}

TEST(TimeTextTest, WritesAndReadsTheSameInstant) {
  const struct {
    int64_t seconds;
    std::string_view text;
  } cases[] = {
      {0, "1970-01-01T00:00:00Z"},
      {951782400, "2000-02-29T00:00:00Z"},
      {1709251199, "2024-02-29T23:59:59Z"},
      {-1, "1969-12-31T23:59:59Z"},
      {4102444800, "2100-01-01T00:00:00Z"},
      {-62135596800, "0001-01-01T00:00:00Z"},
      {253402300799, "9999-12-31T23:59:59Z"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Text(c.seconds), c.text);
    auto got = ParseTime(c.text);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(got->seconds, c.seconds) << c.text;
  }
  for (int64_t day = -800000; day < 800000; day += 37) {
    const int64_t seconds = day * 86400 + (day * 7919) % 86400;
    if (seconds < -62135596800) continue;
    EXPECT_EQ(ParseTime(Text(seconds))->seconds, seconds);
  }
}

TEST(TimeTextTest, ExtremesFitTheBuffer) {
  for (int64_t seconds :
       {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()}) {
    char buffer[kTimeTextMax];
    EXPECT_LE(WriteMicroTime(seconds, std::numeric_limits<int32_t>::max(), buffer) - buffer,
              static_cast<std::ptrdiff_t>(kTimeTextMax));
  }
}

TEST(TimeTextTest, ZonesAndFractions) {
  EXPECT_EQ(ParseTime("1970-01-01T02:00:00+02:00")->seconds, 0);
  EXPECT_EQ(ParseTime("1969-12-31T18:30:00-05:30")->seconds, 0);
  EXPECT_EQ(ParseTime("1970-01-01T00:00:01.25Z")->nanos, 250000000);
  EXPECT_EQ(ParseMicroTime("1970-01-01T00:00:01.000002Z")->nanos, 2000);
  EXPECT_FALSE(ParseMicroTime("1970-01-01T00:00:01Z").ok());
  EXPECT_FALSE(ParseMicroTime("1970-01-01T00:00:01.123Z").ok());
}

TEST(TimeTextTest, Refusals) {
  const struct {
    std::string_view text, want;
  } cases[] = {
      {"abc",
       "parsing time \"abc\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"abc\" as \"2006\""},
      {"", "parsing time \"\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"2006\""},
      {"2024-13-01T00:00:00Z", "parsing time \"2024-13-01T00:00:00Z\": month out of range"},
      {"2023-02-29T00:00:00Z", "parsing time \"2023-02-29T00:00:00Z\": day out of range"},
      {"2024-01-01T00:00:00Zx", "parsing time \"2024-01-01T00:00:00Zx\": extra text: \"x\""},
      {"2024-01-01 00:00:00Z",
       "parsing time \"2024-01-01 00:00:00Z\" as \"2006-01-02T15:04:05Z07:00\": cannot parse "
       "\" 00:00:00Z\" as \"T\""},
  };
  for (const auto& c : cases) EXPECT_EQ(ToStd(ParseTime(c.text).status().message()), c.want);
}

TEST(DurationTest, BothWays) {
  const struct {
    std::string_view text;
    int64_t nanos;
    std::string_view shown;
  } cases[] = {
      {"0", 0, "0s"},
      {"1ns", 1, "1ns"},
      {"1us", 1000, "1\xC2\xB5s"},
      {"1.5ms", 1500000, "1.5ms"},
      {"90s", 90000000000, "1m30s"},
      {"1m", 60000000000, "1m0s"},
      {"1h", 3600000000000, "1h0m0s"},
      {"1h15m30.918s", 4530918000000, "1h15m30.918s"},
      {"-2m", -120000000000, "-2m0s"},
      {".5s", 500000000, "500ms"},
  };
  for (const auto& c : cases) {
    auto got = ParseDuration(c.text);
    ASSERT_TRUE(got.ok()) << got.status();
    EXPECT_EQ(*got, c.nanos) << c.text;
    EXPECT_EQ(FormatDuration(c.nanos), c.shown);
    EXPECT_EQ(*ParseDuration(c.shown), c.nanos);
  }
  EXPECT_EQ(*ParseDuration(FormatDuration(std::numeric_limits<int64_t>::min())),
            std::numeric_limits<int64_t>::min());
}

TEST(DurationTest, Refusals) {
  EXPECT_EQ(ParseDuration("").status().message(), "time: invalid duration \"\"");
  EXPECT_EQ(ParseDuration("x").status().message(), "time: invalid duration \"x\"");
  EXPECT_EQ(ParseDuration("3").status().message(), "time: missing unit in duration \"3\"");
  EXPECT_EQ(ParseDuration("3y").status().message(), "time: unknown unit \"y\" in duration \"3y\"");
  EXPECT_FALSE(ParseDuration("9999999999h").ok());
  EXPECT_FALSE(ParseDuration("99999999999999999999999s").ok());
}

}  // namespace
}  // namespace berth::api
