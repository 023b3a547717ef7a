// client::Transport over a Handler of the same process: no socket, no parsing.
//
// Every request is a task on the server's executor, every callback a task on the client's, so
// nothing re-enters and everything works in simulation (base/sim_executor.h), which wraps this
// transport to delay, lose and repeat messages. Connect and Disconnect play a server that comes
// and goes: while disconnected, calls fail with Unavailable.
//
//   (new) --Connect--> connected --Disconnect--> disconnected --Connect--> connected ...
//                        Disconnect fails what is in flight and closes the streams
#pragma once

#include <cstdint>
#include <memory>

#include "base/executor.h"
#include "client/transport.h"
#include "cluster/apiserver/handler.h"

namespace berth::apiserver {

struct InProcessOptions {
  // A stream whose receiver has this much undelivered is cut off.
  int64_t stream_budget_bytes = 8 << 20;
};

// Threads: any. Destroy it before the executors and the handler.
class InProcessTransport final : public client::Transport {
 public:
  // client: runs callbacks and timeouts. Starts disconnected.
  explicit InProcessTransport(Executor& client, InProcessOptions options = {});
  // Starts connected.
  InProcessTransport(Handler& handler, Executor& server, Executor& client,
                     InProcessOptions options = {});
  // Requests in flight end with Cancelled, on the client's executor.
  ~InProcessTransport() override;

  void Connect(Handler& handler, Executor& server);
  // Afterwards neither the handler nor the server's executor is touched, whatever writers the
  // handler still holds.
  void Disconnect();

  void Do(api::HttpRequest request, absl::Duration timeout,
          client::Completion<api::HttpResponse> done) override;
  std::unique_ptr<client::Stream> Open(api::HttpRequest request,
                                       client::StreamHandler handler) override;

 private:
  struct Shared;
  class Exchange;
  class SinkImpl;
  class WriterImpl;
  class StreamImpl;
  static void FailAll(Shared& shared, const absl::Status& status);
  std::shared_ptr<Shared> shared_;
};

}  // namespace berth::apiserver
