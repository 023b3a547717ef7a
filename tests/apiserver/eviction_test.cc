#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kBudgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";

class EvictionTest : public ServerFixture {
 public:
  // A pod with label app=a on a node, in a phase, ready or not.
  void RunPod(const std::string& name, std::string_view phase, bool ready) {
    ASSERT_EQ(Post(std::string(kPods),
                   fmt::format(R"({{"metadata":{{"name":"{}","labels":{{"app":"a"}}}},)"
                               R"("spec":{{"nodeName":"n","containers":[)"
                               R"({{"name":"c","image":"x"}}]}}}})",
                               name)).code,
              201);
    SetStatus(name, phase, ready);
  }
  void SetStatus(const std::string& name, std::string_view phase, bool ready) {
    ASSERT_EQ(MergePatch(fmt::format("{}/{}/status", kPods, name),
                         fmt::format(R"({{"status":{{"phase":"{}","conditions":[)"
                                     R"({{"type":"Ready","status":"{}"}}]}}}})",
                                     phase, ready ? "True" : "False")).code,
              200);
  }
  void MakeBudget(const std::string& name, const std::string& spec, const std::string& status) {
    ASSERT_EQ(Post(std::string(kBudgets),
                   fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{"minAvailable":1,)"
                               R"("selector":{{"matchLabels":{{"app":"a"}}}}{}}}}})",
                               name, spec)).code,
              201);
    ASSERT_EQ(MergePatch(fmt::format("{}/{}/status", kBudgets, name),
                         fmt::format(R"({{"status":{{{}}}}})", status)).code,
              200);
  }
  Answer Evict(const std::string& name, const std::string& options = "{}",
               std::string_view version = "policy/v1", std::string_view query = "") {
    return Post(fmt::format("{}/{}/eviction{}", kPods, name, query),
                fmt::format(R"({{"apiVersion":"{}","kind":"Eviction","metadata":{{"name":"{}"}},)"
                            R"("deleteOptions":{}}})",
                            version, name, options));
  }
  std::string PodAt(const std::string& name, std::string_view path) {
    return Get(fmt::format("{}/{}", kPods, name)).At(path);
  }
};

constexpr char kSuccess[] =
    R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success","code":201})";

TEST_F(EvictionTest, WithoutBudgetTheNodeIsAskedToEndThePod) {
  RunPod("a", "Running", true);
  const Answer answer = Evict("a");
  EXPECT_EQ(answer.code, 201);
  EXPECT_EQ(answer.body, kSuccess);
  EXPECT_EQ(PodAt("a", "metadata/deletionGracePeriodSeconds"), "30");
  EXPECT_EQ(PodAt("a", "status/conditions/1/type"), "DisruptionTarget");
  EXPECT_EQ(PodAt("a", "status/conditions/1/status"), "True");
  EXPECT_EQ(PodAt("a", "status/conditions/1/reason"), "EvictionByEvictionAPI");
  EXPECT_EQ(PodAt("a", "status/conditions/1/message"), "Eviction API: evicting");
  EXPECT_EQ(Evict("a", R"({"gracePeriodSeconds":0})").code, 201) << "it is hurried";
  EXPECT_EQ(Get(std::string(kPods) + "/a").code, 404);
}

TEST_F(EvictionTest, ABudgetIsSpentOnce) {
  for (const char* name : {"a", "b"}) RunPod(name, "Running", true);
  MakeBudget("e", "", R"("observedGeneration":1,"disruptionsAllowed":1,"currentHealthy":2,)"
                      R"("desiredHealthy":1,"expectedPods":2)");
  ASSERT_EQ(Evict("a").code, 201);
  const Answer spent = Get(std::string(kBudgets) + "/e");
  EXPECT_EQ(spent.At("status/disruptionsAllowed"), "0");
  EXPECT_NE(spent.At("status/disruptedPods/a"), "<absent>");
  EXPECT_EQ(spent.At("status/conditions/0/type"), "DisruptionAllowed");
  EXPECT_EQ(spent.At("status/conditions/0/status"), "False");
  EXPECT_EQ(spent.At("status/conditions/0/reason"), "InsufficientPods");
  const Answer refused = Evict("b");
  EXPECT_EQ(refused.code, 429);
  EXPECT_EQ(refused.At("message"),
            "Cannot evict pod as it would violate the pod's disruption budget.");
  EXPECT_EQ(refused.At("reason"), "TooManyRequests");
  EXPECT_EQ(refused.At("details/causes/0/reason"), "DisruptionBudget");
  EXPECT_EQ(refused.At("details/causes/0/message"),
            "The disruption budget e does not allow evicting pods currently");
  EXPECT_EQ(PodAt("b", "metadata/deletionTimestamp"), "<absent>");
}

TEST_F(EvictionTest, WhatABudgetSaysOfPodsThatAreNotReady) {
  const struct {
    std::string_view name;
    std::string spec, status;
    bool ready;
    int code;
    std::string_view cause;
  } cases[] = {
      {"a controller that lags behind", "", R"("observedGeneration":0,"disruptionsAllowed":1)",
       true, 429, "The disruption budget e is still being processed by the server."},
      {"an unready pod of a healthy set", "",
       R"("observedGeneration":1,"currentHealthy":1,"desiredHealthy":1)", false, 201, ""},
      {"an unready pod of a sick set", "",
       R"("observedGeneration":1,"currentHealthy":0,"desiredHealthy":1)", false, 429,
       "The disruption budget e needs 1 healthy pods and has 0 currently"},
      {"AlwaysAllow", R"(,"unhealthyPodEvictionPolicy":"AlwaysAllow")",
       R"("observedGeneration":1,"currentHealthy":0,"desiredHealthy":1)", false, 201, ""},
      {"AlwaysAllow of a ready pod", R"(,"unhealthyPodEvictionPolicy":"AlwaysAllow")",
       R"("observedGeneration":1,"currentHealthy":1,"desiredHealthy":1)", true, 429,
       "The disruption budget e needs 1 healthy pods and has 1 currently"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    RunPod("a", "Running", c.ready);
    MakeBudget("e", c.spec, c.status);
    const Answer answer = Evict("a", R"({"gracePeriodSeconds":0})");
    EXPECT_EQ(answer.code, c.code);
    if (c.code != 201) {
      EXPECT_EQ(answer.At("details/causes/0/message"), c.cause);
    }
    EXPECT_EQ(Get(std::string(kPods) + "/a").code, c.code == 201 ? 404 : 200);
    Delete(std::string(kPods) + "/a?gracePeriodSeconds=0");
    Delete(std::string(kBudgets) + "/e");
  }
}

TEST_F(EvictionTest, PendingAndEndedPodsNeedNoBudget) {
  for (const std::string_view phase : {"Pending", "Succeeded", "Failed"}) {
    SCOPED_TRACE(phase);
    RunPod("a", phase, false);
    MakeBudget("e", "", R"("observedGeneration":1)");
    EXPECT_EQ(Evict("a", R"({"gracePeriodSeconds":0})").code, 201);
    EXPECT_EQ(Get(std::string(kPods) + "/a").code, 404);
    Delete(std::string(kBudgets) + "/e");
  }
}

TEST_F(EvictionTest, APendingPodOnANodeIsMarkedToo) {
  RunPod("a", "Pending", false);
  ASSERT_EQ(Evict("a").code, 201);
  EXPECT_EQ(PodAt("a", "metadata/deletionGracePeriodSeconds"), "30");
  EXPECT_EQ(PodAt("a", "status/conditions/1/reason"), "EvictionByEvictionAPI");
}

TEST_F(EvictionTest, WhyASpentBudgetAllowsNothing) {
  const auto condition = [](std::string_view reason, std::string_view message) {
    return fmt::format(R"("conditions":[{{"type":"DisruptionAllowed","status":"False",)"
                       R"("reason":"{}","message":"{}","lastTransitionTime":)"
                       R"("2026-01-02T03:04:05Z"}}],)",
                       reason, message);
  };
  constexpr std::string_view kNo = "The disruption budget e does not allow evicting pods currently";
  const struct {
    std::string conditions;
    int current;
    std::string message;
  } cases[] = {
      {"", 1, "The disruption budget e needs 1 healthy pods and has 1 currently"},
      {"", 3, std::string(kNo)},
      {condition("InsufficientPods", "wait"), 3, fmt::format("{} (InsufficientPods): wait", kNo)},
      {condition("InsufficientPods", "wait"), 0,
       "The disruption budget e needs 1 healthy pods and has 0 currently"},
      {condition("SyncFailed", "no scale"), 0,
       fmt::format("{} because it failed sync: no scale", kNo)},
  };
  RunPod("a", "Running", true);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    MakeBudget("e", "", fmt::format(R"({}"observedGeneration":1,"currentHealthy":{},)"
                                    R"("desiredHealthy":1)", c.conditions, c.current));
    const Answer answer = Evict("a");
    EXPECT_EQ(answer.code, 429);
    EXPECT_EQ(answer.At("details/causes/0/message"), c.message);
    Delete(std::string(kBudgets) + "/e");
  }
}

TEST_F(EvictionTest, BudgetsNobodyCanTrust) {
  RunPod("a", "Running", true);
  MakeBudget("e", "", R"("observedGeneration":1,"disruptionsAllowed":1)");
  std::string pods;
  for (int i = 0; i <= 2000; ++i) {
    pods += fmt::format(R"({}"p{}":"2026-01-02T03:04:05Z")", i == 0 ? "" : ",", i);
  }
  ASSERT_EQ(MergePatch(std::string(kBudgets) + "/e/status",
                       fmt::format(R"({{"status":{{"disruptedPods":{{{}}}}}}})", pods)).code,
            200);
  const Answer full = Evict("a");
  EXPECT_EQ(full.code, 403);
  EXPECT_EQ(full.At("message"),
            "poddisruptionbudget.policy \"e\" is forbidden: DisruptedPods map too big - too many "
            "evictions not confirmed by PDB controller");
}

// Two drains at once: the one disruption that is left is spent once.
TEST_F(EvictionTest, TwoEvictionsOfOneBudget) {
  for (const char* name : {"a", "b"}) RunPod(name, "Running", true);
  MakeBudget("e", "", R"("observedGeneration":1,"disruptionsAllowed":1)");
  std::vector<OpenStream> both;
  for (const char* name : {"a", "b"}) {
    both.push_back(Send("POST", fmt::format("{}/{}/eviction", kPods, name),
                        fmt::format(R"({{"metadata":{{"name":"{}"}}}})", name),
                        "application/json"));
  }
  Run(absl::Seconds(1));
  EXPECT_EQ(both[0].answer().code + both[1].answer().code, 201 + 429);
  EXPECT_EQ(Get(std::string(kBudgets) + "/e").At("status/disruptionsAllowed"), "0");
}

TEST_F(EvictionTest, SeveralBudgets) {
  RunPod("a", "Running", true);
  MakeBudget("e", "", R"("observedGeneration":1,"disruptionsAllowed":1)");
  MakeBudget("f", "", R"("observedGeneration":1,"disruptionsAllowed":1)");
  const Answer answer = Evict("a");
  EXPECT_EQ(answer.code, 201);
  EXPECT_EQ(answer.At("code"), "500");
  EXPECT_EQ(answer.At("message"),
            "This pod has more than one PodDisruptionBudget, which the eviction subresource does "
            "not support.");
  EXPECT_EQ(PodAt("a", "metadata/deletionTimestamp"), "<absent>");
}

TEST_F(EvictionTest, DryRunChangesNothing) {
  RunPod("a", "Running", true);
  MakeBudget("e", "", R"("observedGeneration":1,"disruptionsAllowed":1)");
  const std::string before = Get(std::string(kPods) + "/a").body;
  EXPECT_EQ(Evict("a", R"({"dryRun":["All"]})").code, 201);
  EXPECT_EQ(Evict("a", "{}", "policy/v1", "?dryRun=All").code, 201);
  EXPECT_EQ(Get(std::string(kPods) + "/a").body, before);
  EXPECT_EQ(Get(std::string(kBudgets) + "/e").At("status/disruptionsAllowed"), "1");
}

TEST_F(EvictionTest, Refusals) {
  RunPod("a", "Running", true);
  EXPECT_EQ(Evict("zz").At("message"), "pods \"zz\" not found");
  EXPECT_EQ(Evict("a", R"({"preconditions":{"uid":"other"}})").code, 409);
  EXPECT_EQ(Evict("a", R"({"preconditions":{"resourceVersion":"1"}})").code, 409);
  EXPECT_EQ(Evict("a", "{}", "policy/v2").code, 400);
  EXPECT_EQ(Get(fmt::format("{}/a/eviction", kPods)).code, 405);
  const Answer other = Post(fmt::format("{}/a/eviction", kPods),
                            R"({"kind":"Eviction","metadata":{"name":"b"}})");
  EXPECT_EQ(other.At("message"), "name in URL does not match name in Eviction object");
  EXPECT_EQ(PodAt("a", "metadata/deletionTimestamp"), "<absent>");
  EXPECT_EQ(PodAt("a", "status/conditions/1/type"), "<absent>") << "a refusal leaves no mark";
  EXPECT_EQ(Evict("a", "{}", "policy/v1beta1").code, 201) << "the version old clients send";
}

}  // namespace
}  // namespace berth::apiserver
