// Run: one workload under way. Internal to the runner: operations.cc creates and updates objects,
// background.cc has what goes on while other operations run, devices.cc claims and their devices,
// offered_load.cc pods that come at a rate.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <absl/base/thread_annotations.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/synchronization/mutex.h>
#include <absl/synchronization/notification.h>

#include "base/random.h"
#include "bench/scheduler_perf/object_template.h"
#include "bench/scheduler_perf/runner.h"

namespace berth::bench {

// Threads: the runner's; members say so where background threads use them.
class Run {
 public:
  Run(const WorkloadFile& file, const TestCase& test_case, const Workload& workload,
      Target& target, const RunOptions& options);
  ~Run();
  absl::StatusOr<WorkloadResult> Execute();

 private:
  // runner.cc
  absl::Status Do(const Op& op, size_t index);
  absl::Status Barrier(const Op& op);
  absl::Status Sleep(const Op& op);
  absl::Status StartCollecting(const std::string& name, PodFilter filter);
  absl::Status StopCollecting();
  absl::Status AddPlacement(Measurement& measurement);
  // What was used so far is not the measured pods': they were only made ready.
  void ForgetCpu();
  // `count` pods that match are scheduled, or attempted.
  absl::Status Await(const PodFilter& filter, int64_t count, bool attempted);
  absl::Status EnsureNamespace(const std::string& name);
  void Summarize();
  void Say(const std::string& text);
  absl::Time Now() const { return options_.clock->Now(); }

  // operations.cc
  absl::Status CreateNodes(const Op& op, size_t index);
  absl::Status Prepare(const NodeStrategy& strategy, size_t node_index, api::core::Node& node);
  absl::Status CreateCsiNodes(const NodeStrategy& strategy,
                              const std::vector<std::string>& nodes);
  absl::Status CreateNamespaces(const Op& op);
  absl::Status CreatePods(const Op& op, size_t index);
  // Creates them all at once and waits, unless the op says otherwise.
  absl::Status CreateAndAwait(const Op& op, size_t index, int64_t count, const std::string& space);
  absl::Status CreatePodSets(const Op& op, size_t index);
  absl::Status CreateAny(const Op& op);
  absl::Status UpdateAny(const Op& op);
  absl::Status UpdateOne(const Op& op, const ObjectTemplate& from, int64_t index, int64_t count);
  absl::StatusOr<ObjectTemplate> PodTemplate(const Op& op) const;
  // Ready to be created, with their volumes where the op has some.
  absl::StatusOr<std::vector<ObjectPtr>> MakePods(const Op& op, size_t index,
                                                  const ObjectTemplate& from, int64_t count,
                                                  const std::string& space);
  absl::Status CreateVolumes(const Op& op, int64_t count, const std::string& space);
  // The object's namespace is the op's; errors: where the two do not go together.
  static absl::Status SetNamespace(const Op& op, const api::Resource& resource,
                                   google::protobuf::Message& object);
  // A name of its own for an object without one; default_prefix: when it has no generateName.
  void Name(google::protobuf::Message& object, const std::string& default_prefix, size_t index);

  // background.cc
  absl::Status SteadyState(const Op& op, size_t index, int64_t count, const std::string& space);
  absl::Status DeletePods(const Op& op, size_t index);
  absl::Status Churn(const Op& op, size_t index);
  absl::Status ChurnSlot(const ObjectTemplate& from, const std::string& space, size_t index,
                         std::string& slot, int64_t& refused);
  // Calls `act` with 0, 1, 2, ... once in a period (at once when it is zero) until it says false,
  // or the workload ends.
  void Tick(absl::Duration period, const std::function<bool(int64_t)>& act);
  void InBackground(std::function<absl::Status()> work);
  void StopBackground();

  // offered_load.cc: the pods of an op that measures, at options_.rate; fills offer_.
  absl::Status OfferPods(const Op& op, size_t index, const std::string& space);

  // devices.cc
  absl::Status CreateResourceClaims(const Op& op);
  absl::Status CreateResourceDriver(const Op& op);
  absl::Status AllocResourceClaims(const Op& op);

  const WorkloadFile& file_;
  const TestCase& case_;
  const Workload& workload_;
  Target& target_;
  const RunOptions& options_;
  const TemplatePaths paths_;
  Random random_;
  std::set<std::string> namespaces_;
  // Pods created without waiting, since the last barrier.
  std::map<std::string, int64_t> awaited_;
  std::unique_ptr<Collection> collection_;
  absl::Duration cpu_before_;   // when the collection began, see ForgetCpu
  std::optional<Offer> offer_;  // of the collection
  WorkloadResult result_;

  absl::Notification ending_;
  std::vector<std::thread> background_;
  absl::Mutex mutex_;
  int64_t named_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t churned_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status background_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace berth::bench
