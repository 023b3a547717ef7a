#include "plugins/event_objects.h"

#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "framework/pod_info.h"

namespace berth::plugins {

const api::core::Pod* AsPod(const google::protobuf::Message* object) {
  return dynamic_cast<const api::core::Pod*>(object);
}

const api::core::Node* AsNode(const google::protobuf::Message* object) {
  return dynamic_cast<const api::core::Node*>(object);
}

const api::core::PersistentVolume* AsVolume(const google::protobuf::Message* object) {
  return dynamic_cast<const api::core::PersistentVolume*>(object);
}

const api::core::PersistentVolumeClaim* AsClaim(const google::protobuf::Message* object) {
  return dynamic_cast<const api::core::PersistentVolumeClaim*>(object);
}

bool HasPlace(const api::core::Pod& pod) {
  return !pod.spec().node_name().empty() || !pod.status().nominated_node_name().empty();
}

bool IsSamePod(const framework::PodInfo& waiting, const api::core::Pod& other) {
  return waiting.uid == other.metadata().uid();
}

}  // namespace berth::plugins
