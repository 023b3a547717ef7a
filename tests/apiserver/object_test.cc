// create, get, list, update, patch and delete through the whole server.
#include <zlib.h>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

using ObjectTest = ServerFixture;

constexpr char kPods[] = "/api/v1/namespaces/default/pods";

TEST_F(ObjectTest, SystemObjectsAreThere) {
  for (const char* name : {"default", "kube-system", "kube-public", "kube-node-lease"}) {
    EXPECT_EQ(Get(fmt::format("/api/v1/namespaces/{}", name)).At("status/phase"), "Active");
  }
  EXPECT_EQ(Get("/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical").At("value"),
            "2000001000");
}

TEST_F(ObjectTest, CreateSetsWhatTheServerOwns) {
  const Answer pod = MakePod("a");
  ASSERT_EQ(pod.code, 201) << pod.body;
  EXPECT_EQ(pod.At("kind"), "Pod");
  EXPECT_EQ(pod.At("metadata/namespace"), "default");
  EXPECT_EQ(pod.At("metadata/uid").size(), 36u);
  EXPECT_EQ(pod.At("metadata/generation"), "1");
  EXPECT_EQ(pod.At("metadata/creationTimestamp"), "2023-11-14T22:13:20Z");
  EXPECT_NE(pod.At("metadata/resourceVersion"), "<absent>");
  EXPECT_EQ(pod.At("status/phase"), "Pending");
  EXPECT_EQ(pod.At("status/qosClass"), "Burstable");
  EXPECT_EQ(pod.At("spec/schedulerName"), "default-scheduler");
  EXPECT_EQ(pod.At("spec/priority"), "0");
  const Answer got = Get(std::string(kPods) + "/a");
  EXPECT_EQ(got.code, 200);
  EXPECT_EQ(got.body, pod.body);
}

TEST_F(ObjectTest, CreateRefusals) {
  MakePod("a");
  const struct {
    std::string_view name;
    std::string target, body;
    int code;
    std::string_view message;
  } cases[] = {
      {"twice", kPods,
       R"({"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"x"}]}})", 409,
 "pods \"a\" already exists"},
      {"no namespace", "/api/v1/namespaces/nope/configmaps", R"({"metadata":{"name":"a"}})", 404,
       "namespaces \"nope\" not found"},
      {"other namespace", kPods, R"({"metadata":{"name":"a","namespace":"b"}})", 400,
       "the namespace of the provided object does not match the namespace sent on the request"},
      {"resourceVersion", kPods, R"({"metadata":{"name":"b","resourceVersion":"5"}})", 500,
       "resourceVersion should not be set on objects to be created"},
      {"other kind", kPods, R"({"kind":"Node","apiVersion":"v1"})", 400,
       "Node in version \"v1\" cannot be handled as a Pod: converting (v1.Node) to (Pod): unknown "
       "conversion"},
      {"unknown class", kPods,
       R"({"metadata":{"name":"b"},"spec":{"priorityClassName":"x","containers":[{"name":"c"}]}})",
       403, "pods \"b\" is forbidden: no PriorityClass with name x was found"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const Answer answer = Post(c.target, c.body);
    EXPECT_EQ(answer.code, c.code);
    EXPECT_EQ(answer.At("message"), c.message);
  }
}

TEST_F(ObjectTest, FieldValidation) {
  const std::string body =
      R"({"metadata":{"name":"N"},"spec":{"containers":[{"name":"c","image":"x"}],"nope":1}})";
  const auto post = [&](std::string_view mode, std::string name) {
    std::string text = body;
    text.replace(text.find('N'), 1, name);
    return Post(fmt::format("{}?fieldValidation={}", kPods, mode), text);
  };
  const Answer warned = post("Warn", "w");
  EXPECT_EQ(warned.code, 201);
  EXPECT_EQ(api::FindHeader(warned.headers, "Warning"), R"(299 - "unknown field \"spec.nope\"")");
  const Answer ignored = post("Ignore", "i");
  EXPECT_EQ(ignored.code, 201);
  EXPECT_EQ(api::FindHeader(ignored.headers, "Warning"), "");
  const Answer strict = post("Strict", "s");
  EXPECT_EQ(strict.code, 400);
  EXPECT_EQ(strict.At("message"),
            "Pod in version \"v1\" cannot be handled as a Pod: strict decoding error: unknown "
            "field \"spec.nope\"");
}

TEST_F(ObjectTest, WarningsOfAcceptedObjects) {
  const auto warnings = [](const Answer& answer) {
    std::string out;
    for (const auto& [name, value] : answer.headers) {
      if (name == "Warning") out += value + "|";
    }
    return out;
  };
  const std::string pods = "/api/v1/namespaces/default/pods";
  const std::string pod =
      R"({"metadata":{"name":"a"},"nope":1,"spec":{"terminationGracePeriodSeconds":-1,)"
      R"("nodeSelector":{"beta.kubernetes.io/os":"linux"},)"
      R"("containers":[{"name":"c","image":"i"}]}})";
  EXPECT_EQ(warnings(Post(pods, pod)),
            "299 - \"unknown field \\\"nope\\\"\"|"
            "299 - \"spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "
            "\\\"kubernetes.io/os\\\" instead\"|"
            "299 - \"spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid "
            "and will be treated as 1\"|");
  const Answer again = Post(pods, pod);  // valid, but there already
  EXPECT_EQ(again.code, 409);
  EXPECT_NE(warnings(again).find("spec.nodeSelector"), std::string::npos);
  const Answer refused = Post(pods, R"({"metadata":{"name":"a"},"nope":1,"spec":{}})");
  EXPECT_EQ(warnings(refused), "299 - \"unknown field \\\"nope\\\"\"|");
  EXPECT_EQ(warnings(MergePatch(pods + "/a", R"({"metadata":{"labels":{"a":"b"}}})")), "");
  const Answer node = Post("/api/v1/nodes", R"({"metadata":{"name":"n"},"spec":{"externalID":"x"}})");
  EXPECT_EQ(warnings(node), "299 - \"spec.externalID: this field is deprecated, and is unused by "
                            "Kubernetes\"|");
}

TEST_F(ObjectTest, GeneratedNamesAndDryRun) {
  const std::string body = R"({"metadata":{"generateName":"web-"},"data":{"a":"b"}})";
  const Answer a = Post("/api/v1/namespaces/default/configmaps", body);
  const Answer b = Post("/api/v1/namespaces/default/configmaps", body);
  EXPECT_EQ(a.At("metadata/name").size(), 9u);
  EXPECT_NE(a.At("metadata/name"), b.At("metadata/name"));
  const Answer dry = Post("/api/v1/namespaces/default/configmaps?dryRun=All",
                          R"({"metadata":{"name":"dry"}})");
  EXPECT_EQ(dry.code, 201);
  EXPECT_EQ(Get("/api/v1/namespaces/default/configmaps/dry").code, 404);
}

TEST_F(ObjectTest, OptimisticLocking) {
  const std::string url = "/api/v1/namespaces/default/configmaps/c";
  const Answer made = Post("/api/v1/namespaces/default/configmaps",
                           R"({"metadata":{"name":"c"},"data":{"a":"1"}})");
  const std::string version = made.At("metadata/resourceVersion");
  EXPECT_EQ(MergePatch(url, R"({"data":{"a":"2"}})").At("data/a"), "2");
  const Answer stale = Put(
      url, fmt::format(R"({{"metadata":{{"name":"c","resourceVersion":"{}"}}}})", version));
  EXPECT_EQ(stale.code, 409);
  EXPECT_EQ(stale.At("message"),
            "Operation cannot be fulfilled on configmaps \"c\": the object has been modified; "
            "please apply your changes to the latest version and try again");
  const Answer forced = Put(url, R"({"metadata":{"name":"c"},"data":{"a":"3"}})");
  EXPECT_EQ(forced.code, 200);
  EXPECT_EQ(Get(url).At("data/a"), "3");
}

TEST_F(ObjectTest, WritingNothingNewWritesNothing) {
  const std::string url = "/api/v1/namespaces/default/configmaps/c";
  Post("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"c"},"data":{"a":"1"}})");
  const std::string before = Get(url).At("metadata/resourceVersion");
  EXPECT_EQ(MergePatch(url, R"({"data":{"a":"1"}})").At("metadata/resourceVersion"), before);
  EXPECT_EQ(Get(url).At("metadata/resourceVersion"), before);
}

TEST_F(ObjectTest, ConcurrentPatchesAllLand) {
  const std::string url = "/api/v1/namespaces/default/configmaps/c";
  Post("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"c"}})");
  std::vector<OpenStream> patches;
  for (int i = 0; i < 20; ++i) {
    patches.push_back(Send("PATCH", url, fmt::format(R"({{"data":{{"k{}":"v"}}}})", i),
                           "application/merge-patch+json"));
  }
  Run();
  for (const OpenStream& patch : patches) EXPECT_EQ(patch.answer().code, 200);
  const api::JsonValue object = Get(url).Json();
  const api::JsonValue* data = object.Find("data");
  ASSERT_NE(data, nullptr);
  EXPECT_EQ(data->object().size(), 20u);
}

TEST_F(ObjectTest, StatusAndSpecAreApart) {
  MakePod("a");
  const std::string url = std::string(kPods) + "/a";
  const Answer status = MergePatch(url + "/status",
                                   R"({"status":{"phase":"Running"},"spec":{"nodeName":"x"}})");
  EXPECT_EQ(status.code, 200);
  EXPECT_EQ(status.At("status/phase"), "Running");
  EXPECT_EQ(status.At("spec/nodeName"), "<absent>");
  const Answer spec = MergePatch(
      url, R"({"metadata":{"labels":{"a":"b"}},"status":{"phase":"Failed"}})");
  EXPECT_EQ(spec.At("status/phase"), "Running");
  EXPECT_EQ(spec.At("metadata/labels/a"), "b");
  EXPECT_EQ(spec.At("metadata/generation"), "1");
}

TEST_F(ObjectTest, ResizeChangesResourcesAlone) {
  MakeNode("n", 1000);
  MakePod("a", 300);
  ASSERT_EQ(Bind("a", "n").code, 201);
  const std::string url = std::string(kPods) + "/a";
  const Answer resized = Do(
      "PATCH", url + "/resize",
      R"({"metadata":{"labels":{"x":"y"}},"spec":{"containers":[{"name":"c","resources":)"
      R"({"requests":{"cpu":"700m"}}}]}})",
      "application/strategic-merge-patch+json");
  EXPECT_EQ(resized.code, 200) << resized.body;
  EXPECT_EQ(resized.At("spec/containers/0/resources/requests/cpu"), "700m");
  EXPECT_EQ(resized.At("metadata/labels"), "<absent>");
  EXPECT_EQ(server->ledger().Used("n").milli_cpu, 700);
}

TEST_F(ObjectTest, RepeatedOwnersAreDropped) {
  const std::string owner = R"({"apiVersion":"v1","kind":"K","name":"o","uid":"u"})";
  const std::string owners = fmt::format(
      R"([{0},{{"apiVersion":"v1","kind":"K","name":"p","uid":"u"}},{0},{0}])", owner);
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  const std::string body =
      fmt::format(R"({{"metadata":{{"name":"m","ownerReferences":{}}}}})", owners);
  const auto warning = [](const Answer& answer) {
    std::string all;
    for (const auto& [name, value] : answer.headers) all += name == "Warning" ? value : "";
    return all;
  };
  const auto text = [](std::string_view when) {
    return fmt::format("299 - \".metadata.ownerReferences contains duplicate entries{}; API server "
                       "dedups owner references in 1.20+, and may reject such requests as early as "
                       "1.24; please fix your requests; duplicate UID(s) observed: u, u\"",
                       when);
  };
  const Answer made = Post(maps, body), put = Put(maps + "/m", body);
  const Answer patched = MergePatch(maps + "/m", body);
  for (const Answer* answer : {&made, &put, &patched}) {
    EXPECT_EQ(answer->At("metadata/ownerReferences/1/name"), "p") << answer->body;
    EXPECT_EQ(answer->At("metadata/ownerReferences/2"), "<absent>");
  }
  EXPECT_EQ(warning(made), text(""));
  EXPECT_EQ(warning(put), text(""));
  EXPECT_EQ(warning(patched), text(" after mutating admission happens"));
}

TEST_F(ObjectTest, BackgroundTakesTheCollectorsFinalizers) {
  const std::string maps = "/api/v1/namespaces/default/configmaps";
  const struct {
    std::string finalizers, policy;
    std::string_view left;  // "gone", or the finalizers
  } cases[] = {
      {R"("orphan")", "Background", "gone"},
      {R"("foregroundDeletion","a.b/c")", "Background", R"(["a.b/c"])"},
      {R"("foregroundDeletion")", "Orphan", "gone"},
      {R"("orphan")", "Orphan", R"(["orphan"])"},
      {R"("foregroundDeletion")", "", R"(["foregroundDeletion"])"},
      {"", "Foreground", "gone"},  // nobody would take the finalizer
      {"", "Orphan", "gone"},
  };
  for (const auto& c : cases) {
    ASSERT_EQ(Post(maps, fmt::format(R"({{"metadata":{{"name":"m","finalizers":[{}]}}}})",
                                     c.finalizers)).code, 201);
    const std::string url = maps + "/m";
    Delete(c.policy.empty() ? url : url + "?propagationPolicy=" + c.policy);
    const Answer left = Get(url);
    EXPECT_EQ(left.code == 404 ? "gone" : left.At("metadata/finalizers"), c.left)
        << c.finalizers << c.policy;
    MergePatch(url, R"({"metadata":{"finalizers":null}})");
  }
}

TEST_F(ObjectTest, ANamespaceWithoutFinalizersIsTerminatingFirst) {
  Post("/api/v1/namespaces", R"({"metadata":{"name":"n"}})");
  const std::string url = "/api/v1/namespaces/n";
  ASSERT_EQ(Put(url + "/finalize", R"({"metadata":{"name":"n"},"spec":{}})").code, 200);
  EXPECT_EQ(Delete(url).At("status/phase"), "Terminating");
  EXPECT_EQ(Get(url).code, 200);
  EXPECT_EQ(Delete(url).At("status"), "Success");
  EXPECT_EQ(Get(url).code, 404);
}

TEST_F(ObjectTest, ApplyPatchIsRefusedLoudly) {
  MakePod("a");
  const Answer answer =
      Do("PATCH", std::string(kPods) + "/a", "{}", "application/apply-patch+yaml");
  EXPECT_EQ(answer.code, 415);
}

TEST_F(ObjectTest, UnboundPodGoesAtOnceBoundOneIsMarked) {
  MakeNode("n");
  MakePod("a");
  MakePod("b");
  const std::string a = std::string(kPods) + "/a", b = std::string(kPods) + "/b";
  EXPECT_EQ(Delete(a).At("metadata/deletionGracePeriodSeconds"), "0");
  EXPECT_EQ(Get(a).code, 404);
  ASSERT_EQ(Bind("b", "n").code, 201);
  const Answer marked = Delete(b);
  EXPECT_EQ(marked.code, 200);
  EXPECT_EQ(marked.At("metadata/deletionGracePeriodSeconds"), "30");
  EXPECT_EQ(marked.At("metadata/deletionTimestamp"), "2023-11-14T22:13:50Z");
  EXPECT_EQ(Get(b).At("metadata/generation"), "2");
  const Answer gone = Delete(b + "?gracePeriodSeconds=0");
  EXPECT_EQ(gone.code, 200);
  EXPECT_EQ(Get(b).code, 404);
}

// Somebody else's write may come between a deletion's look and its write: then it looks anew.
TEST_F(ObjectTest, ADeletionThatMeetsAnotherWriteIsNotLost) {
  MakeNode("n");
  int held = 0, bound = 0;
  for (int steps = 0; steps < 12; ++steps) {
    SCOPED_TRACE(steps);
    const std::string number = std::to_string(steps);
    MakePod("f" + number, 1);
    MakePod("b" + number, 1);
    const std::string finalized = std::string(kPods) + "/f" + number;
    const std::string binding = std::string(kPods) + "/b" + number;
    const OpenStream patch = Send("PATCH", finalized, R"({"metadata":{"finalizers":["a.b/c"]}})",
                                  "application/merge-patch+json");
    const OpenStream bind = Send("POST", binding + "/binding", R"({"metadata":{"name":"b)" + number +
                                     R"("},"target":{"name":"n"}})",
                                 "application/json");
    for (int i = 0; i < steps; ++i) loop.Step();
    const OpenStream first = Send("DELETE", finalized), second = Send("DELETE", binding);
    Run();
    EXPECT_EQ(first.answer().code, 200);
    EXPECT_EQ(second.answer().code, 200);
    if (const Answer pod = Get(finalized); pod.code == 200) {
      ++held;
      EXPECT_EQ(pod.At("metadata/deletionGracePeriodSeconds"), "0");
    }
    if (const Answer pod = Get(binding); pod.code == 200) {
      ++bound;
      EXPECT_EQ(pod.At("metadata/deletionGracePeriodSeconds"), "30");
    } else {
      EXPECT_EQ(bind.answer().code, 409) << "a pod that was bound has its grace";
    }
  }
  EXPECT_GT(held, 0);
  EXPECT_GT(bound, 0);
}

// A pod that no node runs is marked and then removed; a server that dies between finishes it when
// it is back.
TEST_F(ObjectTest, ADeletionCutInTwoIsFinished) {
  for (int steps = 0; steps < 16; ++steps) {
    SCOPED_TRACE(steps);
    const std::string name = "p" + std::to_string(steps);
    MakePod(name);
    const OpenStream sent = Send("DELETE", "/api/v1/namespaces/default/pods/" + name);
    for (int i = 0; i < steps; ++i) loop.Step();
    server.reset();
    server = std::make_unique<ApiServer>(*executor, *executor, *store, DefaultOptions());
    server->Start([] {});
    Run();
    const Answer pod = Get("/api/v1/namespaces/default/pods/" + name);
    if (pod.code != 404) {
      EXPECT_EQ(pod.At("metadata/deletionTimestamp"), "<absent>");
    }
  }
}

TEST_F(ObjectTest, FinalizersHoldAnObject) {
  const std::string url = "/api/v1/namespaces/default/configmaps/f";
  Post("/api/v1/namespaces/default/configmaps",
       R"({"metadata":{"name":"f","finalizers":["example.com/hold"]}})");
  EXPECT_EQ(Delete(url).At("metadata/deletionGracePeriodSeconds"), "0");
  EXPECT_EQ(Get(url).code, 200);
  EXPECT_EQ(MergePatch(url, R"({"metadata":{"finalizers":null}})").code, 200);
  EXPECT_EQ(Get(url).code, 404);
}

TEST_F(ObjectTest, ManyDeletionsThatChangeNothingEnd) {
  const std::string all = "/api/v1/namespaces/default/configmaps";
  for (int i = 0; i < 6000; ++i) {
    Send("POST", all, R"({"metadata":{"name":"c)" + std::to_string(i) + R"("}})",
         "application/json");
  }
  Run();
  const Answer dry = Delete(all + "?dryRun=All");
  EXPECT_EQ(dry.code, 200);
  EXPECT_EQ(Get(all + "/c5999").code, 200);
}

TEST_F(ObjectTest, PreconditionsOfDelete) {
  MakePod("a");
  const std::string url = std::string(kPods) + "/a";
  EXPECT_EQ(Delete(url, R"({"preconditions":{"uid":"wrong"}})").code, 409);
  EXPECT_EQ(Delete(url, R"({"preconditions":{"resourceVersion":"1"}})").code, 409);
  EXPECT_EQ(Get(url).code, 200);
}

TEST_F(ObjectTest, PagesAreOfOneRevision) {
  for (int i = 0; i < 5; ++i) MakePod(fmt::format("p{}", i));
  const Answer first = Get(std::string(kPods) + "?limit=2");
  EXPECT_EQ(first.At("items/1/metadata/name"), "p1");
  EXPECT_EQ(first.At("metadata/remainingItemCount"), "3");
  Delete(std::string(kPods) + "/p2");
  MakePod("p9");
  const Answer second = Get(fmt::format("{}?limit=2&continue={}", kPods,
                                        first.At("metadata/continue")));
  EXPECT_EQ(second.At("items/0/metadata/name"), "p2");
  EXPECT_EQ(second.At("metadata/resourceVersion"), first.At("metadata/resourceVersion"));
  const Answer third = Get(fmt::format("{}?limit=2&continue={}", kPods,
                                       second.At("metadata/continue")));
  EXPECT_EQ(third.At("items/0/metadata/name"), "p4");
  EXPECT_EQ(third.At("items/1"), "<absent>");
  EXPECT_EQ(third.At("metadata/continue"), "<absent>");
}

// Upstream looks for the limit only: whether anything behind it matches is not known.
TEST_F(ObjectTest, PagesWithASelector) {
  for (int i = 0; i < 5; ++i) MakePod(fmt::format("p{}", i));
  for (const int i : {1, 2}) {
    MergePatch(fmt::format("{}/p{}", kPods, i), R"({"metadata":{"labels":{"a":"b"}}})");
  }
  const std::string url = std::string(kPods) + "?labelSelector=a%3Db&limit=1";
  std::string names, token;
  for (int page = 0; page < 5 && (page == 0 || token != "<absent>"); ++page) {
    const Answer list = Get(page == 0 ? url : fmt::format("{}&continue={}", url, token));
    ASSERT_EQ(list.code, 200) << list.body;
    EXPECT_EQ(list.At("metadata/remainingItemCount"), "<absent>");
    EXPECT_EQ(list.At("items/1"), "<absent>");
    names += list.At("items/0/metadata/name") + " ";
    token = list.At("metadata/continue");
  }
  EXPECT_EQ(names, "p1 p2 <absent> ");
}

// More than is read from the store at once.
TEST_F(ObjectTest, LongListsOfAnOldRevision) {
  for (int i = 0; i < 1100; ++i) {
    Post("/api/v1/namespaces/default/configmaps",
         fmt::format(R"({{"metadata":{{"name":"c{:04}","labels":{{"odd":"{}"}}}}}})", i, i % 2));
  }
  const std::string url = "/api/v1/namespaces/default/configmaps";
  const std::string revision = Get(url + "?limit=1").At("metadata/resourceVersion");
  Post(url, R"({"metadata":{"name":"d"}})");
  const std::string exact = "?resourceVersionMatch=Exact&resourceVersion=" + revision;
  const Answer all = Get(url + exact);
  EXPECT_EQ(all.At("items/1099/metadata/name"), "c1099");
  EXPECT_EQ(all.At("items/1100"), "<absent>");
  EXPECT_EQ(all.At("metadata/continue"), "<absent>");
  const Answer most = Get(url + exact + "&limit=1000");
  EXPECT_EQ(most.At("items/999/metadata/name"), "c0999");
  EXPECT_EQ(most.At("metadata/remainingItemCount"), "100");
  const Answer rest = Get(url + "?limit=1000&continue=" + most.At("metadata/continue"));
  EXPECT_EQ(rest.At("items/99/metadata/name"), "c1099");
  EXPECT_EQ(rest.At("items/100"), "<absent>");
  const Answer odd = Get(url + exact + "&limit=300&labelSelector=odd%3D1");
  EXPECT_EQ(odd.At("items/299/metadata/name"), "c0599");
  EXPECT_EQ(Get(url + "?labelSelector=odd%3D1&continue=" + odd.At("metadata/continue"))
                .At("items/249/metadata/name"),
            "c1099");
}

// Compacted between two pieces of one page: the client goes on where the page began.
TEST_F(ObjectTest, ARevisionThatGoesAwayInTheMiddle) {
  const std::string url = "/api/v1/namespaces/default/configmaps";
  for (int i = 0; i < 1100; ++i) {
    Post(url, fmt::format(R"({{"metadata":{{"name":"c{:04}"}}}})", i));
  }
  const Answer first = Get(url + "?limit=10");
  Post(url, R"({"metadata":{"name":"later"}})");
  const OpenStream list =
      Send("GET", url + "?continue=" + first.At("metadata/continue"));
  bool compacted = false;
  while (list.answer().code == 0) {
    ASSERT_TRUE(loop.Step());
    if (std::exchange(compacted, true)) continue;
    store->Compact(std::stoll(first.At("metadata/resourceVersion")) + 1,
                   [](const absl::Status& status) { EXPECT_TRUE(status.ok()) << status; });
  }
  ASSERT_EQ(list.answer().code, 410) << list.answer().body.substr(0, 200);
  const Answer rest = Get(url + "?continue=" + list.answer().At("metadata/continue"));
  EXPECT_EQ(rest.At("items/0/metadata/name"), "c0010");
  EXPECT_EQ(rest.At("items/1090/metadata/name"), "later");
}

TEST_F(ObjectTest, ListsOfRevisionsThatAreNotThere) {
  for (int i = 0; i < 3; ++i) MakePod(fmt::format("p{}", i));
  const Answer page = Get(std::string(kPods) + "?limit=1");
  const std::string revision = page.At("metadata/resourceVersion");
  const Answer future =
      Get(std::string(kPods) + "?resourceVersionMatch=Exact&resourceVersion=999999");
  EXPECT_EQ(future.code, 500);
  EXPECT_EQ(future.At("message"), "etcdserver: mvcc: required revision is a future revision");
  MakePod("p9");
  store->Compact(std::stoll(revision) + 1, [](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
  });
  Run();
  const Answer old =
      Get(fmt::format("{}?resourceVersionMatch=Exact&resourceVersion={}", kPods, revision));
  EXPECT_EQ(old.code, 410);
  EXPECT_EQ(old.At("message"), "The resourceVersion for the provided list is too old.");
  const Answer gone =
      Get(fmt::format("{}?limit=1&continue={}", kPods, page.At("metadata/continue")));
  EXPECT_EQ(gone.code, 410);
  EXPECT_EQ(gone.At("reason"), "Expired");
  // Who does not mind may go on with what is there now.
  const Answer rest = Get(fmt::format("{}?continue={}", kPods, gone.At("metadata/continue")));
  ASSERT_EQ(rest.code, 200) << rest.body;
  EXPECT_EQ(rest.At("items/0/metadata/name"), "p1");
  EXPECT_EQ(rest.At("items/2/metadata/name"), "p9");
}

std::string Gunzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);
  std::string out(8 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST_F(ObjectTest, LongAnswersAreGzippedForWhoTakesIt) {
  const std::string url = "/api/v1/namespaces/default/configmaps";
  for (int i = 0; i < 300; ++i) {
    Post(url, fmt::format(R"({{"metadata":{{"name":"c{}"}},"data":{{"k":"{}"}}}})", i,
                          std::string(1000, 'x')));
  }
  for (const std::string_view accept :
       {"application/json", "application/vnd.kubernetes.protobuf",
        "application/json;as=Table;v=v1;g=meta.k8s.io"}) {
    SCOPED_TRACE(accept);
    const std::string target = url + (accept.find("Table") != accept.npos
                                          ? "?includeObject=Object" : "");
    const Answer plain = Do("GET", target, "", "", std::string(accept));
    EXPECT_EQ(api::FindHeader(plain.headers, "Content-Encoding"), "");
    const Answer zipped = Do("GET", target, "", "", std::string(accept),
                             {{"Accept-Encoding", "br, gzip"}});
    EXPECT_EQ(api::FindHeader(zipped.headers, "Content-Encoding"), "gzip");
    EXPECT_EQ(api::FindHeader(zipped.headers, "Vary"), "Accept-Encoding");
    EXPECT_LT(zipped.body.size() * 4, plain.body.size());
    EXPECT_EQ(Gunzip(zipped.body), plain.body);
  }
  const Answer small = Do("GET", url + "/c1", "", "", "application/json",
                          {{"Accept-Encoding", "gzip"}});
  EXPECT_EQ(api::FindHeader(small.headers, "Content-Encoding"), "") << "not worth it";
  const Answer other = Do("GET", url, "", "", "application/json", {{"Accept-Encoding", "br"}});
  EXPECT_EQ(api::FindHeader(other.headers, "Content-Encoding"), "");
}

TEST_F(ObjectTest, ProtobufAndJsonAreTheSameObject) {
  MakePod("a");
  const Answer proto = Do("GET", std::string(kPods) + "/a", "", "",
                          "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(proto.content_type, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(proto.body.substr(0, 4), std::string("k8s\0", 4));
  // The very bytes make another pod, in another namespace.
  const Answer list = Do("GET", kPods, "", "", "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(list.code, 200);
  EXPECT_EQ(Do("PUT", std::string(kPods) + "/a", proto.body,
               "application/vnd.kubernetes.protobuf").code, 200);
}

TEST_F(ObjectTest, AQuantityThatIsNoneIsRefusedInProtobufToo) {
  MakePod("a");
  std::string body = Do("GET", std::string(kPods) + "/a", "", "",
                        "application/vnd.kubernetes.protobuf").body;
  const size_t at = body.find("100m");
  ASSERT_NE(at, std::string::npos);
  body.replace(at, 4, "lots");
  const Answer refused =
      Do("PUT", std::string(kPods) + "/a", body, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(refused.code, 400);
  EXPECT_EQ(refused.At("message"),
            "Pod in version \"v1\" cannot be handled as a Pod: quantities must match the regular "
            "expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
}

TEST_F(ObjectTest, EventsLiveForAnHour) {
  Post("/api/v1/namespaces/default/events",
       R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"default","name":"p"},)"
       R"("reason":"R","message":"m","type":"Normal"})");
  const std::string url = "/api/v1/namespaces/default/events/e";
  EXPECT_EQ(Get("/apis/events.k8s.io/v1/namespaces/default/events/e").At("note"), "m");
  Run(absl::Minutes(59));
  EXPECT_EQ(Get(url).code, 200);
  Run(absl::Minutes(3));
  EXPECT_EQ(Get(url).code, 404);
}

}  // namespace
}  // namespace berth::apiserver
