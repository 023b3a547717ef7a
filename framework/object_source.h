// ObjectSource and ObjectSink: the engine's whole world. The source shows objects and their
// changes, the sink acts on them. Behind them is a live API server (client informers), the
// simulator, or a benchmark with no I/O at all; the engine cannot tell.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>

#include "api/fwd.h"

namespace berth::api {
struct Resource;
}

namespace berth::framework {

using ObjectPtr = std::shared_ptr<const google::protobuf::Message>;

struct ObjectEvent {
  enum class Kind { kAdded, kUpdated, kDeleted };
  Kind kind = Kind::kAdded;
  ObjectPtr old_object;  // null for kAdded
  ObjectPtr new_object;  // null for kDeleted
  int64_t revision = 0;  // of the change
};
using ObjectHandler = std::function<void(const ObjectEvent&)>;

// Threads: used on the engine's executor only; handlers are called there, in revision order per
// resource. A handler first hears kAdded for everything that is there.
class ObjectSource {
 public:
  virtual ~ObjectSource() = default;

  // Begins to watch a resource (once per resource, however often it is asked) and calls `handler`
  // for every object and change from now on. Handlers of one resource run in subscription order.
  virtual void Subscribe(const api::Resource& resource, ObjectHandler handler) = 0;
  // Every subscribed resource has delivered its first complete list.
  virtual bool Synced() const = 0;

  // The newest known object; null when absent or the resource is not subscribed.
  virtual ObjectPtr Get(const api::Resource& resource, std::string_view namespace_,
                        std::string_view name) const = 0;
  // Ordered by namespace, then name. Empty namespace: all.
  virtual void ForEach(const api::Resource& resource, std::string_view namespace_,
                       const std::function<void(const ObjectPtr&)>& visit) const = 0;
  // The revision up to which the resource's events have been delivered.
  virtual int64_t Revision(const api::Resource& resource) const = 0;
};

// A scheduler's event about an object, as events.k8s.io/v1 has it.
struct EventNote {
  ObjectPtr regarding;
  ObjectPtr related;          // may be null
  std::string type;           // "Normal" or "Warning"
  std::string reason;         // "Scheduled", "FailedScheduling"
  std::string action;         // "Binding", "Scheduling"
  std::string note;           // the message
  std::string reporting_controller;  // the scheduler's name
};

// Threads: called on the engine's executor; completions come back on it, never inside the call.
// Failures are the API's (api/errors.h).
class ObjectSink {
 public:
  using Done = absl::AnyInvocable<void(absl::Status)>;
  using ObjectDone = absl::AnyInvocable<void(absl::Status, ObjectPtr)>;

  virtual ~ObjectSink() = default;
  // POST pods/NAME/binding with the pod's uid.
  virtual void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) = 0;
  virtual void Create(const api::Resource& resource, ObjectPtr object, ObjectDone done) = 0;
  virtual void Update(const api::Resource& resource, ObjectPtr object,
                      std::string_view subresource, ObjectDone done) = 0;
  // Strategic merge patch (JSON text); subresource "" or "status".
  virtual void Patch(const api::Resource& resource, std::string_view namespace_,
                     std::string_view name, std::string patch, std::string_view subresource,
                     Done done) = 0;
  virtual void Delete(const api::Resource& resource, std::string_view namespace_,
                      std::string_view name, std::string_view uid, Done done) = 0;
  // Best effort, never waited for; repeats are aggregated by the recorder behind it.
  virtual void Event(EventNote note) = 0;
};

}  // namespace berth::framework
