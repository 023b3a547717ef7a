#include "scheduler-main/explain/explain.h"

#include <memory>
#include <utility>

#include <fmt/core.h>

#include "api/json.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "scheduler-main/explain/explain_json.h"
#include "scheduler-main/explain/paper_cluster.h"

namespace berth::scheduler {
namespace {

using api::JsonValue;
using api::core::Pod;
using PodObject = std::shared_ptr<Pod>;

const api::Resource& Pods() { return api::ResourceOf<Pod>(); }

std::string KeyOf(const Pod& pod) {
  return pod.metadata().namespace_() + "/" + pod.metadata().name();
}

absl::StatusOr<PodObject> DecodePod(const JsonValue& json) {
  auto pod = std::make_shared<Pod>();
  const absl::Status parsed = api::ParseJson(json.ToText(), *pod);
  if (parsed.ok()) return pod;
  return absl::InvalidArgumentError(ToAbsl(fmt::format("pod: {}", ToStd(parsed.message()))));
}

// The pod that is asked about, out of the objects.
absl::StatusOr<PodObject> TakePod(std::vector<ClusterObject>& objects, std::string_view name) {
  std::vector<size_t> found;
  for (size_t i = 0; i < objects.size(); ++i) {
    if (objects[i].resource != &Pods()) continue;
    const auto& pod = static_cast<const Pod&>(*objects[i].object);
    const bool asked = name.empty() ? pod.spec().node_name().empty()
                                    : name == KeyOf(pod) || name == pod.metadata().name();
    if (asked) found.push_back(i);
  }
  if (found.empty() && name.empty()) {
    return absl::NotFoundError(
        "no pod of the file waits for a node: --pod NAMESPACE/NAME asks about one that has a node");
  }
  if (found.empty()) {
    return absl::NotFoundError(ToAbsl(fmt::format("no pod {} in the file", name)));
  }
  if (found.size() > 1) {
    std::string names;
    for (size_t i = 0; i < found.size() && i < 5; ++i) {
      names += (i == 0 ? "" : ", ") + KeyOf(static_cast<const Pod&>(*objects[found[i]].object));
    }
    return absl::InvalidArgumentError(ToAbsl(fmt::format(
        "{} pods could be meant: --pod NAMESPACE/NAME says which ({}{})", found.size(), names,
        found.size() > 5 ? ", ..." : "")));
  }
  PodObject pod = std::static_pointer_cast<Pod>(objects[found[0]].object);
  objects.erase(objects.begin() + static_cast<std::ptrdiff_t>(found[0]));
  pod->mutable_spec()->clear_node_name();
  return pod;
}

absl::StatusOr<std::unique_ptr<PaperCluster>> MakeCluster(const ClusterFile& file,
                                                          const ExplainOptions& options) {
  SchedulerOptions scheduler = options.scheduler;
  if (file.config) {
    BERTH_ASSIGN_OR_RETURN(scheduler.config, DecodeConfig(file.config->ToText()));
  } else if (scheduler.config.profiles.empty()) {
    scheduler.config = DefaultConfig();
  }
  BERTH_ASSIGN_OR_RETURN(auto cluster, PaperCluster::Create(std::move(scheduler)));
  for (const auto& [resource, object] : file.objects) cluster->Put(*resource, object);
  return cluster;
}

framework::Explanation Ask(PaperCluster& cluster, const PodObject& pod,
                           const ExplainOptions& options) {
  if (pod->spec().scheduler_name().empty()) {
    pod->mutable_spec()->set_scheduler_name("default-scheduler");
  }
  if (pod->metadata().uid().empty()) pod->mutable_metadata()->set_uid(KeyOf(*pod));
  framework::Explanation said = cluster.Explain(pod);
  if (options.warm && said.error.empty()) said = cluster.Explain(pod);
  if (options.counts != nullptr) *options.counts = cluster.counts();
  return said;
}

absl::Status Delete(PaperCluster& cluster, const JsonValue& what) {
  for (const api::Resource& row : api::Resources()) {
    if (row.kind != MemberText(what, "kind")) continue;
    cluster.Remove(row, MemberText(what, "namespace"), MemberText(what, "name"));
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      ToAbsl(fmt::format("delete: nothing known of kind {}", MemberText(what, "kind"))));
}

// One step of a sequence.
absl::StatusOr<JsonValue> Play(PaperCluster& cluster, const JsonValue& step,
                               const ExplainOptions& options) {
  if (const JsonValue* object = step.Find("apply")) {
    BERTH_ASSIGN_OR_RETURN(ClusterObject decoded, DecodeObject(*object));
    if (decoded.resource == nullptr) return absl::InvalidArgumentError("apply: unknown kind");
    cluster.Put(*decoded.resource, std::move(decoded.object));
  } else if (const JsonValue* what = step.Find("delete")) {
    BERTH_RETURN_IF_ERROR(Delete(cluster, *what));
  } else if (const JsonValue* json = step.Find("pod")) {
    BERTH_ASSIGN_OR_RETURN(const PodObject pod, DecodePod(*json));
    const JsonValue said = ToStepJson(Ask(cluster, std::make_shared<Pod>(*pod), options));
    if (const std::string node = MemberText(step, "choice"); !node.empty()) {
      pod->mutable_spec()->set_node_name(node);
      cluster.Put(Pods(), pod);
    }
    return said;
  }
  return JsonValue::EmptyObject();
}

absl::StatusOr<JsonValue> PlayAll(const ClusterFile& file, const ExplainOptions& options) {
  BERTH_ASSIGN_OR_RETURN(const auto cluster, MakeCluster(file, options));
  JsonValue steps = JsonValue::EmptyArray();
  for (size_t i = 0; i < file.steps->size(); ++i) {
    auto said = Play(*cluster, (*file.steps)[i], options);
    if (!said.ok()) {
      return absl::Status(said.status().code(),
                          fmt::format("step {}: {}", i, ToStd(said.status().message())));
    }
    steps.array().push_back(*std::move(said));
  }
  JsonValue out = JsonValue::EmptyObject();
  out.Set("steps", std::move(steps));
  return out;
}

}  // namespace

absl::StatusOr<PodExplanation> ExplainPod(ClusterFile file, const ExplainOptions& options) {
  if (file.steps) {
    return absl::InvalidArgumentError("a recorded sequence is explained as JSON only: -o json");
  }
  PodObject pod;
  if (file.pod && options.pod.empty()) {
    BERTH_ASSIGN_OR_RETURN(pod, DecodePod(*file.pod));
  } else {
    BERTH_ASSIGN_OR_RETURN(pod, TakePod(file.objects, options.pod));
  }
  BERTH_ASSIGN_OR_RETURN(const auto cluster, MakeCluster(file, options));
  PodExplanation out;
  out.pod = KeyOf(*pod);
  out.explanation = Ask(*cluster, pod, options);
  out.skipped = std::move(file.skipped);
  for (const ExtenderSection& extender : cluster->config().extenders) {
    out.skipped.push_back("extender " + extender.url_prefix);
  }
  return out;
}

absl::StatusOr<JsonValue> ExplainAsJson(ClusterFile file, const ExplainOptions& options) {
  if (file.steps) return PlayAll(file, options);
  BERTH_ASSIGN_OR_RETURN(const PodExplanation pod, ExplainPod(std::move(file), options));
  return ToJson(pod.explanation);
}

}  // namespace berth::scheduler
