#include "bench/scheduler_perf/throughput.h"

#include <gtest/gtest.h>

namespace berth::bench {
namespace {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

TEST(ThroughputCollectorTest, SamplesAsUpstreamDoes) {
  ThroughputCollector collector;
  collector.Tick(At(0), 0);     // nothing yet
  collector.Tick(At(1), 100);   // starts the clock, no sample
  collector.Tick(At(2), 300);   // 200/s
  collector.Tick(At(3), 300);   // no progress: made up for below
  collector.Tick(At(4), 700);   // 400 in 2 s, twice
  EXPECT_EQ(collector.samples(), (std::vector<double>{200, 200, 200}));
}

TEST(SummarizeTest, PercentilesByRank) {
  const auto data = Summarize({40, 10, 30, 20});
  EXPECT_DOUBLE_EQ(data.at("Average"), 25);
  EXPECT_DOUBLE_EQ(data.at("Perc50"), 20);
  EXPECT_DOUBLE_EQ(data.at("Perc90"), 40);
  EXPECT_DOUBLE_EQ(data.at("Perc99"), 40);
  EXPECT_TRUE(Summarize({}).empty());
}

TEST(DataItemsTest, EveryItemCarriesEveryLabel) {
  const std::string text = PrintDataItems({
      {{{"Average", 312.5}}, "pods/s", {{"Name", "a/b"}}},
      {{}, "ms", {{"Name", "c"}, {"extension_point", "Filter"}}},
  });
  EXPECT_NE(text.find("\"Average\": 312.5"), std::string::npos) << text;
  EXPECT_NE(text.find("\"extension_point\": \"not applicable\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"version\": \"v1\""), std::string::npos) << text;
}

}  // namespace
}  // namespace berth::bench
