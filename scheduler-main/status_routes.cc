#include "scheduler-main/status_routes.h"

#include <memory>
#include <utility>
#include <vector>

#include "api/json_value.h"
#include "scheduler-main/resource_metrics.h"

namespace berth::scheduler {
namespace {

api::HttpResponse Metrics(std::string text) {
  return TextResponse(200, std::move(text), "text/plain; version=0.0.4; charset=utf-8");
}

}  // namespace

std::map<std::string, StatusHandler> StatusRoutes(const Scheduler& scheduler,
                                                  std::function<void(Task)> run) {
  std::map<std::string, StatusHandler> routes;
  const HealthCheck ping{"ping", [] { return true; }};
  const HealthCheck synced{"sched-handler-sync", [&scheduler] { return scheduler.synced(); }};
  const HealthCheck lease{"leaderElection",
                          [&scheduler] { return scheduler.lease_is_healthy(); }};
  const auto slis = std::make_shared<HealthSlis>();
  AddHealth(routes, "/healthz", {ping, lease}, slis);
  AddHealth(routes, "/livez", {ping, lease}, slis);
  AddHealth(routes, "/readyz", {ping, synced}, slis);
  routes["/metrics"] = [&scheduler](const api::Query&) { return Metrics(scheduler.MetricsText()); };
  routes["/metrics/slis"] = [slis](const api::Query&) { return Metrics(slis->Text()); };
  routes["/metrics/resources"] = [&scheduler, run = std::move(run)](const api::Query&) {
    std::vector<framework::ObjectPtr> pods;
    run([&] {
      if (scheduler.leading()) pods = scheduler.Pods();
    });
    return Metrics(ResourceMetricsText(pods));
  };
  api::JsonValue configz = api::JsonValue::EmptyObject();
  configz.Set("componentconfig", ConfigToJson(scheduler.config()));
  routes["/configz"] = [text = configz.ToText()](const api::Query&) {
    return TextResponse(200, text, "application/json");
  };
  return routes;
}

}  // namespace berth::scheduler
