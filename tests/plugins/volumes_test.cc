#include <gtest/gtest.h>

#include "plugins/volumes/csi_translation.h"
#include "plugins/volumes/pod_volumes.h"
#include "tests/framework/builders.h"
#include "tests/plugins/volume_objects.h"

namespace berth::plugins::volumes {
namespace {

using api::core::PersistentVolume;
using api::core::PersistentVolumeClaim;
using framework::testing::MakePod;
using testing::Parsed;

std::string Translated(std::string_view json) {
  const auto volume = Parsed<PersistentVolume>(json);
  const InTreePlugin* plugin = InTreePluginOf(*volume);
  if (plugin == nullptr) return "(none)";
  const auto csi = ToCsi(*volume, *plugin);
  return csi.ok() ? csi->driver + " " + csi->handle : std::string(csi.status().message());
}

TEST(VolumesTest, OldVolumesAsTheirDriversNameThem) {
  const struct {
    std::string_view volume, want;
  } cases[] = {
      {R"({"spec":{"csi":{"driver":"d","volumeHandle":"h"}}})", "(none)"},
      {R"({"spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}})", "ebs.csi.aws.com vol-1"},
      {R"({"spec":{"awsElasticBlockStore":{"volumeID":"aws:///vol-1"}}})",
       "ebs.csi.aws.com vol-1"},
      {R"({"spec":{"awsElasticBlockStore":{"volumeID":"aws://zone/vol-1"}}})",
       "ebs.csi.aws.com vol-1"},
      {R"({"spec":{"awsElasticBlockStore":{"volumeID":"aws://zone/a/vol-1"}}})",
       "failed to translate Kubernetes ID to EBS Volume ID Invalid format for AWS volume "
       "(aws://zone/a/vol-1)"},
      {R"({"spec":{"gcePersistentDisk":{"pdName":"d"}}})",
       "pd.csi.storage.gke.io projects/UNSPECIFIED/zones/UNSPECIFIED/disks/d"},
      {R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"eu-west1-b"}},
           "spec":{"gcePersistentDisk":{"pdName":"d"}}})",
       "pd.csi.storage.gke.io projects/UNSPECIFIED/zones/eu-west1-b/disks/d"},
      {R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"eu-west1-b__eu-west1-c"}},
           "spec":{"gcePersistentDisk":{"pdName":"d"}}})",
       "pd.csi.storage.gke.io projects/UNSPECIFIED/regions/eu-west1/disks/d"},
      {R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"eu-west1-b__eu-west2-c"}},
           "spec":{"gcePersistentDisk":{"pdName":"d"}}})",
       "failed to get region from zones: multiple or no regions gotten from zones, got: "
       "map[eu-west1:{} eu-west2:{}]"},
      {R"({"spec":{"azureDisk":{"diskName":"d","diskURI":"/uri"}}})", "disk.csi.azure.com /uri"},
      {R"({"spec":{"cinder":{"volumeID":"c"}}})", "cinder.csi.openstack.org c"},
      {R"({"spec":{"portworxVolume":{"volumeID":"x"}}})", "pxd.portworx.com x"},
  };
  for (const auto& c : cases) EXPECT_EQ(Translated(c.volume), c.want) << c.volume;
}

TEST(VolumesTest, WhereTheirDriversReachThem) {
  const auto affinity = [](std::string_view json) {
    const auto volume = Parsed<PersistentVolume>(json);
    std::string out;
    api::PrintJson(CsiAffinity(*volume, *InTreePluginOf(*volume)), out);
    return out;
  };
  EXPECT_EQ(affinity(R"({"metadata":{"labels":{"failure-domain.beta.kubernetes.io/zone":"b__a"}},
                         "spec":{"awsElasticBlockStore":{"volumeID":"vol-1"}}})"),
            R"({"nodeSelectorTerms":[{"matchExpressions":[{"key":"topology.ebs.csi.aws.com/zone",)"
            R"("operator":"In","values":["a","b"]}]}]})");
  EXPECT_EQ(affinity(R"({"spec":{"cinder":{"volumeID":"c"},"nodeAffinity":{"required":{
                         "nodeSelectorTerms":[{"matchExpressions":[
                         {"key":"failure-domain.beta.kubernetes.io/zone","operator":"In",
                          "values":["a"]},
                         {"key":"failure-domain.beta.kubernetes.io/region","operator":"In",
                          "values":["r"]}]}]}}}})"),
            R"({"nodeSelectorTerms":[{"matchExpressions":[)"
            R"({"key":"topology.cinder.csi.openstack.org/zone","operator":"In","values":["a"]},)"
            R"({"key":"topology.kubernetes.io/region","operator":"In","values":["r"]}]}]})");
  EXPECT_EQ(affinity(R"({"metadata":{"labels":{"topology.kubernetes.io/zone":"a"}},
                         "spec":{"azureDisk":{"diskURI":"u"}}})"),
            R"({"nodeSelectorTerms":null})");
}

TEST(VolumesTest, Claims) {
  const auto claim = Parsed<PersistentVolumeClaim>(
      R"({"metadata":{"namespace":"default","name":"p-v","annotations":{
            "volume.beta.kubernetes.io/storage-class":"old"}},
          "spec":{"storageClassName":"new","volumeName":"x"}})");
  EXPECT_EQ(ClassOf(*claim), "old");
  EXPECT_FALSE(IsFullyBound(*claim)) << "the controller has not said so";
  const api::core::Pod ephemeral =
      testing::WithVolume(MakePod("p"), R"({"ephemeral":{"volumeClaimTemplate":{}}})");
  EXPECT_TRUE(UsesClaim(ephemeral, *claim));
  EXPECT_FALSE(UsesClaim(ephemeral, *claim, /*named_only=*/true));
  EXPECT_TRUE(UsesClaims(ephemeral));
  EXPECT_FALSE(UsesClaims(ephemeral, /*named_only=*/true));
  EXPECT_FALSE(CheckOwner(ephemeral, *claim).ok());
}

}  // namespace
}  // namespace berth::plugins::volumes
