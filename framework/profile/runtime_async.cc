// The asynchronous half of Runtime: PostFilter, PreBind groups and Bind.
#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
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
template <typename Result>
absl::AnyInvocable<void(Result)> Here(Executor& executor, Lifetime::Watcher alive,
                                      absl::AnyInvocable<void(Result)> done) {
  return [&executor, alive = std::move(alive), done = std::move(done)](Result result) mutable {
    if (executor.IsCurrent()) {
      if (!alive.expired()) done(std::move(result));
      return;
    }
    executor.Post([alive, done = std::move(done), result = std::move(result)]() mutable {
      if (!alive.expired()) done(std::move(result));
    });
  };
}

// Times the call of a plugin that ends in a completion; null when it is not sampled.
struct CallSpan {
  CallSpan(PluginTimes& of, const CycleState& state)
      : times(state.record_plugin_metrics && of.wanted() ? &of : nullptr) {
    if (times != nullptr) began = times->Now();
  }
  void End(std::string_view plugin, std::string_view point, Code code) const {
    if (times != nullptr) times->Took(plugin, point, code, began);
  }
  PluginTimes* times;
  absl::Time began;
};

// One run through the PostFilter plugins, until one helps or forbids.
struct PostFilterRun : std::enable_shared_from_this<PostFilterRun> {
  PostFilterRun(const Runtime& runtime, PointSpan began, Executor& on)
      : profile(runtime.profile()), times(runtime.times()), executor(on), span(began) {}

  const Profile& profile;
  PluginTimes& times;
  Executor& executor;
  PointSpan span;
  Lifetime::Watcher alive;
  CycleState* state = nullptr;
  PodPtr pod;
  std::shared_ptr<const NodeStatusReader> statuses;
  PostFilterDone done;
  size_t next = 0;
  PostFilterResult remembered;
  std::vector<std::string> reasons;
  std::string_view rejected_by;

  void Next() {
    if (next == profile.post_filter.size()) {
      remembered.status = Status(Code::kUnschedulable, std::move(reasons)).WithPlugin(rejected_by);
      return End(std::move(remembered));
    }
    const auto& entry = profile.post_filter[next++];
    const CallSpan call(times, *state);
    entry.plugin->PostFilter(*state, *pod, *statuses,
                             Here<PostFilterResult>(
                                 executor, alive,
                                 [self = shared_from_this(), name = entry.name,
                                  call](PostFilterResult result) {
                                   call.End(name, "PostFilter", result.status.code());
                                   self->Take(name, std::move(result));
                                 }));
  }

  void Take(std::string_view plugin, PostFilterResult result) {
    if (result.status.ok()) return End(std::move(result));
    if (result.status.code() == Code::kUnschedulableAndUnresolvable) {
      result.status = result.status.WithPlugin(plugin);
      return End(std::move(result));
    }
    if (!result.status.IsRejected()) {
      return End({Error(result.status.Message()).WithPlugin(plugin), std::nullopt});
    }
    if (result.nominating && result.nominating->mode != NominatingInfo::Mode::kNoop) {
      remembered.nominating = result.nominating;
    }
    for (std::string& reason : result.status.Reasons()) reasons.push_back(std::move(reason));
    if (rejected_by.empty()) rejected_by = plugin;
    Next();
  }

  void End(PostFilterResult result) {
    span.End(result.status.code());
    done(std::move(result));
  }
};

// One run through the PreBind plugins: group after group.
struct PreBindRun : std::enable_shared_from_this<PreBindRun> {
  PreBindRun(PluginTimes& of, PointSpan began) : times(of), span(began) {}

  PluginTimes& times;
  PointSpan span;
  const Profile* profile = nullptr;
  Executor* executor = nullptr;
  Lifetime::Watcher alive;
  CycleState* state = nullptr;
  PodPtr pod;
  std::string node;
  Runtime::PreFlight flight;
  StatusDone done;
  size_t next = 0;      // the first plugin that is in no group yet
  std::vector<size_t> pending;  // of the group under way
  std::vector<size_t> running;  // of those, whose PreBind was called
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
    if (group.empty()) return End(Success());
    pending = group;
    for (size_t index : group) {
      if (!failure.ok()) {
        Ended(index, Success());  // too late to be of use
        continue;
      }
      running.push_back(index);
      const CallSpan call(times, *state);
      plugins[index].plugin->PreBind(
          *state, *pod, node,
          Here<Status>(*executor, alive,
                       [self = shared_from_this(), index, call](const Status& status) {
                         call.End(self->profile->pre_bind[index].name, "PreBind", status.code());
                         self->Ended(index, status);
                       }));
    }
  }

  void End(const Status& status) {
    span.End(status.code());
    std::exchange(done, nullptr)(status);
  }

  void Ended(size_t index, const Status& status) {
    std::erase(pending, index);
    std::erase(running, index);
    const std::string_view plugin = profile->pre_bind[index].name;
    if (!status.ok() && failure.ok()) {
      failure = status.IsRejected() ? status.WithPlugin(plugin)
                                    : BindingFailed("PreBind", plugin, status);
      const std::vector<size_t> others = running;  // a call may end some of them, and the run
      for (size_t other : others) {
        if (std::find(running.begin(), running.end(), other) == running.end()) continue;
        profile->pre_bind[other].plugin->CancelPreBind(*pod);
      }
    }
    if (!pending.empty() || !done) return;
    if (!failure.ok()) return End(failure);
    NextGroup();
  }
};

}  // namespace

Runtime::PreFlight Runtime::RunPreBindPreFlight(CycleState& state, const PodInfo& pod,
                                                std::string_view node) const {
  PointTimer timer = Timed("PreBindPreFlight");
  PreFlight flight;
  bool work = false;
  for (const auto& entry : profile_.pre_bind) {
    PreBindPreFlightResult result =
        times_->Time(state.record_plugin_metrics, entry.name, "PreBindPreFlight",
                     [&] { return entry.plugin->PreBindPreFlight(state, pod, node); });
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

void Runtime::RunPostFilter(CycleState& state, PodPtr pod,
                            std::shared_ptr<const NodeStatusReader> statuses,
                            PostFilterDone done) const {
  auto run = std::make_shared<PostFilterRun>(
      *this, PointSpan(metrics_, clock_, "PostFilter", profile_.name()), executor_);
  run->alive = lifetime_.Watch();
  run->state = &state;
  run->pod = std::move(pod);
  run->statuses = std::move(statuses);
  run->done = std::move(done);
  run->Next();
}

void Runtime::RunPreBind(CycleState& state, PodPtr pod, std::string node, PreFlight flight,
                         StatusDone done) const {
  auto run = std::make_shared<PreBindRun>(
      *times_, PointSpan(metrics_, clock_, "PreBind", profile_.name()));
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

// Kept alive by the completion of the plugin that is asked.
struct Runtime::BindRun {
  CycleState& state;
  PodPtr pod;
  std::string node;
  PointSpan span;
  StatusDone done;

  void End(Status status) {
    span.End(status.code());
    done(std::move(status));
  }
};

void Runtime::RunBind(CycleState& state, PodPtr pod, std::string node, StatusDone done) const {
  BindFrom(0, std::make_shared<BindRun>(BindRun{
                  state, std::move(pod), std::move(node),
                  PointSpan(metrics_, clock_, "Bind", profile_.name()), std::move(done)}));
}

void Runtime::BindFrom(size_t index, std::shared_ptr<BindRun> run) const {
  if (index == profile_.bind.size()) return run->End(Skip());
  const auto& entry = profile_.bind[index];
  const CallSpan call(*times_, run->state);
  entry.plugin->Bind(
      run->state, *run->pod, run->node,
      Here<Status>(executor_, lifetime_.Watch(),
                   [this, index, run, call, &entry](Status status) mutable {
                     call.End(entry.name, "Bind", status.code());
                     if (status.IsSkip()) return BindFrom(index + 1, std::move(run));
                     if (!status.ok()) {
                       status = status.IsRejected() ? status.WithPlugin(entry.name)
                                                    : BindingFailed("Bind", entry.name, status);
                     }
                     run->End(std::move(status));
                   }));
}

}  // namespace berth::framework
