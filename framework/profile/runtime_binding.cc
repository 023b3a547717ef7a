// The asynchronous half of Runtime: PreBind groups and Bind.
#include <memory>

#include <fmt/core.h>

#include "api/errors.h"
#include "framework/profile/point_timer.h"
#include "framework/profile/runtime.h"

namespace berth::framework {
namespace {

Status BindingFailed(std::string_view what, std::string_view plugin, const Status& status) {
  return Error(fmt::format("running {} plugin {}: {}", what, api::GoQuoted(plugin),
                           status.Message()))
      .WithPlugin(plugin);
}

// Plugins may complete from any thread; we go on here, at once when that is where we are.
// A completion that comes after the runtime is gone does nothing.
StatusDone Here(Executor& executor, Lifetime::Watcher alive, StatusDone done) {
  return [&executor, alive = std::move(alive), done = std::move(done)](Status status) mutable {
    if (executor.IsCurrent()) {
      if (!alive.expired()) done(std::move(status));
      return;
    }
    executor.Post([alive, done = std::move(done), status = std::move(status)]() mutable {
      if (!alive.expired()) done(std::move(status));
    });
  };
}

// One run through the PreBind plugins: group after group.
struct PreBindRun : std::enable_shared_from_this<PreBindRun> {
  const Profile* profile = nullptr;
  Executor* executor = nullptr;
  Lifetime::Watcher alive;
  CycleState* state = nullptr;
  PodPtr pod;
  std::string node;
  Runtime::PreFlight flight;
  StatusDone done;
  size_t next = 0;      // the first plugin that is in no group yet
  size_t pending = 0;   // of the group under way
  Status failure;       // the first of the group

  void NextGroup() {
    const auto& plugins = profile->pre_bind;
    std::vector<size_t> group;
    while (next < plugins.size()) {
      const PreBindPreFlightResult& result = flight.results[next];
      const bool runs = !result.status.IsSkip();
      if (!result.allow_parallel) {
        if (!group.empty()) break;  // it ends the group, skipped or not
        ++next;
        if (!runs) continue;
        group.push_back(next - 1);
        break;
      }
      if (runs) group.push_back(next);
      ++next;
    }
    if (group.empty()) return done(Success());
    pending = group.size();
    for (size_t index : group) {
      const auto& entry = plugins[index];
      entry.plugin->PreBind(
          *state, *pod, node,
          Here(*executor, alive, [self = shared_from_this(), name = entry.name](Status status) {
            self->Ended(name, status);
          }));
    }
  }

  void Ended(std::string_view plugin, const Status& status) {
    if (!status.ok() && failure.ok()) {
      failure = status.IsRejected() ? status.WithPlugin(plugin)
                                    : BindingFailed("PreBind", plugin, status);
    }
    if (--pending > 0) return;
    if (!failure.ok()) return done(failure);
    NextGroup();
  }
};

}  // namespace

Runtime::PreFlight Runtime::RunPreBindPreFlight(CycleState& state, const PodInfo& pod,
                                                std::string_view node) const {
  PointTimer timer(metrics_, clock_, "PreBindPreFlight", profile_.name());
  PreFlight flight;
  bool work = false;
  for (const auto& entry : profile_.pre_bind) {
    PreBindPreFlightResult result = entry.plugin->PreBindPreFlight(state, pod, node);
    const Code code = result.status.code();
    if (code == Code::kError) {
      flight.status = timer.Ended(
          Error(fmt::format("running PreBindPreFlight {}: {}", api::GoQuoted(entry.name),
                            result.status.Message())));
      return flight;
    }
    if (code != Code::kSuccess && code != Code::kSkip) {
      flight.status = timer.Ended(Error(fmt::format(
          "PreBindPreFlight {} returned {}, which is unsupported. It is supposed to return "
          "Success, Skip, or Error status",
          entry.name, api::GoQuoted(CodeName(code)))));
      return flight;
    }
    work |= code == Code::kSuccess;
    flight.results.push_back(std::move(result));
  }
  flight.status = timer.Ended(work ? Success() : Skip());
  return flight;
}

void Runtime::RunPreBind(CycleState& state, PodPtr pod, std::string node, PreFlight flight,
                         StatusDone done) const {
  auto run = std::make_shared<PreBindRun>();
  run->profile = &profile_;
  run->executor = &executor_;
  run->alive = lifetime_.Watch();
  run->state = &state;
  run->pod = std::move(pod);
  run->node = std::move(node);
  run->flight = std::move(flight);
  run->done = std::move(done);
  run->NextGroup();
}

void Runtime::RunBind(CycleState& state, PodPtr pod, std::string node, StatusDone done) const {
  BindFrom(0, state, std::move(pod), std::move(node), std::move(done));
}

void Runtime::BindFrom(size_t index, CycleState& state, PodPtr pod, std::string node,
                       StatusDone done) const {
  if (index == profile_.bind.size()) return done(Skip());
  const auto& entry = profile_.bind[index];
  // Kept alive by the completion.
  auto keep = std::make_shared<std::pair<PodPtr, std::string>>(std::move(pod), std::move(node));
  entry.plugin->Bind(
      state, *keep->first, keep->second,
      Here(executor_, lifetime_.Watch(), [this, index, &state, keep, &entry,
                       done = std::move(done)](Status status) mutable {
        if (status.IsSkip()) {
          return BindFrom(index + 1, state, std::move(keep->first), keep->second,
                          std::move(done));
        }
        if (!status.ok()) {
          status = status.IsRejected() ? status.WithPlugin(entry.name)
                                       : BindingFailed("Bind", entry.name, status);
        }
        done(std::move(status));
      }));
}

}  // namespace berth::framework
