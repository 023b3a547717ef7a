// Cost of one object through the codec: JSON both ways, the protobuf envelope both ways.
// Arithmetic first: a 2 KB pod has about 90 values in 30 messages; reading costs an allocation or
// two for each (20 ns) and 10 ns of reflection, 5 us in all; printing needs no allocation, 4 us.
#include <string>

#include <benchmark/benchmark.h>
#include <google/protobuf/arena.h>

#include "api/envelope.h"
#include "api/json.h"
#include "api/quantity.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::api {
namespace {

// A running pod as a server returns it: 2 KB of JSON.
constexpr std::string_view kPod =
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

core::Pod Pod() {
  core::Pod pod;
  if (!ParseJson(kPod, pod).ok()) std::abort();
  return pod;
}

void BM_ParseJson(benchmark::State& state) {
  for (auto _ : state) {
    core::Pod pod;
    DecodeReport report;
    benchmark::DoNotOptimize(ParseJson(kPod, pod, {}, &report));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kPod.size()));
}
BENCHMARK(BM_ParseJson);

void BM_ParseJsonOnArena(benchmark::State& state) {
  for (auto _ : state) {
    google::protobuf::Arena arena;
    auto* pod = google::protobuf::Arena::CreateMessage<core::Pod>(&arena);
    DecodeReport report;
    benchmark::DoNotOptimize(ParseJson(kPod, *pod, {}, &report));
  }
}
BENCHMARK(BM_ParseJsonOnArena);

void BM_PrintJson(benchmark::State& state) {
  const core::Pod pod = Pod();
  std::string out;
  for (auto _ : state) {
    out.clear();
    PrintJson(pod, out, {"v1", "Pod"});
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(out.size()));
}
BENCHMARK(BM_PrintJson);

void BM_EncodeEnvelope(benchmark::State& state) {
  const core::Pod pod = Pod();
  const MapOrder order = state.range(0) != 0 ? MapOrder::kByKey : MapOrder::kAny;
  std::string out;
  for (auto _ : state) {
    out.clear();
    AppendEnvelope(pod, "v1", "Pod", order, out);
    benchmark::DoNotOptimize(out.data());
  }
}
BENCHMARK(BM_EncodeEnvelope)->Arg(0)->Arg(1);

void BM_DecodeEnvelope(benchmark::State& state) {
  std::string bytes;
  AppendEnvelope(Pod(), "v1", "Pod", MapOrder::kAny, bytes);
  for (auto _ : state) {
    core::Pod pod;
    benchmark::DoNotOptimize(DecodeEnvelope(bytes, pod));
  }
}
BENCHMARK(BM_DecodeEnvelope);

void BM_CanonicalQuantity(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(CanonicalQuantityText("250m"));
}
BENCHMARK(BM_CanonicalQuantity);

void BM_ParseQuantity(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(Quantity::Parse("512Mi"));
}
BENCHMARK(BM_ParseQuantity);

}  // namespace
}  // namespace berth::api

BENCHMARK_MAIN();
