#include "plugins/volume_restrictions/volume_restrictions.h"

#include <gtest/gtest.h>

#include "plugins/volume_restrictions/disk_conflicts.h"
#include "plugins/volume_restrictions/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"
#include "tests/plugins/volume_objects.h"

namespace berth::plugins::volume_restrictions {
namespace {

using api::core::PersistentVolumeClaim;
using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using testing::WithVolume;

constexpr std::string_view kExclusive =
    R"({"metadata":{"name":"one","namespace":"default"},
        "spec":{"accessModes":["ReadWriteOncePod"]}})";
constexpr std::string_view kShared =
    R"({"metadata":{"name":"many","namespace":"default"},
        "spec":{"accessModes":["ReadWriteMany"]}})";

TEST(VolumeRestrictionsTest, DisksConflict) {
  const struct {
    std::string_view name, one, other;
    bool want;
  } cases[] = {
      {"same disk", R"({"gcePersistentDisk":{"pdName":"d"}})",
       R"({"gcePersistentDisk":{"pdName":"d"}})", true},
      {"another disk", R"({"gcePersistentDisk":{"pdName":"d"}})",
       R"({"gcePersistentDisk":{"pdName":"e"}})", false},
      {"both read", R"({"gcePersistentDisk":{"pdName":"d","readOnly":true}})",
       R"({"gcePersistentDisk":{"pdName":"d","readOnly":true}})", false},
      {"one writes", R"({"gcePersistentDisk":{"pdName":"d","readOnly":true}})",
       R"({"gcePersistentDisk":{"pdName":"d"}})", true},
      {"ebs is exclusive also for readers",
       R"({"awsElasticBlockStore":{"volumeID":"d","readOnly":true}})",
       R"({"awsElasticBlockStore":{"volumeID":"d","readOnly":true}})", true},
      {"other kinds of disk", R"({"awsElasticBlockStore":{"volumeID":"d"}})",
       R"({"gcePersistentDisk":{"pdName":"d"}})", false},
      {"same iqn", R"({"iscsi":{"targetPortal":"a","iqn":"i","lun":0}})",
       R"({"iscsi":{"targetPortal":"b","iqn":"i","lun":1}})", true},
      {"same iqn, both read", R"({"iscsi":{"iqn":"i","readOnly":true}})",
       R"({"iscsi":{"iqn":"i","readOnly":true}})", false},
      {"rbd, a common monitor", R"({"rbd":{"monitors":["a","b"],"pool":"p","image":"i"}})",
       R"({"rbd":{"monitors":["b","c"],"pool":"p","image":"i"}})", true},
      {"rbd, no common monitor", R"({"rbd":{"monitors":["a"],"pool":"p","image":"i"}})",
       R"({"rbd":{"monitors":["b"],"pool":"p","image":"i"}})", false},
      {"rbd, another image", R"({"rbd":{"monitors":["a"],"pool":"p","image":"i"}})",
       R"({"rbd":{"monitors":["a"],"pool":"p","image":"j"}})", false},
      {"nothing to compare", R"({"emptyDir":{}})", R"({"emptyDir":{}})", false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const api::core::Pod pod = WithVolume(MakePod("p"), c.one);
    const api::core::Pod other = WithVolume(MakePod("q"), c.other);
    EXPECT_EQ(DisksConflict(pod, other), c.want);
    EXPECT_EQ(DisksConflict(other, pod), c.want);
  }
}

TEST(VolumeRestrictionsTest, ADiskKeepsPodsOffItsNodeOnly) {
  constexpr std::string_view kDisk = R"({"gcePersistentDisk":{"pdName":"d"}})";
  testing::FakeHandle handle({MakeNode("a").Info({WithVolume(MakePod("q"), kDisk).Info()}),
                              MakeNode("b").Info()});
  VolumeRestrictions plugin(handle);
  framework::CycleState state;
  const auto pod = WithVolume(MakePod("p"), kDisk).Info();
  ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
  const auto verdict = plugin.Filter(state, *pod, *handle.snapshot().Find("a"));
  EXPECT_EQ(verdict.code(), Code::kUnschedulable);
  EXPECT_EQ(verdict.Message(), "node(s) had no available disk");
  EXPECT_TRUE(plugin.Filter(state, *pod, *handle.snapshot().Find("b")).ok());
}

TEST(VolumeRestrictionsTest, AnExclusiveClaimInUseKeepsPodsOffAllNodes) {
  testing::FakeHandle handle(
      {MakeNode("a").Info({MakePod("q").PvcVolume("one").Info(),
                           MakePod("r").PvcVolume("many").Info(),
                           MakePod("s").Namespace("other").PvcVolume("one").Info()}),
       MakeNode("b").Info()});
  testing::Put<PersistentVolumeClaim>(handle.world, kExclusive);
  testing::Put<PersistentVolumeClaim>(handle.world, kShared);
  VolumeRestrictions plugin(handle);
  framework::CycleState state;
  const auto pod = MakePod("p").PvcVolume("one").PvcVolume("many").Info();
  ASSERT_TRUE(plugin.PreFilter(state, *pod, handle.snapshot()).status.ok());
  const auto& b = *handle.snapshot().Find("b");
  EXPECT_EQ(plugin.Filter(state, *pod, b).code(), Code::kUnschedulable);
  EXPECT_EQ(plugin.Filter(state, *pod, b).Message(),
            "node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
            "already in-use by another pod");
  // Preemption asks what would be without its user.
  framework::CycleState copy = state.Clone();
  EXPECT_TRUE(plugin.RemovePod(copy, *pod, *MakePod("s").Namespace("other").PvcVolume("one").Info(),
                               b).ok());
  EXPECT_FALSE(plugin.Filter(copy, *pod, b).ok());
  EXPECT_TRUE(plugin.RemovePod(copy, *pod, *MakePod("q").PvcVolume("one").Info(), b).ok());
  EXPECT_TRUE(plugin.Filter(copy, *pod, b).ok());
  EXPECT_TRUE(plugin.AddPod(copy, *pod, *MakePod("q").PvcVolume("one").Info(), b).ok());
  EXPECT_FALSE(plugin.Filter(copy, *pod, b).ok());
}

TEST(VolumeRestrictionsTest, PreFilter) {
  testing::FakeHandle handle({MakeNode("a").Info()});
  testing::Put<PersistentVolumeClaim>(handle.world, kExclusive);
  VolumeRestrictions plugin(handle);
  framework::CycleState state;
  const auto status = [&](const MakePod& pod) {
    return plugin.PreFilter(state, *pod.Info(), handle.snapshot()).status;
  };
  EXPECT_TRUE(status(MakePod("p")).IsSkip());
  EXPECT_TRUE(status(MakePod("p").PvcVolume("one")).IsSkip()) << "nobody uses it";
  EXPECT_EQ(status(MakePod("p").PvcVolume("none")).code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(status(MakePod("p").PvcVolume("none")).Message(),
            "persistentvolumeclaim \"none\" not found");
}

TEST(VolumeRestrictionsTest, OnlyPodsWithoutSuchVolumesShareResults) {
  testing::FakeHandle handle;
  VolumeRestrictions plugin(handle);
  EXPECT_EQ(testing::SignatureOf(plugin, *MakePod("p").Info()), "");
  EXPECT_EQ(plugin.DependsOn(*MakePod("p").Info()).node_fields, 0u);
  EXPECT_EQ(plugin.DependsOn(*MakePod("p").PvcVolume("c").Info()).filter,
            framework::Scope::kCluster);
}

TEST(VolumeRestrictionsTest, Hints) {
  const auto gone = [](const MakePod& waiting, const MakePod& pod) {
    const api::core::Pod message = pod;
    return *AfterPodDeletion(*waiting.Info(), &message, nullptr);
  };
  constexpr std::string_view kDisk = R"({"gcePersistentDisk":{"pdName":"d"}})";
  const MakePod with_disk = WithVolume(MakePod("p"), kDisk);
  EXPECT_EQ(gone(with_disk, WithVolume(MakePod("q"), kDisk)), QueueingHint::kQueue);
  EXPECT_EQ(gone(with_disk, WithVolume(MakePod("q").Namespace("other"), kDisk)),
            QueueingHint::kSkip);
  EXPECT_EQ(gone(with_disk, MakePod("q")), QueueingHint::kSkip);
  EXPECT_EQ(gone(MakePod("p").PvcVolume("c"), MakePod("q").PvcVolume("c")), QueueingHint::kQueue);
  EXPECT_EQ(gone(MakePod("p").PvcVolume("c"), MakePod("q").PvcVolume("d")), QueueingHint::kSkip);

  const auto claim = testing::Parsed<PersistentVolumeClaim>(kExclusive);
  EXPECT_EQ(*AfterClaimCreation(*MakePod("p").PvcVolume("one").Info(), nullptr, claim.get()),
            QueueingHint::kQueue);
  EXPECT_EQ(*AfterClaimCreation(*MakePod("p").PvcVolume("two").Info(), nullptr, claim.get()),
            QueueingHint::kSkip);
  EXPECT_EQ(*AfterClaimCreation(*MakePod("p").Namespace("other").PvcVolume("one").Info(), nullptr,
                                claim.get()),
            QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::volume_restrictions
