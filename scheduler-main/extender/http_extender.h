// HttpExtender: an extender that is asked over HTTP, in upstream's protocol.
// Source: kube-scheduler extender.go; framework.md section 6.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/wire.h"
#include "base/executor.h"
#include "base/strings.h"
#include "client/transport.h"
#include "framework/extender.h"
#include "scheduler-main/config.h"

namespace berth::scheduler {

// Errors of every call: `failed VERB with extender at URL ..., code N`, what the extender says went
// wrong, no answer within httpTimeout, an answer that is not of the protocol.
// Calls beyond 8 wait for their turn, and their time counts from then.
// Threads: the executor; answers are parsed on the transport's thread.
class HttpExtender final : public framework::Extender {
 public:
  // executor must outlive it and the transport's threads.
  HttpExtender(ExtenderSection section, std::unique_ptr<client::Transport> transport,
               Executor& executor);

  std::string_view name() const override { return section_.url_prefix; }
  bool filters() const override { return !section_.filter_verb.empty(); }
  bool prioritizes() const override { return !section_.prioritize_verb.empty(); }
  bool binds() const override { return !section_.bind_verb.empty(); }
  bool preempts() const override { return !section_.preempt_verb.empty(); }
  bool ignorable() const override { return section_.ignorable; }
  int64_t weight() const override { return section_.weight; }
  // Every pod, or those with a request or limit of a managed resource.
  bool IsInterested(const framework::PodInfo& pod) const override;

  void Filter(const framework::PodPtr& pod, std::vector<framework::NodePtr> nodes, bool urgent,
              FilterDone done) override;
  void Prioritize(const framework::PodPtr& pod, std::vector<framework::NodePtr> nodes,
                  bool urgent, PrioritizeDone done) override;
  void Bind(const framework::PodPtr& pod, std::string_view node, BindDone done) override;
  void Preempt(const framework::PodPtr& pod,
               std::vector<framework::PreemptionCandidate> candidates, PreemptDone done) override;

 private:
  // answer: runs on the transport's thread, and gives the task that tells the caller.
  using Answer = absl::AnyInvocable<Task(absl::StatusOr<std::string_view>)>;
  struct Call {
    std::string verb;
    std::function<std::string()> body;  // made when it is sent
    Answer answer;
    bool urgent = false;  // before those that wait already
  };
  void Send(Call call);
  void SendNow(Call call);
  // keeps: the JSON of these nodes will be wanted again.
  std::string Args(const framework::PodInfo& pod, const std::vector<framework::NodePtr>& nodes,
                   bool keeps);

  const ExtenderSection section_;
  Executor& executor_;
  StringSet managed_;
  // The JSON of nodes as they were when last sent to be filtered.
  StringMap<std::pair<framework::NodePtr, std::string>> printed_;
  size_t most_nodes_ = 0;  // of any question
  std::deque<Call> waiting_;
  int in_flight_ = 0;
  Lifetime lifetime_;
  std::unique_ptr<client::Transport> transport_;  // goes first: it calls back
};

// How an extender is reached; by default over sockets, with its TLS settings.
using ExtenderTransport =
    std::function<absl::StatusOr<std::unique_ptr<client::Transport>>(const ExtenderSection&)>;

// Those of the configuration, the ignorable ones behind the others. Errors: InvalidArgument for a
// bad URL or certificates, those of client::ReadFile.
absl::StatusOr<framework::Extenders> MakeExtenders(const Configuration& config, Executor& executor,
                                                   const ExtenderTransport& transport);

}  // namespace berth::scheduler
