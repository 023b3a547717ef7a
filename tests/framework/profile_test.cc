#include "framework/profile/profile.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "framework/cycle/fit_error.h"
#include "framework/cycle/waiting_pods.h"
#include "framework/profile/signature_text.h"
#include "tests/framework/engine_fixture.h"

namespace berth::framework::testing {
namespace {

// Only what Create looks at.
class NoHandle final : public Handle {
 public:
  std::string_view profile() const override { return "test"; }
  Executor& executor() override { std::abort(); }
  Random& random() override { std::abort(); }
  ObjectSource& objects() override { std::abort(); }
  ObjectSink& sink() override { std::abort(); }
  void Watch(const api::Resource&) override {}
  Metrics& metrics() override { return metrics_; }
  std::shared_ptr<SharedPart>& Shared(std::string_view) override { std::abort(); }
  const Snapshot& snapshot() const override { std::abort(); }
  void Invalidate(std::string_view, std::string_view) override {}
  void InvalidateDomain(std::string_view, std::string_view, std::string_view) override {}
  void InvalidateAll(std::string_view) override {}
  void Activate(std::span<const std::string>) override {}
  void ForEachWaitingPod(const std::function<void(WaitingPod&)>&) override {}
  WaitingPod* FindWaitingPod(std::string_view) override { return nullptr; }
  bool RejectWaitingPod(std::string_view) override { return false; }
  std::vector<PodPtr> NominatedPods(std::string_view) const override { return {}; }
  void ClearNomination(const PodPtr&) override {}
  PodGroupMembers MembersOf(std::string_view, std::string_view) const override { return {}; }
  PodGroupCounts CountMembers(std::string_view, std::string_view) const override { return {}; }
  const PodGroupFeatures& pod_group_features() const override { return features_; }
  const DeviceFeatures& device_features() const override { return devices_; }
  bool ExtendersPreempt(const PodInfo&) const override { return false; }
  void AskExtendersToPreempt(const PodPtr&, std::vector<PreemptionCandidate>,
                             absl::AnyInvocable<void(
                                 absl::StatusOr<std::vector<PreemptionCandidate>>)>) override {}
  NodeScope NodeScopeOf(const PodInfo&) const override { return {}; }
  int64_t objects_generation() const override { return 0; }
  PodPtr FindPod(std::string_view) const override { return nullptr; }
  void OnPodEnding(std::function<void(const PodInfo&)>) override {}
  void GateMayOpen(std::string_view) override {}
  Status RunFiltersWithNominatedPods(CycleState&, const PodInfo&, const NodeInfo&) override {
    return Success();
  }
  Status RunAddPod(CycleState&, const PodInfo&, const PodInfo&, const NodeInfo&) override {
    return Success();
  }
  Status RunRemovePod(CycleState&, const PodInfo&, const PodInfo&, const NodeInfo&) override {
    return Success();
  }

 private:
  PodGroupFeatures features_;
  DeviceFeatures devices_;
  Metrics metrics_;
};

std::vector<std::string> Names(const PointList<ScorePlugin>& list) {
  std::vector<std::string> names;
  for (const auto& entry : list) {
    names.push_back(std::string(entry.name) + "*" + std::to_string(entry.weight));
  }
  return names;
}

TEST(ProfileTest, ErrorTexts) {
  const struct {
    const char* name;
    std::function<void(ProfileConfig&)> change;
    const char* want;
  } cases[] = {
      {"unknown", [](ProfileConfig& c) {
         c.plugins.at(ExtensionPoint::kFilter).enabled = {{"Nope"}};
       }, "FilterPlugin \"Nope\" does not exist"},
      {"wrong point", [](ProfileConfig& c) {
         c.plugins.at(ExtensionPoint::kFilter).enabled = {{"FakeRank"}};
       }, "plugin \"FakeRank\" does not extend FilterPlugin plugin"},
      {"twice", [](ProfileConfig& c) {
         c.plugins.at(ExtensionPoint::kScore).enabled = {{"FakeRank"}, {"FakeRank"}};
       }, "plugin \"FakeRank\" already registered as \"ScorePlugin\""},
      {"config twice", [](ProfileConfig& c) {
         c.plugin_config = {{"FakeFit", ""}, {"FakeFit", ""}};
       }, "repeated config for plugin FakeFit"},
      {"no sort", [](ProfileConfig& c) { c.plugins.multi_point.enabled = {{"FakeBinder"}}; },
       "only one queue sort plugin required for profile with scheduler name "
       "\"default-scheduler\", but got 0"},
      {"no bind", [](ProfileConfig& c) { c.plugins.multi_point.enabled = {{"FakeSort"}}; },
       "at least one bind plugin is needed for profile with scheduler name "
       "\"default-scheduler\""},
      {"factory", [](ProfileConfig& c) {
         c.plugins.multi_point.enabled.push_back({"Broken"});
       }, "initializing plugin \"Broken\": bad args"},
  };
  NoHandle handle;
  Registry registry = FakeRegistry();
  (void)registry.Register({"Broken", [](const PluginArgs&, Handle&)
                               -> absl::StatusOr<std::unique_ptr<Plugin>> {
                             return absl::InvalidArgumentError("bad args");
                           }});
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    ProfileConfig config = FakeProfile({"FakeFit"});
    c.change(config);
    const auto profile = Profile::Build(config, registry, handle);
    ASSERT_FALSE(profile.ok());
    EXPECT_EQ(ToStd(profile.status().message()), c.want);
  }
}

TEST(ProfileTest, MultiPointExpansion) {
  const Registry registry = FakeRegistry();
  NoHandle handle;
  ProfileConfig config = FakeProfile({"FakeFit", "FakeRank", "FakeReverseRank"});
  config.plugins.multi_point.enabled[2].weight = 5;  // FakeFit
  const auto scores = [&] {
    auto profile = Profile::Build(config, registry, handle);
    EXPECT_TRUE(profile.ok()) << profile.status();
    return profile.ok() ? Names((*profile)->score) : std::vector<std::string>();
  };
  using Want = std::vector<std::string>;
  EXPECT_EQ(scores(), (Want{"FakeFit*5", "FakeRank*1", "FakeReverseRank*1"}));
  PluginSet& score = config.plugins.at(ExtensionPoint::kScore);
  score.enabled = {{"FakeRareZone", 2}, {"FakeRank", 7}};
  EXPECT_EQ(scores(), (Want{"FakeRank*7", "FakeFit*5", "FakeReverseRank*1", "FakeRareZone*2"}))
      << "of both, of MultiPoint, of the point alone";
  score.disabled = {"FakeFit"};
  EXPECT_EQ(scores(), (Want{"FakeRank*7", "FakeReverseRank*1", "FakeRareZone*2"}));
  score.disabled = {"*"};
  EXPECT_EQ(scores(), (Want{"FakeRank*7", "FakeRareZone*2"}));
}

TEST(ProfileTest, DefaultsMergeWithWhatIsAsked) {
  Plugins custom;
  custom.multi_point.enabled = {{"Mine", 4}, {"TaintToleration", 9}};
  custom.multi_point.disabled = {"ImageLocality"};
  const Plugins merged = MergeWithDefaults(custom);
  std::string names;
  for (const PluginRef& ref : merged.multi_point.enabled) {
    if (ref.name == "TaintToleration") {
      EXPECT_EQ(ref.weight, 9);
      EXPECT_FALSE(ref.from_default);
    }
    EXPECT_NE(ref.name, "ImageLocality");
    names += ref.name + " ";
  }
  EXPECT_TRUE(names.starts_with("SchedulingGates PrioritySort NodeUnschedulable")) << names;
  EXPECT_TRUE(names.ends_with("NodeDeclaredFeatures Mine ")) << names;
  custom.multi_point.disabled = {"*"};
  EXPECT_EQ(MergeWithDefaults(custom).multi_point.enabled.size(), 2u);
}

TEST(ProfileTest, AbsentDefaultsAreLeftOutAndNamed) {
  const Registry registry = FakeRegistry();
  NoHandle handle;
  ProfileConfig config;
  Plugins custom;
  custom.multi_point.enabled = {{"FakeSort"}, {"FakeBinder"}};
  custom.multi_point.disabled = {"InterPodAffinity"};
  config.plugins = MergeWithDefaults(custom);
  auto profile = Profile::Build(config, registry, handle);
  ASSERT_TRUE(profile.ok()) << profile.status();
  const auto& absent = (*profile)->absent();
  EXPECT_NE(std::find(absent.begin(), absent.end(), "PodTopologySpread"), absent.end());
  EXPECT_EQ(std::find(absent.begin(), absent.end(), "InterPodAffinity"), absent.end());
}

TEST(ProfileTest, EventsOfPlugins) {
  const Registry registry = FakeRegistry();
  NoHandle handle;
  auto profile = Profile::Build(FakeProfile({"FakeFit"}), registry, handle);
  ASSERT_TRUE(profile.ok());
  const QueueProfile queue = (*profile)->ForQueue(/*with_extenders=*/false);
  std::vector<std::string> labels;
  for (const RegisteredEvent& event : queue.events) labels.push_back(event.event.Label());
  EXPECT_EQ(labels, (std::vector<std::string>{"PodDelete", "NodeAdd|UpdateNodeAllocatable",
                                              "NodeUpdateNodeTaint"}))
      << "who hears of new nodes hears of taints that go";
}

TEST(SignatureTest, FragmentsDoNotRunTogether) {
  SignatureText a, b, c, d;
  a.Put("x", "1");
  a.Put("y", "2");
  b.Put("y", "2");
  b.Put("x", "1");
  b.Put("x", "1");  // once
  c.Put("x", "1y");
  c.Put("", "2");
  d.Put("x", int64_t{1});
  const std::string text = a.Finish();
  EXPECT_EQ(text, b.Finish());
  EXPECT_NE(text, c.Finish());
  EXPECT_NE(text, d.Finish());
  SignatureText e, f;
  for (const char* image : {"1", "2"}) e.Put("image", image);
  for (const char* image : {"1", "3"}) f.Put("image", image);
  EXPECT_NE(e.Finish(), f.Finish()) << "every value of a key counts";
}

TEST(FitErrorTest, Messages) {
  Diagnosis diagnosis;
  diagnosis.all_nodes = 15;
  const Status cpu = Unschedulable("Insufficient cpu").WithPlugin("Fit");
  diagnosis.Count(cpu, 10);
  diagnosis.Count(Unresolvable("node(s) had untolerated taint(s)"), 2);
  diagnosis.Count(Status(Code::kUnschedulable, {"Insufficient cpu", "Too many pods"}), 1);
  diagnosis.absent_status = Unresolvable("not looked at");
  EXPECT_EQ(diagnosis.Message(),
            "0/15 nodes are available: 1 Too many pods, 11 Insufficient cpu, "
            "2 node(s) had untolerated taint(s), 2 not looked at.");
  diagnosis.post_filter_message = "preemption: no";
  EXPECT_TRUE(diagnosis.Message().ends_with("2 not looked at. preemption: no"));
  diagnosis.pre_filter_message = "no way";
  EXPECT_EQ(diagnosis.Message(), "0/15 nodes are available: no way. preemption: no");
  diagnosis.AddRejector(cpu);
  diagnosis.AddRejector(Pending("wait").WithPlugin("Volumes"));
  diagnosis.AddRejector(Unschedulable("nobody"));
  EXPECT_EQ(diagnosis.unschedulable_plugins, (Diagnosis::Names{"Fit", "Volumes"}));
  EXPECT_EQ(diagnosis.pending_plugins, (Diagnosis::Names{"Volumes"}));
}

TEST(GoDurationTest, AsGoPrintsThem) {
  const struct {
    absl::Duration duration;
    const char* want;
  } cases[] = {
      {absl::ZeroDuration(), "0s"},        {absl::Seconds(10), "10s"},
      {absl::Milliseconds(1500), "1.5s"},  {absl::Minutes(15), "15m0s"},
      {absl::Hours(1) + absl::Seconds(3), "1h0m3s"}, {absl::Milliseconds(20), "20ms"},
      {absl::Microseconds(1), "1µs"},      {absl::Nanoseconds(5), "5ns"},
  };
  for (const auto& c : cases) EXPECT_EQ(GoDuration(c.duration), c.want);
}

}  // namespace
}  // namespace berth::framework::testing
