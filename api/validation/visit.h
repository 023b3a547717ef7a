// Every container of a pod with where it is: init containers, then regular and ephemeral ones.
//
//   VisitContainers(spec, path, [&](const auto& container, const FieldPath& at) { ... });
//
// `container` is a Container or the common part of an EphemeralContainer. Cost: one path each.
// Threads: as the visit.
// Source: pkg/apis/core/pods/helpers.go.
#pragma once

#include "api/fwd.h"
#include "api/schema/core_v1_pod_spec.pb.h"
#include "api/validation/field_path.h"

namespace berth::api::validation {

template <typename Visit>
void VisitContainers(const core::PodSpec& spec, const FieldPath& path, Visit visit) {
  for (int i = 0; i < spec.init_containers_size(); ++i) {
    visit(spec.init_containers(i), path.Child("initContainers", i));
  }
  for (int i = 0; i < spec.containers_size(); ++i) {
    visit(spec.containers(i), path.Child("containers", i));
  }
  for (int i = 0; i < spec.ephemeral_containers_size(); ++i) {
    visit(spec.ephemeral_containers(i).ephemeral_container_common(),
          path.Child("ephemeralContainers", i));
  }
}

}  // namespace berth::api::validation
