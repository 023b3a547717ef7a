// What was found out on nodes for claims that ask for the same: kept while the devices that a node
// may use stay as they are, and given to every pod that asks.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include "base/strings.h"
#include "framework/node_info.h"
#include "plugins/dynamic_resources/allocator.h"

namespace berth::plugins::dynamic_resources {

struct Verdict {
  AllocationOutcome::Kind kind = AllocationOutcome::Kind::kImpossible;
  int64_t score = 0;  // of kAllocated
};

// Of one kind of claims. Threads: any.
class Verdicts {
 public:
  // view, version: the number of the node's NodeView, and its UseVersion.
  std::optional<Verdict> Find(const framework::NodeInfo& node, int64_t view,
                              int64_t version) const;
  void Set(const framework::NodeInfo& node, int64_t view, int64_t version, Verdict verdict);

 private:
  struct Entry {
    int64_t view = 0;  // 0: nothing was found out; not the view itself, which is large
    int64_t version = 0;
    Verdict verdict;
  };
  mutable absl::Mutex mutex_;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mutex_);  // by the node's place in the snapshot
};

// By what claims ask for, the least recently used dropped. Threads: any.
class VerdictCache {
 public:
  // asked: everything that the search looks at, beside the node and the classes.
  std::shared_ptr<Verdicts> For(const std::string& asked);
  // The classes have changed.
  void Clear();

 private:
  static constexpr size_t kMaxEntries = 128;
  using Entries = std::list<std::pair<std::string, std::shared_ptr<Verdicts>>>;
  absl::Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);  // most recently used first
  StringMap<Entries::iterator> by_asked_ ABSL_GUARDED_BY(mutex_);
};

// What claims ask for, as text; equal texts get equal verdicts.
std::string AskedBy(const Prepared& prepared);

}  // namespace berth::plugins::dynamic_resources
