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
  for (const char* query : {"?watch=true&resourceVersion=99999", "?resourceVersion=99999"}) {
    const OpenStream early = Send("GET", std::string(kMaps) + query);
    Run();
    EXPECT_EQ(early.answer().code, 0) << query;
    EXPECT_EQ(server->cache().waiting(), 1u);
    Run(absl::Seconds(10));
    EXPECT_EQ(early.answer().code, 504) << query;
    EXPECT_EQ(server->cache().waiting(), 0u);
  }
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
    return server->cache().For(*api::FindResource("", "v1", "configmaps")).watcher_count();
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
  EXPECT_LT(watch.answer().body.size(), 2'000'000u);
  for (int i = 0; i < 10; ++i) {
    watch.Resume();
    watch.Pause();
    Run();
  }
  EXPECT_LT(watch.unsent_bytes_max(), 1'500'000);
  const auto events = watch.answer().Events();
  ASSERT_EQ(events.size(), 203u);
  EXPECT_EQ(EventText({events.begin() + 199, events.end()}),
            "ADDED m199, BOOKMARK, ADDED late, DELETED m199");
}

class ShortHistoryTest : public ServerFixture {
 public:
  static ApiServerOptions Options() {
    ApiServerOptions options = DefaultOptions();
    options.cache.resource.history_events_max = 3;
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

}  // namespace
}  // namespace berth::apiserver
