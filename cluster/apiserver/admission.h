// The admission plugins that are built in.
// Source: plugin/pkg/admission/{namespace,podtopologylabels,priority,runtimeclass}.
#pragma once

#include <memory>

#include "cluster/apiserver/pipeline.h"
#include "cluster/apiserver/watch_cache.h"

namespace berth::apiserver {

// Nothing is created in a namespace that does not exist or is being terminated; the namespaces
// the system needs are not deleted.
std::unique_ptr<Admission> MakeNamespaceLifecycle(WatchCache& cache);

// spec.priorityClassName becomes spec.priority and spec.preemptionPolicy; at most one class is the
// default; system classes stay.
std::unique_ptr<Admission> MakePriority(WatchCache& cache);

// Pod overhead comes with a runtime class only.
std::unique_ptr<Admission> MakeRuntimeClass();

// A pod gets the region and zone of its node as labels, when it is bound or created on it, whatever
// it had. (Gate PodTopologyLabelsAdmission, on by default since 1.35.)
std::unique_ptr<Admission> MakeTopologyLabels(WatchCache& cache);

// New volumes and claims get the finalizer that keeps them while they are in use; a new claim that
// names no class gets the default one, of several the youngest; a claim grows only when its class
// allows it.
// Source: plugin/pkg/admission/storage.
std::unique_ptr<Admission> MakeStorage(WatchCache& cache);

// Access to devices that are in use by others is asked for and given only in namespaces that are
// labelled for it. (Upstream's registry of resource.k8s.io does it.)
std::unique_ptr<Admission> MakeDeviceAdminAccess(WatchCache& cache);

}  // namespace berth::apiserver
