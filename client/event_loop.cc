#include "client/event_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>

#include "base/check.h"
#include "base/wake_batch.h"

namespace berth::client {
namespace {

constexpr size_t kScratchBytes = 64 << 10;
constexpr int kEventsPerWait = 128;

}  // namespace

struct EventLoop::Impl final : public Sleeper, public std::enable_shared_from_this<Impl> {
  using TimerKey = std::pair<absl::Time, TimerId>;  // ids grow: creation order breaks ties
  struct Slot {
    Watcher* watcher = nullptr;
    uint32_t generation = 0;  // tells an event of a descriptor that was closed and reused
    uint32_t events = 0;
  };

  absl::Mutex mutex;
  std::vector<Task> queue ABSL_GUARDED_BY(mutex);
  std::map<TimerKey, Task> timers ABSL_GUARDED_BY(mutex);
  absl::flat_hash_map<TimerId, absl::Time> due ABSL_GUARDED_BY(mutex);
  TimerId next_id ABSL_GUARDED_BY(mutex) = 1;
  bool sleeping ABSL_GUARDED_BY(mutex) = false;
  bool to_be_roused ABSL_GUARDED_BY(mutex) = false;  // by a WakeBatch
  bool stopping ABSL_GUARDED_BY(mutex) = false;

  int epoll = -1;
  int wake = -1;
  std::vector<Slot> slots;  // by descriptor; loop thread only
  std::vector<char> scratch = std::vector<char>(kScratchBytes);
  std::thread thread;

  void Rouse() override {
    absl::MutexLock lock(&mutex);
    to_be_roused = false;
    if (!stopping && std::exchange(sleeping, false)) Wake();
  }
  // True when the caller, having let go of the mutex, must call Wake. Within a WakeBatch that is
  // left to its end.
  bool MustWake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    if (!sleeping) return false;
    if (!WakeBatch::Active()) return std::exchange(sleeping, false);
    if (!std::exchange(to_be_roused, true)) WakeBatch::Add(shared_from_this());
    return false;
  }
  void Wake() const {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake, &one, sizeof(one));
  }

  // Milliseconds until there is something to do; -1 forever. False: stop.
  bool PrepareToSleep(int& timeout_ms) {
    absl::MutexLock lock(&mutex);
    if (stopping) return false;
    timeout_ms = -1;
    if (!queue.empty()) {
      timeout_ms = 0;
    } else if (!timers.empty()) {
      const absl::Duration left = timers.begin()->first.first - RealClock::Get().Now();
      const int64_t ms = absl::ToInt64Milliseconds(absl::Ceil(left, absl::Milliseconds(1)));
      timeout_ms = static_cast<int>(std::clamp<int64_t>(ms, 0, 60'000));
    }
    sleeping = timeout_ms != 0;
    return true;
  }

  void TakeTasks(std::vector<Task>& out) {
    absl::MutexLock lock(&mutex);
    sleeping = false;
    out.swap(queue);
  }

  // One at a time: a timer that another one cancels never runs.
  Task TakeDueTimer(absl::Time now) {
    absl::MutexLock lock(&mutex);
    if (timers.empty() || timers.begin()->first.first > now) return nullptr;
    auto first = timers.begin();
    Task task = std::move(first->second);
    due.erase(first->first.second);
    timers.erase(first);
    return task;
  }

  void Dispatch(const epoll_event& event) {
    const auto fd = static_cast<int>(event.data.u64 & 0xffffffffu);
    const auto generation = static_cast<uint32_t>(event.data.u64 >> 32);
    if (fd == wake) {
      uint64_t count;
      [[maybe_unused]] const ssize_t got = ::read(wake, &count, sizeof(count));
      return;
    }
    const Slot& slot = slots[static_cast<size_t>(fd)];
    if (slot.watcher != nullptr && slot.generation == generation) {
      slot.watcher->OnReady(event.events);
    }
  }

  void Loop() {
    std::vector<Task> tasks;
    epoll_event events[kEventsPerWait];
    int timeout_ms = 0;
    while (PrepareToSleep(timeout_ms)) {
      const int count = ::epoll_wait(epoll, events, kEventsPerWait, timeout_ms);
      TakeTasks(tasks);
      const WakeBatch wakes;
      for (int i = 0; i < count; ++i) {
        Dispatch(events[i]);
        WakeBatch::FlushIfDue();
      }
      for (Task& task : tasks) {
        task();
        task = nullptr;
        WakeBatch::FlushIfDue();
      }
      tasks.clear();
      const absl::Time now = RealClock::Get().Now();
      while (Task timer = TakeDueTimer(now)) timer();
    }
  }
};

EventLoop::EventLoop(const std::string& name) : impl_(std::make_shared<Impl>()) {
  impl_->epoll = ::epoll_create1(EPOLL_CLOEXEC);
  impl_->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  BERTH_CHECK(impl_->epoll >= 0);
  BERTH_CHECK(impl_->wake >= 0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = static_cast<uint64_t>(impl_->wake);
  BERTH_CHECK(::epoll_ctl(impl_->epoll, EPOLL_CTL_ADD, impl_->wake, &event) == 0);
  impl_->thread = std::thread([this, name = name.substr(0, 15)] {
    pthread_setname_np(pthread_self(), name.c_str());
    impl_->Loop();
  });
}

EventLoop::~EventLoop() {
  Stop();
  ::close(impl_->wake);
  ::close(impl_->epoll);
}

void EventLoop::Stop() {
  BERTH_CHECK(!IsCurrent());
  {
    absl::MutexLock lock(&impl_->mutex);
    impl_->stopping = true;
  }
  impl_->Wake();
  if (impl_->thread.joinable()) impl_->thread.join();
  // Tasks may own what owns the loop.
  std::vector<Task> queue;
  std::map<Impl::TimerKey, Task> timers;
  absl::MutexLock lock(&impl_->mutex);
  queue.swap(impl_->queue);
  timers.swap(impl_->timers);
  impl_->due.clear();
}

void EventLoop::Post(Task task) {
  bool wake = false;
  {
    absl::MutexLock lock(&impl_->mutex);
    if (impl_->stopping) return;
    impl_->queue.push_back(std::move(task));
    wake = impl_->MustWake();
  }
  if (wake) impl_->Wake();
}

TimerId EventLoop::PostAt(absl::Time when, Task task) {
  TimerId id = 0;
  bool wake = false;
  {
    absl::MutexLock lock(&impl_->mutex);
    id = impl_->next_id++;
    if (impl_->stopping) return id;
    const auto at = impl_->timers.emplace(Impl::TimerKey{when, id}, std::move(task)).first;
    impl_->due.emplace(id, when);
    wake = at == impl_->timers.begin() && impl_->MustWake();
  }
  if (wake) impl_->Wake();
  return id;
}

bool EventLoop::Cancel(TimerId id) {
  Task dropped;  // destroyed outside the lock
  absl::MutexLock lock(&impl_->mutex);
  auto it = impl_->due.find(id);
  if (it == impl_->due.end()) return false;
  auto timer = impl_->timers.find({it->second, id});
  dropped = std::move(timer->second);
  impl_->timers.erase(timer);
  impl_->due.erase(it);
  return true;
}

bool EventLoop::IsCurrent() const {
  return impl_->thread.get_id() == std::this_thread::get_id();
}

void EventLoop::Run(Task task) {
  BERTH_CHECK(!IsCurrent());
  absl::Notification done;
  Post([&] {
    task();
    done.Notify();
  });
  WakeBatch::Flush();
  done.WaitForNotification();
}

bool EventLoop::Add(int fd, uint32_t events, Watcher& watcher) {
  const auto index = static_cast<size_t>(fd);
  if (impl_->slots.size() <= index) impl_->slots.resize(index + 64);
  Impl::Slot& slot = impl_->slots[index];
  slot.watcher = &watcher;
  slot.events = events;
  ++slot.generation;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(slot.generation) << 32 | static_cast<uint64_t>(fd);
  if (::epoll_ctl(impl_->epoll, EPOLL_CTL_ADD, fd, &event) == 0) return true;
  slot.watcher = nullptr;
  return false;
}

void EventLoop::Modify(int fd, uint32_t events) {
  Impl::Slot& slot = impl_->slots[static_cast<size_t>(fd)];
  BERTH_CHECK(slot.watcher != nullptr);
  if (slot.events == events) return;
  slot.events = events;
  epoll_event event{};
  event.events = events;
  event.data.u64 = static_cast<uint64_t>(slot.generation) << 32 | static_cast<uint64_t>(fd);
  ::epoll_ctl(impl_->epoll, EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Remove(int fd) {
  Impl::Slot& slot = impl_->slots[static_cast<size_t>(fd)];
  slot.watcher = nullptr;
  ++slot.generation;
  ::epoll_ctl(impl_->epoll, EPOLL_CTL_DEL, fd, nullptr);
}

std::span<char> EventLoop::scratch() { return impl_->scratch; }

void TuneTcp(int fd) {
  const int on = 1, idle_s = 30, interval_s = 10, probes = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

void BoundUnsentTcp(int fd, int bytes) {
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof(bytes));
}

}  // namespace berth::client
