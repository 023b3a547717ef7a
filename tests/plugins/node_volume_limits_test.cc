#include "plugins/node_volume_limits/node_volume_limits.h"

#include <gtest/gtest.h>

#include "plugins/node_volume_limits/queueing_hints.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"
#include "tests/plugins/volume_objects.h"

namespace berth::plugins::node_volume_limits {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::CSINode;
using api::storage::StorageClass;
using api::storage::VolumeAttachment;
using framework::Code;
using framework::QueueingHint;
using framework::testing::MakeNode;
using framework::testing::MakePod;
using testing::WithVolume;

std::string Limit(std::string_view driver, int count) {
  return R"({"metadata":{"name":"n"},"spec":{"drivers":[{"name":")" + std::string(driver) +
         R"(","nodeID":"n","allocatable":{"count":)" + std::to_string(count) + "}}]}}";
}

// Claims bound-1..3 are bound to volumes of csi.example.com, wait-1..2 wait for one, local is bound
// to a volume no driver attaches, ebs-1 to one of the old in-tree plugin.
void PutStorage(framework::MemoryWorld& world) {
  for (const char* name : {"1", "2", "3"}) {
    testing::Put<PersistentVolume>(
        world, R"({"metadata":{"name":"v)" + std::string(name) +
                   R"("},"spec":{"csi":{"driver":"csi.example.com","volumeHandle":"h)" + name +
                   R"("}}})");
    testing::Put<PersistentVolumeClaim>(
        world, R"({"metadata":{"namespace":"default","name":"bound-)" + std::string(name) +
                   R"("},"spec":{"volumeName":"v)" + name + R"("}})");
    testing::Put<PersistentVolumeClaim>(
        world, R"({"metadata":{"namespace":"default","name":"wait-)" + std::string(name) +
                   R"("},"spec":{"storageClassName":"wait"}})");
  }
  testing::Put<StorageClass>(
      world, R"({"metadata":{"name":"wait"},"provisioner":"csi.example.com"})");
  testing::Put<PersistentVolume>(
      world, R"({"metadata":{"name":"local"},"spec":{"local":{"path":"/d"}}})");
  testing::Put<PersistentVolumeClaim>(world, R"({"metadata":{"namespace":"default","name":"local"},
                                                 "spec":{"volumeName":"local"}})");
  testing::Put<PersistentVolume>(
      world, R"({"metadata":{"name":"ebs"},
                 "spec":{"awsElasticBlockStore":{"volumeID":"aws://zone/vol-1"}}})");
  testing::Put<PersistentVolumeClaim>(world, R"({"metadata":{"namespace":"default","name":"ebs"},
                                                 "spec":{"volumeName":"ebs"}})");
}

framework::Status Verdict(testing::FakeHandle& handle, const framework::PodInfo& pod) {
  NodeVolumeLimits plugin(handle);
  framework::CycleState state;
  const auto status = plugin.PreFilter(state, pod, handle.snapshot()).status;
  if (!status.ok()) return status;
  return plugin.Filter(state, pod, *handle.snapshot().nodes()[0]);
}

TEST(NodeVolumeLimitsTest, Verdicts) {
  constexpr std::string_view kEbs = R"({"awsElasticBlockStore":{"volumeID":"vol-1"}})";
  const MakePod nobody("q");
  const struct {
    std::string_view name;
    std::string csi_node;  // "": the node has none
    MakePod pod, there;
    bool passes;
  } cases[] = {
      {"fits", Limit("csi.example.com", 2), MakePod("p").PvcVolume("bound-1"),
       MakePod("q").PvcVolume("bound-2"), true},
      {"one too many", Limit("csi.example.com", 1), MakePod("p").PvcVolume("bound-1"),
       MakePod("q").PvcVolume("bound-2"), false},
      {"shared with a pod there", Limit("csi.example.com", 1), MakePod("p").PvcVolume("bound-1"),
       MakePod("q").PvcVolume("bound-1"), true},
      {"named twice", Limit("csi.example.com", 1),
       MakePod("p").PvcVolume("bound-1").PvcVolume("bound-1"), nobody, true},
      {"volumes that will be made count", Limit("csi.example.com", 1),
       MakePod("p").PvcVolume("wait-1").PvcVolume("wait-2"), nobody, false},
      {"none are allowed", Limit("csi.example.com", 0), MakePod("p").PvcVolume("bound-1"), nobody,
       false},
      {"full already, but nothing is added", Limit("csi.example.com", 0),
       MakePod("p").PvcVolume("local"), MakePod("q").PvcVolume("bound-1"), true},
      {"a limit of another driver", Limit("other.example.com", 0),
       MakePod("p").PvcVolume("bound-1"), nobody, true},
      {"no CSINode, no limit", "", MakePod("p").PvcVolume("bound-1"), nobody, true},
      {"a claim of a pod there is gone", Limit("csi.example.com", 1),
       MakePod("p").PvcVolume("bound-1"), MakePod("q").PvcVolume("gone"), true},
      {"an old volume is its driver's", Limit("ebs.csi.aws.com", 0), MakePod("p").PvcVolume("ebs"),
       nobody, false},
      {"also without a claim", Limit("ebs.csi.aws.com", 0), WithVolume(MakePod("p"), kEbs), nobody,
       false},
      {"and it is the same one", Limit("ebs.csi.aws.com", 1), MakePod("p").PvcVolume("ebs"),
       WithVolume(MakePod("q"), kEbs), true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    testing::FakeHandle handle({MakeNode("n").Info({c.there.Info()})});
    PutStorage(handle.world);
    if (!c.csi_node.empty()) testing::Put<CSINode>(handle.world, c.csi_node);
    const auto verdict = Verdict(handle, *c.pod.Info());
    EXPECT_EQ(verdict.ok(), c.passes) << verdict.Message();
    if (c.passes) continue;
    EXPECT_EQ(verdict.code(), Code::kUnschedulable);
    EXPECT_EQ(verdict.Message(), "node(s) exceed max volume count");
  }
}

TEST(NodeVolumeLimitsTest, AttachmentsCount) {
  const auto attach = [](framework::MemoryWorld& world, std::string_view volume,
                         std::string_view node) {
    testing::Put<VolumeAttachment>(
        world, R"({"metadata":{"name":"a-)" + std::string(volume) + std::string(node) +
                   R"("},"spec":{"attacher":"csi.example.com","nodeName":")" + std::string(node) +
                   R"(","source":{"persistentVolumeName":")" + std::string(volume) + R"("}}})");
  };
  testing::FakeHandle handle({MakeNode("n").Info({MakePod("q").PvcVolume("bound-2").Info()})});
  PutStorage(handle.world);
  testing::Put<CSINode>(handle.world, Limit("csi.example.com", 2));
  const auto pod = MakePod("p").PvcVolume("bound-1").Info();
  attach(handle.world, "v3", "elsewhere");
  attach(handle.world, "v2", "n");
  attach(handle.world, "gone", "n");
  EXPECT_TRUE(Verdict(handle, *pod).ok()) << "the pod there has it already";
  attach(handle.world, "v3", "n");
  EXPECT_FALSE(Verdict(handle, *pod).ok());
  EXPECT_TRUE(Verdict(handle, *MakePod("p").PvcVolume("bound-3").Info()).ok())
      << "attached already";
}

TEST(NodeVolumeLimitsTest, WhatIsMissing) {
  testing::FakeHandle handle({MakeNode("n").Info()});
  EXPECT_TRUE(Verdict(handle, *MakePod("p").Info()).IsSkip());
  const auto gone = Verdict(handle, *MakePod("p").PvcVolume("c").Info());
  EXPECT_EQ(gone.code(), Code::kUnschedulableAndUnresolvable);
  EXPECT_EQ(gone.Message(), "looking up PVC default/c: persistentvolumeclaim \"c\" not found");
  const auto nameless = Verdict(handle, *MakePod("p").PvcVolume("").Info());
  EXPECT_EQ(nameless.code(), Code::kError);
  EXPECT_EQ(nameless.Message(), "PersistentVolumeClaim had no name");
  testing::Put<PersistentVolumeClaim>(handle.world,
                                      R"({"metadata":{"namespace":"default","name":"p-v"}})");
  const auto stranger = Verdict(
      handle, *WithVolume(MakePod("p"), R"({"ephemeral":{"volumeClaimTemplate":{}}})").Info());
  EXPECT_EQ(stranger.code(), Code::kError);
  EXPECT_EQ(stranger.Message(), "PVC default/p-v was not created for pod default/p (pod is not "
                                "owner)");
}

TEST(NodeVolumeLimitsTest, Hints) {
  const auto pod = MakePod("p").PvcVolume("c").Info();
  const auto one = testing::Parsed<CSINode>(Limit("d", 1));
  const auto two = testing::Parsed<CSINode>(Limit("d", 2));
  const auto other = testing::Parsed<CSINode>(Limit("e", 1));
  EXPECT_EQ(*AfterCsiNodeUpdate(*pod, one.get(), two.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterCsiNodeUpdate(*pod, two.get(), one.get()), QueueingHint::kSkip);
  EXPECT_EQ(*AfterCsiNodeUpdate(*pod, one.get(), other.get()), QueueingHint::kQueue);

  const auto gone = [&](const MakePod& deleted) {
    const api::core::Pod message = deleted;
    return *AfterPodDeletion(*pod, &message, nullptr);
  };
  EXPECT_EQ(gone(MakePod("q").Node("n").PvcVolume("d")), QueueingHint::kQueue);
  EXPECT_EQ(gone(MakePod("q").NominatedNode("n").PvcVolume("d")), QueueingHint::kQueue);
  EXPECT_EQ(gone(MakePod("q").PvcVolume("d")), QueueingHint::kSkip) << "it had no place";
  EXPECT_EQ(gone(MakePod("q").Node("n")), QueueingHint::kSkip);

  const auto claim = testing::Parsed<PersistentVolumeClaim>(
      R"({"metadata":{"namespace":"default","name":"p-v"}})");
  const auto ephemeral =
      WithVolume(MakePod("p"), R"({"ephemeral":{"volumeClaimTemplate":{}}})").Info();
  EXPECT_EQ(*AfterClaimCreation(*ephemeral, nullptr, claim.get()), QueueingHint::kQueue);
  EXPECT_EQ(*AfterClaimCreation(*pod, nullptr, claim.get()), QueueingHint::kSkip);

  const auto detached = testing::Parsed<VolumeAttachment>(
      R"({"metadata":{"name":"a"},"spec":{"attacher":"ebs.csi.aws.com"}})");
  const auto hint = [&](const MakePod& waiting) {
    return *AfterAttachmentDeletion(*waiting.Info(), detached.get(), nullptr);
  };
  EXPECT_EQ(hint(MakePod("p").PvcVolume("c")), QueueingHint::kQueue);
  EXPECT_EQ(hint(WithVolume(MakePod("p"), R"({"awsElasticBlockStore":{"volumeID":"d"}})")),
            QueueingHint::kQueue);
  EXPECT_EQ(hint(WithVolume(MakePod("p"), R"({"gcePersistentDisk":{"pdName":"d"}})")),
            QueueingHint::kSkip);
  EXPECT_EQ(hint(MakePod("p")), QueueingHint::kSkip);
}

}  // namespace
}  // namespace berth::plugins::node_volume_limits
