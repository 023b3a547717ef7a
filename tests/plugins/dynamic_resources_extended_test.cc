// Extended resources that device classes stand for.
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "plugins/dynamic_resources/device_classes.h"
#include "plugins/dynamic_resources/dynamic_resources.h"
#include "plugins/dynamic_resources/extended_resources.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::DeviceClass;
using api::dra::ResourceClaim;
using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr std::string_view kGpu = "example.com/gpu";
constexpr std::string_view kImplicit = "deviceclass.resource.kubernetes.io/gpu";

template <typename T>
std::shared_ptr<T> FromJson(std::string_view json) {
  auto out = std::make_shared<T>();
  const absl::Status status = api::ParseJson(json, *out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

std::shared_ptr<DeviceClass> Class(std::string_view name, std::string_view resource = {},
                                   int64_t created = 1) {
  auto out = std::make_shared<DeviceClass>();
  out->mutable_metadata()->set_name(std::string(name));
  out->mutable_metadata()->mutable_creation_timestamp()->set_seconds(created);
  if (!resource.empty()) out->mutable_spec()->set_extended_resource_name(std::string(resource));
  return out;
}

TEST(DeviceClassesTest, WhichClassStandsForAResource) {
  DeviceClasses classes;
  const auto offers = [&](std::string_view resource) {
    const ClassPtr found = classes.Offering(Symbol::Intern(resource));
    return found == nullptr ? "" : found->metadata().name();
  };
  EXPECT_TRUE(classes.Put(Class("gpu", kGpu, 5)));
  EXPECT_EQ(offers(kGpu), "gpu");
  EXPECT_EQ(offers(kImplicit), "gpu");
  EXPECT_FALSE(classes.Put(Class("gpu", kGpu, 5))) << "nothing new";
  EXPECT_TRUE(classes.Put(Class("older", kGpu, 4))) << "for its own name";
  EXPECT_EQ(offers(kGpu), "gpu");
  EXPECT_EQ(offers("deviceclass.resource.kubernetes.io/older"), "older");
  EXPECT_TRUE(classes.Put(Class("newer", kGpu, 6)));
  EXPECT_EQ(offers(kGpu), "newer");
  EXPECT_TRUE(classes.Put(Class("first", kGpu, 6))) << "the name decides";
  EXPECT_EQ(offers(kGpu), "first");
  EXPECT_TRUE(classes.Put(Class("first", "example.com/other", 6)));
  EXPECT_EQ(offers(kGpu), "newer");
  EXPECT_EQ(offers("example.com/other"), "first");
  EXPECT_TRUE(classes.Remove("newer"));
  EXPECT_EQ(offers(kGpu), "gpu");
  EXPECT_TRUE(classes.Remove("gpu"));
  EXPECT_EQ(offers(kGpu), "older");
  EXPECT_EQ(offers(kImplicit), "");
  EXPECT_FALSE(classes.Remove("gpu"));
}

TEST(DeviceClassesTest, WhatARequestMayComeFrom) {
  DeviceClasses classes;
  classes.Put(Class("gpu", kGpu));
  const auto any = [&](std::string_view resource, std::string_view amount) {
    return classes.OfferAny(MakePod("p").Requests({{resource, amount}}).Info()->requests);
  };
  EXPECT_TRUE(any(kGpu, "1"));
  EXPECT_FALSE(any(kGpu, "0"));
  EXPECT_TRUE(any(kImplicit, "1"));
  EXPECT_FALSE(any("example.com/other", "1"));
  EXPECT_FALSE(any("hugepages-2Mi", "2Mi"));
}

// "container-0-request-1=2 ...| container:request ..."
std::string RequestsOf(MakePod& pod) {
  const auto gpu = Class("gpu", kGpu);
  const ExtendedRequests asked =
      ExtendedRequestsOf(pod.message(), {{Symbol::Intern(kGpu), gpu}});
  std::string out;
  for (const auto& request : asked.requests) {
    EXPECT_EQ(request.exactly().device_class_name(), "gpu");
    EXPECT_EQ(request.exactly().allocation_mode(), "ExactCount");
    out += fmt::format("{}={} ", request.name(), request.exactly().count());
  }
  out += "|";
  for (const auto& mapping : asked.status.request_mappings()) {
    EXPECT_EQ(mapping.resource_name(), kGpu);
    out += fmt::format(" {}:{}", mapping.container_name(), mapping.request_name());
  }
  return out;
}

TEST(ExtendedResourcesTest, EachContainerHasItsRequest) {
  MakePod pod("p");
  pod.Requests({{"cpu", "1"}, {kGpu, "2"}, {"memory", "1Gi"}});
  pod.message().mutable_spec()->mutable_containers(0)->set_name("a");
  pod.Container({{kGpu, "1"}});
  pod.message().mutable_spec()->mutable_containers(1)->set_name("b");
  EXPECT_EQ(RequestsOf(pod), "container-0-request-1=2 container-1-request-0=1 "
                             "| a:container-0-request-1 b:container-1-request-0");
  MakePod none("p");
  none.Requests({{kGpu, "0"}});
  EXPECT_EQ(RequestsOf(none), "|");
}

TEST(ExtendedResourcesTest, InitContainersUseWhatOthersHaveLater) {
  const auto pod = [](std::string_view first, std::string_view second, std::string_view main) {
    MakePod out("p");
    out.Requests({{kGpu, main}});
    out.InitContainer({{kGpu, first}}).InitContainer({{kGpu, second}});
    auto& spec = *out.message().mutable_spec();
    spec.mutable_init_containers(0)->set_name("i");
    spec.mutable_init_containers(1)->set_name("j");
    spec.mutable_containers(0)->set_name("m");
    return RequestsOf(out);
  };
  EXPECT_EQ(pod("1", "2", "2"), "container-2-request-0=2 | m:container-2-request-0 "
                                "i:container-2-request-0 j:container-2-request-0");
  EXPECT_EQ(pod("3", "5", "2"),
            "container-1-request-0=3 container-2-request-0=2 | m:container-2-request-0 "
            "i:container-2-request-0 i:container-1-request-0 "
            "j:container-2-request-0 j:container-1-request-0") << "the larger rest is enough";
  MakePod sidecar("p");
  sidecar.InitContainer({{kGpu, "1"}}).InitContainer({{kGpu, "1"}}, /*restartable=*/true);
  EXPECT_EQ(RequestsOf(sidecar).substr(0, 26), "container-1-request-0=1 | ");
}

// Nodes n, with devices a and b of class gpu, and own, which offers the resource by itself.
class ExtendedResourcesPluginTest : public ::testing::Test {
 protected:
  ExtendedResourcesPluginTest() {
    handle_.other_sink = &handle_.world;
    Put(Class("gpu", kGpu));
    Put(FromJson<api::dra::ResourceSlice>(R"({"metadata": {"name": "s"}, "spec": {
        "driver": "d", "nodeName": "n",
        "pool": {"name": "n", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "a"}, {"name": "b"}]}})"));
    handle_.world.on_patch = [this](std::string_view key, std::string_view patch) {
      patches_ += std::string(key) + " " + std::string(patch) + "\n";
      return patch_answer_;
    };
  }

  template <typename T>
  void Put(std::shared_ptr<T> object) {
    handle_.world.Put(api::ResourceOf<T>(), std::move(object));
  }
  static MakePod Pod(std::string_view name = "p", std::string_view amount = "1",
                     std::string_view resource = kGpu) {
    return std::move(MakePod(name).Requests({{resource, amount}}));
  }
  static framework::NodeInfo Node() {
    return MakeNode("n").Allocatable({{"pods", "10"}}).Info();
  }
  static framework::NodeInfo Own() {
    return MakeNode("own").Allocatable({{"pods", "10"}, {kGpu, "4"}}).Info();
  }

  framework::Status Filter(const framework::PodInfo& pod, const framework::NodeInfo& node) {
    const auto pre = plugin_.PreFilter(state_, pod, testing::FixedSnapshot({}));
    EXPECT_TRUE(pre.status.ok()) << pre.status.Message();
    return plugin_.Filter(state_, pod, node);
  }
  framework::Status PreBind(const framework::PodInfo& pod, std::string_view node) {
    EXPECT_TRUE(plugin_.PreBindPreFlight(state_, pod, node).status.ok());
    std::optional<framework::Status> answer;
    plugin_.PreBind(state_, pod, node, [&](framework::Status s) { answer = std::move(s); });
    handle_.Settle(absl::Seconds(1));
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(framework::Error("no answer"));
  }
  std::vector<std::shared_ptr<const ResourceClaim>> Claims() const {
    std::vector<std::shared_ptr<const ResourceClaim>> out;
    handle_.world.ForEach(api::ResourceOf<ResourceClaim>(), {}, [&](const auto& object) {
      out.push_back(std::static_pointer_cast<const ResourceClaim>(object));
    });
    return out;
  }
  std::string InUse() { return Inventory::Of(handle_)->claims().InUse().ToText(); }
  std::string PostFilter(const framework::PodInfo& pod) {
    struct NoStatuses final : framework::NodeStatusReader {
      framework::Status Get(std::string_view) const override { return {}; }
      std::span<const framework::NodeIndex> NodesWith(Code) const override { return {}; }
    } statuses;
    const std::string planned = plugin_.PlanPostFilter(state_, pod, statuses).status.Message();
    std::string answer;
    plugin_.PostFilter(state_, pod, statuses, [&](framework::PostFilterResult result) {
      answer = result.status.Message();
    });
    handle_.Settle(absl::Seconds(1));
    EXPECT_EQ(answer, planned);
    return answer;
  }

  testing::FakeHandle handle_{{Node(), Own()}};
  DynamicResources plugin_{DynamicResourcesArgs(), handle_};
  framework::CycleState state_;
  std::string patches_;
  absl::Status patch_answer_;
};

TEST_F(ExtendedResourcesPluginTest, AClaimIsMadeWhenThePodIsBound) {
  const auto pod = Pod().Info();
  ASSERT_TRUE(Filter(*pod, Node()).ok());
  EXPECT_EQ(plugin_.Score(state_, *pod, Node()).score, 0);
  EXPECT_TRUE(Claims().empty());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  EXPECT_EQ(InUse(), "d/n/a") << "held in memory";
  EXPECT_TRUE(PreBind(*pod, "n").ok());
  ASSERT_EQ(Claims().size(), 1u);
  std::string text;
  api::PrintJson(*Claims()[0], text);
  EXPECT_EQ(
      text,
      R"({"metadata":{"name":"p-extended-resources-00001","generateName":"p-extended-resources-",)"
      R"("namespace":"default","uid":"p-extended-resources-00001",)"
      R"("annotations":{"resource.kubernetes.io/extended-resource-claim":"true"},)"
      R"("ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p","uid":"p",)"
      R"("controller":true}],"finalizers":["resource.kubernetes.io/delete-protection"]},)"
      R"("spec":{"devices":{"requests":[{"name":"container-0-request-0","exactly":)"
      R"({"deviceClassName":"gpu","allocationMode":"ExactCount","count":1}}]}},)"
      R"("status":{"allocation":{"devices":{"results":[{"request":"container-0-request-0",)"
      R"("driver":"d","pool":"n","device":"a"}]},"nodeSelector":{"nodeSelectorTerms":)"
      R"([{"matchFields":[{"key":"metadata.name","operator":"In","values":["n"]}]}]},)"
      R"("allocationTimestamp":"2023-11-14T22:13:20Z"},)"
      R"("reservedFor":[{"resource":"pods","name":"p","uid":"p"}]}})");
  EXPECT_EQ(patches_,
            R"(default/p {"metadata":{"uid":"p"},"status":{"extendedResourceClaimStatus":)"
            R"({"requestMappings":[{"containerName":"c","resourceName":"example.com/gpu",)"
            R"("requestName":"container-0-request-0"}],)"
            R"("resourceClaimName":"p-extended-resources-00001"}}})" "\n");
  EXPECT_EQ(InUse(), "d/n/a");
}

TEST_F(ExtendedResourcesPluginTest, DevicesRunOut) {
  const auto bind = [&](std::string_view name) {
    const auto pod = Pod(name).Info();
    const framework::Status status = Filter(*pod, Node());
    if (!status.ok()) return status;
    EXPECT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
    return PreBind(*pod, "n");
  };
  EXPECT_TRUE(bind("p").ok());
  EXPECT_TRUE(bind("q").ok()) << "what was found for p does not hold any more, and b is left";
  EXPECT_EQ(InUse(), "d/n/a d/n/b");
  const framework::Status full = bind("r");
  EXPECT_EQ(full.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(full.Message(), "cannot allocate all claims");
  handle_.world.Remove(api::ResourceOf<ResourceClaim>(), "default", Claims()[0]->metadata().name());
  EXPECT_TRUE(bind("r").ok());
}

TEST_F(ExtendedResourcesPluginTest, WhatTheNodeOffersByItselfIsNoneOfItsBusiness) {
  const auto pod = Pod().Info();
  ASSERT_TRUE(Filter(*pod, Own()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "own").ok());
  EXPECT_TRUE(PreBind(*pod, "own").ok());
  EXPECT_TRUE(Claims().empty());
  EXPECT_EQ(patches_, "");
  EXPECT_EQ(InUse(), "");
  // One that does, and one that nobody has.
  MakePod both("p");
  both.Requests({{kGpu, "1"}, {"example.com/none", "1"}});
  const framework::Status status = Filter(*both.Info(), Own());
  EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status.Message(), "cannot fit resource");
}

TEST_F(ExtendedResourcesPluginTest, TheImplicitNameOfAClass) {
  EXPECT_TRUE(Filter(*Pod("p", "2", kImplicit).Info(), Node()).ok());
  EXPECT_EQ(Filter(*Pod("p", "3", kImplicit).Info(), Node()).Message(),
            "cannot allocate all claims");
}

TEST_F(ExtendedResourcesPluginTest, PodsAreSharedUntilAClassOffersTheirResource) {
  const auto of = [&](std::string_view resource) { return *Pod("p", "1", resource).Info(); };
  EXPECT_TRUE(plugin_.PreFilter(state_, of("example.com/x"), testing::FixedSnapshot({}))
                  .status.IsSkip());
  EXPECT_EQ(plugin_.DependsOn(of("example.com/x")).filter, framework::Scope::kNode);
  EXPECT_EQ(plugin_.DependsOn(of(kGpu)).filter, framework::Scope::kCluster);
  Put(Class("x", "example.com/x"));
  EXPECT_EQ(plugin_.DependsOn(of("example.com/x")).filter, framework::Scope::kCluster);
  handle_.devices.extended_resources = false;  // the gate
  EXPECT_TRUE(plugin_.PreFilter(state_, of(kGpu), testing::FixedSnapshot({})).status.IsSkip());
  EXPECT_EQ(plugin_.DependsOn(of(kGpu)).filter, framework::Scope::kNode);
}

TEST_F(ExtendedResourcesPluginTest, WhatWasMadeForAPodThatIsNotBoundIsDeleted) {
  const auto pod = Pod().Info();
  ASSERT_TRUE(Filter(*pod, Node()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  plugin_.Unreserve(state_, *pod, "n");
  EXPECT_EQ(InUse(), "") << "nothing was written";
  ASSERT_TRUE(Filter(*pod, Node()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  patch_answer_ = absl::InternalError("no");
  EXPECT_EQ(PreBind(*pod, "n").Message(), "update pod default/p ExtendedResourceClaimStatus: no");
  EXPECT_EQ(Claims().size(), 1u);
  plugin_.Unreserve(state_, *pod, "n");
  handle_.Settle(absl::Seconds(1));
  EXPECT_TRUE(Claims().empty());
  EXPECT_EQ(InUse(), "");
}

TEST_F(ExtendedResourcesPluginTest, CancelledWhileItIsMade) {
  const auto pod = Pod().Info();
  ASSERT_TRUE(Filter(*pod, Node()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  framework::Status answer;
  plugin_.PreBind(state_, *pod, "n", [&](framework::Status status) { answer = status; });
  plugin_.CancelPreBind(*pod);
  plugin_.Unreserve(state_, *pod, "n");
  handle_.Settle(absl::Seconds(1));
  EXPECT_EQ(answer.code(), Code::kError);
  EXPECT_TRUE(Claims().empty());
  EXPECT_EQ(InUse(), "");
}

TEST_F(ExtendedResourcesPluginTest, AClaimLeftOverIsDeletedFirst) {
  const auto pod = Pod().Info();
  ASSERT_TRUE(Filter(*pod, Node()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  EXPECT_TRUE(PreBind(*pod, "n").ok());
  EXPECT_EQ(PostFilter(*pod), "deletion of ResourceClaim completed");
  EXPECT_TRUE(Claims().empty());

  ASSERT_TRUE(Filter(*pod, Node()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  EXPECT_TRUE(PreBind(*pod, "n").ok());
  const framework::Status status = Filter(*pod, Node());  // another attempt
  EXPECT_EQ(status.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status.Message(), "cannot schedule extended resource claim");
  EXPECT_EQ(PostFilter(*pod), "deletion of ResourceClaim completed");
  EXPECT_TRUE(Claims().empty());
  EXPECT_TRUE(Filter(*pod, Node()).ok());
  EXPECT_EQ(PostFilter(*pod), "still not schedulable");
}

// --- NodeResourcesFit and NodeResourcesBalancedAllocation ---------------------------------------

TEST_F(ExtendedResourcesPluginTest, FitLeavesThemToDevices) {
  auto fit = testing::NewPlugin("NodeResourcesFit", handle_);
  EXPECT_TRUE(testing::Filter(*fit, *Pod().Info(), Node()).ok());
  EXPECT_TRUE(testing::Filter(*fit, *Pod("p", "1", kImplicit).Info(), Node()).ok());
  EXPECT_EQ(testing::Filter(*fit, *Pod("p", "5").Info(), Own()).Message(),
            "Insufficient example.com/gpu") << "the node offers it";
  EXPECT_EQ(testing::Filter(*fit, *Pod("p", "1", "example.com/x").Info(), Node()).Message(),
            "Insufficient example.com/x");
  EXPECT_EQ(fit->DependsOn(*Pod().Info()).filter, framework::Scope::kCluster);
  EXPECT_EQ(fit->DependsOn(*MakePod("p").Info()).filter, framework::Scope::kNode);
  testing::FakeHandle without;
  without.devices.extended_resources = false;
  without.world.Put(api::ResourceOf<DeviceClass>(), Class("gpu", kGpu));
  auto strict = testing::NewPlugin("NodeResourcesFit", without);
  EXPECT_EQ(testing::Filter(*strict, *Pod().Info(), Node()).Message(),
            "Insufficient example.com/gpu");
}

TEST_F(ExtendedResourcesPluginTest, FitHearsOfClassesAndNodes) {
  auto fit = testing::NewPlugin("NodeResourcesFit", handle_);
  const auto after_class = [&](const framework::PodInfo& pod, framework::ActionType action,
                               const DeviceClass* before, const DeviceClass& after) {
    return testing::Hint(*fit, "resource.k8s.io/DeviceClass", action, pod, before, &after);
  };
  const auto pod = Pod().Info();
  const auto gpu = Class("gpu", kGpu), bare = Class("gpu");
  EXPECT_EQ(after_class(*pod, framework::kAdd, nullptr, *gpu), QueueingHint::kQueue);
  EXPECT_EQ(after_class(*pod, framework::kAdd, nullptr, *bare), QueueingHint::kSkip);
  EXPECT_EQ(after_class(*pod, framework::kUpdate, bare.get(), *gpu), QueueingHint::kQueue);
  EXPECT_EQ(after_class(*pod, framework::kUpdate, gpu.get(), *gpu), QueueingHint::kSkip);
  EXPECT_EQ(after_class(*pod, framework::kUpdate, gpu.get(), *bare), QueueingHint::kSkip);
  const auto implicit = Pod("p", "1", kImplicit).Info();
  EXPECT_EQ(after_class(*implicit, framework::kAdd, nullptr, *bare), QueueingHint::kQueue);
  EXPECT_EQ(after_class(*implicit, framework::kUpdate, bare.get(), *gpu), QueueingHint::kSkip);

  const auto after_node = [&](const framework::PodInfo& waiting) {
    const auto node = MakeNode("n").Allocatable({{"pods", "10"}}).Object();
    return testing::Hint(*fit, "Node", framework::kUpdateNodeAllocatable, waiting, node.get(),
                         node.get());
  };
  EXPECT_EQ(after_node(*pod), QueueingHint::kQueue);
  EXPECT_EQ(after_node(*Pod("p", "1", "example.com/x").Info()), QueueingHint::kSkip);
  EXPECT_EQ(after_node(*MakePod("p").Info()), QueueingHint::kSkip);
}

TEST_F(ExtendedResourcesPluginTest, DevicesCountInScores) {
  const std::string resources = R"("resources":[{"name":"example.com/gpu","weight":1}])";
  auto fit = testing::NewPlugin(
      "NodeResourcesFit", handle_,
      R"({"scoringStrategy":{"type":"MostAllocated",)" + resources + "}}");
  auto balanced = testing::NewPlugin("NodeResourcesBalancedAllocation", handle_,
                                     R"({"resources":[{"name":"example.com/gpu","weight":1},
                                                      {"name":"cpu","weight":1}]})");
  const auto pod = Pod().Info();
  const auto node = MakeNode("n").Capacity("10", "").Info();
  EXPECT_EQ(testing::Score(*fit, *pod, node), 50) << "one of two";
  EXPECT_EQ(testing::Score(*balanced, *pod, node), 62) << "(0, 0) becomes (1/2, 0)";
  ASSERT_TRUE(Filter(*pod, Node()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  EXPECT_EQ(testing::Score(*fit, *pod, node), 100) << "both";
  EXPECT_EQ(testing::Score(*fit, *pod, Own()), 25) << "by itself";
  EXPECT_EQ(testing::Score(*fit, *pod, MakeNode("bare").Info()), 0) << "left out";
  auto picky = Class("gpu", kGpu);
  picky->mutable_spec()->add_selectors()->mutable_cel()->set_expression("device.driver == 'x'");
  Put(picky);
  EXPECT_EQ(testing::Score(*fit, *pod, node), 0) << "no device is of the class now";
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
