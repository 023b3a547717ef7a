// What `berth up` shows while it runs: one screen on a terminal, a line now and then otherwise.
// Rendering is a pure function of samples; StatusScreen only remembers the last minute of them.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <absl/time/time.h>

namespace berth::up {

// One moment of a cluster. Counts marked "ever" only grow.
struct Sample {
  struct Scheduler {
    std::string name;
    int64_t bound = 0;      // ever
    int64_t pending = 0;    // in its queues
    int64_t conflicts = 0;  // ever: binds refused because another scheduler was faster
    int64_t failed = 0;     // ever: attempts that found no node
  };
  absl::Time when;
  int64_t nodes = 0, nodes_ready = 0;
  int64_t pods = 0;          // in the API
  int64_t pods_bound = 0;    // of them on a node
  int64_t pods_running = 0;
  int64_t pods_succeeded = 0, pods_failed = 0;
  int64_t bound = 0;         // ever
  int64_t running = 0;       // ever
  int64_t requests = 0;      // ever: answered by the API server
  int64_t watchers = 0;
  int64_t revision = 0;
  std::vector<Scheduler> schedulers;
};

// What does not change while it runs.
struct ScreenFacts {
  std::string server;      // "http://127.0.0.1:8001"
  std::string store;       // "rocksdb in /tmp/berth" or "memory"
  std::string kubeconfig;
  absl::Time started;
};

class StatusScreen {
 public:
  explicit StatusScreen(ScreenFacts facts) : facts_(std::move(facts)) {}

  void Add(Sample sample);
  // Of the last sample; false before the first.
  bool AllNodesReady() const;
  // At most `rows` lines of at most `columns` characters, joined by newlines; bold, dim and colour
  // by ANSI codes if `colour`. Empty before the first sample.
  std::string Render(int columns, int rows, bool colour) const;
  // "12:00:05 nodes 1000/1000 pods 10000 bound 9800 running 9500 bound/s 812 req/s 3120 ..."
  std::string Line() const;

 private:
  // Of the last `span`, a second.
  double Rate(int64_t Sample::*ever, absl::Duration span) const;
  double SchedulerRate(size_t index, absl::Duration span) const;
  const Sample& Before(absl::Duration span) const;
  std::string Sparkline(int width) const;

  ScreenFacts facts_;
  std::deque<Sample> samples_;  // oldest first; about a minute
};

// The escape codes around a screen: alternate buffer, no cursor; and how a frame replaces the one
// before without flicker: home, each line cleared behind its end, the rest cleared, all in one
// synchronized update.
std::string EnterScreen();
std::string LeaveScreen();
std::string Frame(const std::string& screen);

}  // namespace berth::up
