#include "cluster/apiserver/node_ledger.h"

#include <map>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/random.h"

namespace berth::apiserver {
namespace {

using Verdict = NodeLedger::Verdict;

api::core::Node MakeNode(int64_t cpu_milli, int64_t pods) {
  api::core::Node node;
  EXPECT_TRUE(api::ParseJson(fmt::format(R"({{"status":{{"allocatable":{{"cpu":"{}m","memory":)"
                                         R"("64Gi","pods":"{}","example.com/gpu":"2"}}}}}})",
                                         cpu_milli, pods),
                             node).ok());
  return node;
}

api::core::Pod MakePod(std::string_view uid, int64_t cpu_milli, std::string_view node = "",
                       int port = 0) {
  api::core::Pod pod;
  EXPECT_TRUE(api::ParseJson(
                  fmt::format(R"({{"metadata":{{"uid":"{}","generation":1}},"spec":{{"nodeName":)"
                              R"("{}","containers":[{{"name":"c","resources":{{"requests":)"
                              R"({{"cpu":"{}m"}}}},"ports":[{{"containerPort":1,"hostPort":{}}}]}})"
                              R"(]}}}})",
                              uid, node, cpu_milli, port),
                  pod).ok());
  return pod;
}

TEST(NodeLedgerTest, ReserveConfirmRelease) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 10), 5);
  EXPECT_EQ(ledger.Reserve("a", "n", LoadOf(MakePod("a", 700))).verdict, Verdict::kReserved);
  // The room may come back: wait.
  EXPECT_EQ(ledger.Reserve("b", "n", LoadOf(MakePod("b", 700))).verdict, Verdict::kWait);
  bool woken = false;
  ledger.OnSettled("n", [&] { woken = true; });
  ledger.Settle("a", 9);
  EXPECT_TRUE(woken);
  const NodeLedger::Outcome refused = ledger.Reserve("b", "n", LoadOf(MakePod("b", 700)));
  EXPECT_EQ(refused.verdict, Verdict::kRefused);
  EXPECT_EQ(refused.shortage.pods_revision, 9);
  EXPECT_EQ(refused.shortage.node_revision, 5);
  EXPECT_EQ(refused.shortage.Reasons(), std::vector<std::string>{"Insufficient cpu"});
  ledger.Release("a", 10);
  EXPECT_EQ(ledger.Reserve("b", "n", LoadOf(MakePod("b", 700))).verdict, Verdict::kReserved);
  ledger.Settle("b", 0);  // the write failed
  EXPECT_EQ(ledger.PodCount("n"), 0);
  EXPECT_TRUE(ledger.Used("n").IsZero());
}

// What was put there by hand may ask for more than int64_t can count: the node is full, no less.
TEST(NodeLedgerTest, AbsurdPodsFillANode) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 10), 1);
  for (const char* uid : {"x", "y"}) {
    PodLoad load;
    load.requests.milli_cpu = int64_t{5} << 60;
    ledger.ForceReserve(uid, "n", load);
    ledger.Settle(uid, 2);
  }
  EXPECT_EQ(ledger.Reserve("a", "n", LoadOf(MakePod("a", 1))).verdict, Verdict::kRefused);
  ledger.Release("x", 3);
  EXPECT_EQ(ledger.Reserve("a", "n", LoadOf(MakePod("a", 1))).verdict, Verdict::kRefused);
  ledger.Release("y", 4);
  EXPECT_EQ(ledger.Reserve("a", "n", LoadOf(MakePod("a", 1000))).verdict, Verdict::kReserved);
}

TEST(NodeLedgerTest, APodIsBoundOnceAtATime) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 10), 1);
  ledger.SetNode("m", MakeNode(1000, 10), 1);
  EXPECT_EQ(ledger.Reserve("a", "n", LoadOf(MakePod("a", 100))).verdict, Verdict::kReserved);
  const NodeLedger::Outcome second = ledger.Reserve("a", "m", LoadOf(MakePod("a", 100)));
  EXPECT_EQ(second.verdict, Verdict::kWait);
  EXPECT_EQ(second.wait_node, "n");
  EXPECT_EQ(ledger.PodCount("n"), 1);
  EXPECT_EQ(ledger.PodCount("m"), 0);
}

// What the node has none of may come from devices; what it has must be enough.
TEST(NodeLedgerTest, ExtendedResourcesThatDevicesMayGive) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 10), 1);
  const auto wants = [&](std::string_view resource, int64_t amount) {
    PodLoad load;
    load.requests.scalars.emplace_back(Symbol::Intern(resource), amount);
    return ledger.Check("a", "n", load).verdict;
  };
  EXPECT_EQ(wants("example.com/gpu", 3), Verdict::kRefused);
  EXPECT_EQ(wants("example.com/other", 1), Verdict::kReserved);
  EXPECT_EQ(wants("deviceclass.resource.kubernetes.io/gpu", 1), Verdict::kReserved);
  EXPECT_EQ(wants("hugepages-2Mi", 1), Verdict::kRefused);
}

// A patch of the pod's status may be seen while its binding is on its way.
TEST(NodeLedgerTest, AnUnboundVersionSeenLateLeavesTheReservation) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 1), 2);
  EXPECT_EQ(ledger.Reserve("a", "n", {}).verdict, Verdict::kReserved);
  ledger.Confirm(MakePod("a", 1), 3);
  EXPECT_EQ(ledger.PodCount("n"), 1);
  EXPECT_EQ(ledger.Reserve("b", "n", {}).verdict, Verdict::kWait);
  ledger.Settle("a", 4);
  ledger.Confirm(MakePod("a", 1, "n"), 4);
  EXPECT_EQ(ledger.Reserve("b", "n", {}).verdict, Verdict::kRefused);
}

TEST(NodeLedgerTest, HostPortsPodCountAndUnknownNodes) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 2), 1);
  ledger.Confirm(MakePod("a", 1, "n", 80), 2);
  EXPECT_TRUE(ledger.Reserve("b", "n", LoadOf(MakePod("b", 1, "", 80))).shortage.host_ports);
  EXPECT_EQ(ledger.Reserve("c", "n", LoadOf(MakePod("c", 1, "", 81))).verdict, Verdict::kReserved);
  ledger.Settle("c", 3);
  EXPECT_EQ(ledger.Reserve("d", "n", LoadOf(MakePod("d", 1))).shortage.Reasons(),
            std::vector<std::string>{"Too many pods"});
  EXPECT_EQ(ledger.Reserve("e", "nowhere", LoadOf(MakePod("e", 9999))).verdict,
            Verdict::kReserved);
}

// A pod that was resized while its binding was on its way, or later.
TEST(NodeLedgerTest, ALoadThatChangesIsCountedAnew) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 10), 1);
  EXPECT_EQ(ledger.Reserve("a", "n", LoadOf(MakePod("a", 100))).verdict, Verdict::kReserved);
  ledger.Confirm(MakePod("a", 900, "n"), 2);
  EXPECT_EQ(ledger.Used("n").milli_cpu, 900);
  EXPECT_EQ(ledger.Reserve("b", "n", LoadOf(MakePod("b", 200))).verdict, Verdict::kRefused);
  api::core::Pod shrinking = MakePod("a", 100, "n");  // not yet: the node still gives it 900m
  auto* status = shrinking.mutable_status()->add_container_statuses();
  status->set_name("c");
  auto& held = (*status->mutable_resources()->mutable_requests())["cpu"];
  held.set_string("900m");
  ledger.Confirm(shrinking, 3);
  EXPECT_EQ(ledger.Used("n").milli_cpu, 900);
  held.set_string("100m");
  ledger.Confirm(shrinking, 4);
  EXPECT_EQ(ledger.Used("n").milli_cpu, 100);
}

TEST(NodeLedgerTest, ANodeThatComesBackStillHasItsPods) {
  NodeLedger ledger;
  ledger.SetNode("n", MakeNode(1000, 10), 1);
  ledger.Confirm(MakePod("a", 800, "n"), 2);
  ledger.RemoveNode("n");
  ledger.SetNode("n", MakeNode(1000, 10), 4);
  EXPECT_EQ(ledger.Reserve("b", "n", LoadOf(MakePod("b", 300))).verdict, Verdict::kRefused);
}

// Whatever the order of reservations, failures, confirmations and releases: the sums are those of
// what is held, and nothing is reserved beyond the node.
TEST(NodeLedgerTest, SumsHold) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    NodeLedger ledger;
    ledger.SetNode("n", MakeNode(4000, 12), 1);
    struct Held {
      int64_t cpu;
      bool in_flight;
    };
    std::map<std::string, Held> held;
    for (int step = 0; step < 400; ++step) {
      const std::string uid = fmt::format("p{}", random.Below(30));
      const auto it = held.find(uid);
      const int64_t cpu = 100 * static_cast<int64_t>(random.Between(1, 9));
      switch (random.Below(4)) {
        case 0: {
          if (it != held.end()) break;
          const auto outcome = ledger.Reserve(uid, "n", LoadOf(MakePod(uid, cpu)));
          if (outcome.verdict == Verdict::kReserved) held[uid] = {cpu, true};
          break;
        }
        case 1:
          if (it == held.end() || !it->second.in_flight) break;
          if (random.Chance(0.5)) {
            ledger.Settle(uid, step);
            it->second.in_flight = false;
          } else {
            ledger.Settle(uid, 0);
            held.erase(it);
          }
          break;
        case 2:
          if (it == held.end()) break;
          ledger.Confirm(MakePod(uid, it->second.cpu, "n"), step);
          it->second.in_flight = false;
          break;
        case 3:
          ledger.Release(uid, step);
          held.erase(uid);
          break;
      }
      int64_t sum = 0;
      for (const auto& [name, pod] : held) sum += pod.cpu;
      ASSERT_EQ(ledger.Used("n").milli_cpu, sum);
      ASSERT_EQ(ledger.PodCount("n"), static_cast<int64_t>(held.size()));
      ASSERT_LE(sum, 4000);
      ASSERT_LE(held.size(), 12u);
    }
  }
}

}  // namespace
}  // namespace berth::apiserver
