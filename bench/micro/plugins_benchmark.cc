// One call of a plugin on one node: what Filter and Score of each cost, one by one and in batches.
// 5,000 nodes are walked, so that caches see what they would see in a cycle.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "framework/plugin.h"
#include "plugins/registry.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth {
namespace {

using framework::testing::MakeNode;
using framework::testing::MakePod;

constexpr int kNodes = 5000;

struct Setting {
  Setting() {
    std::vector<framework::NodeInfo> nodes;
    for (int i = 0; i < kNodes; ++i) {
      MakeNode node("node-" + std::to_string(i));
      node.Capacity("32", "64Gi").Label("zone", "z" + std::to_string(i % 3)).Label("disk", "ssd");
      node.Image("registry.local/app:v1", 300 << 20);
      if (i % 10 == 0) node.Taint("soft=1:PreferNoSchedule");
      nodes.push_back(node.Info({MakePod("q").Req("500m", "1Gi").Info()}));
      indices.push_back(i);
    }
    auto made = std::make_unique<plugins::testing::FixedSnapshot>(nodes);
    snapshot = std::move(made);
    handle.other_snapshot = snapshot.get();
    pod = MakePod("p")
              .Req("100m", "500Mi")
              .Image("registry.local/app:v1")
              .Toleration("node.kubernetes.io/not-ready", "", "NoExecute", "Exists")
              .RequiredNodeAffinity("zone", "In", {"z0", "z1"})
              .PreferredNodeAffinity(5, "disk", "In", {"ssd"})
              .HostPort(8080)
              .Info();
  }
  std::vector<framework::NodeIndex> indices;
  std::unique_ptr<framework::Snapshot> snapshot;
  plugins::testing::FakeHandle handle;
  framework::PodPtr pod;
};

Setting& TheSetting() {
  static Setting* const setting = new Setting;
  return *setting;
}

template <typename P>
void EachNode(benchmark::State& state, const std::string& name, const P& call) {
  Setting& setting = TheSetting();
  auto plugin = plugins::testing::NewPlugin(name, setting.handle);
  size_t n = 0;
  for (auto _ : state) {
    call(*plugin, *setting.pod, *setting.snapshot->nodes()[n]);
    n = n + 1 == kNodes ? 0 : n + 1;
  }
}

void RunFilter(benchmark::State& state, const std::string& name) {
  const framework::CycleState cycle;
  EachNode(state, name, [&](framework::Plugin& plugin, const auto& pod, const auto& node) {
    benchmark::DoNotOptimize(
        dynamic_cast<framework::FilterPlugin&>(plugin).Filter(cycle, pod, node));
  });
}

void RunScore(benchmark::State& state, const std::string& name) {
  const framework::CycleState cycle;
  EachNode(state, name, [&](framework::Plugin& plugin, const auto& pod, const auto& node) {
    benchmark::DoNotOptimize(
        dynamic_cast<framework::ScorePlugin&>(plugin).Score(cycle, pod, node).score);
  });
}

void RunBatch(benchmark::State& state, const std::string& name) {
  Setting& setting = TheSetting();
  auto plugin = plugins::testing::NewPlugin(name, setting.handle);
  std::vector<uint8_t> passes(kNodes);
  std::vector<int64_t> scores(kNodes);
  const framework::CycleState cycle;
  const auto& columns = setting.snapshot->columns();
  for (auto _ : state) {
    if (auto* filter = dynamic_cast<framework::FilterPlugin*>(plugin.get())) {
      filter->FilterBatch(cycle, *setting.pod, columns, setting.indices, passes);
    }
    if (auto* score = dynamic_cast<framework::ScorePlugin*>(plugin.get())) {
      score->ScoreBatch(cycle, *setting.pod, columns, setting.indices, scores);
    }
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * kNodes);
}

const int kRegistered = [] {
  for (const char* name : {"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity",
                           "NodePorts", "NodeResourcesFit"}) {
    benchmark::RegisterBenchmark((std::string("Filter/") + name).c_str(), RunFilter, name);
  }
  for (const char* name : {"TaintToleration", "NodeAffinity", "NodeResourcesFit",
                           "NodeResourcesBalancedAllocation", "ImageLocality"}) {
    benchmark::RegisterBenchmark((std::string("Score/") + name).c_str(), RunScore, name);
  }
  for (const char* name :
       {"NodeUnschedulable", "NodeResourcesFit", "NodeResourcesBalancedAllocation"}) {
    benchmark::RegisterBenchmark((std::string("Batch5000/") + name).c_str(), RunBatch, name);
  }
  return 0;
}();

}  // namespace
}  // namespace berth

BENCHMARK_MAIN();
