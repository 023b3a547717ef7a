#include "plugins/dynamic_resources/dynamic_resources.h"

#include <string>
#include <utility>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/resource_table.h"
#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::dynamic_resources {
namespace {

using api::dra::ResourceClaim;
using framework::Code;
using framework::testing::MakeNode;
using framework::testing::MakePod;

template <typename T>
std::shared_ptr<T> FromJson(std::string_view json) {
  auto out = std::make_shared<T>();
  const absl::Status status = api::ParseJson(json, *out);
  EXPECT_TRUE(status.ok()) << status;
  return out;
}

std::shared_ptr<ResourceClaim> Claim(std::string_view spec, std::string_view status = "{}") {
  return FromJson<ResourceClaim>(
      fmt::format(R"({{"metadata": {{"name": "c", "namespace": "default", "uid": "c"}},
                       "spec": {{"devices": {}}}, "status": {}}})", spec, status));
}
constexpr std::string_view kOne = R"({"requests": [{"name": "r", "exactly":
    {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 1}}]})";
// Device x, which is on node m.
constexpr std::string_view kOnM = R"({"allocation": {
    "devices": {"results": [{"request": "r", "driver": "d", "pool": "n", "device": "x"}]},
    "nodeSelector": {"nodeSelectorTerms": [{"matchFields":
      [{"key": "metadata.name", "operator": "In", "values": ["m"]}]}]}}})";

MakePod Pod() {
  MakePod pod("p");
  auto& entry = *pod.message().mutable_spec()->add_resource_claims();
  entry.set_name("gpu");
  entry.set_resource_claim_name("c");
  return pod;
}

// Answers writes with what is left in `answers`, then as the world does.
class Flaky final : public framework::ObjectSink {
 public:
  explicit Flaky(framework::MemoryWorld& world) : world_(world) {}
  void Bind(const api::core::Pod&, std::string_view, Done) override {}
  void Create(const api::Resource&, framework::ObjectPtr, ObjectDone) override {}
  void Update(const api::Resource& resource, framework::ObjectPtr object,
              std::string_view subresource, ObjectDone done) override {
    ++writes;
    if (answers.empty()) return world_.Update(resource, object, subresource, std::move(done));
    const absl::Status answer = answers.back();
    answers.pop_back();
    done(answer, nullptr);
  }
  void Patch(const api::Resource&, std::string_view, std::string_view, std::string,
             std::string_view, Done) override {}
  void Delete(const api::Resource&, std::string_view, std::string_view, std::string_view,
              Done) override {}
  void Event(framework::EventNote) override {}
  std::vector<absl::Status> answers;
  int writes = 0;

 private:
  framework::MemoryWorld& world_;
};

// One node "n" with devices a and b of class gpu, and what a sink was asked for.
class DynamicResourcesTest : public ::testing::Test {
 protected:
  DynamicResourcesTest() {
    handle_.other_sink = &handle_.world;
    Put(FromJson<api::dra::DeviceClass>(R"({"metadata": {"name": "gpu"}})"));
    Put(FromJson<api::dra::ResourceSlice>(R"({"metadata": {"name": "s"}, "spec": {
        "driver": "d", "nodeName": "n",
        "pool": {"name": "n", "generation": 1, "resourceSliceCount": 1},
        "devices": [{"name": "a"}, {"name": "b"}]}})"));
    handle_.world.on_patch = [this](std::string_view key, std::string_view patch) {
      patches_ += std::string(key) + " " + std::string(patch) + "\n";
      return absl::OkStatus();
    };
    handle_.world.on_event = [this](const framework::EventNote& note) {
      events_ += note.reason + ": " + note.note + "\n";
    };
  }

  template <typename T>
  void Put(std::shared_ptr<T> object) {
    handle_.world.Put(api::ResourceOf<T>(), std::move(object));
  }
  std::shared_ptr<const ResourceClaim> Stored() const {
    return std::static_pointer_cast<const ResourceClaim>(
        handle_.world.Get(api::ResourceOf<ResourceClaim>(), "default", "c"));
  }
  framework::Status PreFilter(const framework::PodInfo& pod) {
    return plugin_.PreFilter(state_, pod, testing::FixedSnapshot({})).status;
  }
  std::string PlannedPostFilter() {
    struct NoStatuses final : framework::NodeStatusReader {
      framework::Status Get(std::string_view) const override { return {}; }
      std::span<const framework::NodeIndex> NodesWith(Code) const override { return {}; }
    };
    return plugin_.PlanPostFilter(state_, *Pod().Info(), NoStatuses()).status.Message();
  }
  // PreFilter, Filter on n, Reserve, PreBind, which is to answer.
  void StartBinding(const framework::PodInfo& pod, std::optional<framework::Status>& answer) {
    ASSERT_TRUE(PreFilter(pod).ok());
    ASSERT_TRUE(plugin_.Filter(state_, pod, MakeNode("n").Info()).ok());
    ASSERT_TRUE(plugin_.Reserve(state_, pod, "n").ok());
    ASSERT_TRUE(plugin_.PreBindPreFlight(state_, pod, "n").status.ok());
    plugin_.PreBind(state_, pod, "n",
                    [&answer](framework::Status status) { answer = std::move(status); });
  }
  // What PreBind answers.
  framework::Status Bind(const framework::PodInfo& pod,
                         absl::Duration wait = absl::Seconds(1)) {
    std::optional<framework::Status> answer;
    StartBinding(pod, answer);
    handle_.Settle(wait);
    EXPECT_TRUE(answer.has_value());
    return answer.value_or(framework::Error("no answer"));
  }

  testing::FakeHandle handle_{{MakeNode("n").Info(), MakeNode("m").Info()}};
  DynamicResources plugin_{DynamicResourcesArgs(), handle_};
  framework::CycleState state_;
  std::string patches_, events_;
};

TEST_F(DynamicResourcesTest, PodsWithoutClaimsAreNoneOfItsBusiness) {
  const auto pod = MakePod("p").Info();
  EXPECT_EQ(PlannedPostFilter(), "not found") << "before PreFilter";
  EXPECT_TRUE(PreFilter(*pod).IsSkip());
  EXPECT_EQ(plugin_.Score(state_, *pod, MakeNode("n").Info()).score, 0);
  EXPECT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  EXPECT_TRUE(plugin_.PreBindPreFlight(state_, *pod, "n").status.IsSkip());
  EXPECT_EQ(PlannedPostFilter(), "no new claims to deallocate");
  EXPECT_EQ(testing::SignatureOf(plugin_, *pod), "");
  EXPECT_EQ(plugin_.DependsOn(*pod).node_fields, 0u);
  EXPECT_TRUE(plugin_.PreEnqueue(*pod).ok());
}

// Nodes score by the alternative that they offer: then all of them are to be asked.
TEST_F(DynamicResourcesTest, PodsWithClaimsAreFilteredEachUnlessThereIsAChoice) {
  EXPECT_FALSE(plugin_.FiltersEachPod(*MakePod("p").Info()));
  for (const char* request : {R"("exactly": {"deviceClassName": "gpu"})",
                              R"("firstAvailable": [{"name": "a", "deviceClassName": "gpu"}])"}) {
    Put(FromJson<ResourceClaim>(fmt::format(R"({{"metadata": {{"namespace": "default",
        "name": "c"}}, "spec": {{"devices": {{"requests": [{{"name": "r", {}}}]}}}}}})", request)));
    EXPECT_EQ(plugin_.FiltersEachPod(*Pod().Info()), request[1] == 'e') << request;
  }
}

TEST_F(DynamicResourcesTest, ClaimsThatCannotBeUsedRejectThePod) {
  std::string full;
  for (int i = 0; i < 256; ++i) {
    full += fmt::format(R"({}{{"resource": "pods", "name": "q", "uid": "q{}"}})",
                        i == 0 ? "" : ", ", i);
  }
  const std::string in_use =
      fmt::format(R"({{"allocation": {{}}, "reservedFor": [{}]}})", full);
  const auto with_class = [](std::string_view name) {
    return fmt::format(R"({{"requests": [{{"name": "r", "exactly":
                            {{"deviceClassName": "{}"}}}}]}})", name);
  };
  const struct {
    std::string_view name;
    std::shared_ptr<ResourceClaim> claim;
    Code code;
    std::string_view message;
  } cases[] = {
      {"missing", nullptr, Code::kUnschedulableAndUnresolvable,
       "could not find ResourceClaim \"default/c\""},
      {"full", Claim(kOne, in_use), Code::kUnschedulableAndUnresolvable, "resourceclaim in use"},
      {"no such class", Claim(with_class("none")), Code::kUnschedulableAndUnresolvable,
       "request r: device class none does not exist"},
      {"no class", Claim(with_class("")), Code::kError, "request r: unsupported request type"},
      {"neither kind", Claim(R"({"requests": [{"name": "r"}]})"),
       Code::kUnschedulableAndUnresolvable,
       "resource claim default/c, request r: unknown request type"},
      {"no such class of an alternative",
       Claim(R"({"requests": [{"name": "r", "firstAvailable":
                  [{"name": "a", "deviceClassName": "none"}]}]})"),
       Code::kUnschedulableAndUnresolvable, "request r/a: device class none does not exist"},
      {"good", Claim(kOne), Code::kSuccess, ""},
  };
  for (const auto& c : cases) {
    if (c.claim != nullptr) Put(c.claim);
    const framework::Status status = PreFilter(*Pod().Info());
    EXPECT_EQ(status.code(), c.code) << c.name;
    EXPECT_EQ(status.Message(), c.message) << c.name;
    EXPECT_EQ(PlannedPostFilter(),
              status.ok() ? "still not schedulable" : "no new claims to deallocate");
  }
}

TEST_F(DynamicResourcesTest, DevicesAreFoundHeldAndWritten) {
  Put(Claim(kOne));
  const auto pod = Pod().Info();
  EXPECT_TRUE(plugin_.PreEnqueue(*pod).ok());
  EXPECT_TRUE(PreFilter(*pod).ok());
  EXPECT_EQ(plugin_.Filter(state_, *pod, MakeNode("m").Info()).Message(),
            "cannot allocate all claims");
  EXPECT_EQ(plugin_.Reserve(state_, *pod, "m").Message(),
            "claim allocation not found for node");
  EXPECT_TRUE(Bind(*pod).ok());
  std::string text;
  api::PrintJson(*Stored(), text);
  EXPECT_NE(text.find(R"("finalizers":["resource.kubernetes.io/delete-protection"])"),
            std::string::npos) << text;
  EXPECT_NE(text.find(R"("results":[{"request":"r","driver":"d","pool":"n","device":"a"}])"),
            std::string::npos) << text;
  EXPECT_NE(text.find(R"("reservedFor":[{"resource":"pods","name":"p","uid":"p"}])"),
            std::string::npos) << text;
  // What failed afterwards gives the reservation back.
  plugin_.Unreserve(state_, *pod, "n");
  EXPECT_EQ(patches_,
            R"(default/c {"metadata":{"uid":"c"},"status":{"reservedFor":[{"$patch":"delete",)"
            R"("uid":"p"}]}})" "\n");
}

// A binding that was refused: the reservation goes, and the pod is tried again at once, while the
// claim is still seen with it.
TEST_F(DynamicResourcesTest, AReservationThatWasGivenBackIsMadeAnew) {
  Put(Claim(kOne));
  const auto pod = Pod().Info();
  ASSERT_TRUE(Bind(*pod).ok());
  int writes = 0;
  const auto count = [&](const framework::ObjectEvent& event) {
    writes += event.kind == framework::ObjectEvent::Kind::kUpdated ? 1 : 0;
  };
  handle_.world.Subscribe(api::ResourceOf<ResourceClaim>(), count);
  plugin_.Unreserve(state_, *pod, "n");
  state_ = framework::CycleState();
  ASSERT_TRUE(Bind(*pod).ok());
  EXPECT_EQ(writes, 1) << "it was written again, after the server had taken it";
  EXPECT_EQ(Stored()->status().reserved_for_size(), 1);
  state_ = framework::CycleState();
  ASSERT_TRUE(Bind(*pod).ok());
  EXPECT_EQ(writes, 1) << "now it holds";
}

TEST_F(DynamicResourcesTest, WhatIsHeldIsNotGivenTwice) {
  Put(Claim(kOne));
  const auto pod = Pod().Info();
  ASSERT_TRUE(PreFilter(*pod).ok());
  ASSERT_TRUE(plugin_.Filter(state_, *pod, MakeNode("n").Info()).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  framework::CycleState second;
  const testing::FixedSnapshot none({});
  const auto again = [&] { return plugin_.PreFilter(second, *pod, none).status.Message(); };
  EXPECT_EQ(again(), "resource claim default/c is in the process of being allocated");
  plugin_.Unreserve(state_, *pod, "n");
  plugin_.Unreserve(state_, *pod, "n");
  EXPECT_EQ(again(), "");
  EXPECT_EQ(patches_, "") << "nothing was written";
}

TEST_F(DynamicResourcesTest, APodThatIsGivenUpWhileItsClaimIsWrittenKeepsNothing) {
  const auto pod = Pod().Info();
  // Given up before any answer came, and after the first.
  for (const int steps : {0, 1}) {
    SCOPED_TRACE(steps);
    Put(Claim(kOne));
    std::optional<framework::Status> answer;
    StartBinding(*pod, answer);
    for (int i = 0; i < steps; ++i) handle_.Step();
    plugin_.Unreserve(state_, *pod, "n");
    handle_.Settle(absl::Seconds(1));
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(answer->Message(), "cancelled");
    // What was sent already is taken back by a patch.
    EXPECT_EQ(patches_.empty(), Stored()->status().reserved_for().empty());
    EXPECT_TRUE(PreFilter(*pod).ok()) << "not pending any more";
  }
}

TEST_F(DynamicResourcesTest, ConflictsAreTriedAgainAndFailuresSaid) {
  Flaky sink(handle_.world);
  handle_.other_sink = &sink;
  const auto conflict = api::Conflict(api::ResourceOf<ResourceClaim>(), "c", "changed");
  Put(Claim(kOne));
  sink.answers = {conflict, conflict};
  EXPECT_TRUE(Bind(*Pod().Info(), absl::Seconds(3)).ok());
  EXPECT_EQ(sink.writes, 4);
  EXPECT_EQ(Stored()->status().reserved_for_size(), 1);

  Put(Claim(kOne));
  sink.answers.assign(9, conflict);
  EXPECT_TRUE(Bind(*Pod().Info(), absl::Seconds(5))
                  .Message()
                  .starts_with("add finalizer to claim default/c: "));
  EXPECT_EQ(sink.answers.size(), 4u) << "five times";

  Put(Claim(kOne));
  // The watch is behind: what was in the way is seen 0.9 s later, after what was seen already.
  sink.writes = 0;
  sink.answers = {conflict};
  Put(Claim(kOne));
  auto late = Claim(kOne);
  late->mutable_metadata()->set_resource_version("7");
  handle_.executor().PostAfter(absl::Milliseconds(300), [&] { Put(Claim(kOne)); });
  handle_.executor().PostAfter(absl::Milliseconds(900), [&] { Put(late); });
  EXPECT_TRUE(Bind(*Pod().Info(), absl::Milliseconds(950)).ok());
  EXPECT_EQ(sink.writes, 3) << "the one refused, finalizer and status";
  EXPECT_EQ(Stored()->metadata().resource_version(), "7") << "on top of what was in the way";
  handle_.Settle(absl::Seconds(2));
  EXPECT_EQ(sink.writes, 3) << "nor once more when the second is over";

  Put(Claim(kOne));
  sink.answers = {absl::UnavailableError("down")};
  EXPECT_EQ(Bind(*Pod().Info()).Message(), "add finalizer to claim default/c: down");
  EXPECT_TRUE(PreFilter(*Pod().Info()).ok()) << "not pending any more";
}

TEST_F(DynamicResourcesTest, APodThatIsGivenUpDoesNotWaitForItsConflict) {
  Flaky sink(handle_.world);
  handle_.other_sink = &sink;
  Put(Claim(kOne));
  sink.answers = {api::Conflict(api::ResourceOf<ResourceClaim>(), "c", "changed")};
  const auto pod = Pod().Info();
  std::optional<framework::Status> answer;
  StartBinding(*pod, answer);
  handle_.Settle(absl::Milliseconds(100));
  EXPECT_FALSE(answer.has_value());
  plugin_.CancelPreBind(*pod);
  handle_.Settle();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->Message(), "cancelled");
  EXPECT_EQ(sink.writes, 1);
}

TEST_F(DynamicResourcesTest, AClaimThatIsSomewhereElseIsGivenUpWhenNobodyHasIt) {
  Put(Claim(kOne, kOnM));
  const auto pod = Pod().Info();
  ASSERT_TRUE(PreFilter(*pod).ok());
  EXPECT_TRUE(plugin_.Filter(state_, *pod, MakeNode("m").Info()).ok());
  EXPECT_EQ(PlannedPostFilter(), "still not schedulable");
  EXPECT_EQ(plugin_.Filter(state_, *pod, MakeNode("n").Info()).Message(),
            "resourceclaim not available on the node");
  EXPECT_EQ(PlannedPostFilter(), "deallocation of ResourceClaim completed");
  handle_.Settle();
  EXPECT_TRUE(Stored()->status().has_allocation()) << "planning changes nothing";

  struct NoStatuses final : framework::NodeStatusReader {
    framework::Status Get(std::string_view) const override { return {}; }
    std::span<const framework::NodeIndex> NodesWith(Code) const override { return {}; }
  } statuses;
  std::optional<framework::PostFilterResult> result;
  plugin_.PostFilter(state_, *pod, statuses,
                     [&](framework::PostFilterResult answer) { result = std::move(answer); });
  handle_.Settle();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->status.code(), Code::kUnschedulable);
  EXPECT_EQ(result->status.Message(), "deallocation of ResourceClaim completed");
  EXPECT_FALSE(Stored()->status().has_allocation());

  auto taken = Claim(kOne, kOnM);
  taken->mutable_status()->add_reserved_for()->set_uid("somebody");
  Put(taken);
  ASSERT_TRUE(PreFilter(*pod).ok());
  EXPECT_FALSE(plugin_.Filter(state_, *pod, MakeNode("n").Info()).ok());
  EXPECT_EQ(PlannedPostFilter(), "still not schedulable");
}

TEST_F(DynamicResourcesTest, EarlierAlternativesScoreHigher) {
  Put(Claim(R"({"requests": [{"name": "r", "firstAvailable": [
      {"name": "x", "deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 3},
      {"name": "y", "deviceClassName": "gpu", "allocationMode": "ExactCount", "count": 2}]}]})"));
  const auto pod = Pod().Info();
  ASSERT_TRUE(PreFilter(*pod).ok());
  ASSERT_TRUE(plugin_.Filter(state_, *pod, MakeNode("n").Info()).ok());
  EXPECT_EQ(plugin_.Score(state_, *pod, MakeNode("n").Info()).score, 7);
}

TEST_F(DynamicResourcesTest, BindingWaitsForWhatDevicesReport) {
  Put(FromJson<api::dra::ResourceSlice>(R"({"metadata": {"name": "s"}, "spec": {
      "driver": "d", "nodeName": "n",
      "pool": {"name": "n", "generation": 1, "resourceSliceCount": 1},
      "devices": [{"name": "a", "bindingConditions": ["ready"],
                   "bindingFailureConditions": ["broken"]}]}})"));
  const auto report = [this](std::string_view condition) {
    auto claim = std::make_shared<ResourceClaim>(*Stored());
    auto& device = *claim->mutable_status()->add_devices();
    device.set_driver("d");
    device.set_pool("n");
    device.set_device("a");
    auto& reported = *device.add_conditions();
    reported.set_type(std::string(condition));
    reported.set_status("True");
    Put(claim);
  };
  const auto pod = Pod().Info();
  const auto start = [&](std::optional<framework::Status>& answer) {
    Put(Claim(kOne));
    StartBinding(*pod, answer);
    handle_.Settle(absl::Seconds(7));
    ASSERT_FALSE(answer.has_value());
  };
  std::optional<framework::Status> ready, broken, late, cancelled;
  start(ready);
  EXPECT_EQ(events_, "BindingConditionsPending: waiting for binding conditions for device on "
                     "node n\n");
  report("ready");
  handle_.Settle(absl::Seconds(6));
  ASSERT_TRUE(ready.has_value());
  EXPECT_TRUE(ready->ok());

  start(broken);
  report("broken");
  handle_.Settle(absl::Seconds(6));
  ASSERT_TRUE(broken.has_value());
  EXPECT_EQ(broken->Message(),
            "claim default/c: binding of device d/n/a failed: condition broken is True");

  start(late);
  handle_.Settle(absl::Seconds(610));
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->Message(), "claim default/c: binding conditions were not met in time");

  start(cancelled);
  plugin_.CancelPreBind(*pod);
  handle_.Settle(absl::Seconds(6));
  ASSERT_TRUE(cancelled.has_value());
  EXPECT_EQ(cancelled->code(), Code::kError);
  const auto& awaited = handle_.recorded.conditions;
  EXPECT_EQ(awaited.size(), 3u);
  EXPECT_EQ(awaited.at("d success"), absl::Seconds(10)) << "looked at every five seconds";
  EXPECT_EQ(awaited.at("d failure"), absl::Seconds(20)) << "broken, and cancelled";
  EXPECT_EQ(awaited.at("d timeout"), absl::Seconds(600));
}

// Allocated and reserved by somebody who does not say when.
TEST_F(DynamicResourcesTest, BindingWaitsNoLongerThanItsTimeout) {
  Put(Claim(kOne, R"({"reservedFor": [{"resource": "pods", "name": "p", "uid": "p"}],
      "allocation": {"devices": {"results": [{"request": "r", "driver": "d", "pool": "n",
        "device": "a", "bindingConditions": ["ready"]}]}}})"));
  DynamicResourcesArgs args;
  args.binding_timeout = absl::Seconds(7);
  DynamicResources plugin(args, handle_);
  const auto pod = Pod().Info();
  ASSERT_TRUE(plugin.PreFilter(state_, *pod, testing::FixedSnapshot({})).status.ok());
  std::optional<framework::Status> answer;
  plugin.PreBind(state_, *pod, "n",
                 [&](framework::Status status) { answer = std::move(status); });
  handle_.Settle(absl::Milliseconds(6900));
  EXPECT_FALSE(answer.has_value());
  handle_.Settle(absl::Milliseconds(200));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->Message(), "claim default/c: binding conditions were not met in time");
  EXPECT_EQ(handle_.recorded.conditions.at("d timeout"), absl::Seconds(7));
}

TEST_F(DynamicResourcesTest, WhenAClaimWasAllocatedIsWrittenOnce) {
  const auto stamp = [&](std::string_view status) {
    Put(Claim(kOne, status));
    state_ = framework::CycleState();
    EXPECT_TRUE(Bind(*Pod().Info()).ok());
    const auto& allocation = Stored()->status().allocation();
    return allocation.has_allocation_timestamp() ? allocation.allocation_timestamp().seconds()
                                                 : -1;
  };
  handle_.Settle(absl::Seconds(100));
  const int64_t now = absl::ToUnixSeconds(handle_.executor().clock().Now());
  EXPECT_EQ(stamp("{}"), now) << "by who allocates";
  const std::string_view by_another = R"({{"allocation": {{ {} "devices": {{"results": [
      {{"request": "r", "driver": "d", "pool": "n", "device": "a"}}]}}}}}})";
  EXPECT_EQ(stamp(fmt::format(fmt::runtime(by_another), "")), now + 1) << "by who reserves";
  EXPECT_EQ(stamp(fmt::format(fmt::runtime(by_another),
                              R"("allocationTimestamp": "1970-01-01T00:00:05Z",)")), 5);
}

TEST_F(DynamicResourcesTest, AClaimThatLostItsAllocationIsNotReserved) {
  Put(Claim(kOne, R"({"allocation": {"devices": {"results": [
      {"request": "r", "driver": "d", "pool": "n", "device": "a"}]}}})"));
  const auto pod = Pod().Info();
  ASSERT_TRUE(PreFilter(*pod).ok());
  ASSERT_TRUE(plugin_.Reserve(state_, *pod, "n").ok());
  Put(Claim(kOne));
  std::optional<framework::Status> answer;
  plugin_.PreBind(state_, *pod, "n",
                  [&](framework::Status status) { answer = std::move(status); });
  handle_.Settle();
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->Message(), "claim default/c got deallocated elsewhere in the meantime");
}

// Here a late write overwrites an early one: each must build on the one before.
TEST_F(DynamicResourcesTest, PodsThatShareAClaimReserveItOneAfterTheOther) {
  Put(Claim(kOne, R"({"allocation": {"devices": {"results": [
      {"request": "r", "driver": "d", "pool": "n", "device": "a"}]}}})"));
  std::vector<std::unique_ptr<framework::CycleState>> states;
  int bound = 0;
  for (const char* name : {"p", "q", "r"}) {
    MakePod pod = Pod();
    pod.message().mutable_metadata()->set_name(name);
    pod.Uid(name);
    auto& state = *states.emplace_back(std::make_unique<framework::CycleState>());
    const auto info = pod.Info();
    ASSERT_TRUE(plugin_.PreFilter(state, *info, testing::FixedSnapshot({})).status.ok());
    ASSERT_TRUE(plugin_.Reserve(state, *info, "n").ok());
    plugin_.PreBind(state, *info, "n", [&](const framework::Status& s) { bound += s.ok(); });
  }
  handle_.Settle();
  EXPECT_EQ(bound, 3) << "without waiting";
  EXPECT_EQ(Stored()->status().reserved_for_size(), 3);
}

TEST_F(DynamicResourcesTest, EventsAreRegistered) {
  const auto pod = Pod().Info();
  Put(Claim(kOne));
  const auto hint = [&](std::string_view resource, framework::ActionType action,
                        const google::protobuf::Message* after = nullptr) {
    return testing::Hint(plugin_, resource, action, *pod, nullptr, after);
  };
  using framework::QueueingHint;
  EXPECT_EQ(hint("Node", framework::kAdd), QueueingHint::kQueue);
  EXPECT_EQ(hint("Node", framework::kUpdateNodeLabel), QueueingHint::kQueue);
  EXPECT_EQ(hint("Node", framework::kUpdateNodeAllocatable), QueueingHint::kQueue);
  EXPECT_EQ(hint("resource.k8s.io/DeviceClass", framework::kUpdate), QueueingHint::kQueue);
  EXPECT_EQ(hint("resource.k8s.io/ResourceSlice", framework::kAdd), QueueingHint::kQueue);
  EXPECT_EQ(hint("resource.k8s.io/ResourceClaim", framework::kAdd, Stored().get()),
            QueueingHint::kQueue);
  EXPECT_EQ(hint("Pod", framework::kUpdatePodGeneratedResourceClaim, &pod->object()),
            QueueingHint::kQueue);
}

// The whole engine: one device, two pods that each want it.
TEST(DynamicResourcesEngineTest, APodGetsTheDeviceAndTheNextOneWaitsForIt) {
  SimLoop loop(1);
  const auto executor = loop.MakeExecutor("engine");
  framework::MemoryWorld world(*executor);
  std::string events;
  world.on_event = [&](const framework::EventNote& note) { events += note.note + "\n"; };
  framework::Registry registry;
  for (framework::PluginEntry& entry : InTreePlugins()) {
    ASSERT_TRUE(registry.Register(std::move(entry)).ok());
  }
  framework::Engine engine(framework::EngineOptions{}, *executor, world, world);
  framework::ProfileConfig profile;
  profile.plugins = framework::MergeWithDefaults({});
  ASSERT_TRUE(engine.AddProfile(profile, registry).ok());
  ASSERT_TRUE(engine.Start().ok());
  const auto run = [&](absl::Duration time) { loop.RunUntil(loop.clock().Now() + time); };
  const auto claim = [&](std::string_view name) {
    auto out = Claim(kOne);
    out->mutable_metadata()->set_name(std::string(name));
    out->mutable_metadata()->set_uid(std::string(name));
    world.Put(api::ResourceOf<ResourceClaim>(), out);
  };
  const auto pod = [&](std::string_view name, std::string_view claim_name) {
    MakePod out(name);
    auto& entry = *out.message().mutable_spec()->add_resource_claims();
    entry.set_name("gpu");
    entry.set_resource_claim_name(std::string(claim_name));
    world.Put(api::ResourceOf<api::core::Pod>(), out.Object());
  };
  const auto node_of = [&](std::string_view name) {
    const auto held = world.Get(api::ResourceOf<api::core::Pod>(), "default", name);
    return static_cast<const api::core::Pod&>(*held).spec().node_name();
  };
  world.Put(api::ResourceOf<api::core::Node>(), MakeNode("n").Capacity("4", "4Gi").Object());
  world.Put(api::ResourceOf<api::dra::DeviceClass>(),
            FromJson<api::dra::DeviceClass>(R"({"metadata": {"name": "gpu"}})"));
  world.Put(api::ResourceOf<api::dra::ResourceSlice>(),
            FromJson<api::dra::ResourceSlice>(R"({"metadata": {"name": "s"}, "spec": {
                "driver": "d", "nodeName": "n", "devices": [{"name": "a"}],
                "pool": {"name": "n", "generation": 1, "resourceSliceCount": 1}}})"));
  claim("one");
  pod("first", "one");
  pod("second", "two");
  run(absl::Seconds(5));
  EXPECT_EQ(node_of("first"), "n");
  EXPECT_EQ(node_of("second"), "") << "its claim is not there yet";
  claim("two");
  run(absl::Seconds(5));
  EXPECT_EQ(node_of("second"), "");
  EXPECT_NE(events.find("0/1 nodes are available: 1 cannot allocate all claims."),
            std::string::npos) << events;
  claim("one");  // given back: without an allocation
  run(absl::Seconds(20));
  EXPECT_EQ(node_of("second"), "n");
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
