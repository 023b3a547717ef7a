// The verbs of the generic registry: what every resource of the table answers to.
//
//   reads    reader.cc            get, list
//   writes   create.cc update.cc  create, update, patch (whole objects, status, finalize)
//            delete.cc            delete, deletecollection
//   watch    watch_session.cc
//   binding  binding.cc
//   eviction eviction.cc
//   scale    scale.cc
//
// Threads: none; everything on the API server's executor. Every call is answered exactly once.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/selectors.h"
#include "base/executor.h"
#include "base/random.h"
#include "cluster/apiserver/call.h"
#include "cluster/apiserver/node_ledger.h"
#include "cluster/apiserver/object_writer.h"
#include "cluster/apiserver/pipeline.h"
#include "cluster/apiserver/request_body.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/watch_cache.h"

namespace berth::apiserver {

struct RestOptions {
  bool binding_check = true;
  // How long a read waits for a revision that is still to come.
  absl::Duration read_wait = absl::Seconds(3);
};

class Rest {
 public:
  // encoder: runs the rendering of long lists and long patches; may be the same as `executor`.
  Rest(Executor& executor, Executor& encoder, store::Store& store, WatchCache& cache,
       ObjectWriter& writer, NodeLedger& ledger, const Pipeline& pipeline, Random& random,
       RestOptions options);

  // --- reads ---
  void Get(CallPtr call);
  void List(CallPtr call);

  // --- writes ---
  void Create(CallPtr call);
  void Update(CallPtr call);
  void Patch(CallPtr call);
  void Delete(CallPtr call);
  void DeleteCollection(CallPtr call);
  // POST pods/NAME/binding.
  void Bind(CallPtr call);
  // POST pods/NAME/eviction.
  void Evict(CallPtr call);
  // PLURAL/NAME/scale.
  void GetScale(CallPtr call);
  void SetScale(CallPtr call);

  // A message of this server's own making (default namespaces, system priority classes): created
  // unless it is there, through the whole pipeline.
  void Ensure(const api::Resource& resource, std::shared_ptr<google::protobuf::Message> object,
              store::DoneCallback done);

  const RestOptions& options() const { return options_; }

 private:
  struct ListState;
  struct CreateState;
  struct UpdateState;
  struct DeleteState;
  struct CollectionState;
  struct BindState;
  struct EvictState;
  struct ScaleState;

  void ServeList(std::shared_ptr<ListState> state);
  void ServeListFromStore(std::shared_ptr<ListState> state, store::Revision revision,
                          const std::string& next_key);
  void ReadPage(std::shared_ptr<ListState> state, store::Revision revision, std::string begin,
                std::string end);
  absl::Status TakePage(ListState& state, const store::ListResult& page);
  static absl::Status ReadFailure(const ListState& state, const absl::Status& failure);
  void RenderAndReply(const std::shared_ptr<ListState>& state);

  // Runs `work`, which only computes, on the encoder when that takes long, and then `then` on the
  // executor.
  template <typename Work, typename Then>
  void Aside(bool heavy, Work work, Then then) {
    if (!heavy) {
      work();
      return then();
    }
    encoder_.Post([&executor = executor_, alive = alive_.Watch(), work = std::move(work),
                   then = std::move(then)]() mutable {
      if (alive.expired()) return;
      work();
      executor.Post([alive, then = std::move(then)]() mutable {
        if (!alive.expired()) then();
      });
    });
  }

  void TryCreate(const std::shared_ptr<CreateState>& state);
  void PutNew(const std::shared_ptr<CreateState>& state);
  void RefuseCreate(const std::shared_ptr<CreateState>& state, absl::Status failure);
  static AdmissionRequest AdmissionOfNew(const RequestInfo& info, const UserInfo& user,
                                         google::protobuf::Message& object);
  absl::Status BeginCreate(const RequestInfo& info, const UserInfo& user,
                           google::protobuf::Message& object);

  void StartUpdate(const std::shared_ptr<UpdateState>& state);
  void UpdateAside(const std::shared_ptr<UpdateState>& state);
  void WriteUpdate(const std::shared_ptr<UpdateState>& state);
  absl::StatusOr<Change> ApplyUpdate(UpdateState& state, const ObjectPtr& current);
  static absl::StatusOr<MessagePtr> Wanted(UpdateState& state, const StoredObject& current);
  static absl::StatusOr<MessagePtr> Patched(UpdateState& state, const StoredObject& current);
  static absl::Status CheckVersion(const UpdateState& state, const StoredObject& current,
                                   const api::meta::ObjectMeta& wanted);
  absl::Status BeginUpdate(const UpdateState& state, const StoredObject& current,
                           google::protobuf::Message& object) const;
  static absl::Status CheckUpdate(UpdateState& state, const StoredObject& current,
                                  google::protobuf::Message& object);
  absl::StatusOr<Change> FinishUpdate(UpdateState& state, const StoredObject& current,
                                      MessagePtr object, bool same, Bytes encoded) const;

  // removed: it is gone from the store, or would be.
  using DeleteDone = std::function<void(absl::StatusOr<ObjectPtr>, bool removed)>;
  // The object that `info` names.
  void DeleteObject(const RequestInfo& info, const UserInfo& user, DeletionOptions options,
                    DeleteDone done);
  static absl::Status CheckPreconditions(const DeletionOptions& options,
                                         const StoredObject& object);
  absl::StatusOr<Change> ApplyDelete(DeleteState& state, const ObjectPtr& current);
  absl::StatusOr<Change> DeletePod(DeleteState& state, const StoredObject& current,
                                   absl::Time now);
  absl::StatusOr<Change> DeleteNamespace(DeleteState& state, const StoredObject& current,
                                         absl::Time now);
  void RemoveMarked(const std::shared_ptr<DeleteState>& state, const ObjectPtr& marked);
  void DeleteNext(const std::shared_ptr<CollectionState>& state);

  void LookAtPod(const std::shared_ptr<EvictState>& state);
  void AskBudget(const std::shared_ptr<EvictState>& state, const ObjectPtr& object);
  void SpendDisruption(const std::shared_ptr<EvictState>& state);
  using EvictDone = std::function<void(const absl::Status&)>;
  void MarkAndDelete(const std::shared_ptr<EvictState>& state, EvictDone done);
  void DeleteEvicted(const std::shared_ptr<EvictState>& state, EvictDone done);
  static void PinVersion(EvictState& state, const StoredObject& pod);
  static void FinishEviction(const std::shared_ptr<EvictState>& state, const absl::Status& status);

  void WriteScale(const std::shared_ptr<ScaleState>& state);
  static absl::StatusOr<api::autoscaling::Scale> PatchedScale(ScaleState& state,
                                                              const StoredObject& current);
  absl::StatusOr<Change> ApplyScale(ScaleState& state, const ObjectPtr& current);

  void TryBind(const std::shared_ptr<BindState>& state);
  // What admission is shown of a write to an object that is named.
  static AdmissionRequest AdmissionOf(const Call& call, Verb verb, std::string_view subresource,
                                      google::protobuf::Message* object,
                                      const google::protobuf::Message* old_object);
  absl::StatusOr<Change> ApplyBind(BindState& state, const ObjectPtr& current);
  absl::Status ReserveNode(BindState& state, const api::core::Pod& pod, PodLoad load);

  Executor& executor_;
  Executor& encoder_;
  store::Store& store_;
  WatchCache& cache_;
  ObjectWriter& writer_;
  NodeLedger& ledger_;
  const Pipeline& pipeline_;
  Random& random_;
  const RestOptions options_;
  Lifetime alive_;
};

}  // namespace berth::apiserver
