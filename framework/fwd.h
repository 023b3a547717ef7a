// Forward declarations of the plugin API.
#pragma once

namespace berth::framework {
class CycleState;
class Handle;
class NodeInfo;
class ObjectSink;
class ObjectSource;
class Plugin;
class PodInfo;
class Registry;
class SignatureBuilder;
class Snapshot;
class Status;
struct NodeColumns;
struct QueuedPodInfo;
}  // namespace berth::framework
