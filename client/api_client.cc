#include "client/api_client.h"

#include <algorithm>
#include <atomic>
#include <charconv>

#include <absl/synchronization/mutex.h>
#include <fmt/format.h>
#include <google/protobuf/message.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/object.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "base/check.h"
#include "client/request_batcher.h"

namespace berth::client {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// Tokens in a bucket; callers are told how long to wait for theirs.
class RateLimiter {
 public:
  RateLimiter(double qps, int burst) : qps_(qps), burst_(std::max(1, burst)), tokens_(burst_) {}

  absl::Duration Take(absl::Time now) {
    if (qps_ <= 0) return absl::ZeroDuration();
    absl::MutexLock lock(&mutex_);
    if (now > filled_) {
      tokens_ = std::min(burst_, tokens_ + absl::ToDoubleSeconds(now - filled_) * qps_);
      filled_ = now;
    }
    tokens_ -= 1;
    return tokens_ >= 0 ? absl::ZeroDuration() : absl::Seconds(-tokens_ / qps_);
  }

 private:
  const double qps_;
  const double burst_;
  absl::Mutex mutex_;
  double tokens_ ABSL_GUARDED_BY(mutex_);
  absl::Time filled_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

void AddParameter(std::string& target, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  target += target.find('?') == std::string::npos ? '?' : '&';
  target.append(key).append("=").append(api::PercentEncode(value));
}

void AddNumber(std::string& target, std::string_view key, int64_t value) {
  if (value > 0) AddParameter(target, key, std::to_string(value));
}

// Takes the items out of a list message, without copying them.
ObjectList TakeItems(Message& list) {
  ObjectList result;
  const Reflection* reflection = list.GetReflection();
  const FieldDescriptor* items = list.GetDescriptor()->FindFieldByName("items");
  BERTH_CHECK(items != nullptr);
  const api::meta::ListMeta& list_meta = api::ListMetaOf(list);
  result.resource_version = list_meta.resource_version();
  result.continue_token = list_meta.continue_();
  const int count = reflection->FieldSize(list, items);
  result.items.resize(static_cast<size_t>(count));
  for (int i = count - 1; i >= 0; --i) {
    result.items[static_cast<size_t>(i)] = ObjectPtr(reflection->ReleaseLast(&list, items));
  }
  return result;
}

absl::StatusOr<api::HttpResponse> Checked(absl::StatusOr<api::HttpResponse> response) {
  if (response.ok() && response->code >= 400) return ErrorOf(*response);
  return response;
}

// Seconds to wait before asking again; -1: the answer is final.
int64_t RetryAfter(const api::HttpResponse& response) {
  if (response.code != 429 && response.code < 500) return -1;
  const std::string_view text = api::FindHeader(response.headers, "Retry-After");
  if (text.empty()) return response.code == 429 ? 1 : -1;
  int64_t seconds = -1;
  std::from_chars(text.data(), text.data() + text.size(), seconds);
  return std::max<int64_t>(seconds, -1);
}

std::string DeleteBody(const DeleteOptions& options) {
  api::meta::DeleteOptions message;
  if (options.grace_period_s >= 0) message.set_grace_period_seconds(options.grace_period_s);
  if (!options.propagation.empty()) message.set_propagation_policy(options.propagation);
  if (!options.uid.empty()) message.mutable_preconditions()->set_uid(options.uid);
  if (!options.resource_version.empty()) {
    message.mutable_preconditions()->set_resource_version(options.resource_version);
  }
  std::string body;
  api::PrintJson(message, body, {.api_version = "v1", .kind = "DeleteOptions"});
  return body;
}

}  // namespace

struct ApiClient::Core {
  Transport& transport;
  Executor& executor;
  const ApiClientOptions options;
  RateLimiter limiter;
  const std::shared_ptr<RequestBatcher> batcher;  // null: no batches
  std::atomic<bool> closed{false};

  Core(Transport& t, Executor& e, ApiClientOptions o)
      : transport(t),
        executor(e),
        options(std::move(o)),
        limiter(options.qps, options.burst),
        batcher(options.batches
                    ? std::make_shared<RequestBatcher>(
                          t, e.clock(),
                          RequestBatcherOptions{.media = options.media, .timeout = options.timeout})
                    : nullptr) {}
};

// One request with its retries.
struct ApiClient::Request : std::enable_shared_from_this<Request> {
  std::shared_ptr<Core> core;
  api::HttpRequest http;
  // On the transport's thread: decodes, then posts.
  Completion<api::HttpResponse> finish;
  std::string batch_object;  // not empty: it may travel in a batch
  int attempts = 0;

  void Start() {
    const absl::Duration wait = core->limiter.Take(core->executor.clock().Now());
    if (wait > absl::ZeroDuration()) return After(wait);
    Send();
  }
  void After(absl::Duration wait) {
    core->executor.PostAfter(wait, [self = shared_from_this()] {
      if (self->core->closed) return self->finish(absl::CancelledError("the client was closed"));
      self->Send();
    });
  }
  void Send() {
    ++attempts;
    const bool last = attempts > core->options.retries_max;
    api::HttpRequest copy = last ? std::move(http) : http;
    auto done = [self = shared_from_this(), last](absl::StatusOr<api::HttpResponse> got) {
      const int64_t wait_s = got.ok() ? RetryAfter(*got) : -1;
      if (wait_s < 0 || last || self->core->closed) return self->finish(std::move(got));
      self->After(std::min(absl::Seconds(wait_s), self->core->options.retry_after_max));
    };
    if (core->batcher != nullptr && !batch_object.empty()) {
      return core->batcher->Add(batch_object, std::move(copy), std::move(done));
    }
    core->transport.Do(std::move(copy), core->options.timeout, std::move(done));
  }
};

ApiClient::ApiClient(Transport& transport, Executor& executor, ApiClientOptions options)
    : core_(std::make_shared<Core>(transport, executor, std::move(options))) {}
ApiClient::~ApiClient() { core_->closed = true; }

Executor& ApiClient::executor() const { return core_->executor; }
bool ApiClient::Batching() const { return core_->batcher != nullptr && core_->batcher->Batching(); }

api::HttpRequest ApiClient::NewRequest(std::string method, std::string target) const {
  api::HttpRequest request;
  request.method = std::move(method);
  request.target = std::move(target);
  // JSON as the second choice: what a server cannot say in protobuf (custom resources, its own
  // early errors).
  request.accept = core_->options.media == Media::kProtobuf
                       ? fmt::format("{},{}", api::kProtobufType, api::kJsonType)
                       : std::string(api::kJsonType);
  request.user_agent = core_->options.user_agent;
  return request;
}

void ApiClient::SendForObject(api::HttpRequest request, const Message& prototype,
                              ObjectDone done) {
  auto call = std::make_shared<Request>();
  call->core = core_;
  call->http = std::move(request);
  call->finish = [&prototype, done = OnExecutor(core_->executor, std::move(done))](
                     absl::StatusOr<api::HttpResponse> got) mutable {
    absl::StatusOr<api::HttpResponse> response = Checked(std::move(got));
    absl::StatusOr<ObjectPtr> result = absl::UnknownError("");
    if (!response.ok()) {
      result = response.status();
    } else {
      std::shared_ptr<Message> object(prototype.New());
      auto decoded = DecodeObject(response->content_type, response->text(), *object);
      if (decoded.ok()) {
        result = ObjectPtr(std::move(object));
      } else {
        result = decoded.status();
      }
    }
    done(std::move(result));
  };
  call->Start();
}

void ApiClient::SendForNothing(api::HttpRequest request, Done done, std::string batch_object) {
  auto call = std::make_shared<Request>();
  call->core = core_;
  call->batch_object = std::move(batch_object);
  call->http = std::move(request);
  call->finish = [done = OnExecutor(core_->executor, std::move(done))](
                     absl::StatusOr<api::HttpResponse> got) mutable {
    done(Checked(std::move(got)).status());
  };
  call->Start();
}

void ApiClient::Get(const api::Resource& resource, std::string_view namespace_,
                    std::string_view name, ObjectDone done) {
  SendForObject(NewRequest("GET", api::ObjectPath(resource, namespace_, name)),
                *resource.prototype, std::move(done));
}

void ApiClient::List(const api::Resource& resource, std::string_view namespace_,
                     const ListOptions& options, Completion<ObjectList> done) {
  std::string target = api::CollectionPath(resource, namespace_);
  AddParameter(target, "labelSelector", options.label_selector);
  AddParameter(target, "fieldSelector", options.field_selector);
  AddParameter(target, "resourceVersion", options.resource_version);
  AddParameter(target, "resourceVersionMatch", options.resource_version_match);
  AddNumber(target, "limit", options.limit);
  AddParameter(target, "continue", options.continue_token);
  auto call = std::make_shared<Request>();
  call->core = core_;
  call->http = NewRequest("GET", std::move(target));
  call->finish = [&resource, done = OnExecutor(core_->executor, std::move(done))](
                     absl::StatusOr<api::HttpResponse> got) mutable {
    absl::StatusOr<api::HttpResponse> response = Checked(std::move(got));
    absl::StatusOr<ObjectList> result = absl::UnknownError("");
    if (!response.ok()) {
      result = response.status();
    } else {
      std::unique_ptr<Message> list = resource.NewList();
      auto decoded = DecodeObject(response->content_type, response->text(), *list);
      if (decoded.ok()) {
        result = TakeItems(*list);
      } else {
        result = decoded.status();
      }
    }
    done(std::move(result));
  };
  call->Start();
}

api::HttpRequest ApiClient::NewCreate(const api::Resource& resource, std::string_view namespace_,
                                      const Message& object) const {
  api::HttpRequest request = NewRequest("POST", api::CollectionPath(resource, namespace_));
  request.content_type = ContentTypeOf(core_->options.media);
  request.body =
      EncodeObject(object, resource.api_version(), resource.kind, core_->options.media);
  return request;
}

void ApiClient::Create(const api::Resource& resource, std::string_view namespace_,
                       const Message& object, ObjectDone done) {
  SendForObject(NewCreate(resource, namespace_, object), *resource.prototype, std::move(done));
}

void ApiClient::CreateOnly(const api::Resource& resource, std::string_view namespace_,
                           const Message& object, Done done) {
  SendForNothing(NewCreate(resource, namespace_, object), std::move(done),
                 api::ObjectPath(resource, namespace_, api::MetaOf(object).name()));
}

void ApiClient::Update(const api::Resource& resource, const Message& object,
                       std::string_view subresource, ObjectDone done) {
  const api::meta::ObjectMeta& metadata = api::MetaOf(object);
  api::HttpRequest request = NewRequest(
      "PUT", api::ObjectPath(resource, metadata.namespace_(), metadata.name(), subresource));
  request.content_type = ContentTypeOf(core_->options.media);
  request.body =
      EncodeObject(object, resource.api_version(), resource.kind, core_->options.media);
  SendForObject(std::move(request), *resource.prototype, std::move(done));
}

api::HttpRequest ApiClient::NewPatch(const api::Resource& resource, std::string_view namespace_,
                                     std::string_view name, PatchType type, std::string patch,
                                     std::string_view subresource) const {
  api::HttpRequest request =
      NewRequest("PATCH", api::ObjectPath(resource, namespace_, name, subresource));
  switch (type) {
    case PatchType::kStrategicMerge: request.content_type = api::kStrategicMergePatchType; break;
    case PatchType::kMerge: request.content_type = api::kMergePatchType; break;
    case PatchType::kJson: request.content_type = api::kJsonPatchType; break;
  }
  request.body = std::move(patch);
  return request;
}

void ApiClient::Patch(const api::Resource& resource, std::string_view namespace_,
                      std::string_view name, PatchType type, std::string patch,
                      std::string_view subresource, ObjectDone done) {
  SendForObject(NewPatch(resource, namespace_, name, type, std::move(patch), subresource),
                *resource.prototype, std::move(done));
}

void ApiClient::PatchOnly(const api::Resource& resource, std::string_view namespace_,
                          std::string_view name, PatchType type, std::string patch,
                          std::string_view subresource, Done done) {
  SendForNothing(NewPatch(resource, namespace_, name, type, std::move(patch), subresource),
                 std::move(done), api::ObjectPath(resource, namespace_, name));
}

void ApiClient::Delete(const api::Resource& resource, std::string_view namespace_,
                       std::string_view name, const DeleteOptions& options, Done done) {
  api::HttpRequest request = NewRequest("DELETE", api::ObjectPath(resource, namespace_, name));
  // JSON whatever the media type: every server takes v1 DeleteOptions for every group in it.
  request.content_type = api::kJsonType;
  request.body = DeleteBody(options);
  SendForNothing(std::move(request), std::move(done));
}

void ApiClient::Bind(std::string_view namespace_, std::string_view name, std::string_view uid,
                     std::string_view node_name, Done done) {
  static const api::Resource& pods = *api::FindResource("", "v1", "pods");
  api::core::Binding binding;
  binding.mutable_metadata()->set_namespace_(std::string(namespace_));
  binding.mutable_metadata()->set_name(std::string(name));
  if (!uid.empty()) binding.mutable_metadata()->set_uid(std::string(uid));
  binding.mutable_target()->set_kind("Node");
  binding.mutable_target()->set_name(std::string(node_name));
  api::HttpRequest request =
      NewRequest("POST", api::ObjectPath(pods, namespace_, name, "binding"));
  request.content_type = ContentTypeOf(core_->options.media);
  request.body = EncodeObject(binding, "v1", "Binding", core_->options.media);
  SendForNothing(std::move(request), std::move(done), api::ObjectPath(pods, namespace_, name));
}

// --- watches -----------------------------------------------------------------------------------

namespace {

// A watch on its way from the transport's thread to the executor.
struct WatchState : std::enable_shared_from_this<WatchState> {
  WatchState(Executor& e, const Message& p, WatchHandler h)
      : executor(e), prototype(p), handler(std::move(h)) {}

  Executor& executor;
  const Message& prototype;
  WatchHandler handler;  // on the executor
  std::atomic<bool> cancelled{false};
  // On the transport's thread:
  std::unique_ptr<WatchDecoder> decoder;
  api::HttpResponse refusal;  // code 0: none
  std::string refusal_body;
  bool ended = false;

  void OnResponse(api::HttpResponse head) {
    if (head.code != 200) {
      refusal = std::move(head);
      return;
    }
    const bool protobuf = std::string_view(head.content_type).starts_with(api::kProtobufType);
    decoder =
        std::make_unique<WatchDecoder>(protobuf ? Media::kProtobuf : Media::kJson, prototype);
  }
  void OnData(const Bytes& chunk) {
    if (ended || cancelled) return;
    if (!decoder) {
      if (refusal_body.size() < (1 << 20)) refusal_body += *chunk;
      return;
    }
    std::vector<WatchFrame> frames;
    absl::Status status = decoder->Feed(*chunk, frames);
    if (!frames.empty()) {
      executor.Post([self = shared_from_this(), frames = std::move(frames)]() mutable {
        if (!self->cancelled) self->handler.on_events(std::move(frames));
      });
    }
    if (!status.ok()) End(std::move(status));
  }
  void OnClose(absl::Status status) {
    if (ended) return;
    if (refusal.code != 0) {
      refusal.body = MakeBytes(std::move(refusal_body));
      status = ErrorOf(refusal);
    } else if (status.ok() && decoder && decoder->partial()) {
      status = absl::UnavailableError("the watch ended within a frame");
    }
    End(std::move(status));
  }
  void End(absl::Status status) {
    ended = true;
    executor.Post([self = shared_from_this(), status = std::move(status)]() mutable {
      if (!self->cancelled) self->handler.on_close(std::move(status));
    });
  }
};

class WatchStream final : public Stream {
 public:
  WatchStream(std::shared_ptr<WatchState> state, std::unique_ptr<Stream> inner)
      : state_(std::move(state)), inner_(std::move(inner)) {}
  ~WatchStream() override { state_->cancelled = true; }

 private:
  const std::shared_ptr<WatchState> state_;
  const std::unique_ptr<Stream> inner_;
};

}  // namespace

std::unique_ptr<Stream> ApiClient::Watch(const api::Resource& resource,
                                         std::string_view namespace_, const WatchOptions& options,
                                         WatchHandler handler) {
  std::string target = api::CollectionPath(resource, namespace_);
  AddParameter(target, "watch", "true");
  AddParameter(target, "labelSelector", options.label_selector);
  AddParameter(target, "fieldSelector", options.field_selector);
  AddParameter(target, "resourceVersion", options.resource_version);
  AddParameter(target, "resourceVersionMatch", options.resource_version_match);
  if (options.send_initial_events) AddParameter(target, "sendInitialEvents", "true");
  if (options.bookmarks) AddParameter(target, "allowWatchBookmarks", "true");
  AddNumber(target, "timeoutSeconds", options.timeout_s);
  api::HttpRequest request = NewRequest("GET", std::move(target));
  request.accept = core_->options.media == Media::kProtobuf
                       ? fmt::format("{0};stream=watch,{1}", api::kProtobufType, api::kJsonType)
                       : std::string(api::kJsonType);
  auto state = std::make_shared<WatchState>(core_->executor, *resource.prototype,
                                            std::move(handler));
  StreamHandler stream;
  stream.on_response = [state](api::HttpResponse head) { state->OnResponse(std::move(head)); };
  stream.on_data = [state](const Bytes& chunk) { state->OnData(chunk); };
  stream.on_close = [state](absl::Status status) { state->OnClose(std::move(status)); };
  auto inner = core_->transport.Open(std::move(request), std::move(stream));
  return std::make_unique<WatchStream>(std::move(state), std::move(inner));
}

}  // namespace berth::client
