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
#include "bench/micro/sample_pod.h"

namespace berth::api {
namespace {

using bench::kSamplePod;

core::Pod Pod() {
  core::Pod pod;
  if (!ParseJson(kSamplePod, pod).ok()) std::abort();
  return pod;
}

void BM_ParseJson(benchmark::State& state) {
  for (auto _ : state) {
    core::Pod pod;
    DecodeReport report;
    benchmark::DoNotOptimize(ParseJson(kSamplePod, pod, {}, &report));
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(kSamplePod.size()));
}
BENCHMARK(BM_ParseJson);

void BM_ParseJsonOnArena(benchmark::State& state) {
  for (auto _ : state) {
    google::protobuf::Arena arena;
    auto* pod = google::protobuf::Arena::CreateMessage<core::Pod>(&arena);
    DecodeReport report;
    benchmark::DoNotOptimize(ParseJson(kSamplePod, *pod, {}, &report));
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
