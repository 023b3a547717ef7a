#include "framework/pods_to_activate.h"

#include <fmt/core.h>

#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

// Asks at one point of the pod "waker" for the pod "sleeper", and fails at another.
class Waker final : public PreFilterPlugin,
                    public ReservePlugin,
                    public PermitPlugin,
                    public PreBindPlugin,
                    public PostBindPlugin {
 public:
  Waker(std::string_view asks_at, std::string_view fails_at)
      : asks_at_(asks_at), fails_at_(fails_at) {}
  std::string_view Name() const override { return "Waker"; }
  PreFilterResult PreFilter(CycleState& state, const PodInfo& pod, const Snapshot&) override {
    return {At("PreFilter", state, pod), {}};
  }
  Status Reserve(CycleState& state, const PodInfo& pod, std::string_view) override {
    return At("Reserve", state, pod);
  }
  void Unreserve(CycleState&, const PodInfo&, std::string_view) override {}
  PermitResult Permit(CycleState& state, const PodInfo& pod, std::string_view) override {
    return {At("Permit", state, pod), {}};
  }
  void PreBind(CycleState& state, const PodInfo& pod, std::string_view, StatusDone done) override {
    done(At("PreBind", state, pod));
  }
  void PostBind(CycleState& state, const PodInfo& pod, std::string_view) override {
    (void)At("PostBind", state, pod);
  }

 private:
  Status At(std::string_view point, CycleState& state, const PodInfo& pod) {
    if (pod.name != "waker") return Success();
    if (point == asks_at_) {
      ActivateLater(state, "default/sleeper");
      ActivateLater(state, "default/nobody");
    }
    return point == fails_at_ ? Unschedulable("not now") : Success();
  }
  const std::string_view asks_at_, fails_at_;
};

class PodsToActivateTest : public EngineTest {
 protected:
  // How often the sleeper was tried before the waker was bound, and in all.
  std::pair<int64_t, int64_t> TriesOfTheSleeper(std::string_view asks_at,
                                                std::string_view fails_at) {
    Registry registry = FakeRegistry(&script_);
    EXPECT_TRUE(registry
                    .Register({"Waker", [=](const PluginArgs&, Handle&)
                                   -> absl::StatusOr<std::unique_ptr<Plugin>> {
                                 return std::make_unique<Waker>(asks_at, fails_at);
                               }})
                    .ok());
    script_.filter = [](const PodInfo& pod, const NodeInfo&) {
      return pod.name == "sleeper" ? Unschedulable("asleep") : Success();
    };
    Engine engine({}, *executor_, world_, world_);
    EXPECT_TRUE(engine.AddProfile(FakeProfile({"FakeFit", "Scripted", "Waker"}), registry).ok());
    EXPECT_TRUE(engine.Start().ok());
    Put(MakeNode("n1").Capacity("4", "8Gi"));
    Put(MakePod("sleeper").Req("1"));
    Run(absl::Milliseconds(10));
    EXPECT_EQ(engine.counts().attempts, 1);
    int64_t at_bind = 0;
    world_.on_bind = [&](const api::core::Pod&, std::string_view) {
      at_bind = engine.counts().attempts - 1;
      return absl::OkStatus();
    };
    Put(MakePod("waker").Req("1"));
    Run(absl::Milliseconds(10));
    const int64_t in_all = engine.counts().attempts - 1;
    engine.Stop();
    return {at_bind, in_all};
  }
};

// Tries of the waker itself are counted too: one.
TEST_F(PodsToActivateTest, WhenAndWhether) {
  const struct {
    std::string_view asks_at, fails_at;
    int64_t at_bind, in_all;
  } cases[] = {
      {"", "", 1, 1},
      {"PreFilter", "", 2, 2},
      {"Reserve", "", 2, 2},
      {"Permit", "", 2, 2},
      {"PreBind", "", 1, 2},  // too late for the end of the cycle: after PostBind
      {"PostBind", "", 1, 2},
      {"PreFilter", "PreFilter", 0, 1},
      {"PreFilter", "Reserve", 0, 1},
      {"Reserve", "Reserve", 0, 1},
      {"Permit", "Permit", 0, 1},
      {"Permit", "PreBind", 0, 2},  // the scheduling cycle had gone well
      {"PreBind", "PreBind", 0, 1},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("asks at {}, fails at {}", c.asks_at, c.fails_at));
    const auto [at_bind, in_all] = TriesOfTheSleeper(c.asks_at, c.fails_at);
    EXPECT_EQ(at_bind, c.at_bind);
    EXPECT_EQ(in_all, c.in_all);
    world_.on_bind = nullptr;
    for (const char* pod : {"sleeper", "waker"}) RemovePod(pod);
    RemoveNode("n1");
  }
}

TEST_F(PodsToActivateTest, CopiesOfAStateAskTogether) {
  CycleState state;
  ActivateLater(state, "default/a");
  CycleState copy = state.Clone();
  ActivateLater(copy, "default/b");
  EXPECT_EQ(*state.Read<PodsToActivate>(kPodsToActivate)->keys,
            (PodsToActivate::Keys{"default/a", "default/b"}));
}

}  // namespace
}  // namespace berth::framework::testing
