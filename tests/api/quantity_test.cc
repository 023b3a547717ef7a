// Upstream: apimachinery/pkg/api/resource/quantity_test.go (values and canonical forms).
#include "api/quantity.h"

#include <limits>

#include <gtest/gtest.h>

#include "base/strings.h"

namespace berth::api {
namespace {

Quantity Q(std::string_view text) {
  auto value = Quantity::Parse(text);
  EXPECT_TRUE(value.ok()) << text << ": " << value.status();
  return value.ok() ? *value : Quantity();
}

TEST(QuantityTest, CanonicalForm) {
  const struct {
    std::string_view text, want;
  } cases[] = {
      {"0", "0"},
      {"0n", "0"},
      {"0Ki", "0"},
      {"-", "0"},
      {"1Ki", "1Ki"},
      {"8Ki", "8Ki"},
      {"1024Ki", "1Mi"},
      {"1024Mi", "1Gi"},
      {"7Mi", "7Mi"},
      {"6Gi", "6Gi"},
      {"1.5Gi", "1536Mi"},
      {"0.5Gi", "512Mi"},
      {"0.5Ki", "512"},
      {"0.025Ti", "27487790694400m"},
      {"1.1Ki", "1126400m"},
      {"100m", "100m"},
      {"1000m", "1"},
      {"1500m", "1500m"},
      {"0.5", "500m"},
      {"0.25", "250m"},
      {"1.5", "1500m"},
      {"1000", "1k"},
      {"10000", "10k"},
      {"1000000", "1M"},
      {"1k", "1k"},
      {"5000k", "5M"},
      {"12345", "12345"},
      {"1e3", "1e3"},
      {"1000e3", "1e6"},
      {"1E3", "1E3"},
      {"0.001e3", "1"},
      {"-100m", "-100m"},
      {"-1000m", "-1"},
      {"+5", "+5"},
      {"1.500", "1.500"},
      {"0.1n", "1n"},
      {"1.1n", "2n"},
      {"100n", "100n"},
      {".5", "500m"},
      {"5.", "5."},
      {"381952Ki", "373Mi"},
      {"-1Gi", "-1Gi"},
      {"1E", "1E"},
      {"3Ei", "3Ei"},
      {"9223372036854775807", "9223372036854775807"},
  };
  for (const auto& c : cases) {
    auto got = CanonicalQuantityText(c.text);
    ASSERT_TRUE(got.ok()) << c.text << ": " << got.status();
    EXPECT_EQ(*got, c.want) << c.text;
    // What is canonical stays as it is, and parses to the same value.
    EXPECT_EQ(*CanonicalQuantityText(*got), *got) << c.text;
    EXPECT_EQ(Q(*got).Cmp(Q(c.text)), 0) << c.text;
  }
}

TEST(QuantityTest, Refusals) {
  constexpr std::string_view kForm =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  constexpr std::string_view kSuffix = "unable to parse quantity's suffix";
  const struct {
    std::string_view text, want;
  } cases[] = {
      {"", kForm},       {"abc", kForm},
      {"1 Gi", kForm},   {"1.1.1", kForm},
      {"1,5", kForm},    {"--1", kSuffix},
      {" 1", kForm},     {"1Gi ", kForm},
      {"0x10", kForm},   {"\xff", kForm},
      {"1K", kSuffix},   {"1mi", kSuffix},
      {"1Gib", kForm},   {"1e", kSuffix},
      {"1ee5", kSuffix}, {"1+5", kSuffix},
      {"1kk", kSuffix},  {"1i", kSuffix},
      {"1Ki5", kSuffix}, {"e-20", "unable to parse numeric part of quantity"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(ToStd(Quantity::Parse(c.text).status().message()), c.want) << c.text;
    EXPECT_FALSE(CanonicalQuantityText(c.text).ok()) << c.text;
  }
}

TEST(QuantityTest, Values) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const struct {
    std::string_view text;
    int64_t value, milli;
  } cases[] = {
      {"0", 0, 0},
      {"1", 1, 1000},
      {"100m", 1, 100},
      {"1001m", 2, 1001},
      {"1n", 1, 1},
      {"-1n", -1, -1},
      {"-1001m", -2, -1001},
      {"0.5Gi", 1 << 29, 536870912000},
      {"1Ki", 1024, 1024000},
      {"1e3", 1000, 1000000},
      {"8Ei", kMax, kMax},
      {"100E", kMax, kMax},
      {"1e30", kMax, kMax},
      {"1.0001", 2, 1001},
      {"1u", 1, 1},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Q(c.text).Value(), c.value) << c.text;
    EXPECT_EQ(Q(c.text).MilliValue(), c.milli) << c.text;
  }
}

TEST(QuantityTest, Arithmetic) {
  EXPECT_EQ(Q("1").Add(Q("500m")).ToString(), "1500m");
  EXPECT_EQ(Q("1Gi").Add(Q("1Gi")).ToString(), "2Gi");
  EXPECT_EQ(Q("1Gi").Sub(Q("512Mi")).ToString(), "512Mi");
  EXPECT_EQ(Q("1").Sub(Q("2")).ToString(), "-1");
  // A zero takes the other's format.
  EXPECT_EQ(Quantity().Add(Q("2Ki")).ToString(), "2Ki");
  EXPECT_EQ(Q("0Ki").Add(Q("2000")).ToString(), "2k");
  EXPECT_EQ(Quantity::FromMilli(1500).ToString(), "1500m");
  EXPECT_EQ(Quantity::FromInt(1 << 20, QuantityFormat::kBinarySI).ToString(), "1Mi");
  EXPECT_EQ(Quantity::FromInt(1000, QuantityFormat::kBinarySI).ToString(), "1k");
  EXPECT_EQ(Q("1000m"), Q("1"));
  EXPECT_LT(Q("999m"), Q("1"));
  EXPECT_EQ(Q("1Mi").Cmp(Q("1M")), 1);
  EXPECT_EQ(Q("-5").Sign(), -1);
  EXPECT_EQ(Q("1e29").Add(Q("1e29")).Add(Q("1e29")).Sign(), 1);  // saturates, never wraps
}

}  // namespace
}  // namespace berth::api
