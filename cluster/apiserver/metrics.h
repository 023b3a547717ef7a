// The server's metrics, under the names upstream gives them, in Prometheus' text form.
// Source: apiserver/pkg/endpoints/metrics/metrics.go.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <absl/time/time.h>

namespace berth::apiserver {

// The labels of one answered request.
struct RequestFacts {
  std::string_view verb;  // "get", ...; the method for paths that are no resources
  std::string_view group, resource, subresource, scope;
  int code = 0;
};

// Threads: any.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // apiserver_request_total, apiserver_request_duration_seconds (watches count when they begin).
  void Answered(const RequestFacts& facts, absl::Duration took);
  // berth_store_commit_duration_seconds.
  void Committed(absl::Duration took);
  // apiserver_longrunning_requests{verb="WATCH"}.
  void SetWatchers(std::string_view group, std::string_view resource, double count);
  // apiserver_resource_objects{resource="replicasets.apps"}.
  void SetObjects(std::string_view resource, double count);
  // berth_watch_cache_revision.
  void SetRevision(double revision);

  std::string Text() const;

 private:
  struct Registry;
  std::unique_ptr<Registry> registry_;
};

}  // namespace berth::apiserver
