#include "cluster/apiserver/call.h"

#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "base/strings.h"
#include "cluster/apiserver/compression.h"
#include "cluster/apiserver/render.h"
#include "cluster/apiserver/warning_headers.h"

namespace berth::apiserver {
namespace {

api::HttpResponse Whole(const OutputFormat& format, int code, std::string body) {
  api::HttpResponse response;
  response.code = code;
  response.content_type = std::string(AnswerType(format.media));
  if (format.media == Media::kYaml || (format.pretty && format.media == Media::kJson)) {
    body = Restyle(body, format.media, format.pretty);
  }
  response.body = MakeBytes(std::move(body));
  return response;
}

void Send(CallPtr call, api::HttpResponse response) {
  if (!call->warnings.empty()) {
    for (std::string& header : WarningHeaders(call->warnings)) {
      response.headers.emplace_back("Warning", std::move(header));
    }
  }
  if (call->answered) call->answered(*call, response.code);
  call->responder.Respond(std::move(response));
}

}  // namespace

IncludeObject ParseIncludeObject(const api::Query& query) {
  const std::string_view text = query.Get("includeObject").value_or("");
  if (text == "None") return IncludeObject::kNone;
  return text == "Object" ? IncludeObject::kObject : IncludeObject::kMetadata;
}

RenderOptions RenderOptionsOf(const Call& call, absl::Time now) {
  RenderOptions options;
  options.format = call.output;
  options.include = ParseIncludeObject(call.info.query);
  options.now = now;
  return options;
}

void Reply(CallPtr call, api::HttpResponse response) {
  if (std::ssize(response.text()) <= kCompressedBytesMin || call->encoder == nullptr ||
      !AcceptsGzip(api::FindHeader(call->request.headers, "Accept-Encoding"))) {
    return Send(std::move(call), std::move(response));
  }
  Executor& encoder = *call->encoder;
  auto compress = [call = std::move(call), response = std::move(response)]() mutable {
    response.body = MakeBytes(Gzip(*response.body));
    response.headers.emplace_back("Content-Encoding", "gzip");
    response.headers.emplace_back("Vary", "Accept-Encoding");
    Send(std::move(call), std::move(response));
  };
  if (encoder.IsCurrent()) return compress();
  encoder.Post(std::move(compress));
}

void Reply(CallPtr call, const absl::Status& failure) {
  const api::meta::Status status = api::ToStatusMessage(failure);
  OutputFormat format = call->output;
  format.as = OutputFormat::As::kItself;
  api::HttpResponse response =
      Whole(format, api::HttpCode(failure), Encode(status, {"v1", "Status"}, format.media));
  if (const int64_t seconds = api::RetryAfterSeconds(failure); seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  Reply(std::move(call), std::move(response));
}

namespace {

void ReplyHere(CallPtr call, int code, const ObjectPtr& object) {
  const OutputFormat& format = call->output;
  if (format.as == OutputFormat::As::kItself && format.media != Media::kYaml && !format.pretty &&
      call->info.resource->prototype == object->resource().prototype) {
    api::HttpResponse response;  // the shared encoding itself
    response.code = code;
    response.content_type = std::string(AnswerType(format.media));
    response.body = object->Encoded(format.media);
    return Reply(std::move(call), std::move(response));
  }
  std::string body = Render(*call->info.resource, object, RenderOptionsOf(*call, call->started));
  auto response = Whole(format, code, std::move(body));
  Reply(std::move(call), std::move(response));
}

void ReplyCode(CallPtr call, int code) {
  api::HttpResponse response;
  response.code = code;
  Send(std::move(call), std::move(response));
}

}  // namespace

void Reply(CallPtr call, int code, const ObjectPtr& object) {
  if (call->brief) return ReplyCode(std::move(call), code);
  Executor* encoder = call->encoder;
  const bool heavy = call->heavy || object->stored_bytes() > kLightBytesMax;
  if (!heavy || encoder == nullptr || encoder->IsCurrent()) {
    return ReplyHere(std::move(call), code, object);
  }
  encoder->Post([call = std::move(call), code, object]() mutable {
    ReplyHere(std::move(call), code, object);
  });
}

void ReplyText(CallPtr call, int code, std::string body) {
  auto response = Whole(call->output, code, std::move(body));
  Reply(std::move(call), std::move(response));
}

void Reply(CallPtr call, int code, const google::protobuf::Message& message,
           const TypeName& type) {
  if (call->brief) return ReplyCode(std::move(call), code);
  std::string body = Encode(message, type, call->output.media);
  ReplyText(std::move(call), code, std::move(body));
}

void ReplyCreated(CallPtr call) {
  api::meta::Status status;
  status.set_status("Success");
  status.set_code(201);
  call->output.as = OutputFormat::As::kItself;
  Reply(std::move(call), 201, status, {"v1", "Status"});
}

ObjectPtr MakeUnstored(const api::Resource& resource,
                       std::shared_ptr<google::protobuf::Message> message) {
  const api::meta::ObjectMeta& metadata = MetadataOf(*message);
  std::string key = metadata.namespace_().empty()
                        ? metadata.name()
                        : fmt::format("{}/{}", metadata.namespace_(), metadata.name());
  return std::make_shared<const StoredObject>(resource, std::move(key), std::move(message), 0);
}

}  // namespace berth::apiserver
