#include "tests/store/conformance.h"

#include <gmock/gmock.h>

namespace berth::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST_P(StoreConformance, FreshStoreIsAtRevisionOneAndEmpty) {
  EXPECT_EQ(Current(), 1);
  auto list = List({});
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_EQ(list->revision, 1);
  EXPECT_EQ(list->count, 0);
  EXPECT_THAT(list->items, IsEmpty());
  EXPECT_EQ(Show(*Get("a")), "a absent");
}

TEST_P(StoreConformance, EveryWriteTakesTheNextRevisionAndVersionsRestartAfterDeletion) {
  EXPECT_EQ(Put("a", "1"), 2);
  EXPECT_EQ(Show(*Get("a")), "a=1 c2 m2 v1 l0");
  EXPECT_EQ(Put("a", "2"), 3);
  EXPECT_EQ(Put("b", "x"), 4);
  EXPECT_EQ(Show(*Get("a")), "a=2 c2 m3 v2 l0");
  EXPECT_EQ(Delete("a"), 5);
  EXPECT_EQ(Show(*Get("a")), "a absent");
  EXPECT_EQ(Put("a", "3"), 6);
  EXPECT_EQ(Show(*Get("a")), "a=3 c6 m6 v1 l0");
  EXPECT_EQ(Current(), 6);
}

TEST_P(StoreConformance, ReadsAtAnOlderRevisionSeeWhatWasThere) {
  Put("a", "1");  // 2
  Put("a", "2");  // 3
  Delete("a");    // 4
  Put("a", "3");  // 5
  EXPECT_EQ(Show(*Get("a", 1)), "a absent");
  EXPECT_EQ(Show(*Get("a", 2)), "a=1 c2 m2 v1 l0");
  EXPECT_EQ(Show(*Get("a", 3)), "a=2 c2 m3 v2 l0");
  EXPECT_EQ(Show(*Get("a", 4)), "a absent");
  EXPECT_EQ(Show(*Get("a", 5)), "a=3 c5 m5 v1 l0");
}

TEST_P(StoreConformance, AFutureRevisionIsRefused) {
  Put("a", "1");
  auto got = Get("a", 3);
  EXPECT_EQ(got.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(got.status().message(), "required revision is a future revision");
  auto list = List({.revision = 3});
  EXPECT_EQ(list.status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(list.status().message(), "required revision is a future revision");
}

TEST_P(StoreConformance, AnEmptyValueIsAValue) {
  Put("a", "");
  EXPECT_EQ(Show(*Get("a")), "a= c2 m2 v1 l0");
  ASSERT_TRUE(Txn({.writes = {{.kind = Write::Kind::kPut, .key = "n"}}}).ok());
  EXPECT_EQ(Show(*Get("n")), "n= c3 m3 v1 l0");
}

// --- transactions ------------------------------------------------------------------------------

TEST_P(StoreConformance, WritesOfATxnShareOneRevisionAndTellWhatTheyReplaced) {
  Put("a", "1");  // 2
  Put("b", "2");  // 3
  auto result = Txn({.compares = {{"a", 2}, {"c", 0}},
                     .writes = {PutWrite("c", "9"), DeleteWrite("b"), PutWrite("a", "8")}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(result->succeeded);
  EXPECT_EQ(result->revision, 4);
  EXPECT_THAT(ShowAll(result->previous),
              ElementsAre("c absent", "b=2 c3 m3 v1 l0", "a=1 c2 m2 v1 l0"));
  EXPECT_THAT(result->current, IsEmpty());
  auto list = List({});
  EXPECT_THAT(ShowAll(list->items), ElementsAre("a=8 c2 m4 v2 l0", "c=9 c4 m4 v1 l0"));
}

TEST_P(StoreConformance, AFailedCompareWritesNothingAndReturnsWhatTheKeysHold) {
  Put("a", "1");  // 2
  Put("b", "2");  // 3
  const struct {
    std::string_view name;
    std::vector<Compare> compares;
    std::vector<std::string> current;
  } cases[] = {
      {"older revision", {{"b", 2}}, {"b=2 c3 m3 v1 l0"}},
      {"must be absent but is there", {{"a", 0}}, {"a=1 c2 m2 v1 l0"}},
      {"must be there but is absent", {{"z", 2}}, {"z absent"}},
      {"one of several", {{"a", 2}, {"z", 0}, {"b", 9}},
       {"a=1 c2 m2 v1 l0", "z absent", "b=2 c3 m3 v1 l0"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto result = Txn({.compares = c.compares, .writes = {PutWrite("new", "x"), DeleteWrite("a")}});
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_FALSE(result->succeeded);
    EXPECT_EQ(result->revision, 3);
    EXPECT_EQ(ShowAll(result->current), c.current);
    EXPECT_THAT(result->previous, IsEmpty());
    EXPECT_EQ(Current(), 3);
    EXPECT_EQ(Show(*Get("new")), "new absent");
  }
}

TEST_P(StoreConformance, ADeletedKeyComparesAsAbsent) {
  Put("a", "1");
  Delete("a");
  EXPECT_FALSE(Txn({.compares = {{"a", 3}}, .writes = {PutWrite("a", "2")}})->succeeded);
  EXPECT_TRUE(Txn({.compares = {{"a", 0}}, .writes = {PutWrite("a", "2")}})->succeeded);
  EXPECT_EQ(Show(*Get("a")), "a=2 c4 m4 v1 l0");
}

TEST_P(StoreConformance, ATxnThatChangesNothingTakesNoRevision) {
  Put("a", "1");  // 2
  auto absent = Txn({.writes = {DeleteWrite("x"), DeleteWrite("y")}});
  ASSERT_TRUE(absent.ok()) << absent.status();
  EXPECT_TRUE(absent->succeeded);
  EXPECT_EQ(absent->revision, 2);
  EXPECT_THAT(ShowAll(absent->previous), ElementsAre("x absent", "y absent"));
  auto compare = Txn({.compares = {{"a", 2}}});
  EXPECT_TRUE(compare->succeeded);
  EXPECT_EQ(compare->revision, 2);
  EXPECT_EQ(Current(), 2);
  // Beside a real write an absent deletion is nothing either.
  EXPECT_EQ(Txn({.writes = {DeleteWrite("x"), PutWrite("b", "1")}})->revision, 3);
}

TEST_P(StoreConformance, BrokenRequestsAreInvalidAndWriteNothing) {
  TxnRequest large;
  for (int64_t i = 0; i <= store().MaxTxnOps(); ++i) {
    large.writes.push_back(PutWrite("k" + std::to_string(i), "v"));
  }
  TxnRequest many_twice;
  for (int i = 0; i < 20; ++i) many_twice.writes.push_back(PutWrite(std::to_string(i % 19), "v"));
  const struct {
    std::string_view name;
    TxnRequest request;
    std::string_view message;
  } cases[] = {
      {"put without key", {.writes = {PutWrite("", "v")}}, "key is not provided"},
      {"delete without key", {.writes = {DeleteWrite("")}}, "key is not provided"},
      {"compare without key", {.compares = {{"", 1}}}, "key is not provided"},
      {"a key twice", {.writes = {PutWrite("a", "1"), DeleteWrite("a")}},
       "duplicate key given in txn request"},
      {"a key twice among many", many_twice, "duplicate key given in txn request"},
      {"too large", large, "too many operations in txn request"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto result = Txn(c.request);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(result.status().message()), HasSubstr(c.message));
  }
  EXPECT_EQ(Current(), 1);
  EXPECT_EQ(Get("").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(List({.limit = -1}).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreConformance, ATxnMayBeAsLargeAsMaxTxnOpsSays) {
  TxnRequest request;
  request.compares.push_back({"k0", 0});
  for (int64_t i = 1; i < store().MaxTxnOps(); ++i) {
    request.writes.push_back(PutWrite("k" + std::to_string(i), "v"));
  }
  auto result = Txn(request);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->revision, 2);
  EXPECT_EQ(List({.count_only = true})->count, store().MaxTxnOps() - 1);
}

TEST_P(StoreConformance, RelaxedWritesAreOrderedLikeAllOthers) {
  auto first = Txn({.writes = {PutWrite("e", "1")}, .relaxed_durability = true});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->revision, 2);
  EXPECT_EQ(Put("a", "1"), 3);
  EXPECT_EQ(Txn({.writes = {PutWrite("e", "2")}, .relaxed_durability = true})->revision, 4);
  EXPECT_EQ(Show(*Get("e")), "e=2 c2 m4 v2 l0");
}

TEST_P(StoreConformance, CompetingTxnsOnOneKeyAreSerialised) {
  // 40 in flight at once, all comparing with "absent": exactly one wins.
  int won = 0, lost = 0;
  for (int i = 0; i < 40; ++i) {
    store().Txn({.compares = {{"a", 0}}, .writes = {PutWrite("a", std::to_string(i))}},
                [&](absl::StatusOr<TxnResult> result) {
                  absl::MutexLock lock(&env_->mutex);
                  ASSERT_TRUE(result.ok()) << result.status();
                  ++(result->succeeded ? won : lost);
                  if (!result->succeeded) { EXPECT_EQ(result->current[0].mod_revision, 2); }
                });
  }
  ASSERT_TRUE(env_->Drive([&] { return won + lost == 40; }));
  EXPECT_EQ(won, 1);
  EXPECT_EQ(Current(), 2);
}

// --- lists -------------------------------------------------------------------------------------

TEST_P(StoreConformance, ListsARangeInBytewiseOrder) {
  for (const char* key : {"b", "a", "b/2", "b/10", "b0", "\xff", "b/\xff", "c"}) Put(key, "v");
  const std::string nul("b/\0x", 4);
  Put(nul, "v");
  const struct {
    std::string_view name;
    std::string begin, end;
    std::vector<std::string> keys;
  } cases[] = {
      {"all", "", "", {"a", "b", nul, "b/10", "b/2", "b/\xff", "b0", "c", "\xff"}},
      {"a prefix", "b/", PrefixEnd("b/"), {nul, "b/10", "b/2", "b/\xff"}},
      {"begin included, end excluded", "b", "c", {"b", nul, "b/10", "b/2", "b/\xff", "b0"}},
      {"no end", "c", "", {"c", "\xff"}},
      {"after a key", std::string("b\0", 2), "b/2", {nul, "b/10"}},
      {"begin and end between keys", "aa", "b/11", {"b", nul, "b/10"}},
      {"empty range", "b", "b", {}},
      {"end before begin", "c", "b", {}},
      {"beyond the last key", "\xff\xff", "", {}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto list = List({.begin = c.begin, .end = c.end});
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(Keys(list->items), c.keys);
    EXPECT_EQ(list->count, static_cast<int64_t>(c.keys.size()));
    EXPECT_FALSE(list->more);
    auto count = List({.begin = c.begin, .end = c.end, .count_only = true});
    EXPECT_EQ(count->count, list->count);
    EXPECT_THAT(count->items, IsEmpty());
    EXPECT_FALSE(count->more);
  }
}

TEST_P(StoreConformance, ALimitCutsTheListAndCountTellsHowManyThereAre) {
  for (char c = 'a'; c <= 'e'; ++c) Put(std::string(1, c), "v");
  const struct {
    int64_t limit;
    size_t items;
    bool more;
  } cases[] = {{1, 1, true}, {4, 4, true}, {5, 5, false}, {6, 5, false}, {0, 5, false}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.limit);
    auto list = List({.limit = c.limit});
    EXPECT_EQ(list->items.size(), c.items);
    EXPECT_EQ(list->more, c.more);
    EXPECT_EQ(list->count, 5);
  }
}

TEST_P(StoreConformance, AListContinuesAtItsRevisionWhileWritesGoOn) {
  std::vector<std::string> want;
  for (int i = 100; i < 1300; ++i) {
    want.push_back("/p/" + std::to_string(i));
    store().Txn({.writes = {PutWrite(want.back(), "old")}}, [](auto) {});
  }
  const Revision at = Put("/q", "x");
  std::vector<std::string> keys;
  ListOptions options{.begin = "/p/", .end = PrefixEnd("/p/"), .limit = 97};
  for (int page = 0;; ++page) {
    auto list = List(options);
    ASSERT_TRUE(list.ok()) << list.status();
    EXPECT_EQ(list->revision, at);
    EXPECT_EQ(list->count, 1200 - static_cast<int64_t>(keys.size()));
    for (const KeyValue& kv : list->items) {
      keys.push_back(kv.key);
      EXPECT_EQ(*kv.value, "old");
    }
    if (!list->more) break;
    options.revision = list->revision;
    options.begin = list->items.back().key + '\0';
    // Deleted, changed and added on both sides of the cursor.
    store().Txn({.writes = {DeleteWrite(want[static_cast<size_t>(page)]),
                            DeleteWrite(want[want.size() - 1 - static_cast<size_t>(page)]),
                            PutWrite(want[600 + static_cast<size_t>(page)], "new"),
                            PutWrite("/p/1000" + std::to_string(page), "new")}},
                [](auto result) { EXPECT_TRUE(result.ok()); });
  }
  std::sort(want.begin(), want.end());
  EXPECT_EQ(keys, want);
}

// --- compaction --------------------------------------------------------------------------------

TEST_P(StoreConformance, CompactionRefusesOlderReadsAndKeepsTheRest) {
  Put("a", "1");  // 2
  Put("a", "2");  // 3
  Put("b", "1");  // 4
  Delete("b");    // 5
  Put("a", "3");  // 6
  ASSERT_TRUE(Compact(5).ok());
  for (Revision r : {1, 2, 3, 4}) {
    auto got = Get("a", r);
    EXPECT_EQ(got.status().code(), absl::StatusCode::kOutOfRange) << r;
    EXPECT_EQ(got.status().message(), "required revision has been compacted");
    EXPECT_EQ(List({.revision = r}).status().message(), "required revision has been compacted");
  }
  env_->Settle();
  EXPECT_EQ(Show(*Get("a", 5)), "a=2 c2 m3 v2 l0");
  EXPECT_EQ(Show(*Get("b", 5)), "b absent");
  EXPECT_EQ(Show(*Get("a", 6)), "a=3 c2 m6 v3 l0");
  EXPECT_EQ(Show(*Get("a")), "a=3 c2 m6 v3 l0");
  EXPECT_THAT(ShowAll(List({.revision = 5})->items), ElementsAre("a=2 c2 m3 v2 l0"));
  EXPECT_EQ(Put("b", "2"), 7);
  EXPECT_EQ(Show(*Get("b")), "b=2 c7 m7 v1 l0");
}

TEST_P(StoreConformance, CompactionErrors) {
  Put("a", "1");
  Put("a", "2");
  ASSERT_TRUE(Compact(3).ok());
  const absl::Status again = Compact(3);
  EXPECT_EQ(again.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(again.message(), "required revision has been compacted");
  const absl::Status future = Compact(4);
  EXPECT_EQ(future.code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(future.message(), "required revision is a future revision");
  EXPECT_EQ(Show(*Get("a", 3)), "a=2 c2 m3 v2 l0");
}

TEST_P(StoreConformance, CompactionAtTheNewestRevisionKeepsEveryKey) {
  for (int i = 0; i < 3000; ++i) {
    const std::string key = "k" + std::to_string(i % 700);
    store().Txn({.writes = {i % 3 == 2 ? DeleteWrite(key) : PutWrite(key, std::to_string(i))}},
                [](auto) {});
  }
  const Revision newest = Put("z", "z");
  const auto before = ShowAll(List({})->items);
  ASSERT_TRUE(Compact(newest).ok());
  env_->Settle();
  EXPECT_EQ(ShowAll(List({})->items), before);
  EXPECT_EQ(ShowAll(List({.revision = newest})->items), before);
  EXPECT_EQ(Current(), newest);
}

// --- leases ------------------------------------------------------------------------------------

TEST_P(StoreConformance, ALeaseTakesItsKeysWhenItEnds) {
  auto lease = Grant(absl::Seconds(10));
  ASSERT_TRUE(lease.ok()) << lease.status();
  EXPECT_NE(*lease, 0);
  Put("a", "1", *lease);  // 2
  Put("b", "1", *lease);  // 3
  Put("c", "1");          // 4
  EXPECT_EQ((*Get("a")).lease, *lease);
  auto watched = Watch("", "", 5);
  if (!env_->Advance(absl::Seconds(9))) GTEST_SKIP() << "no clock to move";
  env_->Settle();
  EXPECT_EQ(Current(), 4);
  env_->Advance(absl::Seconds(2));
  ASSERT_TRUE(AwaitRevision(watched, 5));
  EXPECT_THAT(Keys(List({})->items), ElementsAre("c"));
  absl::MutexLock lock(&env_->mutex);
  ASSERT_EQ(watched->events.size(), 2u);
  EXPECT_EQ(watched->events[0].kind, WatchEvent::Kind::kDelete);
  EXPECT_EQ(watched->events[0].kv.key, "a");
  EXPECT_EQ(watched->events[1].kv.key, "b");
}

TEST_P(StoreConformance, RenewalPutsTheEndOff) {
  auto lease = Grant(absl::Seconds(10));
  Put("a", "1", *lease);
  for (int i = 0; i < 5; ++i) {
    if (!env_->Advance(absl::Seconds(8))) GTEST_SKIP() << "no clock to move";
    EXPECT_TRUE(Renew(*lease).ok());
  }
  EXPECT_EQ(Current(), 2);
  auto watched = Watch("", "", 0);
  env_->Advance(absl::Seconds(11));
  ASSERT_TRUE(AwaitRevision(watched, 3));
  EXPECT_EQ(Show(*Get("a")), "a absent");
  EXPECT_EQ(Renew(*lease).code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, TtlIsRoundedUpToWholeSeconds) {
  auto lease = Grant(absl::Milliseconds(1200));
  Put("a", "1", *lease);
  if (!env_->Advance(absl::Milliseconds(1900))) GTEST_SKIP() << "no clock to move";
  env_->Settle();
  EXPECT_EQ(Current(), 2);
  EXPECT_EQ(Grant(absl::ZeroDuration()).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(StoreConformance, RevokingDeletesTheKeysAtOnceHoweverMany) {
  auto lease = Grant(absl::Hours(1));
  for (int i = 0; i < 1300; ++i) {
    store().Txn({.writes = {PutWrite("k" + std::to_string(i), "v", *lease)}}, [](auto) {});
  }
  Put("other", "v");
  ASSERT_TRUE(Revoke(*lease).ok());
  EXPECT_THAT(Keys(List({})->items), ElementsAre("other"));
  EXPECT_EQ(Revoke(*lease).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Renew(*lease).code(), absl::StatusCode::kNotFound);
}

TEST_P(StoreConformance, TheLastWriteDecidesWhichLeaseAKeyHangsOn) {
  auto first = Grant(absl::Hours(1));
  auto second = Grant(absl::Hours(1));
  ASSERT_NE(*first, *second);
  Put("none", "1", *first);
  Put("none", "2");
  Put("moved", "1", *first);
  Put("moved", "2", *second);
  Put("again", "1", *first);
  Delete("again");
  Put("again", "2");
  ASSERT_TRUE(Revoke(*first).ok());
  EXPECT_THAT(Keys(List({})->items), ElementsAre("again", "moved", "none"));
  ASSERT_TRUE(Revoke(*second).ok());
  EXPECT_THAT(Keys(List({})->items), ElementsAre("again", "none"));
}

TEST_P(StoreConformance, AnUnknownLeaseIsNotFoundAndNothingIsWritten) {
  auto result = Txn({.writes = {PutWrite("b", "1"), PutWrite("a", "1", 4711)}});
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(result.status().message(), "requested lease not found");
  EXPECT_EQ(Current(), 1);
  EXPECT_EQ(Renew(4711).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(Revoke(4711).code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace berth::store
