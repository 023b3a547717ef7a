// Defaults of services and of what makes pods (see api/defaults.h).
#pragma once

#include "api/fwd.h"

namespace berth::api {

void DefaultReplicaSet(apps::ReplicaSet& set);
// Selector and labels come from the template when they are left out.
void DefaultReplicationController(core::ReplicationController& controller);
void DefaultStatefulSet(apps::StatefulSet& set);
void DefaultService(core::Service& service);

}  // namespace berth::api
