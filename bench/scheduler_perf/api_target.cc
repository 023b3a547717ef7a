#include "bench/scheduler_perf/api_target.h"

#include <algorithm>
#include <functional>
#include <set>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/scheduling_v1.pb.h"
#include "base/strings.h"
#include "base/thread_executor.h"
#include "client/api_client.h"
#include "client/informer.h"

namespace berth::bench {
namespace {

using api::core::Pod;

// A resource that the server does not know yet is asked for again, as upstream does.
constexpr int kCreateTries = 20;
constexpr absl::Duration kCreatePause = absl::Seconds(1);

class ApiTarget final : public Target {
 public:
  ApiTarget(client::Transport& transport, ApiTargetOptions options)
      : options_(std::move(options)),
        executor_("bench"),
        client_(transport, executor_,
                {.user_agent = "berth-bench",
                 .qps = options_.qps,
                 .burst = static_cast<int>(options_.qps)}) {
    executor_.Run([this] {
      informer_ = std::make_unique<client::Informer>(client_, api::ResourceOf<Pod>());
      informer_->AddHandler([this](const client::InformerEvent& event) { OnPod(event); });
      informer_->Start();
    });
  }

  ~ApiTarget() override {
    executor_.Run([this] { informer_.reset(); });
    executor_.Stop();
  }

  std::string_view Name() const override { return options_.name; }

  absl::Status Serves(const api::Resource& resource) const override {
    const auto& kinds = options_.serves;
    const bool served =
        kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](const api::Resource& kind) {
          return kind.plural == resource.plural && kind.group == resource.group;
        });
    if (served) return absl::OkStatus();
    return absl::UnimplementedError(fmt::format("the API server of target {} has no {} (yet)",
                                                options_.name, resource.qualified()));
  }

  absl::Status Create(const api::Resource& resource, std::vector<ObjectPtr> objects) override {
    const bool pods = &resource == &api::ResourceOf<Pod>();
    const bool spaces = &resource == &api::ResourceOf<api::core::Namespace>();
    absl::Status status = pods ? UsePriorityClasses(objects) : absl::OkStatus();
    if (!status.ok()) return status;
    for (int attempt = 0; attempt < kCreateTries; ++attempt) {
      status = ForAll(objects.size(), [&](size_t i, auto done) {
        const auto& metadata = api::MetaOf(*objects[i]);
        if (pods) ledger_.Created(metadata.namespace_(), metadata.name(), Now());
        CreateOne(resource, objects[i], std::move(done));
      });
      if (objects.size() > 1 || !absl::IsNotFound(status)) break;
      absl::SleepFor(kCreatePause);
    }
    if (!spaces || !api::IsAlreadyExists(status)) return status;
    for (const ObjectPtr& space : objects) {
      status = HaveNamespace(space);
      if (!status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Update(const api::Resource& resource, ObjectPtr object,
                      std::string_view subresource) override {
    return ForAll(1, [&](size_t, auto done) {
      client_.Update(resource, *object, subresource,
                     [done = std::move(done)](auto made) mutable { done(made.status()); });
    });
  }

  absl::Status Delete(const api::Resource& resource, std::string_view namespace_,
                      std::string_view name, std::optional<int64_t> grace_s) override {
    return ForAll(1, [&](size_t, auto done) {
      client_.Delete(resource, namespace_, name, {.grace_period_s = grace_s.value_or(-1)},
                     std::move(done));
    });
  }

  absl::Status DeletePods(const PodFilter& filter, std::optional<int64_t> grace_s) override {
    const std::vector<PodLedger::PodPtr> pods = ledger_.Pods(filter);
    return ForAll(pods.size(), [&](size_t i, auto done) {
      const auto& metadata = pods[i]->metadata();
      client_.Delete(api::ResourceOf<Pod>(), metadata.namespace_(), metadata.name(),
                     {.grace_period_s = grace_s.value_or(-1)}, IgnoreNotFound(std::move(done)));
    });
  }

  absl::StatusOr<std::vector<ObjectPtr>> List(const api::Resource& resource,
                                              std::string_view namespace_) override {
    std::vector<ObjectPtr> out;
    const absl::Status status = ForAll(1, [&](size_t, auto done) {
      client_.List(resource, namespace_, {}, [&out, done = std::move(done)](auto list) mutable {
        if (list.ok()) out = std::move(list->items);
        done(list.status());
      });
    });
    if (!status.ok()) return status;
    return out;
  }

  PodLedger& pods() override { return ledger_; }
  std::string MetricsText() override { return {}; }

  // Deletes what was made here and nothing else, the newest first; pods at once.
  absl::Status Clear() override {
    std::vector<Made> made;
    {
      absl::MutexLock lock(&mutex_);
      made.swap(made_);
    }
    {
      absl::MutexLock lock(&classes_mutex_);
      priority_classes_.clear();
    }
    std::reverse(made.begin(), made.end());
    const absl::Status status = ForAll(made.size(), [&](size_t i, auto done) {
      const bool pod = made[i].resource == &api::ResourceOf<Pod>();
      client_.Delete(*made[i].resource, made[i].namespace_name, made[i].name,
                     {.grace_period_s = pod ? 0 : -1}, IgnoreNotFound(std::move(done)));
    });
    ledger_.Clear();
    return status;
  }

 private:
  struct Made {
    const api::Resource* resource;
    std::string namespace_name, name;
  };

  void Remember(const api::Resource& resource, const api::meta::ObjectMeta& made) {
    absl::MutexLock lock(&mutex_);
    made_.push_back({&resource, made.namespace_(), made.name()});
  }

  absl::Time Now() { return executor_.clock().Now(); }

  template <typename Answer>
  void CreateOne(const api::Resource& resource, const ObjectPtr& object, Answer done) {
    client_.CreateOnly(resource, api::MetaOf(*object).namespace_(), *object,
                       [this, &resource, object,
                        done = std::move(done)](const absl::Status& made) mutable {
                         if (made.ok()) Remember(resource, api::MetaOf(*object));
                         done(made);
                       });
  }

  // NotFound: there is none.
  absl::StatusOr<bool> IsTerminating(const std::string& space) {
    bool terminating = false;
    const absl::Status status = ForAll(1, [&](size_t, auto done) {
      client_.Get(api::ResourceOf<api::core::Namespace>(), {}, space,
                  [&terminating, done = std::move(done)](auto held) mutable {
                    terminating = held.ok() && api::MetaOf(**held).has_deletion_timestamp();
                    done(held.status());
                  });
    });
    if (!status.ok()) return status;
    return terminating;
  }

  // One of an earlier run may be on its way out still: then it is made anew when it is gone.
  absl::Status HaveNamespace(const ObjectPtr& space) {
    const std::string& name = api::MetaOf(*space).name();
    absl::StatusOr<bool> terminating = IsTerminating(name);
    for (const absl::Time until = Now() + options_.terminating_max;
         terminating.ok() && *terminating; terminating = IsTerminating(name)) {
      if (Now() >= until) {
        return absl::FailedPreconditionError(fmt::format(
            "namespace {} of an earlier run is being terminated, for more than {} now: does a "
            "namespace controller run in this cluster?",
            name, absl::FormatDuration(options_.terminating_max)));
      }
      absl::SleepFor(std::min(kCreatePause, options_.terminating_max));
    }
    if (!absl::IsNotFound(terminating.status())) return terminating.status();
    const absl::Status made = ForAll(1, [&](size_t, auto done) {
      CreateOne(api::ResourceOf<api::core::Namespace>(), space, std::move(done));
    });
    return api::IsAlreadyExists(made) ? absl::OkStatus() : made;
  }

  template <typename Answer>
  static client::Done IgnoreNotFound(Answer done) {
    return [done = std::move(done)](const absl::Status& status) mutable {
      done(absl::IsNotFound(status) ? absl::OkStatus() : status);
    };
  }

  // Servers take a priority by its class only; upstream's rig has that admission switched off.
  absl::Status UsePriorityClasses(std::vector<ObjectPtr>& pods) {
    for (ObjectPtr& object : pods) {
      const auto& spec = static_cast<const Pod&>(*object).spec();
      if (!spec.has_priority() || !spec.priority_class_name().empty()) continue;
      const std::string name = fmt::format("berth-bench-{}", spec.priority());
      const absl::Status status = HavePriorityClass(name, spec.priority());
      if (!status.ok()) return status;
      auto pod = std::make_shared<Pod>(static_cast<const Pod&>(*object));
      pod->mutable_spec()->set_priority_class_name(name);
      object = std::move(pod);
    }
    return absl::OkStatus();
  }

  // Others who want it meanwhile wait until it is there.
  absl::Status HavePriorityClass(const std::string& name, int32_t value) {
    absl::MutexLock lock(&classes_mutex_);
    if (priority_classes_.contains(name)) return absl::OkStatus();
    auto made = std::make_shared<api::scheduling_v1::PriorityClass>();
    made->mutable_metadata()->set_name(name);
    made->set_value(value);
    const absl::Status status =
        Create(api::ResourceOf<api::scheduling_v1::PriorityClass>(), {std::move(made)});
    if (!status.ok() && !api::IsAlreadyExists(status)) return status;
    priority_classes_.insert(name);
    return absl::OkStatus();
  }

  void OnPod(const client::InformerEvent& event) {
    if (event.new_object != nullptr) {
      return ledger_.Seen(std::static_pointer_cast<const Pod>(event.new_object), Now());
    }
    const auto& metadata = api::MetaOf(*event.old_object);
    ledger_.Gone(metadata.namespace_(), metadata.name(), Now());
  }

  // Sends requests 0..count-1, options_.requests_in_flight at a time; the first failure stops the
  // sending. Blocks until all that were sent are answered.
  template <typename Send>
  absl::Status ForAll(size_t count, Send send) {
    struct Progress {
      size_t next = 0, in_flight = 0;
      absl::Status failure;
      absl::Notification finished;
    } progress;
    if (count == 0) return absl::OkStatus();
    std::function<void()> pump = [&] {  // on the executor
      while (progress.in_flight < static_cast<size_t>(options_.requests_in_flight) &&
             progress.next < count && progress.failure.ok()) {
        ++progress.in_flight;
        send(progress.next++, [&](const absl::Status& status) {
          --progress.in_flight;
          if (!status.ok() && progress.failure.ok()) progress.failure = status;
          pump();
        });
      }
      const bool exhausted = progress.next == count || !progress.failure.ok();
      if (exhausted && progress.in_flight == 0 && !progress.finished.HasBeenNotified()) {
        progress.finished.Notify();
      }
    };
    executor_.Post([&pump] { pump(); });
    progress.finished.WaitForNotification();
    executor_.Run([] {});  // the last pump has returned
    return progress.failure;
  }

  const ApiTargetOptions options_;
  PodLedger ledger_;
  absl::Mutex mutex_;
  std::vector<Made> made_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex classes_mutex_ ABSL_ACQUIRED_BEFORE(mutex_);
  std::set<std::string> priority_classes_ ABSL_GUARDED_BY(classes_mutex_);
  ThreadExecutor executor_;
  client::ApiClient client_;
  std::unique_ptr<client::Informer> informer_;
};

}  // namespace

std::unique_ptr<Target> MakeApiTarget(client::Transport& transport, ApiTargetOptions options) {
  return std::make_unique<ApiTarget>(transport, std::move(options));
}

}  // namespace berth::bench
