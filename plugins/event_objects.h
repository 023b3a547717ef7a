// The objects of a cluster event as what a queueing hint expects.
#pragma once

#include <string_view>

#include "api/fwd.h"
#include "framework/events.h"
#include "framework/fwd.h"

namespace berth::plugins {

// Null when the message is null or of another kind.
const api::core::Pod* AsPod(const google::protobuf::Message* object);
const api::core::Node* AsNode(const google::protobuf::Message* object);
const api::core::PersistentVolume* AsVolume(const google::protobuf::Message* object);
const api::core::PersistentVolumeClaim* AsClaim(const google::protobuf::Message* object);

// The event is about the waiting pod itself.
bool IsSamePod(const framework::PodInfo& waiting, const api::core::Pod& other);
// It runs on a node, or is nominated to one.
bool HasPlace(const api::core::Pod& pod);

inline framework::QueueingHint QueueIf(bool queue) {
  return queue ? framework::QueueingHint::kQueue : framework::QueueingHint::kSkip;
}

}  // namespace berth::plugins
