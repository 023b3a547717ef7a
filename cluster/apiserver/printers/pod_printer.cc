// What `kubectl get pods` shows. The Status column is not the phase: it is the first thing that is
// in the way of the pod, as upstream's printPod finds it.
#include <algorithm>
#include <string>

#include <fmt/core.h>

#include "api/schema/core_v1_container.pb.h"
#include "api/schema/core_v1_container_status.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

namespace core = api::core;

constexpr Column kPodColumns[] = {
    {"Name", "string", "name", 0},          {"Ready", "string", "", 0},
    {"Status", "string", "", 0},            {"Restarts", "string", "", 0},
    {"Age", "string", "", 0},               {"IP", "string", "", 1},
    {"Node", "string", "", 1},              {"Nominated Node", "string", "", 1},
    {"Readiness Gates", "string", "", 1},
};

constexpr RowCondition kSucceeded = {"Completed", "True", "Succeeded",
                                     "The pod has completed successfully."};
constexpr RowCondition kFailed = {"Completed", "True", "Failed", "The pod failed."};

struct Restarts {
  int64_t count = 0;
  api::meta::Time last;  // when a container last ended before being restarted

  void Add(const core::ContainerStatus& status) {
    count += status.restart_count();
    if (!status.last_state().has_terminated()) return;
    const api::meta::Time& finished = status.last_state().terminated().finished_at();
    if (finished.seconds() > last.seconds()) last = finished;
  }
};

struct Summary {
  std::string reason;
  int64_t ready = 0, total = 0;
  Restarts restarts;
};

bool IsTrue(const core::Pod& pod, std::string_view type) {
  return std::any_of(pod.status().conditions().begin(), pod.status().conditions().end(),
                     [&](const auto& c) { return c.type() == type && c.status() == "True"; });
}

std::string ExitText(const core::ContainerStateTerminated& terminated) {
  if (!terminated.reason().empty()) return terminated.reason();
  return terminated.signal() != 0 ? fmt::format("Signal:{}", terminated.signal())
                                  : fmt::format("ExitCode:{}", terminated.exit_code());
}

// Whether an init container is still in the way; then the reason says how.
bool Initializing(const core::ContainerStatus& status, bool sidecar, int index, int total,
                  Summary& summary) {
  const core::ContainerState& state = status.state();
  if (state.has_terminated() && state.terminated().exit_code() == 0) return false;
  if (sidecar && status.started()) {
    if (status.ready()) ++summary.ready;
    return false;
  }
  if (state.has_terminated()) {
    summary.reason = fmt::format("Init:{}", ExitText(state.terminated()));
  } else if (state.has_waiting() && !state.waiting().reason().empty() &&
             state.waiting().reason() != "PodInitializing") {
    summary.reason = fmt::format("Init:{}", state.waiting().reason());
  } else {
    summary.reason = fmt::format("Init:{}/{}", index, total);
  }
  return true;
}

void LookAtContainers(const core::Pod& pod, Summary& summary) {
  bool running = false;
  const auto& statuses = pod.status().container_statuses();
  for (auto it = statuses.rbegin(); it != statuses.rend(); ++it) {
    summary.restarts.Add(*it);
    const core::ContainerState& state = it->state();
    if (state.has_waiting() && !state.waiting().reason().empty()) {
      summary.reason = state.waiting().reason();
    } else if (state.has_terminated()) {
      summary.reason = ExitText(state.terminated());
    } else if (it->ready() && state.has_running()) {
      running = true;
      ++summary.ready;
    }
  }
  // Some containers have completed, others still run.
  if (summary.reason == "Completed" && running) {
    summary.reason = IsTrue(pod, "Ready") ? "Running" : "NotReady";
  }
}

Summary Summarize(const core::Pod& pod) {
  Summary summary;
  summary.total = pod.spec().containers_size();
  summary.reason = pod.status().reason().empty() ? pod.status().phase() : pod.status().reason();
  for (const core::PodCondition& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled" && condition.reason() == "SchedulingGated") {
      summary.reason = condition.reason();
    }
  }
  StringSet sidecars;
  for (const core::Container& container : pod.spec().init_containers()) {
    if (container.restart_policy() != "Always") continue;
    sidecars.insert(container.name());
    ++summary.total;
  }
  Restarts sidecar_restarts;
  bool initializing = false;
  for (int i = 0; i < pod.status().init_container_statuses_size() && !initializing; ++i) {
    const core::ContainerStatus& status = pod.status().init_container_statuses(i);
    const bool sidecar = sidecars.contains(status.name());
    summary.restarts.Add(status);
    if (sidecar) sidecar_restarts.Add(status);
    initializing =
        Initializing(status, sidecar, i, pod.spec().init_containers_size(), summary);
  }
  if (!initializing || IsTrue(pod, "Initialized")) {
    summary.restarts = sidecar_restarts;
    LookAtContainers(pod, summary);
  }
  if (pod.metadata().has_deletion_timestamp()) {
    const std::string& phase = pod.status().phase();
    if (pod.status().reason() == "NodeLost") {
      summary.reason = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      summary.reason = "Terminating";
    }
  }
  return summary;
}

std::string ReadinessGates(const core::Pod& pod) {
  if (pod.spec().readiness_gates().empty()) return "<none>";
  int64_t open = 0;
  for (const core::PodReadinessGate& gate : pod.spec().readiness_gates()) {
    if (IsTrue(pod, gate.condition_type())) ++open;
  }
  return fmt::format("{}/{}", open, pod.spec().readiness_gates_size());
}

void PrintPod(const google::protobuf::Message& object, absl::Time now, api::JsonWriter& out) {
  const auto& pod = static_cast<const core::Pod&>(object);
  const Summary summary = Summarize(pod);
  TextCell(out, pod.metadata().name());
  TextCell(out, fmt::format("{}/{}", summary.ready, summary.total));
  TextCell(out, summary.reason);
  const Restarts& restarts = summary.restarts;
  TextCell(out, restarts.count != 0 && restarts.last.seconds() != 0
                    ? fmt::format("{} ({} ago)", restarts.count, TimeSince(restarts.last, now))
                    : std::to_string(restarts.count));
  AgeCell(out, pod.metadata().creation_timestamp(), now);
  TextOrNoneCell(out, pod.status().pod_ips().empty() ? "" : pod.status().pod_ips(0).ip());
  TextOrNoneCell(out, pod.spec().node_name());
  TextOrNoneCell(out, pod.status().nominated_node_name());
  TextCell(out, ReadinessGates(pod));
}

const RowCondition* PodRowCondition(const google::protobuf::Message& object) {
  const std::string& phase = static_cast<const core::Pod&>(object).status().phase();
  if (phase == "Succeeded") return &kSucceeded;
  return phase == "Failed" ? &kFailed : nullptr;
}

}  // namespace

const Printer kPodPrinter = {kPodColumns, PrintPod, PodRowCondition};

}  // namespace berth::apiserver
