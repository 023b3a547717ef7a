// The memory store: for tests, simulation and benchmarks; gone with the process.
#pragma once

#include <memory>

#include "base/executor.h"
#include "cluster/store/mvcc_store.h"
#include "cluster/store/store.h"

namespace berth::store {

// A Txn takes effect inside the call, in the caller's thread; completions and watch callbacks are
// posted to `executor`, whose clock times the leases. Under a SimLoop executor everything is
// deterministic. The executor outlives the store, and its tasks may outlive it too.
// first_revision: where it begins; everything before counts as compacted. Later than any revision
// that clients may know from a store that is gone, it makes them list anew instead of taking this
// one's history for the continuation of that one's.
std::unique_ptr<Store> MakeMemoryStore(Executor& executor, StoreLimits limits = {},
                                       Revision first_revision = 1);

}  // namespace berth::store
