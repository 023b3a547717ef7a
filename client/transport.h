// Transport: how a client reaches an API server. Over a socket (http_transport.h), or in process
// (cluster/apiserver/in_process_transport.h) for the simulator and for all-in-one programs.
//
//   transport.Do(request, absl::Seconds(30), OnExecutor(executor, [](auto response) { ... }));
//   auto stream = transport.Open(watch_request, StreamHandler{...});   // destroy it to cancel
//
// An HTTP error code is a response, not a failure. Failures of the transport are:
//   Unavailable        no connection, connection lost, response truncated; the request may have
//                      been carried out
//   DeadlineExceeded   the timeout passed; as above
//   ResourceExhausted  too many requests are queued, or the response is larger than allowed
//   Cancelled          the transport was destroyed
//   Unauthenticated, FailedPrecondition   TLS or credentials are wrong; a retry will not help
//
// Callbacks run on threads of the transport's choosing, never inside the call that caused them, and
// must not block: callers that own an executor wrap them with OnExecutor.
#pragma once

#include <memory>
#include <string>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/wire.h"
#include "base/bytes.h"

namespace berth::client {

// Called exactly once.
template <typename T>
using Completion = absl::AnyInvocable<void(absl::StatusOr<T>)>;

inline constexpr absl::Duration kDefaultRequestTimeout = absl::Seconds(30);
// A watch that gets no answer at all within this time is closed with DeadlineExceeded. Once the
// response has begun there is no time limit: the server ends watches by timeoutSeconds.
inline constexpr absl::Duration kStreamResponseTimeout = absl::Seconds(30);

// What a stream's owner hears, never two at a time: on_response once, on_data any number of times
// (pieces of the body, cut anywhere), on_close once and last. on_close may come alone when there
// was no response. Any may be empty. A response with an error code brings its body the same way.
struct StreamHandler {
  // code, content type and headers; the body of the response is empty.
  absl::AnyInvocable<void(api::HttpResponse head)> on_response;
  absl::AnyInvocable<void(Bytes chunk)> on_data;
  // OK: the server ended the body properly. Otherwise as above.
  absl::AnyInvocable<void(absl::Status status)> on_close;
};

// Destroying it cancels: no callback begins afterwards (one that is running then may finish, and
// callbacks that were wrapped with OnExecutor may be in that executor's queue: see Lifetime).
class Stream {
 public:
  virtual ~Stream() = default;
};

// Threads: every method may be called from any thread.
class Transport {
 public:
  virtual ~Transport() = default;

  // One request, one whole response. `timeout` counts from this call, queueing included.
  virtual void Do(api::HttpRequest request, absl::Duration timeout,
                  Completion<api::HttpResponse> done) = 0;

  // A request whose response is read as it comes. Never null.
  virtual std::unique_ptr<Stream> Open(api::HttpRequest request, StreamHandler handler) = 0;
};

}  // namespace berth::client
