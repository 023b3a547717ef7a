// OpenAPI: the schema of every kind and the parameters of every operation, which is how kubectl
// validates, explains and merges. Version 2 as one document (JSON, or the protobuf form kubectl
// reads), version 3 as one document per group version. Generated from the descriptors of
// api/schema and the resource table, on the first request; cached bytes.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/resource_table.h"
#include "api/wire.h"
#include "base/bytes.h"

namespace berth::apiserver {

// Threads: one at a time.
class OpenApi {
 public:
  explicit OpenApi(std::span<const api::Resource> resources) : resources_(resources) {}

  // /openapi/v2, /openapi/v3, /openapi/v3/api/v1, /openapi/v3/apis/GROUP/VERSION; nullopt for any
  // other path.
  std::optional<api::HttpResponse> Answer(std::string_view path, std::string_view accept);

 private:
  void Build();

  const std::span<const api::Resource> resources_;
  bool built_ = false;
  Bytes v2_json_, v2_protobuf_, v3_index_;
  std::map<std::string, Bytes, std::less<>> v3_;  // by "api/v1", "apis/apps/v1"
};

}  // namespace berth::apiserver
