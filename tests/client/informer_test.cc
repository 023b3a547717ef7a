#include "client/informer.h"

#include <gtest/gtest.h>

#include <set>

#include <fmt/format.h>

#include "api/object.h"
#include "base/sim_executor.h"
#include "cluster/apiserver/in_process_transport.h"
#include "tests/client/fake_api.h"

namespace berth::client {
namespace {

using api::core::ConfigMap;
using Kind = InformerEvent::Kind;

// A server and a client in one simulation.
struct InformerWorld {
  explicit InformerWorld(uint64_t seed = 1, Media media = Media::kProtobuf)
      : loop(seed),
        server(loop.MakeExecutor("server")),
        executor(loop.MakeExecutor("client")),
        transport(api, *server, *executor),
        client(transport, *executor, {.media = media}) {}

  void Make(ReflectorOptions options = {}) {
    informer = std::make_unique<Informer>(client, api::ResourceOf<ConfigMap>(), options);
    informer->AddHandler([this](const InformerEvent& event) { Hear(event); });
    informer->OnSynced([this] { ++synced; });
    informer->Start();
  }
  void Run(absl::Duration time = absl::Seconds(1)) {
    loop.RunUntil(loop.clock().Now() + time);
  }
  // Checks the rules of the stream of each object, and keeps a line of text.
  void Hear(const InformerEvent& event) {
    const auto& object = event.new_object ? event.new_object : event.old_object;
    const auto& metadata = api::MetaOf(*object);
    const std::string key = metadata.namespace_() + "/" + metadata.name();
    EXPECT_EQ(event.kind == Kind::kAdd, !last.contains(key)) << key;
    if (last.contains(key)) {
      EXPECT_EQ(event.old_object, last[key]);
    }
    if (event.kind == Kind::kUpdate) {
      EXPECT_LT(api::RevisionOf(api::MetaOf(*event.old_object).resource_version()),
                api::RevisionOf(metadata.resource_version()));
    }
    if (event.kind == Kind::kDelete) {
      last.erase(key);
    } else {
      last[key] = event.new_object;
    }
    const char sign = event.kind == Kind::kAdd ? '+' : event.kind == Kind::kUpdate ? '~' : '-';
    heard += fmt::format("{}{} ", sign, metadata.name());
  }
  std::string TakeHeard() { return std::exchange(heard, {}); }
  // The informer shows exactly what the server has.
  void ExpectEqual() {
    std::vector<std::string> want, got;
    for (const auto& [key, object] : api.objects()) want.push_back(object->SerializeAsString());
    informer->ForEach("", [&](const ObjectPtr& object) {
      got.push_back(object->SerializeAsString());
    });
    EXPECT_EQ(want, got);
  }

  SimLoop loop;
  std::unique_ptr<Executor> server, executor;
  FakeApi api;
  apiserver::InProcessTransport transport;
  ApiClient client;
  std::unique_ptr<Informer> informer;
  std::map<std::string, ObjectPtr> last;
  std::string heard;
  int synced = 0;
};

class InformerTest : public testing::TestWithParam<Media> {};
INSTANTIATE_TEST_SUITE_P(Media, InformerTest, testing::Values(Media::kProtobuf, Media::kJson));

TEST_P(InformerTest, FollowsTheServer) {
  InformerWorld w(1, GetParam());
  w.api.Put("default", "a", "1");
  w.api.Put("kube-system", "b", "1");
  w.Make();
  EXPECT_FALSE(w.informer->synced());
  w.Run();
  EXPECT_EQ(w.TakeHeard(), "+a +b ");
  EXPECT_EQ(w.synced, 1);
  w.api.Put("default", "c", "1");
  w.api.Put("default", "a", "2");
  w.api.Delete("kube-system", "b");
  w.Run();
  EXPECT_EQ(w.TakeHeard(), "+c ~a -b ");
  w.ExpectEqual();
  EXPECT_EQ(w.informer->Get<ConfigMap>("default", "a")->data().at("value"), "2");
  EXPECT_EQ(w.informer->Get("default", "b"), nullptr);
  EXPECT_EQ(w.informer->reflector_stats().lists, 1);
  // A late handler first hears what is there.
  std::string late;
  w.informer->AddHandler([&](const InformerEvent& event) {
    EXPECT_EQ(event.kind, Kind::kAdd);
    late += api::MetaOf(*event.new_object).name();
  });
  EXPECT_EQ(late, "ac");
  w.informer.reset();
}

TEST_P(InformerTest, PagedListWhereStreamingIsRefused) {
  InformerWorld w(1, GetParam());
  w.api.streaming = false;
  for (const char* name : {"a", "b", "c", "d", "e"}) w.api.Put("default", name, "1");
  w.Make({.page_limit = 2});
  w.Run();
  EXPECT_EQ(w.TakeHeard(), "+a +b +c +d +e ");
  w.api.Put("default", "f", "1");
  w.Run();
  EXPECT_EQ(w.TakeHeard(), "+f ");
  int pages = 0;
  for (const auto& request : w.api.requests) {
    pages += request.target.find("limit=2") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(pages, 3);
  w.informer.reset();
}

TEST(InformerFaultTest, SilentStreamingListIsGivenUp) {
  InformerWorld w;
  w.api.silent = true;
  w.api.Put("default", "a", "1");
  w.Make();
  w.Run(absl::Seconds(9));
  EXPECT_EQ(w.synced, 0);
  w.Run(absl::Seconds(3));
  EXPECT_EQ(w.synced, 1);
  EXPECT_EQ(w.TakeHeard(), "+a ");
  w.informer.reset();
}

TEST(InformerFaultTest, WatchThatEndsIsResumed) {
  InformerWorld w;
  w.api.Put("default", "a", "1");
  w.Make();
  w.Run(absl::Seconds(2));
  w.api.EndWatches();
  w.api.Put("default", "b", "1");
  w.Run(absl::Seconds(2));
  EXPECT_EQ(w.TakeHeard(), "+a +b ");
  EXPECT_EQ(w.informer->reflector_stats().lists, 1);
  EXPECT_EQ(w.informer->reflector_stats().watches, 2);
  w.informer.reset();
}

TEST(InformerFaultTest, ServerGoneAndBack) {
  InformerWorld w;
  w.api.Put("default", "a", "1");
  w.Make();
  w.Run();
  w.transport.Disconnect();
  w.api.Put("default", "a", "2");
  w.api.Put("default", "b", "1");
  w.Run(absl::Minutes(2));
  EXPECT_EQ(w.TakeHeard(), "+a ");
  w.transport.Connect(w.api, *w.server);
  w.Run(absl::Minutes(2));
  EXPECT_EQ(w.TakeHeard(), "~a +b ");
  EXPECT_EQ(w.informer->reflector_stats().lists, 1);
  w.ExpectEqual();
  w.informer.reset();
}

TEST(InformerFaultTest, ExpiredRevisionListsAnew) {
  InformerWorld w;
  w.api.Put("default", "a", "1");
  w.api.Put("default", "gone", "1");
  w.Make();
  w.Run();
  w.TakeHeard();
  w.api.lose_events = true;
  w.api.Put("default", "a", "2");
  w.api.Delete("default", "gone");
  w.api.Put("default", "b", "1");
  w.api.lose_events = false;
  w.api.Compact();
  w.api.EndWatches();
  w.Run(absl::Seconds(5));
  EXPECT_EQ(w.TakeHeard(), "-gone ~a +b ");
  EXPECT_EQ(w.informer->reflector_stats().lists, 2);
  EXPECT_EQ(w.informer->stats().healed, 0);
  w.informer.reset();
}

TEST(InformerFaultTest, LostEventIsHealedByTheNextList) {
  InformerWorld w;
  w.api.Put("default", "a", "1");
  w.Make({.relist_period = absl::Minutes(1)});
  w.Run();
  w.api.lose_events = true;
  w.api.Put("default", "a", "2");
  w.api.lose_events = false;
  w.api.Put("default", "b", "1");
  w.Run();
  EXPECT_EQ(w.TakeHeard(), "+a +b ");
  w.Run(absl::Minutes(2));
  EXPECT_EQ(w.TakeHeard(), "~a ");
  EXPECT_EQ(w.informer->stats().healed, 1);
  w.ExpectEqual();
  w.informer.reset();
}

TEST(InformerFaultTest, OldListIsRefused) {
  for (const bool streaming : {true, false}) {
    InformerWorld w;
    w.api.streaming = streaming;
    w.api.Put("default", "a", "1");
    w.Make({.relist_period = absl::Minutes(1)});
    w.Run();
    w.api.Put("default", "a", "2");
    w.api.Put("default", "b", "1");
    w.Run();
    w.TakeHeard();
    w.api.list_lag = 2;  // as before these two
    w.Run(absl::Minutes(5));
    EXPECT_EQ(w.TakeHeard(), "");
    EXPECT_EQ(w.informer->reflector_stats().lists, 1);
    EXPECT_GT(w.informer->reflector_stats().lists_too_old, 0);
    w.api.list_lag = 0;
    w.api.Put("default", "c", "1");
    w.Run(absl::Minutes(5));
    EXPECT_EQ(w.TakeHeard(), "+c ");
    w.ExpectEqual();
    w.informer.reset();
  }
}

TEST(InformerFaultTest, WhatCannotBeReadListsAnew) {
  const struct {
    std::string_view name;
    std::string bytes;
    Media media;
  } cases[] = {
      {"unknown type", EncodeWatchFrame("WHAT", ConfigMap(), "v1", "ConfigMap", Media::kJson),
       Media::kJson},
      {"no JSON", "{]\n", Media::kJson},
      {"broken frame", std::string("\0\0\0\2\xff\xff", 6), Media::kProtobuf},
      {"endless frame", std::string("\xff\xff\xff\xff", 4), Media::kProtobuf},
      {"error event",
       R"({"type":"ERROR","object":{"kind":"Status","status":"Failure","reason":"Expired",)"
       R"("code":410}})",
       Media::kJson},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    InformerWorld w(1, c.media);
    w.api.Put("default", "a", "1");
    w.Make();
    w.Run();
    w.api.SendToWatches(c.bytes);
    w.Run(absl::Seconds(5));
    w.api.Put("default", "b", "1");
    w.Run(absl::Seconds(5));
    EXPECT_EQ(w.TakeHeard(), "+a +b ");
    EXPECT_EQ(w.informer->reflector_stats().lists, 2);
    w.informer.reset();
  }
}

TEST(InformerFaultTest, RecreatedUnderTheSameNameIsTwoEvents) {
  InformerWorld w;
  w.api.Put("default", "a", "1");
  w.Make({.relist_period = absl::Minutes(1)});
  w.Run();
  w.api.Recreate("default", "a");
  w.Run();
  EXPECT_EQ(w.TakeHeard(), "+a -a +a ");
  w.api.lose_events = true;
  w.api.Recreate("default", "a");
  w.api.lose_events = false;
  w.Run(absl::Minutes(2));
  EXPECT_EQ(w.TakeHeard(), "-a +a ");
  w.informer.reset();
}

// Two objects change in one revision and the connection breaks between their events.
TEST(InformerFaultTest, BreakWithinOneRevision) {
  InformerWorld w;
  w.api.Put("default", "x", "1");
  w.Make();
  w.Run(absl::Seconds(2));
  w.api.PutTwo("a", "b", [&] {
    w.Run();
    w.api.EndWatches();
  });
  w.Run(absl::Seconds(5));
  EXPECT_EQ(w.TakeHeard(), "+x +a +b ");
  EXPECT_EQ(w.informer->reflector_stats().lists, 1);
  w.informer.reset();
}

TEST(InformerFaultTest, RefusalsBackOffAndRetryAfterIsHonoured) {
  InformerWorld w;
  w.api.next_codes = std::vector<int>(4, 503);
  w.api.Put("default", "a", "1");
  w.Make();
  w.Run(absl::Milliseconds(100));
  EXPECT_EQ(w.api.requests.size(), 1u);
  w.Run(absl::Seconds(60));
  EXPECT_EQ(w.synced, 1);
  EXPECT_EQ(w.informer->reflector_stats().failures, 4);
  w.informer.reset();
}

TEST(InformerFaultTest, AResourceTheServerDoesNotHaveIsEmptyWhereThatIsAllowed) {
  InformerWorld w;
  w.api.Put("default", "a", "1");
  w.api.next_codes = {404, 404};
  w.Make({.may_be_absent = true});
  w.Run(absl::Seconds(1));
  EXPECT_EQ(w.synced, 1);
  EXPECT_EQ(w.TakeHeard(), "");
  w.Run(absl::Seconds(70));
  EXPECT_EQ(w.api.requests.size(), 2u) << "asked again each minute";
  w.Run(absl::Seconds(70));
  EXPECT_EQ(w.TakeHeard(), "+a ") << "it has it now";
  // What was there is not believed to be gone.
  w.api.EndWatches();
  w.api.next_codes = {404};
  w.api.Compact();
  w.Run(absl::Seconds(30));
  EXPECT_EQ(w.TakeHeard(), "");
  w.ExpectEqual();
  w.informer.reset();
}

TEST(InformerFaultTest, ElsewhereA404IsAFailureLikeOthers) {
  InformerWorld w;
  w.api.next_codes = {404};
  w.Make();
  w.Run(absl::Milliseconds(100));
  EXPECT_EQ(w.synced, 0);
  EXPECT_EQ(w.informer->reflector_stats().failures, 1);
  w.informer.reset();
}

// Whatever happens, once it is quiet the copy is the server's, and no handler was told nonsense.
TEST(InformerPropertyTest, Converges) {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE(seed);
    InformerWorld w(seed, seed % 2 == 0 ? Media::kProtobuf : Media::kJson);
    Random random(seed);
    w.api.streaming = random.Chance(0.5);
    w.Make({.page_limit = 3, .relist_period = absl::Minutes(2), .seed = seed});
    bool connected = true;
    for (int step = 0; step < 150; ++step) {
      const std::string name(1, static_cast<char>('a' + random.Below(8)));
      switch (random.Below(14)) {
        case 0: case 1: case 2: case 3: w.api.Put("default", name, std::to_string(step)); break;
        case 4: w.api.Delete("default", name); break;
        case 5: w.api.Recreate("default", name); break;
        case 6: w.api.EndWatches(); break;
        case 7: w.api.Compact(); break;
        case 8: w.api.Bookmark(); break;
        case 9: w.api.lose_events = random.Chance(0.3); break;
        case 10: w.api.list_lag = random.Chance(0.3) ? 3 : 0; break;
        case 11:
          if (connected) w.transport.Disconnect();
          if (!connected) w.transport.Connect(w.api, *w.server);
          connected = !connected;
          break;
        case 12: w.api.next_codes = {static_cast<int>(random.Chance(0.5) ? 500 : 410)}; break;
        case 13: w.api.SendToWatches("{\"type\":\"BAD\"}"); break;
      }
      w.Run(absl::Milliseconds(random.Between(0, 3000)));
    }
    if (!connected) w.transport.Connect(w.api, *w.server);
    w.api.lose_events = false;
    w.api.list_lag = 0;
    w.api.silent = false;
    w.api.next_codes.clear();
    w.Run(absl::Minutes(10));
    EXPECT_TRUE(w.informer->synced());
    w.ExpectEqual();
    EXPECT_EQ(w.last.size(), w.api.objects().size());
    EXPECT_LE(w.informer->revision(), w.api.revision());
    w.informer.reset();
    if (testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace berth::client
