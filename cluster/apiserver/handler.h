// The seam between the API server and whatever carries its requests: an HTTP edge
// (http_server.h) or a call in the same process (in_process_transport.h).
//
// Submit, then complete: Handle returns at once and completes the responder when it likes, from
// any thread: with a whole response, or by starting a stream and pushing chunks into it.
//
//   Handle(request, responder) --+-- responder.Respond(response)
//                                +-- responder.StartStream(head) -> StreamWriter
//                                        Write* , then Close | (receiver gone)
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "api/wire.h"
#include "base/bytes.h"
#include "base/executor.h"

namespace berth::apiserver {

// The sending end of a streamed response: a watch. Nothing here blocks.
// Threads: every method may be called from any thread; chunks written by one thread keep their
// order. Destroying the last reference closes.
class StreamWriter {
 public:
  virtual ~StreamWriter() = default;

  // Queues a piece of the body: one or more whole watch frames, so that what has been sent can be
  // parsed. False when the receiver is gone, or fell behind its byte budget by this chunk: then it
  // has been cut off, and nothing more can be written.
  virtual bool Write(Bytes chunk) = 0;

  // What is queued and has not been taken by the receiver yet: who has much to send looks at it
  // between chunks, and waits, so as not to use up the budget by itself.
  virtual int64_t UnsentBytes() const = 0;

  // `drained` is called once when nothing is unsent: at once when that is so already; never when
  // the receiver goes away or Close comes first. As for threads, and what it may do, like OnGone's.
  virtual void OnDrained(Task drained) = 0;

  // Ends the body properly, after what is queued. Idempotent.
  virtual void Close() = 0;

  // `gone` is called once if the receiver goes away, or is cut off, before Close: at once when that
  // has happened already. On a thread of the edge's choosing, possibly inside Write or OnGone: keep
  // it to setting a flag or posting. One callback; a second call replaces it. Destroying the
  // callback is the edge's business: it happens after it ran, on Close, or with the writer.
  virtual void OnGone(Task gone) = 0;
};

// Owns the duty to answer one request. Move-only, completed exactly once. A responder destroyed
// without an answer answers 500, so that no client waits for a bug.
class Responder {
 public:
  // What an edge implements. Called once in all, on any thread.
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void Respond(api::HttpResponse response) = 0;
    virtual std::shared_ptr<StreamWriter> StartStream(api::HttpResponse head) = 0;
    virtual bool IsGone() const { return false; }
  };

  explicit Responder(std::unique_ptr<Sink> sink) : sink_(std::move(sink)) {}
  Responder(Responder&&) = default;
  Responder& operator=(Responder&&) = delete;
  Responder(const Responder&) = delete;
  ~Responder();

  // Nobody will read the answer. True at the earliest when the edge has noticed.
  bool IsGone() const { return sink_ != nullptr && sink_->IsGone(); }
  // The whole answer.
  void Respond(api::HttpResponse response);
  // The head of a streamed answer (its body must be empty), and the writer for the rest. The head
  // is sent at once.
  std::shared_ptr<StreamWriter> StartStream(api::HttpResponse head);

 private:
  std::unique_ptr<Sink> sink_;  // null: answered, or moved from
};

// Threads: Handle is called from any thread, also by several at once, and must not block. Long
// work (a list of everything) belongs on an executor of the handler's own: the calling thread also
// serves other connections.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void Handle(api::HttpRequest request, Responder responder) = 0;
};

}  // namespace berth::apiserver
