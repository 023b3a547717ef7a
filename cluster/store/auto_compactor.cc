#include "cluster/store/auto_compactor.h"

#include <algorithm>

#include "base/log.h"

namespace berth::store {

AutoCompactor::AutoCompactor(Store& store, Executor& executor, AutoCompactOptions options)
    : store_(store),
      executor_(executor),
      options_(options),
      timer_(executor, options.check, [this] { Check(); }) {}

void AutoCompactor::Check() {
  store_.CurrentRevision(OnExecutor(
      executor_, [this, alive = lifetime_.Watch()](absl::StatusOr<Revision> current) {
        if (!alive.expired() && current.ok()) Seen(*current);
      }));
}

void AutoCompactor::Seen(Revision current) {
  const absl::Time now = executor_.clock().Now();
  seen_.emplace_back(now, current);
  Revision target = current - options_.revisions_max;
  while (!seen_.empty() && seen_.front().first <= now - options_.history) {
    target = std::max(target, seen_.front().second);
    seen_.pop_front();
  }
  if (target <= std::max<Revision>(compacted_, 1)) return;
  compacted_ = target;
  store_.Compact(target, [target](const absl::Status& status) {
    // OutOfRange: somebody else has compacted beyond it.
    if (status.ok() || absl::IsOutOfRange(status)) return;
    BERTH_LOG(kWarning, "compaction failed revision={} err=\"{}\"", target, status.ToString());
  });
}

}  // namespace berth::store
