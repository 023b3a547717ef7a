// Store: revisioned keys, in etcd's model. The API server is its only user; nothing above this
// interface knows which backend (memory, rocksdb, later etcd) is there.
//
// Revisions: one counter for the whole keyspace; every successful Txn that writes takes the next
// one, and all its writes carry it. A fresh store is at revision 1; the first write is 2.
//
//              Put                Delete                 Put
//   (absent) ------> version 1.. --------> (tombstone) ------> version 1, new create_revision
//
// Deleting an absent key writes nothing: no event, and a Txn of nothing else takes no revision.
//
// Completions and watch callbacks run on threads of the store's choosing, or, in simulation, on
// its executor; never inside the call that asked. They must not block. Callers that own an
// executor wrap them with OnExecutor.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "base/bytes.h"

namespace berth::store {

using Revision = int64_t;
using LeaseId = int64_t;  // 0: none

struct KeyValue {
  std::string key;
  Bytes value;
  Revision create_revision = 0;
  Revision mod_revision = 0;
  int64_t version = 0;  // writes since it was created
  LeaseId lease = 0;
};

// --- reads -------------------------------------------------------------------------------------

struct ListOptions {
  std::string begin = {};     // first key, included
  std::string end = {};       // first key beyond, excluded; see PrefixEnd
  Revision revision = 0;      // 0: the newest
  int64_t limit = 0;          // 0: all
  bool count_only = false;
  bool count = true;          // false: ListResult::count is that of the items, and costs nothing
};
struct ListResult {
  Revision revision = 0;      // the revision the list is of (the newest one when asked with 0)
  std::vector<KeyValue> items;  // by key, bytewise
  bool more = false;          // cut by the limit: continue at the last key + '\0', same revision
  int64_t count = 0;          // all keys of the range at that revision, limit or not
};

// --- writes ------------------------------------------------------------------------------------

struct Compare {
  std::string key;
  Revision mod_revision = 0;  // holds when equal; 0: the key must be absent
};
struct Write {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  std::string key;
  Bytes value = nullptr;      // for kPut; null: empty
  LeaseId lease = 0;          // for kPut: the key goes when the lease ends; NotFound if unknown
};
struct TxnRequest {
  std::vector<Compare> compares = {};  // all must hold
  std::vector<Write> writes = {};      // then all are done at one revision; a key at most once
  // May be acknowledged before it is on disk (Event objects only; nothing else may).
  bool relaxed_durability = false;
};
struct TxnResult {
  bool succeeded = false;
  Revision revision = 0;          // of the writes; of the store when nothing was written
  std::vector<KeyValue> current;  // failed: what the compared keys hold now, in order
                                  // (mod_revision 0 where absent)
  std::vector<KeyValue> previous; // succeeded: what each write replaced, in order (as above)
};

// --- watch -------------------------------------------------------------------------------------

struct WatchEvent {
  enum class Kind { kPut, kDelete };
  Kind kind = Kind::kPut;
  KeyValue kv;        // kDelete: key and mod_revision (of the deletion) only
  KeyValue previous;  // what was there before; empty, mod_revision 0, when nothing was
};
struct WatchOptions {
  std::string begin = {}, end = {};  // a range as in ListOptions
  Revision start = 0;  // the first revision to see, may be in the future; 0: from now on
};
// One call, in revision order, never two at a time: the events of one or more whole revisions, and
// `revision`: everything up to it has been delivered (it grows even when no event matched: a
// progress notice). The first call comes at once, event or not, and tells where the watch stands.
// A non-OK status ends the watch and is the last call: OutOfRange when `start` is below the
// compacted revision (the compacted revision itself can still be watched), InvalidArgument when it
// is negative, Cancelled when the store closes, ResourceExhausted when the receiver fell too far
// behind, Unavailable when the disk failed.
using WatchCallback = std::function<void(const absl::Status& status, Revision revision,
                                         std::vector<WatchEvent> events)>;
// Destroying it ends the watch; no call begins afterwards (one running then may still finish).
class WatchHandle {
 public:
  virtual ~WatchHandle() = default;
};

template <typename T>
using Completion = absl::AnyInvocable<void(absl::StatusOr<T>)>;
using DoneCallback = absl::AnyInvocable<void(absl::Status)>;

// Threads: every method may be called from any thread.
// Errors: OutOfRange for a compacted revision ("required revision has been compacted") and for one
// not reached yet ("required revision is a future revision"); InvalidArgument for a broken request;
// Unavailable when the store is closed or the disk failed (then nothing of the request is there, or
// it is not known).
class Store {
 public:
  virtual ~Store() = default;

  // A read with revision 0 sees every write acknowledged before the call.
  // An absent key is a KeyValue with mod_revision 0.
  virtual void Get(std::string key, Revision revision, Completion<KeyValue> done) = 0;
  virtual void List(ListOptions options, Completion<ListResult> done) = 0;

  // Acknowledged means on disk (unless relaxed_durability). Atomic, serialised with all others.
  virtual void Txn(TxnRequest request, Completion<TxnResult> done) = 0;
  // Compares plus writes of one Txn.
  virtual int64_t MaxTxnOps() const = 0;

  virtual std::unique_ptr<WatchHandle> Watch(WatchOptions options, WatchCallback callback) = 0;

  // The newest revision, read linearizably.
  virtual void CurrentRevision(Completion<Revision> done) = 0;
  // Forgets what only revisions below `revision` could see. Completed when reads refuse them.
  // OutOfRange when `revision` is compacted already, or not reached yet.
  virtual void Compact(Revision revision, DoneCallback done) = 0;

  // A lease ends `ttl` after its last renewal (rounded up to whole seconds); its keys are deleted
  // then, each deletion an ordinary write that watchers see. Leases survive a restart, which
  // renews them.
  virtual void GrantLease(absl::Duration ttl, Completion<LeaseId> done) = 0;
  virtual void RenewLease(LeaseId lease, DoneCallback done) = 0;   // NotFound
  virtual void RevokeLease(LeaseId lease, DoneCallback done) = 0;  // NotFound
};

// The end of the range of all keys that begin with `prefix`: its last byte that is not 0xff, plus
// one. Empty prefix: "" which as an end means "no end".
std::string PrefixEnd(std::string_view prefix);

}  // namespace berth::store
