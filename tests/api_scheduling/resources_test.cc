// The accounting table of framework.md section 11, row by row.
#include "api/scheduling/resources.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::api::scheduling {
namespace {

constexpr int64_t kMi = 1 << 20;

template <typename Map>
void Put(Map& map, std::initializer_list<std::pair<std::string, std::string>> amounts) {
  for (const auto& [name, text] : amounts) map[name].set_string(text);
}

using List = std::initializer_list<std::pair<std::string, std::string>>;

core::Container& AddContainer(core::Pod& pod, List requests) {
  core::Container& container = *pod.mutable_spec()->add_containers();
  container.set_name("c" + std::to_string(pod.spec().containers_size()));
  Put(*container.mutable_resources()->mutable_requests(), requests);
  return container;
}

core::Container& AddInit(core::Pod& pod, List requests, bool restartable = false) {
  core::Container& container = *pod.mutable_spec()->add_init_containers();
  container.set_name("i" + std::to_string(pod.spec().init_containers_size()));
  if (restartable) container.set_restart_policy("Always");
  Put(*container.mutable_resources()->mutable_requests(), requests);
  return container;
}

TEST(PodRequestsTest, SumsContainersAndRoundsUpAtTheEnd) {
  core::Pod pod;
  AddContainer(pod, {{"cpu", "500u"}, {"memory", "1.5"}});
  AddContainer(pod, {{"cpu", "500u"}, {"memory", "1.5"}, {"ephemeral-storage", "1Ki"}});
  const Amounts got = PodRequests(pod);
  EXPECT_EQ(got.milli_cpu, 1) << "two halves of a millicore are one, not two";
  EXPECT_EQ(got.memory_bytes, 3);
  EXPECT_EQ(got.ephemeral_storage_bytes, 1024);
  EXPECT_TRUE(got.scalars.empty());
}

TEST(PodRequestsTest, InitContainersCountByTheirMaximum) {
  core::Pod pod;
  AddContainer(pod, {{"cpu", "1"}, {"memory", "100Mi"}});
  AddInit(pod, {{"cpu", "3"}});
  AddInit(pod, {{"cpu", "2"}, {"memory", "150Mi"}});
  const Amounts got = PodRequests(pod);
  EXPECT_EQ(got.milli_cpu, 3000);
  EXPECT_EQ(got.memory_bytes, 150 * kMi);
}

TEST(PodRequestsTest, SidecarsAddUpAndWeighOnLaterInitContainers) {
  core::Pod pod;
  AddContainer(pod, {{"cpu", "1"}});
  AddInit(pod, {{"cpu", "2"}});        // 2
  AddInit(pod, {{"cpu", "1"}}, true);  // side 1
  AddInit(pod, {{"cpu", "4"}});        // 4 + 1
  AddInit(pod, {{"cpu", "2"}}, true);  // side 3
  EXPECT_EQ(PodRequests(pod).milli_cpu, 5000);  // max(1 + 3, 5)
}

TEST(PodRequestsTest, OverheadIsAddedLast) {
  core::Pod pod;
  AddContainer(pod, {{"cpu", "1"}});
  AddInit(pod, {{"cpu", "2"}});
  Put(*pod.mutable_spec()->mutable_overhead(), {{"cpu", "250m"}, {"memory", "1Mi"}});
  const Amounts got = PodRequests(pod);
  EXPECT_EQ(got.milli_cpu, 2250);
  EXPECT_EQ(got.memory_bytes, kMi);
}

TEST(PodRequestsTest, PodLevelRequestsReplaceTheSumPerResource) {
  core::Pod pod;
  AddContainer(pod, {{"cpu", "1"}, {"memory", "10Mi"}, {"example.com/gpu", "2"}});
  Put(*pod.mutable_spec()->mutable_resources()->mutable_requests(),
      {{"cpu", "3"}, {"ephemeral-storage", "1Gi"}});
  const Amounts got = PodRequests(pod);
  EXPECT_EQ(got.milli_cpu, 3000);
  EXPECT_EQ(got.memory_bytes, 10 * kMi);
  EXPECT_EQ(got.ephemeral_storage_bytes, 0) << "only cpu, memory and hugepages at pod level";
  EXPECT_EQ(got.Scalar(Symbol::Intern("example.com/gpu")), 2);
  EXPECT_EQ(PodRequests(pod, {.use_pod_level = false}).milli_cpu, 1000);
}

TEST(PodRequestsTest, NonZeroDefaultsFillOnlyMissingKeys) {
  core::Pod pod;
  AddContainer(pod, {});
  AddContainer(pod, {{"cpu", "0"}, {"memory", "1Mi"}});
  AddInit(pod, {{"cpu", "50m"}});
  const Amounts got = PodRequests(pod, {.non_zero_defaults = true});
  EXPECT_EQ(got.milli_cpu, 100);
  EXPECT_EQ(got.memory_bytes, kDefaultMemoryRequestBytes + kMi);
  EXPECT_TRUE(PodRequests(pod, {}).milli_cpu == 50);
}

TEST(PodRequestsTest, NonZeroDefaultsWithPodLevelRequests) {
  core::Pod pod;
  AddContainer(pod, {});
  Put(*pod.mutable_spec()->mutable_resources()->mutable_requests(), {{"cpu", "1"}});
  const Amounts got = PodRequests(pod, {.non_zero_defaults = true});
  EXPECT_EQ(got.milli_cpu, 1000);
  EXPECT_EQ(got.memory_bytes, kDefaultMemoryRequestBytes) << "absent everywhere, so defaulted";
  const Amounts scoring = PodRequests(pod, {.non_zero_defaults = true, .use_pod_level = false});
  EXPECT_EQ(scoring.milli_cpu, kDefaultMilliCpuRequest);
}

TEST(PodRequestsTest, ResizeStatusTakesTheMaximum) {
  core::Pod pod;
  AddContainer(pod, {{"cpu", "1"}});
  core::ContainerStatus& status = *pod.mutable_status()->add_container_statuses();
  status.set_name("c1");
  Put(*status.mutable_resources()->mutable_requests(), {{"cpu", "2"}});
  Put(*status.mutable_allocated_resources(), {{"cpu", "1500m"}});
  EXPECT_EQ(PodRequests(pod).milli_cpu, 1000);
  EXPECT_EQ(PodRequests(pod, {.use_status = true}).milli_cpu, 2000);
  (*pod.mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
      .set_string("8");
  EXPECT_EQ(PodRequests(pod, {.use_status = true}).milli_cpu, 8000);
  core::PodCondition& condition = *pod.mutable_status()->add_conditions();
  condition.set_type("PodResizePending");
  condition.set_reason("Infeasible");
  EXPECT_EQ(PodRequests(pod, {.use_status = true}).milli_cpu, 2000);
}

TEST(ResourceNameTest, ExtendedAndScalar) {
  const struct {
    std::string_view name;
    bool extended, scalar;
  } cases[] = {
      {"example.com/gpu", true, true},
      {"cpu", false, false},
      {"gpu", false, false},
      {"kubernetes.io/batch", false, true},
      {"pods.kubernetes.io/x", false, true},
      {"requests.example.com/gpu", false, false},
      {"hugepages-2Mi", false, true},
      {"attachable-volumes-aws-ebs", false, true},
      {"example.com/bad name", false, false},
      {"/gpu", false, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(IsExtendedResourceName(c.name), c.extended);
    EXPECT_EQ(IsScalarResourceName(c.name), c.scalar);
  }
}

TEST(FitTest, ReasonsComeInUpstreamsOrder) {
  core::Node node;
  Put(*node.mutable_status()->mutable_allocatable(),
      {{"cpu", "2"}, {"memory", "1Gi"}, {"pods", "1"}, {"a.com/x", "1"}});
  const Allocatable has = NodeAllocatable(node);
  EXPECT_EQ(has.pods, 1);
  Amounts request;
  request.milli_cpu = 1500;
  request.memory_bytes = int64_t{2} << 30;
  request.ephemeral_storage_bytes = 1;
  request.MutableScalar(Symbol::Intern("b.com/y")) = 1;
  request.MutableScalar(Symbol::Intern("a.com/x")) = 1;
  Amounts used;
  used.milli_cpu = 1000;
  std::vector<Insufficient> got;
  FindInsufficient(request, has, used, 1, got);
  std::vector<std::string> names;
  for (const Insufficient& lack : got) names.emplace_back(lack.resource.text());
  EXPECT_EQ(names, (std::vector<std::string>{"pods", "cpu", "memory", "ephemeral-storage",
                                             "b.com/y"}));
  EXPECT_FALSE(got[0].Unresolvable()) << "too many pods is always resolvable";
  EXPECT_FALSE(got[1].Unresolvable());
  EXPECT_TRUE(got[2].Unresolvable());
  EXPECT_FALSE(Fits(request, has, used, 1));
}

TEST(FitTest, NothingWantedFitsAnywhereWithAFreeSlot) {
  Allocatable has;
  has.pods = 1;
  Amounts over;
  over.milli_cpu = 5000;
  EXPECT_TRUE(Fits({}, has, over, 0)) << "a zero request does not look at the rest";
  EXPECT_FALSE(Fits({}, has, over, 1));
  Amounts request;
  request.MutableScalar(Symbol::Intern("a.com/x")) = 0;
  EXPECT_TRUE(Fits(request, has, over, 0));
}

TEST(AmountsTest, ScalarsStaySortedAndSurviveSubtraction) {
  Amounts a;
  a.MutableScalar(Symbol::Intern("z.com/z")) = 2;
  a.MutableScalar(Symbol::Intern("a.com/a")) = 1;
  EXPECT_EQ(a.scalars[0].first.text(), "a.com/a");
  AmountsSum sum;
  sum.Add(a);
  sum.Add(a);
  EXPECT_EQ(sum.value().Of(Symbol::Intern("z.com/z")), 4);
  sum.Subtract(a);
  sum.Subtract(a);
  EXPECT_TRUE(sum.value().IsZero());
  EXPECT_EQ(sum.value().scalars.size(), 2u) << "an entry of 0 differs from none";
}

TEST(AmountsTest, ManyScalarsAreFoundAsFewAre) {
  Amounts amounts;
  for (int i = 0; i < 100; ++i) {
    amounts.MutableScalar(Symbol::Intern(fmt::format("a.com/{}", i * 37 % 100))) = i * 37 % 100;
  }
  ASSERT_EQ(amounts.scalars.size(), 100u);
  for (size_t i = 1; i < amounts.scalars.size(); ++i) {
    EXPECT_LT(amounts.scalars[i - 1].first.text(), amounts.scalars[i].first.text());
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(amounts.Scalar(Symbol::Intern(fmt::format("a.com/{}", i))), i);
  }
  EXPECT_EQ(amounts.Scalar(Symbol::Intern("a.com/none")), 0);
}

TEST(AmountsSumTest, WhatNoInt64HoldsIsFullAndComesBackExact) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const Symbol scalar = Symbol::Intern("a.com/x");
  Amounts huge;
  huge.memory_bytes = int64_t{5} << 60;
  huge.MutableScalar(scalar) = kMax;
  Amounts small;
  small.milli_cpu = 3;
  small.memory_bytes = 7;
  AmountsSum sum;
  for (int i = 0; i < 3; ++i) sum.Add(huge);
  sum.Add(small);
  EXPECT_EQ(sum.value().memory_bytes, kMax);
  EXPECT_EQ(sum.value().Scalar(scalar), kMax);
  EXPECT_EQ(sum.value().milli_cpu, 3);

  Allocatable node;
  node.pods = 10;
  node.amounts.memory_bytes = int64_t{8} << 30;
  Amounts one;
  one.memory_bytes = 1;
  EXPECT_FALSE(Fits(one, node, sum.value(), 4)) << "a full node stays full";
  std::vector<Insufficient> lacks;
  FindInsufficient(one, node, sum.value(), 4, lacks);
  EXPECT_EQ(lacks.size(), 1u);

  sum.Subtract(huge);
  EXPECT_EQ(sum.value().memory_bytes, kMax);
  sum.Subtract(huge);
  EXPECT_EQ(sum.value().memory_bytes, huge.memory_bytes + 7);
  sum.Subtract(huge);
  EXPECT_EQ(sum.value().memory_bytes, 7);
  EXPECT_EQ(sum.value().Scalar(scalar), 0);
  EXPECT_TRUE(Fits(one, node, sum.value(), 1));
}

TEST(AmountsSumTest, SaturatingAddStopsAtTheEnds) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(SaturatingAdd(1, 2), 3);
  EXPECT_EQ(SaturatingAdd(kMax, 1), kMax);
  EXPECT_EQ(SaturatingAdd(kMin, -1), kMin);
}

TEST(PodRequestsTest, ManyExtendedResourcesAreSummed) {
  core::Pod pod;
  for (int c = 0; c < 2; ++c) {
    auto& requests = *pod.mutable_spec()->add_containers()->mutable_resources()->mutable_requests();
    for (int i = 0; i < 2000; ++i) requests[fmt::format("a.com/{}", i)].set_string("2");
  }
  const Amounts got = PodRequests(pod);
  ASSERT_EQ(got.scalars.size(), 2000u);
  EXPECT_EQ(got.scalars[1].first.text(), "a.com/1");
  EXPECT_EQ(got.scalars[1999].second, 4);
}

}  // namespace
}  // namespace berth::api::scheduling
