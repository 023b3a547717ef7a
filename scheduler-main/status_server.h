// StatusServer: a small HTTP server for health, metrics and configuration. GET and HEAD, plain
// HTTP, one thread, answers from memory. Not for the API.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "api/wire.h"

namespace berth::scheduler {

// query: of the request. Called on the server's thread: must not block.
using StatusHandler = std::function<api::HttpResponse(const api::Query& query)>;

struct HealthCheck {
  std::string name;
  std::function<bool()> healthy;  // from the server's thread
};
// How checks went, for /metrics/slis: kubernetes_healthcheck{name,type} and
// kubernetes_healthchecks_total{name,status,type}. Threads: the server's.
// Source: component-base metrics/prometheus/slis.
class HealthSlis {
 public:
  HealthSlis();
  ~HealthSlis();
  // type: "healthz", "livez", "readyz".
  void Observe(std::string_view name, std::string_view type, bool healthy);
  std::string Text() const;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

// Serves PATH and PATH/NAME in upstream's form: "ok", or with ?verbose or on failure a line for
// each check; ?exclude=NAME leaves one out. 500 when a check fails. slis: may be null; is told of
// the checks of PATH.
void AddHealth(std::map<std::string, StatusHandler>& routes, const std::string& path,
               std::vector<HealthCheck> checks, std::shared_ptr<HealthSlis> slis = nullptr);
api::HttpResponse TextResponse(int code, std::string text, std::string content_type = {});

// Threads: constructed and destroyed by one thread that is not its own.
class StatusServer {
 public:
  // address: IPv4. port 0: any free one. Unavailable when it cannot be bound.
  static absl::StatusOr<std::unique_ptr<StatusServer>> Start(
      const std::string& address, int port, std::map<std::string, StatusHandler> routes);
  // No handler runs afterwards.
  ~StatusServer();
  int port() const;

 private:
  struct Impl;
  explicit StatusServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace berth::scheduler
