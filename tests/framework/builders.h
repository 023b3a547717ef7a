// Builders for objects in tests: MakePod("p").Req("1", "1Gi").Node("n"). They convert to what a
// test wants: the message, a PodPtr, a PodInfo, a NodeInfo.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/node_info.h"
#include "framework/pod_info.h"

namespace berth::framework::testing {

using Resources = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class MakePod {
 public:
  // In namespace "default", uid = name, scheduler "default-scheduler", one container "c" without
  // requests.
  explicit MakePod(std::string_view name);

  MakePod& Namespace(std::string_view value);
  MakePod& Uid(std::string_view value);
  MakePod& Scheduler(std::string_view value);
  MakePod& Node(std::string_view value);           // spec.nodeName
  MakePod& NominatedNode(std::string_view value);  // status.nominatedNodeName
  MakePod& Phase(std::string_view value);
  MakePod& Priority(int32_t value);
  MakePod& Label(std::string_view key, std::string_view value);
  MakePod& Annotation(std::string_view key, std::string_view value);
  MakePod& Revision(int64_t value);                // metadata.resourceVersion
  MakePod& Terminating();                          // deletionTimestamp
  // Requests of the first container: quantities as text, "" leaves one out.
  MakePod& Req(std::string_view cpu, std::string_view memory = {});
  MakePod& Requests(Resources requests);
  // A further container, or init container, with requests.
  MakePod& Container(Resources requests, std::string_view image = "image");
  MakePod& InitContainer(Resources requests, bool restartable = false);
  MakePod& PodRequests(Resources requests);        // spec.resources
  MakePod& Overhead(Resources overhead);
  MakePod& Image(std::string_view image);          // of the first container
  MakePod& HostPort(int32_t port, std::string_view protocol = {}, std::string_view ip = {});
  MakePod& Toleration(std::string_view key, std::string_view value = {},
                      std::string_view effect = {}, std::string_view op = "Equal");
  MakePod& NodeSelector(std::string_view key, std::string_view value);
  // One requirement: a term of its own, ORed with the others. field: matchFields, not expressions.
  MakePod& RequiredNodeAffinity(std::string_view key, std::string_view op,
                                std::initializer_list<std::string_view> values = {},
                                bool field = false);
  MakePod& PreferredNodeAffinity(int32_t weight, std::string_view key, std::string_view op,
                                 std::initializer_list<std::string_view> values = {});
  MakePod& SchedulingGate(std::string_view name);
  MakePod& TopologySpread(std::string_view topology_key);
  MakePod& RequiredAntiAffinity(std::string_view topology_key);
  MakePod& PvcVolume(std::string_view claim);

  api::core::Pod& message() { return *pod_; }
  std::shared_ptr<const api::core::Pod> Object() const {
    return std::make_shared<const api::core::Pod>(*pod_);
  }
  PodPtr Info() const { return PodInfo::Make(Object()); }
  operator PodPtr() const { return Info(); }       // NOLINT(google-explicit-constructor)
  operator PodInfo() const { return *Info(); }     // NOLINT(google-explicit-constructor)
  operator api::core::Pod() const { return *pod_; }  // NOLINT(google-explicit-constructor)

 private:
  std::shared_ptr<api::core::Pod> pod_;
};

class MakeNode {
 public:
  // Without capacity, ready.
  explicit MakeNode(std::string_view name);

  // capacity and allocatable; quantities as text, "" leaves one out.
  MakeNode& Capacity(std::string_view cpu, std::string_view memory, std::string_view pods = "110");
  MakeNode& Allocatable(Resources resources);
  MakeNode& Label(std::string_view key, std::string_view value);
  MakeNode& Zone(std::string_view zone, std::string_view region = {});
  MakeNode& Annotation(std::string_view key, std::string_view value);
  MakeNode& Taint(std::string_view key, std::string_view value, std::string_view effect);
  // "gpu=a:NoSchedule", "gpu:NoExecute".
  MakeNode& Taint(std::string_view text);
  MakeNode& Unschedulable(bool value = true);
  MakeNode& Image(std::string_view name, int64_t size_bytes);
  MakeNode& Condition(std::string_view type, std::string_view status);
  MakeNode& Revision(int64_t value);

  api::core::Node& message() { return *node_; }
  std::shared_ptr<const api::core::Node> Object() const {
    return std::make_shared<const api::core::Node>(*node_);
  }
  // Images are counted as on this node alone; index 0.
  NodeInfo Info(std::initializer_list<PodPtr> pods = {}) const;
  operator NodeInfo() const { return Info(); }         // NOLINT(google-explicit-constructor)
  operator api::core::Node() const { return *node_; }  // NOLINT(google-explicit-constructor)

 private:
  std::shared_ptr<api::core::Node> node_;
};

}  // namespace berth::framework::testing
