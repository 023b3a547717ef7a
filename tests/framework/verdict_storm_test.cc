// Plugins that answer anything legal at every point, over random events: no pod is lost, bound
// twice or tried for ever, and each waiting pod is in one place at any time.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "base/random.h"
#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

class VerdictStormTest : public EngineTest {
 protected:
  void Begin(uint64_t seed) {
    random_ = std::make_unique<Random>(seed);
    script_.pre_enqueue = [this](const PodInfo&) { return Any(kAllCodes, 3); };
    script_.pre_filter = [this](const PodInfo&) { return AnyPreFilter(); };
    script_.filter = [this](const PodInfo&, const NodeInfo&) { return Any(kFilterCodes, 20); };
    script_.post_filter = [this](const PodInfo&) { return AnyPostFilter(); };
    script_.reserve = [this](const PodInfo&) { return Any(kReserveCodes, 10); };
    script_.permit = [this](const PodInfo&) {
      return PermitResult{Any(kPermitCodes, 25), absl::Seconds(1 + Below(5))};
    };
    script_.pre_bind = [this](const PodInfo&) { return Any(kReserveCodes, 10); };
    const auto hint = [this](const PodInfo&, const auto*, const auto*)
        -> absl::StatusOr<QueueingHint> {
      const uint64_t drawn = Below(10);
      if (drawn == 0) return absl::InternalError("a hint that fails");
      return drawn < 5 ? QueueingHint::kQueue : QueueingHint::kSkip;
    };
    script_.events = {{{"Node", kAdd | kUpdateNodeLabel, ""}, hint},
                      {{"Pod", kAllActions, ""}, hint}};
    world_.on_bind = [this](const api::core::Pod&, std::string_view) {
      return Below(8) == 0 ? absl::UnavailableError("the server is away") : absl::OkStatus();
    };
    world_.on_bound = [this](const api::core::Pod& pod, std::string_view) {
      EXPECT_EQ(++bound_[pod.metadata().uid()], 1) << pod.metadata().name();
    };
    StartEngine(FakeProfile({"FakeFit", "Scripted"}));
  }

  // From here on everybody agrees.
  void Relent() {
    script_.pre_enqueue = nullptr;
    script_.pre_filter = nullptr;
    script_.filter = nullptr;
    script_.post_filter = nullptr;
    script_.reserve = nullptr;
    script_.permit = nullptr;
    script_.pre_bind = [](const PodInfo&) { return Success(); };
    world_.on_bind = nullptr;
  }

  void Step() {
    switch (Below(9)) {
      case 0:
      case 1:
      case 2: {
        const std::string name = fmt::format("p{}", next_++);
        Put(MakePod(name).Uid(name).Req("100m").Priority(static_cast<int32_t>(Below(3))));
        alive_.push_back(name);
        break;
      }
      case 3: {
        const std::string name = fmt::format("n{}", Below(5));
        Put(MakeNode(name).Capacity("4", "8Gi").Label("x", fmt::format("{}", Below(3))));
        break;
      }
      case 4:
        RemoveNode(fmt::format("n{}", Below(5)));
        break;
      case 5:
        if (alive_.empty()) break;
        std::swap(alive_[Below(alive_.size())], alive_.back());
        RemovePod(alive_.back());
        alive_.pop_back();
        break;
      case 6: Relabel(); break;
      case 7:
        script_.handle->ForEachWaitingPod([this](WaitingPod& pod) {
          if (Below(2) == 0) return pod.Allow("Scripted");
          if (Below(2) == 0) pod.Reject("Scripted", "enough");
        });
        break;
      default: Run(absl::Milliseconds(static_cast<int64_t>(Below(3000)))); break;
    }
    Run(absl::Milliseconds(static_cast<int64_t>(Below(3))));
    ASSERT_EQ(engine_->SweepQueue(), 0) << "after step of " << next_ << " pods";
  }

  bool AllPlaced() {
    for (const std::string& name : alive_) {
      if (NodeOf(name).empty()) return false;
    }
    return true;
  }

  std::vector<std::string> alive_;

 private:
  static constexpr Code kAllCodes[] = {Code::kError, Code::kUnschedulable,
                                       Code::kUnschedulableAndUnresolvable, Code::kPending,
                                       Code::kSkip, Code::kWait};
  static constexpr Code kFilterCodes[] = {Code::kError, Code::kUnschedulable,
                                          Code::kUnschedulableAndUnresolvable, Code::kPending};
  static constexpr Code kReserveCodes[] = {Code::kError, Code::kUnschedulable,
                                           Code::kUnschedulableAndUnresolvable, Code::kPending};
  static constexpr Code kPermitCodes[] = {Code::kError, Code::kUnschedulable,
                                          Code::kUnschedulableAndUnresolvable, Code::kWait,
                                          Code::kWait};

  uint64_t Below(uint64_t bound) { return random_->Below(bound); }
  // One of the codes in `percent` of all cases, else Success.
  Status Any(std::span<const Code> codes, uint64_t percent) {
    if (Below(100) >= percent) return Success();
    const Code code = codes[Below(codes.size())];
    return code == Code::kSkip ? Skip() : Status(code, {"as drawn"});
  }
  PreFilterResult AnyPreFilter() {
    PreFilterResult result{Any(kAllCodes, 15), {}};
    if (result.status.ok() && Below(10) == 0) {
      result.node_names = {fmt::format("n{}", Below(5)), fmt::format("n{}", Below(7))};
    }
    return result;
  }
  PostFilterResult AnyPostFilter() {
    PostFilterResult result{Any(kFilterCodes, 70), {}};
    if (Below(3) == 0) {
      result.nominating = NominatingInfo{NominatingInfo::Mode::kOverride,
                                         Below(2) == 0 ? "" : fmt::format("n{}", Below(6))};
    }
    return result;
  }
  void Relabel() {
    if (alive_.empty()) return;
    const std::string& name = alive_[Below(alive_.size())];
    const auto object = world_.Get(api::ResourceOf<api::core::Pod>(), "default", name);
    auto pod =
        std::make_shared<api::core::Pod>(static_cast<const api::core::Pod&>(*object));
    (*pod->mutable_metadata()->mutable_labels())["turn"] = std::to_string(Below(100));
    pod->mutable_metadata()->set_resource_version(std::to_string(++revision_));
    world_.Put(api::ResourceOf<api::core::Pod>(), pod);
  }

  std::unique_ptr<Random> random_;
  std::map<std::string, int, std::less<>> bound_;
  int next_ = 0;
  int64_t revision_ = 0;
};

class VerdictStormSeeds : public VerdictStormTest, public ::testing::WithParamInterface<int> {};

TEST_P(VerdictStormSeeds, NobodyIsLostOrBoundTwiceOrTriedForEver) {
  Begin(static_cast<uint64_t>(GetParam()));
  for (int i = 0; i < 400 && !HasFatalFailure(); ++i) Step();
  ASSERT_FALSE(HasFatalFailure());
  const EngineCounts stormy = engine_->counts();
  EXPECT_GT(stormy.attempts, 100) << "there was no storm";
  EXPECT_GT(stormy.unschedulable, 10);
  EXPECT_GT(stormy.errors, 10);
  EXPECT_GT(stormy.bound, 10);
  Relent();
  for (int i = 0; i < 3; ++i) {
    Put(MakeNode(fmt::format("big-{}", i)).Capacity("1000", "1000Gi", "1000"));
    Run(absl::Minutes(1));
  }
  Run(absl::Minutes(12));  // the flush of old unschedulable pods included
  EXPECT_TRUE(AllPlaced());
  EXPECT_EQ(engine_->SweepQueue(), 0);
  const int64_t attempts = engine_->counts().attempts;
  Run(absl::Minutes(30));
  EXPECT_EQ(engine_->counts().attempts, attempts) << "nobody is tried any more";
  EXPECT_EQ(engine_->counts().bindings_in_flight, 0);
  EXPECT_EQ(engine_->counts().assumed_pods, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, VerdictStormSeeds, ::testing::Range(1, 41));

}  // namespace
}  // namespace berth::framework::testing
