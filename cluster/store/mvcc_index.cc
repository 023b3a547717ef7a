#include "cluster/store/mvcc_index.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace berth::store {

absl::Status MvccIndex::CheckReadable(Revision revision) const {
  if (revision < compacted_) {
    return absl::OutOfRangeError("required revision has been compacted");
  }
  if (revision > visible_) {
    return absl::OutOfRangeError("required revision is a future revision");
  }
  return absl::OkStatus();
}

const Version* MvccIndex::Find(const History& history, Revision revision) {
  const auto& versions = history.versions;
  if (!versions.empty() && versions.back().mod <= revision) return &versions.back();
  auto after = std::upper_bound(versions.begin(), versions.end(), revision,
                                [](Revision r, const Version& v) { return r < v.mod; });
  return after == versions.begin() ? nullptr : &*std::prev(after);
}

KeyValue MvccIndex::ToKeyValue(std::string_view key, const Version* version) {
  KeyValue kv;
  kv.key = key;
  if (version == nullptr || version->tombstone()) return kv;
  kv.value = version->value;
  kv.create_revision = version->create;
  kv.mod_revision = version->mod;
  kv.version = version->version;
  kv.lease = version->lease;
  return kv;
}

MvccIndex::History* MvccIndex::Lookup(std::string_view key) const {
  auto it = keys_.find(key);
  return it == keys_.end() ? nullptr : it->second.get();
}

KeyValue MvccIndex::At(std::string_view key, Revision revision) const {
  const History* history = Lookup(key);
  return ToKeyValue(key, history == nullptr ? nullptr : Find(*history, revision));
}

bool MvccIndex::ListStep(const ListOptions& options, Revision revision, size_t visits_max,
                         std::string& from, ListResult& result) const {
  auto it = order_.lower_bound(std::string_view(from));
  const auto stop = options.end.empty() ? order_.end()
                                        : order_.lower_bound(std::string_view(options.end));
  if (!options.end.empty() && options.end <= from) return true;
  for (size_t visits = 0; it != stop; ++it, ++visits) {
    if (visits == visits_max) {
      from = it->first;
      return false;
    }
    const Version* version = Find(*it->second, revision);
    if (version == nullptr || version->tombstone()) continue;
    const bool full =
        options.limit > 0 && static_cast<int64_t>(result.items.size()) >= options.limit;
    if (full && !options.count && !options.count_only) {
      result.more = true;
      return true;
    }
    ++result.count;
    if (options.count_only) continue;
    if (full) {
      result.more = true;
      continue;
    }
    result.items.push_back(ToKeyValue(it->first, version));
  }
  return true;
}

std::deque<MvccIndex::LogRecord>::const_iterator MvccIndex::LogFrom(Revision revision) const {
  return std::lower_bound(log_.begin(), log_.end(), revision,
                          [](const LogRecord& l, Revision r) { return l.revision < r; });
}

WatchEvent MvccIndex::ToEvent(const History& history, Revision revision) {
  const Version* version = Find(history, revision);
  BERTH_CHECK(version != nullptr && version->mod == revision);
  WatchEvent event;
  if (version->tombstone()) {
    event.kind = WatchEvent::Kind::kDelete;
    event.kv.key = history.key;
    event.kv.mod_revision = revision;
  } else {
    event.kv = ToKeyValue(history.key, version);
  }
  if (version != history.versions.begin() && !(version - 1)->tombstone()) {
    event.previous = ToKeyValue(history.key, version - 1);
  }
  return event;
}

Revision MvccIndex::Collect(std::string_view begin, std::string_view end, Revision from,
                            size_t records_max, std::vector<WatchEvent>& events) const {
  size_t records = 0;
  Revision covered = 0;
  for (auto it = LogFrom(from); it != log_.end() && it->revision <= visible_; ++it, ++records) {
    if (records >= records_max && it->revision != covered) return covered;
    covered = it->revision;
    const std::string& key = it->history->key;
    if (key < begin || (!end.empty() && key >= end)) continue;
    events.push_back(ToEvent(*it->history, it->revision));
  }
  return visible_;
}

size_t MvccIndex::RecordsSince(Revision from) const {
  auto first = LogFrom(from);
  auto last = visible_ == head_ ? log_.end() : LogFrom(visible_ + 1);
  return first < last ? static_cast<size_t>(last - first) : 0;
}

bool MvccIndex::Holds(const std::vector<Compare>& compares,
                      std::vector<KeyValue>& current) const {
  bool holds = true;
  for (const Compare& compare : compares) {
    const History* history = Lookup(compare.key);
    const Version* last = history == nullptr ? nullptr : &history->versions.back();
    const Revision mod = last == nullptr || last->tombstone() ? 0 : last->mod;
    holds = holds && mod == compare.mod_revision;
    if (!holds) break;
  }
  if (holds) return true;
  current.reserve(compares.size());
  for (const Compare& compare : compares) current.push_back(At(compare.key, head_));
  return false;
}

MvccIndex::History& MvccIndex::LookupOrAdd(std::string& key) {
  auto it = keys_.find(std::string_view(key));
  if (it != keys_.end()) return *it->second;
  auto owned = std::make_unique<History>();
  owned->key = std::move(key);
  History& history = *owned;
  keys_.emplace(history.key, std::move(owned));
  order_.emplace(history.key, &history);
  return history;
}

void MvccIndex::MoveLease(const History& history, LeaseId from, LeaseId to) {
  if (from == to) return;
  if (from != 0) {
    auto it = leases_.find(from);
    it->second.erase(history.key);
    if (it->second.empty()) leases_.erase(it);
  }
  if (to != 0) leases_[to].insert(history.key);
}

void MvccIndex::Append(History& history, Version version, Journal* journal) {
  MoveLease(history, history.versions.empty() ? 0 : history.versions.back().lease, version.lease);
  log_.push_back({version.mod, &history});
  history.versions.push_back(std::move(version));
  if (journal != nullptr) journal->Recorded(history.key, history.versions.back());
}

Revision MvccIndex::Apply(std::vector<Write>& writes, std::vector<KeyValue>* previous,
                          Journal* journal) {
  static const Bytes& empty = *new Bytes(MakeBytes(""));
  const Revision revision = head_ + 1;
  uint32_t sub = 0;
  if (previous != nullptr) previous->reserve(writes.size());
  for (Write& write : writes) {
    const bool put = write.kind == Write::Kind::kPut;
    History* found = Lookup(write.key);
    const Version* last = found == nullptr ? nullptr : &found->versions.back();
    const bool live = last != nullptr && !last->tombstone();
    if (previous != nullptr) previous->push_back(ToKeyValue(write.key, last));
    if (!put && !live) continue;
    Version version{.mod = revision, .sub = sub++};
    if (put) {
      version.create = live ? last->create : revision;
      version.version = live ? last->version + 1 : 1;
      version.lease = write.lease;
      version.value = std::move(write.value);
      if (version.value == nullptr) version.value = empty;
    }
    History& history = found != nullptr ? *found : LookupOrAdd(write.key);
    Append(history, std::move(version), journal);
  }
  if (sub > 0) head_ = revision;
  return head_;
}

std::vector<std::string> MvccIndex::KeysOfLease(LeaseId lease, size_t count_max) const {
  std::vector<std::string> keys;
  auto it = leases_.find(lease);
  if (it == leases_.end()) return keys;
  for (std::string_view key : it->second) {
    if (keys.size() == count_max) break;
    keys.emplace_back(key);
  }
  return keys;
}

absl::Status MvccIndex::Compact(Revision revision, Journal* journal) {
  if (revision <= compacted_) {
    return absl::OutOfRangeError("required revision has been compacted");
  }
  if (revision > visible_) {
    return absl::OutOfRangeError("required revision is a future revision");
  }
  compacted_ = revision;
  if (journal != nullptr) journal->Compacted(revision);
  return absl::OkStatus();
}

// Everything of the key older than the record, and the record itself when it is a tombstone.
// Going record by record keeps every later record of the log backed by a version.
void MvccIndex::Forget(const LogRecord& record, Journal* journal) {
  History& history = *record.history;
  auto& versions = history.versions;
  size_t drop = 0;
  while (versions[drop].mod < record.revision) ++drop;
  if (versions[drop].tombstone()) ++drop;
  if (journal != nullptr) {
    for (size_t i = 0; i < drop; ++i) journal->Dropped(versions[i].mod, versions[i].sub);
  }
  if (drop == versions.size()) {
    order_.erase(std::string_view(history.key));
    keys_.erase(std::string_view(history.key));
    return;
  }
  versions.DropFront(drop);
}

// Moves the rest to the front only when as much was dropped as is left.
void MvccIndex::Versions::DropFront(size_t count) {
  for (size_t i = 0; i < count; ++i) all_[first_ + i].value = nullptr;
  first_ += count;
  if (first_ < size()) return;
  all_.erase(all_.begin(), all_.begin() + static_cast<ptrdiff_t>(first_));
  first_ = 0;
  if (all_.capacity() > 8 && all_.capacity() > 4 * all_.size()) all_.shrink_to_fit();
}

bool MvccIndex::Trim(size_t records_max, Journal* journal) {
  for (size_t i = 0; i < records_max; ++i) {
    if (log_.empty() || log_.front().revision >= compacted_) return false;
    const LogRecord record = log_.front();
    log_.pop_front();
    Forget(record, journal);
  }
  return !log_.empty() && log_.front().revision < compacted_;
}

absl::Status MvccIndex::Load(std::string key, Version version) {
  const bool same = version.mod == head_ && !log_.empty();
  if (key.empty() || (same ? version.sub <= log_.back().history->versions.back().sub
                           : version.mod <= head_)) {
    return absl::DataLossError("record out of order");
  }
  head_ = version.mod;
  Append(LookupOrAdd(key), std::move(version), nullptr);
  return absl::OkStatus();
}

void MvccIndex::FinishLoad(Revision compacted, Revision head) {
  head_ = std::max({head_, compacted, head});
  compacted_ = compacted;
  visible_ = head_;
}

}  // namespace berth::store
