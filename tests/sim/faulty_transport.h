// A network that misbehaves: requests and answers are late, lost or repeated, and watches are cut
// or fall silent. Wraps any transport; all chance comes from one seeded generator, all time from
// the executor. A tap hears what is sent and what really arrives.
#pragma once

#include <memory>
#include <string_view>

#include "base/executor.h"
#include "base/random.h"
#include "client/transport.h"
#include "tests/sim/probes.h"

namespace berth::sim {

// Chances are of each message, in [0, 1].
struct FaultOptions {
  double delay = 0;                // late at all
  absl::Duration delay_max = absl::Milliseconds(200);
  double lose_request = 0;         // never arrives: the caller sees a timeout
  double lose_response = 0;        // carried out, but the caller sees a timeout
  double repeat_request = 0;       // arrives twice, the second up to repeat_delay_max later
  absl::Duration repeat_delay_max = absl::Seconds(3);
  double cut_stream = 0;           // per chunk: the stream ends there, with an error
  double stall_stream = 0;         // per chunk: nothing comes any more, not even the end
};

// One watch, as its owner hears it. Destroyed when the stream is.
class StreamTap {
 public:
  virtual ~StreamTap() = default;
  virtual void OnResponse(const api::HttpResponse& head) = 0;
  virtual void OnData(std::string_view chunk) = 0;
};
class TransportTap {
 public:
  virtual ~TransportTap() = default;
  virtual void OnRequest(const api::HttpRequest& request) = 0;
  // Just before the caller hears it.
  virtual void OnAnswer(const api::HttpRequest& request, const api::HttpResponse& response) = 0;
  virtual std::unique_ptr<StreamTap> OnOpen(const api::HttpRequest& request) = 0;
};

// Threads: one (a simulation). What is referred to outlives it. When it is destroyed, callbacks
// that were to come never do: the process it served is gone.
class FaultyTransport final : public client::Transport {
 public:
  // executor: the client's, on which `inner` calls back. tap may be null.
  FaultyTransport(client::Transport& inner, Executor& executor, Random& random, Probes& probes,
                  FaultOptions options, TransportTap* tap = nullptr);
  ~FaultyTransport() override;

  // From now on; a test heals the network before it asks for convergence. What is lost already
  // stays lost, and streams that are silent stay silent.
  void SetFaults(const FaultOptions& options) { options_ = options; }

  void Do(api::HttpRequest request, absl::Duration timeout,
          client::Completion<api::HttpResponse> done) override;
  std::unique_ptr<client::Stream> Open(api::HttpRequest request,
                                       client::StreamHandler handler) override;

 private:
  class FaultyStream;
  struct Channel;
  bool Happens(double chance, std::string_view probe);
  void Later(Task task);
  void After(absl::Duration delay, Task task);

  client::Transport& inner_;
  Executor& executor_;
  Random& random_;
  Probes& probes_;
  FaultOptions options_;
  TransportTap* const tap_;
  Lifetime alive_;
};

}  // namespace berth::sim
