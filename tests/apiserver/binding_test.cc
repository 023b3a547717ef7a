#include <map>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

using BindingTest = ServerFixture;

TEST_F(BindingTest, SetsNodeAndCondition) {
  MakeNode("n");
  MakePod("a");
  const Answer bound = Bind("a", "n");
  EXPECT_EQ(bound.code, 201);
  EXPECT_EQ(bound.body, R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Success",)"
                        R"("code":201})");
  const Answer pod = Get("/api/v1/namespaces/default/pods/a");
  EXPECT_EQ(pod.At("spec/nodeName"), "n");
  EXPECT_EQ(pod.At("status/conditions/0/type"), "PodScheduled");
  EXPECT_EQ(pod.At("status/conditions/0/status"), "True");
  EXPECT_EQ(pod.At("metadata/generation"), "1");
}

TEST_F(BindingTest, ClearsTheNomination) {
  MakeNode("n");
  MakePod("a");
  const std::string pod = "/api/v1/namespaces/default/pods/a";
  const Answer nominated =
      MergePatch(pod + "/status", R"({"status":{"nominatedNodeName":"m"}})");
  EXPECT_EQ(nominated.At("status/nominatedNodeName"), "m");
  EXPECT_EQ(Bind("a", "n").code, 201);
  EXPECT_EQ(Get(pod).At("status/nominatedNodeName"), "<absent>");
}

TEST_F(BindingTest, PodsGetTheTopologyOfTheirNode) {
  MakeNode("n");
  MergePatch("/api/v1/nodes/n", R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"z",)"
                                R"("topology.kubernetes.io/region":"r","other":"x"}}})");
  MakePod("a");
  MakePod("b");
  const std::string pods = "/api/v1/namespaces/default/pods/";
  MergePatch(pods + "b", R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"mine"}}})");
  ASSERT_EQ(Bind("a", "n").code, 201);
  ASSERT_EQ(Bind("b", "n").code, 201);
  const auto labels = [&](std::string_view name) {
    return Get(fmt::format("{}{}", pods, name)).At("metadata/labels");
  };
  EXPECT_EQ(labels("a"),
            R"({"topology.kubernetes.io/region":"r","topology.kubernetes.io/zone":"z"})");
  EXPECT_EQ(labels("b"),
            R"({"topology.kubernetes.io/region":"r","topology.kubernetes.io/zone":"z"})");
  Post("/api/v1/namespaces/default/pods",
       R"({"metadata":{"name":"c","labels":{"topology.kubernetes.io/zone":"mine"}},)"
       R"("spec":{"nodeName":"n","containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ(labels("c"), labels("a"));
}

TEST_F(BindingTest, Refusals) {
  MakeNode("n", 1000, 110);
  MakeNode("full", 1000, 1);
  MakePod("a", 600);
  MakePod("b", 600);
  MakePod("c", 100);
  MakePod("d", 100);
  ASSERT_EQ(Bind("a", "n").code, 201);
  ASSERT_EQ(Bind("c", "full").code, 201);
  const struct {
    std::string_view pod, node;
    int code;
    std::string_view message;
  } cases[] = {
      {"a", "n", 409,
       "Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node "
       "\"n\""},
      {"b", "n", 409,
       "Operation cannot be fulfilled on pods/binding \"b\": node \"n\" cannot take pod b: "
       "Insufficient cpu"},
      {"d", "full", 409,
       "Operation cannot be fulfilled on pods/binding \"d\": node \"full\" cannot take pod d: Too "
       "many pods"},
      {"zz", "n", 404, "pods \"zz\" not found"},
      {"b", "", 500, "target.name: Required value"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.message);
    const Answer answer = Bind(c.pod, c.node);
    EXPECT_EQ(answer.code, c.code);
    EXPECT_EQ(answer.At("message"), c.message);
  }
}

TEST_F(BindingTest, ABindingMayNameThePodItMeans) {
  MakeNode("n");
  MakePod("a");
  const std::string pod = "/api/v1/namespaces/default/pods/a";
  const std::string old = Get(pod).At("metadata/resourceVersion");
  MergePatch(pod, R"({"metadata":{"labels":{"a":"b"}}})");
  const std::string version = Get(pod).At("metadata/resourceVersion");
  const std::string wrong_name = "name in URL does not match name in Binding object";
  const struct {
    std::string metadata;
    int code;
    std::string message;
  } cases[] = {
      {"", 400, wrong_name},
      {R"("name":"b")", 400, wrong_name},
      {fmt::format(R"("name":"a","resourceVersion":"{}")", old), 409,
       fmt::format("Operation cannot be fulfilled on pods \"a\": StorageError: invalid object, "
                   "Code: 4, Key: /registry/pods/default/a, ResourceVersion: 0, "
                   "AdditionalErrorMsg: Precondition failed: ResourceVersion in precondition: {}, "
                   "ResourceVersion in object meta: {}",
                   old, version)},
      {fmt::format(R"("name":"a","resourceVersion":"{}")", version), 201, "<absent>"},
  };
  for (const auto& c : cases) {
    const Answer answer =
        Post(pod + "/binding",
             fmt::format(R"({{"metadata":{{{}}},"target":{{"name":"n"}}}})", c.metadata));
    EXPECT_EQ(answer.code, c.code) << c.metadata;
    EXPECT_EQ(answer.At("message"), c.message);
  }
}

TEST_F(BindingTest, TheRefusalNamesResourceAndRevision) {
  MakeNode("n", 1000);
  const std::string node_revision = Get("/api/v1/nodes/n").At("metadata/resourceVersion");
  MergePatch("/api/v1/nodes/n", R"({"metadata":{"labels":{"a":"b"}}})");  // changes no room
  MakePod("a", 600);
  MakePod("b", 600);
  Bind("a", "n");
  const std::string revision =
      Get("/api/v1/namespaces/default/pods/a").At("metadata/resourceVersion");
  const Answer refused = Bind("b", "n");
  EXPECT_EQ(refused.At("details/causes/0/reason"), "InsufficientResource");
  EXPECT_EQ(refused.At("details/causes/0/field"), "cpu");
  EXPECT_EQ(refused.At("details/causes/0/message"), "requested: 600, used: 600, capacity: 1000");
  EXPECT_EQ(refused.At("details/causes/1/reason"), "CatchUpToRevision");
  EXPECT_EQ(refused.At("details/causes/1/field"), "pods");
  EXPECT_EQ(refused.At("details/causes/1/message"), revision);
  EXPECT_EQ(refused.At("details/causes/2/reason"), "CatchUpToRevision");
  EXPECT_EQ(refused.At("details/causes/2/field"), "nodes");
  EXPECT_EQ(refused.At("details/causes/2/message"), node_revision);
}

TEST_F(BindingTest, FinishedAndDeletedPodsMakeRoom) {
  MakeNode("n", 1000);
  MakePod("a", 600);
  MakePod("b", 600);
  MakePod("c", 600);
  Bind("a", "n");
  ASSERT_EQ(Bind("b", "n").code, 409);
  MergePatch("/api/v1/namespaces/default/pods/a/status", R"({"status":{"phase":"Succeeded"}})");
  EXPECT_EQ(Bind("b", "n").code, 201);
  ASSERT_EQ(Bind("c", "n").code, 409);
  Delete("/api/v1/namespaces/default/pods/b?gracePeriodSeconds=0");
  EXPECT_EQ(Bind("c", "n").code, 201);
}

TEST_F(BindingTest, PodsCreatedOnANodeCountAndAreNotRefused) {
  MakeNode("n", 1000);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Post("/api/v1/namespaces/default/pods",
                   fmt::format(R"({{"metadata":{{"name":"s{}"}},"spec":{{"nodeName":"n",)"
                               R"("containers":[{{"name":"c","image":"x","resources":)"
                               R"({{"requests":{{"cpu":"700m"}}}}}}]}}}})", i)).code, 201);
  }
  MakePod("a", 100);
  EXPECT_EQ(Bind("a", "n").code, 409);
}

TEST_F(BindingTest, ADryRunSaysWhatWouldHappenAndTakesNothing) {
  MakeNode("n", 1000);
  MakePod("a", 600);
  MakePod("b", 600);
  const auto dry = [&](std::string_view pod) {
    return Post(fmt::format("/api/v1/namespaces/default/pods/{}/binding?dryRun=All", pod),
                fmt::format(R"({{"metadata":{{"name":"{}"}},"target":{{"kind":"Node","name":"n"}}}})",
                            pod));
  };
  EXPECT_EQ(dry("a").code, 201);
  EXPECT_EQ(server->ledger().PodCount("n"), 0);
  EXPECT_EQ(Get("/api/v1/namespaces/default/pods/a").At("spec/nodeName"), "<absent>");
  ASSERT_EQ(Bind("b", "n").code, 201);
  EXPECT_EQ(dry("a").code, 409);
}

TEST_F(BindingTest, AdmissionSeesBindings) {
  Post("/api/v1/namespaces", R"({"metadata":{"name":"going"}})");
  Post("/api/v1/namespaces/going/pods",
       R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x"}]}})");
  Delete("/api/v1/namespaces/going");
  ASSERT_EQ(Get("/api/v1/namespaces/going").At("status/phase"), "Terminating");
  const Answer refused = Post("/api/v1/namespaces/going/pods/a/binding",
                              R"({"metadata":{"name":"a"},"target":{"kind":"Node","name":"n"}})");
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(refused.At("message"),
            "pods \"a\" is forbidden: unable to create new content in namespace going because it "
            "is being terminated");
}

TEST_F(BindingTest, AnUnknownNodeIsNotChecked) {
  MakePod("a", 600);
  EXPECT_EQ(Bind("a", "nowhere").code, 201);
}

TEST_F(BindingTest, TwoBindersOfOnePod) {
  MakeNode("n1", 1000);
  MakeNode("n2", 1000);
  MakePod("a", 600);
  const auto body = [](std::string_view node) {
    return fmt::format(R"({{"metadata":{{"name":"a"}},"target":{{"kind":"Node","name":"{}"}}}})",
                       node);
  };
  const std::string url = "/api/v1/namespaces/default/pods/a/binding";
  const OpenStream one = Send("POST", url, body("n1"), "application/json");
  const OpenStream two = Send("POST", url, body("n2"), "application/json");
  Run();
  EXPECT_EQ(one.answer().code + two.answer().code, 201 + 409);
  EXPECT_EQ(server->ledger().PodCount("n1") + server->ledger().PodCount("n2"), 1);
}

// Many binders at once, far more pods than room: what is bound is counted from the objects alone.
class BindingStressTest : public ServerFixture, public ::testing::WithParamInterface<int> {
 public:
  BindingStressTest() : ServerFixture(DefaultOptions(), static_cast<uint64_t>(GetParam())) {}
};

TEST_P(BindingStressTest, NeverOverCommitted) {
  constexpr int kNodes = 3, kPods = 120, kBinders = 64;
  Random random(static_cast<uint64_t>(GetParam()));
  for (int i = 0; i < kNodes; ++i) MakeNode(fmt::format("n{}", i), 4000, 15);
  std::map<std::string, int64_t> cpu;
  for (int i = 0; i < kPods; ++i) {
    cpu[fmt::format("p{}", i)] = random.Between(50, 700);
    MakePod(fmt::format("p{}", i), cpu[fmt::format("p{}", i)]);
  }
  int bound = 0, refused = 0;
  for (int round = 0; round < 6; ++round) {
    std::vector<OpenStream> binders;
    for (int i = 0; i < kBinders; ++i) {
      const std::string pod = fmt::format("p{}", random.Below(kPods));
      binders.push_back(Send(
          "POST", fmt::format("/api/v1/namespaces/default/pods/{}/binding", pod),
          fmt::format(R"({{"metadata":{{"name":"{}"}},"target":{{"name":"n{}"}}}})", pod,
                      random.Below(kNodes)),
          "application/json"));
      if (random.Chance(0.2)) loop.Step();
      if (random.Chance(0.05)) {
        Send("DELETE", fmt::format("/api/v1/namespaces/default/pods/p{}?gracePeriodSeconds=0",
                                   random.Below(kPods)));
      }
    }
    Run();
    for (const OpenStream& binder : binders) {
      const int code = binder.answer().code;
      EXPECT_TRUE(code == 201 || code == 409 || code == 404) << binder.answer().body;
      code == 201 ? ++bound : ++refused;
    }
    std::map<std::string, int64_t> used, pods;
    const api::JsonValue list = Get("/api/v1/pods").Json();
    for (const api::JsonValue& pod : list.Find("items")->array()) {
      const std::string node = At(pod, "spec/nodeName");
      if (node == "<absent>") continue;
      used[node] += cpu[At(pod, "metadata/name")];
      ++pods[node];
    }
    for (int i = 0; i < kNodes; ++i) {
      const std::string node = fmt::format("n{}", i);
      EXPECT_LE(used[node], 4000) << node;
      EXPECT_LE(pods[node], 15) << node;
      EXPECT_EQ(used[node], server->ledger().Used(node).milli_cpu) << node;
      EXPECT_EQ(pods[node], server->ledger().PodCount(node)) << node;
    }
  }
  EXPECT_GT(bound, 10);
  EXPECT_GT(refused, 10);
}

INSTANTIATE_TEST_SUITE_P(Seeds, BindingStressTest, ::testing::Range(1, 9));

}  // namespace
}  // namespace berth::apiserver
