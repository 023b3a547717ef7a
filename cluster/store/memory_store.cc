#include "cluster/store/memory_store.h"

#include <utility>

namespace berth::store {
namespace {

class MemoryStore final : public MvccStore {
 public:
  MemoryStore(Executor& executor, StoreLimits limits, Revision first_revision)
      : MvccStore(executor, limits) {
    absl::MutexLock lock(&state_->mutex);
    if (first_revision > 1) state_->index.FinishLoad(first_revision);
  }

 private:
  void Submit(Operation op) override {
    Outcome outcome;
    {
      absl::MutexLock lock(&state_->mutex);
      outcome = Execute(std::move(op), nullptr);
      Task finish;
      if (outcome.finish != nullptr) {
        finish = [done = std::move(outcome.finish)]() mutable { done(absl::OkStatus()); };
      }
      Publish(std::move(finish));
    }
    if (!outcome.next.has_value()) return;
    executor().Post([weak = weak_from_this(), next = *std::move(outcome.next)]() mutable {
      if (auto self = weak.lock()) {
        static_cast<MemoryStore&>(*self).Submit(std::move(next));
      } else if (Finish finish = Rejection(std::move(next)); finish != nullptr) {
        finish(absl::UnavailableError("the store is closed"));
      }
    });
  }
};

}  // namespace

std::unique_ptr<Store> MakeMemoryStore(Executor& executor, StoreLimits limits,
                                       Revision first_revision) {
  return MvccStore::MakeHandle(std::make_shared<MemoryStore>(executor, limits, first_revision));
}

}  // namespace berth::store
