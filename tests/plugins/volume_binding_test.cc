#include "plugins/volume_binding/volume_binding.h"

#include <gtest/gtest.h>

#include "plugins/volume_binding/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"
#include "tests/plugins/volume_objects.h"

namespace berth::plugins::volume_binding {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::CSIDriver;
using api::storage::CSINode;
using api::storage::CSIStorageCapacity;
using api::storage::StorageClass;
using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using testing::Parsed;
using testing::WithVolume;

constexpr std::string_view kReasonReach = kConflictReasons[0], kReasonFind = kConflictReasons[1],
                           kReasonRoom = kConflictReasons[2], kReasonGone = kConflictReasons[3];

// Classes: "local" has no provisioner, "wait" has one, both wait for the first consumer; "now" does
// not wait; "zoned" provisions in zone a only; "limited" where its driver has room.
void PutClasses(framework::MemoryWorld& world) {
  testing::Put<StorageClass>(
      world, R"({"metadata":{"name":"local"},"provisioner":"kubernetes.io/no-provisioner",
                 "volumeBindingMode":"WaitForFirstConsumer"})");
  testing::Put<StorageClass>(world, R"({"metadata":{"name":"wait"},"provisioner":"csi.example.com",
                                        "volumeBindingMode":"WaitForFirstConsumer"})");
  testing::Put<StorageClass>(world, R"({"metadata":{"name":"now"},"provisioner":"csi.example.com",
                                        "volumeBindingMode":"Immediate"})");
  testing::Put<StorageClass>(world, R"({"metadata":{"name":"unsaid"}})");
  testing::Put<StorageClass>(
      world, R"({"metadata":{"name":"zoned"},"provisioner":"csi.example.com",
                 "volumeBindingMode":"WaitForFirstConsumer",
                 "allowedTopologies":[
                     {"matchLabelExpressions":[{"key":"zone","values":["a"]}]}]})");
  testing::Put<StorageClass>(
      world, R"({"metadata":{"name":"limited"},"provisioner":"limited.example.com",
                 "volumeBindingMode":"WaitForFirstConsumer"})");
  testing::Put<CSIDriver>(
      world, R"({"metadata":{"name":"limited.example.com"},"spec":{"storageCapacity":true}})");
}

std::string Claim(std::string_view name, std::string_view spec, std::string_view annotations = "{}",
                  std::string_view more = R"("status":{"phase":"Pending"})") {
  return R"({"metadata":{"namespace":"default","name":")" + std::string(name) + R"(","uid":"uid-)" +
         std::string(name) + R"(","annotations":)" + std::string(annotations) + R"(},"spec":)" +
         std::string(spec) + "," + std::string(more) + "}";
}
std::string Wants(std::string_view name, std::string_view of_class, std::string_view size,
                  std::string_view more = "") {
  return Claim(name, R"({"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":")" +
                         std::string(size) + R"("}},"storageClassName":")" +
                         std::string(of_class) + "\"" + std::string(more) + "}");
}
std::string Bound(std::string_view name, std::string_view volume) {
  return Claim(name, R"({"volumeName":")" + std::string(volume) + R"("})",
               R"({"pv.kubernetes.io/bind-completed":"yes"})", R"("status":{"phase":"Bound"})");
}
// zone: of the nodes that reach it; "": all do.
std::string Volume(std::string_view name, std::string_view size, std::string_view zone,
                   std::string_view more_spec = "", std::string_view labels = "{}") {
  std::string affinity;
  if (!zone.empty()) {
    affinity = R"(,"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[)"
               R"({"key":"zone","operator":"In","values":[")" +
               std::string(zone) + R"("]}]}]}})";
  }
  return R"({"metadata":{"name":")" + std::string(name) + R"(","labels":)" + std::string(labels) +
         R"(},"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":")" +
         std::string(size) + R"("},"storageClassName":"local")" + affinity +
         std::string(more_spec) + R"(},"status":{"phase":"Available"}})";
}

class VolumeBindingTest : public ::testing::Test {
 protected:
  VolumeBindingTest() { PutClasses(handle_.world); }
  void Put(const std::string& claim) {
    testing::Put<PersistentVolumeClaim>(handle_.world, claim);
  }
  void PutVolume(const std::string& volume) {
    testing::Put<PersistentVolume>(handle_.world, volume);
  }
  framework::Status PreFilter(const MakePod& pod) {
    framework::CycleState state;
    return plugin_.PreFilter(state, *pod.Info(), handle_.snapshot()).status;
  }
  // What the pod hears of nodes a and b: "" passes.
  std::vector<std::string> Verdicts(const MakePod& pod) {
    framework::CycleState state;
    const auto info = pod.Info();
    const auto status = plugin_.PreFilter(state, *info, handle_.snapshot()).status;
    EXPECT_TRUE(status.ok()) << status.Message();
    if (!status.ok()) return {};
    std::vector<std::string> messages;
    for (const auto* node : handle_.snapshot().nodes()) {
      const auto verdict = plugin_.Filter(state, *info, *node);
      if (!verdict.ok()) {
        EXPECT_NE(verdict.code(), Code::kUnschedulable);
      }
      messages.push_back(verdict.Message());
    }
    return messages;
  }
  using Messages = std::vector<std::string>;

  testing::FakeHandle handle_{{MakeNode("a").Label("zone", "a").Info(),
                               MakeNode("b").Label("zone", "b").Info()}};
  VolumeBinding plugin_{VolumeBindingArgs{}, handle_};
};

TEST_F(VolumeBindingTest, PreFilter) {
  Put(Bound("bound", "v"));
  Put(Claim("lost", R"({"volumeName":"gone"})", "{}", R"("status":{"phase":"Lost"})"));
  Put(R"({"metadata":{"namespace":"default","name":"leaving",
          "deletionTimestamp":"2024-01-01T00:00:00Z"}})");
  Put(Claim("p-v", "{}"));
  Put(Wants("immediate", "now", "1Gi"));
  Put(Claim("classless", "{}"));
  Put(Wants("prebound", "wait", "1Gi", R"(,"volumeName":"v")"));
  Put(Wants("unsaid", "unsaid", "1Gi"));
  constexpr std::string_view kEphemeral = R"({"ephemeral":{"volumeClaimTemplate":{}}})";
  const struct {
    MakePod pod;
    Code code;
    std::string_view message;
  } cases[] = {
      {MakePod("p"), Code::kSkip, ""},
      {MakePod("p").PvcVolume("bound"), Code::kSuccess, ""},
      {MakePod("p").PvcVolume("none"), Code::kUnschedulableAndUnresolvable,
       "persistentvolumeclaim \"none\" not found"},
      {WithVolume(MakePod("q"), kEphemeral), Code::kUnschedulableAndUnresolvable,
       "waiting for ephemeral volume controller to create the persistentvolumeclaim \"q-v\""},
      {WithVolume(MakePod("p"), kEphemeral), Code::kUnschedulableAndUnresolvable,
       "PVC default/p-v was not created for pod default/p (pod is not owner)"},
      {MakePod("p").PvcVolume("lost"), Code::kUnschedulableAndUnresolvable,
       "persistentvolumeclaim \"lost\" bound to non-existent persistentvolume \"gone\""},
      {MakePod("p").PvcVolume("leaving"), Code::kUnschedulableAndUnresolvable,
       "persistentvolumeclaim \"leaving\" is being deleted"},
      {MakePod("p").PvcVolume("immediate"), Code::kUnschedulableAndUnresolvable,
       "pod has unbound immediate PersistentVolumeClaims"},
      {MakePod("p").PvcVolume("classless"), Code::kUnschedulableAndUnresolvable,
       "pod has unbound immediate PersistentVolumeClaims"},
      {MakePod("p").PvcVolume("prebound"), Code::kUnschedulableAndUnresolvable,
       "pod has unbound immediate PersistentVolumeClaims"},
      {MakePod("p").PvcVolume("unsaid"), Code::kError,
       "VolumeBindingMode not set for StorageClass \"unsaid\""},
  };
  for (const auto& c : cases) {
    const auto status = PreFilter(c.pod);
    EXPECT_EQ(status.code(), c.code) << c.message;
    EXPECT_EQ(status.Message(), c.message);
  }
}

TEST_F(VolumeBindingTest, AnEphemeralVolumesClaimIsThePods) {
  Put(R"({"metadata":{"namespace":"default","name":"p-v",
          "ownerReferences":[{"uid":"p","name":"p","controller":true}]},
          "spec":{"storageClassName":"wait"}})");
  EXPECT_EQ(Verdicts(WithVolume(MakePod("p"), R"({"ephemeral":{"volumeClaimTemplate":{}}})")),
            (Messages{"", ""}));
}

TEST_F(VolumeBindingTest, BoundClaims) {
  PutVolume(Volume("here", "1Gi", "a"));
  PutVolume(Volume("anywhere", "1Gi", ""));
  Put(Bound("here", "here"));
  Put(Bound("anywhere", "anywhere"));
  Put(Bound("gone", "gone"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("here")), (Messages{"", std::string(kReasonReach)}));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("anywhere")), (Messages{"", ""}));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("gone")),
            (Messages{std::string(kReasonGone), std::string(kReasonGone)}));
  // The first claim that is in the way is told.
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("here").PvcVolume("gone")),
            (Messages{std::string(kReasonGone), std::string(kReasonReach)}));
}

TEST_F(VolumeBindingTest, AnOldVolumeIsWhereItsDriverSaysOnNodesThatMovedToIt) {
  PutVolume(R"({"metadata":{"name":"ebs","labels":{"topology.kubernetes.io/zone":"z"}},
                "spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}})");
  Put(Bound("c", "ebs"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c")), (Messages{"", ""}));
  testing::Put<CSINode>(handle_.world, R"({"metadata":{"name":"b","annotations":{
      "storage.alpha.kubernetes.io/migrated-plugins":"kubernetes.io/cinder,kubernetes.io/aws-ebs"}},
      "spec":{"drivers":[]}})");
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c")), (Messages{"", std::string(kReasonReach)}));
  PutVolume(R"({"metadata":{"name":"ebs"},
                "spec":{"awsElasticBlockStore":{"volumeID":"aws://z/disk"}}})");
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c"))[1],
            "could not translate pv: failed to translate Kubernetes ID to EBS Volume ID Invalid "
            "format for AWS volume (aws://z/disk)");
  EXPECT_EQ(handle_.recorded.volume_errors,
            (std::map<std::string, int64_t>{{"predicate", 1}}));
}

TEST_F(VolumeBindingTest, VolumesThatWouldDo) {
  const std::string no(kReasonFind);
  const struct {
    std::string_view name;
    std::string volume, claim;
    Messages want;
  } cases[] = {
      {"fits", Volume("v", "2Gi", "a"), Wants("c", "local", "2Gi"), {"", no}},
      {"too small", Volume("v", "1Gi", ""), Wants("c", "local", "2Gi"), {no, no}},
      {"another class", Volume("v", "2Gi", "", R"(,"storageClassName":"other")"),
       Wants("c", "local", "2Gi"), {no, no}},
      {"another mode", Volume("v", "2Gi", "", R"(,"volumeMode":"Block")"),
       Wants("c", "local", "2Gi"), {no, no}},
      {"an unset mode is Filesystem", Volume("v", "2Gi", ""),
       Wants("c", "local", "2Gi", R"(,"volumeMode":"Filesystem")"), {"", ""}},
      {"other attributes", Volume("v", "2Gi", "", R"(,"volumeAttributesClassName":"gold")"),
       Wants("c", "local", "2Gi"), {no, no}},
      {"access modes it does not offer", Volume("v", "2Gi", ""),
       Wants("c", "local", "2Gi", R"(,"accessModes":["ReadWriteMany"])"), {no, no}},
      {"a selector that matches", Volume("v", "2Gi", "", "", R"({"tier":"x"})"),
       Wants("c", "local", "2Gi", R"(,"selector":{"matchLabels":{"tier":"x"}})"), {"", ""}},
      {"a selector that does not", Volume("v", "2Gi", "", "", R"({"tier":"y"})"),
       Wants("c", "local", "2Gi", R"(,"selector":{"matchLabels":{"tier":"x"}})"), {no, no}},
      {"another's", Volume("v", "2Gi", "",
                           R"(,"claimRef":{"name":"d","namespace":"default"})"),
       Wants("c", "local", "2Gi"), {no, no}},
      {"meant for it", Volume("v", "2Gi", "",
                              R"(,"claimRef":{"name":"c","namespace":"default"})"),
       Wants("c", "local", "2Gi"), {"", ""}},
      {"meant for one of that name before it",
       Volume("v", "2Gi", "", R"(,"claimRef":{"name":"c","namespace":"default","uid":"old"})"),
       Wants("c", "local", "2Gi"), {no, no}},
      {"none, but it can be made", Volume("v", "1Gi", ""), Wants("c", "wait", "2Gi"), {"", ""}},
      {"made in zone a only", Volume("v", "1Gi", ""), Wants("c", "zoned", "2Gi"), {"", no}},
      {"no room is reported", Volume("v", "1Gi", ""), Wants("c", "limited", "2Gi"),
       {std::string(kReasonRoom), std::string(kReasonRoom)}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    PutVolume(c.volume);
    Put(c.claim);
    EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c")), c.want);
  }
}

TEST_F(VolumeBindingTest, AVolumeThatIsMeantForAClaimIsTheOnlyOne) {
  PutVolume(Volume("a", "1Gi", ""));
  PutVolume(Volume("v", "2Gi", "a", R"(,"claimRef":{"name":"c","namespace":"default"})"));
  Put(Wants("c", "local", "1Gi"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c")), (Messages{"", std::string(kReasonFind)}));
}

TEST_F(VolumeBindingTest, EachClaimTakesTheSmallestVolumeThatIsLeft) {
  PutVolume(Volume("small", "1Gi", ""));
  PutVolume(Volume("large", "5Gi", "a"));
  Put(Wants("more", "local", "3Gi"));
  Put(Wants("less", "local", "1Gi"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("more").PvcVolume("less")),
            (Messages{"", std::string(kReasonFind)}));
  Put(Wants("third", "local", "1Gi"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("more").PvcVolume("less").PvcVolume("third")),
            (Messages{std::string(kReasonFind), std::string(kReasonFind)}));
}

TEST_F(VolumeBindingTest, AClaimThatIsBeingProvisionedForANodeStaysThere) {
  Put(Claim("c", R"({"storageClassName":"wait"})",
            R"({"volume.kubernetes.io/selected-node":"b"})"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c")), (Messages{std::string(kReasonFind), ""}));
}

TEST_F(VolumeBindingTest, Room) {
  const auto capacity = [&](std::string_view name, std::string_view zone,
                            std::string_view amounts) {
    testing::Put<CSIStorageCapacity>(
        handle_.world, R"({"metadata":{"namespace":"kube-system","name":")" + std::string(name) +
                           R"("},"storageClassName":"limited","nodeTopology":{"matchLabels":)" +
                           R"({"zone":")" + std::string(zone) + R"("}},)" + std::string(amounts) +
                           "}");
  };
  Put(Wants("c", "limited", "2Gi"));
  capacity("one", "a", R"("capacity":"2Gi")");
  capacity("two", "b", R"("capacity":"9Gi","maximumVolumeSize":"1Gi")");
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c")), (Messages{"", std::string(kReasonRoom)}));
  Put(Claim("sizeless", R"({"storageClassName":"limited"})"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("sizeless")), (Messages{"", ""}));
}

TEST_F(VolumeBindingTest, SeveralReasonsInTheirOrder) {
  PutVolume(Volume("v", "1Gi", "a"));
  Put(Bound("bound", "v"));
  Put(Wants("c", "local", "2Gi"));
  EXPECT_EQ(Verdicts(MakePod("p").PvcVolume("c").PvcVolume("bound")),
            (Messages{std::string(kReasonFind),
                      std::string(kReasonReach) + ", " + std::string(kReasonFind)}));
}

TEST_F(VolumeBindingTest, WhatIsReservedIsSeenAtOnceAndTakenBack) {
  PutVolume(Volume("v", "1Gi", ""));
  Put(Wants("c", "local", "1Gi"));
  Put(Wants("d", "local", "1Gi"));
  framework::CycleState state;
  const auto pod = MakePod("p").PvcVolume("c").Info();
  ASSERT_TRUE(plugin_.PreFilter(state, *pod, handle_.snapshot()).status.ok());
  ASSERT_TRUE(plugin_.Reserve(state, *pod, "a").ok());
  EXPECT_TRUE(plugin_.PreBindPreFlight(state, *pod, "a").status.ok());
  EXPECT_TRUE(plugin_.PreBindPreFlight(state, *pod, "a").allow_parallel);
  const std::string no(kReasonFind);
  EXPECT_EQ(Verdicts(MakePod("q").PvcVolume("d")), (Messages{no, no}));
  EXPECT_EQ(Verdicts(MakePod("q").PvcVolume("c")), (Messages{"", ""})) << "it is meant for c";
  plugin_.Unreserve(state, *pod, "a");
  plugin_.Unreserve(state, *pod, "a");
  EXPECT_EQ(Verdicts(MakePod("q").PvcVolume("d")), (Messages{"", ""}));
  EXPECT_TRUE(plugin_.PreBindPreFlight(state, *pod, "a").status.IsSkip());
}

TEST_F(VolumeBindingTest, ABindingThatFailsIsCounted) {
  PutVolume(Volume("v", "1Gi", ""));
  Put(Wants("c", "local", "1Gi"));
  framework::CycleState state;
  const auto pod = MakePod("p").PvcVolume("c").Info();
  ASSERT_TRUE(plugin_.PreFilter(state, *pod, handle_.snapshot()).status.ok());
  ASSERT_TRUE(plugin_.Reserve(state, *pod, "a").ok());
  int failed = 0;
  plugin_.PreBind(state, *pod, "a",
                  [&](const framework::Status& status) { failed += !status.ok(); });
  plugin_.CancelPreBind(*pod);
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(handle_.recorded.volume_errors, (std::map<std::string, int64_t>{{"bind", 1}}));
}

TEST_F(VolumeBindingTest, AReservedNodeHoldsForAllPodsOfTheClaimUntilTheClaimChanges) {
  Put(Wants("c", "wait", "1Gi"));
  framework::CycleState state;
  const auto pod = MakePod("p").PvcVolume("c").Info();
  ASSERT_TRUE(plugin_.PreFilter(state, *pod, handle_.snapshot()).status.ok());
  ASSERT_TRUE(plugin_.Reserve(state, *pod, "a").ok());
  EXPECT_EQ(Verdicts(MakePod("q").PvcVolume("c")), (Messages{"", std::string(kReasonFind)}));
  Put(Wants("c", "wait", "2Gi"));
  EXPECT_EQ(Verdicts(MakePod("q").PvcVolume("c")), (Messages{"", ""}));
}

TEST_F(VolumeBindingTest, NothingIsToBeDoneForBoundClaims) {
  PutVolume(Volume("v", "1Gi", ""));
  Put(Bound("c", "v"));
  framework::CycleState state;
  const auto pod = MakePod("p").PvcVolume("c").Info();
  ASSERT_TRUE(plugin_.PreFilter(state, *pod, handle_.snapshot()).status.ok());
  EXPECT_TRUE(plugin_.Reserve(state, *pod, "a").ok());
  EXPECT_TRUE(plugin_.PreBindPreFlight(state, *pod, "a").status.IsSkip());
  framework::CycleState none;
  EXPECT_TRUE(plugin_.Reserve(none, *MakePod("q").Info(), "a").ok());
  EXPECT_TRUE(plugin_.PreBindPreFlight(none, *MakePod("q").Info(), "a").status.IsSkip());
  plugin_.Unreserve(none, *MakePod("q").Info(), "a");
}

TEST(VolumeBinderTest, AVolumeIsMeantForAClaim) {
  const auto claim = Parsed<PersistentVolumeClaim>(
      R"({"metadata":{"namespace":"ns","name":"c","uid":"u","resourceVersion":"7"}})");
  const auto free = Parsed<PersistentVolume>(R"({"metadata":{"name":"v"}})");
  const MeantVolume meant = MeanFor(free, *claim);
  EXPECT_TRUE(meant.changed);
  std::string json;
  api::PrintJson(*meant.volume, json);
  EXPECT_EQ(json, R"({"metadata":{"name":"v","annotations":{"pv.kubernetes.io/bound-by-)"
                  R"(controller":"yes"}},"spec":{"claimRef":{"kind":"PersistentVolumeClaim",)"
                  R"("namespace":"ns","name":"c","uid":"u","apiVersion":"v1",)"
                  R"("resourceVersion":"7"}},"status":{}})");
  EXPECT_FALSE(MeanFor(meant.volume, *claim).changed) << "once more";
  // A user's reference by name is completed, and stays the user's.
  const auto by_user = Parsed<PersistentVolume>(
      R"({"metadata":{"name":"v"},"spec":{"claimRef":{"namespace":"ns","name":"c"}}})");
  const MeantVolume completed = MeanFor(by_user, *claim);
  EXPECT_TRUE(completed.changed);
  EXPECT_EQ(completed.volume->spec().claim_ref().uid(), "u");
  EXPECT_TRUE(completed.volume->metadata().annotations().empty());
}

// The harness's sink never answers.
TEST(VolumeBinderTest, ABindingThatIsCancelledEndsAtOnceAndOnce) {
  testing::FakeHandle handle;
  VolumeBinder binder(handle, absl::Seconds(600));
  std::vector<std::string> answers;
  PodVolumes volumes;
  volumes.provisions.push_back(Parsed<PersistentVolumeClaim>(R"({"metadata":{"name":"c"}})"));
  binder.Bind(*MakePod("p").Info(), "a", volumes, [&](const framework::Status& status) {
    answers.push_back(status.Message());
  });
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(binder.runs(), 1u);
  binder.Cancel("other");
  EXPECT_TRUE(answers.empty());
  binder.Cancel("p");
  binder.Cancel("p");
  EXPECT_EQ(answers, (std::vector<std::string>{"binding volumes: context canceled"}));
  EXPECT_EQ(binder.runs(), 0u);
}

TEST(AssumedObjectsTest, UntilTheSourceShowsSomethingNewer) {
  testing::FakeHandle handle;
  auto& world = handle.world;
  const auto& resource = api::ResourceOf<PersistentVolume>();
  AssumedObjects objects(world, resource);
  const auto shown = Parsed<PersistentVolume>(
      R"({"metadata":{"name":"v","resourceVersion":"1"}})");
  const auto mine = Parsed<PersistentVolume>(
      R"({"metadata":{"name":"v","resourceVersion":"1","labels":{"a":"b"}}})");
  EXPECT_EQ(objects.Assume(shown, mine).message(), "persistentvolumes \"v\" not found");
  world.Put(resource, shown);
  ASSERT_TRUE(objects.Assume(shown, mine).ok());
  EXPECT_EQ(objects.Get({}, "v"), mine);
  EXPECT_EQ(objects.Shown({}, "v"), shown);
  EXPECT_FALSE(objects.Assume(shown, mine).ok()) << "somebody was faster";
  const auto again = Parsed<PersistentVolume>(
      R"({"metadata":{"name":"v","resourceVersion":"1"}})");
  world.Put(resource, again);
  EXPECT_EQ(objects.Get({}, "v"), mine) << "the same version, listed again";
  const auto newer = Parsed<PersistentVolume>(
      R"({"metadata":{"name":"v","resourceVersion":"2"}})");
  world.Put(resource, newer);
  EXPECT_EQ(objects.Get({}, "v"), newer);
  EXPECT_EQ(objects.Assume(shown, mine).message(),
            "\"/v\" is out of sync (stored: 2, assume: 1)");
  const auto yours = Parsed<PersistentVolume>(
      R"({"metadata":{"name":"v","resourceVersion":"2","labels":{"c":"d"}}})");
  ASSERT_TRUE(objects.Assume(newer, yours).ok());
  objects.Forget(mine);
  EXPECT_EQ(objects.Get({}, "v"), yours) << "not mine to forget";
  objects.Forget(yours);
  EXPECT_EQ(objects.Get({}, "v"), newer);
  EXPECT_EQ(objects.size(), 0u);
}

TEST(VolumeBindingHintsTest, Hints) {
  const auto pod = MakePod("p").PvcVolume("c").Info();
  const auto anywhere = Parsed<StorageClass>(R"({"metadata":{"name":"s"}})");
  const auto zoned = Parsed<StorageClass>(
      R"({"metadata":{"name":"s"},"allowedTopologies":[{"matchLabelExpressions":[]}]})");
  EXPECT_EQ(*AfterClassChange(*pod, nullptr, anywhere.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClassChange(*pod, anywhere.get(), zoned.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClassChange(*pod, zoned.get(), zoned.get()), QueueingHint::kSkip);

  const auto claim = Parsed<PersistentVolumeClaim>(Claim("c", "{}"));
  const auto other = Parsed<PersistentVolumeClaim>(Claim("d", "{}"));
  EXPECT_EQ(*AfterClaimChange(*pod, nullptr, claim.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClaimChange(*pod, claim.get(), claim.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClaimChange(*pod, nullptr, other.get()), QueueingHint::kSkip);

  const auto bare = Parsed<CSINode>(R"({"metadata":{"name":"n"},"spec":{"drivers":[]}})");
  const auto moved = Parsed<CSINode>(R"({"metadata":{"name":"n","annotations":{
      "storage.alpha.kubernetes.io/migrated-plugins":"kubernetes.io/aws-ebs"}},
      "spec":{"drivers":[]}})");
  EXPECT_EQ(*AfterCsiNodeChange(*pod, nullptr, bare.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCsiNodeChange(*pod, bare.get(), moved.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCsiNodeChange(*pod, moved.get(), moved.get()), QueueingHint::kSkip);

  const auto limits = Parsed<CSIDriver>(
      R"({"metadata":{"name":"d"},"spec":{"storageCapacity":true}})");
  const auto free = Parsed<CSIDriver>(R"({"metadata":{"name":"d"},"spec":{}})");
  const auto with_driver = WithVolume(MakePod("p"), R"({"csi":{"driver":"d"}})").Info();
  EXPECT_EQ(*AfterCsiDriverChange(*with_driver, limits.get(), free.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCsiDriverChange(*with_driver, free.get(), limits.get()), QueueingHint::kSkip);
  EXPECT_EQ(*AfterCsiDriverChange(*pod, limits.get(), free.get()), QueueingHint::kSkip);

  const auto small = Parsed<CSIStorageCapacity>(R"({"metadata":{"name":"x"},"capacity":"1Gi"})");
  const auto large = Parsed<CSIStorageCapacity>(R"({"metadata":{"name":"x"},"capacity":"2Gi"})");
  const auto capped = Parsed<CSIStorageCapacity>(
      R"({"metadata":{"name":"x"},"capacity":"2Gi","maximumVolumeSize":"1Gi"})");
  const auto unknown = Parsed<CSIStorageCapacity>(R"({"metadata":{"name":"x"}})");
  EXPECT_EQ(*AfterCapacityChange(*pod, nullptr, small.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCapacityChange(*pod, small.get(), large.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCapacityChange(*pod, small.get(), capped.get()), QueueingHint::kSkip);
  EXPECT_EQ(*AfterCapacityChange(*pod, unknown.get(), small.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCapacityChange(*pod, large.get(), unknown.get()), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::volume_binding
