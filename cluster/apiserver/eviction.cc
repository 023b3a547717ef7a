// POST pods/NAME/eviction: a pod is deleted if its disruption budget allows it.
//
//   pending, ended, being deleted ------------------------------------+--> condition --> deleted
//   running --one budget--> allowed: counted in the budget's status --+
//      |            \-- not allowed: 429                              |
//      |-- no budget, or not ready and the budget does not mind ------+
//      \-- several budgets: a Status that says so, with code 500
//
// The budget is written before the pod, so two evictions cannot spend the same disruption.
// Source: pkg/registry/core/pod/storage/eviction.go.
#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/pod_phase.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/selectors.h"
#include "base/status_macros.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"
#include "cluster/apiserver/strategy.h"

namespace berth::apiserver {
namespace {

using api::policy::Eviction;
using api::policy::PodDisruptionBudget;

constexpr std::string_view kCannotEvict =
    "Cannot evict pod as it would violate the pod's disruption budget.";
// A budget with more evictions that its controller has not seen yet allows no more.
constexpr int kDisruptedPodsMax = 2000;
// A pod that changes between being looked at and being deleted is looked at again: how often, and
// after how long.
constexpr int kBudgetTriesMax = 20;
constexpr absl::Duration kTryPause = absl::Milliseconds(500);

absl::Status TooManyRequests(int64_t retry_after_s, std::string cause) {
  api::meta::Status status =
      api::ToStatusMessage(api::TooManyRequests(kCannotEvict, retry_after_s));
  api::meta::StatusCause& why = *status.mutable_details()->add_causes();
  why.set_reason("DisruptionBudget");
  why.set_message(std::move(cause));
  return api::FromStatusMessage(status);
}

absl::Status StillProcessed(std::string_view budget) {
  return TooManyRequests(
      10, fmt::format("The disruption budget {} is still being processed by the server.", budget));
}

bool IsReady(const api::core::Pod& pod) {
  return std::any_of(pod.status().conditions().begin(), pod.status().conditions().end(),
                     [](const api::core::PodCondition& condition) {
                       return condition.type() == "Ready" && condition.status() == "True";
                     });
}

// Neither the pod's health nor its end can be a disruption any more.
bool HasEnded(const api::core::Pod& pod) {
  return api::IsTerminal(pod) || pod.metadata().has_deletion_timestamp();
}

// An unready pod does not count as healthy: its budget loses nothing by its going.
bool IgnoresUnready(const PodDisruptionBudget& budget) {
  return budget.spec().unhealthy_pod_eviction_policy() == "AlwaysAllow" ||
         (budget.status().desired_healthy() > 0 &&
          budget.status().current_healthy() >= budget.status().desired_healthy());
}

// Why a budget that is spent allows no eviction.
std::string WhyNot(const PodDisruptionBudget& budget) {
  const std::string& name = budget.metadata().name();
  const auto& status = budget.status();
  const api::meta::Condition* refusal = nullptr;
  for (const api::meta::Condition& each : status.conditions()) {
    const bool refuses = each.type() == "DisruptionAllowed" && each.status() == "False";
    if (refuses && !each.message().empty()) refusal = &each;
  }
  std::string no =
      fmt::format("The disruption budget {} does not allow evicting pods currently", name);
  if (refusal != nullptr && refusal->reason() == "SyncFailed") {
    return fmt::format("{} because it failed sync: {}", no, refusal->message());
  }
  if (status.current_healthy() <= status.desired_healthy()) {
    return fmt::format("The disruption budget {} needs {} healthy pods and has {} currently", name,
                       status.desired_healthy(), status.current_healthy());
  }
  if (refusal == nullptr) return no;
  return fmt::format("{} ({}): {}", no, refusal->reason(), refusal->message());
}

absl::Status CheckBudget(const PodDisruptionBudget& budget) {
  const std::string& name = budget.metadata().name();
  const auto& status = budget.status();
  if (status.observed_generation() < budget.metadata().generation()) return StillProcessed(name);
  api::Resource named = api::ResourceOf<PodDisruptionBudget>();  // upstream uses the singular here
  named.plural = named.singular;
  if (status.disruptions_allowed() < 0) {
    return api::Forbidden(named, name, "pdb disruptions allowed is negative");
  }
  if (status.disrupted_pods_size() > kDisruptedPodsMax) {
    return api::Forbidden(
        named, name,
        "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (status.disruptions_allowed() == 0) return TooManyRequests(0, WhyNot(budget));
  return absl::OkStatus();
}

// The condition that says whether a disruption is left, when the last one is spent.
void SetExhausted(api::policy::PodDisruptionBudgetStatus& status, absl::Time now) {
  api::meta::Condition* condition = nullptr;
  for (api::meta::Condition& each : *status.mutable_conditions()) {
    if (each.type() == "DisruptionAllowed") condition = &each;
  }
  if (condition == nullptr) {
    condition = status.add_conditions();
    condition->set_type("DisruptionAllowed");
  }
  if (condition->status() != "False") SetTime(*condition->mutable_last_transition_time(), now);
  condition->set_status("False");
  condition->set_observed_generation(status.observed_generation());
  condition->set_reason("InsufficientPods");
  condition->set_message("");
}

}  // namespace

struct Rest::EvictState {
  CallPtr call;
  DeletionOptions options;
  bool versioned = false;  // the client itself said which version of the pod it means
  int tries = 0;
  std::string budget;      // of the pod; empty: none
};

void Rest::Evict(CallPtr call) {
  auto state = std::make_shared<EvictState>();
  state->call = std::move(call);
  const auto prepare = [&]() -> absl::Status {
    Call& it = *state->call;
    BERTH_ASSIGN_OR_RETURN(const WriteOptions write,
                           ParseWriteOptions(it.info.query, "CreateOptions"));
    BERTH_ASSIGN_OR_RETURN(const auto body, std::move(it.body));
    auto& eviction = static_cast<Eviction&>(*body);
    const api::meta::ObjectMeta& metadata = eviction.metadata();
    if (!metadata.namespace_().empty() && metadata.namespace_() != it.info.namespace_) {
      return WrongNamespace();
    }
    if (metadata.name() != it.info.name) {
      return api::BadRequest("name in URL does not match name in Eviction object");
    }
    BERTH_ASSIGN_OR_RETURN(state->options,
                           ParseDeletionOptions(api::Query(), &eviction.delete_options()));
    state->options.dry_run = state->options.dry_run || write.dry_run;
    state->versioned = state->options.resource_version.has_value();
    AdmissionRequest request = AdmissionOf(it, Verb::kCreate, "eviction", &eviction, nullptr);
    BERTH_RETURN_IF_ERROR(pipeline_.Mutate(request));
    return pipeline_.Validate(request);
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  LookAtPod(state);
}

void Rest::FinishEviction(const std::shared_ptr<EvictState>& state, const absl::Status& status) {
  if (!status.ok()) return Reply(std::move(state->call), status);
  ReplyCreated(std::move(state->call));
}

void Rest::LookAtPod(const std::shared_ptr<EvictState>& state) {
  cache_.WhenFresh([this, state](const absl::Status& status) {
    if (!status.ok()) return FinishEviction(state, status);
    const RequestInfo& info = state->call->info;
    const ObjectPtr object =
        cache_.For(*info.resource).Find(CacheKey(*info.resource, info.namespace_, info.name));
    if (object == nullptr) return FinishEviction(state, api::NotFound(*info.resource, info.name));
    const auto& pod = object->As<api::core::Pod>();
    if (!HasEnded(pod) && pod.status().phase() != "Pending") return AskBudget(state, object);
    // A pending pod must not become ready between this look and its deletion.
    if (!HasEnded(pod) && !state->options.resource_version) PinVersion(*state, *object);
    MarkAndDelete(state, [this, state](const absl::Status& deleted) {
      const bool again = api::IsConflict(deleted) && !state->versioned;
      if (!again || ++state->tries == kBudgetTriesMax) return FinishEviction(state, deleted);
      state->options.resource_version.reset();
      executor_.PostAfter(kTryPause, [this, alive = alive_.Watch(), state] {
        if (!alive.expired()) LookAtPod(state);
      });
    });
  });
}

void Rest::PinVersion(EvictState& state, const StoredObject& pod) {
  state.options.resource_version = pod.metadata().resource_version();
}

void Rest::AskBudget(const std::shared_ptr<EvictState>& state, const ObjectPtr& object) {
  const auto& pod = object->As<api::core::Pod>();
  std::vector<ObjectPtr> budgets;
  cache_.For(api::ResourceOf<PodDisruptionBudget>())
      .Visit(pod.metadata().namespace_(), "", [&](const ObjectPtr& budget) {
        const auto selector = api::LabelSelector::FromMessage(
            budget->As<PodDisruptionBudget>().spec().selector());
        const bool none = !budget->As<PodDisruptionBudget>().spec().has_selector();
        if (!none && selector.ok() && selector->Matches(pod.metadata().labels())) {
          budgets.push_back(budget);
        }
        return true;
      });
  if (budgets.size() > 1) {
    api::meta::Status several;
    several.set_status("Failure");
    several.set_message(
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not "
        "support.");
    several.set_code(500);
    state->call->output.as = OutputFormat::As::kItself;
    return Reply(std::move(state->call), 201, several, {"v1", "Status"});  // 201 it is, upstream
  }
  const auto finish = [state](const absl::Status& status) { FinishEviction(state, status); };
  if (budgets.empty()) return MarkAndDelete(state, finish);
  const auto& budget = budgets[0]->As<PodDisruptionBudget>();
  state->budget = budget.metadata().name();
  if (!IsReady(pod) && IgnoresUnready(budget)) {
    PinVersion(*state, *object);
    return MarkAndDelete(state, [state](const absl::Status& status) {
      // The pod changed while this server insisted that it does not: the client may try again.
      const bool raced = !state->versioned && api::IsConflict(status);
      FinishEviction(state, raced ? StillProcessed(state->budget) : status);
    });
  }
  SpendDisruption(state);
}

void Rest::SpendDisruption(const std::shared_ptr<EvictState>& state) {
  const api::Resource& budgets = api::ResourceOf<PodDisruptionBudget>();
  ObjectWriter::Options options;
  options.dry_run = state->options.dry_run;
  writer_.Modify(
      budgets, state->call->info.namespace_, state->budget,
      [this, state, &budgets](const ObjectPtr& current) -> absl::StatusOr<Change> {
        if (current == nullptr) return api::NotFound(budgets, state->budget);
        auto budget = std::make_shared<PodDisruptionBudget>(current->As<PodDisruptionBudget>());
        BERTH_RETURN_IF_ERROR(CheckBudget(*budget));
        const absl::Time now = executor_.clock().Now();
        auto& status = *budget->mutable_status();
        status.set_disruptions_allowed(status.disruptions_allowed() - 1);
        if (status.disruptions_allowed() == 0) SetExhausted(status, now);
        SetTime((*status.mutable_disrupted_pods())[state->call->info.name], now);
        return Change::Put(std::move(budget));
      },
      [this, state](const absl::StatusOr<ObjectPtr>& result) {
        if (!result.ok()) return FinishEviction(state, result.status());
        MarkAndDelete(state,
                      [state](const absl::Status& status) { FinishEviction(state, status); });
      },
      std::move(options));
}

void Rest::MarkAndDelete(const std::shared_ptr<EvictState>& state, EvictDone done) {
  if (state->options.dry_run) return DeleteEvicted(state, std::move(done));
  const RequestInfo& info = state->call->info;
  writer_.Modify(
      *info.resource, info.namespace_, info.name,
      [this, state](const ObjectPtr& current) -> absl::StatusOr<Change> {
        const RequestInfo& asked = state->call->info;
        if (current == nullptr) return api::NotFound(*asked.resource, asked.name);
        BERTH_RETURN_IF_ERROR(CheckPreconditions(state->options, *current));
        auto pod = std::make_shared<api::core::Pod>(current->As<api::core::Pod>());
        SetPodCondition(*pod, "DisruptionTarget", "EvictionByEvictionAPI",
                        "Eviction API: evicting", executor_.clock().Now());
        if (SameObject(*pod, current->message())) return Change::Keep();
        return Change::Put(std::move(pod));
      },
      [this, state, done = std::move(done)](const absl::StatusOr<ObjectPtr>& result) {
        if (!result.ok()) return done(result.status());
        if (state->options.resource_version) {
          state->options.resource_version = (*result)->metadata().resource_version();
        }
        DeleteEvicted(state, done);
      });
}

void Rest::DeleteEvicted(const std::shared_ptr<EvictState>& state, EvictDone done) {
  DeleteObject(state->call->info, state->call->user, state->options,
               [done = std::move(done)](const absl::StatusOr<ObjectPtr>& result, bool) {
                 done(result.status());
               });
}

}  // namespace berth::apiserver
