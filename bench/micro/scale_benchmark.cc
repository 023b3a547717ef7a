// How the engine's costs grow with the cluster: memory of a node and of a pod, start-up on a full
// cluster, CPU of one more pod. The engine alone, in memory; each size in a process of its own.
//
//   berth_scale_bench --nodes 1000,5000,20000,100000 --svg scale.svg
//
// Pods are as a server returns them, 2 KB of JSON each; ten of a hundred templates on every node.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/thread_executor.h"
#include "bench/environment.h"
#include "bench/micro/sample_pod.h"
#include "framework/cycle/scheduler_engine.h"
#include "framework/memory_world.h"
#include "plugins/registry.h"

namespace berth::bench {
namespace {

using api::core::Node;
using api::core::Pod;

constexpr int kTemplates = 100;
constexpr int kPodsPerNodeMax = 110;

struct Options {
  std::vector<int> nodes = {1'000, 5'000, 20'000, 100'000};
  int pods_per_node = 10;
  int pods = 20'000;  // that are scheduled then
  std::string svg;
};

// What one size costs.
struct Row {
  int nodes = 0;
  int64_t pods = 0;           // that run
  double objects_mb = 0;      // the API's objects, as an informer holds them
  double engine_mb = 0;       // what the engine keeps beside them
  double startup_s = 0;       // from Start to the first decision
  double us_per_pod = 0;      // CPU of the engine's thread, the world's part included
  double per_second = 0;
};

// Of this process, from the kernel.
double ResidentMb() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0, resident = 0;
  statm >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE)) / (1 << 20);
}

std::string NameOf(int node) { return fmt::format("node-{}", node); }

std::shared_ptr<const Node> NewNode(int number) {
  auto node = std::make_shared<Node>();
  auto& metadata = *node->mutable_metadata();
  metadata.set_name(NameOf(number));
  metadata.set_uid(fmt::format("uid-{}", number));
  auto& labels = *metadata.mutable_labels();
  labels["kubernetes.io/hostname"] = NameOf(number);
  labels["topology.kubernetes.io/zone"] = fmt::format("zone-{}", number % 3);
  auto& status = *node->mutable_status();
  for (auto* amounts : {status.mutable_capacity(), status.mutable_allocatable()}) {
    (*amounts)["cpu"].set_string("32");
    (*amounts)["memory"].set_string("128Gi");
    (*amounts)["pods"].set_string(std::to_string(kPodsPerNodeMax));
  }
  return node;
}

// Threads: Main's own; everything of the engine on its executor.
class Cluster {
 public:
  explicit Cluster(const Options& options, int nodes) : options_(options) {
    row_.nodes = nodes;
    BERTH_CHECK(api::ParseJson(kSamplePod, sample_).ok());
    sample_.mutable_spec()->clear_node_name();
    sample_.clear_status();
  }
  ~Cluster() {
    executor_.Run([&] { engine_.reset(); });
    executor_.Stop();
  }

  Row Measure() {
    const double empty = ResidentMb();
    executor_.Run([&] { Fill(); });
    const double filled = ResidentMb();
    row_.objects_mb = filled - empty;
    world_.on_bound = [this](const Pod&, std::string_view) { ++bound_; };
    const absl::Time began = RealClock::Get().Now();
    executor_.Run([&] {
      Start();
      PutPod("first", 0, {});
    });
    Await(1);
    row_.startup_s = absl::ToDoubleSeconds(RealClock::Get().Now() - began);
    row_.engine_mb = ResidentMb() - filled;
    Schedule();
    return row_;
  }

 private:
  void PutPod(const std::string& name, int number, const std::string& node) {
    auto pod = std::make_shared<Pod>(sample_);
    auto& metadata = *pod->mutable_metadata();
    metadata.set_name(name);
    metadata.set_uid("uid-" + name);
    (*metadata.mutable_labels())["app"] = fmt::format("app-{}", number % kTemplates);
    if (!node.empty()) pod->mutable_spec()->set_node_name(node);
    world_.Put(api::ResourceOf<Pod>(), std::move(pod));
  }

  void Fill() {
    for (int n = 0; n < row_.nodes; ++n) world_.Put(api::ResourceOf<Node>(), NewNode(n));
    for (int n = 0; n < row_.nodes; ++n) {
      for (int p = 0; p < options_.pods_per_node; ++p) {
        const int number = n * options_.pods_per_node + p;
        PutPod(fmt::format("running-{}", number), number, NameOf(n));
        ++row_.pods;
      }
    }
  }

  void Start() {
    for (framework::PluginEntry& entry : plugins::InTreePlugins()) {
      BERTH_CHECK(registry_.Register(std::move(entry)).ok());
    }
    engine_ = std::make_unique<framework::Engine>(framework::EngineOptions{}, executor_, world_,
                                                  world_);
    framework::ProfileConfig profile;
    profile.plugins = framework::MergeWithDefaults({});
    BERTH_CHECK(engine_->AddProfile(profile, registry_).ok());
    BERTH_CHECK(engine_->Start().ok());
  }

  void Await(int64_t bound) {
    for (bool done = false; !done;) {
      executor_.Run([&] { done = bound_ >= bound; });
      if (!done) absl::SleepFor(absl::Milliseconds(5));
    }
  }

  void Schedule() {
    absl::Duration cpu_began;
    const absl::Time began = RealClock::Get().Now();
    executor_.Run([&] {
      cpu_began = ThreadCpu();
      for (int i = 0; i < options_.pods; ++i) PutPod(fmt::format("new-{}", i), i, {});
    });
    Await(1 + options_.pods);
    executor_.Run([&] {
      const absl::Duration used = ThreadCpu() - cpu_began;
      row_.us_per_pod = absl::ToDoubleMicroseconds(used) / options_.pods;
    });
    row_.per_second = options_.pods / absl::ToDoubleSeconds(RealClock::Get().Now() - began);
  }

  const Options& options_;
  Row row_;
  Pod sample_;
  ThreadExecutor executor_{"engine"};
  framework::MemoryWorld world_{executor_};
  framework::Registry registry_;
  std::unique_ptr<framework::Engine> engine_;
  int64_t bound_ = 0;
};

void Print(const Row& row) {
  const auto pods = static_cast<double>(row.pods);
  fmt::print("{:>8} {:>9} {:>11.0f} {:>10.0f} {:>13.1f} {:>11.2f} {:>10.1f} {:>9.0f}\n", row.nodes,
             row.pods, row.objects_mb, row.engine_mb, row.engine_mb * (1 << 20) / 1024 / pods,
             row.startup_s, row.us_per_pod, row.per_second);
  std::fflush(stdout);
}

// Measures one size in a child, so that none finds the memory of another. False: it failed.
bool MeasureApart(const Options& options, int nodes, Row* row) {
  int ends[2];
  if (pipe(ends) != 0) return false;
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) {
    const Row measured = Cluster(options, nodes).Measure();
    const bool sent = write(ends[1], &measured, sizeof measured) == sizeof measured;
    _exit(sent ? 0 : 1);
  }
  close(ends[1]);
  const bool got = read(ends[0], row, sizeof *row) == sizeof *row;
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return got && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// CPU of a pod over nodes, the latter on a logarithmic scale.
std::string Draw(const std::vector<Row>& rows) {
  constexpr double kWidth = 640, kHeight = 320, kMargin = 60;
  double most = 0;
  for (const Row& row : rows) most = std::max(most, row.us_per_pod);
  const double least_x = std::log10(rows.front().nodes), most_x = std::log10(rows.back().nodes);
  const auto x_of = [&](const Row& row) {
    const double share = (std::log10(row.nodes) - least_x) / std::max(0.001, most_x - least_x);
    return kMargin + share * (kWidth - 2 * kMargin);
  };
  const auto y_of = [&](double us) {
    return kHeight - kMargin - us / (1.2 * most) * (kHeight - 2 * kMargin);
  };
  std::string points, marks;
  for (const Row& row : rows) {
    points += fmt::format("{:.1f},{:.1f} ", x_of(row), y_of(row.us_per_pod));
    marks += fmt::format(
        "<circle cx='{0:.1f}' cy='{1:.1f}' r='3'/><text x='{0:.1f}' y='{2:.1f}'>{3:.1f} us</text>"
        "<text x='{0:.1f}' y='{4:.1f}'>{5}</text>\n",
        x_of(row), y_of(row.us_per_pod), y_of(row.us_per_pod) - 10, row.us_per_pod,
        kHeight - kMargin + 18, row.nodes);
  }
  return fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' width='{0}' height='{1}' font-family='sans-serif' "
      "font-size='12' text-anchor='middle'>\n<rect width='{0}' height='{1}' fill='white'/>\n"
      "<text x='{2}' y='24' font-size='14'>CPU of the engine for one pod, by nodes (logarithmic)"
      "</text>\n<line x1='{3}' y1='{4}' x2='{5}' y2='{4}' stroke='black'/>\n"
      "<polyline points='{6}' fill='none' stroke='steelblue' stroke-width='2'/>\n{7}</svg>\n",
      kWidth, kHeight, kWidth / 2, kMargin, kHeight - kMargin, kWidth - kMargin, points, marks);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("How memory, start-up and the cost of a pod grow with the cluster.");
  app.add_option("--nodes", options.nodes, "sizes, one process each")->delimiter(',');
  app.add_option("--pods-per-node", options.pods_per_node, "that run")->capture_default_str();
  app.add_option("--pods", options.pods, "that are scheduled then")->capture_default_str();
  app.add_option("--svg", options.svg, "a file for the plot");
  CLI11_PARSE(app, argc, argv);
  std::sort(options.nodes.begin(), options.nodes.end());
  const int64_t room = int64_t{options.nodes.front()} * (kPodsPerNodeMax - options.pods_per_node);
  if (options.pods >= room) {
    fmt::print(stderr, "berth_scale_bench: {} nodes have room for fewer than {} more pods\n",
               options.nodes.front(), options.pods);
    return 2;
  }
  fmt::print("{:>8} {:>9} {:>11} {:>10} {:>13} {:>11} {:>10} {:>9}\n", "NODES", "PODS",
             "OBJECTS MB", "ENGINE MB", "ENGINE KB/POD", "START-UP S", "US/POD", "PODS/S");
  std::vector<Row> rows;
  for (const int nodes : options.nodes) {
    Row row;
    if (!MeasureApart(options, nodes, &row)) {
      fmt::print(stderr, "berth_scale_bench: {} nodes: the measuring process failed (memory?)\n",
                 nodes);
      return 1;
    }
    Print(row);
    rows.push_back(row);
  }
  if (options.svg.empty() || rows.empty()) return 0;
  std::ofstream out(options.svg);
  out << Draw(rows);
  return out.flush() ? 0 : 1;
}

}  // namespace
}  // namespace berth::bench

int main(int argc, char** argv) { return berth::bench::Main(argc, argv); }
