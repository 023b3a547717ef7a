// Simulation: any number of executors, one thread, one virtual clock, one seed.
//
//   SimLoop loop(seed);
//   auto scheduler = loop.MakeExecutor("scheduler");
//   scheduler->Post(...);
//   while (loop.Step()) CheckInvariants();
//
// Tasks of one executor keep their order. Which executor runs next, among those with a task that
// is due, is drawn from the seed. Time moves only when nothing is due, to the next timer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/random.h"

namespace berth {

// Threads: everything here lives on one thread.
class SimLoop {
 public:
  explicit SimLoop(uint64_t seed, absl::Time start = absl::FromUnixSeconds(1'700'000'000));
  ~SimLoop();
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;

  // The executor must not outlive the loop. Destroying it drops its tasks: a crashed process.
  std::unique_ptr<Executor> MakeExecutor(std::string name);

  // Runs one task. False when no task and no timer is left.
  bool Step();
  // When Step would run its task: now or later; infinite when nothing is left.
  absl::Time NextDue() const;
  // Steps until nothing is left or the clock would pass `until`. Returns the steps taken.
  int64_t RunUntil(absl::Time until);

  FakeClock& clock() { return clock_; }
  Random& random() { return random_; }
  int64_t steps() const { return steps_; }
  // Digest of which executor ran at which time, for comparing two runs of one seed.
  uint64_t hash() const { return hash_; }
  // Folds a fact of the test's own into the digest.
  void Mix(uint64_t value);

 private:
  class Member;
  FakeClock clock_;
  Random random_;
  std::vector<Member*> members_;  // in creation order
  uint64_t next_timer_ = 1;
  uint32_t next_member_ = 1;
  int64_t steps_ = 0;
  uint64_t hash_ = 14695981039346656037ull;
};

}  // namespace berth
