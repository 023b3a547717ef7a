// PodRunner: the pods of all nodes of one process, from bound to gone.
//
//   informer --Upsert--> record --admission--> Advance (pod_lifecycle.h) --timer--> Advance ...
//                           |                        |
//                           +-- status differs ------+--> one status write in flight a pod
//                           +-- stopped, or ended and deleted --> DELETE grace 0, uid
//
// What is written is always the newest state, so that steps which follow each other quickly cost
// one write: "Pending" is only reported when the containers are not about to start. A write says
// which version it was made from; on a conflict the pod is read again. Nothing is written that the
// API says already. A pod that appears under a name with another uid is another pod.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/time/time.h>

#include "api/fwd.h"
#include "base/executor.h"
#include "base/strings.h"
#include "client/api_client.h"
#include "cluster/node/admission.h"
#include "cluster/node/node_table.h"
#include "cluster/node/pod_lifecycle.h"
#include "cluster/node/request_pump.h"

namespace berth::node {

struct PodRunnerOptions {
  LifecycleOptions lifecycle;
  // A stage that ends within this time is not reported by itself.
  absl::Duration report_after = absl::Seconds(1);
  int64_t in_flight_max = 64;
};

// Any thread may read it.
struct PodCounters {
  std::atomic<int64_t> pods{0};           // on our nodes, of any phase
  std::atomic<int64_t> running{0};
  std::atomic<int64_t> succeeded{0};
  std::atomic<int64_t> failed{0};         // refused ones too
  std::atomic<int64_t> seen{0};           // ever: pods that came to our nodes anew
  std::atomic<int64_t> started{0};        // ever: reached running
  std::atomic<int64_t> refused{0};        // ever
  std::atomic<int64_t> status_writes{0};  // ever
  std::atomic<int64_t> deleted{0};        // ever: by us
  std::atomic<int64_t> conflicts{0};      // ever: writes that met a newer version
};

// Threads: none; everything on the executor, except counters().
class PodRunner {
 public:
  PodRunner(Executor& executor, client::ApiClient& client, NodeTable& table,
            PodRunnerOptions options);
  ~PodRunner();

  using PodPtr = std::shared_ptr<const api::core::Pod>;
  // From the pod informer. Pods of other nodes are ignored, and versions older than one seen.
  void Upsert(PodPtr pod);
  void Removed(const api::core::Pod& pod);
  // A complete list: what is not in it is gone.
  void Replace(std::vector<PodPtr> pods);
  // The first list is complete and the nodes are known: begins. Pods that a node had accepted
  // before come first, then the others by age, so that a restart turns nobody away.
  void Start();

  const PodCounters& counters() const { return counters_; }
  // Nothing is waiting to be written, and no timer will ever fire (tests).
  bool Quiet() const;

 private:
  struct Record;
  using RecordPtr = std::shared_ptr<Record>;

  void Accept(Record& record);
  void Work(const RecordPtr& record);
  void Arm(const RecordPtr& record, absl::Time when);
  void Release(Record& record);
  void Forget(Record& record);
  void Count(Record& record);
  void CountStage(Stage stage, int64_t by);
  api::core::PodStatus Wanted(Record& record);
  bool WorthWriting(const Record& record, absl::Time next) const;
  void QueueWrite(const RecordPtr& record);
  void WriteStatus(const RecordPtr& record, RequestPump::Done done);
  void Reread(const RecordPtr& record, RequestPump::Done done);
  void TakeAnswer(const RecordPtr& record, PodPtr pod);
  void QueueDelete(const RecordPtr& record);
  void Delete(const RecordPtr& record, RequestPump::Done done);

  Executor& executor_;
  client::ApiClient& client_;
  NodeTable& table_;
  const PodRunnerOptions options_;
  RequestPump pump_;
  StringMap<RecordPtr> records_;  // by "namespace/name"
  bool started_ = false;
  PodCounters counters_;
  Lifetime lifetime_;
};

}  // namespace berth::node
