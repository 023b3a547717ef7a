#include "cluster/node/admission.h"

#include <gtest/gtest.h>

#include "api/schema/core_v1_node.pb.h"
#include "tests/node/builders.h"

namespace berth::node {
namespace {

api::core::Node TwoCpuNode() {
  api::core::Node node;
  node.mutable_metadata()->set_name("n1");
  (*node.mutable_metadata()->mutable_labels())["disk"] = "ssd";
  auto& allocatable = *node.mutable_status()->mutable_allocatable();
  allocatable["cpu"].set_string("2");
  allocatable["memory"].set_string("1Gi");
  allocatable["pods"].set_string("3");
  allocatable["example.com/gpu"].set_string("1");
  return node;
}

// A node of 2 CPUs that runs one pod with 1 CPU and host port 80.
struct Arena {
  NodeFacts facts;
  api::scheduling::Allocatable allocatable;
  NodeLoad load;
  explicit Arena(const api::core::Node& node)
      : facts(FactsOf(node)), allocatable(api::scheduling::NodeAllocatable(node)) {
    load.Add(LoadOf(PodBuilder("first").Request("cpu", "1").HostPort(80).Build()));
  }
  std::optional<Refusal> Check(const api::core::Pod& pod) {
    return load.Check(pod, LoadOf(pod), facts, allocatable);
  }
};

// Source of the texts: pkg/kubelet/lifecycle/predicate.go.
TEST(AdmissionTest, FirstReasonInTheKubeletsWords) {
  const struct {
    std::string_view name;
    api::core::Pod pod;
    std::string reason, message;
  } cases[] = {
      {"fits exactly", PodBuilder("p").Request("cpu", "1").Build(), "", ""},
      {"cpu", PodBuilder("p").Request("cpu", "1001m").Build(), "OutOfcpu",
       "Node didn't have enough resource: cpu, requested: 1001, used: 1000, capacity: 2000"},
      {"memory", PodBuilder("p").Request("memory", "2Gi").Build(), "OutOfmemory",
       "Node didn't have enough resource: memory, requested: 2147483648, used: 0, "
       "capacity: 1073741824"},
      {"extended resource the node has", PodBuilder("p").Request("example.com/gpu", "2").Build(),
       "OutOfexample.com/gpu",
       "Node didn't have enough resource: example.com/gpu, requested: 2, used: 0, capacity: 1"},
      {"resource of a device class",
       PodBuilder("p").Request("deviceclass.resource.kubernetes.io/gpu", "2").Build(), "", ""},
      {"extended resource nobody has", PodBuilder("p").Request("example.com/fpga", "2").Build(),
       "", ""},
      {"selector holds", PodBuilder("p").Selector("disk", "ssd").Build(), "", ""},
      {"selector fails", PodBuilder("p").Selector("disk", "hdd").Build(), "NodeAffinity",
       "Predicate NodeAffinity failed: node(s) didn't match Pod's node affinity/selector"},
      {"port taken", PodBuilder("p").HostPort(80).Build(), "NodePorts",
       "Predicate NodePorts failed: node(s) didn't have free ports for the requested pod ports"},
      {"other port", PodBuilder("p").HostPort(81).Build(), "", ""},
      {"what does not fit comes first",
       PodBuilder("p").Request("cpu", "3").Selector("disk", "hdd").Build(), "OutOfcpu",
       "Node didn't have enough resource: cpu, requested: 3000, used: 1000, capacity: 2000"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    Arena setup(TwoCpuNode());
    const auto refusal = setup.Check(c.pod);
    EXPECT_EQ(refusal.value_or(Refusal{}).reason, c.reason);
    EXPECT_EQ(refusal.value_or(Refusal{}).message, c.message);
  }
}

TEST(AdmissionTest, PodsAreCounted) {
  Arena setup(TwoCpuNode());
  setup.load.Add({});
  setup.load.Add({});
  const auto refusal = setup.Check(PodBuilder("p").Build());
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, "OutOfpods");
  EXPECT_EQ(refusal->message,
            "Node didn't have enough resource: pods, requested: 1, used: 3, capacity: 3");
}

TEST(AdmissionTest, WhatIsGivenBackCanBeTakenAgain) {
  Arena setup(TwoCpuNode());
  const auto pod = PodBuilder("p").Request("cpu", "2").HostPort(80).Build();
  EXPECT_TRUE(setup.Check(pod));
  setup.load.Remove(LoadOf(PodBuilder("first").Request("cpu", "1").HostPort(80).Build()));
  EXPECT_FALSE(setup.Check(pod));
  EXPECT_EQ(setup.load.pods(), 0);
}

TEST(AdmissionTest, OnlyNoExecuteTaintsRefuse) {
  for (const char* effect : {"NoSchedule", "PreferNoSchedule", "NoExecute"}) {
    api::core::Node node = TwoCpuNode();
    auto& taint = *node.mutable_spec()->add_taints();
    taint.set_key("gone");
    taint.set_effect(effect);
    Arena setup(node);
    api::core::Pod pod = PodBuilder("p").Build();
    const auto refusal = setup.Check(pod);
    if (std::string_view(effect) != "NoExecute") {
      EXPECT_FALSE(refusal) << effect;
      continue;
    }
    ASSERT_TRUE(refusal);
    EXPECT_EQ(refusal->reason, "TaintToleration");
    EXPECT_EQ(refusal->message,
              "Predicate TaintToleration failed: node(s) had taints that the pod didn't tolerate");
    auto& toleration = *pod.mutable_spec()->add_tolerations();
    toleration.set_key("gone");
    toleration.set_operator_("Exists");
    EXPECT_FALSE(setup.Check(pod));
  }
}

}  // namespace
}  // namespace berth::node
