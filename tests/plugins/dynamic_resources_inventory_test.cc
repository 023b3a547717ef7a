// What the plugin keeps between pods: it decides as if it had looked at everything anew.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "base/random.h"
#include "plugins/dynamic_resources/dynamic_resources.h"
#include "plugins/dynamic_resources/taint_rules.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::DeviceClass;
using api::dra::ResourceClaim;
using api::dra::ResourceSlice;
using api::dra_alpha::DeviceTaintRule;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using Kind = AllocationOutcome::Kind;

template <typename T>
std::shared_ptr<T> FromJson(const std::string& json) {
  auto out = std::make_shared<T>();
  const absl::Status status = api::ParseJson(json, *out);
  EXPECT_TRUE(status.ok()) << status << json;
  return out;
}

constexpr size_t kNodes = 4, kSpecs = 4;

// A few nodes, drivers that publish and withdraw, claims that come, are allocated and go.
class RandomDevices {
 public:
  explicit RandomDevices(uint64_t seed) : random_(seed) {
    for (size_t i = 0; i < kNodes; ++i) ChangeNode(i);
    Put(FromJson<DeviceClass>(R"({"metadata": {"name": "any"}})"));
  }

  void Step() {
    switch (random_.Below(8)) {
      case 0: return ChangeNode(random_.Below(kNodes));
      case 1: return ChangeClass();
      case 2:
      case 3: return ChangeSlice();
      case 4: {
        const auto& kind = api::ResourceOf<ResourceClaim>();
        return handle_.world.Remove(kind, "default", fmt::format("used{}", random_.Below(6)));
      }
      default: return UseDevice();
    }
  }

  // Every kind of claim on every node.
  void Check() {
    const Slices slices = AllSlices();
    DevicesInUse in_use = AllInUse();
    for (size_t spec = 0; spec < kSpecs; ++spec) {
      const auto claim = ClaimOf(spec);
      Put(claim);
      MakePod pod("p");
      auto& entry = *pod.message().mutable_spec()->add_resource_claims();
      entry.set_name("c");
      entry.set_resource_claim_name(claim->metadata().name());
      const auto info = pod.Info();
      framework::CycleState state;
      ASSERT_TRUE(plugin_.PreFilter(state, *info, testing::FixedSnapshot({})).status.ok());
      SelectorCache selectors;
      const auto find = [&](const std::string& name) {
        return std::static_pointer_cast<const DeviceClass>(
            handle_.world.Get(api::ResourceOf<DeviceClass>(), {}, name));
      };
      const Prepared prepared = Prepare({claim}, find, selectors);
      for (const framework::NodeInfo& node : nodes_) {
        const AllocationOutcome fresh = AllocateOn(
            node, prepared, NodeView(slices.Gather(node, in_use)), [] { return false; });
        EXPECT_EQ(plugin_.Filter(state, *info, node).ok(), fresh.kind == Kind::kAllocated)
            << node.name() << " claim " << spec;
        allocated_ += fresh.kind == Kind::kAllocated;
        ++asked_;
      }
    }
  }
  int64_t asked() const { return asked_; }
  int64_t allocated() const { return allocated_; }

 private:
  template <typename T>
  void Put(std::shared_ptr<T> object) {
    handle_.world.Put(api::ResourceOf<T>(), std::move(object));
  }
  void ChangeNode(size_t at) {
    if (nodes_.size() <= at) nodes_.resize(at + 1);
    nodes_[at] = MakeNode(fmt::format("n{}", at))
                     .Label("zone", random_.Chance(0.5) ? "a" : "b")
                     .Info();
    nodes_[at].index = static_cast<framework::NodeIndex>(at);
  }
  void ChangeClass() {
    auto any = FromJson<DeviceClass>(R"({"metadata": {"name": "any"}})");
    if (random_.Chance(0.3)) {
      any->mutable_spec()->add_selectors()->mutable_cel()->set_expression(
          "device.attributes['d'].model == 'x'");
    }
    Put(any);
  }
  void ChangeSlice() {
    const uint64_t pool = random_.Below(5);
    const std::string name = fmt::format("s{}{}", pool, random_.Below(2));
    const auto& kind = api::ResourceOf<ResourceSlice>();
    if (random_.Chance(0.3)) return handle_.world.Remove(kind, {}, name);
    std::string where = fmt::format(R"("nodeName": "n{}")", pool);
    if (pool == 4) {
      where = random_.Chance(0.5) ? R"("allNodes": true)"
                                  : R"("nodeSelector": {"nodeSelectorTerms": [{"matchExpressions":
                                       [{"key": "zone", "operator": "In", "values": ["a"]}]}]})";
    }
    std::string devices;
    for (uint64_t i = 0, count = 1 + random_.Below(3); i < count; ++i) {
      devices += fmt::format(
          R"({}{{"name": "{}-{}", "attributes": {{"model": {{"string": "{}"}}}}}})",
          i == 0 ? "" : ", ", name, i, random_.Chance(0.5) ? "x" : "y");
    }
    Put(FromJson<ResourceSlice>(fmt::format(
        R"({{"metadata": {{"name": "{}"}}, "spec": {{"driver": "d", {}, "pool": {{"name": "p{}",
            "generation": {}, "resourceSliceCount": {}}}, "devices": [{}]}}}})",
        name, where, pool, random_.Below(2), 1 + random_.Below(2), devices)));
  }
  void UseDevice() {
    const uint64_t pool = random_.Below(5);
    Put(FromJson<ResourceClaim>(fmt::format(
        R"({{"metadata": {{"name": "used{0}", "namespace": "default", "uid": "used{0}"}},
            "status": {{"allocation": {{"devices": {{"results": [{{"request": "r", "driver": "d",
              "pool": "p{1}", "device": "s{1}{2}-{3}"}}]}}}}}}}})",
        random_.Below(6), pool, random_.Below(2), random_.Below(3))));
  }
  static std::shared_ptr<ResourceClaim> ClaimOf(size_t spec) {
    const char* const kMore[kSpecs] = {
        R"("count": 1)", R"("count": 3)",
        R"("count": 1, "selectors": [{"cel": {"expression": "device.attributes['d'].model == 'y'"}}])",
        R"("count": 2, "selectors": [{"cel": {"expression": "device.driver == 'd'"}}])"};
    return FromJson<ResourceClaim>(fmt::format(
        R"({{"metadata": {{"name": "c{0}", "namespace": "default", "uid": "c{0}"}},
            "spec": {{"devices": {{"requests": [{{"name": "r", "exactly": {{
              "deviceClassName": "any", "allocationMode": "ExactCount", {1}}}}}]}}}}}})",
        spec, kMore[spec]));
  }
  Slices AllSlices() const {
    Slices out;
    handle_.world.ForEach(api::ResourceOf<ResourceSlice>(), {}, [&](const auto& object) {
      out.Put(std::static_pointer_cast<const ResourceSlice>(object));
    });
    return out;
  }
  DevicesInUse AllInUse() const {
    DevicesInUse out;
    handle_.world.ForEach(api::ResourceOf<ResourceClaim>(), {}, [&](const auto& object) {
      out.Add(static_cast<const ResourceClaim&>(*object).status().allocation());
    });
    return out;
  }

  Random random_;
  testing::FakeHandle handle_;
  DynamicResources plugin_{DynamicResourcesArgs(), handle_};
  std::vector<framework::NodeInfo> nodes_;
  int64_t asked_ = 0, allocated_ = 0;
};

TEST(DynamicResourcesInventoryTest, DecidesAsIfItLookedAnew) {
  int64_t asked = 0, allocated = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    RandomDevices devices(seed);
    for (int step = 0; step < 60; ++step) {
      devices.Step();
      devices.Check();
      ASSERT_FALSE(::testing::Test::HasFailure()) << "step " << step;
    }
    asked += devices.asked();
    allocated += devices.allocated();
  }
  EXPECT_GT(allocated, asked / 10) << "both answers are common";
  EXPECT_LT(allocated, asked - asked / 10);
}

// What was found out is kept without the devices it was found out about.
TEST(DynamicResourcesInventoryTest, AViewThatIsReplacedIsGone) {
  testing::FakeHandle handle;
  DynamicResources plugin(DynamicResourcesArgs(), handle);
  const auto put = [&](int generation) {
    handle.world.Put(api::ResourceOf<ResourceSlice>(), FromJson<ResourceSlice>(fmt::format(
        R"({{"metadata": {{"name": "s"}}, "spec": {{"driver": "d", "nodeName": "n",
            "pool": {{"name": "p", "generation": {}, "resourceSliceCount": 1}},
            "devices": [{{"name": "a"}}]}}}})", generation)));
  };
  handle.world.Put(api::ResourceOf<DeviceClass>(),
                   FromJson<DeviceClass>(R"({"metadata": {"name": "any"}})"));
  handle.world.Put(api::ResourceOf<ResourceClaim>(), FromJson<ResourceClaim>(
      R"({"metadata": {"name": "c", "namespace": "default", "uid": "c"}, "spec": {"devices":
          {"requests": [{"name": "r", "exactly": {"deviceClassName": "any",
            "allocationMode": "ExactCount", "count": 1}}]}}})"));
  MakePod pod("p");
  auto& entry = *pod.message().mutable_spec()->add_resource_claims();
  entry.set_name("c");
  entry.set_resource_claim_name("c");
  const auto info = pod.Info();
  framework::NodeInfo node = MakeNode("n").Info();
  node.index = 0;
  const auto inventory = Inventory::Of(handle);
  std::weak_ptr<const NodeView> before;
  int64_t number = 0;
  for (int generation = 1; generation <= 3; ++generation) {
    put(generation);
    framework::CycleState state;
    ASSERT_TRUE(plugin.PreFilter(state, *info, testing::FixedSnapshot({})).status.ok());
    ASSERT_TRUE(plugin.Filter(state, *info, node).ok());
    EXPECT_TRUE(before.expired()) << generation;
    const auto view = inventory->ViewOf(node);
    EXPECT_GT(view->number(), number) << "one that no other has had";
    number = view->number();
    before = view;
  }
}

std::shared_ptr<ResourceSlice> Slice() {
  return FromJson<ResourceSlice>(R"({"metadata": {"name": "s"}, "spec": {"driver": "d",
      "nodeName": "n", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
      "devices": [{"name": "a"}, {"name": "b", "taints": [{"key": "own", "effect": "None"}]}]}})");
}
std::shared_ptr<DeviceTaintRule> Rule(std::string_view selector, std::string_view name = "t") {
  return FromJson<DeviceTaintRule>(fmt::format(
      R"({{"metadata": {{"name": "{}"}}, "spec": {{{}
          "taint": {{"key": "k", "value": "v", "effect": "NoSchedule"}}}}}})",
      name, selector));
}

TEST(TaintRulesTest, WhichDevicesARuleTaints) {
  const struct {
    std::string_view selector, want;
  } cases[] = {
      {"", "a: b: own"},
      {R"("deviceSelector": {},)", "a: k b: own k"},
      {R"("deviceSelector": {"driver": "d"},)", "a: k b: own k"},
      {R"("deviceSelector": {"driver": "e"},)", "a: b: own"},
      {R"("deviceSelector": {"pool": "p", "device": "a"},)", "a: k b: own"},
      {R"("deviceSelector": {"pool": "q"},)", "a: b: own"},
      {R"("deviceSelector": {"device": "c"},)", "a: b: own"},
  };
  for (const auto& c : cases) {
    TaintRules rules;
    rules.Put(Rule(c.selector));
    const SlicePtr tainted = rules.Applied(Slice());
    std::string text;
    for (const auto& device : tainted->spec().devices()) {
      text += (text.empty() ? "" : " ") + device.name() + ":";
      for (const auto& taint : device.taints()) text += " " + taint.key();
    }
    EXPECT_EQ(text, c.want) << c.selector;
  }
  TaintRules rules;
  rules.Put(Rule(R"("deviceSelector": {},)", "one"));
  rules.Put(Rule(R"("deviceSelector": {},)", "two"));
  EXPECT_EQ(rules.Applied(Slice())->spec().devices(0).taints_size(), 2);
  rules.Remove("one");
  rules.Remove("two");
  const SlicePtr slice = Slice();
  EXPECT_EQ(rules.Applied(slice), slice);
}

// One device; whether a pod with a claim for it may have it.
class TaintRuleWorld {
 public:
  explicit TaintRuleWorld(bool gate) {
    handle_.devices.taint_rules = gate;
    plugin_ = std::make_unique<DynamicResources>(DynamicResourcesArgs(), handle_);
    Put(FromJson<DeviceClass>(R"({"metadata": {"name": "any"}})"));
    Put(FromJson<ResourceClaim>(
        R"({"metadata": {"name": "c", "namespace": "default", "uid": "c"}, "spec": {"devices":
            {"requests": [{"name": "r", "exactly": {"deviceClassName": "any",
              "allocationMode": "ExactCount", "count": 2}}]}}})"));
  }
  template <typename T>
  void Put(std::shared_ptr<T> object) {
    handle_.world.Put(api::ResourceOf<T>(), std::move(object));
  }
  void RemoveRule() { handle_.world.Remove(api::ResourceOf<DeviceTaintRule>(), {}, "t"); }
  bool Fits() {
    MakePod pod("p");
    auto& entry = *pod.message().mutable_spec()->add_resource_claims();
    entry.set_name("c");
    entry.set_resource_claim_name("c");
    framework::CycleState state;
    const auto info = pod.Info();
    EXPECT_TRUE(plugin_->PreFilter(state, *info, testing::FixedSnapshot({})).status.ok());
    return plugin_->Filter(state, *info, MakeNode("n").Info()).ok();
  }
  bool HearsOfRules() const {
    const auto events = plugin_->EventsToRegister();
    return std::any_of(events->begin(), events->end(), [](const auto& entry) {
      return entry.event.resource == "resource.k8s.io/DeviceTaintRule";
    });
  }

 private:
  testing::FakeHandle handle_;
  std::unique_ptr<DynamicResources> plugin_;
};

TEST(TaintRulesTest, RulesAndSlicesInAnyOrder) {
  TaintRuleWorld world(/*gate=*/true);
  EXPECT_TRUE(world.HearsOfRules());
  world.Put(Slice());
  EXPECT_TRUE(world.Fits());
  world.Put(Rule(R"("deviceSelector": {"device": "a"},)"));
  EXPECT_FALSE(world.Fits());
  world.Put(Rule(R"("deviceSelector": {"device": "c"},)"));
  EXPECT_TRUE(world.Fits()) << "its former device is free of it";
  world.Put(Rule(R"("deviceSelector": {},)"));
  EXPECT_FALSE(world.Fits());
  world.Put(Slice());
  EXPECT_FALSE(world.Fits()) << "published anew";
  world.RemoveRule();
  EXPECT_TRUE(world.Fits());
}

TEST(TaintRulesTest, WithoutTheGateTheyDoNotCount) {
  TaintRuleWorld world(/*gate=*/false);
  EXPECT_FALSE(world.HearsOfRules());
  world.Put(Rule(R"("deviceSelector": {},)"));
  world.Put(Slice());
  EXPECT_TRUE(world.Fits());
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
