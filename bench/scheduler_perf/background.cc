// Operations that take time: what they do once in a while, some of them beside the others.
#include <utility>

#include <fmt/core.h>

#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "bench/scheduler_perf/run.h"

namespace berth::bench {

using api::core::Pod;

void Run::Tick(absl::Duration period, const std::function<bool(int64_t)>& act) {
  absl::Time next = Now() + period;
  for (int64_t i = 0; !ending_.WaitForNotificationWithTimeout(next - Now()); ++i) {
    if (!act(i)) return;
    next += period;
  }
}

void Run::InBackground(std::function<absl::Status()> work) {
  background_.emplace_back([this, work = std::move(work)] {
    const absl::Status status = work();
    absl::MutexLock lock(&mutex_);
    background_status_.Update(status);
  });
}

void Run::StopBackground() {
  if (!ending_.HasBeenNotified()) ending_.Notify();
  for (std::thread& thread : background_) thread.join();
  background_.clear();
}

absl::Status Run::DeletePods(const Op& op, size_t index) {
  const PodFilter filter{{op.namespace_name}, op.label_selector};
  if (op.per_second == 0) {
    const auto all = [this, filter] { return target_.DeletePods(filter, std::nullopt); };
    if (!op.skip_wait) return all();
    InBackground(all);
    return absl::OkStatus();
  }
  const auto one_by_one = [this, pods = target_.pods().Pods(filter), index,
                           period = absl::Seconds(1) / op.per_second]() -> absl::Status {
    absl::Status status;
    if (pods.empty()) return status;
    Tick(period, [&](int64_t i) {
      const auto& metadata = pods[static_cast<size_t>(i)]->metadata();
      const absl::Status deleted = target_.Delete(api::ResourceOf<Pod>(), metadata.namespace_(),
                                                  metadata.name(), std::nullopt);
      if (!deleted.ok()) {
        status.Update(absl::Status(
            deleted.code(), fmt::format("op {}: unable to delete pod {}: {}", index,
                                        metadata.name(), ToStd(deleted.message()))));
      }
      return i + 1 < std::ssize(pods);
    });
    return status;
  };
  if (!op.skip_wait) return one_by_one();
  InBackground(one_by_one);
  return absl::OkStatus();
}

// Creates an object in the slot, or deletes the one that is there. refused: counts what could not
// be created; the slot stays empty then, as upstream.
absl::Status Run::ChurnSlot(const ObjectTemplate& from, const std::string& space, size_t index,
                            std::string& slot, int64_t& refused) {
  const api::Resource& resource = from.resource();
  const std::string in = resource.namespaced ? space : std::string();
  if (!slot.empty()) {
    const absl::Status status = target_.Delete(resource, in, slot, std::nullopt);
    if (!status.ok()) {
      return absl::Status(status.code(), fmt::format("op {}: unable to delete {}: {}", index, slot,
                                                     ToStd(status.message())));
    }
    slot.clear();
    return absl::OkStatus();
  }
  BERTH_ASSIGN_OR_RETURN(MutableObject object, from.Make(0, 1));
  Name(*object, "churn-", index);
  if (resource.namespaced) api::MutableMeta(*object).set_namespace_(space);
  std::string name = api::MetaOf(*object).name();
  std::vector<ObjectPtr> one;
  one.push_back(std::move(object));
  const absl::Status created = target_.Create(resource, std::move(one));
  if (created.ok()) {
    slot = std::move(name);
    absl::MutexLock lock(&mutex_);
    ++churned_;
  } else if (refused++ == 0) {
    Say(fmt::format("op {}: churn goes without what cannot be created: {}", index,
                    ToStd(created.message())));
  }
  return absl::OkStatus();
}

absl::Status Run::Churn(const Op& op, size_t index) {
  const std::string space =
      op.namespace_name.empty() ? fmt::format("namespace-{}", index) : op.namespace_name;
  BERTH_RETURN_IF_ERROR(EnsureNamespace(space));
  auto templates = std::make_shared<std::vector<ObjectTemplate>>();
  for (const std::string& path : op.template_paths) {
    BERTH_ASSIGN_OR_RETURN(ObjectTemplate from, ObjectTemplate::Read(paths_, path, nullptr));
    BERTH_RETURN_IF_ERROR(target_.Serves(from.resource()));
    templates->push_back(std::move(from));
  }
  InBackground([this, &op, space, index, templates]() -> absl::Status {
    const size_t slots_each = op.recreate ? static_cast<size_t>(op.number) : 1;
    std::vector<std::string> slots(templates->size() * slots_each);
    absl::Status status;
    int64_t refused = 0;
    Tick(absl::Milliseconds(op.interval_ms), [&](int64_t tick) {
      for (size_t i = 0; i < templates->size(); ++i) {
        std::string& slot = slots[i * slots_each + static_cast<size_t>(tick) % slots_each];
        if (!op.recreate) slot.clear();
        status.Update(ChurnSlot((*templates)[i], space, index, slot, refused));
      }
      return op.recreate || op.number == 0 || tick + 1 < op.number;
    });
    return status;
  });
  return absl::OkStatus();
}

// Batches of `count` pods: each is deleted when all of it were seen scheduled, and the next comes.
absl::Status Run::SteadyState(const Op& op, size_t index, int64_t count,
                              const std::string& space) {
  BERTH_ASSIGN_OR_RETURN(const absl::Duration duration, ResolveDuration(op, workload_));
  if (duration <= absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "when creating pods in a steady state, the test duration must be > 0");
  }
  if (count == 0) return absl::InvalidArgumentError("a steady state needs pods");
  BERTH_ASSIGN_OR_RETURN(const ObjectTemplate from, PodTemplate(op));
  const PodFilter filter{{space}, {}};
  const auto counter = target_.pods().Count(filter);
  const absl::Time end = Now() + duration;
  int64_t batches = 0;
  while (Now() < end) {
    BERTH_RETURN_IF_ERROR(CreateVolumes(op, batches == 0 ? count : 0, space));
    BERTH_ASSIGN_OR_RETURN(std::vector<ObjectPtr> pods, MakePods(op, index, from, count, space));
    BERTH_RETURN_IF_ERROR(target_.Create(api::ResourceOf<Pod>(), std::move(pods)));
    ++batches;
    const auto reached = [&](const PodCounts& counts) {
      return counts.bindings >= batches * count;
    };
    if (!target_.pods().Await(*counter, reached, end - Now())) break;
    BERTH_RETURN_IF_ERROR(target_.DeletePods(filter, 0));
  }
  const int64_t scheduled = target_.pods().Counts(*counter).bindings;
  Say(fmt::format("{} pods scheduled in {}", scheduled, absl::FormatDuration(duration)));
  if (scheduled > 0) return absl::OkStatus();
  return absl::DeadlineExceededError(
      "no pod at all got scheduled, either because of a problem or because the test interval was "
      "too small");
}

}  // namespace berth::bench
