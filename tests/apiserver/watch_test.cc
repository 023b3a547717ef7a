#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

using WatchTest = ServerFixture;

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";

std::string Map(std::string_view name, std::string_view label = "") {
  return fmt::format(R"({{"metadata":{{"name":"{}","labels":{{"l":"{}"}}}}}})", name, label);
}

TEST_F(WatchTest, FromNowOn) {
  Post(kMaps, Map("a"));
  const OpenStream watch = Watch(std::string(kMaps) + "?watch=true");
  Run();
  Post(kMaps, Map("b"));
  MergePatch(std::string(kMaps) + "/b", R"({"data":{"x":"y"}})");
  Delete(std::string(kMaps) + "/a");
  Run();
  EXPECT_EQ(EventText(watch.answer().Events()), "ADDED a, ADDED b, MODIFIED b, DELETED a");
  EXPECT_FALSE(watch.answer().closed);
}

TEST_F(WatchTest, FromARevision) {
  const std::string version = Post(kMaps, Map("a")).At("metadata/resourceVersion");
  Post(kMaps, Map("b"));
  const OpenStream watch =
      Watch(fmt::format("{}?watch=true&resourceVersion={}", kMaps, version));
  Run();
  Post(kMaps, Map("c"));
  Run();
  EXPECT_EQ(EventText(watch.answer().Events()), "ADDED b, ADDED c");
}

TEST_F(WatchTest, DeletedShowsTheLastStateAtTheDeletion) {
  const Answer made = Post(kMaps, Map("a", "x"));
  const OpenStream watch = Watch(fmt::format("{}?watch=true&resourceVersion={}", kMaps,
                                             made.At("metadata/resourceVersion")));
  Delete(std::string(kMaps) + "/a");
  Run();
  const auto events = watch.answer().Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(At(events[0], "object/metadata/labels/l"), "x");
  EXPECT_NE(At(events[0], "object/metadata/resourceVersion"),
            made.At("metadata/resourceVersion"));
}

TEST_F(WatchTest, SelectorsSeeObjectsEnterAndLeave) {
  const OpenStream watch = Watch(std::string(kMaps) + "?watch=true&labelSelector=l%3Dx");
  Run();
  Post(kMaps, Map("a", "y"));
  MergePatch(std::string(kMaps) + "/a", R"({"metadata":{"labels":{"l":"x"}}})");
  MergePatch(std::string(kMaps) + "/a", R"({"data":{"k":"v"}})");
  MergePatch(std::string(kMaps) + "/a", R"({"metadata":{"labels":{"l":"z"}}})");
  MergePatch(std::string(kMaps) + "/a", R"({"data":{"k":"w"}})");
  Run();
  const auto events = watch.answer().Events();
  EXPECT_EQ(EventText(events), "ADDED a, MODIFIED a, DELETED a");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(At(events[2], "object/metadata/labels/l"), "x");  // as it was when it matched
}

TEST_F(WatchTest, PodsOfANode) {
  MakeNode("n1");
  MakeNode("n2");
  const OpenStream one = Watch("/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn1");
  const OpenStream two = Watch("/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3Dn2");
  Run();
  MakePod("a");
  MakePod("b");
  Bind("a", "n1");
  Bind("b", "n2");
  Delete("/api/v1/namespaces/default/pods/a?gracePeriodSeconds=0");
  Run();
  EXPECT_EQ(EventText(one.answer().Events()), "ADDED a, MODIFIED a, DELETED a");
  EXPECT_EQ(EventText(two.answer().Events()), "ADDED b");
}

TEST_F(WatchTest, StreamingList) {
  Post(kMaps, Map("a"));
  const OpenStream watch = Watch(
      std::string(kMaps) +
      "?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
      "&allowWatchBookmarks=true");
  Run();
  Post(kMaps, Map("b"));
  Run();
  const auto events = watch.answer().Events();
  EXPECT_EQ(EventText(events), "ADDED a, BOOKMARK, ADDED b");
  ASSERT_EQ(events.size(), 3u);
  const api::JsonValue* notes = events[1].Find("object")->Find("metadata")->Find("annotations");
  ASSERT_NE(notes, nullptr);
  EXPECT_EQ(notes->Find("k8s.io/initial-events-end")->string(), "true");
}

TEST_F(WatchTest, BookmarksComeEveryMinuteAndFollowOtherResources) {
  const OpenStream watch = Watch(std::string(kMaps) + "?watch=true&allowWatchBookmarks=true");
  const OpenStream silent = Watch(std::string(kMaps) + "?watch=true");
  Run();
  const std::string version = MakePod("a").At("metadata/resourceVersion");
  Run(absl::Seconds(61));
  const auto events = watch.answer().Events();
  ASSERT_EQ(EventText(events), "BOOKMARK");
  EXPECT_EQ(At(events[0], "object/metadata/resourceVersion"), version);
  EXPECT_EQ(At(events[0], "object/kind"), "ConfigMap");
  EXPECT_EQ(silent.answer().body, "");
}

TEST_F(WatchTest, ARevisionThatNeverComesIsNotWaitedForForever) {
  const struct {
    const char* query;
    int code;
  } cases[] = {
      {"?resourceVersion=99999", 504},
      {"?watch&sendInitialEvents&resourceVersionMatch=NotOlderThan&resourceVersion=99999", 200},
  };
  for (const auto& c : cases) {
    const OpenStream early = Send("GET", std::string(kMaps) + c.query);
    Run();
    EXPECT_EQ(early.answer().code, 0) << c.query;
    EXPECT_EQ(server->cache().waiting(), 1u);
    Run(absl::Seconds(10));
    EXPECT_EQ(early.answer().code, c.code) << c.query;
    EXPECT_EQ(server->cache().waiting(), 0u);
    if (c.code != 200) continue;
    const auto events = early.answer().Events();
    ASSERT_EQ(events.size(), 1u) << early.answer().body;
    EXPECT_EQ(At(events[0], "type") + At(events[0], "object/code"), "ERROR504");
    EXPECT_TRUE(early.answer().closed);
  }
}

TEST_F(WatchTest, FromARevisionToComeItIsSilentUntilThen) {
  const auto make = [&](std::string_view name) {
    return Post(std::string(kMaps), fmt::format(R"({{"metadata":{{"name":"{}"}}}})", name))
        .At("metadata/resourceVersion");
  };
  const int64_t begin = std::stoll(make("a"));
  const OpenStream watch = Watch(fmt::format(
      "{}?watch=1&allowWatchBookmarks=true&resourceVersion={}", kMaps, begin + 2));
  Run(absl::Seconds(70));
  EXPECT_EQ(watch.answer().code, 200);
  EXPECT_EQ(watch.answer().body, "");  // no bookmark either
  make("b");
  make("c");
  ASSERT_EQ(make("d"), std::to_string(begin + 3));
  Run();
  EXPECT_EQ(EventText(watch.answer().Events()), "ADDED d");
}

TEST_F(WatchTest, EndsAtItsTimeout) {
  const OpenStream watch = Watch(std::string(kMaps) + "?watch=true&timeoutSeconds=5");
  Run(absl::Seconds(4));
  EXPECT_FALSE(watch.answer().closed);
  Run(absl::Seconds(2));
  EXPECT_TRUE(watch.answer().closed);
}

TEST_F(WatchTest, GoneAndStalledClientsAreForgotten) {
  OpenStream gone = Watch(std::string(kMaps) + "?watch=true");
  OpenStream stalled = Watch(std::string(kMaps) + "?watch=true");
  Run();
  const auto watchers = [&] {
    return server->cache().For(*api::FindResource("", "v1", "configmaps")).subscriber_count();
  };
  EXPECT_EQ(watchers(), 2u);
  gone.Leave();
  Run();
  EXPECT_EQ(watchers(), 1u);
  stalled.Stall();
  Post(kMaps, Map("a"));
  Run();
  EXPECT_EQ(watchers(), 0u);
}

TEST_F(WatchTest, ASlowClientIsSentTheBeginningAtItsPace) {
  const std::string filler(20'000, 'x');
  for (int i = 0; i < 200; ++i) {  // four megabytes
    Post(kMaps, fmt::format(R"({{"metadata":{{"name":"m{:03}"}},"data":{{"k":"{}"}}}})", i,
                            filler));
  }
  OpenStream watch = Watch(std::string(kMaps) +
                           "?watch=true&sendInitialEvents=true"
                           "&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
  watch.Pause();
  Run();
  Post(kMaps, Map("late"));
  Delete(std::string(kMaps) + "/m199");
  Run(absl::Seconds(1));
  EXPECT_LT(watch.answer().body.size(), 300'000u);
  for (int i = 0; i < 40; ++i) {
    watch.Resume();
    watch.Pause();
    Run();
  }
  EXPECT_LT(watch.unsent_bytes_max(), 300'000);
  const auto events = watch.answer().Events();
  ASSERT_EQ(events.size(), 203u);
  EXPECT_EQ(EventText({events.begin() + 199, events.end()}),
            "ADDED m199, BOOKMARK, ADDED late, DELETED m199");
}

// A client that does not take what it is sent is sent no more until it does, and misses nothing.
TEST_F(WatchTest, ASlowClientReadsOnWhereItWas) {
  OpenStream watch = Watch(std::string(kMaps) + "?watch=true&resourceVersion=1");
  Run();
  watch.Pause();
  const std::string filler(20'000, 'x');
  const auto watchers = [&] {
    return server->cache().For(*api::FindResource("", "v1", "configmaps")).subscriber_count();
  };
  EXPECT_EQ(watchers(), 1u);
  for (int i = 0; i < 100; ++i) {
    Post(kMaps, fmt::format(R"({{"metadata":{{"name":"m{:03}"}},"data":{{"k":"{}"}}}})", i,
                            filler));
  }
  EXPECT_EQ(watchers(), 0u) << "it is not told of events any more";
  EXPECT_LT(watch.unsent_bytes_max(), 200'000);
  for (int i = 0; i < 100 && watchers() == 0; ++i) {
    watch.Resume();
    watch.Pause();
    Run();
  }
  EXPECT_LT(watch.unsent_bytes_max(), 200'000);
  EXPECT_EQ(watchers(), 1u);
  watch.Resume();
  Delete(std::string(kMaps) + "/m050");
  Run();
  const auto events = watch.answer().Events();
  ASSERT_EQ(events.size(), 101u);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(At(events[static_cast<size_t>(i)], "object/metadata/name"),
              fmt::format("m{:03}", i));
  }
  EXPECT_EQ(EventText({events.begin() + 100, events.end()}), "DELETED m050");
}

TEST_F(WatchTest, OneNamespace) {
  Post("/api/v1/namespaces", R"({"metadata":{"name":"other"}})");
  OpenStream here = Watch(std::string(kMaps) + "?watch=true");
  OpenStream there = Watch("/api/v1/namespaces/other/configmaps?watch=true");
  OpenStream both = Watch("/api/v1/configmaps?watch=true");
  Run();
  Post(kMaps, Map("a"));
  Post("/api/v1/namespaces/other/configmaps", Map("b"));
  Run();
  EXPECT_EQ(EventText(here.answer().Events()), "ADDED a");
  EXPECT_EQ(EventText(there.answer().Events()), "ADDED b");
  EXPECT_EQ(EventText(both.answer().Events()), "ADDED a, ADDED b");
  for (OpenStream* each : {&here, &there, &both}) each->Leave();
  Run();
  EXPECT_EQ(server->cache().For(*api::FindResource("", "v1", "configmaps")).subscriber_count(), 0u);
}

class ShortHistoryTest : public ServerFixture {
 public:
  static ApiServerOptions Options() {
    ApiServerOptions options = DefaultOptions();
    options.cache.resource.history_events_max = 3;
    options.cache.resource.held_events_max = 6;
    return options;
  }
  ShortHistoryTest() : ServerFixture(Options()) {}
};

TEST_F(ShortHistoryTest, TooOldIsExpired) {
  const std::string version = Post(kMaps, Map("a")).At("metadata/resourceVersion");
  for (int i = 0; i < 5; ++i) Post(kMaps, Map(fmt::format("m{}", i)));
  const OpenStream watch =
      Watch(fmt::format("{}?watch=true&resourceVersion={}", kMaps, version));
  Run();
  const auto events = watch.answer().Events();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(At(events[0], "type"), "ERROR");
  EXPECT_EQ(At(events[0], "object/code"), "410");
  EXPECT_EQ(At(events[0], "object/reason"), "Expired");
  EXPECT_TRUE(watch.answer().closed);
}

// Nobody keeps events without end for a client that does not come for them.
TEST_F(ShortHistoryTest, AClientThatIsTooSlowIsTold) {
  OpenStream watch = Watch(std::string(kMaps) + "?watch=true&resourceVersion=1");
  Run();
  watch.Pause();
  const std::string filler(50'000, 'x');
  for (int i = 0; i < 10; ++i) {
    Post(kMaps, fmt::format(R"({{"metadata":{{"name":"m{}"}},"data":{{"k":"{}"}}}})", i, filler));
  }
  watch.Resume();
  Run();
  const auto events = watch.answer().Events();
  ASSERT_GE(events.size(), 2u);
  EXPECT_LT(events.size(), 10u);
  EXPECT_EQ(At(events.back(), "type"), "ERROR");
  EXPECT_EQ(At(events.back(), "object/reason"), "Expired");
  EXPECT_TRUE(watch.answer().closed);
}

// A place that is lost already is not kept for: nobody else's history grows by it.
TEST_F(ShortHistoryTest, ALostPlaceHoldsNothing) {
  OpenStream slow = Watch(std::string(kMaps) + "?watch=true&resourceVersion=1");
  Run();
  slow.Pause();
  const std::string filler(150'000, 'x');
  Post(kMaps, fmt::format(R"({{"metadata":{{"name":"big"}},"data":{{"k":"{}"}}}})", filler));
  std::vector<std::string> versions;
  for (int i = 0; i < 20; ++i) {
    versions.push_back(Post(kMaps, Map(fmt::format("m{}", i))).At("metadata/resourceVersion"));
  }
  const OpenStream five_back =
      Watch(fmt::format("{}?watch=true&resourceVersion={}", kMaps, versions[14]));
  Run();
  EXPECT_EQ(At(five_back.answer().Events().at(0), "object/reason"), "Expired");
}

TEST_F(ShortHistoryTest, AClientThatIsOnlyLateIsWaitedFor) {
  OpenStream watch = Watch(std::string(kMaps) + "?watch=true&resourceVersion=1");
  Run();
  watch.Pause();
  const std::string filler(50'000, 'x');
  for (int i = 0; i < 3; ++i) {
    Post(kMaps, fmt::format(R"({{"metadata":{{"name":"m{}"}},"data":{{"k":"{}"}}}})", i, filler));
  }
  for (int i = 3; i < 9; ++i) Post(kMaps, Map(fmt::format("m{}", i)));  // beyond what is kept
  watch.Resume();
  Run();
  EXPECT_EQ(EventText(watch.answer().Events()),
            "ADDED m0, ADDED m1, ADDED m2, ADDED m3, ADDED m4, ADDED m5, ADDED m6, ADDED m7, "
            "ADDED m8");
}

class FewBytesTest : public ServerFixture {
 public:
  static ApiServerOptions Options() {
    ApiServerOptions options = DefaultOptions();
    options.cache.resource.history_bytes_max = 100'000;
    return options;
  }
  FewBytesTest() : ServerFixture(Options()) {}
};

// The history is bounded by what its objects take, however few they are.
TEST_F(FewBytesTest, BigObjectsAreForgottenSooner) {
  const std::string filler(30'000, 'x');
  std::vector<std::string> versions;
  for (int i = 0; i < 5; ++i) {
    versions.push_back(
        Post(kMaps, fmt::format(R"({{"metadata":{{"name":"m{}"}},"data":{{"k":"{}"}}}})", i,
                                filler)).At("metadata/resourceVersion"));
  }
  const auto first_event = [&](const std::string& version) {
    const OpenStream watch =
        Watch(fmt::format("{}?watch=true&resourceVersion={}", kMaps, version));
    Run();
    return At(watch.answer().Events().at(0), "type");
  };
  EXPECT_EQ(first_event(versions[0]), "ERROR");
  EXPECT_EQ(first_event(versions[1]), "ADDED");
  for (int i = 0; i < 4; ++i) Delete(fmt::format("{}/m{}", kMaps, i));
  EXPECT_EQ(first_event(versions[4]), "ERROR") << "deletions weigh what they show";
}

}  // namespace
}  // namespace berth::apiserver
