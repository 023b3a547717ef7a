#include "cluster/apiserver/router.h"

#include <deque>
#include <optional>

#include <absl/container/inlined_vector.h>
#include <fmt/core.h>

namespace berth::apiserver {
namespace {

using Kind = RequestInfo::Kind;

// The segments of a path. Escaped ones are decoded into `decoded`, which they then point to.
absl::InlinedVector<std::string_view, 8> Split(std::string_view path,
                                               std::deque<std::string>& decoded) {
  absl::InlinedVector<std::string_view, 8> segments;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    std::string_view segment = path.substr(0, slash);
    if (segment.find('%') != std::string_view::npos) {
      decoded.push_back(api::PercentDecode(segment).value_or(std::string(segment)));
      segment = decoded.back();
    }
    if (!segment.empty()) segments.push_back(segment);
    if (slash == std::string_view::npos) break;
    path.remove_prefix(slash + 1);
  }
  return segments;
}

std::optional<Verb> CollectionVerb(std::string_view method, bool watch, bool all_namespaces) {
  if (method == "GET" || method == "HEAD") return watch ? Verb::kWatch : Verb::kList;
  if (all_namespaces) return std::nullopt;
  if (method == "POST") return Verb::kCreate;
  if (method == "DELETE") return Verb::kDeleteCollection;
  return std::nullopt;
}

std::optional<Verb> ObjectVerb(std::string_view method, bool subresource) {
  if (method == "GET" || method == "HEAD") return Verb::kGet;
  if (method == "PUT") return Verb::kUpdate;
  if (method == "PATCH") return Verb::kPatch;
  if (method == "DELETE") return Verb::kDelete;
  if (method == "POST" && subresource) return Verb::kCreate;
  return std::nullopt;
}

// Whether a verb stands in a comma-separated list of them.
bool Allows(std::string_view verbs, std::string_view verb) {
  for (size_t at = verbs.find(verb); at != std::string_view::npos; at = verbs.find(verb, at + 1)) {
    const size_t end = at + verb.size();
    if ((at == 0 || verbs[at - 1] == ',') && (end == verbs.size() || verbs[end] == ',')) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view VerbName(Verb verb) {
  switch (verb) {
    case Verb::kGet: return "get";
    case Verb::kList: return "list";
    case Verb::kWatch: return "watch";
    case Verb::kCreate: return "create";
    case Verb::kUpdate: return "update";
    case Verb::kPatch: return "patch";
    case Verb::kDelete: return "delete";
    case Verb::kDeleteCollection: return "deletecollection";
  }
  return "";
}

Router::Router(std::span<const api::Resource> resources) {
  for (const api::Resource& row : resources) {
    group_versions_[row.path_prefix().substr(1)].by_plural.emplace(row.plural, &row);
  }
}

RequestInfo Router::Route(std::string_view method, std::string_view target) const {
  RequestInfo info;
  const size_t question = target.find('?');
  const std::string_view path = target.substr(0, question);
  if (question != std::string_view::npos) {
    info.query = api::Query::Parse(target.substr(question + 1));
  }
  std::deque<std::string> decoded;
  const auto segments = Split(path, decoded);
  const bool core = !segments.empty() && segments[0] == "api";
  const bool grouped = !segments.empty() && segments[0] == "apis";
  const size_t prefix = core ? 2 : 3;
  if ((!core && !grouped) || segments.size() <= prefix) {  // discovery and the like
    info.path = std::string(path);
    return info;
  }
  const auto group_version = group_versions_.find(
      core ? fmt::format("api/{}", segments[1])
           : fmt::format("apis/{}/{}", segments[1], segments[2]));
  if (group_version == group_versions_.end()) {
    info.kind = core ? Kind::kNotFound : Kind::kPageNotFound;
    return info;
  }
  RouteResource(group_version->second, Segments(segments).subspan(prefix), method, info);
  return info;
}

void Router::RouteResource(const GroupVersion& group_version, Segments rest,
                           std::string_view method, RequestInfo& info) const {
  info.kind = Kind::kNotFound;
  bool watch = info.query.GetBool("watch");
  const bool old_watch = rest[0] == "watch" && rest.size() > 1;
  if (old_watch) {
    rest = rest.subspan(1);
    watch = true;
  }
  // namespaces/NS/PLURAL..., except the subresources of a namespace itself.
  if (rest[0] == "namespaces" && rest.size() >= 3) {
    const auto itself = group_version.by_plural.find("namespaces");
    if (itself == group_version.by_plural.end() || rest.size() > 3 ||
        itself->second->FindSubresource(rest[2]) == nullptr) {
      info.namespace_ = std::string(rest[1]);
      rest = rest.subspan(2);
    }
  }
  const auto row = group_version.by_plural.find(rest[0]);
  if (row == group_version.by_plural.end() || rest.size() > 3) return;
  info.resource = row->second;
  const bool in_namespace = !info.namespace_.empty();
  if (in_namespace && !info.resource->namespaced) return;
  if (rest.size() >= 2) {
    if (info.resource->namespaced && !in_namespace) return;
    info.name = std::string(rest[1]);
  }
  if (rest.size() == 3) {
    info.subresource = info.resource->FindSubresource(rest[2]);
    if (info.subresource == nullptr) return;
  }
  std::optional<Verb> verb;
  if (old_watch) {
    if (method == "GET" && info.subresource == nullptr) verb = Verb::kWatch;
  } else if (info.name.empty()) {
    verb = CollectionVerb(method, watch, info.resource->namespaced && !in_namespace);
  } else {
    verb = ObjectVerb(method, info.subresource != nullptr);
  }
  const std::string_view verbs =
      info.subresource != nullptr ? info.subresource->verbs : info.resource->verbs;
  if (!verb || !Allows(verbs, VerbName(*verb))) {
    info.kind = Kind::kMethodNotAllowed;
    return;
  }
  info.verb = *verb;
  info.kind = Kind::kResource;
}

}  // namespace berth::apiserver
