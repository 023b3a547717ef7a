#include "bench/scheduler_perf/pod_ledger.h"

#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::bench {
namespace {

absl::Time At(int64_t seconds) { return absl::FromUnixSeconds(seconds); }

PodLedger::PodPtr Pod(const std::string& space, const std::string& name,
                      const std::string& node = {}, bool tried = false,
                      const std::string& type = "x") {
  auto pod = std::make_shared<api::core::Pod>();
  pod->mutable_metadata()->set_namespace_(space);
  pod->mutable_metadata()->set_name(name);
  (*pod->mutable_metadata()->mutable_labels())["type"] = type;
  pod->mutable_spec()->set_node_name(node);
  if (tried) pod->mutable_status()->add_conditions()->set_type("PodScheduled");
  return pod;
}

TEST(PodLedgerTest, CountersFollowThePods) {
  PodLedger ledger;
  ledger.Seen(Pod("a", "early", "n1"), At(1));
  const auto all = ledger.Count({});
  const auto some = ledger.Count({{"a"}, {{"type", "x"}}});
  ledger.Created("a", "p", At(2));
  EXPECT_EQ(ledger.Counts(*some).present, 1);  // sent is not seen
  ledger.Seen(Pod("a", "p"), At(3));
  ledger.Seen(Pod("a", "other", {}, false, "y"), At(3));
  ledger.Seen(Pod("b", "p", {}, true), At(3));
  PodCounts counts = ledger.Counts(*some);
  EXPECT_EQ(counts.present, 2);
  EXPECT_EQ(counts.scheduled, 1);
  EXPECT_EQ(counts.attempted, 1);
  EXPECT_EQ(ledger.Counts(*all).attempted, 2);  // a condition counts as an attempt
  ledger.Seen(Pod("a", "p", "n1"), At(5));
  ledger.Seen(Pod("a", "p", "n1"), At(6));  // nothing new
  counts = ledger.Counts(*some);
  EXPECT_EQ(counts.scheduled, 2);
  EXPECT_EQ(counts.bindings, 1);  // "early" was bound before the count began
  const auto times = ledger.Times(*some);
  ASSERT_EQ(times.size(), 1u);
  EXPECT_EQ(times[0].created, At(2));
  EXPECT_EQ(times[0].scheduled, At(5));
  ledger.Gone("a", "p");
  ledger.Gone("a", "never");
  counts = ledger.Counts(*some);
  EXPECT_EQ(counts.scheduled, 1);
  EXPECT_EQ(counts.bindings, 1);
  EXPECT_EQ(ledger.Counts(PodFilter{{"a"}, {}}).present, 2);
  EXPECT_EQ(ledger.Pods({{"a"}, {{"type", "y"}}}).size(), 1u);
  EXPECT_EQ(ledger.PodsPerNode().at("n1"), 2);
}

TEST(PodLedgerTest, ALabelThatChangesMovesThePod) {
  PodLedger ledger;
  const auto x = ledger.Count({{}, {{"type", "x"}}});
  const auto y = ledger.Count({{}, {{"type", "y"}}});
  ledger.Seen(Pod("a", "p", "n1"), At(1));
  ledger.Seen(Pod("a", "p", "n1", false, "y"), At(2));
  EXPECT_EQ(ledger.Counts(*x).scheduled, 0);
  EXPECT_EQ(ledger.Counts(*y).scheduled, 1);
  EXPECT_EQ(ledger.Counts(*y).bindings, 0);
}

TEST(PodLedgerTest, AwaitSaysWhetherItCame) {
  PodLedger ledger;
  const auto counter = ledger.Count({});
  const auto one = [](const PodCounts& counts) { return counts.present >= 1; };
  EXPECT_FALSE(ledger.Await(*counter, one, absl::ZeroDuration()));
  ledger.Seen(Pod("a", "p"), At(1));
  EXPECT_TRUE(ledger.Await(*counter, one, absl::ZeroDuration()));
}

}  // namespace
}  // namespace berth::bench
