#include "cluster/apiserver/rest.h"

namespace berth::apiserver {

Rest::Rest(Executor& executor, Executor& encoder, store::Store& store, WatchCache& cache,
           ObjectWriter& writer, NodeLedger& ledger, const Pipeline& pipeline, Random& random,
           RestOptions options)
    : executor_(executor),
      encoder_(encoder),
      store_(store),
      cache_(cache),
      writer_(writer),
      ledger_(ledger),
      pipeline_(pipeline),
      random_(random),
      options_(options) {}

}  // namespace berth::apiserver
