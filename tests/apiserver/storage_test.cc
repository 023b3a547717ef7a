// Volumes, claims and storage classes on a server: what admission adds and refuses, what kubectl
// shows of them.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

class StorageTest : public ServerFixture {
 protected:
  void MakeClass(std::string_view name, std::string_view more) {
    const Answer made =
        Post("/apis/storage.k8s.io/v1/storageclasses",
             fmt::format(R"({{"metadata":{{"name":"{}"{}}},"provisioner":"p.example",)"
                         R"("allowVolumeExpansion":{}}})",
                         name, more, name == "grows"));
    ASSERT_EQ(made.code, 201) << made.body;
  }
  Answer MakeClaim(std::string_view name, std::string_view more = "") {
    return Post(kClaims,
                fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{"accessModes":)"
                            R"(["ReadWriteOnce"],"resources":{{"requests":{{"storage":"1Gi"}}}})"
                            R"({}}}}})",
                            name, more));
  }
  Answer MakeVolume(std::string_view name) {
    return Post("/api/v1/persistentvolumes",
                fmt::format(R"({{"metadata":{{"name":"{}"}},"spec":{{"accessModes":)"
                            R"(["ReadOnlyMany","ReadWriteOnce"],"capacity":{{"storage":"1024Mi"}},)"
                            R"("hostPath":{{"path":"/x"}}}}}})",
                            name));
  }
  // The cells of the only row, but for its age.
  std::string Cells(const std::string& path) {
    const Answer table = Do("GET", path, "", "", "application/json;as=Table;v=v1;g=meta.k8s.io");
    EXPECT_EQ(table.code, 200) << table.body;
    const api::JsonValue body = table.Json();
    const auto& columns = body.Find("columnDefinitions")->array();
    const auto& cells = body.Find("rows")->array()[0].Find("cells")->array();
    EXPECT_EQ(columns.size(), cells.size());
    std::string text;
    for (size_t i = 0; i < cells.size(); ++i) {
      if (At(columns[i], "name") == "Age") continue;
      text += (text.empty() ? "" : "|") + (cells[i].is_string() ? cells[i].string()
                                                                : cells[i].ToText());
    }
    return text;
  }

  const std::string kClaims = "/api/v1/namespaces/default/persistentvolumeclaims";
};

constexpr std::string_view kDefault =
    R"(,"annotations":{"storageclass.kubernetes.io/is-default-class":"true"})";

TEST_F(StorageTest, AClaimWithoutAClassGetsTheYoungestDefault) {
  EXPECT_EQ(MakeClaim("early").At("spec/storageClassName"), "<absent>");
  MakeClass("a", kDefault);
  Run(absl::Seconds(2));
  MakeClass("c", kDefault);
  MakeClass("b", kDefault);
  MakeClass("d", "");
  EXPECT_EQ(MakeClaim("none").At("spec/storageClassName"), "b");  // of one age the first
  EXPECT_EQ(MakeClaim("own", R"(,"storageClassName":"d")").At("spec/storageClassName"), "d");
  EXPECT_EQ(MakeClaim("static", R"(,"storageClassName":"")").At("spec/storageClassName"), "");
}

TEST_F(StorageTest, OnlyBoundClaimsOfAClassThatAllowsItGrow) {
  MakeClass("grows", "");
  MakeClass("stays", "");
  constexpr char kGrow[] = R"({"spec":{"resources":{"requests":{"storage":"2Gi"}}}})";
  constexpr char kBound[] =
      R"({"status":{"phase":"Bound","capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"]}})";
  for (const char* name : {"grows", "stays"}) {
    ASSERT_EQ(MakeClaim(name, fmt::format(R"(,"storageClassName":"{}")", name)).code, 201);
    EXPECT_EQ(MergePatch(kClaims + "/" + name, kGrow).code, 422);
    ASSERT_EQ(MergePatch(kClaims + "/" + name + "/status", kBound).code, 200);
  }
  EXPECT_EQ(MergePatch(kClaims + "/grows", kGrow).code, 200);
  const Answer refused = MergePatch(kClaims + "/stays", kGrow);
  EXPECT_EQ(refused.code, 403);
  EXPECT_EQ(refused.At("message"),
            "persistentvolumeclaims \"stays\" is forbidden: only dynamically provisioned pvc can "
            "be resized and the storageclass that provisions the pvc must support resize");
}

TEST_F(StorageTest, AVolumeKnowsSinceWhenItIsInItsPhase) {
  const Answer made = MakeVolume("v");
  ASSERT_EQ(made.code, 201) << made.body;
  const std::string first = made.At("status/lastPhaseTransitionTime");
  EXPECT_EQ(first, made.At("metadata/creationTimestamp"));
  Run(absl::Seconds(5));
  const std::string status = "/api/v1/persistentvolumes/v/status";
  EXPECT_EQ(MergePatch(status, R"({"status":{"message":"m"}})").At("status/lastPhaseTransitionTime"),
            first);
  const Answer available = MergePatch(status, R"({"status":{"phase":"Available"}})");
  EXPECT_EQ(available.At("status/phase"), "Available");
  EXPECT_NE(available.At("status/lastPhaseTransitionTime"), first);
  const Answer given = MergePatch(
      status,
      R"({"status":{"phase":"Bound","lastPhaseTransitionTime":"2026-01-02T03:04:05Z"}})");
  EXPECT_EQ(given.At("status/lastPhaseTransitionTime"), "2026-01-02T03:04:05Z");
}

TEST_F(StorageTest, FinalizersKeepAVolumeUntilTheyAreTaken) {
  ASSERT_EQ(MakeVolume("v").At("metadata/finalizers/0"), "kubernetes.io/pv-protection");
  EXPECT_EQ(Delete("/api/v1/persistentvolumes/v").At("kind"), "PersistentVolume");
  EXPECT_EQ(Cells("/api/v1/persistentvolumes/v"),
            "v|1Gi|RWO,ROX|Retain|Terminating|||<unset>||Filesystem");
  EXPECT_EQ(MergePatch("/api/v1/persistentvolumes/v", R"({"metadata":{"finalizers":null}})").code,
            200);
  EXPECT_EQ(Get("/api/v1/persistentvolumes/v").code, 404);
}

TEST_F(StorageTest, Columns) {
  MakeClass("s", kDefault);
  EXPECT_EQ(Cells("/apis/storage.k8s.io/v1/storageclasses"),
            "s (default)|p.example|Delete|Immediate|false");
  MakeVolume("v");
  MergePatch("/api/v1/persistentvolumes/v",
             R"({"spec":{"claimRef":{"namespace":"default","name":"c"},"storageClassName":"s"}})");
  EXPECT_EQ(Cells("/api/v1/persistentvolumes"),
            "v|1Gi|RWO,ROX|Retain|Pending|default/c|s|<unset>||Filesystem");
  MakeClaim("c");
  EXPECT_EQ(Cells(kClaims), "c|Pending||||s|<unset>|Filesystem");
  MergePatch(kClaims + "/c", R"({"spec":{"volumeName":"v"}})");
  MergePatch(kClaims + "/c/status",
             R"({"status":{"phase":"Bound","capacity":{"storage":"1Gi"},)"
             R"("accessModes":["ReadWriteOncePod"]}})");
  EXPECT_EQ(Cells(kClaims), "c|Bound|v|1Gi|RWOP|s|<unset>|Filesystem");
  const struct {
    std::string path, body, want;
  } cases[] = {
      {"/apis/storage.k8s.io/v1/csidrivers",
       R"({"metadata":{"name":"d"},"spec":{"attachRequired":false,"tokenRequests":)"
       R"([{"audience":"a"},{"audience":"b"}],"volumeLifecycleModes":["Persistent","Ephemeral"]}})",
       "d|false|false|false|a,b|false|Persistent,Ephemeral"},
      {"/apis/storage.k8s.io/v1/csinodes",
       R"({"metadata":{"name":"n"},"spec":{"drivers":[{"name":"d","nodeID":"i"}]}})", "n|1"},
      {"/apis/storage.k8s.io/v1/namespaces/default/csistoragecapacities",
       R"({"metadata":{"name":"c"},"storageClassName":"s"})", "c|s|<unset>"},
      {"/apis/storage.k8s.io/v1/volumeattachments",
       R"({"metadata":{"name":"a"},"spec":{"attacher":"d","nodeName":"n",)"
       R"("source":{"persistentVolumeName":"v"}}})", "a|d|v|n|false"},
  };
  for (const auto& c : cases) {
    const Answer made = Post(c.path, c.body);
    ASSERT_EQ(made.code, 201) << made.body;
    EXPECT_EQ(Cells(c.path), c.want);
  }
}

}  // namespace
}  // namespace berth::apiserver
