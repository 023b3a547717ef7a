// The rocksdb store: one node, durable before acknowledged. The whole state and its recent history
// are in memory (MvccIndex); RocksDB is the log they are rebuilt from. Design and layout:
// docs/store.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "base/executor.h"
#include "cluster/store/mvcc_store.h"
#include "cluster/store/store.h"

namespace berth::store {

struct RocksdbOptions {
  std::string path = {};  // a directory of the store's own, made when absent
  StoreLimits limits = {};
  Revision first_revision = 1;          // of a directory that is new, as in memory_store.h
  std::string boot_id = {};             // of the machine; empty: asked of the kernel
  int64_t queue_ops_max = 65'536;       // Txns waiting for the disk; more are Unavailable
  int64_t memtable_bytes = 64 << 20;    // bounds RocksDB's log too: it goes when this is flushed
};

// Completions and watch callbacks are posted to `executor`, whose clock times the leases; it
// outlives the store. Closing commits what was asked before. History survives: a watch may begin
// at any revision that is not compacted, written before the restart or not.
// Errors: FailedPrecondition when another store has the directory open or it holds something else;
// DataLoss when what was written cannot be read; Unavailable for I/O errors.
// After the machine went down with the store open, its revisions go on a million later: what was
// relaxed may be lost, and its revisions must not come to mean something else.
// After a failed write the store acknowledges nothing more: everything is Unavailable.
absl::StatusOr<std::unique_ptr<Store>> OpenRocksdbStore(Executor& executor,
                                                        const RocksdbOptions& options);

}  // namespace berth::store
