// POST pods/NAME/binding: a pod gets its node, if the node can still take it.
//
//   unbound --reserve in the node's ledger--> reserved --Txn(pod unchanged)--> bound
//      ^             | does not fit: 409            | somebody wrote the pod: again
//      +-------------+------------------------------+ failed: released
//
// The refusal of a full node is documented in docs/binding.md.
// Source: pkg/registry/core/pod/storage/storage.go (BindingREST), validation.ValidatePodBinding.
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/core_v1_options.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/object_rules.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/rest.h"
#include "cluster/apiserver/strategy.h"

namespace berth::apiserver {
namespace {

namespace scheduling = api::scheduling;

constexpr std::string_view kBinding = "binding";

absl::Status CheckBinding(const api::core::Binding& binding, const RequestInfo& info) {
  if (binding.metadata().name() != info.name) {
    return api::BadRequest("name in URL does not match name in Binding object");
  }
  if (!binding.metadata().namespace_().empty() &&
      binding.metadata().namespace_() != info.namespace_) {
    return WrongNamespace();
  }
  const std::string& kind = binding.target().kind();
  if (!kind.empty() && kind != "Node") {
    return api::PlainError(fmt::format(
        "target.kind: Unsupported value: \"{}\": supported values: \"Node\", \"<empty>\"", kind));
  }
  if (binding.target().name().empty()) return api::PlainError("target.name: Required value");
  return absl::OkStatus();
}

absl::Status CheckPod(const api::core::Pod& pod, const api::core::Binding& binding,
                      const api::Resource& pods) {
  const std::string& name = pod.metadata().name();
  const api::meta::ObjectMeta& metadata = pod.metadata();
  BERTH_RETURN_IF_ERROR(CheckPrecondition(pods, metadata, "UID", binding.metadata().uid(),
                                          metadata.uid()));
  BERTH_RETURN_IF_ERROR(CheckPrecondition(pods, metadata, "ResourceVersion",
                                          binding.metadata().resource_version(),
                                          metadata.resource_version()));
  if (metadata.has_deletion_timestamp()) {
    return api::Conflict(
        pods, name, fmt::format("pod {} is being deleted, cannot be assigned to a host", name),
        kBinding);
  }
  if (!pod.spec().node_name().empty()) {
    return api::Conflict(pods, name,
                         fmt::format("pod {} is already assigned to node \"{}\"", name,
                                     pod.spec().node_name()),
                         kBinding);
  }
  if (pod.spec().scheduling_gates_size() > 0) {
    return api::Conflict(pods, name,
                         fmt::format("pod {} has non-empty .spec.schedulingGates", name), kBinding);
  }
  return absl::OkStatus();
}

absl::Status NodeFull(const api::Resource& pods, const std::string& pod, const std::string& node,
                      const Shortage& shortage) {
  std::string reasons;
  for (const std::string& reason : shortage.Reasons()) {
    reasons += (reasons.empty() ? "" : ", ") + reason;
  }
  const absl::Status conflict = api::Conflict(
      pods, pod, fmt::format("node \"{}\" cannot take pod {}: {}", node, pod, reasons), kBinding);
  api::meta::Status status = api::ToStatusMessage(conflict);
  const auto add = [&](std::string_view reason, std::string_view field, std::string message) {
    api::meta::StatusCause& cause = *status.mutable_details()->add_causes();
    cause.set_reason(std::string(reason));
    cause.set_field(std::string(field));
    cause.set_message(std::move(message));
  };
  for (const scheduling::Insufficient& item : shortage.resources) {
    add("InsufficientResource", item.resource.text(),
        fmt::format("requested: {}, used: {}, capacity: {}", item.requested, item.used,
                    item.capacity));
  }
  if (shortage.host_ports) add("HostPortConflict", "hostPorts", "a requested host port is taken");
  add("CatchUpToRevision", "pods", std::to_string(shortage.pods_revision));
  add("CatchUpToRevision", "nodes", std::to_string(shortage.node_revision));
  return api::FromStatusMessage(status);
}

}  // namespace

struct Rest::BindState {
  CallPtr call;
  WriteOptions options;
  api::core::Binding binding;
  bool reserved = false;
  std::string uid;          // of the pod that holds the reservation
  PodLoad load;             // what is reserved
  std::string wait_node;    // not empty: try again when a write in flight there has settled
};

void Rest::Bind(CallPtr call) {
  auto state = std::make_shared<BindState>();
  state->call = std::move(call);
  const auto prepare = [&]() -> absl::Status {
    Call& it = *state->call;
    BERTH_ASSIGN_OR_RETURN(state->options, ParseWriteOptions(it.info.query, "CreateOptions"));
    BERTH_ASSIGN_OR_RETURN(const auto body, std::move(it.body));
    state->binding = std::move(static_cast<api::core::Binding&>(*body));
    return CheckBinding(state->binding, it.info);
  };
  if (auto status = prepare(); !status.ok()) return Reply(std::move(state->call), status);
  TryBind(state);
}

void Rest::TryBind(const std::shared_ptr<BindState>& state) {
  const RequestInfo& info = state->call->info;
  ObjectWriter::Options options;
  options.dry_run = state->options.dry_run;
  options.settled = [this, state](store::Revision revision) {
    if (state->reserved) ledger_.Settle(state->uid, revision);
    state->reserved = false;
  };
  writer_.Modify(
      *info.resource, info.namespace_, info.name,
      [this, state](const ObjectPtr& current) { return ApplyBind(*state, current); },
      [this, state](const absl::StatusOr<ObjectPtr>& result) {
        if (!state->wait_node.empty()) {
          return ledger_.OnSettled(std::exchange(state->wait_node, ""), [this, state] {
            executor_.Post([this, alive = alive_.Watch(), state] {
              if (!alive.expired()) TryBind(state);
            });
          });
        }
        if (!result.ok()) return Reply(std::move(state->call), result.status());
        ReplyCreated(std::move(state->call));
      },
      std::move(options));
}

absl::StatusOr<Change> Rest::ApplyBind(BindState& state, const ObjectPtr& current) {
  const RequestInfo& info = state.call->info;
  if (current == nullptr) return api::NotFound(*info.resource, info.name);
  const auto& pod = current->As<api::core::Pod>();
  const std::string& node = state.binding.target().name();
  AdmissionRequest request =
      AdmissionOf(*state.call, Verb::kCreate, kBinding, &state.binding, nullptr);
  BERTH_RETURN_IF_ERROR(pipeline_.Mutate(request));
  BERTH_RETURN_IF_ERROR(pipeline_.Validate(request));
  BERTH_RETURN_IF_ERROR(CheckPod(pod, state.binding, *info.resource));
  PodLoad load = LoadOf(pod);
  if (state.reserved && (state.uid != pod.metadata().uid() || state.load != load)) {
    ledger_.Settle(state.uid, 0);  // the pod was replaced by another of its name, or resized
    state.reserved = false;
  }
  if (!state.reserved) {
    BERTH_RETURN_IF_ERROR(ReserveNode(state, pod, std::move(load)));
    if (!state.wait_node.empty()) return Change::Keep();
  }
  auto bound = std::make_shared<api::core::Pod>(pod);
  bound->mutable_spec()->set_node_name(node);
  for (const auto& [key, value] : state.binding.metadata().annotations()) {
    (*bound->mutable_metadata()->mutable_annotations())[key] = value;
  }
  for (const auto& [key, value] : state.binding.metadata().labels()) {
    (*bound->mutable_metadata()->mutable_labels())[key] = value;
  }
  bound->mutable_status()->clear_nominated_node_name();  // it says no more than the node does
  SetPodCondition(*bound, "PodScheduled", "", "", executor_.clock().Now());
  return Change::Put(std::move(bound));
}

// Room on the node for the pod, or wait_node. A dry run only looks.
absl::Status Rest::ReserveNode(BindState& state, const api::core::Pod& pod, PodLoad load) {
  const std::string& uid = pod.metadata().uid();
  const std::string& node = state.binding.target().name();
  if (options_.binding_check) {
    const NodeLedger::Outcome outcome = state.options.dry_run ? ledger_.Check(uid, node, load)
                                                               : ledger_.Reserve(uid, node, load);
    if (outcome.verdict == NodeLedger::Verdict::kWait) {
      state.wait_node = outcome.wait_node;
      return absl::OkStatus();
    }
    if (outcome.verdict == NodeLedger::Verdict::kRefused) {
      const RequestInfo& info = state.call->info;
      return NodeFull(*info.resource, info.name, node, outcome.shortage);
    }
  } else if (!state.options.dry_run) {
    ledger_.ForceReserve(uid, node, load);
  }
  if (state.options.dry_run) return absl::OkStatus();
  state.reserved = true;
  state.uid = uid;
  state.load = std::move(load);
  return absl::OkStatus();
}

}  // namespace berth::apiserver
