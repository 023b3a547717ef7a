#include "base/sim_executor.h"

#include <algorithm>
#include <deque>

#include "base/check.h"

namespace berth {

class SimLoop::Member final : public Executor {
 public:
  Member(SimLoop& loop, std::string name, uint32_t id)
      : loop_(loop), name_(std::move(name)), id_(id) {
    loop_.members_.push_back(this);
  }
  ~Member() override { std::erase(loop_.members_, this); }

  void Post(Task task) override { ready_.push_back({0, std::move(task)}); }

  TimerId PostAt(absl::Time when, Task task) override {
    const TimerId id = loop_.next_timer_++;
    timers_.emplace(std::make_pair(when, id), std::move(task));
    return id;
  }

  bool Cancel(TimerId id) override {
    if (id == 0) return false;
    for (auto it = timers_.begin(); it != timers_.end(); ++it) {
      if (it->first.second != id) continue;
      timers_.erase(it);
      return true;
    }
    // It is due, and waits for its turn.
    return std::erase_if(ready_, [&](const Ready& each) { return each.timer == id; }) > 0;
  }

  bool IsCurrent() const override { return running_; }
  Clock& clock() override { return loop_.clock_; }

  // Timers that are due become ready tasks, in order.
  void Mature(absl::Time now) {
    while (!timers_.empty() && timers_.begin()->first.first <= now) {
      ready_.push_back({timers_.begin()->first.second, std::move(timers_.begin()->second)});
      timers_.erase(timers_.begin());
    }
  }
  bool HasReady() const { return !ready_.empty(); }
  absl::Time NextTimer() const {
    return timers_.empty() ? absl::InfiniteFuture() : timers_.begin()->first.first;
  }
  uint32_t id() const { return id_; }

  // The task may destroy this executor; nothing of it is touched afterwards in that case.
  void RunOne() {
    Task task = std::move(ready_.front().task);
    ready_.pop_front();
    std::weak_ptr<int> alive = alive_;
    running_ = true;
    task();
    if (!alive.expired()) running_ = false;
  }

 private:
  struct Ready {
    TimerId timer = 0;  // 0: none
    Task task;
  };
  SimLoop& loop_;
  std::string name_;
  uint32_t id_;
  std::deque<Ready> ready_;
  std::map<std::pair<absl::Time, TimerId>, Task> timers_;
  bool running_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

SimLoop::SimLoop(uint64_t seed, absl::Time start) : clock_(start), random_(seed) {}
SimLoop::~SimLoop() { BERTH_CHECK(members_.empty()); }

std::unique_ptr<Executor> SimLoop::MakeExecutor(std::string name) {
  return std::make_unique<Member>(*this, std::move(name), next_member_++);
}

void SimLoop::Mix(uint64_t value) {
  for (int i = 0; i < 8; ++i) {
    hash_ = (hash_ ^ (value & 0xff)) * 1099511628211ull;
    value >>= 8;
  }
}

bool SimLoop::Step() {
  absl::Time next = absl::InfiniteFuture();
  std::vector<Member*> ready;
  for (Member* member : members_) {
    member->Mature(clock_.Now());
    if (member->HasReady()) ready.push_back(member);
    next = std::min(next, member->NextTimer());
  }
  if (ready.empty()) {
    if (next == absl::InfiniteFuture()) return false;
    clock_.AdvanceTo(next);
    return Step();
  }
  Member* chosen = ready[random_.Below(ready.size())];
  Mix(chosen->id());
  Mix(static_cast<uint64_t>(absl::ToUnixNanos(clock_.Now())));
  ++steps_;
  chosen->RunOne();
  return true;
}

absl::Time SimLoop::NextDue() const {
  absl::Time next = absl::InfiniteFuture();
  for (const Member* member : members_) {
    if (member->HasReady()) return clock_.Now();
    next = std::min(next, member->NextTimer());
  }
  return next;
}

int64_t SimLoop::RunUntil(absl::Time until) {
  const int64_t first = steps_;
  while (NextDue() <= until && Step()) {
  }
  clock_.AdvanceTo(until);
  return steps_ - first;
}

}  // namespace berth
