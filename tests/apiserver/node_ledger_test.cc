#include "cluster/apiserver/node_ledger.h"

#include <gtest/gtest.h>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::apiserver {
namespace {

using Verdict = NodeLedger::Verdict;

api::core::Node NodeForPods(int64_t pods) {
  api::core::Node node;
  (*node.mutable_status()->mutable_allocatable())["pods"].set_string(std::to_string(pods));
  return node;
}

api::core::Pod PodOf(const std::string& uid, const std::string& node = {}) {
  api::core::Pod pod;
  pod.mutable_metadata()->set_uid(uid);
  pod.mutable_spec()->set_node_name(node);
  return pod;
}

// A patch of the pod's status may be seen while its binding is on its way.
TEST(NodeLedgerTest, AnUnboundVersionSeenLateLeavesTheReservation) {
  NodeLedger ledger;
  ledger.SetNode("n", NodeForPods(1), 2);
  EXPECT_EQ(ledger.Reserve("a", "n", {}).verdict, Verdict::kReserved);
  ledger.Confirm(PodOf("a"), 3);
  EXPECT_EQ(ledger.PodCount("n"), 1);
  EXPECT_EQ(ledger.Reserve("b", "n", {}).verdict, Verdict::kWait);
  ledger.Settle("a", 4);
  ledger.Confirm(PodOf("a", "n"), 4);
  EXPECT_EQ(ledger.Reserve("b", "n", {}).verdict, Verdict::kRefused);
}

TEST(NodeLedgerTest, AFailedBindingGivesItsReservationBack) {
  NodeLedger ledger;
  ledger.SetNode("n", NodeForPods(1), 2);
  EXPECT_EQ(ledger.Reserve("a", "n", {}).verdict, Verdict::kReserved);
  ledger.Settle("a", 0);
  EXPECT_EQ(ledger.PodCount("n"), 0);
  EXPECT_EQ(ledger.Reserve("b", "n", {}).verdict, Verdict::kReserved);
}

}  // namespace
}  // namespace berth::apiserver
