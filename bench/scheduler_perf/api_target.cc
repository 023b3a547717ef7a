#include "bench/scheduler_perf/api_target.h"

#include <algorithm>
#include <set>

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "base/thread_executor.h"
#include "bench/scheduler_perf/pod_ledger.h"
#include "client/api_client.h"
#include "client/informer.h"

namespace berth::bench {
namespace {

class ApiTarget final : public Target {
 public:
  ApiTarget(client::Transport& transport, ApiTargetOptions options)
      : options_(std::move(options)),
        executor_("bench"),
        client_(transport, executor_, {.user_agent = "berth-bench"}) {
    executor_.Run([this] {
      pods_ = std::make_unique<client::Informer>(client_, api::ResourceOf<api::core::Pod>());
      pods_->AddHandler([this](const client::InformerEvent& event) { OnPod(event); });
      pods_->Start();
    });
  }

  ~ApiTarget() override {
    executor_.Run([this] { pods_.reset(); });
    executor_.Stop();
  }

  std::string_view Name() const override { return options_.name; }

  absl::Status CreateNamespace(const api::core::Namespace& namespace_) override {
    absl::Status status = CreateAll<api::core::Namespace>({namespace_});
    if (status.ok()) made_namespaces_.insert(namespace_.metadata().name());
    return api::IsAlreadyExists(status) ? absl::OkStatus() : status;
  }

  absl::Status CreateNodes(const std::vector<api::core::Node>& nodes) override {
    for (const auto& node : nodes) nodes_.insert(node.metadata().name());
    return CreateAll(nodes);
  }

  absl::Status CreatePods(const std::vector<api::core::Pod>& pods) override {
    for (const auto& pod : pods) namespaces_.insert(pod.metadata().namespace_());
    return CreateAll(pods);
  }

  int64_t Scheduled(std::string_view namespace_) const override {
    return ledger_.Scheduled(namespace_);
  }
  bool AwaitScheduled(std::string_view namespace_, int64_t count, absl::Time deadline) override {
    return ledger_.Await(namespace_, count, deadline - executor_.clock().Now());
  }
  std::vector<PodTimes> Times(std::string_view namespace_) const override {
    return ledger_.Times(namespace_);
  }
  std::map<std::string, int64_t> PodsPerNode() const override { return ledger_.PodsPerNode(); }

  // Deletes the pods, then the nodes this target made.
  absl::Status Clear() override {
    std::vector<std::pair<std::string, std::string>> pods;
    executor_.Run([&] {
      pods_->ForEach({}, [&](const client::ObjectPtr& object) {
        const auto& metadata = static_cast<const api::core::Pod&>(*object).metadata();
        if (namespaces_.contains(metadata.namespace_())) {
          pods.emplace_back(metadata.namespace_(), metadata.name());
        }
      });
    });
    absl::Status status = ForAll(pods.size(), [&](size_t i, auto done) {
      client::DeleteOptions now;
      now.grace_period_s = 0;
      client_.Delete(api::ResourceOf<api::core::Pod>(), pods[i].first, pods[i].second, now,
                     std::move(done));
    });
    const std::vector<std::string> nodes(nodes_.begin(), nodes_.end());
    absl::Status node_status = ForAll(nodes.size(), [&](size_t i, auto done) {
      client_.Delete(api::ResourceOf<api::core::Node>(), {}, nodes[i], {}, std::move(done));
    });
    const std::vector<std::string> made(made_namespaces_.begin(), made_namespaces_.end());
    status.Update(node_status);
    status.Update(ForAll(made.size(), [&](size_t i, auto done) {
      client_.Delete(api::ResourceOf<api::core::Namespace>(), {}, made[i], {}, std::move(done));
    }));
    nodes_.clear();
    namespaces_.clear();
    made_namespaces_.clear();
    ledger_.Clear();
    return status;
  }

 private:
  void OnPod(const client::InformerEvent& event) {
    if (event.new_object == nullptr) return;
    const auto& pod = static_cast<const api::core::Pod&>(*event.new_object);
    if (pod.spec().node_name().empty()) return;
    ledger_.Scheduled(pod.metadata().namespace_(), pod.metadata().name(), pod.spec().node_name(),
                      executor_.clock().Now());
  }

  template <typename T>
  absl::Status CreateAll(const std::vector<T>& objects) {
    const api::Resource& resource = api::ResourceOf<T>();
    return ForAll(objects.size(), [&](size_t i, auto done) {
      const auto& metadata = objects[i].metadata();
      if constexpr (std::is_same_v<T, api::core::Pod>) {
        ledger_.Created(metadata.namespace_(), metadata.name(), executor_.clock().Now());
      }
      client_.Create(resource, metadata.namespace_(), objects[i],
                     [done = std::move(done)](auto made) mutable { done(made.status()); });
    });
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
  std::set<std::string> nodes_, namespaces_;
  std::set<std::string> made_namespaces_;  // of namespaces_, those that were not there before
  ThreadExecutor executor_;
  client::ApiClient client_;
  std::unique_ptr<client::Informer> pods_;
};

}  // namespace

std::unique_ptr<Target> MakeApiTarget(client::Transport& transport, ApiTargetOptions options) {
  return std::make_unique<ApiTarget>(transport, std::move(options));
}

}  // namespace berth::bench
