#include "cluster/apiserver/handler.h"

#include "base/check.h"

namespace berth::apiserver {
namespace {

constexpr char kNoAnswer[] =
    R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",)"
    R"("message":"Internal error occurred: the request was dropped without an answer",)"
    R"("reason":"InternalError","code":500})";

}  // namespace

Responder::~Responder() {
  if (!sink_) return;
  api::HttpResponse response;
  response.code = 500;
  response.content_type = api::kJsonType;
  response.body = MakeBytes(kNoAnswer);
  Respond(std::move(response));
}

void Responder::Respond(api::HttpResponse response) {
  BERTH_CHECK(sink_ != nullptr);
  std::unique_ptr<Sink> sink = std::move(sink_);
  sink->Respond(std::move(response));
}

std::shared_ptr<StreamWriter> Responder::StartStream(api::HttpResponse head) {
  BERTH_CHECK(sink_ != nullptr);
  BERTH_CHECK(!head.body || head.body->empty());
  std::unique_ptr<Sink> sink = std::move(sink_);
  return sink->StartStream(std::move(head));
}

}  // namespace berth::apiserver
