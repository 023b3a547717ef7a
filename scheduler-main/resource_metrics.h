// /metrics/resources: what each pod requests and is limited to.
// Source: kube-scheduler metrics/resources/resources.go.
#pragma once

#include <string>
#include <vector>

#include "framework/object_source.h"

namespace berth::scheduler {

// kube_pod_resource_request and kube_pod_resource_limit
// {namespace,pod,node,scheduler,priority,resource,unit} in the Prometheus text format. pods: of
// which those that are over on a node are left out. Amounts of 0 are left out. Cost: about 3 us a
// pod. Pure.
std::string ResourceMetricsText(const std::vector<framework::ObjectPtr>& pods);

}  // namespace berth::scheduler
