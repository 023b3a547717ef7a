// Rules of the kinds with little in them: namespaces, config maps, leases, priority classes.
// Source: pkg/apis/{core,coordination,scheduling}/validation.
#pragma once

#include "api/fwd.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

void ValidateNamespace(const core::Namespace& object, Errors& errors);
void ValidateNamespaceUpdate(const core::Namespace& object, const core::Namespace& old,
                             Errors& errors);
void ValidateNamespaceStatusUpdate(const core::Namespace& object, const core::Namespace& old,
                                   Errors& errors);
void ValidateNamespaceFinalize(const core::Namespace& object, const core::Namespace& old,
                               Errors& errors);

void ValidateConfigMap(const core::ConfigMap& object, Errors& errors);
void ValidateConfigMapUpdate(const core::ConfigMap& object, const core::ConfigMap& old,
                             Errors& errors);

void ValidateLease(const coordination::Lease& object, Errors& errors);
void ValidateLeaseUpdate(const coordination::Lease& object, const coordination::Lease& old,
                         Errors& errors);

void ValidatePriorityClass(const scheduling_v1::PriorityClass& object, Errors& errors);
void ValidatePriorityClassUpdate(const scheduling_v1::PriorityClass& object,
                                 const scheduling_v1::PriorityClass& old, Errors& errors);

}  // namespace berth::api::validation
