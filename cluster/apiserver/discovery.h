// Discovery: which groups, versions and resources there are, in the old form (one document per
// group version) and the aggregated one (apidiscovery.k8s.io/v2). Built once, cached bytes.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/resource_table.h"
#include "api/wire.h"
#include "cluster/apiserver/negotiation.h"

namespace berth::apiserver {

// Threads: immutable once built.
class Discovery {
 public:
  // address: "127.0.0.1:8080", what /api says clients may use.
  Discovery(std::span<const api::Resource> resources, std::string_view address);

  // /api, /api/v1, /apis, /apis/GROUP, /apis/GROUP/VERSION; nullopt for any other path. JSON, or
  // protobuf when asked; If-None-Match is `etag_wanted`.
  std::optional<api::HttpResponse> Answer(std::string_view path, std::string_view accept) const;

 private:
  struct Document {
    Bytes json, protobuf;
  };
  static Document Make(const google::protobuf::Message& message, std::string_view api_version,
                       std::string_view kind);

  std::map<std::string, Document, std::less<>> documents_;   // by path
  std::map<std::string, Document, std::less<>> aggregated_;  // "/api", "/apis"
};

}  // namespace berth::apiserver
