#include "cluster/apiserver/openapi.h"

#include <utility>

#include <fmt/core.h>

#include "cluster/apiserver/negotiation.h"
#include "cluster/apiserver/openapi_model.h"

namespace berth::apiserver {
namespace {

// Asked for with an '@', which Go's mime parser refuses in an answer.
constexpr std::string_view kProtobufContentType =
    "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
constexpr std::string_view kProtobufSubtype = "com.github.proto-openapi.spec.v2@v1.0+protobuf";
constexpr std::string_view kIndex = "/openapi/v3";

// For cache keys: FNV-1a.
std::string HashOf(std::string_view text) {
  uint64_t hash = 14695981039346656037ull;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
  return fmt::format("{:016X}", hash);
}

api::HttpResponse Respond(std::string_view type, Bytes body) {
  api::HttpResponse response;
  response.code = 200;
  response.content_type = std::string(type);
  response.body = std::move(body);
  return response;
}

bool WantsProtobuf(std::string_view accept) {
  for (const AcceptClause& clause : ParseAccept(accept)) {
    if (clause.subtype == kProtobufSubtype) return true;
    if (clause.subtype == "json" || clause.subtype == "*") return false;
  }
  return false;
}

}  // namespace

void OpenApi::Build() {
  built_ = true;
  const ApiModel model = BuildApiModel(resources_);
  v2_json_ = MakeBytes(OpenApiV2Json(model));
  v2_protobuf_ = MakeBytes(OpenApiV2Protobuf(model));
  std::string index = R"({"paths":{)";
  for (const GroupVersionApi& group : model.groups) {
    const Bytes document = MakeBytes(OpenApiV3Json(model, group));
    v3_[group.path] = document;
    index += fmt::format(R"({}"{}":{{"serverRelativeURL":"/openapi/v3/{}?hash={}"}})",
                         index.back() == '{' ? "" : ",", group.path, group.path,
                         HashOf(*document));
  }
  v3_index_ = MakeBytes(index + "}}");
}

std::optional<api::HttpResponse> OpenApi::Answer(std::string_view path, std::string_view accept) {
  if (!built_) Build();
  if (path == "/openapi/v2") {
    if (WantsProtobuf(accept)) {
      return Respond(kProtobufContentType, v2_protobuf_);
    }
    return Respond(api::kJsonType, v2_json_);
  }
  if (path == kIndex) return Respond(api::kJsonType, v3_index_);
  if (!path.starts_with(kIndex)) return std::nullopt;
  const auto document = v3_.find(path.substr(kIndex.size() + 1));
  if (document == v3_.end()) return std::nullopt;
  return Respond(api::kJsonType, document->second);
}

}  // namespace berth::apiserver
