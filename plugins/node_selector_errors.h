// Why a node selector does not parse. The compiled form (api/scheduling/node_affinity.h) only knows
// that it does not; these are upstream's words for it, for configuration errors and scoring errors.
// Source: component-helpers/scheduling/corev1/nodeaffinity, apimachinery/pkg/labels.
#pragma once

#include <string>

#include "api/errors.h"
#include "api/fwd.h"

namespace berth::plugins {

// path: of the selector; empty for a pod's own.
api::FieldErrors NodeSelectorErrors(const std::string& path,
                                    const api::core::NodeSelector& selector);
// The preferred terms of `affinity`; path: of the list. Terms without weight or content are not
// looked at.
api::FieldErrors PreferredTermErrors(const std::string& path,
                                     const api::core::NodeAffinity& affinity);

}  // namespace berth::plugins
