// LoadGenerator: creates pods through the API and watches what becomes of them.
//
// One watch of the namespace tells when each pod is bound and runs; times are this side's clock.
// Creations in flight are bounded; one that fails for the server's or the connection's sake is sent
// again under the same name, so that the number of pods is exact.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>

#include "base/executor.h"
#include "base/strings.h"
#include "client/api_client.h"
#include "client/reflector.h"
#include "cluster/up/load_report.h"

namespace berth::up {

struct LoadStep {
  std::string prefix;                            // pods are PREFIX-00001, ...
  int64_t pods = 0;
  std::vector<std::string> schedulers;           // taken in turn
  std::map<std::string, std::string> requests;   // of the one container
};

struct LoadProgress {
  int64_t created = 0, bound = 0, running = 0;   // of the step
  absl::Status failure;                          // a creation was refused for good
};

// Threads: the client's executor only, construction and destruction included.
class LoadGenerator final : private client::ReflectorTarget {
 public:
  LoadGenerator(client::ApiClient& client, std::string namespace_, int64_t in_flight_max);
  ~LoadGenerator();

  // Makes the namespace if need be and starts watching; `ready` when the first list is there.
  void Start(absl::AnyInvocable<void(absl::Status)> ready);
  // One step at a time; a new one forgets the observations of the one before.
  void Begin(LoadStep step);
  LoadProgress progress() const { return progress_; }
  // The observations of the step, in order of creation.
  std::vector<PodTimes> Take();

 private:
  void Replace(std::vector<client::ObjectPtr> objects, int64_t revision) override;
  void Apply(client::WatchFrame::Type type, client::ObjectPtr object, int64_t revision) override;
  void Advance(int64_t) override {}
  void See(const client::ObjectPtr& object);
  void Pump();
  void CreateOne(int64_t index);

  client::ApiClient& client_;
  const std::string namespace_;
  const int64_t in_flight_max_;
  std::unique_ptr<client::Reflector> reflector_;
  absl::AnyInvocable<void(absl::Status)> ready_;
  LoadStep step_;
  int64_t next_ = 0;
  int64_t in_flight_ = 0;
  std::vector<PodTimes> times_;
  StringMap<int64_t> index_;   // by pod name
  LoadProgress progress_;
  Lifetime lifetime_;
};

// Every node with what is requested on it by pods that have not ended, added up on this side.
void ListNodeUse(client::ApiClient& client,
                 absl::AnyInvocable<void(absl::StatusOr<std::vector<NodeUse>>)> done);

// What /metrics of the server says: bindings answered with 409, ever.
void ReadBindingConflicts(client::Transport& transport, Executor& executor,
                          absl::AnyInvocable<void(absl::StatusOr<int64_t>)> done);
// The same from the text itself.
int64_t BindingConflictsIn(std::string_view metrics);

}  // namespace berth::up
