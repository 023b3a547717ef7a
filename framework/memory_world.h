// MemoryWorld: the engine's whole world in memory, for explanations, benchmarks and tests. Objects
// are put in by its owner; a binding succeeds at once, or as the owner's hook says.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/object_map.h"
#include "base/executor.h"
#include "framework/object_source.h"

namespace berth::framework {

// Threads: the executor's only.
class MemoryWorld final : public ObjectSource, public ObjectSink {
 public:
  explicit MemoryWorld(Executor& executor) : executor_(executor) {}

  // Adds or replaces; handlers hear of it inside the call. The revision grows by one each time
  // and is written nowhere: objects stay as they were given.
  void Put(const api::Resource& resource, ObjectPtr object);
  void Remove(const api::Resource& resource, std::string_view namespace_, std::string_view name);

  // What a binding answers; unset: OK, and the pod is put again with its nodeName.
  std::function<absl::Status(const api::core::Pod&, std::string_view node)> on_bind;
  std::function<void(const EventNote&)> on_event;
  // What a patch answers; unset: OK.
  std::function<absl::Status(std::string_view key, std::string_view patch)> on_patch;
  // After a binding succeeded, before it is shown.
  std::function<void(api::core::Pod&, std::string_view node)> on_bound;

  // ObjectSource
  void Subscribe(const api::Resource& resource, ObjectHandler handler) override;
  bool Synced() const override { return true; }
  ObjectPtr Get(const api::Resource& resource, std::string_view namespace_,
                std::string_view name) const override;
  void ForEach(const api::Resource& resource, std::string_view namespace_,
               const std::function<void(const ObjectPtr&)>& visit) const override;
  int64_t Revision(const api::Resource&) const override { return revision_; }

  // ObjectSink. Patches and events are only reported to the hooks. What is created without a name
  // gets one from its generateName, and that as its uid.
  void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) override;
  void Create(const api::Resource& resource, ObjectPtr object, ObjectDone done) override;
  void Update(const api::Resource& resource, ObjectPtr object, std::string_view subresource,
              ObjectDone done) override;
  void Patch(const api::Resource& resource, std::string_view namespace_, std::string_view name,
             std::string patch, std::string_view subresource, Done done) override;
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              std::string_view uid, Done done) override;
  void Event(EventNote note) override;

 private:
  struct Kind {
    api::ObjectMap<ObjectPtr> objects;
    std::vector<ObjectHandler> handlers;
  };
  const Kind* Find(const api::Resource& resource) const;
  void Tell(Kind& kind, ObjectEvent event);

  Executor& executor_;
  std::map<const api::Resource*, Kind> kinds_;
  int64_t revision_ = 1, names_ = 0;
};

}  // namespace berth::framework
