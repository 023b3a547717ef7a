// Volumes, claims, storage classes, drivers, capacities and attachments: defaults, what is kept of
// an update, what is refused. Cases follow pkg/apis/{core,storage}/validation/validation_test.go.
#include <gtest/gtest.h>

#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "tests/api/rules_of.h"

namespace berth::api {
namespace {

struct Case {
  std::string_view patch, want;
};

RulesOf Volumes() {
  return {ResourceOf<core::PersistentVolume>(),
          R"({"metadata":{"name":"v"},"spec":{"capacity":{"storage":"5Gi"},
              "accessModes":["ReadWriteOnce"],"csi":{"driver":"d.example","volumeHandle":"h"}}})"};
}

RulesOf Claims() {
  return {ResourceOf<core::PersistentVolumeClaim>(),
          R"({"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],
              "resources":{"requests":{"storage":"5Gi"}}}})"};
}

RulesOf Classes() {
  return {ResourceOf<storage::StorageClass>(),
          R"({"metadata":{"name":"s"},"provisioner":"p.example","parameters":{"a":"b"}})"};
}

RulesOf Drivers() {
  return {ResourceOf<storage::CSIDriver>(), R"({"metadata":{"name":"d.example"},"spec":{}})"};
}

RulesOf Nodes() {
  return {ResourceOf<storage::CSINode>(),
          R"({"metadata":{"name":"n"},"spec":{"drivers":[{"name":"d.example","nodeID":"i",
              "topologyKeys":["zone"],"allocatable":{"count":3}}]}})"};
}

RulesOf Capacities() {
  return {ResourceOf<storage::CSIStorageCapacity>(),
          R"({"metadata":{"name":"c"},"storageClassName":"s","capacity":"1Gi",
              "nodeTopology":{"matchLabels":{"zone":"a"}}})"};
}

RulesOf Attachments() {
  return {ResourceOf<storage::VolumeAttachment>(),
          R"({"metadata":{"name":"a"},"spec":{"attacher":"d.example","nodeName":"n",
              "source":{"persistentVolumeName":"v"}}})"};
}

TEST(PersistentVolumeTest, WhatIsRefused) {
  const Case cases[] = {
      {"{}", ""},
      {R"({"spec":{"accessModes":["ReadWriteOnce","ReadWriteOncePod"]}})",
       "spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"},
      {R"({"spec":{"capacity":{"cpu":"1"}}})",
       "spec.capacity: Unsupported value: {\"cpu\":\"1\",\"storage\":\"5Gi\"}: supported values: "
       "\"storage\""},
      {R"({"spec":{"hostPath":{"path":"/x"}}})",
       "spec.csi: Forbidden: may not specify more than 1 volume type"},
      {R"({"spec":{"csi":null,"hostPath":{"path":"//."},"persistentVolumeReclaimPolicy":"Recycle"}})",
       "spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount "
       "of '/'"},
      {R"({"spec":{"csi":null,"local":{"path":"/a/../b"},"nodeAffinity":{}}})",
       "spec.nodeAffinity.required: Required value: must specify required node constraints; "
       "spec.local.path: Invalid value: \"/a/../b\": must not contain '..'"},
      {R"({"spec":{"csi":null,"local":{"path":"/a"}}})",
       "spec.nodeAffinity: Required value: Local volume requires node affinity"},
      {R"({"spec":{"csi":null,"cinder":{"volumeID":"x","secretRef":{"name":"s"}}}})",
       "spec.cinder.secretRef.namespace: Required value"},
      {R"({"spec":{"csi":{"driver":"","volumeHandle":"h",
           "nodePublishSecretRef":{"namespace":"n"}}}})",
       "spec.csi.driver: Required value; spec.csi.driver: Invalid value: \"\": a lowercase RFC "
       "1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
       "start and end with an alphanumeric character (e.g. 'example.com', regex used for "
       "validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); "
       "spec.csi.nodePublishSecretRef.name: Required value"},
      {R"({"spec":{"volumeMode":"Tape"}})",
       "spec.volumeMode: Unsupported value: \"Tape\": supported values: \"Block\", "
       "\"Filesystem\""},
      {R"({"spec":{"csi":null,"hostPath":{"path":"/x"},"volumeAttributesClassName":"a"}})",
       "spec.csi: Required value: has to be specified when using volumeAttributesClassName"},
  };
  for (const Case& c : cases) EXPECT_EQ(Volumes().Create(c.patch), c.want) << c.patch;
}

TEST(PersistentVolumeTest, WhatAnUpdateMayChange) {
  const Case cases[] = {
      {R"({"spec":{"claimRef":{"namespace":"n","name":"c","uid":"u"}}})", ""},
      {R"({"spec":{"capacity":{"storage":"6Gi"},"persistentVolumeReclaimPolicy":"Delete"}})", ""},
      {R"({"spec":{"csi":{"controllerExpandSecretRef":{"name":"s","namespace":"n"}}}})", ""},
      {R"({"spec":{"volumeMode":"Block"}})",
       "volumeMode: Invalid value: \"Block\": field is immutable"},
      {R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[
           {"key":"topology.kubernetes.io/zone","operator":"In","values":["a"]}]}]}}}})", ""},
      {R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[
           {"key":"zone","operator":"Exists"}]}]}}}})",
       "nodeAffinity: Invalid value: {\"required\":{\"nodeSelectorTerms\":[{\"matchExpressions\":"
       "[{\"key\":\"zone\",\"operator\":\"Exists\"}]}]}}: field is immutable, except for updating "
       "from beta label to GA"},
  };
  constexpr std::string_view kZoned =
      R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[
          {"key":"failure-domain.beta.kubernetes.io/zone","operator":"In","values":["a"]}]}]}}}})";
  for (const Case& c : cases) EXPECT_EQ(Volumes().Update(c.patch, kZoned), c.want) << c.patch;
  // Not back to the deprecated key.
  constexpr std::string_view kModern =
      R"({"spec":{"nodeAffinity":{"required":{"nodeSelectorTerms":[{"matchExpressions":[
          {"key":"topology.kubernetes.io/zone","operator":"In","values":["a"]}]}]}}}})";
  EXPECT_NE(Volumes().Update(kZoned, kModern), "");
  EXPECT_EQ(Volumes().Update(R"({"spec":{"csi":{"volumeHandle":"g"}}})"),
            "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable "
            "after creation\n- csi: {\"driver\":\"d.example\",\"volumeHandle\":\"h\"}\n"
            "+ csi: {\"driver\":\"d.example\",\"volumeHandle\":\"g\"}\n");
}

TEST(PersistentVolumeTest, Iscsi) {
  const std::string portal(60, 'p');
  EXPECT_EQ(Volumes().Create(R"({"metadata":{"name":"long"},"spec":{"csi":null,"iscsi":{
                "targetPortal":")" + portal + R"(","iqn":"x","initiatorName":"y","lun":0,
                "secretRef":{}}}})"),
            "spec.iscsi.targetportal: Invalid value: \"" + portal +
            "\": Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if "
            "iscsi.initiatorName is specified.; spec.iscsi.iqn: Invalid value: \"x\": must be "
            "valid format; spec.iscsi.secretRef.name: Required value; "
            "spec.iscsi.initiatorname: Invalid value: \"y\": must be valid format");
}

TEST(PersistentVolumeTest, StatusAndSpecAreWrittenApart) {
  const std::string spec = Volumes().StoredUpdate("", R"({"status":{"phase":"Bound"}})");
  EXPECT_NE(spec.find(R"("phase":"Pending")"), std::string::npos) << spec;
  const std::string status = Volumes().StoredUpdate(
      "status", R"({"status":{"phase":"Bound"},"spec":{"storageClassName":"x"}})",
      R"({"status":{"lastPhaseTransitionTime":"2026-01-02T03:04:05Z"}})");
  EXPECT_NE(status.find(R"("phase":"Bound","lastPhaseTransitionTime":null)"), std::string::npos)
      << status;
  EXPECT_EQ(status.find("storageClassName"), std::string::npos) << status;
  // The phase stays, and so does its time, also when it is left out.
  const std::string same = Volumes().StoredUpdate(
      "status", R"({"status":{"message":"m","lastPhaseTransitionTime":null}})",
      R"({"status":{"lastPhaseTransitionTime":"2026-01-02T03:04:05Z"}})");
  EXPECT_NE(same.find(R"("lastPhaseTransitionTime":"2026-01-02T03:04:05Z")"), std::string::npos)
      << same;
}

TEST(ClaimTest, WhatAnUpdateMayChange) {
  const Case unbound[] = {
      {R"({"spec":{"volumeName":"v"}})", ""},
      {R"({"spec":{"storageClassName":"late"}})", ""},
      {R"({"spec":{"resources":{"requests":{"storage":"9Gi"}}}})",
       "spec: Forbidden: spec is immutable after creation except resources.requests and "
       "volumeAttributesClassName for bound claims\n"
       "- resources: {\"requests\":{\"storage\":\"5Gi\"}}\n"
       "+ resources: {\"requests\":{\"storage\":\"9Gi\"}}\n"},
      {R"({"spec":{"volumeMode":"Block"}})",
       "spec: Forbidden: spec is immutable after creation except resources.requests and "
       "volumeAttributesClassName for bound claims\n- volumeMode: \"Filesystem\"\n"
       "+ volumeMode: \"Block\"\n; volumeMode: Invalid value: \"Block\": field is immutable"},
  };
  for (const Case& c : unbound) EXPECT_EQ(Claims().Update(c.patch), c.want) << c.patch;
  constexpr std::string_view kBound =
      R"({"spec":{"volumeName":"v"},"status":{"phase":"Bound","capacity":{"storage":"5Gi"}}})";
  const Case bound[] = {
      {R"({"spec":{"resources":{"requests":{"storage":"9Gi"}}}})", ""},
      {R"({"spec":{"resources":{"requests":{"storage":"4Gi"}}}})",
       "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"},
      {R"({"spec":{"volumeName":"w"}})",
       "spec: Forbidden: spec is immutable after creation except resources.requests and "
       "volumeAttributesClassName for bound claims\n- volumeName: \"v\"\n+ volumeName: \"w\"\n"},
      {R"({"metadata":{"annotations":{"volume.beta.kubernetes.io/storage-class":"x"}}})",
       "metadata.annotations.volume.beta.kubernetes.io/storage-class: Invalid value: \"x\": field "
       "is immutable"},
  };
  for (const Case& c : bound) EXPECT_EQ(Claims().Update(c.patch, "{}", kBound), c.want) << c.patch;
}

TEST(ClaimTest, AttributesClasses) {
  constexpr std::string_view kPending = R"({"spec":{"volumeAttributesClassName":"gold"}})";
  constexpr std::string_view kSilver = R"({"spec":{"volumeAttributesClassName":"silver"}})";
  constexpr std::string_view kNone = R"({"spec":{"volumeAttributesClassName":null}})";
  constexpr std::string_view kEmpty = R"({"spec":{"volumeAttributesClassName":""}})";
  constexpr std::string_view kBound =
      R"({"spec":{"volumeName":"v"},"status":{"phase":"Bound","capacity":{"storage":"5Gi"}}})";
  constexpr std::string_view kApplied =
      R"({"spec":{"volumeName":"v"},"status":{"phase":"Bound","capacity":{"storage":"5Gi"},
          "currentVolumeAttributesClassName":"gold"}})";
  const struct { std::string_view patch, status, want; } cases[] = {
      {kSilver, "{}",
       "spec: Forbidden: spec is immutable after creation except resources.requests and "
       "volumeAttributesClassName for bound claims\n- volumeAttributesClassName: \"gold\"\n"
       "+ volumeAttributesClassName: \"silver\"\n"},
      {kSilver, kBound, ""},
      {kNone, kBound, ""},
      {kEmpty, kBound, ""},
      {kSilver, kApplied, ""},
      {kNone, kApplied,
       "spec.volumeAttributesClassName: Forbidden: update to nil is forbidden when "
       "status.currentVolumeAttributesClassName is not nil"},
      {kEmpty, kApplied,
       "spec.volumeAttributesClassName: Forbidden: update to empty string is forbidden when "
       "status.currentVolumeAttributesClassName is not nil"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Claims().Update(c.patch, kPending, c.status), c.want) << c.patch << c.status;
  }
}

TEST(ClaimTest, SourcesAgree) {
  const std::string both = Claims().Stored(
      R"({"spec":{"dataSource":{"kind":"PersistentVolumeClaim","name":"o"}}})");
  EXPECT_NE(both.find(R"("dataSourceRef":{"apiGroup":null,"kind":"PersistentVolumeClaim","name":"o"})"),
            std::string::npos) << both;
  const std::string newer = Claims().Stored(
      R"({"spec":{"dataSourceRef":{"apiGroup":"x.example","kind":"K","name":"o",
          "namespace":"m"}}})");
  EXPECT_EQ(newer.find(R"("dataSource":)"), std::string::npos) << newer;
  EXPECT_EQ(newer.find(R"("namespace":"m")"), std::string::npos) << newer;
  const std::string dropped = Claims().Stored(
      R"({"spec":{"dataSource":{"apiGroup":"x.example","kind":"K","name":"o"}}})");
  EXPECT_EQ(dropped.find("dataSource"), std::string::npos) << dropped;
}

TEST(ClaimTest, WhatAStatusMaySay) {
  EXPECT_EQ(Claims().UpdateStatus(R"({"status":{"phase":"Bound","capacity":{"storage":"5Gi"},
      "allocatedResources":{"storage":"5Gi"},
      "allocatedResourceStatuses":{"storage":"NodeResizePending"}}})"), "");
  EXPECT_EQ(Claims().UpdateStatus(R"({"status":{"capacity":{"storage":"-1"},
      "allocatedResources":{"cpu":"1"},"allocatedResourceStatuses":{"storage":"Growing"}}})"),
            "status.capacity[storage]: Invalid value: -1: must be a valid resource quantity; "
            "status.allocatedResourceStatuses: Unsupported value: \"storage\": supported values: "
            "\"ControllerResizeInProgress\", \"ControllerResizeInfeasible\", "
            "\"NodeResizeInProgress\", \"NodeResizeInfeasible\", \"NodeResizePending\"; "
            "status.allocatedResources: Unsupported value: \"cpu\": supported values: "
            "\"storage\"");
}

TEST(StorageClassTest, WhatIsRefused) {
  const Case cases[] = {
      {"{}", ""},
      {R"({"provisioner":"P.Example/x"})", ""},
      {R"({"provisioner":""})", "provisioner: Required value"},
      {R"({"parameters":{"":"x"}})", "parameters: Invalid value: \"\": field can not be empty."},
      {R"({"volumeBindingMode":"Never"})",
       "volumeBindingMode: Unsupported value: \"Never\": supported values: \"Immediate\", "
       "\"WaitForFirstConsumer\""},
      {R"({"allowedTopologies":[{"matchLabelExpressions":[{"key":"z","values":["a","a"]}]}]})",
       "allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: \"a\""},
      {R"({"allowedTopologies":[{"matchLabelExpressions":[{"key":"z","values":["a"]}]},
                                {"matchLabelExpressions":[{"key":"z","values":["a"]}]}]})",
       "allowedTopologies[1].matchLabelExpressions: Duplicate value: \"\""},
  };
  for (const Case& c : cases) EXPECT_EQ(Classes().Create(c.patch), c.want) << c.patch;
}

TEST(StorageClassTest, WhatAnUpdateMayChange) {
  const Case cases[] = {
      {R"({"allowVolumeExpansion":true,"mountOptions":["ro"]})", ""},
      {R"({"parameters":{"a":"c"},"provisioner":"q.example","reclaimPolicy":"Retain",
           "volumeBindingMode":"WaitForFirstConsumer"})",
       "parameters: Invalid value: {\"a\":\"c\"}: field is immutable; provisioner: Invalid value: "
       "\"q.example\": field is immutable; reclaimPolicy: Invalid value: \"Retain\": field is "
       "immutable; volumeBindingMode: Invalid value: \"WaitForFirstConsumer\": field is "
       "immutable"},
  };
  for (const Case& c : cases) EXPECT_EQ(Classes().Update(c.patch), c.want) << c.patch;
}

TEST(CsiDriverTest, DefaultsAndRules) {
  const std::string stored = Drivers().Stored("{}");
  EXPECT_NE(stored.find(R"("spec":{"attachRequired":true,"podInfoOnMount":false,)"
                        R"("volumeLifecycleModes":["Persistent"],"storageCapacity":false,)"
                        R"("fsGroupPolicy":"ReadWriteOnceWithFSType","requiresRepublish":false,)"
                        R"("seLinuxMount":false})"),
            std::string::npos) << stored;
  EXPECT_EQ(stored.find("generation"), std::string::npos) << stored;
  for (const std::string& gated :
       {Drivers().Stored(R"({"spec":{"preventPodSchedulingIfMissing":true}})"),
        Drivers().StoredUpdate("", R"({"spec":{"preventPodSchedulingIfMissing":true}})")}) {
    EXPECT_EQ(gated.find("preventPodScheduling"), std::string::npos) << gated;
  }
  const Case cases[] = {
      {R"({"spec":{"fsGroupPolicy":"Some","volumeLifecycleModes":["Forever"],
           "tokenRequests":[{"audience":"a","expirationSeconds":5},{"audience":"a"}],
           "nodeAllocatableUpdatePeriodSeconds":9}})",
       "spec.fsGroupPolicy: Unsupported value: \"Some\": supported values: \"File\", \"None\", "
       "\"ReadWriteOnceWithFSType\"; spec.tokenRequests[0].expirationSeconds: Invalid value: 5: "
       "may not specify a duration less than 10 minutes; spec.tokenRequests[1].audience: "
       "Duplicate value: \"a\"; spec.volumeLifecycleModes: Unsupported value: \"Forever\": "
       "supported values: \"Persistent\", \"Ephemeral\"; "
       "spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 9: must be greater than or equal "
       "to 10 seconds"},
  };
  for (const Case& c : cases) EXPECT_EQ(Drivers().Create(c.patch), c.want) << c.patch;
  EXPECT_EQ(Drivers().Update(R"({"spec":{"podInfoOnMount":true}})"), "");
  EXPECT_EQ(Drivers().Update(R"({"spec":{"attachRequired":false,
                                         "volumeLifecycleModes":["Ephemeral"]}})"),
            "spec.attachedRequired: Invalid value: false: field is immutable; "
            "spec.volumeLifecycleModes: Invalid value: [\"Ephemeral\"]: field is immutable");
  const std::string changed = Drivers().StoredUpdate("", R"({"spec":{"podInfoOnMount":true}})");
  EXPECT_NE(changed.find(R"("generation":1)"), std::string::npos) << changed;
}

TEST(CsiNodeTest, Rules) {
  const Case cases[] = {
      {R"({"spec":{"drivers":[{"name":"d","nodeID":"","topologyKeys":["a","a"],
                               "allocatable":{"count":-1}},{"name":"d","nodeID":"i"}]}})",
       "spec.drivers[0].nodeID: Required value; spec.drivers[0].allocatable.count: Invalid value: "
       "-1: must be greater than or equal to 0; spec.drivers[0]: Duplicate value: \"a\"; "
       "spec.drivers[1].name: Duplicate value: \"d\""},
  };
  for (const Case& c : cases) EXPECT_EQ(Nodes().Create(c.patch), c.want) << c.patch;
  const Case updates[] = {
      {R"({"spec":{"drivers":[{"name":"d.example","nodeID":"i","topologyKeys":["zone"],
                               "allocatable":{"count":4}},{"name":"e","nodeID":"j"}]}})", ""},
      {R"({"spec":{"drivers":[]}})", ""},
      {R"({"spec":{"drivers":[{"name":"d.example","nodeID":"k","topologyKeys":["zone"]}]}})",
       "spec.drivers: Invalid value: {\"name\":\"d.example\",\"nodeID\":\"k\",\"topologyKeys\":"
       "[\"zone\"]}: field is immutable"},
  };
  for (const Case& c : updates) EXPECT_EQ(Nodes().Update(c.patch), c.want) << c.patch;
}

TEST(CsiStorageCapacityTest, Rules) {
  EXPECT_EQ(Capacities().Create("{}"), "");
  EXPECT_EQ(Capacities().Create(R"({"capacity":"-1"})"),
            "capacity: Invalid value: \"-1\": must be greater than or equal to 0");
  EXPECT_EQ(Capacities().Update(R"({"capacity":"2Gi"})"), "");
  EXPECT_EQ(Capacities().Update(R"({"storageClassName":"t","nodeTopology":null})"),
            "nodeTopology: Invalid value: null: field is immutable; storageClassName: Invalid "
            "value: \"t\": field is immutable");
}

TEST(VolumeAttachmentTest, Rules) {
  const Case cases[] = {
      {"{}", ""},
      {R"({"spec":{"source":{"persistentVolumeName":null}}})",
       "spec.source: Required value: must specify exactly one of inlineVolumeSpec and "
       "persistentVolumeName"},
      {R"({"spec":{"source":{"persistentVolumeName":null,"inlineVolumeSpec":{
           "accessModes":["ReadWriteOnce"],"storageClassName":"s",
           "csi":{"driver":"d","volumeHandle":"h"}}}}})",
       "spec.source.inlineVolumeSpec.storageClassName: Forbidden: may not be specified in the "
       "context of inline volumes"},
  };
  for (const Case& c : cases) EXPECT_EQ(Attachments().Create(c.patch), c.want) << c.patch;
  EXPECT_EQ(Attachments().Update(R"({"metadata":{"labels":{"a":"b"}}})"), "");
  EXPECT_EQ(Attachments().Update(R"({"spec":{"nodeName":"m"}})"),
            "spec: Invalid value: {\"attacher\":\"d.example\",\"source\":"
            "{\"persistentVolumeName\":\"v\"},\"nodeName\":\"m\"}: field is immutable");
  EXPECT_EQ(Attachments().UpdateStatus(R"({"status":{"attached":true}})"), "");
  EXPECT_EQ(Attachments().UpdateStatus(
                R"({"status":{"attachError":{"message":"m","errorCode":-1}}})"),
            "status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, "
            "inclusive");
  const std::string kept = Attachments().StoredUpdate(
      "status", R"({"metadata":{"labels":{"a":"b"}},"status":{"attached":true}})");
  EXPECT_EQ(kept.find("labels"), std::string::npos) << kept;
  EXPECT_NE(kept.find(R"("attached":true)"), std::string::npos) << kept;
}

}  // namespace
}  // namespace berth::api
