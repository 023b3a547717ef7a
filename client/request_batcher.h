// RequestBatcher: small writes that are made together travel together, where the server has
// berth.dev/v1 batches (docs/batch.md); one by one where it has not.
//
//   Add --> waiting --fewer than in_flight_max batches are out--> sent --answered--> done
//              ^--- not while a batch has another write of its object ---|
//
// Nothing lingers: with nothing out, a write goes at once, alone. What waits meanwhile is the next
// batch, so batches grow with the load and with nothing else.
//
// Whether the server has batches is asked with the first one. When it refuses (404, 403, 405, ...)
// nothing was carried out: the writes are sent one by one, and for retry_period all others too.
// Then the next one asks again, so a server may be replaced by another with or without batches.
//
// Threads: any; completions as those of the transport.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <absl/container/flat_hash_set.h>
#include <absl/synchronization/mutex.h>
#include <absl/time/time.h>

#include "base/clock.h"
#include "client/codec.h"
#include "client/transport.h"

namespace berth::client {

struct RequestBatcherOptions {
  Media media = Media::kProtobuf;  // of the batches themselves
  absl::Duration timeout = kDefaultRequestTimeout;
  int in_flight_max = 2;
  int items_max = 128;             // a server takes 256
  int64_t bytes_max = 48 << 10;    // of the bodies of a batch; a longer one goes alone
  int64_t waiting_max = 20'000;    // beyond it a write is refused with ResourceExhausted
  absl::Duration retry_period = absl::Minutes(1);
};

class RequestBatcher : public std::enable_shared_from_this<RequestBatcher> {
 public:
  // Both must outlive it and what it has in flight. Make it a shared_ptr.
  RequestBatcher(Transport& transport, Clock& clock, RequestBatcherOptions options)
      : transport_(transport), clock_(clock), options_(options) {}

  // object: what the write is of; two writes of one object are never in batches at once. Of one
  // that goes alone the caller must know himself that the one before was answered.
  // The response is what a request of its own would get, but that of a success has no body.
  void Add(std::string object, api::HttpRequest request, Completion<api::HttpResponse> done);
  // False while writes go one by one, since the server refused a batch.
  bool Batching();

 private:
  struct Item {
    std::string object;
    api::HttpRequest request;
    Completion<api::HttpResponse> done;
  };
  using Items = std::vector<Item>;

  // Sends what may go. Not with the mutex held.
  void Pump();
  Items Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Send(Items items);
  void SendAlone(Item item);
  void Answered(Items items, absl::StatusOr<api::HttpResponse> response);

  Transport& transport_;
  Clock& clock_;
  const RequestBatcherOptions options_;
  absl::Mutex mutex_;
  std::deque<Item> waiting_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_set<std::string> objects_out_ ABSL_GUARDED_BY(mutex_);
  int in_flight_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Time alone_until_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace berth::client
