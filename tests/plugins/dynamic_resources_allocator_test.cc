#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "plugins/dynamic_resources/allocator.h"
#include "tests/framework/builders.h"

namespace berth::plugins::dynamic_resources {
namespace {

using framework::testing::MakeNode;
using Kind = AllocationOutcome::Kind;

template <typename T>
std::shared_ptr<const T> FromJson(std::string_view json) {
  auto out = std::make_shared<T>();
  const absl::Status status = api::ParseJson(json, *out);
  EXPECT_TRUE(status.ok()) << status << " " << json;
  return out;
}

// A slice of pool "p" of driver "d".
SlicePtr Slice(std::string_view name, std::string_view where, std::string_view devices,
               int generation = 1, int count = 1) {
  return FromJson<api::dra::ResourceSlice>(fmt::format(
      R"({{"metadata": {{"name": "{}"}}, "spec": {{"driver": "d", {},
          "pool": {{"name": "p", "generation": {}, "resourceSliceCount": {}}}, {}}}}})",
      name, where, generation, count, devices));
}
constexpr std::string_view kOnN = R"("nodeName": "n")";
constexpr std::string_view kAnywhere = R"("allNodes": true)";

ClaimPtr Claim(std::string_view devices) {
  return FromJson<api::dra::ResourceClaim>(
      fmt::format(R"({{"metadata": {{"name": "c", "namespace": "ns", "uid": "u"}},
                       "spec": {{"devices": {}}}}})", devices));
}
std::string Exactly(std::string_view name, std::string_view more = {}) {
  return fmt::format(R"({{"name": "{}", "exactly": {{"deviceClassName": "any",
                          "allocationMode": "ExactCount", "count": 1 {}}}}})", name, more);
}
std::string Where(std::string_view expression) {
  return fmt::format(R"(, "selectors": [{{"cel": {{"expression": "{}"}}}}])", expression);
}

AllocationOutcome Allocate(std::vector<ClaimPtr> claims, std::vector<SlicePtr> slices,
                           DevicesInUse in_use = {}) {
  SelectorCache selectors;
  const auto find_class = [](const std::string& name) -> ClassPtr {
    if (name == "any") {
      return FromJson<api::dra::DeviceClass>(R"({"metadata": {"name": "any"}})");
    }
    if (name != "set") return nullptr;
    return FromJson<api::dra::DeviceClass>(R"({"metadata": {"name": "set"}, "spec": {"config": [
        {"opaque": {"driver": "d", "parameters": {"from": "class"}}}]}})");
  };
  Slices published;
  for (SlicePtr& slice : slices) published.Put(std::move(slice));
  const auto node = MakeNode("n").Label("zone", "a").Info();
  return AllocateOn(node, Prepare(claims, find_class, selectors),
                    NodeView(published.Gather(node, in_use)), [] { return false; });
}

// A whole device "d/p/NAME" that is in use; with memory, a share of it.
api::dra::AllocationResult Held(std::string_view device, std::string_view memory = {}) {
  return *FromJson<api::dra::AllocationResult>(fmt::format(
      R"({{"devices": {{"results": [{{"driver": "d", "pool": "p", "device": "{}"{}}}]}}}})", device,
      memory.empty() ? "" : fmt::format(R"(, "shareID": "s", "consumedCapacity": {{"memory": "{}"}})",
                                        memory)));
}

// "r0=a r1=b; r=c": claims apart by ';'. Or why not.
std::string Of(const AllocationOutcome& outcome) {
  constexpr std::string_view kNames[] = {"", "impossible", "invalid pools", "timed out", ""};
  if (outcome.kind == Kind::kFailed) return outcome.problem;
  std::string out(kNames[static_cast<size_t>(outcome.kind)]);
  for (const auto& allocation : outcome.results) {
    if (&allocation != &outcome.results.front()) out += "; ";
    for (const auto& result : allocation.devices().results()) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      out += result.request() + "=" + result.device();
    }
  }
  return out;
}

std::string Requests(const std::vector<std::string>& requests, std::string_view more = {}) {
  std::string out;
  for (const std::string& request : requests) out += (out.empty() ? "" : ", ") + request;
  return fmt::format(R"({{"requests": [{}] {}}})", out, more);
}

constexpr std::string_view kThree = R"("devices": [
    {"name": "a", "attributes": {"model": {"string": "x"}, "slot": {"int": 1}}},
    {"name": "b", "attributes": {"model": {"string": "y"}, "slot": {"int": 2}}},
    {"name": "c", "attributes": {"model": {"string": "y"}, "slot": {"int": 2}}}])";

TEST(DynamicResourcesAllocatorTest, RequestsGetTheFirstDevicesThatDo) {
  const std::string model_y = Where("device.attributes['d'].model == 'y'");
  const std::string slot_1 = Where("device.attributes['d'].slot == 1");
  const std::string two = R"(, "count": 2)";
  const std::string all = R"(, "allocationMode": "All")";
  const std::string match = R"(, "constraints": [{"matchAttribute": "d/model"}])";
  const std::string distinct = R"(, "constraints": [{"distinctAttribute": "d/slot"}])";
  const struct {
    std::string_view name;
    std::string devices, want;
  } cases[] = {
      {"one", Requests({Exactly("r")}), "r=a"},
      {"in order", Requests({Exactly("r0"), Exactly("r1")}), "r0=a r1=b"},
      {"selected", Requests({Exactly("r", model_y)}), "r=b"},
      {"going back", Requests({Exactly("r0"), Exactly("r1", slot_1)}), "r0=b r1=a"},
      {"several", Requests({Exactly("r", two)}), "r=a r=b"},
      {"too many", Requests({Exactly("r", R"(, "count": 4)")}), "impossible"},
      {"all", Requests({Exactly("r", all)}), "r=a r=b r=c"},
      {"all that are selected", Requests({Exactly("r", all + model_y)}), "r=b r=c"},
      {"all of none", Requests({Exactly("r", all + Where("false"))}), "impossible"},
      {"the same attribute", Requests({Exactly("r", two)}, match), "r=b r=c"},
      {"the same attribute over requests", Requests({Exactly("r0"), Exactly("r1")}, match),
       "r0=b r1=c"},
      {"distinct attributes", Requests({Exactly("r", two)}, distinct), "r=a r=b"},
      {"distinct, impossible", Requests({Exactly("r", R"(, "count": 3)")}, distinct), "impossible"},
      {"all against a constraint", Requests({Exactly("r", all)}, match),
       "claim ns/c, request r: cannot add device d/p/b because a claim constraint would not be "
       "satisfied"},
      {"a constraint of others", Requests({Exactly("r", two)},
       R"(, "constraints": [{"matchAttribute": "d/model", "requests": ["q"]}])"), "r=a r=b"},
      {"an attribute that is not there", Requests({Exactly("r")},
       R"(, "constraints": [{"matchAttribute": "d/none"}])"), "impossible"},
      {"no constraint", Requests({Exactly("r")}, R"(, "constraints": [{}])"),
       "claim ns/c, constraint #0: empty constraint (unsupported constraint type?)"},
      {"admin access beside others", Requests({Exactly("r0", R"(, "adminAccess": true)"),
       Exactly("r1")}), "r0=a r1=b"},
      {"beyond the limit", Requests({Exactly("r", R"(, "count": 33)")}),
       "claim ns/c: number of requested devices 33 exceeds the claim limit of 32"},
      {"a selector that does not parse", Requests({Exactly("r", Where("nonsense"))}),
       "claim ns/c: selector #0: CEL compile error: column 1: undeclared name: nonsense"},
      {"a selector without an answer", Requests({Exactly("r", Where("device.attributes['d'].no"))}),
       "claim ns/c: selector #0: CEL runtime error: no such key: no"},
      {"no requests", Requests({}), ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Of(Allocate({Claim(c.devices)}, {Slice("s", kOnN, kThree)})), c.want) << c.name;
  }
}

TEST(DynamicResourcesAllocatorTest, TheFirstAlternativeThatLeadsToASolution) {
  const auto either = [](std::string_view first, std::string_view second) {
    const auto alternative = [](std::string_view name, std::string_view more) {
      return fmt::format(R"({{"name": "{}", "deviceClassName": "any",
                              "allocationMode": "ExactCount", "count": {}}})", name, more);
    };
    return fmt::format(R"({{"name": "r", "firstAvailable": [{}, {}]}})",
                       alternative("big", first), alternative("small", second));
  };
  const auto of = [&](std::vector<std::string> requests) {
    return Of(Allocate({Claim(Requests(requests))}, {Slice("s", kOnN, kThree)}));
  };
  EXPECT_EQ(of({either("2", "1")}), "r/big=a r/big=b");
  EXPECT_EQ(of({either("4", "1")}), "r/small=a");
  EXPECT_EQ(of({either("3", "2"), Exactly("q")}), "r/small=a r/small=b q=c");
  EXPECT_EQ(of({either("4", "5")}), "impossible");
  EXPECT_EQ(of({either("33", "1")}), "r/small=a") << "over the limit: the next alternative";
}

TEST(DynamicResourcesAllocatorTest, ClaimsShareWhatThereIs) {
  const ClaimPtr two = Claim(Requests({Exactly("r", R"(, "count": 2)")}));
  const ClaimPtr one = Claim(Requests({Exactly("r")}));
  const std::vector<SlicePtr> slices = {Slice("s", kOnN, kThree)};
  EXPECT_EQ(Of(Allocate({two, one}, slices)), "r=a r=b; r=c");
  EXPECT_EQ(Of(Allocate({two, two}, slices)), "impossible");
  DevicesInUse in_use;
  in_use.Add(Held("a"));
  EXPECT_EQ(Of(Allocate({two}, slices, in_use)), "r=b r=c");
  in_use.Add(Held("b"));
  EXPECT_EQ(Of(Allocate({two}, slices, in_use)), "impossible");
  const ClaimPtr admin = Claim(Requests({Exactly("r", R"(, "adminAccess": true)")}));
  EXPECT_EQ(Of(Allocate({admin}, slices, in_use)), "r=a");
}

TEST(DynamicResourcesAllocatorTest, WhichSlicesCount) {
  const std::string_view a = R"("devices": [{"name": "a"}])", b = R"("devices": [{"name": "b"}])";
  const std::string elsewhere = R"("nodeName": "m")";
  const std::string_view part = R"("devices": [{"name": "c", "consumesCounters": [
      {"counterSet": "none", "counters": {"memory": {"value": "1"}}}]}])";
  const std::string zone_a = R"("nodeSelector": {"nodeSelectorTerms": [{"matchExpressions":
      [{"key": "zone", "operator": "In", "values": ["a"]}]}]})";
  const std::string zone_b = R"("nodeSelector": {"nodeSelectorTerms": [{"matchExpressions":
      [{"key": "zone", "operator": "In", "values": ["b"]}]}]})";
  const std::string_view each = R"("devices": [{"name": "a", "nodeName": "m"},
      {"name": "b", "nodeName": "n"}, {"name": "c", "allNodes": true}])";
  const std::string per_device = R"("perDeviceNodeSelection": true)";
  const std::string two = R"(, "count": 2)";
  const struct {
    std::string_view name;
    std::string more;
    std::vector<SlicePtr> slices;
    std::string_view want;
  } cases[] = {
      {"none", "", {}, "impossible"},
      {"another node's", "", {Slice("s", elsewhere, a)}, "impossible"},
      {"all nodes", "", {Slice("s", kAnywhere, a)}, "r=a"},
      {"selected", "", {Slice("s", zone_a, a)}, "r=a"},
      {"not selected", "", {Slice("s", zone_b, a)}, "impossible"},
      {"each device for itself", two, {Slice("s", per_device, each)}, "r=b r=c"},
      {"for no node", "", {Slice("s", R"("allNodes": false)", a)}, "impossible"},
      {"by name", two, {Slice("s1", kOnN, b, 1, 2), Slice("s2", kAnywhere, a, 1, 2)}, "r=b r=a"},
      {"incomplete", "", {Slice("s1", kOnN, b, 1, 2)}, "impossible"},
      {"complete with others'", "",
       {Slice("s1", kOnN, b, 1, 2), Slice("s2", elsewhere, a, 1, 2)}, "r=b"},
      {"old generation", two, {Slice("s1", kOnN, b), Slice("s2", kOnN, a, 2)}, "impossible"},
      {"new generation", "", {Slice("s1", kOnN, b), Slice("s2", kOnN, a, 2)}, "r=a"},
      {"gone in the new generation", "",
       {Slice("s1", kOnN, b, 1, 2), Slice("s2", elsewhere, a, 2)}, "impossible"},
      {"a newer generation elsewhere, all of the old one here", "",
       {Slice("s1", kOnN, b, 1, 1), Slice("s2", elsewhere, part, 2, 1)}, "r=b"},
      {"newer slices elsewhere do not complete it", "",
       {Slice("s1", kOnN, b, 1, 2), Slice("s2", elsewhere, a, 2, 2)}, "impossible"},
      {"all of an incomplete pool", R"(, "allocationMode": "All")", {Slice("s1", kOnN, b, 1, 2)},
       "claim ns/c, request r: asks for all devices, but resource pool d/p is currently being "
       "updated"},
      {"twice the same", "", {Slice("s1", kOnN, a, 1, 2), Slice("s2", kOnN, a, 1, 2)},
       "invalid pools"},
      {"all of an invalid pool", R"(, "allocationMode": "All")",
       {Slice("s1", kOnN, a, 1, 2), Slice("s2", kOnN, a, 1, 2)},
       "claim ns/c, request r: asks for all devices, but resource pool d/p is currently invalid"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Of(Allocate({Claim(Requests({Exactly("r", c.more)}))}, c.slices)), c.want) << c.name;
  }
}

TEST(DynamicResourcesAllocatorTest, TaintsKeepDevicesAwayUnlessTolerated) {
  const auto with = [](std::string_view effect, std::string_view tolerations) {
    const std::string devices = fmt::format(
        R"("devices": [{{"name": "a", "taints": [{{"key": "k", "value": "v", "effect": "{}"}}]}}])",
        effect);
    return Of(Allocate({Claim(Requests({Exactly("r", tolerations)}))},
                       {Slice("s", kOnN, devices)}));
  };
  EXPECT_EQ(with("NoSchedule", ""), "impossible");
  EXPECT_EQ(with("NoExecute", ""), "impossible");
  EXPECT_EQ(with("None", ""), "r=a");
  EXPECT_EQ(with("NoSchedule", R"(, "tolerations": [{"operator": "Exists"}])"), "r=a");
  EXPECT_EQ(with("NoSchedule", R"(, "tolerations": [{"key": "k", "value": "v"}])"), "r=a");
  EXPECT_EQ(with("NoSchedule", R"(, "tolerations": [{"key": "k", "value": "w"}])"), "impossible");
  EXPECT_EQ(with("NoSchedule", R"(, "tolerations": [{"key": "k", "operator": "Exists",
                                                     "effect": "NoExecute"}])"), "impossible");
}

TEST(DynamicResourcesAllocatorTest, SharedCountersRunOut) {
  const auto part = [](std::string_view name, std::string_view memory) {
    return fmt::format(R"({{"name": "{}", "consumesCounters": [{{"counterSet": "set",
                            "counters": {{"memory": {{"value": "{}"}}}}}}]}})", name, memory);
  };
  const std::string devices = fmt::format(R"("devices": [{}, {}, {}])", part("half1", "20Gi"),
                                          part("half2", "20Gi"), part("whole", "40Gi"));
  const std::string counters = R"("sharedCounters": [{"name": "set",
      "counters": {"memory": {"value": "40Gi"}}}])";
  const std::vector<SlicePtr> slices = {Slice("s1", kAnywhere, counters, 1, 2),
                                        Slice("s2", kOnN, devices, 1, 2)};
  const auto of = [&](std::vector<std::string> requests, DevicesInUse in_use = {}) {
    return Of(Allocate({Claim(Requests(requests))}, slices, in_use));
  };
  EXPECT_EQ(of({Exactly("r", R"(, "count": 2)")}), "r=half1 r=half2");
  EXPECT_EQ(of({Exactly("r", R"(, "count": 3)")}), "impossible");
  DevicesInUse in_use;
  in_use.Add(Held("half2"));
  EXPECT_EQ(of({Exactly("r")}, in_use), "r=half1");
  EXPECT_EQ(of({Exactly("r", R"(, "count": 2)")}, in_use), "impossible");
  in_use.Add(Held("half1"));
  EXPECT_EQ(of({Exactly("r")}, in_use), "impossible");
  const std::string unknown = R"("devices": [{"name": "a", "consumesCounters": [
      {"counterSet": "none", "counters": {"memory": {"value": "1"}}}]}])";
  EXPECT_EQ(Of(Allocate({Claim(Requests({Exactly("r")}))}, {Slice("s", kOnN, unknown)})),
            "invalid pools");
}

TEST(DynamicResourcesAllocatorTest, NothingIsTakenFromAPoolWithAnOverdrawnCounter) {
  const auto with = [](std::string_view used) {
    const std::string devices = fmt::format(R"("devices": [
        {{"name": "a", "consumesCounters": [
          {{"counterSet": "x", "counters": {{"memory": {{"value": "{}"}}}}}}]}},
        {{"name": "b", "consumesCounters": [
          {{"counterSet": "y", "counters": {{"memory": {{"value": "1"}}}}}}]}}])", used);
    const std::string_view counters = R"("sharedCounters": [
        {"name": "x", "counters": {"memory": {"value": "1"}}},
        {"name": "y", "counters": {"memory": {"value": "1"}}}])";
    DevicesInUse in_use;
    in_use.Add(Held("a"));
    return Of(Allocate({Claim(Requests({Exactly("r")}))},
                       {Slice("s1", kOnN, counters, 1, 2), Slice("s2", kOnN, devices, 1, 2)},
                       in_use));
  };
  EXPECT_EQ(with("1"), "r=b");
  EXPECT_EQ(with("2"), "impossible") << "x is at -1, which b has no part in";
}

TEST(DynamicResourcesAllocatorTest, SharesOfAPodPayCountersOnce) {
  const auto of = [](std::string_view capacity, std::vector<std::string> requests,
                     const std::vector<api::dra::AllocationResult>& held = {}) {
    constexpr std::string_view kOneUnit = R"("consumesCounters": [{"counterSet": "set",
        "counters": {"units": {"value": "1"}}}])";
    const std::string devices = fmt::format(
        R"("devices": [{{"name": "a", "allowMultipleAllocations": true, {0} {1}}},
            {{"name": "b", "attributes": {{"big": {{"bool": false}}}}}},
            {{"name": "c", "attributes": {{"big": {{"bool": true}}}}, {1}}}])",
        capacity, kOneUnit);
    const std::string_view counters =
        R"("sharedCounters": [{"name": "set", "counters": {"units": {"value": "1"}}}])";
    DevicesInUse in_use;
    for (const auto& allocation : held) in_use.Add(allocation);
    return Of(Allocate({Claim(Requests(requests))},
                       {Slice("s1", kOnN, counters, 1, 2), Slice("s2", kOnN, devices, 1, 2)},
                       in_use));
  };
  const std::string memory = R"("capacity": {"memory": {"value": "2",
      "requestPolicy": {"default": "1"}}},)";
  const std::vector<std::string> two = {Exactly("r0"), Exactly("r1")};
  const std::string shared = Where("device.allowMultipleAllocations");
  const std::string big = Where("has(device.attributes['d'].big) && device.attributes['d'].big");
  EXPECT_EQ(of(memory, two), "r0=a r1=a");
  EXPECT_EQ(of("", two), "r0=a r1=a") << "also where no capacity is consumed";
  EXPECT_EQ(of("", {Exactly("r0"), Exactly("r1", big)}), "r0=b r1=c") << "given back";
  api::dra::AllocationResult share = Held("a");
  share.mutable_devices()->mutable_results(0)->set_share_id("s");
  EXPECT_EQ(of(memory, {Exactly("r", shared)}, {Held("a", "1")}), "r=a");
  EXPECT_EQ(of("", {Exactly("r", shared)}, {share}), "impossible")
      << "a share of another pod that consumes nothing does not count, as upstream";
}

TEST(DynamicResourcesAllocatorTest, AnInvalidPoolKeepsItsPlace) {
  const auto slice = [](std::string_view name, std::string_view pool, int count,
                        std::string_view device) {
    return FromJson<api::dra::ResourceSlice>(fmt::format(
        R"({{"metadata": {{"name": "{}"}}, "spec": {{"driver": "d", "nodeName": "n",
            "pool": {{"name": "{}", "generation": 1, "resourceSliceCount": {}}},
            "devices": [{}]}}}})", name, pool, count, device));
  };
  const std::string_view twice = R"({"name": "a", "bindingConditions": ["ready"]},
                                    {"name": "a", "bindingConditions": ["ready"]})";
  EXPECT_EQ(Of(Allocate({Claim(Requests({Exactly("r", R"(, "allocationMode": "All")")}))},
                        {slice("s1", "p", 1, twice), slice("s2", "q", 2, R"({"name": "b"})")})),
            "claim ns/c, request r: asks for all devices, but resource pool d/p is currently "
            "invalid")
      << "binding conditions of devices that do not count";
}

TEST(DynamicResourcesAllocatorTest, DevicesThatAllowItAreShared) {
  const std::string devices = R"("devices": [{"name": "a", "allowMultipleAllocations": true,
      "capacity": {"memory": {"value": "40Gi", "requestPolicy": {"default": "8Gi",
        "validRange": {"min": "8Gi", "step": "8Gi", "max": "32Gi"}}}}}])";
  const auto wants = [](std::string_view memory) {
    return fmt::format(R"(, "capacity": {{"requests": {{"memory": "{}"}}}})", memory);
  };
  const auto of = [&](std::vector<std::string> requests, DevicesInUse in_use = {}) {
    return Allocate({Claim(Requests(requests))}, {Slice("s", kOnN, devices)}, in_use);
  };
  EXPECT_EQ(Of(of({Exactly("r0", wants("20Gi")), Exactly("r1", wants("9Gi"))})), "r0=a r1=a");
  EXPECT_EQ(Of(of({Exactly("r0", wants("20Gi")), Exactly("r1", wants("17Gi"))})), "impossible");
  EXPECT_EQ(Of(of({Exactly("r", wants("33Gi"))})), "impossible") << "beyond the policy";
  EXPECT_EQ(Of(of({Exactly("r", R"(, "capacity": {"requests": {"cores": "1"}})")})), "impossible");
  const auto taken = of({Exactly("r", wants("20Gi"))});
  const auto& consumed = taken.results[0].devices().results(0).consumed_capacity();
  EXPECT_EQ(consumed.at("memory").string(), "24Gi");
  EXPECT_TRUE(taken.results[0].devices().results(0).has_share_id());
  // One without capacities is shared as well, and is not taken whole.
  const std::string bare = R"("devices": [{"name": "a", "allowMultipleAllocations": true}])";
  const auto first = Allocate({Claim(Requests({Exactly("r")}))}, {Slice("s", kOnN, bare)});
  DevicesInUse by_first;
  by_first.Add(first.results[0]);
  EXPECT_EQ(Of(Allocate({Claim(Requests({Exactly("r")}))}, {Slice("s", kOnN, bare)}, by_first)),
            "r=a");
  DevicesInUse in_use;
  in_use.Add(Held("a", "32Gi"));
  EXPECT_EQ(Of(of({Exactly("r")}, in_use)), "r=a") << "the default";
  EXPECT_EQ(Of(of({Exactly("r0"), Exactly("r1")}, in_use)), "impossible");
}

TEST(DynamicResourcesAllocatorTest, RoundedCapacityIsWrittenInBinaryUnits) {
  const auto taken = [](std::string_view wanted) {
    const std::string devices = R"("devices": [{"name": "a", "allowMultipleAllocations": true,
        "capacity": {"memory": {"value": "8G", "requestPolicy": {"default": "1G",
          "validRange": {"min": "1G", "step": "1G"}}}}}])";
    const auto outcome = Allocate({Claim(Requests({Exactly("r", fmt::format(
        R"(, "capacity": {{"requests": {{"memory": "{}"}}}})", wanted))}))},
        {Slice("s", kOnN, devices)});
    EXPECT_EQ(Of(outcome), "r=a");
    return outcome.results[0].devices().results(0).consumed_capacity().at("memory").string();
  };
  EXPECT_EQ(taken("1500M"), "1953125Ki") << "2G";
  EXPECT_EQ(taken("500M"), "1G") << "the least, as it is written";
}

TEST(DynamicResourcesAllocatorTest, ConfigurationsNameTheirRequests) {
  const auto configs = [](std::string_view class_name, std::vector<std::string_view> requests,
                          std::string_view config) {
    std::vector<std::string> asked;
    for (std::string_view name : requests) {
      asked.push_back(fmt::format(R"({{"name": "{}", "exactly": {{"deviceClassName": "{}",
          "allocationMode": "ExactCount", "count": 1}}}})", name, class_name));
    }
    const auto outcome = Allocate({Claim(Requests(asked, config))}, {Slice("s", kOnN, kThree)});
    EXPECT_EQ(outcome.kind, Kind::kAllocated) << outcome.problem;
    std::string out;
    for (const auto& one : outcome.results.at(0).devices().config()) {
      out += (out.empty() ? "" : " ") + one.source() + ":";
      for (const std::string& name : one.requests()) out += name + ",";
    }
    return out;
  };
  const auto of_claim = [](std::string_view requests) {
    return fmt::format(R"(, "config": [{{{}"opaque": {{"driver": "d",
                            "parameters": {{"from": "claim"}}}}}}])", requests);
  };
  EXPECT_EQ(configs("set", {"r0", "r1"}, ""), "FromClass:r0,r1,") << "all of them, by name";
  EXPECT_EQ(configs("set", {"r"}, of_claim("")), "FromClass:r, FromClaim:");
  EXPECT_EQ(configs("any", {"r"}, of_claim(R"("requests": ["r"], )")), "FromClaim:r,");
  EXPECT_EQ(configs("any", {"r0", "r1"}, of_claim(R"("requests": ["r1"], )")), "FromClaim:r1,");
}

TEST(DynamicResourcesAllocatorTest, WhenASearchHasToEnd) {
  const absl::Time now = absl::FromUnixSeconds(100);
  EXPECT_EQ(DeadlineOf(now, absl::Seconds(10)), absl::FromUnixSeconds(110));
  EXPECT_EQ(DeadlineOf(now, absl::ZeroDuration()), absl::InfiniteFuture()) << "never";
}

TEST(DynamicResourcesAllocatorTest, WhereTheResultCanBeUsed) {
  const std::string_view a = R"("devices": [{"name": "a"}])";
  const auto selector = [&](std::string_view where, std::string_view devices) {
    const auto outcome = Allocate({Claim(Requests({Exactly("r")}))}, {Slice("s", where, devices)});
    EXPECT_EQ(Of(outcome), "r=a");
    if (outcome.results.empty() || !outcome.results[0].has_node_selector()) {
      return std::string("anywhere");
    }
    std::string out;
    api::PrintJson(outcome.results[0].node_selector(), out);
    return out;
  };
  const std::string node =
      R"({"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["n"]}]}]})";
  EXPECT_EQ(selector(kOnN, a), node);
  EXPECT_EQ(selector(kAnywhere, a), "anywhere");
  EXPECT_EQ(selector(kAnywhere, R"("devices": [{"name": "a", "bindsToNode": true}])"), node);
  EXPECT_EQ(selector(R"("nodeSelector": {"nodeSelectorTerms": [{"matchExpressions":
                         [{"key": "zone", "operator": "Exists"}]}]})", a),
            R"({"nodeSelectorTerms":[{"matchExpressions":[{"key":"zone","operator":"Exists"}]}]})");
}

TEST(DynamicResourcesAllocatorTest, GivesUpInTime) {
  SelectorCache selectors;
  std::string devices = R"("devices": [)";
  for (int i = 0; i < 64; ++i) {
    devices += fmt::format(R"({}{{"name": "d{}"}})", i == 0 ? "" : ", ", i);
  }
  devices += "]";
  const ClaimPtr claim = Claim(Requests(
      {Exactly("r0", R"(, "count": 16)"), Exactly("r1", Where("false"))}));
  const auto any = [](const std::string&) -> ClassPtr {
    return FromJson<api::dra::DeviceClass>(R"({"metadata": {"name": "any"}})");
  };
  int asked = 0;
  Slices slices;
  slices.Put(Slice("s", kOnN, devices));
  DevicesInUse in_use;
  const auto node = MakeNode("n").Info();
  const NodeView view(slices.Gather(node, in_use));
  const auto outcome = AllocateOn(node, Prepare({claim}, any, selectors), view,
                                  [&] { return ++asked > 100; });
  EXPECT_EQ(Of(outcome), "timed out");
  EXPECT_EQ(asked, 101);
  // Also within one request, where no device is picked.
  const auto picky =
      Prepare({Claim(Requests({Exactly("r", Where("false && true"))}))}, any, selectors);
  asked = 90;
  EXPECT_EQ(Of(AllocateOn(node, picky, view, [&] { return ++asked > 100; })), "timed out");
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
