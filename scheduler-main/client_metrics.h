// MeteredTransport: counts and times requests to the API server as client-go's metrics do.
// rest_client_requests_total{code,host,method}, rest_client_request_duration_seconds{host,verb},
// rest_client_request_size_bytes and rest_client_response_size_bytes{host,verb}.
// Source: client-go rest/request.go, component-base metrics/prometheus/restclient.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "client/transport.h"

namespace berth::scheduler {

// A watch counts as a request when its answer begins; it has no duration and no size. A request
// nobody answered has the code "<error>". Threads: any.
class MeteredTransport final : public client::Transport {
 public:
  // host: as in the server's URL, "127.0.0.1:6443". Both references must outlive it and what it has
  // in flight.
  MeteredTransport(client::Transport& transport, const Clock& clock, std::string host);
  ~MeteredTransport() override;

  void Do(api::HttpRequest request, absl::Duration timeout,
          client::Completion<api::HttpResponse> done) override;
  std::unique_ptr<client::Stream> Open(api::HttpRequest request,
                                       client::StreamHandler handler) override;
  // The Prometheus text format.
  std::string Text() const;

 private:
  struct Counts;
  client::Transport& transport_;
  const Clock& clock_;
  const std::shared_ptr<Counts> counts_;  // completions may outlive this
};

}  // namespace berth::scheduler
