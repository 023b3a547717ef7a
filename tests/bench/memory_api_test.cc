#include "bench/scheduler_perf/rig/memory_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/resource_v1.pb.h"
#include "base/sim_executor.h"
#include "bench/scheduler_perf/rig/claim_controller.h"

namespace berth::bench {
namespace {

using api::core::Pod;
using api::dra::ResourceClaim;

class MemoryApiTest : public ::testing::Test {
 protected:
  template <typename T>
  static std::shared_ptr<T> From(const std::string& json) {
    auto out = std::make_shared<T>();
    EXPECT_TRUE(api::ParseJson(json, *out).ok()) << json;
    return out;
  }
  template <typename T>
  absl::Status Create(const std::string& json) {
    return api_.CreateNow(api::ResourceOf<T>(), From<T>(json));
  }
  template <typename T>
  std::shared_ptr<const T> Get(std::string_view name, std::string_view space = "ns") {
    return std::static_pointer_cast<const T>(world_.Get(api::ResourceOf<T>(), space, name));
  }
  template <typename T>
  absl::Status Delete(std::string_view name, std::optional<int64_t> grace = std::nullopt) {
    return api_.DeleteNow(api::ResourceOf<T>(), "ns", name, {}, grace);
  }
  void Run() { loop_.RunUntil(loop_.clock().Now() + absl::Milliseconds(100)); }
  absl::Status Bind(std::string_view name) {
    absl::Status answer = absl::UnknownError("not answered");
    api_.Bind(*Get<Pod>(name), "node", [&](const absl::Status& status) { answer = status; });
    Run();
    return answer;
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("api");
  framework::MemoryWorld world_{*executor_};
  MemoryApi api_{*executor_, world_};
};

const char* kPod = R"({"metadata":{"name":"p","namespace":"ns"},"spec":{"containers":[
    {"name":"c","image":"i","resources":{"requests":{"cpu":"1"}}}]}})";

TEST_F(MemoryApiTest, CreatesWithDefaultsUidAndVersion) {
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  const auto pod = Get<Pod>("p");
  EXPECT_FALSE(pod->metadata().uid().empty());
  EXPECT_EQ(pod->metadata().resource_version(), "1");
  EXPECT_EQ(pod->spec().scheduler_name(), "default-scheduler");
  EXPECT_EQ(pod->status().phase(), "Pending");
  EXPECT_TRUE(api::IsAlreadyExists(Create<Pod>(kPod)));
}

TEST_F(MemoryApiTest, UpdatesKeepWhatTheyDoNotOwn) {
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  ASSERT_TRUE(Bind("p").ok());
  auto changed = std::make_shared<Pod>(*Get<Pod>("p"));
  changed->mutable_spec()->mutable_containers(0)->set_image("j");
  changed->mutable_status()->set_phase("Running");
  (*changed->mutable_metadata()->mutable_labels())["a"] = "b";
  ASSERT_TRUE(api_.UpdateNow(api::ResourceOf<Pod>(), changed, {}).ok());
  EXPECT_EQ(Get<Pod>("p")->status().phase(), "Pending");
  EXPECT_EQ(Get<Pod>("p")->spec().containers(0).image(), "j");

  auto status = std::make_shared<Pod>(*Get<Pod>("p"));
  status->mutable_spec()->mutable_containers(0)->set_image("k");
  status->mutable_status()->set_phase("Running");
  ASSERT_TRUE(api_.UpdateNow(api::ResourceOf<Pod>(), status, "status").ok());
  EXPECT_EQ(Get<Pod>("p")->status().phase(), "Running");
  EXPECT_EQ(Get<Pod>("p")->spec().containers(0).image(), "j");

  auto resized = std::make_shared<Pod>(*Get<Pod>("p"));
  resized->mutable_metadata()->clear_resource_version();
  (*resized->mutable_spec()->mutable_containers(0)->mutable_resources()->mutable_requests())["cpu"]
      .set_string("500m");
  ASSERT_TRUE(api_.UpdateNow(api::ResourceOf<Pod>(), resized, "resize").ok());
  EXPECT_EQ(
      Get<Pod>("p")->spec().containers(0).resources().requests().at("cpu").string(), "500m");
}

TEST_F(MemoryApiTest, AStaleVersionIsAConflict) {
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  const auto old = std::make_shared<Pod>(*Get<Pod>("p"));
  const auto& kind = api::ResourceOf<Pod>();
  ASSERT_TRUE(api_.UpdateNow(kind, std::make_shared<Pod>(*old), "status").ok());
  EXPECT_TRUE(api::IsConflict(api_.UpdateNow(kind, old, "status").status()));
  EXPECT_TRUE(absl::IsNotFound(
      api_.UpdateNow(kind, From<Pod>(R"({"metadata":{"name":"q"}})"), {}).status()));
}

TEST_F(MemoryApiTest, BindsOnce) {
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  const auto unbound = Get<Pod>("p");
  ASSERT_TRUE(Bind("p").ok());
  EXPECT_EQ(Get<Pod>("p")->spec().node_name(), "node");
  EXPECT_EQ(Get<Pod>("p")->status().conditions(0).status(), "True");
  EXPECT_TRUE(api::IsConflict(Bind("p")));
}

// A copy that is made beforehand becomes the bound pod, if that is still the pod it was made of.
TEST_F(MemoryApiTest, BindsTheSpareOfAnUnchangedPod) {
  const auto& kind = api::ResourceOf<Pod>();
  for (const bool changed : {false, true}) {
    auto pod = From<Pod>(kPod);
    MemoryApi::Prepare(kind, *pod);
    const auto spare = MemoryApi::Copy(*pod);
    ASSERT_TRUE(api_.CreatePrepared(kind, pod, spare).ok());
    if (changed) {
      auto update = std::make_shared<Pod>(*Get<Pod>("p"));
      (*update->mutable_metadata()->mutable_labels())["k"] = "v";
      ASSERT_TRUE(api_.UpdateNow(kind, update, {}).ok());
    }
    const auto before = Get<Pod>("p");
    ASSERT_TRUE(Bind("p").ok());
    const auto bound = Get<Pod>("p");
    EXPECT_EQ(bound.get() == spare.get(), !changed);
    EXPECT_EQ(bound->metadata().uid(), before->metadata().uid());
    EXPECT_EQ(bound->metadata().labels().size(), changed ? 1u : 0u);
    EXPECT_EQ(bound->metadata().creation_timestamp().seconds(),
              before->metadata().creation_timestamp().seconds());
    EXPECT_EQ(bound->spec().node_name(), "node");
    EXPECT_EQ(before->spec().node_name(), "") << "who holds it sees no change";
    ASSERT_TRUE(Delete<Pod>("p", 0).ok());
  }
}

TEST_F(MemoryApiTest, PatchesMergeStrategically) {
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  const std::string uid = Get<Pod>("p")->metadata().uid();
  absl::Status answer;
  const auto patch = [&](const std::string& of_uid, const std::string& status) {
    api_.Patch(api::ResourceOf<Pod>(), "ns", "p",
               R"({"metadata":{"uid":")" + of_uid + R"("},"status":)" + status + "}", "status",
               [&](const absl::Status& got) { answer = got; });
    Run();
  };
  patch(uid, R"({"conditions":[{"type":"PodScheduled","status":"False"}]})");
  patch(uid, R"({"nominatedNodeName":"n","conditions":[{"type":"A","status":"True"}]})");
  ASSERT_TRUE(answer.ok()) << answer;
  EXPECT_EQ(Get<Pod>("p")->status().conditions_size(), 2);
  EXPECT_EQ(Get<Pod>("p")->status().nominated_node_name(), "n");
  patch("another", "{}");
  EXPECT_TRUE(api::IsConflict(answer)) << answer;
}

TEST_F(MemoryApiTest, DeletionHasGraceForBoundPodsOnly) {
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  ASSERT_TRUE(Delete<Pod>("p").ok());
  EXPECT_EQ(Get<Pod>("p"), nullptr);
  EXPECT_TRUE(absl::IsNotFound(Delete<Pod>("p")));
  ASSERT_TRUE(Create<Pod>(kPod).ok());
  ASSERT_TRUE(Bind("p").ok());
  ASSERT_TRUE(Delete<Pod>("p").ok());
  ASSERT_NE(Get<Pod>("p"), nullptr);  // nobody stops it
  EXPECT_EQ(Get<Pod>("p")->metadata().deletion_grace_period_seconds(), 30);
  ASSERT_TRUE(Delete<Pod>("p", 0).ok());
  EXPECT_EQ(Get<Pod>("p"), nullptr);
}

TEST_F(MemoryApiTest, FinalizersHoldWhatIsDeleted) {
  ASSERT_TRUE(Create<Pod>(R"({"metadata":{"name":"p","namespace":"ns","finalizers":["f/x"]}})")
                  .ok());
  ASSERT_TRUE(Delete<Pod>("p").ok());
  ASSERT_NE(Get<Pod>("p"), nullptr);
  EXPECT_TRUE(Get<Pod>("p")->metadata().has_deletion_timestamp());
  EXPECT_TRUE(api::IsConflict(Bind("p")));
  auto released = std::make_shared<Pod>(*Get<Pod>("p"));
  released->mutable_metadata()->clear_finalizers();
  ASSERT_TRUE(api_.UpdateNow(api::ResourceOf<Pod>(), released, {}).ok());
  EXPECT_EQ(Get<Pod>("p"), nullptr);
}

TEST_F(MemoryApiTest, ClaimsComeAndGoWithTheirPod) {
  ClaimController controller(*executor_, world_, api_);
  ASSERT_TRUE(Create<Pod>(R"({"metadata":{"name":"p","namespace":"ns"},"spec":{"resourceClaims":[
      {"name":"own","resourceClaimTemplateName":"t"},
      {"name":"shared","resourceClaimName":"s"}]}})").ok());
  Run();
  EXPECT_EQ(Get<Pod>("p")->status().resource_claim_statuses_size(), 0);  // no template yet
  ASSERT_TRUE(Create<api::dra::ResourceClaimTemplate>(
                  R"({"metadata":{"name":"t","namespace":"ns"}})").ok());
  Run();
  const auto pod = Get<Pod>("p");
  ASSERT_EQ(pod->status().resource_claim_statuses_size(), 1);
  const std::string own = pod->status().resource_claim_statuses(0).resource_claim_name();
  ASSERT_NE(Get<ResourceClaim>(own), nullptr);
  EXPECT_EQ(Get<ResourceClaim>(own)->metadata().owner_references(0).uid(),
            pod->metadata().uid());

  ASSERT_TRUE(Create<ResourceClaim>(R"({"metadata":{"name":"s","namespace":"ns"}})").ok());
  auto shared = std::make_shared<ResourceClaim>(*Get<ResourceClaim>("s"));
  shared->mutable_status()->mutable_allocation();
  shared->mutable_status()->add_reserved_for()->set_uid("other");
  shared->mutable_status()->add_reserved_for()->set_uid(pod->metadata().uid());
  ASSERT_TRUE(api_.UpdateNow(api::ResourceOf<ResourceClaim>(), shared, "status").ok());
  auto held = std::make_shared<ResourceClaim>(*Get<ResourceClaim>(own));
  held->mutable_metadata()->add_finalizers("resource.kubernetes.io/delete-protection");
  ASSERT_TRUE(api_.UpdateNow(api::ResourceOf<ResourceClaim>(), held, {}).ok());
  ASSERT_TRUE(Delete<Pod>("p").ok());
  Run();
  EXPECT_EQ(Get<ResourceClaim>(own), nullptr);
  ASSERT_NE(Get<ResourceClaim>("s"), nullptr);
  EXPECT_EQ(Get<ResourceClaim>("s")->status().reserved_for_size(), 1);
  EXPECT_TRUE(Get<ResourceClaim>("s")->status().has_allocation());  // the other one has it
}

}  // namespace
}  // namespace berth::bench
