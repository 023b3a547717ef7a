#include "scheduler-main/client_metrics.h"

#include <string_view>
#include <utility>

#include <absl/synchronization/mutex.h>

#include "scheduler-main/metric_families.h"

namespace berth::scheduler {
namespace {

constexpr std::string_view kNoAnswer = "<error>";

Buckets DurationBuckets() { return {0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60}; }
Buckets SizeBuckets() {
  return {64, 256, 512, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216};
}

}  // namespace

struct MeteredTransport::Counts {
  explicit Counts(std::string of) : host(std::move(of)) {}

  void Request(std::string_view method, std::string_view code) {
    const absl::MutexLock lock(&writing);
    requests.At({code, host, method}).Add();
  }
  void Answered(std::string_view method, absl::Duration duration, size_t sent, size_t received) {
    const absl::MutexLock lock(&writing);
    durations.At({host, method}).Observe(absl::ToDoubleSeconds(duration));
    request_sizes.At({host, method}).Observe(static_cast<double>(sent));
    response_sizes.At({host, method}).Observe(static_cast<double>(received));
  }

  const std::string host;
  absl::Mutex writing;
  MetricRegistry registry;
  CounterFamily<3> requests{registry, "rest_client_requests_total",
                            "Requests to the API server, by code, method and host.",
                            {"code", "host", "method"}};
  HistogramFamily<2> durations{registry, "rest_client_request_duration_seconds",
                               "From a request to its answer.", {"host", "verb"},
                               DurationBuckets()};
  HistogramFamily<2> request_sizes{registry, "rest_client_request_size_bytes",
                                   "Bodies of requests.", {"host", "verb"}, SizeBuckets()};
  HistogramFamily<2> response_sizes{registry, "rest_client_response_size_bytes",
                                    "Bodies of answers.", {"host", "verb"}, SizeBuckets()};
};

MeteredTransport::MeteredTransport(client::Transport& transport, const Clock& clock,
                                   std::string host)
    : transport_(transport), clock_(clock), counts_(std::make_shared<Counts>(std::move(host))) {}
MeteredTransport::~MeteredTransport() = default;

void MeteredTransport::Do(api::HttpRequest request, absl::Duration timeout,
                          client::Completion<api::HttpResponse> done) {
  const std::string method = request.method;
  const size_t sent = request.body.size();
  transport_.Do(std::move(request), timeout,
                [counts = counts_, &clock = clock_, began = clock_.Now(), method, sent,
                 done = std::move(done)](absl::StatusOr<api::HttpResponse> got) mutable {
                  const std::string code =
                      got.ok() ? std::to_string(got->code) : std::string(kNoAnswer);
                  counts->Request(method, code);
                  if (got.ok()) {
                    counts->Answered(method, clock.Now() - began, sent, got->text().size());
                  }
                  done(std::move(got));
                });
}

std::unique_ptr<client::Stream> MeteredTransport::Open(api::HttpRequest request,
                                                       client::StreamHandler handler) {
  const std::string method = request.method;
  const auto answered = std::make_shared<bool>(false);  // handlers never run two at a time
  client::StreamHandler metered;
  metered.on_data = std::move(handler.on_data);
  metered.on_response = [counts = counts_, method, answered,
                         tell = std::move(handler.on_response)](api::HttpResponse head) mutable {
    *answered = true;
    counts->Request(method, std::to_string(head.code));
    if (tell) tell(std::move(head));
  };
  metered.on_close = [counts = counts_, method, answered,
                      tell = std::move(handler.on_close)](absl::Status status) mutable {
    if (!*answered) counts->Request(method, kNoAnswer);
    if (tell) tell(std::move(status));
  };
  return transport_.Open(std::move(request), std::move(metered));
}

std::string MeteredTransport::Text() const { return counts_->registry.Text(); }

}  // namespace berth::scheduler
