#include "framework/queue/scheduling_queue.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/random.h"
#include "base/sim_executor.h"
#include "framework/queue/pod_events.h"
#include "tests/framework/builders.h"
#include "tests/framework/fake_plugins.h"

namespace berth::framework {
namespace {

using testing::FakeSort;
using testing::MakeNode;
using testing::MakePod;

// --- pieces ------------------------------------------------------------------------------------

TEST(BackoffTest, DoublesUpToTheMaximum) {
  const Backoff backoff({});
  const int64_t want_s[] = {0, 1, 2, 4, 8, 10, 10};
  for (int32_t count = 0; count < 7; ++count) {
    EXPECT_EQ(backoff.DurationFor(count), absl::Seconds(want_s[count])) << count;
  }
  EXPECT_EQ(backoff.DurationFor(1'000'000), absl::Seconds(10));
  EXPECT_EQ(Backoff({.max = absl::ZeroDuration()}).DurationFor(3), absl::ZeroDuration());
}

TEST(BackoffTest, ErrorsCountBeforeRejectionsAndWindowsAreWholeSeconds) {
  const Backoff backoff({});
  QueuedPodInfo pod;
  pod.timestamp = absl::FromUnixMillis(10'900);
  pod.unschedulable_count = 3;
  pod.consecutive_errors_count = 1;
  EXPECT_EQ(backoff.Expiration(pod), absl::FromUnixSeconds(11));
  EXPECT_TRUE(backoff.IsBackingOff(pod, absl::FromUnixMillis(11'999))) << "the same second";
  EXPECT_FALSE(backoff.IsBackingOff(pod, absl::FromUnixMillis(12'000)));
  QueuedPodInfo fresh;
  EXPECT_FALSE(backoff.IsBackingOff(fresh, absl::FromUnixSeconds(0)));
}

struct Element {
  int key = 0;
  size_t heap_index = 0;
};

TEST(IndexedHeapTest, IsAPriorityQueueThatKnowsPlaces) {
  Random random(3);
  const auto less = [](const Element& a, const Element& b) { return a.key < b.key; };
  IndexedHeap<Element, decltype(less)> heap(less);
  std::vector<std::unique_ptr<Element>> held;
  for (int step = 0; step < 5000; ++step) {
    const uint64_t action = random.Below(4);
    if (action == 0 || held.empty()) {
      held.push_back(std::make_unique<Element>(Element{static_cast<int>(random.Below(100)), 0}));
      heap.Push(held.back().get());
    } else if (action == 1) {
      Element& some = *held[random.Below(held.size())];
      some.key = static_cast<int>(random.Below(100));
      heap.Fix(&some);
    } else {
      Element* gone = action == 2 ? heap.Top() : held[random.Below(held.size())].get();
      if (action == 2) {
        const auto least = std::min_element(
            held.begin(), held.end(), [](auto& a, auto& b) { return a->key < b->key; });
        ASSERT_EQ(gone->key, (*least)->key);
        ASSERT_EQ(heap.Pop(), gone);
      } else {
        heap.Remove(gone);
      }
      std::erase_if(held, [&](const auto& e) { return e.get() == gone; });
    }
    for (size_t i = 0; i < heap.items().size(); ++i) ASSERT_EQ(heap.items()[i]->heap_index, i);
  }
}

TEST(ClusterEventTest, Matching) {
  const struct {
    const char* name;
    ClusterEvent registered, incoming;
    bool want;
  } cases[] = {
      {"equal", {"Node", kAdd, ""}, {"Node", kAdd, ""}, true},
      {"one of several", {"Node", kAdd | kUpdateNodeTaint, ""}, {"Node", kAdd, ""}, true},
      {"other action", {"Node", kAdd, ""}, {"Node", kDelete, ""}, false},
      {"other resource", {"Node", kAdd, ""}, {"Pod", kAdd, ""}, false},
      {"Pod hears of assigned ones", {"Pod", kDelete, ""}, {"AssignedPod", kDelete, ""}, true},
      {"and of waiting ones", {"Pod", kUpdate, ""}, {"UnschedulablePod", kUpdatePodLabel, ""},
       true},
      {"wildcard hears all", {"*", kAllActions, ""}, {"Node", kDelete, ""}, true},
      {"nobody but the wildcard hears the wildcard", {"Node", kAllActions, ""},
       {"*", kAllActions, ""}, false},
      {"a wider action is not heard", {"Pod", kUpdatePodLabel, ""}, {"Pod", kUpdate, ""}, false},
  };
  for (const auto& c : cases) EXPECT_EQ(c.registered.Matches(c.incoming), c.want) << c.name;
}

TEST(ClusterEventTest, Labels) {
  EXPECT_EQ((ClusterEvent{"Node", kAdd, ""}).Label(), "NodeAdd");
  EXPECT_EQ((ClusterEvent{"AssignedPod", kDelete, ""}).Label(), "AssignedPodDelete");
  EXPECT_EQ((ClusterEvent{"storage.k8s.io/CSINode", kUpdate, ""}).Label(),
            "storage.k8s.io/CSINodeUpdate");
  EXPECT_EQ(UnschedulableTimeoutEvent().Label(), "UnschedulableTimeout");
}

std::vector<std::string> Labels(const std::vector<ClusterEvent>& events) {
  std::vector<std::string> labels;
  for (const ClusterEvent& event : events) labels.push_back(event.Label());
  return labels;
}

TEST(ChangeEventsTest, Nodes) {
  using Want = std::vector<std::string>;
  const struct {
    const char* name;
    MakeNode before, after;
    Want want;
  } cases[] = {
      {"nothing", MakeNode("n"), MakeNode("n"), {}},
      {"uncordoned", MakeNode("n").Unschedulable(), MakeNode("n"), {"NodeUpdateNodeTaint"}},
      {"cordoned", MakeNode("n"), MakeNode("n").Unschedulable(), {}},
      {"allocatable", MakeNode("n"), MakeNode("n").Capacity("1", "1Gi"),
       {"NodeUpdateNodeAllocatable"}},
      {"labels and taints", MakeNode("n"), MakeNode("n").Label("a", "b").Taint("k=v:NoSchedule"),
       {"NodeUpdateNodeLabel", "NodeUpdateNodeTaint"}},
      {"condition", MakeNode("n"), MakeNode("n").Condition("Ready", "False"),
       {"NodeUpdateNodeCondition"}},
      {"annotation", MakeNode("n"), MakeNode("n").Annotation("a", "b"),
       {"NodeUpdateNodeAnnotation"}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Labels(NodeChangeEvents(*c.before.Object(), *c.after.Object())), c.want) << c.name;
  }
}

TEST(ChangeEventsTest, Pods) {
  using Want = std::vector<std::string>;
  const struct {
    const char* name;
    MakePod before, after;
    Want want;
  } cases[] = {
      {"nothing of note", MakePod("p"), MakePod("p").Phase("Running"), {"AssignedPodUpdate"}},
      {"labels", MakePod("p"), MakePod("p").Label("a", "b"), {"AssignedPodUpdatePodLabel"}},
      {"smaller", MakePod("p").Req("2"), MakePod("p").Req("1"), {"AssignedPodUpdatePodScaleDown"}},
      {"larger", MakePod("p").Req("1"), MakePod("p").Req("2"), {"AssignedPodUpdate"}},
      {"gates gone", MakePod("p").SchedulingGate("g"), MakePod("p"),
       {"AssignedPodUpdatePodSchedulingGatesEliminated"}},
      {"toleration", MakePod("p"), MakePod("p").Toleration("k"),
       {"AssignedPodUpdatePodToleration"}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Labels(PodChangeEvents("AssignedPod", *c.before.Info(), *c.after.Info())), c.want)
        << c.name;
  }
}

TEST(NominatorTest, AddUpdateDelete) {
  bool waiting = true;
  Nominator nominator([&](const PodInfo&) { return waiting; });
  const PodPtr plain = MakePod("p");
  nominator.Add(plain, nullptr);
  EXPECT_TRUE(nominator.empty()) << "its status names no node";
  const NominatingInfo to_n{NominatingInfo::Mode::kOverride, "n"};
  nominator.Add(plain, &to_n);
  nominator.Add(MakePod("q").NominatedNode("n"), nullptr);
  ASSERT_EQ(nominator.PodsOn("n").size(), 2u);
  EXPECT_EQ(nominator.PodsOn("n")[0]->name, "p") << "in the order of nomination";
  nominator.Update(plain.get(), MakePod("p").Label("a", "b"));
  EXPECT_EQ(nominator.PodsOn("n").size(), 2u) << "no status names a node: memory counts";
  nominator.Update(plain.get(), MakePod("p").NominatedNode("m"));
  EXPECT_EQ(nominator.PodsOn("m").size(), 1u);
  nominator.Delete("p");
  nominator.Delete("q");
  EXPECT_TRUE(nominator.empty());
  waiting = false;
  nominator.Add(MakePod("gone").NominatedNode("n"), nullptr);
  EXPECT_TRUE(nominator.empty());
}

// --- the queue ---------------------------------------------------------------------------------

class GatePlugin final : public PreEnqueuePlugin {
 public:
  std::string_view Name() const override { return "Gate"; }
  Status PreEnqueue(const PodInfo& pod) override {
    ++calls;
    return pod.object().spec().scheduling_gates_size() > 0 ? Unresolvable("gated") : Success();
  }
  int calls = 0;
};

struct Recorder final : Metrics {
  void QueueIncoming(std::string_view queue, std::string_view event) override {
    incoming.push_back(std::string(queue) + ":" + std::string(event));
  }
  void PendingPods(std::string_view queue, int64_t count) override {
    pending[std::string(queue)] = count;
  }
  void UnschedulablePods(std::string_view plugin, std::string_view, int delta) override {
    unschedulable[std::string(plugin)] += delta;
  }
  void InFlightEvents(std::string_view event, int64_t delta) override {
    in_flight[std::string(event)] += delta;
  }
  std::vector<std::string> incoming;
  std::map<std::string, int64_t> pending, unschedulable, in_flight;
};

class QueueTest : public ::testing::Test {
 protected:
  QueueTest() : loop_(1), executor_(loop_.MakeExecutor("queue")) {
    const auto hint = [this](const PodInfo&, const google::protobuf::Message*,
                             const google::protobuf::Message*) -> absl::StatusOr<QueueingHint> {
      ++hints_;
      return hint_;
    };
    profile_.pre_enqueue.push_back(&gate_);
    profile_.events = {
        {{"Node", kAdd, ""}, {{"Fit", hint}}},
        {{"Pod", kUpdatePodSchedulingGatesEliminated, ""}, {{"Gate", nullptr}}},
        {{"Pod", kUpdatePodLabel | kDelete, ""}, {{"Fit", hint}, {"Other", nullptr}}},
    };
    profile_.events_of_plugin["Gate"] = {{"Pod", kUpdatePodSchedulingGatesEliminated, ""}};
    Make({});
  }
  void Make(const QueueOptions& options) {
    SchedulingQueue::Profiles profiles;
    profiles.emplace("default-scheduler", profile_);
    queue_ = std::make_unique<SchedulingQueue>(*executor_, options, sort_, std::move(profiles),
                                               nominator_, metrics_, [this] { ++ready_; });
  }
  void Advance(absl::Duration by) { loop_.RunUntil(loop_.clock().Now() + by); }
  // Pops and gives the name; "" for none.
  std::string Pop() {
    last_ = queue_->Pop();
    return last_ ? last_->pod->name : "";
  }
  // The popped pod comes back, rejected by these plugins (an error when none).
  void Fail(std::vector<std::string> plugins, std::vector<std::string> pending = {}) {
    last_->unschedulable_plugins = {plugins.begin(), plugins.end()};
    last_->pending_plugins = {pending.begin(), pending.end()};
    ASSERT_TRUE(queue_->AddUnschedulableIfNotPresent(std::move(last_)).ok());
  }
  QueueEntry::Place PlaceOf(std::string_view name) {
    const QueueEntry* entry = queue_->Find("default/" + std::string(name));
    return entry ? entry->place : QueueEntry::Place::kNone;
  }
  using Place = QueueEntry::Place;

  SimLoop loop_;
  std::unique_ptr<Executor> executor_;
  FakeSort sort_;
  GatePlugin gate_;
  Recorder metrics_;
  Nominator nominator_{[](const PodInfo&) { return true; }};
  QueueProfile profile_;
  QueueingHint hint_ = QueueingHint::kQueue;
  int hints_ = 0, ready_ = 0;
  std::unique_ptr<SchedulingQueue> queue_;
  QueueEntryPtr last_;
};

TEST_F(QueueTest, PopsInOrder) {
  queue_->Add(MakePod("low"));
  Advance(absl::Milliseconds(1));
  queue_->Add(MakePod("high").Priority(5));
  Advance(absl::Milliseconds(1));
  queue_->Add(MakePod("late"));
  EXPECT_GT(ready_, 0);
  EXPECT_EQ(metrics_.pending["active"], 3);
  EXPECT_EQ(Pop(), "high");
  EXPECT_EQ(Pop(), "low");
  EXPECT_EQ(last_->attempts, 1);
  EXPECT_EQ(Pop(), "late");
  EXPECT_EQ(Pop(), "");
  EXPECT_EQ(metrics_.incoming[0], "active:UnschedulablePodAdd");
}

TEST_F(QueueTest, ErrorsGoToBackoffAndComeBackByTime) {
  queue_->Add(MakePod("p"));
  Pop();
  Fail({});
  EXPECT_EQ(PlaceOf("p"), Place::kErrorBackoff);
  EXPECT_FALSE(queue_->Ready()) << "errors always wait";
  Advance(absl::Seconds(3));
  EXPECT_EQ(PlaceOf("p"), Place::kActive);
  EXPECT_EQ(metrics_.incoming.back(), "active:BackoffComplete");
}

TEST_F(QueueTest, RejectedPodsWaitForAnEvent) {
  queue_->Add(MakePod("p"));
  Pop();
  Fail({"Fit"});
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
  EXPECT_EQ(metrics_.unschedulable["Fit"], 1);
  EXPECT_EQ(metrics_.pending["unschedulable"], 1);

  queue_->MoveAllToActiveOrBackoff(NodeDeleteEvent(), nullptr, nullptr);
  EXPECT_EQ(hints_, 0) << "nobody registered for it";
  hint_ = QueueingHint::kSkip;
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(hints_, 1);
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
  hint_ = QueueingHint::kQueue;
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(PlaceOf("p"), Place::kBackoff);
  EXPECT_TRUE(queue_->Ready()) << "nothing else waits, so it may go before its time";
  EXPECT_EQ(Pop(), "p");
  EXPECT_EQ(metrics_.unschedulable["Fit"], 0);
}

TEST_F(QueueTest, OnlyRejectorsAreAsked) {
  queue_->Add(MakePod("p"));
  Pop();
  Fail({"Somebody"});
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(hints_, 0);
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
}

TEST_F(QueueTest, BackoffEndsBeforeTheEventMeansActive) {
  queue_->Add(MakePod("p"));
  Pop();
  Fail({"Fit"});
  Advance(absl::Seconds(5));
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(PlaceOf("p"), Place::kActive);
}

TEST_F(QueueTest, APendingPluginsHintSkipsBackoff) {
  queue_->Add(MakePod("p"));
  Pop();
  Fail({"Fit"}, {"Fit"});
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(PlaceOf("p"), Place::kActive);
}

TEST_F(QueueTest, EventsDuringTheAttemptAreNotMissed) {
  queue_->Add(MakePod("p"));
  Pop();
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(queue_->in_flight().event_count(), 1u);
  Fail({"Fit"});
  EXPECT_EQ(PlaceOf("p"), Place::kBackoff);
  EXPECT_EQ(queue_->in_flight().event_count(), 0u);
  EXPECT_EQ(metrics_.in_flight["PodPopped"], 0);
  EXPECT_EQ(metrics_.in_flight["NodeAdd"], 0);
}

TEST_F(QueueTest, EventsBeforeTheAttemptAreNotSeen) {
  queue_->Add(MakePod("a"));
  Pop();
  QueueEntryPtr a = std::move(last_);
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  queue_->Add(MakePod("b"));
  Pop();
  Fail({"Fit"});
  EXPECT_EQ(PlaceOf("b"), Place::kUnschedulable);
  EXPECT_EQ(queue_->in_flight().event_count(), 1u) << "a has yet to look";
  last_ = std::move(a);
  Fail({"Fit"});
  EXPECT_EQ(PlaceOf("a"), Place::kBackoff);
}

TEST_F(QueueTest, AnUpdateInFlightCountsAsAnEvent) {
  const PodPtr pod = MakePod("p");
  queue_->Add(pod);
  Pop();
  queue_->Update(pod, MakePod("p").Label("a", "b"));
  Fail({"Fit"});
  EXPECT_EQ(PlaceOf("p"), Place::kBackoff);
}

TEST_F(QueueTest, GatedPodsStayOutUntilTheirGateIsGone) {
  const PodPtr gated = MakePod("p").SchedulingGate("g");
  queue_->Add(gated);
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
  EXPECT_EQ(metrics_.pending["gated"], 1);
  EXPECT_EQ(metrics_.pending["unschedulable"], 0);
  EXPECT_EQ(metrics_.unschedulable["Gate"], 1);
  const int calls = gate_.calls;
  queue_->MoveAllToActiveOrBackoff(NodeAddEvent(), nullptr, nullptr);
  EXPECT_EQ(gate_.calls, calls) << "the gate does not hear of nodes";
  Advance(absl::Minutes(10));
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable) << "time opens no gate";
  queue_->Update(gated, MakePod("p"));
  EXPECT_EQ(PlaceOf("p"), Place::kActive);
  EXPECT_EQ(metrics_.pending["gated"], 0);
  EXPECT_EQ(Pop(), "p");
  EXPECT_EQ(last_->initial_attempt_timestamp, loop_.clock().Now()) << "gated time is not counted";
}

TEST_F(QueueTest, LongWaitersAreFlushed) {
  queue_->Add(MakePod("p"));
  Pop();
  Fail({"Fit"});
  Advance(absl::Minutes(5));
  EXPECT_EQ(PlaceOf("p"), Place::kUnschedulable);
  Advance(absl::Seconds(31));
  EXPECT_EQ(PlaceOf("p"), Place::kActive);
  EXPECT_EQ(metrics_.incoming.back(), "active:UnschedulableTimeout");
  Pop();
  EXPECT_TRUE(last_->was_flushed_from_unschedulable);
}

TEST_F(QueueTest, ActivateTakesFromAnywhere) {
  queue_->Add(MakePod("rejected"));
  Pop();
  Fail({"Fit"});
  queue_->Add(MakePod("failed"));
  Pop();
  Fail({});
  queue_->Add(MakePod("flying"));
  Pop();
  const std::vector<std::string> keys = {"default/rejected", "default/failed", "default/flying",
                                         "default/unknown"};
  queue_->Activate(keys);
  EXPECT_EQ(PlaceOf("rejected"), Place::kActive);
  EXPECT_EQ(PlaceOf("failed"), Place::kActive);
  Fail({"Fit"});
  EXPECT_EQ(PlaceOf("flying"), Place::kBackoff) << "worth another try, after its backoff";
}

TEST_F(QueueTest, UpdatesOfUnknownPodsAdd) {
  queue_->Update(nullptr, MakePod("p"));
  EXPECT_EQ(PlaceOf("p"), Place::kActive);
  EXPECT_EQ(metrics_.incoming.back(), "active:UnschedulablePodUpdate");
  queue_->Update(nullptr, MakePod("p").Priority(3));
  EXPECT_EQ(Pop(), "p");
  EXPECT_EQ(last_->pod->priority, 3);
  EXPECT_EQ(Pop(), "");
}

TEST_F(QueueTest, DeleteForgetsEverything) {
  queue_->Add(MakePod("p").NominatedNode("n"));
  EXPECT_FALSE(nominator_.empty());
  Pop();
  Fail({"Fit"});
  queue_->Delete("default/p", "p");
  EXPECT_TRUE(nominator_.empty());
  EXPECT_EQ(metrics_.unschedulable["Fit"], 0);
  EXPECT_EQ(metrics_.pending["unschedulable"], 0);
  EXPECT_EQ(queue_->Summary(), "activeQ:0; backoffQ:0; unschedulablePods:0");
}

TEST_F(QueueTest, TwiceIsAnError) {
  queue_->Add(MakePod("p"));
  Pop();
  queue_->Add(MakePod("p"));
  const absl::Status status = queue_->AddUnschedulableIfNotPresent(std::move(last_));
  EXPECT_EQ(ToStd(status.message()), "Pod default/p is already present in the active queue");
  EXPECT_TRUE(queue_->in_flight().empty());
}

TEST_F(QueueTest, CloseGivesNothingOut) {
  queue_->Add(MakePod("p"));
  queue_->Close();
  EXPECT_FALSE(queue_->Ready());
  EXPECT_EQ(Pop(), "");
}

// No pod is ever lost or doubled, and counts say what there is.
TEST_F(QueueTest, Conservation) {
  Random random(11);
  std::map<std::string, QueueEntryPtr> flying;
  std::map<std::string, PodPtr> alive;
  const char* plugins[] = {"Fit", "Other", "Somebody"};
  for (int step = 0; step < 20000; ++step) {
    const std::string name = "p" + std::to_string(random.Below(30));
    switch (random.Below(8)) {
      case 0:
        if (alive.contains(name)) break;
        alive[name] = random.Chance(0.2) ? MakePod(name).SchedulingGate("g") : MakePod(name);
        queue_->Add(alive[name]);
        break;
      case 1:
      case 2: {
        QueueEntryPtr entry = queue_->Pop();
        if (!entry) break;
        ASSERT_TRUE(alive.contains(entry->pod->name));
        ASSERT_FALSE(flying.contains(entry->pod->name));
        flying[entry->pod->name] = std::move(entry);
        break;
      }
      case 3: {
        auto it = flying.find(name);
        if (it == flying.end()) break;
        it->second->unschedulable_plugins.clear();
        it->second->pending_plugins.clear();
        if (random.Chance(0.7)) it->second->unschedulable_plugins.insert(plugins[random.Below(3)]);
        ASSERT_TRUE(queue_->AddUnschedulableIfNotPresent(std::move(it->second)).ok());
        flying.erase(it);
        break;
      }
      case 4: {
        auto it = flying.find(name);
        if (it == flying.end()) break;
        queue_->Done(name);  // scheduled
        flying.erase(it);
        alive.erase(name);
        break;
      }
      case 5:
        queue_->MoveAllToActiveOrBackoff(
            random.Chance(0.5) ? NodeAddEvent() : AssignedPodDeleteEvent(), nullptr, nullptr);
        break;
      case 6: {
        if (!alive.contains(name)) break;
        const PodPtr before = alive[name];
        alive[name] = MakePod(name).Label("v", std::to_string(step));
        queue_->Update(before, alive[name]);
        break;
      }
      case 7: Advance(absl::Milliseconds(random.Between(1, 3000))); break;
    }
    const QueueCounts counts = queue_->counts();
    ASSERT_EQ(counts.active + counts.backoff + counts.unschedulable + counts.gated +
                  static_cast<int64_t>(flying.size()),
              static_cast<int64_t>(alive.size()));
    ASSERT_EQ(queue_->in_flight().pod_count(), flying.size());
    if (flying.empty()) {
      ASSERT_EQ(queue_->in_flight().event_count(), 0u);
    }
  }
}

TEST_F(QueueTest, APodHeldBackKeepsItsPlaceAndNoRejectors) {
  queue_->Add(MakePod("p"));
  EXPECT_EQ(Pop(), "p");
  Fail({"Fit"});
  EXPECT_EQ(metrics_.unschedulable["Fit"], 1);
  const std::vector<std::string> keys = {"default/p"};
  for (int refusals = 0; refusals < 3; ++refusals) {
    queue_->Activate(keys);
    ASSERT_EQ(Pop(), "p");
    queue_->Done("p");
    ASSERT_TRUE(queue_->HoldBack(std::move(last_)));
    EXPECT_EQ(PlaceOf("p"), Place::kHeldBack);
    EXPECT_EQ(queue_->counts().backoff, 1);
    queue_->Update(MakePod("p"), MakePod("p").Label("a", "b"));
    EXPECT_EQ(PlaceOf("p"), Place::kHeldBack);
    EXPECT_EQ(Pop(), "");
    queue_->Resume("default/p", "another", "BindConflict");
    EXPECT_EQ(PlaceOf("p"), Place::kHeldBack) << "not the pod that was meant";
    queue_->Resume("default/p", "p", "BindConflict");
    EXPECT_EQ(PlaceOf("p"), Place::kActive);
    EXPECT_EQ(queue_->counts().backoff, 0);
  }
  EXPECT_EQ(metrics_.unschedulable["Fit"], 0);
  EXPECT_EQ(Pop(), "p");
  EXPECT_EQ(last_->pod->labels.size(), 1u) << "as it was updated";
}

}  // namespace
}  // namespace berth::framework
