#include "cluster/node/pod_status.h"

#include <vector>

#include <fmt/core.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "api/duration.h"
#include "api/pod_phase.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::node {
namespace {

using api::core::Container;
using api::core::ContainerStatus;
using api::core::Pod;
using api::core::PodCondition;
using api::core::PodStatus;
using ContainerStatuses = google::protobuf::RepeatedPtrField<ContainerStatus>;

constexpr std::string_view kScheduled = "PodScheduled";
constexpr std::string_view kContainersNotReady = "ContainersNotReady";
constexpr std::string_view kContainersNotInitialized = "ContainersNotInitialized";
constexpr std::string_view kReadinessGatesNotReady = "ReadinessGatesNotReady";
constexpr std::string_view kPodCompleted = "PodCompleted";
constexpr std::string_view kPodFailed = "PodFailed";

void SetTime(api::meta::Time& out, absl::Time time) { out.set_seconds(absl::ToUnixSeconds(time)); }

struct Verdict {
  bool holds = false;
  std::string_view reason = {};
  std::string message = {};
};

// 64 hexadecimal digits, the same for the same container and restart.
std::string MadeUpDigest(std::string_view text, uint64_t number) {
  std::string out;
  for (uint64_t part = 0; part < 4; ++part) {
    out += fmt::format("{:016x}", StableHash(text, number * 4 + part));
  }
  return out;
}

// Go's %s of a []string.
std::string Bracketed(const std::vector<std::string>& names) {
  std::string out = "[";
  for (const std::string& name : names) {
    if (out.size() > 1) out += ' ';
    out += name;
  }
  return out + "]";
}

// Builds one status; members are what every step looks at.
class Builder {
 public:
  Builder(const Pod& pod, const PodPlan& plan, const PodProgress& progress,
          const PodAddresses& addresses, absl::Time now)
      : pod_(pod), plan_(plan), progress_(progress), addresses_(addresses), now_(now),
        status_(pod.status()) {}

  PodStatus Build() {
    if (api::IsTerminal(pod_)) {
      // Also of a pod that is over: what a scheduler said too late.
      if (status_.reason().empty()) SetCondition(kScheduled, {true});
      return std::move(status_);
    }
    if (progress_.stage == Stage::kStopping) return std::move(status_);
    Generation();
    if (!status_.has_start_time()) SetTime(*status_.mutable_start_time(), progress_.accepted);
    if (progress_.stage == Stage::kRejected) return Rejected();
    status_.set_phase(Phase());
    Addresses();
    InitContainers();
    Containers();
    Conditions();
    return std::move(status_);
  }

 private:
  void Generation() {
    if (pod_.metadata().generation() > 0) {
      status_.set_observed_generation(pod_.metadata().generation());
    }
  }

  PodStatus Rejected() {
    status_.set_phase("Failed");
    status_.set_reason(progress_.refusal ? progress_.refusal->reason : "UnknownReason");
    status_.set_message("Pod was rejected: " +
                        (progress_.refusal ? progress_.refusal->message : std::string()));
    return std::move(status_);
  }

  bool Over() const { return Ended(progress_.stage); }
  bool BeforeRun() const {
    return progress_.stage == Stage::kStarting || progress_.stage == Stage::kInitializing;
  }

  const char* Phase() const {
    switch (progress_.stage) {
      case Stage::kSucceeded:
        return "Succeeded";
      case Stage::kStopped:
        return progress_.ran ? "Succeeded" : "Failed";
      case Stage::kFailed:
        return "Failed";
      case Stage::kRunning:
      case Stage::kBackingOff:
        return "Running";
      default:
        return "Pending";
    }
  }

  void Addresses() {
    if (status_.host_ip().empty()) {
      status_.set_host_ip(addresses_.host_ip);
      status_.add_host_ips()->set_ip(addresses_.host_ip);
    }
    const bool has_network = !BeforeRun() || progress_.stage == Stage::kInitializing;
    if (has_network && status_.pod_ip().empty() && !addresses_.pod_ip.empty()) {
      status_.set_pod_ip(addresses_.pod_ip);
      status_.add_pod_ips()->set_ip(addresses_.pod_ip);
    }
  }

  static const ContainerStatus* Find(const ContainerStatuses& statuses, const std::string& name) {
    for (const ContainerStatus& status : statuses) {
      if (status.name() == name) return &status;
    }
    return nullptr;
  }

  ContainerStatus Base(const Container& container) const {
    ContainerStatus out;
    out.set_name(container.name());
    out.set_image(container.image());
    out.set_image_id("");
    out.set_ready(false);
    out.set_started(false);
    out.set_restart_count(0);
    out.mutable_last_state();
    return out;
  }

  void GiveIds(ContainerStatus& status, int32_t restart) const {
    status.set_image_id("sha256:" + MadeUpDigest(status.image(), 0));
    status.set_container_id(ContainerId(status.name(), restart));
  }

  std::string ContainerId(const std::string& name, int32_t restart) const {
    return "containerd://" + MadeUpDigest(pod_.metadata().uid() + "/" + name,
                                          static_cast<uint64_t>(restart));
  }

  // What a running container was given; a resize is done at once.
  static void ReportResources(ContainerStatus& status, const Container& container) {
    if (!status.state().has_running()) return;
    *status.mutable_resources() = container.resources();
    *status.mutable_allocated_resources() = container.resources().requests();
  }

  ContainerStatus Waiting(const Container& container, std::string_view reason) const {
    ContainerStatus out = Base(container);
    out.mutable_state()->mutable_waiting()->set_reason(std::string(reason));
    return out;
  }

  ContainerStatus Running(const Container& container, absl::Time since, int32_t restart) const {
    ContainerStatus out = Base(container);
    GiveIds(out, restart);
    SetTime(*out.mutable_state()->mutable_running()->mutable_started_at(), since);
    out.set_ready(true);
    out.set_started(true);
    out.set_restart_count(restart);
    return out;
  }

  void Terminate(api::core::ContainerState& state, int32_t exit_code, absl::Time from,
                 absl::Time to, std::string id) const {
    auto& terminated = *state.mutable_terminated();
    terminated.set_exit_code(exit_code);
    terminated.set_reason(exit_code == 0 ? "Completed" : "Error");
    SetTime(*terminated.mutable_started_at(), from);
    SetTime(*terminated.mutable_finished_at(), to);
    terminated.set_container_id(std::move(id));
  }

  void InitContainers() {
    const ContainerStatuses old = std::move(*status_.mutable_init_container_statuses());
    status_.clear_init_container_statuses();
    int32_t turn = 0;  // of the init container that runs now
    for (const Container& container : pod_.spec().init_containers()) {
      ContainerStatus& out = *status_.add_init_container_statuses();
      const ContainerStatus* was = Find(old, container.name());
      const bool sidecar = container.restart_policy() == "Always";
      const bool reached = progress_.stage != Stage::kStarting && turn <= progress_.init_done;
      if (sidecar && reached) {
        out = was && was->state().has_running() && !Over()
                  ? *was
                  : Running(container, progress_.since, 0);
        if (Over()) EndContainer(out, 0, progress_.accepted);
      } else if (!sidecar && turn < progress_.init_done) {
        out = was && was->state().has_terminated() ? *was : CompletedInit(container, was, turn);
      } else if (!sidecar && reached && !Over()) {
        out = was && was->state().has_running() ? *was : Running(container, progress_.since, 0);
        out.set_ready(false);
      } else {
        out = Waiting(container, "PodInitializing");
      }
      ReportResources(out, container);
      if (!sidecar) ++turn;
    }
  }

  ContainerStatus CompletedInit(const Container& container, const ContainerStatus* was,
                                int32_t turn) const {
    ContainerStatus out = Base(container);
    GiveIds(out, 0);
    const absl::Time end = BeforeRun() ? progress_.since : progress_.run_started;
    const absl::Time finish = end - plan_.init_time * (progress_.init_done - 1 - turn);
    const absl::Time start = was && was->state().has_running()
                                 ? absl::FromUnixSeconds(was->state().running().started_at()
                                                             .seconds())
                                 : finish - plan_.init_time;
    Terminate(*out.mutable_state(), 0, start, finish, out.container_id());
    out.set_ready(true);
    return out;
  }

  // Turns a running container's status into that of one that ended.
  void EndContainer(ContainerStatus& status, int32_t exit_code, absl::Time started) const {
    if (status.state().has_running()) {
      started = absl::FromUnixSeconds(status.state().running().started_at().seconds());
    }
    status.clear_state();
    Terminate(*status.mutable_state(), exit_code, started, progress_.run_finished,
              status.container_id());
    status.set_ready(false);
    status.set_started(false);
  }

  void Containers() {
    const ContainerStatuses old = std::move(*status_.mutable_container_statuses());
    status_.clear_container_statuses();
    const bool has_init = pod_.spec().init_containers_size() > 0;
    for (const Container& container : pod_.spec().containers()) {
      ContainerStatus& out = *status_.add_container_statuses();
      if (!progress_.ran) {
        out = Waiting(container, has_init ? "PodInitializing" : "ContainerCreating");
        continue;
      }
      const ContainerStatus* was = Find(old, container.name());
      const bool same_run = was && was->restart_count() == progress_.restarts;
      out = same_run && was->state().has_running()
                ? *was
                : Running(container, progress_.run_started, progress_.restarts);
      if (progress_.restarts > 0) LastRun(out, was);
      if (Over()) {
        EndContainer(out, progress_.stage == Stage::kStopped ? 0 : plan_.exit_code,
                     progress_.run_started);
      } else if (progress_.stage == Stage::kBackingOff) {
        BackOff(out, container, was);
      }
      ReportResources(out, container);
    }
  }

  // lastState of a container that was restarted.
  void LastRun(ContainerStatus& out, const ContainerStatus* was) const {
    if (out.last_state().has_terminated()) return;
    const std::string id = ContainerId(out.name(), progress_.restarts - 1);
    if (was && was->last_state().has_terminated() &&
        was->last_state().terminated().container_id() == id) {
      *out.mutable_last_state() = was->last_state();
      return;
    }
    Terminate(*out.mutable_last_state(), plan_.exit_code,
              progress_.run_finished - std::min(plan_.run_time, absl::Hours(24 * 365)),
              progress_.run_finished, id);
  }

  void BackOff(ContainerStatus& out, const Container& container, const ContainerStatus* was) const {
    if (was && was->state().has_waiting() && was->restart_count() == progress_.restarts) {
      out = *was;
      return;
    }
    EndContainer(out, plan_.exit_code, progress_.run_started);
    *out.mutable_last_state() = out.state();
    out.clear_state();
    auto& waiting = *out.mutable_state()->mutable_waiting();
    waiting.set_reason("CrashLoopBackOff");
    const auto& meta = pod_.metadata();
    waiting.set_message(fmt::format(
        "back-off {} restarting failed container={} pod={}_{}({})",
        api::FormatDuration(absl::ToInt64Nanoseconds(RestartDelay(plan_, progress_.restarts))),
        container.name(), meta.name(), meta.namespace_(), meta.uid()));
  }

  // --- conditions -------------------------------------------------------------------------------

  const PodCondition* FindCondition(std::string_view type) const {
    for (const PodCondition& condition : status_.conditions()) {
      if (condition.type() == type) return &condition;
    }
    return nullptr;
  }

  void SetCondition(std::string_view type, const Verdict& verdict) {
    auto* condition = const_cast<PodCondition*>(FindCondition(type));
    if (condition == nullptr) {
      condition = status_.add_conditions();
      condition->set_type(std::string(type));
    }
    const char* text = verdict.holds ? "True" : "False";
    if (condition->status() != text) {
      condition->set_status(text);
      SetTime(*condition->mutable_last_transition_time(), now_);
      condition->clear_last_probe_time();
    }
    if (pod_.metadata().generation() > 0) {
      condition->set_observed_generation(pod_.metadata().generation());
    }
    condition->clear_reason();
    condition->clear_message();
    if (!verdict.reason.empty()) condition->set_reason(std::string(verdict.reason));
    if (!verdict.message.empty()) condition->set_message(verdict.message);
  }

  Verdict Initialized() const {
    if (status_.phase() == "Succeeded") return {true, kPodCompleted};
    if (progress_.ran) return {true};
    std::vector<std::string> incomplete;
    for (const ContainerStatus& init : status_.init_container_statuses()) {
      if (!init.ready()) incomplete.push_back(init.name());
    }
    if (incomplete.empty()) return {true};
    return {false, kContainersNotInitialized,
            "containers with incomplete status: " + Bracketed(incomplete)};
  }

  Verdict ContainersReady() const {
    if (status_.phase() == "Succeeded") return {false, kPodCompleted};
    if (status_.phase() == "Failed") return {false, kPodFailed};
    std::vector<std::string> unready;
    for (const auto& container : pod_.spec().init_containers()) {
      const ContainerStatus* init = Find(status_.init_container_statuses(), container.name());
      if (container.restart_policy() == "Always" && !(init && init->ready())) {
        unready.push_back(container.name());
      }
    }
    for (const ContainerStatus& status : status_.container_statuses()) {
      if (!status.ready()) unready.push_back(status.name());
    }
    if (unready.empty()) return {true};
    return {false, kContainersNotReady,
            "containers with unready status: " + Bracketed(unready)};
  }

  Verdict Ready(const Verdict& containers) const {
    if (!containers.holds) return containers;
    std::string message;
    for (const auto& gate : pod_.spec().readiness_gates()) {
      const PodCondition* condition = FindCondition(gate.condition_type());
      std::string text;
      if (condition == nullptr) {
        text = fmt::format("corresponding condition of pod readiness gate \"{}\" does not exist.",
                           gate.condition_type());
      } else if (condition->status() != "True") {
        text = fmt::format("the status of pod readiness gate \"{}\" is not \"True\", but {}",
                           gate.condition_type(), condition->status());
      }
      if (!text.empty()) message += (message.empty() ? "" : ", ") + text;
    }
    if (message.empty()) return {true};
    return {false, kReadinessGatesNotReady, message};
  }

  void Conditions() {
    const bool sandbox = !Over() && progress_.stage != Stage::kStarting;
    SetCondition("PodReadyToStartContainers", {sandbox});
    SetCondition("Initialized", Initialized());
    const Verdict containers = ContainersReady();
    SetCondition("Ready", Ready(containers));
    SetCondition("ContainersReady", containers);
    SetCondition(kScheduled, {true});  // as the kubelet does: whoever said otherwise is late
  }

  const Pod& pod_;
  const PodPlan& plan_;
  const PodProgress& progress_;
  const PodAddresses& addresses_;
  const absl::Time now_;
  PodStatus status_;
};

std::string Deterministic(const PodStatus& status) {
  std::string out;
  google::protobuf::io::StringOutputStream stream(&out);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  status.SerializeToCodedStream(&coded);
  coded.Trim();
  return out;
}

}  // namespace

PodStatus BuildStatus(const Pod& pod, const PodPlan& plan, const PodProgress& progress,
                      const PodAddresses& addresses, absl::Time now) {
  return Builder(pod, plan, progress, addresses, now).Build();
}

bool SameStatus(const PodStatus& a, const PodStatus& b) {
  return Deterministic(a) == Deterministic(b);
}

bool UsesHostNetwork(const Pod& pod) { return pod.spec().host_network(); }

}  // namespace berth::node
