// What the scheduler's status server answers: health, metrics, configuration.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "base/executor.h"
#include "scheduler-main/scheduler.h"
#include "scheduler-main/status_server.h"

namespace berth::scheduler {

// /healthz, /livez, /readyz, /metrics, /metrics/resources, /metrics/slis, /configz.
// run: makes a task run on the scheduler's executor and waits for its end; called on the server's
// thread. /metrics/resources holds the executor up for 20 ns a pod, and is empty while another
// process leads. The scheduler must outlive the handlers.
std::map<std::string, StatusHandler> StatusRoutes(const Scheduler& scheduler,
                                                  std::function<void(Task)> run);

}  // namespace berth::scheduler
