// Typed client of the Kubernetes API over a Transport.
//
//   ApiClient client(transport, executor, {});
//   client.Get<core::Pod>("default", "web-1",
//                         [](absl::StatusOr<std::shared_ptr<const core::Pod>> pod) { ... });
//   client.Create(ResourceOf<core::Pod>(), "default", pod,
//                 [](absl::StatusOr<ObjectPtr> made) { ... });
//
// Bodies travel as protobuf, or JSON when asked. Failures are absl::Status: the API's own carry
// their meta.v1.Status (api/errors.h: IsNotFound, IsConflict, ...); the transport's are as in
// client/transport.h. A request refused with 429, or 5xx and a Retry-After, was not carried out: it
// is sent again after that time, retries_max times. Nothing else is ever sent twice.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/functional/any_invocable.h>
#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/fwd.h"
#include "api/resource_table.h"
#include "base/executor.h"
#include "client/codec.h"
#include "client/transport.h"

namespace berth::client {

struct ApiClientOptions {
  Media media = Media::kProtobuf;
  std::string user_agent = "berth";
  absl::Duration timeout = kDefaultRequestTimeout;
  int retries_max = 10;
  absl::Duration retry_after_max = absl::Seconds(30);  // longer waits are cut to this
  // Requests per second over all verbs but watch, and how many may come at once. 0: unlimited.
  double qps = 0;
  int burst = 0;
  // Bind, CreateOnly and PatchOnly travel in batches where the server has them, see
  // request_batcher.h.
  bool batches = false;
};

// As in the query of a list or watch; empty fields are left out.
struct ListOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version = {};
  std::string resource_version_match = {};  // "Exact", "NotOlderThan"
  int64_t limit = 0;
  std::string continue_token = {};
};
struct ObjectList {
  std::vector<ObjectPtr> items;
  std::string resource_version;
  std::string continue_token;
};
struct WatchOptions {
  std::string label_selector = {};
  std::string field_selector = {};
  std::string resource_version = {};
  std::string resource_version_match = {};
  bool send_initial_events = false;
  bool bookmarks = true;
  int64_t timeout_s = 0;  // the server ends the watch then; 0: when it likes
};
struct DeleteOptions {
  std::string uid = {};               // preconditions; empty: none
  std::string resource_version = {};
  int64_t grace_period_s = -1;   // -1: the object's own
  std::string propagation = {};       // "Background", "Foreground", "Orphan"; empty: the default
};
enum class PatchType : uint8_t { kStrategicMerge, kMerge, kJson };

struct WatchHandler {
  // The events of one piece of the stream, in order; never empty.
  absl::AnyInvocable<void(std::vector<WatchFrame> frames)> on_events;
  // Once, last. OK: the server ended the watch (its timeout). An API error: the answer, or an ERROR
  // event. InvalidArgument: it does not speak the protocol. Else the transport's.
  absl::AnyInvocable<void(absl::Status status)> on_close;
};

using ObjectDone = Completion<ObjectPtr>;
using Done = absl::AnyInvocable<void(absl::Status)>;

// Completions and handlers run on `executor`, never inside the call. Bodies are decoded on the
// transport's thread. Completions still come after the client is gone (with Cancelled if their
// request was waiting for a retry).
// Threads: every method may be called from any thread.
class ApiClient {
 public:
  // Both must outlive the client and what it has in flight.
  ApiClient(Transport& transport, Executor& executor, ApiClientOptions options = {});
  ~ApiClient();

  void Get(const api::Resource& resource, std::string_view namespace_, std::string_view name,
           ObjectDone done);
  // Create and Patch for who wants no object back.
  void CreateOnly(const api::Resource& resource, std::string_view namespace_,
                  const google::protobuf::Message& object, Done done);
  void PatchOnly(const api::Resource& resource, std::string_view namespace_, std::string_view name,
                 PatchType type, std::string patch, std::string_view subresource, Done done);
  // Empty namespace: all.
  void List(const api::Resource& resource, std::string_view namespace_, const ListOptions& options,
            Completion<ObjectList> done);
  void Create(const api::Resource& resource, std::string_view namespace_,
              const google::protobuf::Message& object, ObjectDone done);
  // By the object's own namespace and name. subresource: "" or "status".
  void Update(const api::Resource& resource, const google::protobuf::Message& object,
              std::string_view subresource, ObjectDone done);
  void Patch(const api::Resource& resource, std::string_view namespace_, std::string_view name,
             PatchType type, std::string patch, std::string_view subresource, ObjectDone done);
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              const DeleteOptions& options, Done done);
  // POST pods/NAME/binding. uid: of the pod, a precondition; empty: none.
  void Bind(std::string_view namespace_, std::string_view name, std::string_view uid,
            std::string_view node_name, Done done);
  // Destroying the stream ends it: no handler runs afterwards, if that is done on the executor.
  std::unique_ptr<Stream> Watch(const api::Resource& resource, std::string_view namespace_,
                                const WatchOptions& options, WatchHandler handler);

  template <typename T>
  void Get(std::string_view namespace_, std::string_view name,
           Completion<std::shared_ptr<const T>> done) {
    Get(api::ResourceOf<T>(), namespace_, name, Typed<T>(std::move(done)));
  }
  template <typename T>
  void Create(const T& object, Completion<std::shared_ptr<const T>> done) {
    Create(api::ResourceOf<T>(), object.metadata().namespace_(), object,
           Typed<T>(std::move(done)));
  }
  template <typename T>
  void Update(const T& object, Completion<std::shared_ptr<const T>> done) {
    Update(api::ResourceOf<T>(), object, {}, Typed<T>(std::move(done)));
  }
  template <typename T>
  void UpdateStatus(const T& object, Completion<std::shared_ptr<const T>> done) {
    Update(api::ResourceOf<T>(), object, "status", Typed<T>(std::move(done)));
  }

  Executor& executor() const;
  // Small writes travel in batches: many may be on their way.
  bool Batching() const;

 private:
  struct Core;
  struct Request;
  template <typename T>
  static ObjectDone Typed(Completion<std::shared_ptr<const T>> done) {
    return [done = std::move(done)](absl::StatusOr<ObjectPtr> object) mutable {
      if (!object.ok()) return done(std::move(object).status());
      done(std::static_pointer_cast<const T>(*std::move(object)));
    };
  }
  void SendForObject(api::HttpRequest request, const google::protobuf::Message& prototype,
                     ObjectDone done);
  // batch_object: what a write that may travel in a batch is of; empty: it may not.
  void SendForNothing(api::HttpRequest request, Done done, std::string batch_object = {});
  api::HttpRequest NewRequest(std::string method, std::string target) const;
  api::HttpRequest NewCreate(const api::Resource& resource, std::string_view namespace_,
                             const google::protobuf::Message& object) const;
  api::HttpRequest NewPatch(const api::Resource& resource, std::string_view namespace_,
                            std::string_view name, PatchType type, std::string patch,
                            std::string_view subresource) const;

  std::shared_ptr<Core> core_;
};

}  // namespace berth::client
