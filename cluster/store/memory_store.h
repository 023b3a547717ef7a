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
std::unique_ptr<Store> MakeMemoryStore(Executor& executor, StoreLimits limits = {});

}  // namespace berth::store
