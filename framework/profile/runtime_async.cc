// The asynchronous half of Runtime: PostFilter, PreBind groups and Bind.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

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

// One run through the PostFilter plugins, until one helps or forbids.
struct PostFilterRun : std::enable_shared_from_this<PostFilterRun> {
  PostFilterRun(Metrics& metrics, Clock& clock, const Profile& of, Executor& on)
      : profile(of), executor(on) {
    timer.emplace(metrics, clock, "PostFilter", of.name());
  }
  // A plugin may drop its completion when everything it could be told to is gone.
  ~PostFilterRun() {
    if (timer) timer->Abandon();
  }

  const Profile& profile;
  Executor& executor;
  std::optional<PointTimer> timer;
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
    entry.plugin->PostFilter(*state, *pod, *statuses,
                             Here<PostFilterResult>(executor, alive,
                                                    [self = shared_from_this(),
                                                     name = entry.name](PostFilterResult result) {
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
    timer->Ended(result.status);
    timer.reset();
    done(std::move(result));
  }
};

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
    if (group.empty()) return std::exchange(done, nullptr)(Success());
    pending = group;
    for (size_t index : group) {
      if (!failure.ok()) {
        Ended(index, Success());  // too late to be of use
        continue;
      }
      running.push_back(index);
      plugins[index].plugin->PreBind(
          *state, *pod, node,
          Here<Status>(*executor, alive, [self = shared_from_this(), index](const Status& status) {
            self->Ended(index, status);
          }));
    }
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
    if (!failure.ok()) return std::exchange(done, nullptr)(failure);
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

void Runtime::RunPostFilter(CycleState& state, PodPtr pod,
                            std::shared_ptr<const NodeStatusReader> statuses,
                            PostFilterDone done) const {
  auto run = std::make_shared<PostFilterRun>(metrics_, clock_, profile_, executor_);
  run->alive = lifetime_.Watch();
  run->state = &state;
  run->pod = std::move(pod);
  run->statuses = std::move(statuses);
  run->done = std::move(done);
  run->Next();
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
      Here<Status>(executor_, lifetime_.Watch(), [this, index, &state, keep, &entry,
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
