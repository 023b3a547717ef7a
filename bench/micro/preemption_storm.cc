// A storm of preemptions: pods of high priority that fit nowhere come all at once to a full
// cluster, and small pods keep coming beside them. What do the small ones wait? The engine alone,
// in memory.
#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "api/json_value.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/clock.h"
#include "base/strings.h"
#include "base/thread_executor.h"
#include "bench/environment.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/registry.h"

namespace berth::bench {
namespace {

struct Options {
  int nodes = 5'000, running_per_node = 4, storm = 3'000, small = 1'000;
  int seconds = 10;          // over which the small ones come
  int wait_s = 20;           // for the rest, at most
  bool hopeless = false;     // running pods are as important: nobody may be preempted
  int grace_ms = 0;          // 0: victims go at once, and what is patched is shown to nobody
};

std::shared_ptr<const api::core::Node> NewNode(const std::string& name) {
  auto node = std::make_shared<api::core::Node>();
  node->mutable_metadata()->set_name(name);
  auto& allocatable = *node->mutable_status()->mutable_allocatable();
  allocatable["cpu"].set_string("4");
  allocatable["memory"].set_string("16Gi");
  allocatable["pods"].set_string("110");
  return node;
}

std::shared_ptr<const api::core::Pod> NewPod(const std::string& name, std::string_view cpu,
                                             int32_t priority, std::string_view node = {}) {
  auto pod = std::make_shared<api::core::Pod>();
  pod->mutable_metadata()->set_namespace_("default");
  pod->mutable_metadata()->set_name(name);
  pod->mutable_metadata()->set_uid(name);
  pod->mutable_spec()->set_scheduler_name("default-scheduler");
  pod->mutable_spec()->set_priority(priority);
  if (!node.empty()) pod->mutable_spec()->set_node_name(std::string(node));
  auto& requests = *pod->mutable_spec()->add_containers()->mutable_resources()->mutable_requests();
  requests["cpu"].set_string(std::string(cpu));
  return pod;
}

// Takes what the engine does to the world as a server would: a deleted pod is on its way out for a
// while, and statuses show what was patched. Threads: the executor's only.
class SlowlyGoing final : public framework::ObjectSink {
 public:
  SlowlyGoing(framework::MemoryWorld& world, Executor& executor, absl::Duration grace)
      : world_(world), executor_(executor), grace_(grace) {}

  void Bind(const api::core::Pod& pod, std::string_view node, Done done) override {
    world_.Bind(pod, node, std::move(done));
  }
  void Create(const api::Resource& resource, framework::ObjectPtr object,
              ObjectDone done) override {
    world_.Create(resource, std::move(object), std::move(done));
  }
  void Update(const api::Resource& resource, framework::ObjectPtr object,
              std::string_view subresource, ObjectDone done) override {
    world_.Update(resource, std::move(object), subresource, std::move(done));
  }
  void Event(framework::EventNote note) override { world_.Event(std::move(note)); }

  void Patch(const api::Resource&, std::string_view, std::string_view name, std::string patch,
             std::string_view, Done done) override {
    executor_.Post([this, name = std::string(name), patch = std::move(patch),
                    done = std::move(done)]() mutable {
      Show(name, [&](api::core::Pod& pod) { Apply(patch, pod); });
      done(absl::OkStatus());
    });
  }
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              std::string_view, Done done) override {
    executor_.Post([this, &resource, ns = std::string(namespace_), name = std::string(name),
                    done = std::move(done)]() mutable {
      Show(name, [](api::core::Pod& pod) {
        pod.mutable_metadata()->mutable_deletion_timestamp()->set_seconds(1);
      });
      executor_.PostAfter(grace_, [this, &resource, ns, name] {
        world_.Remove(resource, ns, name);
      });
      done(absl::OkStatus());
    });
  }

 private:
  template <typename Change>
  void Show(const std::string& name, const Change& change) {
    const auto& resource = api::ResourceOf<api::core::Pod>();
    const framework::ObjectPtr held = world_.Get(resource, "default", name);
    if (held == nullptr) return;
    auto pod = std::make_shared<api::core::Pod>(static_cast<const api::core::Pod&>(*held));
    change(*pod);
    pod->mutable_metadata()->set_resource_version(std::to_string(++revision_));
    world_.Put(resource, std::move(pod));
  }

  // The nomination and the one condition that the engine's patches hold.
  static void Apply(const std::string& patch, api::core::Pod& pod) {
    const auto parsed = api::JsonValue::Parse(patch);
    const api::JsonValue* status = parsed.ok() ? parsed->Find("status") : nullptr;
    if (status == nullptr) return;
    if (const api::JsonValue* node = status->Find("nominatedNodeName")) {
      pod.mutable_status()->set_nominated_node_name(node->is_string() ? node->string() : "");
    }
    const api::JsonValue* conditions = status->Find("conditions");
    if (conditions == nullptr) return;
    pod.mutable_status()->clear_conditions();
    for (const api::JsonValue& each : conditions->array()) {
      api::core::PodCondition& shown = *pod.mutable_status()->add_conditions();
      shown.set_type(each.Find("type")->string());
      shown.set_status(each.Find("status")->string());
      shown.set_reason(each.Find("reason")->string());
      shown.set_message(each.Find("message")->string());
    }
  }

  framework::MemoryWorld& world_;
  Executor& executor_;
  const absl::Duration grace_;
  int64_t revision_ = 0;
};

// Threads: Main's own; everything of the engine on its executor.
class Storm {
 public:
  explicit Storm(const Options& options) : options_(options) {
    executor_.Run([&] { Fill(); });
  }
  ~Storm() {
    executor_.Run([&] { engine_.reset(); });
    executor_.Stop();
  }

  void Run() {
    executor_.Run([&] {
      for (int i = 0; i < options_.storm; ++i) Put(NewPod(fmt::format("high-{}", i), "3", kHigh));
      cpu_began_ = ThreadCpu();
    });
    began_ = Now();
    const absl::Duration gap = absl::Seconds(options_.seconds) / options_.small;
    for (int i = 0; i < options_.small; ++i) {
      executor_.Post([this, i] {
        const std::string name = fmt::format("small-{}", i);
        sent_[name] = Now();
        Put(NewPod(name, "10m", 0));
      });
      absl::SleepFor(began_ + gap * (i + 1) - Now());
    }
    const absl::Time until = Now() + absl::Seconds(options_.wait_s);
    while (Now() < until && !Done()) absl::SleepFor(absl::Milliseconds(50));
    executor_.Run([&] { Print(); });
  }

 private:
  static constexpr int32_t kHigh = 1'000;

  static absl::Time Now() { return RealClock::Get().Now(); }

  void Put(const std::shared_ptr<const api::core::Pod>& pod) {
    world_.Put(api::ResourceOf<api::core::Pod>(), pod);
  }

  void Fill() {
    for (int n = 0; n < options_.nodes; ++n) {
      const std::string node = fmt::format("node-{}", n);
      world_.Put(api::ResourceOf<api::core::Node>(), NewNode(node));
      for (int p = 0; p < options_.running_per_node; ++p) {
        Put(NewPod(fmt::format("running-{}-{}", n, p), "900m", options_.hopeless ? kHigh : 0,
                   node));
      }
    }
    world_.on_bound = [this](const api::core::Pod& pod, std::string_view) {
      ++bound_;
      last_bound_ = Now();
      auto it = sent_.find(pod.metadata().name());
      if (it == sent_.end()) return;
      waited_ms_.push_back(absl::ToDoubleMilliseconds(last_bound_ - it->second));
    };
    world_.on_event = [this](const framework::EventNote& note) {
      evicted_ += note.reason == "Preempted" ? 1 : 0;
    };
    for (framework::PluginEntry& entry : plugins::InTreePlugins()) {
      (void)registry_.Register(std::move(entry));
    }
    framework::ObjectSink& sink = options_.grace_ms > 0
                                      ? static_cast<framework::ObjectSink&>(slowly_going_)
                                      : world_;
    engine_ = std::make_unique<framework::Engine>(framework::EngineOptions{}, executor_, world_,
                                                  sink);
    framework::ProfileConfig profile;
    profile.plugins = framework::MergeWithDefaults({});
    engine_->OnDecision([this](std::string_view key, std::string_view) {
      if (key.starts_with("default/high-")) cpu_last_ = ThreadCpu();
    });
    absl::Status status = engine_->AddProfile(profile, registry_);
    if (status.ok()) status = engine_->Start();
    if (!status.ok()) fmt::print(stderr, "{}\n", ToStd(status.message()));
  }

  bool Done() {
    bool done = false;
    executor_.Run([&] {
      done = bound_ >= options_.small + (options_.hopeless ? 0 : options_.storm);
    });
    return done;
  }

  void Print() {
    std::sort(waited_ms_.begin(), waited_ms_.end());
    const auto at = [&](double share) {
      if (waited_ms_.empty()) return 0.0;
      return waited_ms_[static_cast<size_t>(share * static_cast<double>(waited_ms_.size() - 1))];
    };
    fmt::print("storm of {} pods{}, {} running: small pods bound {} of {}, p50 {:.1f} p99 {:.1f} "
               "max {:.1f} ms; bound in all {}, the last after {:.1f} s; evicted {}; attempts {}; "
               "CPU until the storm's last attempt {:.0f} ms\n",
               options_.storm, options_.hopeless ? " that may not preempt" : "",
               options_.nodes * options_.running_per_node, waited_ms_.size(), options_.small,
               at(0.5), at(0.99), at(1), bound_, absl::ToDoubleSeconds(last_bound_ - began_),
               evicted_, engine_->counts().attempts,
               absl::ToDoubleMilliseconds(cpu_last_ - cpu_began_));
  }

  const Options options_;
  ThreadExecutor executor_{"engine"};
  framework::MemoryWorld world_{executor_};
  SlowlyGoing slowly_going_{world_, executor_, absl::Milliseconds(options_.grace_ms)};
  framework::Registry registry_;
  std::unique_ptr<framework::Engine> engine_;
  std::map<std::string, absl::Time> sent_;
  std::vector<double> waited_ms_;
  absl::Time began_, last_bound_;
  absl::Duration cpu_began_, cpu_last_;  // of the engine's thread: the same on a busy machine
  int64_t bound_ = 0, evicted_ = 0;
};

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("What small pods wait beside a storm of preemptions.");
  app.add_option("--nodes", options.nodes, "of 4 CPUs")->capture_default_str();
  app.add_option("--storm", options.storm, "pods of 3 CPUs and high priority")
      ->capture_default_str();
  app.add_option("--small", options.small, "pods of 10m that come beside them")
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "over which they come")->capture_default_str();
  app.add_option("--grace-ms", options.grace_ms,
                 "how long victims take to go; statuses then show what is patched")
      ->capture_default_str();
  app.add_flag("--hopeless", options.hopeless, "running pods are as important as the storm's");
  CLI11_PARSE(app, argc, argv);
  Storm(options).Run();
  return 0;
}

}  // namespace
}  // namespace berth::bench

int main(int argc, char** argv) { return berth::bench::Main(argc, argv); }
