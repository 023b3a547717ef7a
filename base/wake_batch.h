// Wake-ups of other threads, put off to the end of a scope: who hands another thread many tasks in
// one go wakes it once, when all are there.
//
//   { WakeBatch batch; for (auto& task : tasks) executor.Post(...); }   // one wake-up, here
//
// The loops of executors open one around the work of a round, and call FlushIfDue between pieces of
// it. Who waits for another thread inside a scope must Flush first, as the executors' Run and Stop
// do.
//
// Threads: a scope is the thread's own.
#pragma once

#include <memory>
#include <vector>

namespace berth {

// A thread that may be asleep. Rouse: wakes it if it is, and has something to do.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  virtual void Rouse() = 0;
};

class WakeBatch {
 public:
  WakeBatch();
  // Wakes, in the outermost scope.
  ~WakeBatch();
  WakeBatch(const WakeBatch&) = delete;
  WakeBatch& operator=(const WakeBatch&) = delete;

  // Wakes now whom this thread has put off.
  static void Flush();
  // The same when the first of them has been put off for a tenth of a millisecond.
  static void FlushIfDue();
  // Whether this thread is in a scope: then `Add` may be called, once for each sleep of a sleeper.
  static bool Active();
  static void Add(std::shared_ptr<Sleeper> sleeper);

 private:
  const bool outermost_;
};

}  // namespace berth
