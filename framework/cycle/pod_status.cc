#include "framework/cycle/pod_status.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/json_value.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/time_text.h"
#include "base/structured_log.h"

namespace berth::framework {
namespace {

constexpr absl::Duration kRetryFirst = absl::Seconds(1);
constexpr absl::Duration kRetryMax = absl::Seconds(30);

const api::core::PodCondition* FindCondition(const api::core::Pod& pod) {
  for (const auto& condition : pod.status().conditions()) {
    if (condition.type() == "PodScheduled") return &condition;
  }
  return nullptr;
}

// The condition as a patch; empty when the pod has it already.
std::string ConditionPatch(const api::core::Pod& pod, std::string_view reason,
                           std::string_view message, absl::Time now) {
  const api::core::PodCondition* old = FindCondition(pod);
  const int64_t generation = pod.metadata().generation();
  if (old != nullptr && old->status() == "False" && old->reason() == reason &&
      old->message() == message && old->observed_generation() == generation) {
    return {};
  }
  int64_t since = absl::ToUnixSeconds(now);
  if (old != nullptr && old->status() == "False") since = old->last_transition_time().seconds();
  std::string patch = fmt::format(
      R"({{"lastProbeTime":null,"lastTransitionTime":"{}","message":{},)", api::TimeText(since),
      api::JsonQuoted(message));
  if (generation > 0) patch += fmt::format(R"("observedGeneration":{},)", generation);
  patch += fmt::format(R"("reason":{},"status":"False","type":"PodScheduled"}})",
                       api::JsonQuoted(reason));
  return patch;
}

// wanted: of the status, a JSON object. With the pod's uid: another pod of its name is not meant.
void SendPatch(EngineCore& core, const PodInfo& pod, std::string_view wanted,
               ObjectSink::Done done) {
  std::string patch = fmt::format(R"({{"metadata":{{"uid":{}}},"status":{}}})",
                                  api::JsonQuoted(pod.uid), wanted);
  core.sink.Patch(api::ResourceOf<api::core::Pod>(), pod.namespace_name, pod.name,
                  std::move(patch), "status",
                  [key = pod.key, done = std::move(done)](absl::Status status) mutable {
                    if (!status.ok()) {
                      BERTH_FAILURE(ToStd(status.message()), "Error updating pod",
                                    {"logger", "UnhandledError"}, {"pod", key});
                    }
                    done(std::move(status));
                  });
}

// What one attempt came to, on its way to the server.
struct Outcome {
  PodPtr pod;
  std::string wanted;
  int32_t attempts;  // the pod's, when it was made
};

// The pod still waits for a node after that very attempt.
bool Holds(const EngineCore& core, const Outcome& outcome) {
  const QueueEntry* entry = core.queue->Find(outcome.pod->key);
  return entry != nullptr && entry->pod->uid == outcome.pod->uid &&
         entry->attempts == outcome.attempts;
}

void SendUntilAnswered(EngineCore& core, const std::shared_ptr<const Outcome>& outcome,
                       absl::Duration pause) {
  SendPatch(core, *outcome->pod, outcome->wanted,
            [&core, alive = core.lifetime.Watch(), outcome, pause](const absl::Status& status) {
              if (alive.expired() || status.ok() || !api::IsTransient(status)) return;
              core.executor.PostAfter(pause, [&core, alive, outcome, pause] {
                if (alive.expired() || core.stopped || !Holds(core, *outcome)) return;
                SendUntilAnswered(core, outcome, std::min(pause * 2, kRetryMax));
              });
            });
}

}  // namespace

void PatchFailure(EngineCore& core, const PodPtr& pod, std::string_view reason,
                  std::string_view message, const std::optional<NominatingInfo>& nominating) {
  const std::string condition =
      ConditionPatch(pod->object(), reason, message, core.executor.clock().Now());
  const bool overrides = nominating && nominating->mode == NominatingInfo::Mode::kOverride;
  const bool nominates = overrides && nominating->node_name != pod->nominated_node_name;
  BERTH_INFO(3, "Updating pod condition and nominated node name", {"pod", pod->key},
             {"conditionType", "PodScheduled"}, {"conditionStatus", "False"},
             {"conditionReason", reason},
             {"nominatedNodeName", nominating ? nominating->node_name : std::string()},
             {"nominatingMode", overrides ? 1 : 0});
  if (condition.empty() && !nominates) return;
  std::string wanted = "{";
  if (!condition.empty()) wanted += fmt::format(R"("conditions":[{}])", condition);
  if (nominates) {
    if (!condition.empty()) wanted += ',';
    wanted += R"("nominatedNodeName":)";
    wanted += nominating->node_name.empty() ? "null" : api::JsonQuoted(nominating->node_name);
  }
  wanted += "}";
  const QueueEntry* entry = core.queue->Find(pod->key);
  SendUntilAnswered(core,
                    std::make_shared<const Outcome>(Outcome{
                        .pod = pod,
                        .wanted = std::move(wanted),
                        .attempts = entry == nullptr ? 0 : entry->attempts,
                    }),
                    kRetryFirst);
}

void PatchNomination(EngineCore& core, const PodInfo& pod, std::string_view node_name) {
  if (pod.nominated_node_name == node_name) return;
  SendPatch(core, pod, fmt::format(R"({{"nominatedNodeName":{}}})", api::JsonQuoted(node_name)),
            [](const absl::Status&) {});
}

}  // namespace berth::framework
