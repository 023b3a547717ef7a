// POST /apis/berth.dev/v1/batch: many writes in one request, each with its own result.
//
//   batch --decode--> items --each a Call of its own--> ApiServer::Dispatch -> ... -> its result
//                                                                    all there -> BatchResult
//
// An item goes the way of a request of its own from routing to the store; only HTTP is shared, and
// the disk's sync by group commit. Items are independent of one another and done side by side.
// Limits and errors: docs/batch.md.
//
// Threads: OpenBatch anywhere; the calls it makes are answered from any thread.
#pragma once

#include <string_view>
#include <vector>

#include "cluster/apiserver/call.h"
#include "cluster/apiserver/router.h"

namespace berth::apiserver {

inline constexpr int kBatchItemsMax = 256;

// Whether the request is for the batch endpoint, whatever its method.
bool IsBatch(const api::HttpRequest& request);

// The calls of the items, routed and with their bodies decoded, in order; the batch is answered by
// the last of them that is. None when it was answered at once: refused as a whole, or empty. Items
// that may not be in a batch have been answered.
std::vector<CallPtr> OpenBatch(CallPtr batch, const Router& router);

}  // namespace berth::apiserver
