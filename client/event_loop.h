// EventLoop: one thread that waits for sockets (epoll), timers and tasks. The edge on which the
// HTTP client and the HTTP server live; it is an Executor, so everything else can be posted to it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/executor.h"

namespace berth::client {

// For a TCP socket that requests or watches go over: no delay, and a peer that has gone without a
// word is noticed within a minute when nothing is on its way to it.
void TuneTcp(int fd);
// What the system takes from us beyond what is on its way to the peer. Without a bound it is
// megabytes for a peer that does not read.
void BoundUnsentTcp(int fd, int bytes);

// Threads: the Executor's methods from any thread; Add, Modify and Remove on the loop's own.
class EventLoop final : public Executor {
 public:
  // Told what epoll said of a file descriptor. May remove itself and others.
  class Watcher {
   public:
    virtual void OnReady(uint32_t events) = 0;

   protected:
    ~Watcher() = default;
  };

  // name: of the thread; the kernel keeps 15 characters.
  explicit EventLoop(const std::string& name);
  // Drops what is queued.
  ~EventLoop() override;

  void Post(Task task) override;
  TimerId PostAt(absl::Time when, Task task) override;
  bool Cancel(TimerId id) override;
  bool IsCurrent() const override;
  Clock& clock() override { return RealClock::Get(); }
  // Runs `task` there and waits for its end. Never from the loop's own thread.
  void Run(Task task);
  // Idempotent; not from the loop's own thread.
  void Stop();

  // Level-triggered. False when the kernel refuses.
  bool Add(int fd, uint32_t events, Watcher& watcher);
  void Modify(int fd, uint32_t events);
  // Before the descriptor is closed. No call to its watcher begins afterwards.
  void Remove(int fd);

  // A buffer for whoever is running on the loop.
  std::span<char> scratch();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace berth::client
