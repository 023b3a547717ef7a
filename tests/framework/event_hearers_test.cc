// Who is asked about an event: pods that nobody asks about must be those whose rejectors did not
// register for it, whatever was rejected, gated and parked in between.
#include "framework/queue/event_hearers.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "base/sim_executor.h"
#include "framework/queue/pod_events.h"
#include "framework/queue/scheduling_queue.h"
#include "tests/framework/builders.h"
#include "tests/framework/fake_plugins.h"

namespace berth::framework::testing {
namespace {

using Names = std::set<std::string, std::less<>>;

TEST(EventHearersTest, HintsOfThoseThatRejectedThePod) {
  QueueProfile profile, other;
  profile.events = {{{"Node", kAdd, ""}, {{"A", nullptr}, {"B", nullptr}}},
                    {{"Pod", kDelete, ""}, {{"C", nullptr}}},
                    {{"Node", kAllActions, ""}, {{"C", nullptr}, {"A", nullptr}}}};
  profile.events_of_plugin = {{"A", {{"Node", kAdd, ""}}}, {"C", {{"Pod", kDelete, ""}}}};
  other.events = {{{"Node", kAdd, ""}, {{"B", nullptr}}}};
  const ClusterEvent event = NodeAddEvent();
  EventHearers hearers(event);
  const auto asked = [&](const QueueProfile& of, Names unschedulable, Names pending = {}) {
    QueuedPodInfo pod;
    pod.unschedulable_plugins = std::move(unschedulable);
    pod.pending_plugins = std::move(pending);
    std::string names;
    for (const RegisteredHint* hint : hearers.HintsFor(of, pod)) names += hint->plugin;
    return names;
  };
  EXPECT_EQ(asked(profile, {}), "");
  EXPECT_EQ(asked(profile, {"A"}), "AA");
  EXPECT_EQ(asked(profile, {"A"}), "AA") << "the same again";
  EXPECT_EQ(asked(other, {"A"}), "");
  EXPECT_EQ(asked(profile, {"C", "B"}), "BC");
  EXPECT_EQ(asked(profile, {"C"}, {"A"}), "ACA");
  EXPECT_EQ(asked(profile, {"C"}), "C");
  EXPECT_EQ(asked(profile, {}, {"C"}), "C");
  EXPECT_EQ(asked(other, {"B"}), "B");
  EXPECT_TRUE(hearers.Hears(&profile, "A"));
  EXPECT_FALSE(hearers.Hears(&profile, "C"));
  EXPECT_FALSE(hearers.Hears(&other, "A"));
  EXPECT_FALSE(hearers.Hears(&profile, "D"));
  EXPECT_TRUE(hearers.Hears(&profile, "A"));
}

class Gate final : public PreEnqueuePlugin {
 public:
  explicit Gate(std::string name) : name_(std::move(name)) {}
  std::string_view Name() const override { return name_; }
  bool SaysWhenGatesMayOpen() const override { return says; }
  Status PreEnqueue(const PodInfo& pod) override {
    ++asked;
    return closed.contains(pod.name) ? Unresolvable("closed") : Success();
  }
  Names closed;  // to these
  bool says = false;
  int asked = 0;

 private:
  const std::string name_;
};

class HearingQueueTest : public ::testing::Test {
 protected:
  using Place = QueueEntry::Place;

  HearingQueueTest() {
    profile_.pre_enqueue = {&gate_, &lid_};
    Register("Fit", {"Node", kAdd, ""});
    Register("Fit", {"Pod", kDelete | kUpdatePodLabel, ""});
    Register("Ports", {"Pod", kDelete, ""});
    Register("Taint", {"Node", kAdd | kUpdateNodeTaint, ""});
    Register("Gate", {"Node", kAdd | kDelete, ""});
    Register("Lid", {"Pod", kDelete, ""});
    SchedulingQueue::Profiles profiles;
    profiles.emplace("default-scheduler", profile_);
    queue_ = std::make_unique<SchedulingQueue>(*executor_, QueueOptions{}, sort_,
                                               std::move(profiles), nominator_, metrics_, nullptr);
  }
  void Register(const std::string& plugin, const ClusterEvent& event) {
    const auto hint = [this, plugin](const PodInfo&, const auto*, const auto*)
        -> absl::StatusOr<QueueingHint> {
      ++asked_[plugin];
      return skips_.contains(plugin) ? QueueingHint::kSkip : QueueingHint::kQueue;
    };
    profile_.events.push_back({event, {{plugin, hint}}});
    profile_.events_of_plugin[plugin].push_back(event);
  }
  void Reject(const std::string& name, Names plugins, Names pending = {}) {
    if (queue_->Find("default/" + name) == nullptr) queue_->Add(MakePod(name));
    while (QueueEntryPtr entry = queue_->Pop()) {
      const bool wanted = entry->pod->name == name;
      entry->unschedulable_plugins = wanted ? plugins : Names{"Nobody"};
      entry->pending_plugins = wanted ? pending : Names{};
      ASSERT_TRUE(queue_->AddUnschedulableIfNotPresent(std::move(entry)).ok());
      if (wanted) return;
    }
  }
  void Happen(const ClusterEvent& event) {
    queue_->MoveAllToActiveOrBackoff(event, nullptr, nullptr);
  }
  Place PlaceOf(const std::string& name) const {
    const QueueEntry* entry = queue_->Find("default/" + name);
    return entry == nullptr ? Place::kNone : entry->place;
  }
  // By the rule, for each pod by itself.
  bool IsMoved(const QueueEntry& entry, const ClusterEvent& event) const {
    const auto hears = [&](const std::string& plugin) {
      for (const ClusterEvent& each : profile_.events_of_plugin.at(plugin)) {
        if (each.Matches(event)) return true;
      }
      return false;
    };
    if (gate_.closed.contains(entry.pod->name) || lid_.closed.contains(entry.pod->name)) {
      return false;
    }
    if (entry.gated() && !hears(entry.gating_plugin)) return false;
    for (const auto& [plugin, events] : profile_.events_of_plugin) {
      const bool rejected = entry.unschedulable_plugins.contains(plugin) ||
                            entry.pending_plugins.contains(plugin);
      if (rejected && !skips_.contains(plugin) && hears(plugin)) return true;
    }
    return false;
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("queue");
  FakeSort sort_;
  Gate gate_{"Gate"}, lid_{"Lid"};
  Metrics metrics_;
  Nominator nominator_{[](const PodInfo&) { return true; }};
  QueueProfile profile_;
  Names skips_;
  std::map<std::string, int> asked_;
  std::unique_ptr<SchedulingQueue> queue_;
};

TEST_F(HearingQueueTest, BehindAClosedGateHintsAreNotAsked) {
  Reject("p", {"Fit"});
  gate_.closed = {"p"};
  Happen(NodeAddEvent());
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable) << "gated on its way to backoff";
  EXPECT_EQ(queue_->counts().gated, 1);
  EXPECT_EQ(asked_["Fit"], 1);
  Happen(NodeAddEvent());
  EXPECT_EQ(asked_["Fit"], 1);
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
  gate_.closed.clear();
  Happen(NodeAddEvent());
  EXPECT_EQ(PlaceOf("p"), Place::kBackoff);
}

TEST_F(HearingQueueTest, AGateThatSaysWhenItMayOpenIsNotAskedBefore) {
  lid_.says = true;
  lid_.closed = {"p"};
  Reject("p", {"Fit"});  // its first way in is closed
  ASSERT_EQ(PlaceOf("p"), Place::kUnschedulable);
  const int asked = lid_.asked;
  Happen(AssignedPodDeleteEvent());
  lid_.closed.clear();
  Happen(AssignedPodDeleteEvent());
  EXPECT_EQ(lid_.asked, asked);
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
  queue_->GateMayOpen("default/p");
  queue_->GateMayOpen("default/nobody");
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable) << "an event is still needed";
  Happen(AssignedPodDeleteEvent());
  EXPECT_GT(lid_.asked, asked);
  EXPECT_NE(PlaceOf("p"), Place::kUnschedulable);
}

TEST_F(HearingQueueTest, WhoIsDeafToAnEventMayHearItLater) {
  Reject("a", {"Nobody"});
  Reject("b", {"Fit"});
  Happen(NodeDeleteEvent());
  Happen(NodeDeleteEvent());
  EXPECT_TRUE(asked_.empty());
  gate_.closed = {"b"};
  Happen(NodeAddEvent());  // from here on the gate has rejected it as well
  Reject("c", {"Gate"});
  Happen(NodeDeleteEvent());
  EXPECT_EQ(PlaceOf("c"), Place::kBackoff) << "parked after the others";
  EXPECT_EQ(PlaceOf("b"), Place::kUnschedulable);
  gate_.closed.clear();
  Happen(NodeDeleteEvent());
  EXPECT_EQ(PlaceOf("b"), Place::kBackoff) << "its gate hears what it was deaf to before";
  EXPECT_EQ(PlaceOf("a"), Place::kUnschedulable);
}

TEST_F(HearingQueueTest, EventsMoveWhomTheRuleMoves) {
  Random random(7);
  const char* plugins[] = {"Fit", "Ports", "Taint", "Nobody"};
  lid_.says = true;
  const ClusterEvent events[] = {NodeAddEvent(), NodeDeleteEvent(), AssignedPodDeleteEvent(),
                                 {"Node", kUpdateNodeTaint, ""}, {"AssignedPod", kUpdate, ""}};
  const auto any_of = [&](auto& names) {
    return std::string(names[random.Below(std::size(names))]);
  };
  profile_.events_of_plugin["Nobody"];
  int moved = 0, stayed = 0;
  for (int step = 0; step < 20000; ++step) {
    const std::string name = "p" + std::to_string(random.Below(25));
    switch (random.Below(8)) {
      case 0:
      case 1:
      case 2: {
        Names pending;
        if (random.Chance(0.2)) pending.insert(any_of(plugins));
        Reject(name, {any_of(plugins), any_of(plugins)}, pending);
        break;
      }
      case 3: queue_->Delete("default/" + name, name); break;
      case 4: {
        Names& closed = random.Chance(0.5) ? gate_.closed : lid_.closed;
        if (!closed.erase(name)) closed.insert(name);
        if (!lid_.closed.contains(name)) queue_->GateMayOpen("default/" + name);
        break;
      }
      case 5: {
        const std::string plugin = any_of(plugins);
        if (!skips_.erase(plugin)) skips_.insert(plugin);
        break;
      }
      default: {
        const ClusterEvent& event = events[random.Below(std::size(events))];
        std::map<std::string, bool> expected;
        queue_->ForEach([&](const QueueEntry& entry) {
          if (entry.place == Place::kUnschedulable) {
            expected[entry.pod->name] = IsMoved(entry, event);
          }
        });
        Happen(event);
        for (const auto& [pod, moves] : expected) {
          ASSERT_EQ(PlaceOf(pod) != Place::kUnschedulable, moves)
              << "step " << step << ": " << pod << " at " << event.Label();
          ++(moves ? moved : stayed);
        }
        break;
      }
    }
  }
  EXPECT_GT(moved, 300);
  EXPECT_GT(stayed, 3000);
}

}  // namespace
}  // namespace berth::framework::testing
