// What the micro-benchmarks are about.
#pragma once

#include <string_view>

namespace berth::bench {

// A running pod as a server returns it: 2 KB of JSON.
inline constexpr std::string_view kSamplePod =
    R"({"kind":"Pod","apiVersion":"v1","metadata":{)"
    R"("name":"web-7c5ddbdf54-x2x9k","generateName":"web-7c5ddbdf54-","namespace":"shop",)"
    R"("uid":"0f6f2f4e-53a3-4a0c-9d3f-3f1c8f1f7f10","resourceVersion":"5123","generation":1,)"
    R"("creationTimestamp":"2026-02-03T10:11:12Z","labels":{"app":"web","tier":"front",)"
    R"("pod-template-hash":"7c5ddbdf54"},"ownerReferences":[{"apiVersion":"apps/v1",)"
    R"("kind":"ReplicaSet","name":"web-7c5ddbdf54","uid":"9c1b2f4e-1111-4a0c-9d3f-3f1c8f1f7f10",)"
    R"("controller":true,"blockOwnerDeletion":true}]},"spec":{"volumes":[{"name":"tmp",)"
    R"("emptyDir":{}},{"name":"config","configMap":{"name":"web","defaultMode":420}}],)"
    R"("containers":[{"name":"web","image":"registry.local/web:v1","args":["--port=8080"],)"
    R"("ports":[{"name":"http","containerPort":8080,"protocol":"TCP"}],"env":[{"name":"NODE",)"
    R"("valueFrom":{"fieldRef":{"apiVersion":"v1","fieldPath":"spec.nodeName"}}}],"resources":{)"
    R"("limits":{"cpu":"1","memory":"512Mi"},"requests":{"cpu":"250m","memory":"256Mi"}},)"
    R"("volumeMounts":[{"name":"tmp","mountPath":"/tmp"},{"name":"config","readOnly":true,)"
    R"("mountPath":"/etc/web"}],"terminationMessagePath":"/dev/termination-log",)"
    R"("terminationMessagePolicy":"File","imagePullPolicy":"IfNotPresent"}],)"
    R"("restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",)"
    R"("serviceAccountName":"default","serviceAccount":"default","nodeName":"node-3",)"
    R"("securityContext":{},"schedulerName":"default-scheduler","tolerations":[{)"
    R"("key":"node.kubernetes.io/not-ready","operator":"Exists","effect":"NoExecute",)"
    R"("tolerationSeconds":300}],"priority":0,"enableServiceLinks":true,)"
    R"("preemptionPolicy":"PreemptLowerPriority"},"status":{"phase":"Running","conditions":[{)"
    R"("type":"PodScheduled","status":"True","lastProbeTime":null,)"
    R"("lastTransitionTime":"2026-02-03T10:11:12Z"}],"hostIP":"10.0.0.3","podIP":"10.20.3.7",)"
    R"("podIPs":[{"ip":"10.20.3.7"}],"startTime":"2026-02-03T10:11:12Z","containerStatuses":[{)"
    R"("name":"web","state":{"running":{"startedAt":"2026-02-03T10:11:14Z"}},"lastState":{},)"
    R"("ready":true,"restartCount":0,"image":"registry.local/web:v1","imageID":"sha256:0123",)"
    R"("containerID":"containerd://4567","started":true}],"qosClass":"Burstable"}})";

}  // namespace berth::bench
