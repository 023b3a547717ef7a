// MemoryApi: what an API server makes of writes, over objects in memory: names, uids, resource
// versions and conflicts, defaults, subresources, strategic merge patches, finalizers and grace
// periods. No validation, no admission, no I/O: an engine that runs against it sees the same events
// as behind a server.
//
// Nobody runs pods here. A bound pod that is deleted with a grace period keeps its
// deletionTimestamp for ever, as in upstream's rig, which has no kubelets either.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <google/protobuf/message.h>

#include "api/fwd.h"
#include "base/executor.h"
#include "base/strings.h"
#include "framework/memory_world.h"
#include "framework/object_source.h"

namespace berth::bench {

// Threads: the executor's only. The calls of ObjectSink answer in a task of their own; the others
// at once. Errors are the API's (api/errors.h): NotFound, AlreadyExists, Conflict.
class MemoryApi final : public framework::ObjectSink {
 public:
  using MutablePtr = std::shared_ptr<google::protobuf::Message>;

  static MutablePtr Copy(const google::protobuf::Message& object);

  // Both must outlive it.
  MemoryApi(Executor& executor, framework::MemoryWorld& world)
      : executor_(executor), world_(world) {}

  absl::Status CreateNow(const api::Resource& resource, MutablePtr object);
  // The same in two steps: what depends on the object alone, on any thread, and the rest.
  static void Prepare(const api::Resource& resource, google::protobuf::Message& object);
  // spare: null, or its equal, which becomes the pod that is bound: who is measured need not wait
  // for the copy that a server would send.
  absl::Status CreatePrepared(const api::Resource& resource, MutablePtr object,
                              MutablePtr spare = nullptr);
  // An object with a resourceVersion must be the newest. What the subresource does not own is kept.
  absl::StatusOr<framework::ObjectPtr> UpdateNow(const api::Resource& resource, MutablePtr object,
                                                 std::string_view subresource);
  // uid: must be the object's, unless empty. grace_s: instead of the pod's own.
  absl::Status DeleteNow(const api::Resource& resource, std::string_view namespace_,
                         std::string_view name, std::string_view uid,
                         std::optional<int64_t> grace_s);

  // uid: must be the pod's.
  absl::Status BindNow(std::string_view namespace_, std::string_view name, std::string_view uid,
                       const std::string& node);

  // ObjectSink
  void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) override;
  void Create(const api::Resource& resource, framework::ObjectPtr object,
              ObjectDone done) override;
  void Update(const api::Resource& resource, framework::ObjectPtr object,
              std::string_view subresource, ObjectDone done) override;
  void Patch(const api::Resource& resource, std::string_view namespace_, std::string_view name,
             std::string patch, std::string_view subresource, Done done) override;
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              std::string_view uid, Done done) override;
  void Event(framework::EventNote) override {}

 private:
  absl::Status PatchNow(const api::Resource& resource, std::string_view namespace_,
                        std::string_view name, const std::string& patch,
                        std::string_view subresource);
  framework::ObjectPtr Put(const api::Resource& resource, MutablePtr object);
  void Remove(const api::Resource& resource, const google::protobuf::Message& object);
  std::shared_ptr<api::core::Pod> CopyToBind(const api::core::Pod& pod);

  Executor& executor_;
  framework::MemoryWorld& world_;
  int64_t version_ = 0, uids_ = 0, names_ = 0;
  StringMap<MutablePtr> spares_;  // by uid
};

}  // namespace berth::bench
