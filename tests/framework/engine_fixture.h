// An engine in a world in memory, under virtual time.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api/resource_table.h"
#include "base/sim_executor.h"
#include "framework/memory_world.h"
#include "framework/cycle/scheduler_engine.h"
#include "tests/framework/builders.h"
#include "tests/framework/fake_plugins.h"

namespace berth::framework::testing {

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() : loop_(1), executor_(loop_.MakeExecutor("engine")), world_(*executor_) {
    world_.on_event = [this](const EventNote& note) {
      events_.push_back(note.reason + ": " + note.note);
    };
    world_.on_patch = [this](std::string_view, std::string_view patch) {
      patches_.emplace_back(patch);
      return patch_answer_;
    };
  }
  ~EngineTest() override { engine_.reset(); }

  void StartEngine(const ProfileConfig& profile, EngineOptions options = {}) {
    StartEngine(std::vector<ProfileConfig>{profile}, std::move(options));
  }
  void StartEngine(const std::vector<ProfileConfig>& profiles, EngineOptions options = {}) {
    engine_ =
        std::make_unique<Engine>(std::move(options), *executor_, world_, world_, metrics_);
    const Registry registry = FakeRegistry(&script_);
    for (const ProfileConfig& profile : profiles) {
      const absl::Status added = engine_->AddProfile(profile, registry);
      ASSERT_TRUE(added.ok()) << added;
    }
    const absl::Status started = engine_->Start();
    ASSERT_TRUE(started.ok()) << started;
  }
  void Put(const MakeNode& node) { world_.Put(api::ResourceOf<api::core::Node>(), node.Object()); }
  void Put(const MakePod& pod) { world_.Put(api::ResourceOf<api::core::Pod>(), pod.Object()); }
  void RemovePod(std::string_view name) {
    world_.Remove(api::ResourceOf<api::core::Pod>(), "default", name);
  }
  void RemoveNode(std::string_view name) {
    world_.Remove(api::ResourceOf<api::core::Node>(), "", name);
  }
  // Lets everything happen that is due within `time`.
  void Run(absl::Duration time = absl::Milliseconds(100)) {
    loop_.RunUntil(loop_.clock().Now() + time);
    if (!engine_) return;
    const absl::Status consistent = engine_->CheckConsistency();
    EXPECT_TRUE(consistent.ok()) << consistent;
  }
  std::string NodeOf(std::string_view pod) {
    const auto object = world_.Get(api::ResourceOf<api::core::Pod>(), "default", pod);
    return object ? static_cast<const api::core::Pod&>(*object).spec().node_name() : "(gone)";
  }
  const std::string& LastEvent() {
    static const std::string none = "(none)";
    return events_.empty() ? none : events_.back();
  }

  SimLoop loop_;
  std::unique_ptr<Executor> executor_;
  framework::MemoryWorld world_;
  Scripted::Script script_;
  std::vector<std::string> events_, patches_;
  absl::Status patch_answer_;
  Metrics* metrics_ = nullptr;  // what the engine tells
  std::unique_ptr<Engine> engine_;
};

}  // namespace berth::framework::testing
