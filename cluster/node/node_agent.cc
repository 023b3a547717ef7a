#include "cluster/node/node_agent.h"

#include <utility>
#include <vector>

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "base/check.h"

namespace berth::node {

using api::core::Node;
using api::core::Pod;
using client::ObjectPtr;
using client::WatchFrame;

// What a watch of the nodes tells the registrar.
class NodeAgent::NodeTarget final : public client::ReflectorTarget {
 public:
  explicit NodeTarget(NodeAgent& agent) : agent_(agent) {}

  void Replace(std::vector<ObjectPtr> objects, int64_t) override {
    StringSet there;
    for (const ObjectPtr& object : objects) {
      const auto& node = static_cast<const Node&>(*object);
      if (agent_.table_.Find(node.metadata().name())) there.insert(node.metadata().name());
      agent_.registrar_.Upsert(node);
    }
    if (agent_.nodes_listed_ && there.empty() && agent_.registrar_.registered() > 0) {
      agent_.registrar_.StartAgain();
    } else if (agent_.nodes_listed_) {
      for (NodeRecord& record : agent_.table_.nodes()) {
        if (!there.contains(record.seat.name)) agent_.registrar_.Missing(record);
      }
    }
    agent_.nodes_listed_ = true;
    agent_.Synced();
  }
  void Apply(WatchFrame::Type type, ObjectPtr object, int64_t) override {
    const auto& node = static_cast<const Node&>(*object);
    if (type == WatchFrame::Type::kDeleted) {
      agent_.registrar_.Removed(node);
    } else {
      agent_.registrar_.Upsert(node);
    }
  }
  void Advance(int64_t) override {}

 private:
  NodeAgent& agent_;
};

class NodeAgent::PodTarget final : public client::ReflectorTarget {
 public:
  explicit PodTarget(NodeAgent& agent) : agent_(agent) {}

  void Replace(std::vector<ObjectPtr> objects, int64_t) override {
    std::vector<PodRunner::PodPtr> pods;
    pods.reserve(objects.size());
    for (ObjectPtr& object : objects) {
      pods.push_back(std::static_pointer_cast<const Pod>(std::move(object)));
    }
    agent_.pods_.Replace(std::move(pods));
    agent_.pods_listed_ = true;
    agent_.Synced();
  }
  void Apply(WatchFrame::Type type, ObjectPtr object, int64_t) override {
    auto pod = std::static_pointer_cast<const Pod>(std::move(object));
    if (type == WatchFrame::Type::kDeleted) {
      agent_.pods_.Removed(*pod);
    } else {
      agent_.pods_.Upsert(std::move(pod));
    }
  }
  void Advance(int64_t) override {}

 private:
  NodeAgent& agent_;
};

NodeAgent::NodeAgent(client::ApiClient& client, NodeAgentOptions options)
    : table_(std::move(options.nodes), options.count),
      registrar_(client.executor(), client, table_, options.registrar),
      leases_(client.executor(), client, table_, options.lease),
      pods_(client.executor(), client, table_, options.pods),
      node_target_(std::make_unique<NodeTarget>(*this)),
      pod_target_(std::make_unique<PodTarget>(*this)) {
  BERTH_CHECK(static_cast<int64_t>(table_.nodes().size()) <= kNodesMax);
  client::ReflectorOptions reflector = std::move(options.reflector);
  node_reflector_ = std::make_unique<client::Reflector>(client, api::ResourceOf<Node>(),
                                                        *node_target_, reflector);
  reflector.field_selector = "spec.nodeName!=";
  reflector.seed += 1;
  pod_reflector_ = std::make_unique<client::Reflector>(client, api::ResourceOf<Pod>(),
                                                       *pod_target_, reflector);
}

NodeAgent::~NodeAgent() = default;

void NodeAgent::Start() {
  node_reflector_->Start();
  pod_reflector_->Start();
}

void NodeAgent::Synced() {
  if (nodes_listed_) {
    registrar_.Start();
    leases_.Start();
  }
  if (nodes_listed_ && pods_listed_) pods_.Start();
}

NodeAgentStats NodeAgent::Stats() const {
  const PodCounters& pods = pods_.counters();
  return {.nodes = static_cast<int64_t>(table_.nodes().size()),
          .registered = registrar_.registered(),
          .pods = pods.pods,
          .running = pods.running,
          .succeeded = pods.succeeded,
          .failed = pods.failed,
          .seen = pods.seen,
          .started = pods.started,
          .refused = pods.refused,
          .deleted = pods.deleted,
          .status_writes = pods.status_writes,
          .conflicts = pods.conflicts,
          .lease_renewals = leases_.renewals()};
}

}  // namespace berth::node
