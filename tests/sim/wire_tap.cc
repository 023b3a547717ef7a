#include "tests/sim/wire_tap.h"

#include <map>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/envelope.h"
#include "api/errors.h"
#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "client/api_client.h"
#include "client/codec.h"
#include "cluster/apiserver/router.h"
#include "cluster/apiserver/watch_cache.h"

namespace berth::sim {
namespace {

using apiserver::RequestInfo;
using apiserver::Verb;
using client::WatchFrame;

const apiserver::Router& TheRouter() {
  static const apiserver::Router router(api::Resources());
  return router;
}

std::string KeyOf(const api::Resource& resource, const api::meta::ObjectMeta& metadata) {
  return apiserver::StoreKey(resource, metadata.namespace_(), metadata.name());
}

int64_t MetaRevision(const api::meta::ObjectMeta& metadata) {
  return api::RevisionOf(metadata.resource_version());
}

// One watch: its revisions only grow, and what it shows is what the store had.
class WatchTap final : public StreamTap {
 public:
  WatchTap(std::string what, const RequestInfo& info, Observer& observer, Probes& probes)
      : what_(std::move(what)), resource_(*info.resource), observer_(observer), probes_(probes),
        initial_(!info.query.Has("resourceVersion") || info.query.Has("sendInitialEvents")),
        endless_initial_(initial_ && !info.query.Has("sendInitialEvents")) {}

  void OnResponse(const api::HttpResponse& head) override {
    if (head.code != 200) {
      probes_.Hit(fmt::format("watch refused {}", head.code));
      return;
    }
    const bool protobuf = std::string_view(head.content_type).starts_with(api::kProtobufType);
    decoder_.emplace(protobuf ? client::Media::kProtobuf : client::Media::kJson,
                     *resource_.prototype);
  }

  void OnData(std::string_view chunk) override {
    if (!decoder_) return;
    std::vector<WatchFrame> frames;
    const absl::Status status = decoder_->Feed(chunk, frames);
    if (api::IsExpired(status)) probes_.Hit("410 in a watch");
    for (const WatchFrame& frame : frames) OnFrame(frame);
  }

 private:
  void OnFrame(const WatchFrame& frame) {
    const api::meta::ObjectMeta& metadata = api::MetaOf(*frame.object);
    const int64_t revision = MetaRevision(metadata);
    if (observer_.echo()) {
      constexpr std::string_view kTypes[] = {"added", "modified", "deleted", "bookmark"};
      observer_.Note(fmt::format("{}: {} {}@{}", what_.substr(0, 60),
                                 kTypes[static_cast<size_t>(frame.type)], metadata.name(),
                                 revision));
    }
    if (frame.type == WatchFrame::Type::kBookmark) {
      probes_.Hit(initial_ ? "initial list ended" : "bookmark");
      initial_ = false;
    } else {
      observer_.Claim(what_ + " was shown it", KeyOf(resource_, metadata), revision);
    }
    if (endless_initial_) return;  // where the initial part ends is not told
    if (initial_) return;
    if (revision < last_) {
      observer_.Fail(fmt::format("{}: revision {} after {}", what_, revision, last_));
    }
    if (revision == last_ && frame.type != WatchFrame::Type::kBookmark &&
        metadata.name() == last_name_) {
      observer_.Fail(fmt::format("{}: {} at revision {} twice", what_, last_name_, revision));
    }
    last_ = revision;
    last_name_ = metadata.name();
  }

  const std::string what_;
  const api::Resource& resource_;
  Observer& observer_;
  Probes& probes_;
  bool initial_;
  const bool endless_initial_;
  std::optional<client::WatchDecoder> decoder_;
  int64_t last_ = 0;
  std::string last_name_;
};

}  // namespace

void WireTap::OnRequest(const api::HttpRequest& request) {
  ++requests_;
  if (scheduler_.empty() || request.method != "POST") return;
  const RequestInfo info = TheRouter().Route(request.method, request.target);
  if (info.subresource == nullptr || info.subresource->name != "binding") return;
  api::core::Binding binding;
  if (!client::DecodeObject(request.content_type, request.body, binding).ok()) {
    return observer_.Fail(name_ + " sent a binding that cannot be read");
  }
  observer_.Note(fmt::format("{} binds {} to {}", name_, info.name, binding.target().name()));
  observer_.ClaimBinder(name_, scheduler_, binding.metadata().uid());
}

void WireTap::OnAnswer(const api::HttpRequest& request, const api::HttpResponse& response) {
  if (response.code >= 400) return OnRefusal(request, response);
  if (request.method != "GET") OnWritten(request, response);
}

void WireTap::OnRefusal(const api::HttpRequest& request, const api::HttpResponse& response) {
  const absl::Status status = client::ErrorOf(response);
  const std::string_view text = ToStd(status.message());
  const auto says = [&](std::string_view part) { return text.find(part) != text.npos; };
  if (says("cannot take pod")) {
    probes_.Hit("binding refused: node full");
  } else if (says("is already assigned to node")) {
    probes_.Hit("binding repeated");
  } else if (says("is being deleted, cannot be assigned")) {
    probes_.Hit("binding refused: pod being deleted");
  } else if (says("UID in precondition") || says("the UID in the precondition")) {
    probes_.Hit("refused: another uid");
  } else if (says("the object has been modified")) {
    probes_.Hit("write conflict");
  } else {
    probes_.Hit(fmt::format("answer {} {}", response.code, api::Reason(status)));
  }
  observer_.Note(fmt::format("{} {} {} -> {} {}", name_, request.method, request.target,
                             response.code, text));
  if (response.code == 500 || response.code == 422 || response.code == 400) {
    observer_.Fail(fmt::format("{}: {} {} was answered {} {}", name_, request.method,
                               request.target, response.code, text));
  }
}

void WireTap::OnWritten(const api::HttpRequest& request, const api::HttpResponse& response) {
  const RequestInfo info = TheRouter().Route(request.method, request.target);
  if (info.resource == nullptr || response.body == nullptr) return;
  const std::string what = fmt::format("{} {} {}", name_, request.method, request.target);
  const auto envelope = api::ReadEnvelope(*response.body);
  if (!envelope.ok()) return observer_.Fail(what + ": the answer cannot be read");
  if (info.subresource != nullptr && info.subresource->name == "binding") {
    api::core::Binding binding;
    if (!client::DecodeObject(request.content_type, request.body, binding).ok()) return;
    return observer_.ClaimBound(binding.metadata().uid(), binding.target().name());
  }
  if (envelope->kind == "Status") {
    api::meta::Status status;
    (void)client::DecodeObject(response.content_type, *response.body, status);
    if (info.verb != Verb::kDelete) return observer_.Fail(what + ": answered with a Status");
    return observer_.ClaimGone(apiserver::StoreKey(*info.resource, info.namespace_, info.name),
                               status.details().uid());
  }
  std::unique_ptr<google::protobuf::Message> object = info.resource->New();
  if (!client::DecodeObject(response.content_type, *response.body, *object).ok()) {
    return observer_.Fail(what + ": the answer cannot be read");
  }
  const api::meta::ObjectMeta& metadata = api::MetaOf(*object);
  const std::string key = KeyOf(*info.resource, metadata);
  observer_.Claim(what + " was acknowledged", key, MetaRevision(metadata));
  if (info.verb == Verb::kDelete && metadata.deletion_grace_period_seconds() == 0) {
    observer_.ClaimGone(key, metadata.uid());
  }
}

std::unique_ptr<StreamTap> WireTap::OnOpen(const api::HttpRequest& request) {
  const RequestInfo info = TheRouter().Route(request.method, request.target);
  if (info.resource == nullptr || info.verb != Verb::kWatch) return nullptr;
  return std::make_unique<WatchTap>(fmt::format("{} watch {}", name_, request.target), info,
                                    observer_, probes_);
}

}  // namespace berth::sim
