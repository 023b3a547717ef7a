// What a request asks for, read from its method, path and query: a walk over the path's segments.
//
//   /api/v1/..., /apis/GROUP/VERSION/...
//     PLURAL                                   list, watch (all namespaces of a namespaced kind);
//                                              create, deletecollection of a cluster-scoped one
//     PLURAL/NAME[/SUBRESOURCE]                cluster-scoped
//     namespaces/NS/PLURAL[/NAME[/SUBRESOURCE]]
//     watch/...                                the old watch paths, a name becoming a selector
//   anything else                              kOther: discovery, health, metrics, ...
//
// Source: apiserver/pkg/endpoints/request/requestinfo.go.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "api/resource_table.h"
#include "api/wire.h"
#include "base/strings.h"

namespace berth::apiserver {

enum class Verb { kGet, kList, kWatch, kCreate, kUpdate, kPatch, kDelete, kDeleteCollection };
// "get", "list", ..., "deletecollection".
std::string_view VerbName(Verb verb);

struct RequestInfo {
  enum class Kind {
    kResource,          // verb, resource and the rest are set
    kOther,             // a path of the server's own, not under a group it serves
    kNotFound,          // under a group it serves, but nothing is there: 404 as a Status
    kPageNotFound,      // under a group or version it does not serve: 404 in plain text
    kMethodNotAllowed,  // something is there, but not for this method: 405
  };
  Kind kind = Kind::kOther;
  Verb verb = Verb::kGet;
  const api::Resource* resource = nullptr;
  const api::Subresource* subresource = nullptr;
  std::string namespace_;  // empty: cluster-scoped, or all namespaces
  std::string name;
  std::string path;        // of kOther, without the query
  api::Query query;
};

// Threads: immutable once built.
class Router {
 public:
  // The rows must outlive the router.
  explicit Router(std::span<const api::Resource> resources);

  RequestInfo Route(std::string_view method, std::string_view target) const;

 private:
  using Segments = std::span<const std::string_view>;
  struct GroupVersion {
    StringMap<const api::Resource*> by_plural;
  };
  void RouteResource(const GroupVersion& group_version, Segments rest, std::string_view method,
                     RequestInfo& info) const;

  StringMap<GroupVersion> group_versions_;  // by "api/v1", "apis/apps/v1"
};

}  // namespace berth::apiserver
