#include "cluster/apiserver/answers.h"

#include <utility>

#include "api/errors.h"
#include "api/schema/meta_v1_status.pb.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {

api::HttpResponse TextAnswer(int code, std::string text) {
  api::HttpResponse response;
  response.code = code;
  response.content_type = "text/plain; charset=utf-8";
  response.body = MakeBytes(std::move(text));
  return response;
}

api::HttpResponse StatusAnswer(const absl::Status& failure) {
  api::HttpResponse response;
  response.code = api::HttpCode(failure);
  response.content_type = std::string(AnswerType(Media::kJson));
  if (const int64_t seconds = api::RetryAfterSeconds(failure); seconds > 0) {
    response.headers.emplace_back("Retry-After", std::to_string(seconds));
  }
  response.body =
      MakeBytes(Encode(api::ToStatusMessage(failure), {"v1", "Status"}, Media::kJson));
  return response;
}

}  // namespace berth::apiserver
