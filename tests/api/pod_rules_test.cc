// More of what a pod may not be: volumes, operating systems, profiles, status.
#include <gtest/gtest.h>

#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/core_v1_volume.pb.h"
#include "api/validation/validation.h"
#include "tests/api/pod_with.h"

namespace berth::api {
namespace {

std::string ComplaintsOf(std::string_view patch) {
  return Describe(ValidateCreate(ResourceOf<core::Pod>(), PodWith(patch)));
}

struct Case {
  std::string_view json, want;
};

void ExpectOfVolume(std::string_view source, std::string_view want) {
  SCOPED_TRACE(source);
  EXPECT_EQ(ComplaintsOf(R"({"spec":{"volumes":[{"name":"v",)" + std::string(source) + "}]}}"),
            want.empty() ? "" : "spec.volumes[0]." + std::string(want));
}

TEST(PodVolumeTest, BackEnds) {
  const Case cases[] = {
      {R"("gitRepo":{"repository":"r","directory":"/x"})",
       "gitRepo.directory: Invalid value: \"/x\": must be a relative path"},
      {R"("gcePersistentDisk":{"pdName":"","partition":256})",
       "persistentDisk.pdName: Required value; spec.volumes[0].persistentDisk.partition: Invalid "
       "value: 256: must be between 1 and 255, inclusive"},
      {R"("awsElasticBlockStore":{"volumeID":""})",
       "awsElasticBlockStore.volumeID: Required value"},
      {R"("iscsi":{"targetPortal":"p","iqn":"iqn.2001-04.com.example:d","lun":0})", ""},
      {R"("iscsi":{"targetPortal":"p","iqn":"iqn.2001-04.com.example","lun":256})",
       "iscsi.iqn: Invalid value: \"iqn.2001-04.com.example\": must be valid format; "
       "spec.volumes[0].iscsi.lun: Invalid value: 256: must be between 0 and 255, inclusive"},
      {R"("iscsi":{"targetPortal":"p","iqn":"x","lun":0})",
       "iscsi.iqn: Invalid value: \"x\": must be valid format starting with iqn, eui, or naa"},
      {R"("iscsi":{"targetPortal":"p","iqn":"eui.0123456789abcdef","lun":0,
           "chapAuthSession":true})", "iscsi.secretRef: Required value"},
      {R"("glusterfs":{"endpoints":"e","path":""})", "glusterfs.path: Required value"},
      {R"("flocker":{})",
       "flocker: Required value: one of datasetName and datasetUUID is required"},
      {R"("rbd":{"image":"i"})", "rbd.monitors: Required value"},
      {R"("cinder":{"volumeID":"v","secretRef":{}})", "cinder.secretRef.name: Required value"},
      {R"("cephfs":{})", "cephfs.monitors: Required value"},
      {R"("quobyte":{"registry":"host","volume":"v"})",
       "quobyte.registry: Invalid value: \"host\": must be a host:port pair or multiple pairs "
       "separated by commas"},
      {R"("quobyte":{"registry":"host:1,[::1]:2","volume":"v"})", ""},
      {R"("fc":{})",
       "fc.targetWWNs: Required value: must specify either targetWWNs or wwids, but not both"},
      {R"("fc":{"targetWWNs":["a"]})",
       "fc.lun: Required value: lun is required if targetWWNs is specified"},
      {R"("flexVolume":{"driver":"d","options":{"X.k8s.io/a":"b"}})",
       "flexVolume.options[X.k8s.io/a]: Invalid value: \"X.k8s.io/a\": kubernetes.io and k8s.io "
       "namespaces are reserved"},
      {R"("azureFile":{"secretName":"s"})", "azureFile.shareName: Required value"},
      {R"("azureDisk":{"diskName":"d","diskURI":"u","kind":"Managed"})",
       "azureDisk.diskURI: Unsupported value: \"u\": supported values: \"/subscriptions/{sub-id}"
       "/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}\""},
      {R"("vsphereVolume":{})", "vsphereVolume.volumePath: Required value"},
      {R"("photonPersistentDisk":{})", "photonPersistentDisk.pdID: Required value"},
      {R"("portworxVolume":{})", "portworxVolume.volumeID: Required value"},
      {R"("storageos":{"volumeName":"A"})",
       "storageos.volumeName: Invalid value: \"A\": a lowercase RFC 1123 label must consist of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {R"("scaleIO":{"gateway":"g","system":"s"})", "scaleIO.volumeName: Required value"},
  };
  for (const Case& c : cases) ExpectOfVolume(c.json, c.want);
}

TEST(PodVolumeTest, Sources) {
  const Case cases[] = {
      {R"("projected":{"sources":[{}]})", ""},
      {R"("projected":{"sources":[{"downwardAPI":{"items":[
           {"path":"a","fieldRef":{"fieldPath":"metadata.name"}},
           {"path":"a","fieldRef":{"fieldPath":"metadata.uid"}}]}}]})",
       "projected: Invalid value: \"a\": conflicting duplicate paths"},
      {R"("projected":{"sources":[{"configMap":{"name":"m"},"secret":{"name":"s"}}]})",
       "projected.sources[0]: Forbidden: may not specify more than 1 volume type per source"},
      {R"("csi":{"driver":"d","nodePublishSecretRef":{}})",
       "csi.nodePublishSecretRef.name: Required value"},
      {R"("ephemeral":{"volumeClaimTemplate":{"metadata":{"name":"x"},"spec":{
           "accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1"}}}}})",
       "ephemeral.volumeClaimTemplate.metadata.name: Forbidden: cannot be set"},
      {R"("ephemeral":{"volumeClaimTemplate":{"spec":{
           "accessModes":["ReadWriteOnce","ReadWriteOncePod"],
           "resources":{"requests":{"storage":"0"}}}}})",
       "ephemeral.volumeClaimTemplate.spec.accessModes: Forbidden: may not use ReadWriteOncePod "
       "with other access modes; spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources"
       "[storage]: Invalid value: \"0\": must be greater than zero"},
      {R"("ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],
           "volumeMode":"File","dataSource":{"kind":"X","name":"a"},
           "resources":{"requests":{"storage":"1"}}}}})",
       "ephemeral.volumeClaimTemplate.spec.volumeMode: Unsupported value: \"File\": supported "
       "values: \"Block\", \"Filesystem\"; spec.volumes[0].ephemeral.volumeClaimTemplate.spec."
       "dataSource: Invalid value: \"X\": must be 'PersistentVolumeClaim' when referencing the "
       "default apiGroup"},
  };
  for (const Case& c : cases) ExpectOfVolume(c.json, c.want);
}

TEST(PodVolumeTest, ClaimsThatThePodMakesAreNotNamed) {
  EXPECT_EQ(ComplaintsOf(R"({"spec":{"volumes":[
      {"name":"e","ephemeral":{"volumeClaimTemplate":{"spec":{"accessModes":["ReadWriteOnce"],
       "resources":{"requests":{"storage":"1"}}}}}},
      {"name":"v","persistentVolumeClaim":{"claimName":"p-e"}}]}})"),
            "spec.volumes[1].persistentVolumeClaim.claimName: Invalid value: \"p-e\": must not "
            "reference a PVC that gets created for an ephemeral volume");
}

TEST(PodSpecTest, WhatIsRefused) {
  const Case cases[] = {
      {R"({"spec":{"hostnameOverride":"a.b","hostNetwork":true}})",
       "spec.hostnameOverride: Forbidden: may not be specified when hostNetwork is true"},
      {R"({"spec":{"hostUsers":false,"hostPID":true}})",
       "spec.HostPID: Forbidden: when `hostUsers` is false"},
      {R"({"spec":{"tolerations":[{"key":"a","operator":"Gt","value":"1"}]}})",
       "spec.tolerations[0].operator: Unsupported value: \"Gt\": supported values: \"Equal\", "
       "\"Exists\", \"Lt\", \"Gt\""},
      {R"({"spec":{"dnsConfig":{"nameservers":["10.0.0.01"]}}})",
       "spec.dnsConfig.nameservers[0]: Invalid value: \"10.0.0.01\": must not have leading 0s"},
      {R"({"metadata":{"labels":{"k":"l"}},"spec":{"topologySpreadConstraints":[{"maxSkew":1,
           "topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","matchLabelKeys":["k"],
           "labelSelector":{"matchLabels":{"k":"l"}}}]}})",
       "spec.topologySpreadConstraints[0][0]: Invalid value: \"k\": exists in both "
       "matchLabelKeys and labelSelector"},
      {R"({"spec":{"resources":{"claims":[{"name":"x"}]},"resourceClaims":[{"name":"x",
           "resourceClaimName":"y"}]}})",
       "spec.resources.claims: Forbidden: claims may not be set for Resources at pod-level"},
      {R"({"spec":{"os":{"name":"windows"},"resources":{"requests":{"cpu":"1"}}}})",
       "spec.resources: Forbidden: may not be set for a windows pod"},
      {R"({"spec":{"containers":[{"name":"c","image":"i","env":[{"name":"A","valueFrom":{
           "fileKeyRef":{"key":"k","path":"f","volumeName":"v"}}}]}],
           "volumes":[{"name":"v","hostPath":{"path":"/x"}}]}})",
       "spec.containers[0].env[0].valueFrom.fileKeyRef.volumeName: Invalid value: \"v\": "
       "referenced volume must be of type emptyDir"},
      {R"({"spec":{"containers":[{"name":"c","image":"i","restartPolicy":"Never",
           "restartPolicyRules":[{"action":"","exitCodes":{"operator":"In"}}]}]}})",
       "spec.containers[0].restartPolicyRules[0].action: Unsupported value: \"\": supported "
       "values: \"Restart\", \"RestartAllContainers\""},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    EXPECT_EQ(ComplaintsOf(c.json), c.want);
  }
}

TEST(PodSpecTest, ValuesAreShownAsInternalOnes) {
  const Case cases[] = {
      {R"({"spec":{"resourceClaims":[{"name":"a"}]}})",
       "spec.resourceClaims[0]: Invalid value: {\"Name\":\"a\",\"ResourceClaimName\":null,"
       "\"ResourceClaimTemplateName\":null}: must specify one of: `resourceClaimName`, "
       "`resourceClaimTemplateName`"},
      {R"({"spec":{"securityContext":{"seccompProfile":{"type":"Unconfined",
           "localhostProfile":"x"}}}})",
       "spec.securityContext.seccompProfile.localhostProfile: Invalid value: {\"Type\":"
       "\"Unconfined\",\"LocalhostProfile\":\"x\"}: can only be set when seccomp type is "
       "Localhost"},
      {R"({"spec":{"containers":[{"name":"c","image":"i","securityContext":{"privileged":true,
           "allowPrivilegeEscalation":false}}]}})",
       "spec.containers[0].securityContext: Invalid value: {\"Capabilities\":null,"
       "\"Privileged\":true,\"SELinuxOptions\":null,\"WindowsOptions\":null,\"RunAsUser\":null,"
       "\"RunAsGroup\":null,\"RunAsNonRoot\":null,\"ReadOnlyRootFilesystem\":null,"
       "\"AllowPrivilegeEscalation\":false,\"ProcMount\":null,\"SeccompProfile\":null,"
       "\"AppArmorProfile\":null}: cannot set `allowPrivilegeEscalation` to false and "
       "`privileged` to true"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    EXPECT_EQ(ComplaintsOf(c.json), c.want);
  }
}

TEST(PodSpecTest, OperatingSystems) {
  const Case cases[] = {
      {R"({"spec":{"os":{"name":"windows"},"hostPID":true,
           "securityContext":{"fsGroup":1,"seLinuxOptions":{}}}})",
       "spec.securityContext.seLinuxOptions: Forbidden: cannot be set for a windows pod; "
       "spec.hostPID: Forbidden: cannot be set for a windows pod; spec.securityContext.fsGroup: "
       "Forbidden: cannot be set for a windows pod"},
      {R"({"spec":{"os":{"name":"linux"},"securityContext":{"windowsOptions":{}}}})",
       "spec.securityContext.windowsOptions: Forbidden: windows options cannot be set for a "
       "linux pod"},
      {R"({"spec":{"securityContext":{"windowsOptions":{"hostProcess":true}}}})",
       "spec.hostNetwork: Invalid value: false: hostNetwork must be true if pod contains any "
       "hostProcess containers"},
      {R"({"spec":{"securityContext":{"windowsOptions":{"runAsUserName":"a\\b\\c"}}}})",
       "spec.securityContext.windowsOptions.runAsUserName: Invalid value: \"a\\\\b\\\\c\": "
       "runAsUserName cannot contain more than one backslash"},
      {R"({"spec":{"securityContext":{"windowsOptions":{"runAsUserName":"a.b-c\\User 1"}}}})",
       ""},
      {R"({"spec":{"securityContext":{"windowsOptions":{"gmsaCredentialSpec":""}}}})",
       "spec.securityContext.windowsOptions.gmsaCredentialSpec: Invalid value: \"\": "
       "gmsaCredentialSpec cannot be an empty string"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    EXPECT_EQ(ComplaintsOf(c.json), c.want);
  }
}

TEST(PodSpecTest, AnnotationsAndProfilesAgree) {
  const Case cases[] = {
      {R"({"metadata":{"annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined"}},
           "spec":{"securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}})",
       "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field "
       "must match"},
      {R"({"metadata":{"annotations":{
           "container.apparmor.security.beta.kubernetes.io/c":"localhost/a"}},
           "spec":{"containers":[{"name":"c","image":"i","securityContext":{"appArmorProfile":{
           "type":"Localhost","localhostProfile":"b"}}}]}})",
       "spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: apparmor "
       "profile in annotation and field must match"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    EXPECT_EQ(ComplaintsOf(c.json), c.want);
  }
}

TEST(PodResizeTest, WhatIsRefused) {
  const std::string from = R"({"spec":{"containers":[{"name":"c","image":"i",
      "resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}})";
  const Case cases[] = {
      {R"({"spec":{"containers":[{"name":"c","image":"i",
           "resources":{"requests":{"cpu":"2","memory":"1Gi"}}}]}})", ""},
      {R"({"spec":{"containers":[{"name":"c","image":"i",
           "resources":{"requests":{"cpu":"2"}}}]}})",
       "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed"},
      {R"({"spec":{"containers":[{"name":"d","image":"i",
           "resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}})",
       "spec.containers[0].name: Forbidden: containers may not be renamed or reordered on "
       "resize"},
      {R"({"spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"i",
           "resources":{"requests":{"cpu":"1"}}}]}})",
       "spec.containers: Forbidden: containers may not be added or removed on resize"},
      {R"({"spec":{"containers":[{"name":"c","image":"other",
           "resources":{"requests":{"cpu":"1","memory":"1Gi"}}}]}})",
       "spec: Forbidden: only cpu and memory resources are mutable"},
      {R"({"spec":{"containers":[{"name":"c","image":"i",
           "resources":{"requests":{"cpu":"1","memory":"1Gi"}},
           "resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}]}]}})",
       "spec: Forbidden: only cpu and memory resources are mutable"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.json);
    core::Pod old = PodWith(from), pod = PodWith(c.json);
    old.mutable_metadata()->set_resource_version("1");
    pod.mutable_metadata()->set_resource_version("1");
    EXPECT_EQ(Describe(ValidateSubresourceUpdate(ResourceOf<core::Pod>(), "resize", pod, old)),
              c.want);
  }
}

TEST(PodResizeTest, TheNodeMustReportResources) {
  core::Pod old = PodWith("{}");
  old.mutable_metadata()->set_resource_version("1");
  const auto resize = [&] {
    return Describe(ValidateSubresourceUpdate(ResourceOf<core::Pod>(), "resize", old, old));
  };
  auto& status = *old.mutable_status()->add_container_statuses();
  status.set_name("c");
  EXPECT_EQ(resize(), "");  // nobody can tell
  status.mutable_state()->mutable_running();
  EXPECT_EQ(resize(), "spec: Forbidden: Pod running on node without support for resize");
  status.mutable_resources();
  EXPECT_EQ(resize(), "");
}

TEST(PodResizeTest, InitContainersAndPods) {
  const auto pod_of = [](std::string_view init, std::string_view resources) {
    core::Pod pod = PodWith(std::string(R"({"spec":{"initContainers":[{"name":"i","image":"i",)") +
                            R"("resources":{"requests":{"cpu":"1"}})" + std::string(init) +
                            R"(}],"resources":{"requests":)" + std::string(resources) + "}}}");
    pod.mutable_metadata()->set_resource_version("1");
    return pod;
  };
  const struct { std::string_view init, resources, want; } cases[] = {
      {"", R"({"cpu":"3","memory":"1Gi"})", ""},
      {"", R"({"cpu":"3"})",
       "spec.resources.requests: Forbidden: pod-level resource requests cannot be removed"},
      {R"(,"stdin":true)", R"({"cpu":"2","memory":"1Gi"})",
       "spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar "
       "containers are mutable"},
      {R"(,"resizePolicy":[{"resourceName":"cpu","restartPolicy":"RestartContainer"}])",
       R"({"cpu":"2","memory":"1Gi"})",
       "spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: "
       "\"RestartContainer\": must not be set to 'RestartContainer' for non-sidecar "
       "initContainers; spec.initContainers[0]: Forbidden: only cpu and memory resources for init "
       "or sidecar containers are mutable; spec.initContainers[0]: Forbidden: non-sidecar init "
       "containers with a resize policy of RestartContainer cannot be resized"},
  };
  const core::Pod old = pod_of("", R"({"cpu":"2","memory":"1Gi"})");
  for (const auto& c : cases) {
    SCOPED_TRACE(c.want);
    EXPECT_EQ(Describe(ValidateSubresourceUpdate(ResourceOf<core::Pod>(), "resize",
                                                 pod_of(c.init, c.resources), old)),
              c.want);
  }
}

TEST(PodPrepareTest, AppArmorAnnotationsBecomeFields) {
  const std::string key = "container.apparmor.security.beta.kubernetes.io/c";
  const struct { std::string_view annotation, spec, want; } cases[] = {
      {"unconfined", "{}", "Unconfined "},
      {"runtime/default", "{}", "RuntimeDefault "},
      {"localhost/a/b", "{}", "Localhost a/b"},
      {"localhost/", "{}", " "},
      {"localhost/ a", "{}", " "},
      {"unknown", "{}", " "},
      {"unconfined", R"({"os":{"name":"windows"}})", " "},
      {"unconfined", R"({"securityContext":{"appArmorProfile":{"type":"Unconfined"}}})", " "},
      {"unconfined", R"({"securityContext":{"appArmorProfile":{"type":"RuntimeDefault"}}})",
       "Unconfined "},
  };
  for (const auto& c : cases) {
    const core::Pod pod = PodWith(R"({"metadata":{"annotations":{")" + key + R"(":")" +
                                  std::string(c.annotation) + R"("}},"spec":)" +
                                  std::string(c.spec) + "}");
    const auto& profile = pod.spec().containers(0).security_context().app_armor_profile();
    EXPECT_EQ(profile.type() + " " + profile.localhost_profile(), c.want) << c.annotation;
  }
}

TEST(PodPrepareTest, FieldsBehindGatesThatAreOffAreDropped) {
  const core::Pod pod = PodWith(R"({"spec":{"containers":[
      {"name":"c","image":"i","lifecycle":{"stopSignal":"SIGUSR1"}}],"volumes":[{"name":"v",
      "projected":{"sources":[{"podCertificate":{"signerName":"a/b"}},
                              {"clusterTrustBundle":{"path":"x"}}]}}]}})");
  EXPECT_FALSE(pod.spec().containers(0).has_lifecycle());
  const auto& sources = pod.spec().volumes(0).volume_source().projected().sources();
  ASSERT_EQ(sources.size(), 2);
  EXPECT_FALSE(sources[0].has_pod_certificate());
  EXPECT_FALSE(sources[1].has_cluster_trust_bundle());
}

TEST(PodTemplateTest, SeccompAnnotationsAgreeWithFields) {
  apps::ReplicaSet set;
  ASSERT_TRUE(ParseJson(R"({"metadata":{"name":"r","namespace":"n"},"spec":{
      "selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"},
      "annotations":{"seccomp.security.alpha.kubernetes.io/pod":"unconfined"}},
      "spec":{"containers":[{"name":"c","image":"i"}],
      "securityContext":{"seccompProfile":{"type":"RuntimeDefault"}}}}}})", set).ok());
  ApplyDefaults(ResourceOf<apps::ReplicaSet>(), set);
  PrepareForCreate(ResourceOf<apps::ReplicaSet>(), set);
  EXPECT_EQ(Describe(ValidateCreate(ResourceOf<apps::ReplicaSet>(), set)),
            "spec.template.spec.securityContext.seccompProfile.type: Forbidden: seccomp type in "
            "annotation and field must match");
}

// The pod's spec, its old and new status, and what is said of the update.
TEST(PodStatusTest, Updates) {
  const struct { std::string_view spec, from, to, want; } cases[] = {
      {"{}", "{}", R"({"conditions":[{"type":"a b","observedGeneration":-1}]})",
       "status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative "
       "integer; status.conditions[0].Type: Invalid value"},
      {R"({"spec":{"nodeName":"n1"}})", "{}", R"({"nominatedNodeName":"n2"})",
       "status.nominatedNodeName: Forbidden: may not be set on pods that are already bound to a "
       "node"},
      {"{}", "{}", R"({"nominatedNodeName":"n2"})", ""},
      {"{}", "{}", R"({"podIPs":[{"ip":"10.0.0.1"},{"ip":"10.0.0.1"}]})",
       "status.podIPs: Invalid value: [{\"IP\":\"10.0.0.1\"},{\"IP\":\"10.0.0.1\"}]: may specify "
       "no more than one IP for each IP family"},
      {"{}", "{}", R"({"podIPs":[{"ip":"10.0.0.1"},{"ip":"x"}]})",
       "status.podIPs[1]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or "
       "2001:db8::ffff); status.podIPs: Internal error: failed to check for dual stack with "
       "error:invalid IP[1]: x; status.podIPs: Invalid value: "
       "[{\"IP\":\"10.0.0.1\"},{\"IP\":\"x\"}]: may specify no more than one IP for each IP "
       "family"},
      {"{}", R"({"podIPs":[{"ip":"10.0.0.01"}]})", R"({"podIPs":[{"ip":"10.0.0.01"}]})", ""},
      {"{}", "{}", R"({"hostIP":"10.0.0.1","hostIPs":[{"ip":"10.0.0.2"}]})",
       "status.hostIPs[0].ip: Invalid value: \"10.0.0.2\": must be equal to `hostIP`"},
      {R"({"spec":{"containers":[{"name":"c","image":"i","restartPolicy":"Never",
           "restartPolicyRules":[{"action":"Restart",
           "exitCodes":{"operator":"In","values":[7]}}]}]}})",
       R"({"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":7}}}]})",
       R"({"containerStatuses":[{"name":"c"}]})", ""},
      {R"({"spec":{"containers":[{"name":"c","image":"i","restartPolicy":"Never",
           "restartPolicyRules":[{"action":"Restart",
           "exitCodes":{"operator":"In","values":[7]}}]}]}})",
       R"({"containerStatuses":[{"name":"c","state":{"terminated":{"exitCode":8}}}]})",
       R"({"containerStatuses":[{"name":"c"}]})",
       "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated "
       "state"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.to);
    core::Pod old = PodWith(c.spec);
    old.mutable_metadata()->set_resource_version("1");
    core::Pod pod = old;
    ASSERT_TRUE(ParseJson(c.from, *old.mutable_status()).ok());
    ASSERT_TRUE(ParseJson(c.to, *pod.mutable_status()).ok());
    const std::string got =
        Describe(ValidateStatusUpdate(ResourceOf<core::Pod>(), pod, old));
    EXPECT_EQ(got.substr(0, c.want.size()), c.want) << got;
    EXPECT_EQ(got.empty(), c.want.empty()) << got;
  }
}

TEST(PodStatusTest, OneIpAndTheListAgree) {
  const struct { std::string_view json, ip, first; } cases[] = {
      {R"({"podIP":"1.1.1.1"})", "1.1.1.1", "1.1.1.1"},
      {R"({"podIPs":[{"ip":"2.2.2.2"}]})", "2.2.2.2", "2.2.2.2"},
      {R"({"podIP":"1.1.1.1","podIPs":[{"ip":"2.2.2.2"}]})", "1.1.1.1", "1.1.1.1"},
  };
  for (const auto& c : cases) {
    core::Pod pod = PodWith("{}");
    ASSERT_TRUE(ParseJson(c.json, *pod.mutable_status()).ok());
    ApplyDefaults(ResourceOf<core::Pod>(), pod);
    EXPECT_EQ(pod.status().pod_ip(), c.ip);
    ASSERT_EQ(pod.status().pod_ips_size(), 1);
    EXPECT_EQ(pod.status().pod_ips(0).ip(), c.first);
  }
}

}  // namespace
}  // namespace berth::api
