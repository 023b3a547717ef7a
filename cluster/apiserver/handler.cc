#include "cluster/apiserver/handler.h"

#include <utility>

#include "api/errors.h"
#include "base/check.h"
#include "cluster/apiserver/answers.h"

namespace berth::apiserver {

Responder::~Responder() {
  if (!sink_) return;
  Respond(StatusAnswer(api::InternalError("the request was dropped without an answer")));
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
