#include "plugins/volume_zone/volume_zone.h"

#include <gtest/gtest.h>

#include "plugins/volume_zone/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"
#include "tests/plugins/volume_objects.h"

namespace berth::plugins::volume_zone {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;
using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr const char* kZone = "topology.kubernetes.io/zone";
constexpr const char* kRegion = "topology.kubernetes.io/region";
constexpr const char* kBetaZone = "failure-domain.beta.kubernetes.io/zone";

// labels: JSON.
std::string Volume(std::string_view labels) {
  return R"({"metadata":{"name":"v","labels":)" + std::string(labels) + "}}";
}

TEST(VolumeZoneTest, Verdicts) {
  const struct {
    std::string_view name, volume_labels;
    MakeNode node;
    bool passes;
  } cases[] = {
      {"in the zone", R"({"topology.kubernetes.io/zone":"a"})", MakeNode("n").Label(kZone, "a"),
       true},
      {"elsewhere", R"({"topology.kubernetes.io/zone":"a"})", MakeNode("n").Label(kZone, "b"),
       false},
      {"one of several", R"({"topology.kubernetes.io/zone":"a__ b"})",
       MakeNode("n").Label(kZone, "b"), true},
      {"a node in no zone", R"({"topology.kubernetes.io/zone":"a"})", MakeNode("n"), true},
      {"a node with a region only", R"({"topology.kubernetes.io/zone":"a"})",
       MakeNode("n").Label(kRegion, "r"), false},
      {"an old label of the volume, a new one of the node",
       R"({"failure-domain.beta.kubernetes.io/zone":"a"})", MakeNode("n").Label(kZone, "a"), true},
      {"a new label of the volume, an old one of the node",
       R"({"topology.kubernetes.io/zone":"a"})", MakeNode("n").Label(kBetaZone, "a"), false},
      {"zone and region",
       R"({"topology.kubernetes.io/zone":"a","topology.kubernetes.io/region":"r"})",
       MakeNode("n").Label(kZone, "a").Label(kRegion, "s"), false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    testing::FakeHandle handle;
    testing::Put<PersistentVolume>(handle.world, Volume(c.volume_labels));
    testing::Put<PersistentVolumeClaim>(handle.world,
                                        R"({"metadata":{"name":"c","namespace":"default"},
                                            "spec":{"volumeName":"v"}})");
    VolumeZone plugin(handle);
    framework::CycleState state;
    const auto pod = MakePod("p").PvcVolume("c").Info();
    ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
    const auto verdict = plugin.Filter(state, *pod, c.node.Info());
    EXPECT_EQ(verdict.ok(), c.passes);
    if (c.passes) continue;
    EXPECT_EQ(verdict.code(), Code::kUnschedulableAndUnresolvable);
    EXPECT_EQ(verdict.Message(), "node(s) had no available volume zone");
  }
}

TEST(VolumeZoneTest, PreFilter) {
  testing::FakeHandle handle;
  auto& world = handle.world;
  const auto claim = [&](std::string_view name, std::string_view spec) {
    testing::Put<PersistentVolumeClaim>(world, R"({"metadata":{"namespace":"default","name":")" +
                                                   std::string(name) + R"("},"spec":)" +
                                                   std::string(spec) + "}");
  };
  testing::Put<PersistentVolume>(world, Volume(R"({"topology.kubernetes.io/zone":"a____b"})"));
  testing::Put<StorageClass>(
      world, R"({"metadata":{"name":"wait"},"volumeBindingMode":"WaitForFirstConsumer"})");
  testing::Put<StorageClass>(world,
                             R"({"metadata":{"name":"now"},"volumeBindingMode":"Immediate"})");
  testing::Put<StorageClass>(world, R"({"metadata":{"name":"unsaid"}})");
  claim("bound", R"({"volumeName":"v"})");
  claim("lost", R"({"volumeName":"w"})");
  claim("classless", "{}");
  claim("unknown-class", R"({"storageClassName":"none"})");
  claim("waits", R"({"storageClassName":"wait"})");
  claim("immediate", R"({"storageClassName":"now"})");
  claim("unsaid", R"({"storageClassName":"unsaid"})");
  const struct {
    std::string_view claim, want;  // "": Skip
  } cases[] = {
      {"bound", ""},  // its only label makes no sense
      {"waits", ""},
      {"", "PersistentVolumeClaim had no name"},
      {"missing", "persistentvolumeclaim \"missing\" not found"},
      {"lost", "persistentvolume \"w\" not found"},
      {"classless", "PersistentVolumeClaim had no pv name and storageClass name"},
      {"unknown-class", "storageclass.storage.k8s.io \"none\" not found"},
      {"immediate", "PersistentVolume had no name"},
      {"unsaid", "VolumeBindingMode not set for StorageClass \"unsaid\""},
  };
  VolumeZone plugin(handle);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.claim);
    framework::CycleState state;
    const auto status =
        plugin.PreFilter(state, *MakePod("p").PvcVolume(c.claim).Info(), handle.snapshot()).status;
    EXPECT_EQ(status.Message(), c.want);
    EXPECT_EQ(status.code(),
              c.want.empty() ? Code::kSkip : Code::kUnschedulableAndUnresolvable);
  }
  framework::CycleState state;
  EXPECT_TRUE(plugin.PreFilter(state, *MakePod("p").Info(), handle.snapshot()).status.IsSkip());
}

TEST(VolumeZoneTest, Hints) {
  const auto pod = MakePod("p").PvcVolume("c").Info();
  const auto wait = testing::Parsed<StorageClass>(
      R"({"metadata":{"name":"s"},"volumeBindingMode":"WaitForFirstConsumer"})");
  const auto now = testing::Parsed<StorageClass>(
      R"({"metadata":{"name":"s"},"volumeBindingMode":"Immediate"})");
  EXPECT_EQ(*AfterClassCreation(*pod, nullptr, wait.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClassCreation(*pod, nullptr, now.get()), QueueingHint::kSkip);

  const auto claim = testing::Parsed<PersistentVolumeClaim>(
      R"({"metadata":{"name":"c","namespace":"default"}})");
  EXPECT_EQ(*AfterClaimChange(*pod, nullptr, claim.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClaimChange(*MakePod("p").Info(), nullptr, claim.get()), QueueingHint::kSkip);

  const auto labelled = [](std::string_view labels) {
    return testing::Parsed<PersistentVolume>(Volume(labels));
  };
  const auto a = labelled(R"({"topology.kubernetes.io/zone":"a__b"})");
  const auto same = labelled(R"({"topology.kubernetes.io/zone":"b__a","x":"y"})");
  const auto b = labelled(R"({"topology.kubernetes.io/zone":"b"})");
  EXPECT_EQ(*AfterVolumeChange(*pod, nullptr, a.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterVolumeChange(*pod, a.get(), same.get()), QueueingHint::kSkip);
  EXPECT_EQ(*AfterVolumeChange(*pod, a.get(), b.get()), QueueingHint::kQueue);
}

}  // namespace
}  // namespace berth::plugins::volume_zone
