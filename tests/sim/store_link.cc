#include "tests/sim/store_link.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace berth::sim {

using store::Completion;
using store::DoneCallback;

void StoreLink::InOrder(absl::Time& after, Task task) {
  const absl::Time now = executor_.clock().Now();
  after = std::max(after, now + Delay());
  executor_.PostAt(after, [alive = alive_.Watch(), task = std::move(task)]() mutable {
    if (!alive.expired()) task();
  });
}

// Answers may overtake each other.
template <typename T>
auto StoreLink::Back(absl::AnyInvocable<void(T)> done) {
  return [this, alive = alive_.Watch(), done = std::move(done)](T result) mutable {
    if (alive.expired()) return;
    executor_.PostAfter(Delay(), [alive, done = std::move(done),
                                  result = std::move(result)]() mutable {
      if (!alive.expired()) done(std::move(result));
    });
  };
}

void StoreLink::Get(std::string key, store::Revision revision,
                    Completion<store::KeyValue> done) {
  Request([this, key = std::move(key), revision, done = Back(std::move(done))]() mutable {
    inner_.Get(std::move(key), revision, std::move(done));
  });
}

void StoreLink::List(store::ListOptions options, Completion<store::ListResult> done) {
  Request([this, options = std::move(options), done = Back(std::move(done))]() mutable {
    inner_.List(std::move(options), std::move(done));
  });
}

void StoreLink::Txn(store::TxnRequest request, Completion<store::TxnResult> done) {
  Request([this, request = std::move(request), done = Back(std::move(done))]() mutable {
    inner_.Txn(std::move(request), std::move(done));
  });
}

void StoreLink::CurrentRevision(Completion<store::Revision> done) {
  Request([this, done = Back(std::move(done))]() mutable {
    inner_.CurrentRevision(std::move(done));
  });
}

void StoreLink::Compact(store::Revision revision, DoneCallback done) {
  Request([this, revision, done = Back(std::move(done))]() mutable {
    inner_.Compact(revision, std::move(done));
  });
}

void StoreLink::GrantLease(absl::Duration ttl, Completion<store::LeaseId> done) {
  Request([this, ttl, done = Back(std::move(done))]() mutable {
    inner_.GrantLease(ttl, std::move(done));
  });
}

void StoreLink::RenewLease(store::LeaseId lease, DoneCallback done) {
  Request([this, lease, done = Back(std::move(done))]() mutable {
    inner_.RenewLease(lease, std::move(done));
  });
}

void StoreLink::RevokeLease(store::LeaseId lease, DoneCallback done) {
  Request([this, lease, done = Back(std::move(done))]() mutable {
    inner_.RevokeLease(lease, std::move(done));
  });
}

// --- watches -----------------------------------------------------------------------------------

namespace {

class LinkedWatch final : public store::WatchHandle {
 public:
  struct State {
    std::unique_ptr<store::WatchHandle> inner;
    absl::Time until = absl::InfinitePast();
    bool ended = false;
    bool lost = false;
  };
  explicit LinkedWatch(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~LinkedWatch() override {
    state_->ended = true;
    state_->inner.reset();
  }

 private:
  const std::shared_ptr<State> state_;
};

}  // namespace

std::unique_ptr<store::WatchHandle> StoreLink::Watch(store::WatchOptions options,
                                                     store::WatchCallback callback) {
  auto state = std::make_shared<LinkedWatch::State>();
  auto shared = std::make_shared<store::WatchCallback>(std::move(callback));
  store::WatchCallback late = [this, alive = alive_.Watch(), state, shared](
                                  const absl::Status& status, store::Revision revision,
                                  std::vector<store::WatchEvent> events) {
    if (alive.expired() || state->ended || state->lost) return;
    absl::Status told = status;
    if (status.ok() && options_.lose_watch > 0 && random_.Chance(options_.lose_watch)) {
      probes_.Hit("store watch lost");
      state->lost = true;
      told = absl::ResourceExhaustedError("the receiver of the watch fell too far behind");
      events.clear();
    }
    InOrder(state->until, [state, shared, told, revision, events = std::move(events)]() mutable {
      if (!state->ended) (*shared)(told, revision, std::move(events));
    });
  };
  Request([this, state, options = std::move(options), late = std::move(late)]() mutable {
    if (!state->ended) state->inner = inner_.Watch(std::move(options), std::move(late));
  });
  return std::make_unique<LinkedWatch>(std::move(state));
}

}  // namespace berth::sim
