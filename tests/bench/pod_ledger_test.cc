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
  ledger.Gone("a", "p", At(7));
  ledger.Gone("a", "never", At(7));
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

PodLedger::PodPtr Told(const std::string& name, const std::string& type,
                       const std::string& reason, const std::string& node = {}) {
  auto pod = std::make_shared<api::core::Pod>(*Pod("a", name, node));
  auto& condition = *pod->mutable_status()->add_conditions();
  condition.set_type(type);
  condition.set_reason(reason);
  return pod;
}

TEST(PodLedgerTest, TalliesWhatPodsWereTold) {
  PodLedger ledger;
  ledger.Seen(Told("gated", "PodScheduled", "SchedulingGated"), At(1));
  ledger.Seen(Told("waits", "PodScheduled", "Unschedulable"), At(1));
  ledger.Seen(Told("waits", "PodScheduled", "Unschedulable"), At(2));  // once is enough
  ledger.Seen(Told("victim", "DisruptionTarget", "PreemptionByScheduler", "n"), At(3));
  ledger.Seen(Told("other", "DisruptionTarget", "EvictionByEvictionAPI", "n"), At(3));
  ledger.Gone("a", "victim", At(4));
  const PodTally tally = ledger.Tally();
  EXPECT_EQ(tally.gated, 1);
  EXPECT_EQ(tally.unschedulable, 1);
  EXPECT_EQ(tally.victims, 1);
}

TEST(PodLedgerTest, StaysHaveTheirMoments) {
  PodLedger ledger;
  ledger.Created("a", "p", At(1));
  ledger.Created("a", "p", At(2));  // sent later than it was due
  ledger.Seen(Told("p", "PodScheduled", "Unschedulable"), At(3));
  ledger.Seen(Pod("a", "p", "n"), At(4));
  ledger.Gone("a", "p", At(5));
  ledger.Seen(Pod("a", "q"), At(6));
  const std::vector<PodStay> stays = ledger.Stays();
  ASSERT_EQ(stays.size(), 2u);
  EXPECT_EQ(stays[0].created, At(1));
  EXPECT_EQ(stays[0].refused, At(3));
  EXPECT_EQ(stays[0].scheduled, At(4));
  EXPECT_EQ(stays[0].gone, At(5));
  EXPECT_EQ(stays[0].node, "n");
  EXPECT_EQ(stays[1].scheduled, absl::InfiniteFuture());
  EXPECT_EQ(stays[1].gone, absl::InfiniteFuture());
}

}  // namespace
}  // namespace berth::bench
