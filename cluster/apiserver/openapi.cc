#include "cluster/apiserver/openapi.h"

namespace berth::apiserver {

std::optional<api::HttpResponse> OpenApi::Answer(std::string_view, std::string_view) {
  return std::nullopt;
}

}  // namespace berth::apiserver
