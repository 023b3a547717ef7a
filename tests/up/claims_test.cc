// What the scheduler does with claims against a live server: a volume that waits for its first
// consumer, a device of a slice.
#include <unistd.h>

#include <filesystem>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "cluster/up/cluster.h"
#include "tests/client/http_peers.h"
#include "tests/up/raw_request.h"

namespace berth::up {
namespace {

constexpr std::string_view kVolumes = "/api/v1/persistentvolumes";
constexpr std::string_view kClaims = "/api/v1/namespaces/default/persistentvolumeclaims";
constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kDevices = "/apis/resource.k8s.io/v1";
constexpr std::string_view kMerge = "application/merge-patch+json";

class ClaimsTest : public ::testing::Test {
 protected:
  ClaimsTest() {
    directory_ = std::filesystem::temp_directory_path() / "berth-claims-XXXXXX";
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    ClusterOptions options;
    options.plane.store = ControlPlaneOptions::StoreKind::kMemory;
    options.plane.data_dir = directory_;
    options.kubeconfig = directory_ + "/kubeconfig";
    options.nodes.count = 4;
    options.nodes.pods.lifecycle.start_delay = {};
    options.schedulers.emplace_back().config = scheduler::DefaultConfig();
    auto cluster = Cluster::Start(std::move(options));
    EXPECT_TRUE(cluster.ok()) << cluster.status();
    cluster_ = *std::move(cluster);
  }
  ~ClaimsTest() override {
    cluster_.reset();
    std::filesystem::remove_all(directory_);
  }

  std::string Ask(std::string_view method, std::string_view path, std::string_view body = {},
                  std::string_view type = "application/json") {
    client::RawClient client(cluster_->plane().port());
    client.Send(Request(method, path, body, type));
    return client.ReadAll(absl::Seconds(30));
  }
  void Make(std::string_view path, std::string_view body) {
    const std::string answer = Ask("POST", path, body);
    ASSERT_NE(answer.find("201 Created"), std::string::npos) << answer;
  }
  void Patch(const std::string& path, std::string_view body) {
    const std::string answer = Ask("PATCH", path, body, kMerge);
    ASSERT_NE(answer.find("200 OK"), std::string::npos) << answer;
  }
  void MakePod(std::string_view spec) {
    Make(kPods, fmt::format(R"({{"metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"c",)"
                            R"("image":"i"}}],{}}}}})", spec));
  }
  // Until `path` shows `text`; what it shows then.
  std::string Eventually(const std::string& path, std::string_view text) {
    std::string got;
    for (int i = 0; i < 600; ++i) {
      got = Ask("GET", path);
      if (got.find(text) != std::string::npos) return got;
      ::usleep(50'000);
    }
    ADD_FAILURE() << path << " never showed " << text << "\n" << got;
    return got;
  }

  std::string directory_;
  std::unique_ptr<Cluster> cluster_;
};

TEST_F(ClaimsTest, AVolumeThatWaitsForItsFirstConsumer) {
  Make("/apis/storage.k8s.io/v1/storageclasses",
       R"({"metadata":{"name":"local"},"provisioner":"kubernetes.io/no-provisioner",)"
       R"("volumeBindingMode":"WaitForFirstConsumer"})");
  Make(kVolumes,
       R"({"metadata":{"name":"v"},"spec":{"capacity":{"storage":"10Gi"},"accessModes":)"
       R"(["ReadWriteOnce"],"storageClassName":"local","local":{"path":"/d"},"nodeAffinity":)"
       R"({"required":{"nodeSelectorTerms":[{"matchExpressions":[{"key":)"
       R"("kubernetes.io/hostname","operator":"In","values":["node-0003"]}]}]}}}})");
  Patch(std::string(kVolumes) + "/v/status", R"({"status":{"phase":"Available"}})");
  Make(kClaims, R"({"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],)"
                R"("storageClassName":"local","resources":{"requests":{"storage":"5Gi"}}}})");
  MakePod(R"("volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"c"}}])");

  const std::string volume = Eventually(std::string(kVolumes) + "/v", R"("claimRef":{)");
  EXPECT_NE(volume.find(R"("namespace":"default","name":"c")"), std::string::npos) << volume;
  EXPECT_NE(volume.find(R"("pv.kubernetes.io/bound-by-controller":"yes")"), std::string::npos)
      << volume;
  EXPECT_EQ(Ask("GET", std::string(kPods) + "/p").find("nodeName"), std::string::npos);
  // As the controller of volumes, which is not here.
  Patch(std::string(kClaims) + "/c",
        R"({"metadata":{"annotations":{"pv.kubernetes.io/bind-completed":"yes"}},)"
        R"("spec":{"volumeName":"v"}})");
  Patch(std::string(kClaims) + "/c/status", R"({"status":{"phase":"Bound"}})");
  Eventually(std::string(kPods) + "/p", R"("nodeName":"node-0003")");
}

TEST_F(ClaimsTest, ADeviceOfASlice) {
  const std::string devices(kDevices);
  Make(devices + "/deviceclasses",
       R"({"metadata":{"name":"gpu"},"spec":{"selectors":[{"cel":{"expression":)"
       R"("device.driver == \"d.example\""}}]}})");
  Make(devices + "/resourceslices",
       R"({"metadata":{"name":"s"},"spec":{"driver":"d.example","nodeName":"node-0002",)"
       R"("pool":{"name":"node-0002","generation":1,"resourceSliceCount":1},)"
       R"("devices":[{"name":"gpu-0"}]}})");
  Make(devices + "/namespaces/default/resourceclaims",
       R"({"metadata":{"name":"one"},"spec":{"devices":{"requests":[{"name":"r","exactly":)"
       R"({"deviceClassName":"gpu"}}]}}})");
  MakePod(R"("resourceClaims":[{"name":"g","resourceClaimName":"one"}])");

  Eventually(std::string(kPods) + "/p", R"("nodeName":"node-0002")");
  const std::string claim = Ask("GET", devices + "/namespaces/default/resourceclaims/one");
  EXPECT_NE(claim.find(R"("results":[{"request":"r","driver":"d.example","pool":"node-0002",)"
                       R"("device":"gpu-0"}])"), std::string::npos) << claim;
  EXPECT_NE(claim.find(R"("reservedFor":[{"resource":"pods","name":"p","uid":")"),
            std::string::npos) << claim;
}

}  // namespace
}  // namespace berth::up
