// Forward declarations of the plugin API.
#pragma once

namespace berth::framework {
class CycleState;
class Handle;
class Metrics;
class NodeClasses;
class NodeInfo;
class ObjectSink;
class ObjectSource;
class Plugin;
class PodInfo;
class Registry;
class SignatureBuilder;
class Snapshot;
class Status;  // NOLINT(bugprone-forward-declaration-namespace): absl has one too
struct NodeColumns;
struct PreemptionCandidate;
struct QueuedPodInfo;
}  // namespace berth::framework
