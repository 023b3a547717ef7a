// A random history against a model that keeps a whole copy of the keyspace for each revision.
#include <map>

#include "base/random.h"
#include "tests/store/conformance.h"

namespace berth::store {
namespace {

struct Model {
  using State = std::map<std::string, KeyValue>;
  std::vector<State> at = {{}, {}};  // by revision
  std::vector<std::vector<std::string>> events = {{}, {}};

  Revision revision() const { return static_cast<Revision>(at.size()) - 1; }

  void Apply(const std::vector<Write>& writes) {
    State state = at.back();
    const Revision next = revision() + 1;
    std::vector<std::string> shown;
    for (const Write& write : writes) {
      auto found = state.find(write.key);
      WatchEvent event;
      event.kv.key = write.key;
      event.kv.mod_revision = next;
      if (found != state.end()) event.previous = found->second;
      if (write.kind == Write::Kind::kDelete) {
        if (found == state.end()) continue;
        event.kind = WatchEvent::Kind::kDelete;
        state.erase(found);
      } else {
        event.kv.value = write.value;
        event.kv.create_revision = found == state.end() ? next : found->second.create_revision;
        event.kv.version = found == state.end() ? 1 : found->second.version + 1;
        state[write.key] = event.kv;
      }
      shown.push_back(Show(event));
    }
    if (shown.empty()) return;
    at.push_back(std::move(state));
    events.push_back(std::move(shown));
  }

  std::vector<std::string> List(Revision revision, const std::string& begin,
                                const std::string& end) const {
    std::vector<std::string> items;
    for (const auto& [key, kv] : at[static_cast<size_t>(revision)]) {
      if (key >= begin && (end.empty() || key < end)) items.push_back(Show(kv));
    }
    return items;
  }
};

std::vector<Write> RandomWrites(Random& random) {
  std::vector<Write> writes;
  const uint64_t count = 1 + random.Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    const std::string key = "/" + std::to_string(i) + "/" + std::to_string(random.Below(12));
    writes.push_back(random.Chance(0.35) ? DeleteWrite(key)
                                         : PutWrite(key, std::to_string(random.Below(1000))));
  }
  return writes;
}

TEST_P(StoreConformance, ARandomHistoryReadsAndReplaysAsTheModelSays) {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE(seed);
    Start({});
    Random random(seed);
    Model model;
    Revision compacted = 0;
    std::vector<std::pair<Revision, std::shared_ptr<Watched>>> watches;
    for (int step = 0; step < 400; ++step) {
      const auto writes = RandomWrites(random);
      model.Apply(writes);
      auto result = Txn({.writes = writes});
      ASSERT_TRUE(result.ok()) << result.status();
      ASSERT_EQ(result->revision, model.revision());
      const Revision at = random.Between(std::max<Revision>(compacted, 1), model.revision());
      if (random.Chance(0.3)) {
        const std::string begin = random.Chance(0.5) ? "" : "/1/3";
        const std::string end = random.Chance(0.5) ? "" : "/2/5";
        auto list = List({.begin = begin, .end = end, .revision = at});
        ASSERT_TRUE(list.ok()) << list.status();
        ASSERT_EQ(ShowAll(list->items), model.List(at, begin, end)) << "revision " << at;
      }
      if (random.Chance(0.05)) {
        const Revision start = random.Between(std::max<Revision>(compacted, 1), at);
        watches.emplace_back(start, Watch("", "", start));
        ASSERT_TRUE(AwaitRevision(watches.back().second, model.revision()));
      }
      if (random.Chance(0.04) && at > compacted) {
        ASSERT_TRUE(Compact(at).ok());
        compacted = at;
      }
    }
    for (const auto& [start, watched] : watches) {
      ASSERT_TRUE(AwaitRevision(watched, model.revision()));
      std::vector<std::string> want;
      for (auto r = static_cast<size_t>(start); r < model.events.size(); ++r) {
        want.insert(want.end(), model.events[r].begin(), model.events[r].end());
      }
      absl::MutexLock lock(&env_->mutex);
      ASSERT_TRUE(watched->status.ok()) << watched->status;
      ASSERT_EQ(ShowAll(watched->events), want) << "watch from " << start;
    }
  }
}

}  // namespace
}  // namespace berth::store
