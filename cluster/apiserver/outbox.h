// What a stream still has to send: the part of it that the writer, on any thread, shares with the
// connection, on its loop. Internal to http_connection.h.
#pragma once

#include <cstdint>
#include <deque>
#include <utility>

#include <absl/synchronization/mutex.h>

#include "base/bytes.h"
#include "base/executor.h"

namespace berth::apiserver {

struct Outbox {
  absl::Mutex mutex;
  std::deque<Bytes> queue ABSL_GUARDED_BY(mutex);
  int64_t bytes ABSL_GUARDED_BY(mutex) = 0;     // queued, or pulled and not sent yet
  bool scheduled ABSL_GUARDED_BY(mutex) = false;
  bool closed ABSL_GUARDED_BY(mutex) = false;   // by the writer
  bool gone ABSL_GUARDED_BY(mutex) = false;     // the receiver
  Task on_gone ABSL_GUARDED_BY(mutex);
  Task on_drained ABSL_GUARDED_BY(mutex);

  // So many bytes were sent; tells who waits for all of them.
  void Sent(int64_t count) {
    Task tell;
    {
      absl::MutexLock lock(&mutex);
      bytes -= count;
      if (bytes == 0 && !closed) tell = std::exchange(on_drained, nullptr);
    }
    if (tell) tell();
  }

  // The receiver is gone; tells whoever asked.
  void Gone() {
    Task tell, dropped;
    {
      absl::MutexLock lock(&mutex);
      if (gone) return;
      gone = true;
      queue.clear();
      dropped = std::exchange(on_drained, nullptr);
      if (!closed) tell = std::move(on_gone);
    }
    if (tell) tell();
  }
};

}  // namespace berth::apiserver
