// VolumeBinding at work: an engine in a world in memory, where the test plays the volume
// controller and the provisioner.
#include <gtest/gtest.h>

#include "base/sim_executor.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/plugins/volume_objects.h"

namespace berth::plugins::volume_binding {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using api::storage::StorageClass;
using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr const char* kSelected = "volume.kubernetes.io/selected-node";

class VolumeBindingEngineTest : public ::testing::Test {
 protected:
  VolumeBindingEngineTest() {
    world_.on_event = [this](const framework::EventNote& note) {
      events_.push_back(note.reason + ": " + note.note);
    };
    for (const char* zone : {"a", "b"}) {
      Put<api::core::Node>(MakeNode(zone).Capacity("4", "4Gi").Label("zone", zone).Object());
    }
    testing::Put<StorageClass>(
        world_, R"({"metadata":{"name":"local"},"provisioner":"kubernetes.io/no-provisioner",
                    "volumeBindingMode":"WaitForFirstConsumer"})");
    testing::Put<StorageClass>(world_,
                               R"({"metadata":{"name":"wait"},"provisioner":"csi.example.com",
                                   "volumeBindingMode":"WaitForFirstConsumer"})");
  }
  ~VolumeBindingEngineTest() override { engine_.reset(); }

  void Start(std::string args = {}) {
    for (framework::PluginEntry& entry : InTreePlugins()) {
      ASSERT_TRUE(registry_.Register(std::move(entry)).ok());
    }
    engine_ = std::make_unique<framework::Engine>(framework::EngineOptions{}, *executor_, world_,
                                                  world_);
    framework::ProfileConfig profile;
    profile.plugins = framework::MergeWithDefaults({});
    profile.plugin_config.push_back({"VolumeBinding", std::move(args)});
    ASSERT_TRUE(engine_->AddProfile(profile, registry_).ok());
    ASSERT_TRUE(engine_->Start().ok());
  }
  template <typename T>
  void Put(std::shared_ptr<const T> object) {
    world_.Put(api::ResourceOf<T>(), std::move(object));
  }
  void Put(const MakePod& pod) { Put<api::core::Pod>(pod.Object()); }
  void PutClaim(std::string_view name, std::string_view of_class) {
    testing::Put<PersistentVolumeClaim>(
        world_, R"({"metadata":{"namespace":"default","name":")" + std::string(name) +
                    R"(","uid":"uid-)" + std::string(name) +
                    R"("},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":")" +
                    std::string(of_class) +
                    R"(","resources":{"requests":{"storage":"1Gi"}}},
                        "status":{"phase":"Pending"}})");
  }
  void PutVolume(std::string_view name, std::string_view zone) {
    testing::Put<PersistentVolume>(
        world_, R"({"metadata":{"name":")" + std::string(name) +
                    R"("},"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},
                       "storageClassName":"local","nodeAffinity":{"required":{"nodeSelectorTerms":[
                       {"matchExpressions":[{"key":"zone","operator":"In","values":[")" +
                    std::string(zone) + R"("]}]}]}}},"status":{"phase":"Available"}})");
  }
  // What the volume controller does in the end.
  void BindClaim(std::string_view name, std::string_view volume) {
    auto claim = std::make_shared<PersistentVolumeClaim>(*Claim(name));
    claim->mutable_spec()->set_volume_name(std::string(volume));
    (*claim->mutable_metadata()->mutable_annotations())["pv.kubernetes.io/bind-completed"] = "yes";
    claim->mutable_status()->set_phase("Bound");
    Put<PersistentVolumeClaim>(std::move(claim));
  }
  std::shared_ptr<const PersistentVolumeClaim> Claim(std::string_view name) const {
    return std::static_pointer_cast<const PersistentVolumeClaim>(
        world_.Get(api::ResourceOf<PersistentVolumeClaim>(), "default", name));
  }
  std::shared_ptr<const PersistentVolume> Volume(std::string_view name) const {
    return std::static_pointer_cast<const PersistentVolume>(
        world_.Get(api::ResourceOf<PersistentVolume>(), {}, name));
  }
  std::string SelectedNode(std::string_view claim) const {
    const auto& annotations = Claim(claim)->metadata().annotations();
    const auto it = annotations.find(kSelected);
    return it == annotations.end() ? "" : it->second;
  }
  std::string NodeOf(std::string_view pod) const {
    const auto object = world_.Get(api::ResourceOf<api::core::Pod>(), "default", pod);
    return object ? static_cast<const api::core::Pod&>(*object).spec().node_name() : "(gone)";
  }
  void Run(absl::Duration time) { loop_.RunUntil(loop_.clock().Now() + time); }
  bool Happened(std::string_view event) const {
    return std::any_of(events_.begin(), events_.end(), [&](const std::string& held) {
      return held.find(event) != std::string::npos;
    });
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("engine");
  framework::MemoryWorld world_{*executor_};
  framework::Registry registry_;
  std::unique_ptr<framework::Engine> engine_;
  std::vector<std::string> events_;
};

TEST_F(VolumeBindingEngineTest, AClaimIsBoundToAVolumeThatIsThere) {
  PutVolume("v", "b");
  PutClaim("c", "local");
  PutClaim("d", "local");
  Start();
  Put(MakePod("p").PvcVolume("c"));
  Put(MakePod("q").PvcVolume("d"));
  Run(absl::Seconds(5));
  EXPECT_EQ(Volume("v")->spec().claim_ref().uid(), "uid-c");
  EXPECT_EQ(NodeOf("p"), "") << "the volume controller is yet to bind the claim";
  EXPECT_TRUE(Happened("0/2 nodes are available: 2 node(s) didn't find available persistent "
                       "volumes to bind."))
      << "q, which comes too late";
  BindClaim("c", "v");
  Run(absl::Seconds(2));
  EXPECT_EQ(NodeOf("p"), "b");
  EXPECT_EQ(NodeOf("q"), "");
  PutVolume("w", "a");
  Run(absl::Seconds(30));
  EXPECT_EQ(Volume("w")->spec().claim_ref().name(), "d");
  BindClaim("d", "w");
  Run(absl::Seconds(2));
  EXPECT_EQ(NodeOf("q"), "a");
}

TEST_F(VolumeBindingEngineTest, AVolumeIsMadeForAClaim) {
  PutClaim("c", "wait");
  Start();
  MakePod pod = MakePod("p").PvcVolume("c").NodeSelector("zone", "b");
  Put(pod);
  Run(absl::Seconds(3));
  EXPECT_EQ(SelectedNode("c"), "b");
  EXPECT_EQ(NodeOf("p"), "");
  PutVolume("made", "b");
  BindClaim("c", "made");
  Run(absl::Seconds(2));
  EXPECT_EQ(NodeOf("p"), "b");
  EXPECT_TRUE(Happened("Scheduled: Successfully assigned default/p to b"));
}

TEST_F(VolumeBindingEngineTest, AFailedProvisionerLetsThePodGoElsewhere) {
  PutClaim("c", "wait");
  Start();
  Put(MakePod("p").PvcVolume("c"));
  Run(absl::Seconds(3));
  ASSERT_NE(SelectedNode("c"), "");
  // It takes the node away, as provisioners do.
  auto claim = std::make_shared<PersistentVolumeClaim>(*Claim("c"));
  claim->mutable_metadata()->mutable_annotations()->erase(kSelected);
  (*claim->mutable_metadata()->mutable_annotations())["provisioner"] = "sorry";
  Put<PersistentVolumeClaim>(std::move(claim));
  Run(absl::Seconds(2));
  EXPECT_TRUE(Happened("running PreBind plugin \"VolumeBinding\": binding volumes: provisioning "
                       "failed for PVC \"c\""));
  Run(absl::Seconds(10));
  EXPECT_NE(SelectedNode("c"), "") << "the next attempt asked again";
  PutVolume("made", SelectedNode("c"));
  const std::string selected = SelectedNode("c");
  BindClaim("c", "made");
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("p"), selected);
}

TEST_F(VolumeBindingEngineTest, WhoWaitsTooLongIsTakenBack) {
  PutVolume("v", "a");
  PutClaim("c", "local");
  Start(R"({"bindTimeoutSeconds":3})");
  Put(MakePod("p").PvcVolume("c"));
  Run(absl::Milliseconds(2900));
  EXPECT_FALSE(Happened("FailedScheduling"));
  Run(absl::Milliseconds(300));
  EXPECT_TRUE(Happened("running PreBind plugin \"VolumeBinding\": binding volumes: context "
                       "deadline exceeded"));
  EXPECT_EQ(NodeOf("p"), "");
  // What was written stays: the next attempt finds the volume meant for its claim.
  BindClaim("c", "v");
  Run(absl::Seconds(60));
  EXPECT_EQ(NodeOf("p"), "a");
}

TEST_F(VolumeBindingEngineTest, NobodyWaitsForAPodThatIsGone) {
  PutVolume("v", "a");
  PutClaim("c", "local");
  Start();
  Put(MakePod("p").PvcVolume("c"));
  Run(absl::Milliseconds(100));
  world_.Remove(api::ResourceOf<api::core::Pod>(), "default", "p");
  Run(absl::Seconds(2));
  Put(MakePod("q").PvcVolume("c"));
  Run(absl::Seconds(2));
  BindClaim("c", "v");
  Run(absl::Seconds(2));
  EXPECT_EQ(NodeOf("q"), "a");
}

TEST_F(VolumeBindingEngineTest, TwoPodsOfAClaimGoToTheNodeThatItsVolumeIsMadeFor) {
  PutClaim("c", "wait");
  Start();
  Put(MakePod("p").PvcVolume("c").NodeSelector("zone", "b"));
  Put(MakePod("q").PvcVolume("c"));
  Run(absl::Seconds(3));
  EXPECT_EQ(SelectedNode("c"), "b");
  PutVolume("made", "b");
  BindClaim("c", "made");
  Run(absl::Seconds(3));
  EXPECT_EQ(NodeOf("p"), "b");
  EXPECT_EQ(NodeOf("q"), "b");
}

TEST_F(VolumeBindingEngineTest, PlainPodsShareEvaluationsWhileVolumesAreBound) {
  PutClaim("c", "wait");
  Start();
  Put(MakePod("p").PvcVolume("c"));
  Run(absl::Seconds(2));
  for (const char* name : {"q", "r", "s"}) Put(MakePod(name).Req("1"));
  Run(absl::Seconds(1));
  for (const char* name : {"q", "r", "s"}) EXPECT_NE(NodeOf(name), "");
  EXPECT_EQ(NodeOf("p"), "");
  EXPECT_GE(engine_->counts().decisions_reused, 2);
}

}  // namespace
}  // namespace berth::plugins::volume_binding
