#include "cluster/apiserver/request_body.h"

#include <iterator>
#include <utility>

#include "api/errors.h"
#include "api/schema/autoscaling_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "base/status_macros.h"
#include "cluster/apiserver/request_options.h"

namespace berth::apiserver {
namespace {

constexpr int64_t kLightJsonPatchBytesMax = 4 << 10;

using MessageOr = absl::StatusOr<std::unique_ptr<google::protobuf::Message>>;

// Of either version of its kind.
MessageOr DecodeEviction(Call& call, Media media, FieldValidation validation) {
  const auto decode = [&](std::string version, std::vector<std::string>& warnings) {
    return DecodeBody(call.request.body, media, api::policy::Eviction::default_instance(),
                      {std::move(version), "Eviction"}, validation, warnings);
  };
  std::vector<std::string> warnings, old_warnings;
  MessageOr eviction = decode("policy/v1", warnings);
  if (!eviction.ok()) {
    if (MessageOr old = decode("policy/v1beta1", old_warnings); old.ok()) {
      eviction = std::move(old);
      warnings = std::move(old_warnings);
    }
  }
  call.Warn(warnings);
  return eviction;
}

MessageOr Decode(Call& call) {
  const bool deletes =
      call.info.verb == Verb::kDelete || call.info.verb == Verb::kDeleteCollection;
  if (deletes && call.request.body.empty()) return nullptr;
  BERTH_ASSIGN_OR_RETURN(const Media media, NegotiateBody(call.request.content_type));
  const auto decode = [&](const google::protobuf::Message& prototype, const TypeName& type,
                          FieldValidation validation) {
    return DecodeBody(call.request.body, media, prototype, type, validation, call.warnings);
  };
  if (deletes) {
    return decode(api::meta::DeleteOptions::default_instance(), {"", "DeleteOptions"},
                  FieldValidation::kWarn);
  }
  // Options that cannot be read are refused before anybody asks for the body.
  const auto options = ParseWriteOptions(call.info.query, "");
  const FieldValidation validation =
      options.ok() ? options->field_validation : FieldValidation::kWarn;
  const std::string_view subresource =
      call.info.subresource != nullptr ? call.info.subresource->name : std::string_view();
  if (subresource == "binding") {
    return decode(api::core::Binding::default_instance(), {"v1", "Binding"}, validation);
  }
  if (subresource == "eviction") return DecodeEviction(call, media, validation);
  if (subresource == "scale") {
    return decode(api::autoscaling::Scale::default_instance(), {"autoscaling/v1", "Scale"},
                  validation);
  }
  const api::Resource& resource = *call.info.resource;
  return decode(*resource.prototype, TypeNameOf(resource), validation);
}

}  // namespace

bool IsHeavy(const RequestInfo& info, const api::HttpRequest& request) {
  const bool reads = info.verb == Verb::kGet || info.verb == Verb::kList ||
                     info.verb == Verb::kWatch;
  if (info.kind != RequestInfo::Kind::kResource || reads) return false;
  const int64_t bytes = std::ssize(request.body);
  return bytes > kLightBytesMax ||
         (bytes > kLightJsonPatchBytesMax &&
          request.content_type.starts_with(api::kJsonPatchType));
}

MessagePtr FreedOn(Executor& executor, MessagePtr message) {
  google::protobuf::Message* raw = message.get();
  return {raw, [&executor, message = std::move(message)](auto*) mutable {
            executor.Post([message = std::move(message)] {});
          }};
}

void DecodeRequestBody(Call& call) {
  if (call.info.kind != RequestInfo::Kind::kResource) return;
  switch (call.info.verb) {
    case Verb::kCreate:
    case Verb::kUpdate:
    case Verb::kDelete:
    case Verb::kDeleteCollection:
      if (MessageOr body = Decode(call); !body.ok()) {
        call.body = body.status();
      } else if (call.heavy) {
        call.body = FreedOn(*call.encoder, *std::move(body));
      } else {
        call.body = *std::move(body);
      }
      call.request.body = {};
      return;
    case Verb::kGet:
    case Verb::kList:
    case Verb::kWatch:
      call.request.body = {};
      return;
    case Verb::kPatch:
      return;
  }
}

}  // namespace berth::apiserver
