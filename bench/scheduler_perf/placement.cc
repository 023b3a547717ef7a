#include "bench/scheduler_perf/placement.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <tuple>
#include <utility>

#include "api/schema/core_v1_node.pb.h"
#include "base/strings.h"

namespace berth::bench {
namespace {

namespace sched = api::scheduling;
using sched::Amounts;

constexpr size_t kShapesMax = 16;
constexpr std::string_view kPods = "pods";

struct NodeLoad {
  sched::Allocatable room;
  sched::AmountsSum used;
  int64_t pods = 0;
};

struct Shape {
  Amounts requests;
  int64_t pods = 0;
};

// Something that happens to a pod, in the order of time.
struct Change {
  absl::Time when;
  enum Kind : uint8_t { kCreated, kRefused, kScheduled, kGone } kind;
  const PodStay* pod;
};

struct ShapeLess {
  bool operator()(const Amounts& a, const Amounts& b) const {
    const auto plain = [](const Amounts& of) {
      return std::tie(of.milli_cpu, of.memory_bytes, of.ephemeral_storage_bytes);
    };
    if (plain(a) != plain(b)) return plain(a) < plain(b);
    return std::lexicographical_compare(
        a.scalars.begin(), a.scalars.end(), b.scalars.begin(), b.scalars.end(),
        [](const auto& x, const auto& y) {
          return std::pair(x.first.id(), x.second) < std::pair(y.first.id(), y.second);
        });
  }
};

std::vector<Shape> ShapesOf(const std::vector<PodStay>& pods) {
  std::map<Amounts, int64_t, ShapeLess> counts;
  for (const PodStay& pod : pods) ++counts[pod.requests];
  std::vector<Shape> shapes;
  for (const auto& [requests, count] : counts) shapes.push_back({requests, count});
  std::stable_sort(shapes.begin(), shapes.end(),
                   [](const Shape& a, const Shape& b) { return a.pods > b.pods; });
  if (shapes.size() > kShapesMax) shapes.resize(kShapesMax);
  return shapes;
}

std::set<std::string> ResourcesOf(const std::vector<PodStay>& pods) {
  std::set<std::string> names = {"cpu", "memory", std::string(kPods)};
  for (const PodStay& pod : pods) {
    if (pod.requests.ephemeral_storage_bytes > 0) names.emplace("ephemeral-storage");
    for (const auto& [name, amount] : pod.requests.scalars) names.emplace(name.text());
  }
  return names;
}

class Replay {
 public:
  Replay(const std::vector<ObjectPtr>& nodes, const std::vector<PodStay>& pods)
      : shapes_(ShapesOf(pods)) {
    for (const std::string& name : ResourcesOf(pods)) {
      resources_.emplace_back(name, Symbol::Intern(name));
    }
    for (const ObjectPtr& object : nodes) {
      const auto& node = static_cast<const api::core::Node&>(*object);
      loads_[node.metadata().name()].room = sched::NodeAllocatable(node);
    }
    for (const PodStay& pod : pods) {
      const auto add = [&](absl::Time when, Change::Kind kind) {
        if (when != absl::InfiniteFuture()) changes_.push_back({when, kind, &pod});
      };
      add(pod.created, Change::kCreated);
      add(pod.refused, Change::kRefused);
      add(pod.scheduled, Change::kScheduled);
      add(pod.gone, Change::kGone);
    }
    std::stable_sort(changes_.begin(), changes_.end(), [](const Change& a, const Change& b) {
      return std::tie(a.when, a.kind) < std::tie(b.when, b.kind);
    });
  }

  // Moves on to `when`, which never goes back.
  void Advance(absl::Time when) {
    for (; next_ < changes_.size() && changes_[next_].when <= when; ++next_) {
      Apply(changes_[next_]);
    }
  }

  Placement Look() const {
    Placement out;
    out.nodes = std::ssize(loads_);
    out.bound = bound_;
    out.pending = pending_;
    out.unschedulable = refused_;
    for (const auto& [name, load] : loads_) out.nodes_used += load.pods > 0 ? 1 : 0;
    const std::map<std::string, double> stranded = Stranded();
    for (const auto& [name, symbol] : resources_) {
      ResourceUse use = UseOf(name, symbol);
      if (const auto it = stranded.find(name); it != stranded.end()) use.stranded = it->second;
      out.resources[name] = use;
    }
    return out;
  }

 private:
  void Apply(const Change& change) {
    const PodStay& pod = *change.pod;
    const bool was_refused = pod.refused <= change.when;  // while it waited
    switch (change.kind) {
      case Change::kCreated: ++pending_; return;
      case Change::kRefused:
        refused_ += pod.scheduled < change.when ? 0 : 1;  // it comes first of equal moments
        return;
      case Change::kScheduled:
        --pending_;
        refused_ -= was_refused ? 1 : 0;
        return Load(pod, 1);
      case Change::kGone:
        if (pod.scheduled <= change.when) return Load(pod, -1);
        --pending_;
        refused_ -= was_refused ? 1 : 0;
        return;
    }
  }

  void Load(const PodStay& pod, int sign) {
    bound_ += sign;
    const auto it = loads_.find(pod.node);
    if (it == loads_.end()) return;  // the node is gone
    it->second.pods += sign;
    if (sign > 0) return it->second.used.Add(pod.requests);
    it->second.used.Subtract(pod.requests);
  }

  static int64_t RoomOf(const NodeLoad& load, std::string_view name, Symbol symbol) {
    return name == kPods ? load.room.pods : load.room.amounts.Of(symbol);
  }
  static int64_t UsedOf(const NodeLoad& load, std::string_view name, Symbol symbol) {
    return name == kPods ? load.pods : load.used.value().Of(symbol);
  }

  ResourceUse UseOf(std::string_view name, Symbol symbol) const {
    double count = 0, sum = 0, squares = 0;
    for (const auto& [node, load] : loads_) {
      const int64_t room = RoomOf(load, name, symbol);
      if (room <= 0) continue;
      const double share =
          static_cast<double>(UsedOf(load, name, symbol)) / static_cast<double>(room);
      ++count;
      sum += share;
      squares += share * share;
    }
    ResourceUse use;
    if (count == 0) return use;
    use.mean = sum / count;
    use.deviation = std::sqrt(std::max(0.0, squares / count - use.mean * use.mean));
    return use;
  }

  // By resource.
  std::map<std::string, double> Stranded() const {
    std::map<std::string, double> free_share, room;
    double weight_sum = 0;
    for (const Shape& shape : shapes_) weight_sum += static_cast<double>(shape.pods);
    for (const auto& [node, load] : loads_) {
      double weight = 0;  // of the shapes that it does not take
      for (const Shape& shape : shapes_) {
        const bool fits =
            sched::Fits(shape.requests, load.room, load.used.value(), load.pods);
        weight += fits ? 0 : static_cast<double>(shape.pods) / weight_sum;
      }
      for (const auto& [name, symbol] : resources_) {
        const int64_t all = RoomOf(load, name, symbol);
        const int64_t free = std::max<int64_t>(0, all - UsedOf(load, name, symbol));
        room[name] += static_cast<double>(all);
        free_share[name] += weight * static_cast<double>(free);
      }
    }
    for (auto& [name, share] : free_share) share = room[name] > 0 ? share / room[name] : 0;
    return free_share;
  }

  const std::vector<Shape> shapes_;
  std::vector<std::pair<std::string, Symbol>> resources_;
  StringMap<NodeLoad> loads_;
  std::vector<Change> changes_;
  size_t next_ = 0;
  int64_t bound_ = 0, pending_ = 0, refused_ = 0;
};

}  // namespace

double Placement::UnschedulableShare() const {
  const int64_t all = bound + pending;
  return all == 0 ? 0 : static_cast<double>(unschedulable) / static_cast<double>(all);
}

std::vector<Placement> PlacementOverTime(const std::vector<ObjectPtr>& nodes,
                                         const std::vector<PodStay>& pods, absl::Time begin,
                                         absl::Time end, int points) {
  Replay replay(nodes, pods);
  std::vector<Placement> out;
  for (int i = 1; i <= points; ++i) {
    const absl::Time when = i == points ? end : begin + (end - begin) * i / points;
    replay.Advance(when);
    out.push_back(replay.Look());
    out.back().at = when - begin;
  }
  return out;
}

}  // namespace berth::bench
