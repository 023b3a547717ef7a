#include "cluster/apiserver/router.h"

#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace berth::apiserver {
namespace {

std::string Text(const RequestInfo& info) {
  switch (info.kind) {
    case RequestInfo::Kind::kOther: return "other";
    case RequestInfo::Kind::kNotFound: return "not found";
    case RequestInfo::Kind::kPageNotFound: return "page not found";
    case RequestInfo::Kind::kMethodNotAllowed: return "method";
    case RequestInfo::Kind::kResource: break;
  }
  return fmt::format("{} {} ns={} name={} sub={}", VerbName(info.verb), info.resource->qualified(),
                     info.namespace_, info.name, info.subresource ? info.subresource->name : "");
}

TEST(RouterTest, Paths) {
  const Router router(api::Resources());
  const struct {
    std::string_view method, target, want;
  } cases[] = {
      {"GET", "/api/v1/pods", "list pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=true", "watch pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=1", "watch pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch", "watch pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=yes", "watch pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=0", "list pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=False", "list pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=false", "list pods ns= name= sub="},
      {"POST", "/api/v1/pods", "method"},
      {"DELETE", "/api/v1/pods", "method"},
      {"GET", "/api/v1/namespaces/a/pods", "list pods ns=a name= sub="},
      {"POST", "/api/v1/namespaces/a/pods", "create pods ns=a name= sub="},
      {"DELETE", "/api/v1/namespaces/a/pods", "deletecollection pods ns=a name= sub="},
      {"PUT", "/api/v1/namespaces/a/pods", "method"},
      {"GET", "/api/v1/namespaces/a/pods/b", "get pods ns=a name=b sub="},
      {"HEAD", "/api/v1/namespaces/a/pods/b", "get pods ns=a name=b sub="},
      {"PUT", "/api/v1/namespaces/a/pods/b", "update pods ns=a name=b sub="},
      {"PATCH", "/api/v1/namespaces/a/pods/b/", "patch pods ns=a name=b sub="},
      {"DELETE", "/api/v1/namespaces/a/pods/b", "delete pods ns=a name=b sub="},
      {"POST", "/api/v1/namespaces/a/pods/b", "method"},
      {"PATCH", "/api/v1/namespaces/a/pods/b/status", "patch pods ns=a name=b sub=status"},
      {"POST", "/api/v1/namespaces/a/pods/b/binding", "create pods ns=a name=b sub=binding"},
      {"GET", "/api/v1/namespaces/a/pods/b/binding", "method"},
      {"GET", "/api/v1/namespaces/a/pods/b/nope", "not found"},
      {"GET", "/api/v1/namespaces/a/pods/b/status/c", "not found"},
      {"GET", "/api/v1/pods/b", "not found"},
      {"GET", "/api/v1/namespaces", "list namespaces ns= name= sub="},
      {"GET", "/api/v1/namespaces/a", "get namespaces ns= name=a sub="},
      {"DELETE", "/api/v1/namespaces", "method"},
      {"PUT", "/api/v1/namespaces/a/finalize", "update namespaces ns= name=a sub=finalize"},
      {"GET", "/api/v1/namespaces/a/status", "get namespaces ns= name=a sub=status"},
      {"GET", "/api/v1/namespaces/a/nodes", "not found"},
      {"GET", "/api/v1/nodes/n%2d1", "get nodes ns= name=n-1 sub="},
      {"GET", "/apis/apps/v1/namespaces/a/replicasets", "list replicasets.apps ns=a name= sub="},
      {"GET", "/apis/events.k8s.io/v1/events", "list events.events.k8s.io ns= name= sub="},
      {"GET", "/api/v1/watch/namespaces/a/pods/b", "watch pods ns=a name=b sub="},
      {"GET", "/api/v1/watch/nodes", "watch nodes ns= name= sub="},
      {"GET", "/api/v1/podz", "not found"},
      {"GET", "/api/v9/pods", "not found"},
      {"GET", "/apis/nope/v1/things", "page not found"},
      {"GET", "/apis/apps/v7/replicasets", "page not found"},
      {"GET", "/api", "other"},
      {"GET", "/api/v1", "other"},
      {"GET", "/apis/apps/v1", "other"},
      {"GET", "/", "other"},
      {"GET", "", "other"},
      {"GET", "/healthz?verbose", "other"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{} {}", c.method, c.target));
    EXPECT_EQ(Text(router.Route(c.method, c.target)), c.want);
  }
}

}  // namespace
}  // namespace berth::apiserver
