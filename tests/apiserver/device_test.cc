// Claims for devices and slices of devices on a server: who may ask for admin access, times of
// taints, field selectors, columns.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

class DeviceTest : public ServerFixture {
 protected:
  std::string Cells(const std::string& path) {
    const Answer table = Do("GET", path, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io");
    EXPECT_EQ(table.code, 200) << table.body;
    std::string text;
    const api::JsonValue body = table.Json();
    for (const api::JsonValue& row : body.Find("rows")->array()) {
      const auto& cells = row.Find("cells")->array();
      for (size_t i = 0; i + 1 < cells.size(); ++i) text += cells[i].string() + "|";
    }
    return text;
  }
  Answer MakeSlice(std::string_view name, std::string_view node, std::string_view more = "") {
    return Post("/apis/resource.k8s.io/v1/resourceslices",
                fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{"driver":"d.example",)"
                            R"({},"pool":{{"name":"p","resourceSliceCount":1}}{}}}}})",
                            name, node, more));
  }

  const std::string kDefaultClaims = "/apis/resource.k8s.io/v1/namespaces/default/resourceclaims";
  const std::string kClaim =
      R"({"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":)"
      R"({"deviceClassName":"gpu"}}]}}})";
};

TEST_F(DeviceTest, AdminAccessNeedsALabelledNamespace) {
  const std::string claim =
      R"({"metadata":{"name":"c"},"spec":{"devices":{"requests":[{"name":"r","exactly":)"
      R"({"deviceClassName":"gpu","adminAccess":true}}]}}})";
  const Answer refused = Post(kDefaultClaims, claim);
  EXPECT_EQ(refused.code, 422);
  EXPECT_EQ(refused.At("message"),
            "ResourceClaim.resource.k8s.io \"c\" is invalid: spec.devices.requests[0].adminAccess: "
            "Forbidden: admin access to devices requires the `resource.kubernetes.io/admin-access: "
            "true` label on the containing namespace");
  EXPECT_EQ(Post("/apis/resource.k8s.io/v1/namespaces/default/resourceclaimtemplates",
                 R"({"metadata":{"name":"t"},"spec":{"spec":{"devices":{"requests":[{"name":"r",)"
                 R"("exactly":{"deviceClassName":"gpu","adminAccess":true}}]}}}})").code, 422);
  ASSERT_EQ(Post(kDefaultClaims, kClaim).code, 201);
  const std::string status =
      R"({"status":{"allocation":{"devices":{"results":[{"request":"r","driver":"d",)"
      R"("pool":"p","device":"a","adminAccess":true}]}}}})";
  EXPECT_EQ(MergePatch(kDefaultClaims + "/c/status", status).code, 422);
  MergePatch("/api/v1/namespaces/default",
             R"({"metadata":{"labels":{"resource.kubernetes.io/admin-access":"true"}}})");
  EXPECT_EQ(MergePatch(kDefaultClaims + "/c/status", status).code, 200);
  EXPECT_EQ(Delete(kDefaultClaims + "/c").At("kind"), "ResourceClaim");
  EXPECT_EQ(Post(kDefaultClaims, claim).code, 201);
}

TEST_F(DeviceTest, TaintsKnowSinceWhen) {
  const std::string taints = R"(,"devices":[{"name":"a","taints":[{"key":"k","effect":"None"},)"
                             R"({"key":"l","effect":"None","timeAdded":"2026-01-02T03:04:05Z"}]}])";
  const Answer made = MakeSlice("s", R"("nodeName":"n")", taints);
  ASSERT_EQ(made.code, 201) << made.body;
  EXPECT_EQ(made.At("spec/devices/0/taints/0/timeAdded"), made.At("metadata/creationTimestamp"));
  EXPECT_EQ(made.At("spec/devices/0/taints/1/timeAdded"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(made.At("metadata/generation"), "1");
}

TEST_F(DeviceTest, RulesThatTaintDevices) {
  const std::string path = "/apis/resource.k8s.io/v1alpha3/devicetaintrules";
  const Answer made = Post(path, R"({"metadata":{"name":"t"},"spec":{"deviceSelector":{},)"
                                 R"("taint":{"key":"k","value":"v","effect":"NoSchedule"}},)"
                                 R"("status":{"conditions":[]}})");
  ASSERT_EQ(made.code, 201) << made.body;
  EXPECT_EQ(made.At("spec/taint/timeAdded"), made.At("metadata/creationTimestamp"));
  EXPECT_EQ(made.At("metadata/generation"), "1");
  EXPECT_EQ(Cells(path), "t|k|v|NoSchedule|0s|");
  EXPECT_EQ(Post(path, R"({"metadata":{"name":"u"},"spec":{"taint":{"key":"k","effect":"x"}}})")
                .code, 422);
  const Answer noted = MergePatch(
      path + "/t/status",
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"taint":{"key":"l"}},"status":{"conditions":[{"type":"EvictionInProgress",)"
      R"("status":"False","reason":"Done","message":"","lastTransitionTime":)"
      R"("2026-01-02T03:04:05Z"}]}})");
  EXPECT_EQ(noted.code, 200) << noted.body;
  EXPECT_EQ(noted.At("spec/taint/key"), "k");
  EXPECT_EQ(noted.At("status/conditions/0/type"), "EvictionInProgress");
  EXPECT_EQ(noted.At("metadata/labels"), "<absent>");
  // Another effect is there since now, unless the client says since when.
  Run(absl::Seconds(5));
  const std::string before = made.At("spec/taint/timeAdded");
  const std::string url = path + "/t";
  const auto since = [&](std::string_view taint) {
    return MergePatch(url, fmt::format(R"({{"spec":{{"taint":{{{}}}}}}})", taint))
        .At("spec/taint/timeAdded");
  };
  EXPECT_EQ(since(R"("value":"w")"), before);
  EXPECT_GT(since(R"("effect":"NoExecute")"), before);
  EXPECT_EQ(since(R"("effect":"None","timeAdded":"2026-01-02T03:04:05Z")"), "2026-01-02T03:04:05Z");
  EXPECT_EQ(Delete(url).At("kind"), "DeviceTaintRule");
}

TEST_F(DeviceTest, SlicesAreSelectedByNodeAndDriver) {
  ASSERT_EQ(MakeSlice("a", R"("nodeName":"n")").code, 201);
  ASSERT_EQ(MakeSlice("b", R"("nodeName":"m")").code, 201);
  ASSERT_EQ(MakeSlice("c", R"("allNodes":true)").code, 201);
  const std::string path = "/apis/resource.k8s.io/v1/resourceslices";
  EXPECT_EQ(Cells(path), "a|n|d.example|p|b|m|d.example|p|c||d.example|p|");
  EXPECT_EQ(Cells(path + "?fieldSelector=spec.nodeName=m"), "b|m|d.example|p|");
  EXPECT_EQ(Cells(path + "?fieldSelector=spec.nodeName="), "c||d.example|p|");
  EXPECT_EQ(Cells(path + "?fieldSelector=spec.driver=e,spec.nodeName=m"), "");
}

TEST_F(DeviceTest, StatesOfAClaim) {
  ASSERT_EQ(Post(kDefaultClaims, kClaim).code, 201);
  EXPECT_EQ(Cells(kDefaultClaims), "c|pending|");
  const std::string status = kDefaultClaims + "/c/status";
  MergePatch(status, R"({"status":{"allocation":{"devices":{"results":[{"request":"r",)"
                     R"("driver":"d","pool":"p","device":"a"}]}}}})");
  EXPECT_EQ(Cells(kDefaultClaims), "c|allocated|");
  MergePatch(status, R"({"status":{"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]}})");
  EXPECT_EQ(Cells(kDefaultClaims), "c|allocated,reserved|");
  MergePatch(kDefaultClaims + "/c", R"({"metadata":{"finalizers":["example.com/keep"]}})");
  Delete(kDefaultClaims + "/c");
  EXPECT_EQ(Cells(kDefaultClaims), "c|deleted,allocated,reserved|");
}

}  // namespace
}  // namespace berth::apiserver
