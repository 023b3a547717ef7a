// An explanation for a person: what becomes of the pod, then the scores, then who rejected which
// node.
#pragma once

#include <string>

#include "scheduler-main/explain/explain.h"

namespace berth::scheduler {

std::string ToText(const PodExplanation& pod);

}  // namespace berth::scheduler
