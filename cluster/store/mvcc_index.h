// MvccIndex: every key with its history, in memory; the one implementation of revisions behind the
// memory and the rocksdb store.
//
//   compacted <= visible <= head
//   reads and watches see revisions in [compacted, visible]; writes are evaluated against head.
//   visible < head while writes wait for the disk: nobody sees them, later writes build on them.
//
// A log of (revision, key) in revision order, from the compacted revision on, replays history to
// watches and tells compaction which keys have something to forget: its cost is O(records
// forgotten), whatever the number of keys.
//
// Cost: a point read is one hash lookup and a binary search of the key's history; a write adds one
// ordered insert when the key is new. Values are shared, never copied. About 250 bytes per key and
// 70 per further kept version, plus key and value.
// Threads: none; the owner locks. A `journal` may be null.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/container/btree_map.h>
#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>
#include <absl/status/status.h>

#include "base/strings.h"
#include "cluster/store/journal.h"
#include "cluster/store/store.h"

namespace berth::store {

class MvccIndex {
 public:
  MvccIndex() = default;
  MvccIndex(const MvccIndex&) = delete;
  MvccIndex& operator=(const MvccIndex&) = delete;

  Revision head() const { return head_; }
  Revision visible() const { return visible_; }
  Revision compacted() const { return compacted_; }
  size_t key_count() const { return keys_.size(); }
  size_t log_size() const { return log_.size(); }

  // --- reads ---
  // OK when `revision` can be read; OutOfRange as in store.h.
  absl::Status CheckReadable(Revision revision) const;
  // What the key held at a revision; absent: mod_revision 0. The key is filled in either way.
  KeyValue At(std::string_view key, Revision revision) const;
  // One part of a list: visits at most `visits_max` keys from `from` on, appends to `result`.
  // True when the range is done; otherwise `from` is where to go on, at the same revision.
  bool ListStep(const ListOptions& options, Revision revision, size_t visits_max,
                std::string& from, ListResult& result) const;
  // Appends the events of [begin, end) of revisions in [from, visible], whole revisions, reading
  // about `records_max` records of the log. Returns the last revision covered.
  Revision Collect(std::string_view begin, std::string_view end, Revision from,
                   size_t records_max, std::vector<WatchEvent>& events) const;
  // Records of the log in [from, visible].
  size_t RecordsSince(Revision from) const;

  // --- writes ---
  // True when all compares hold at head; otherwise fills `current`.
  bool Holds(const std::vector<Compare>& compares, std::vector<KeyValue>& current) const;
  // Does the writes at head + 1, or nothing when they change nothing. Moves the values out.
  // `previous` (when not null) gets what each write replaced. Returns head afterwards.
  Revision Apply(std::vector<Write>& writes, std::vector<KeyValue>* previous, Journal* journal);
  // Lets reads and watches see everything written so far.
  void Publish() { visible_ = head_; }

  // --- leases ---
  // At most `count_max` keys that hang on a lease, by key.
  std::vector<std::string> KeysOfLease(LeaseId lease, size_t count_max) const;

  // --- compaction ---
  // Refuses reads below `revision` from now on. OutOfRange as in store.h.
  absl::Status Compact(Revision revision, Journal* journal);
  // Forgets about `records_max` records below the compacted revision. True when more is left.
  bool Trim(size_t records_max, Journal* journal);

  // --- recovery ---
  // Adds a record read back, in (mod, sub) order, to an index that nothing was written to.
  // DataLoss when it does not follow the one before. The end: FinishLoad.
  absl::Status Load(std::string key, Version version);
  // head: where writes go on from, when later than the last record.
  void FinishLoad(Revision compacted, Revision head = 0);

 private:
  // A vector that also drops from its front at a constant cost on average.
  class Versions {
   public:
    bool empty() const { return first_ == all_.size(); }
    size_t size() const { return all_.size() - first_; }
    const Version* begin() const { return all_.data() + first_; }
    const Version* end() const { return all_.data() + all_.size(); }
    const Version& operator[](size_t i) const { return all_[first_ + i]; }
    const Version& back() const { return all_.back(); }
    void push_back(Version version) { all_.push_back(std::move(version)); }
    void DropFront(size_t count);

   private:
    std::vector<Version> all_;
    size_t first_ = 0;  // before it: dropped, their values released
  };
  struct History {
    std::string key;
    Versions versions;  // by mod
  };
  struct LogRecord {
    Revision revision;
    History* history;
  };

  // The version visible at a revision (a tombstone too), or null.
  static const Version* Find(const History& history, Revision revision);
  static KeyValue ToKeyValue(std::string_view key, const Version* version);
  static WatchEvent ToEvent(const History& history, Revision revision);
  History* Lookup(std::string_view key) const;
  History& LookupOrAdd(std::string& key);
  void Append(History& history, Version version, Journal* journal);
  void MoveLease(const History& history, LeaseId from, LeaseId to);
  void Forget(const LogRecord& record, Journal* journal);
  std::deque<LogRecord>::const_iterator LogFrom(Revision revision) const;

  Revision head_ = 1;
  Revision visible_ = 1;
  Revision compacted_ = 0;
  // Keys are views of History::key.
  absl::flat_hash_map<std::string_view, std::unique_ptr<History>, StringHash, std::equal_to<>>
      keys_;
  absl::btree_map<std::string_view, History*> order_;
  std::deque<LogRecord> log_;  // a key has a version for each of its records
  absl::flat_hash_map<LeaseId, absl::btree_set<std::string_view>> leases_;
};

}  // namespace berth::store
