// Rules of ReplicaSets, ReplicationControllers and PodDisruptionBudgets.
// Source: pkg/apis/{apps,core,policy}/validation.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateReplicaSet(const apps::ReplicaSet& set, Errors& errors);
void ValidateReplicaSetUpdate(const apps::ReplicaSet& set, const apps::ReplicaSet& old,
                              Errors& errors);
void ValidateReplicaSetStatusUpdate(const apps::ReplicaSet& set, const apps::ReplicaSet& old,
                                    Errors& errors);

void ValidateReplicationController(const core::ReplicationController& controller, Errors& errors);
void ValidateReplicationControllerUpdate(const core::ReplicationController& controller,
                                         const core::ReplicationController& old, Errors& errors);
void ValidateReplicationControllerStatusUpdate(const core::ReplicationController& controller,
                                               const core::ReplicationController& old,
                                               Errors& errors);

void ValidateDisruptionBudget(const policy::PodDisruptionBudget& budget, Errors& errors);
void ValidateDisruptionBudgetStatus(const policy::PodDisruptionBudget& budget, Errors& errors);

}  // namespace berth::api::validation
