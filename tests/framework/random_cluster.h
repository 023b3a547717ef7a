// A small cluster that changes at random, one thing at a time, and pods to ask about: everything an
// in-tree plugin looks at is there. The same for the same seed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "framework/memory_world.h"
#include "framework/pod_info.h"
#include "tests/framework/builders.h"

namespace berth::framework::testing {

// What changed.
enum class Change : uint8_t {
  kLabel,      // of a node
  kTaint,
  kCordon,
  kCapacity,
  kImages,
  kFeatures,
  kReplace,    // one node goes, another comes
  kZone,
  kArrival,    // of a pod that has its node
  kDeparture,
  kRelabel,    // of a pod on a node
  kNomination,
  kObject,     // a volume, a claim, a slice, ...
  kPending,    // a pod that waits to be scheduled
};
inline constexpr int kChanges = 14;
std::string_view ChangeName(Change change);

class RandomCluster {
 public:
  // favour: a variation of pods that every other one has; -1: none.
  RandomCluster(uint64_t seed, MemoryWorld& world, int favour = -1)
      : random_(seed), world_(world), favour_(favour) {}
  static constexpr int kWithVolume = 11, kWithDisk = 12, kWithDevice = 14;  // variations

  // Nominates a waiting pod to a node; "": to none. The world knows the pod.
  std::function<void(const PodPtr& pod, const std::string& node)> nominate;

  void Begin();
  Change Step();
  // The first, and others that differ from it in one thing each. Not in the world.
  const std::vector<PodPtr>& probes() const { return probes_; }

 private:
  struct NodeState {
    std::string name;
    int cpu = 2, rank = 0, zone = 0, soft = 0;
    bool hard = false, cordoned = false, image = false, features = false;
  };
  bool Maybe() { return random_.Chance(0.5); }
  int Draw(int below) { return static_cast<int>(random_.Below(static_cast<uint64_t>(below))); }
  NodeState& AnyNode() { return nodes_[random_.Below(nodes_.size())]; }
  void PutNode(const NodeState& state);
  bool Apply(Change change);  // false: there is nothing to do it to
  void ChangeNode(Change change);
  void Replace();
  void PutPod(bool assigned);
  bool RemovePod();
  bool Relabel();
  void Nominate();
  void PutObjects();
  void PutVolume(int number);
  void PutSlice(int node);
  void PutLimit(int volumes);
  void ChangeObject();
  MakePod AnyPod(const std::string& name);
  void Vary(MakePod& pod, int what);
  void MakeProbes();

  Random random_;
  MemoryWorld& world_;
  const int favour_;
  std::vector<NodeState> nodes_;
  std::map<std::string, MakePod> assigned_;
  std::vector<PodPtr> probes_;
  bool affine_ = false;  // pods that keep others away end the sharing; not in all clusters
  int named_ = 0;
  int64_t revision_ = 0;
};

}  // namespace berth::framework::testing
