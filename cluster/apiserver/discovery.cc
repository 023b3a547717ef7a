#include "cluster/apiserver/discovery.h"

#include <utility>
#include <vector>

#include <fmt/core.h>

#include "api/schema/apidiscovery_v2.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_discovery.pb.h"
#include "cluster/apiserver/codec.h"

namespace berth::apiserver {
namespace {

namespace meta = api::meta;
namespace apidiscovery = api::apidiscovery;

// The pieces of a comma-separated list.
std::vector<std::string> Pieces(std::string_view list) {
  std::vector<std::string> out;
  while (!list.empty()) {
    const size_t comma = list.find(',');
    out.emplace_back(list.substr(0, comma));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return out;
}

template <typename Repeated>
void Assign(std::string_view list, Repeated* out) {
  for (std::string& piece : Pieces(list)) *out->Add() = std::move(piece);
}

void SetKind(meta::GroupVersionKind& kind, std::string_view group, std::string_view version,
             std::string_view name) {
  kind.set_group(std::string(group));
  kind.set_version(std::string(version));
  kind.set_kind(std::string(name));
}

// A subresource's kind belongs to its parent's group unless it names its own.
bool OwnGroup(const api::Subresource& sub) { return !sub.version.empty(); }

void AddResource(const api::Resource& row, meta::APIResourceList& list) {
  meta::APIResource& resource = *list.add_resources();
  resource.set_name(std::string(row.plural));
  resource.set_singular_name(std::string(row.singular));
  resource.set_namespaced(row.namespaced);
  resource.set_kind(std::string(row.kind));
  Assign(row.verbs, resource.mutable_verbs()->mutable_items());
  Assign(row.short_names, resource.mutable_short_names());
  Assign(row.categories, resource.mutable_categories());
  for (const api::Subresource& sub : row.subresources) {
    meta::APIResource& its = *list.add_resources();
    its.set_name(fmt::format("{}/{}", row.plural, sub.name));
    its.set_singular_name("");
    its.set_namespaced(row.namespaced);
    if (OwnGroup(sub)) {
      its.set_group(std::string(sub.group));
      its.set_version(std::string(sub.version));
    }
    its.set_kind(std::string(sub.kind));
    Assign(sub.verbs, its.mutable_verbs()->mutable_items());
  }
}

void AddAggregated(const api::Resource& row, apidiscovery::APIVersionDiscovery& version) {
  apidiscovery::APIResourceDiscovery& resource = *version.add_resources();
  resource.set_resource(std::string(row.plural));
  SetKind(*resource.mutable_response_kind(), row.group, row.version, row.kind);
  resource.set_scope(row.namespaced ? "Namespaced" : "Cluster");
  resource.set_singular_resource(std::string(row.singular));
  Assign(row.verbs, resource.mutable_verbs());
  Assign(row.short_names, resource.mutable_short_names());
  Assign(row.categories, resource.mutable_categories());
  for (const api::Subresource& sub : row.subresources) {
    apidiscovery::APISubresourceDiscovery& its = *resource.add_subresources();
    its.set_subresource(std::string(sub.name));
    SetKind(*its.mutable_response_kind(), OwnGroup(sub) ? sub.group : row.group,
            OwnGroup(sub) ? sub.version : row.version, sub.kind);
    Assign(sub.verbs, its.mutable_verbs());
  }
}

void SetVersion(meta::GroupVersionForDiscovery& out, const api::Resource& row) {
  out.set_group_version(row.api_version());
  out.set_version(std::string(row.version));
}

// Everything of one group, versions in the table's order (the first is preferred).
struct Group {
  meta::APIGroup group;
  apidiscovery::APIGroupDiscovery aggregated;
  std::vector<std::pair<std::string, meta::APIResourceList>> versions;  // by path
};

std::vector<Group> GroupsOf(std::span<const api::Resource> resources) {
  std::vector<Group> groups;
  for (const api::Resource& row : resources) {
    Group* group = nullptr;
    for (Group& each : groups) {
      if (each.group.name() == row.group) group = &each;
    }
    if (group == nullptr) {
      group = &groups.emplace_back();
      group->group.set_name(std::string(row.group));
      if (row.group.empty()) {
        group->aggregated.mutable_metadata();
      } else {
        group->aggregated.mutable_metadata()->set_name(std::string(row.group));
      }
      SetVersion(*group->group.mutable_preferred_version(), row);
    }
    size_t at = 0;
    while (at < group->versions.size() && group->versions[at].first != row.path_prefix()) ++at;
    if (at == group->versions.size()) {
      group->versions.emplace_back(row.path_prefix(), meta::APIResourceList());
      group->versions.back().second.set_group_version(row.api_version());
      SetVersion(*group->group.add_versions(), row);
      apidiscovery::APIVersionDiscovery& version = *group->aggregated.add_versions();
      version.set_version(std::string(row.version));
      version.set_freshness("Current");
    }
    AddResource(row, group->versions[at].second);
    AddAggregated(row, *group->aggregated.mutable_versions(static_cast<int>(at)));
  }
  return groups;
}

}  // namespace

Discovery::Document Discovery::Make(const google::protobuf::Message& message,
                                    std::string_view api_version, std::string_view kind) {
  const TypeName type = {std::string(api_version), std::string(kind)};
  return {MakeBytes(Encode(message, type, Media::kJson)),
          MakeBytes(Encode(message, type, Media::kProtobuf))};
}

Discovery::Discovery(std::span<const api::Resource> resources, std::string_view address) {
  meta::APIVersions core;
  core.add_versions("v1");
  meta::ServerAddressByClientCIDR& where = *core.add_server_address_by_client_cidrs();
  where.set_client_cidr("0.0.0.0/0");
  where.set_server_address(std::string(address));
  documents_["/api"] = Make(core, "", "APIVersions");

  meta::APIGroupList list;
  apidiscovery::APIGroupDiscoveryList core_list, group_list;
  for (const Group& group : GroupsOf(resources)) {
    for (const auto& [path, version] : group.versions) {
      documents_[path] = Make(version, path == "/api/v1" ? "" : "v1", "APIResourceList");
    }
    if (group.group.name().empty()) {
      *core_list.add_items() = group.aggregated;
      continue;
    }
    documents_["/apis/" + group.group.name()] = Make(group.group, "v1", "APIGroup");
    *list.add_groups() = group.group;
    *group_list.add_items() = group.aggregated;
  }
  documents_["/apis"] = Make(list, "v1", "APIGroupList");
  aggregated_["/api"] = Make(core_list, "apidiscovery.k8s.io/v2", "APIGroupDiscoveryList");
  aggregated_["/apis"] = Make(group_list, "apidiscovery.k8s.io/v2", "APIGroupDiscoveryList");
}

std::optional<api::HttpResponse> Discovery::Answer(std::string_view path,
                                                   std::string_view accept) const {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const auto plain = documents_.find(path);
  if (plain == documents_.end()) return std::nullopt;
  const auto combined = aggregated_.find(path);
  for (const AcceptClause& clause : ParseAccept(accept)) {
    const bool protobuf = clause.subtype == "vnd.kubernetes.protobuf";
    const bool any = clause.type == "*" || clause.subtype == "*";
    if (!any && !protobuf && clause.subtype != "json") continue;
    const Document* document = &plain->second;
    std::string type(protobuf ? api::kProtobufType : api::kJsonType);
    if (const std::string_view as = clause.Parameter("as"); !as.empty()) {
      if (as != "APIGroupDiscoveryList" || clause.Parameter("v") != "v2" ||
          combined == aggregated_.end()) {
        continue;
      }
      document = &combined->second;
      type += ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    }
    api::HttpResponse response;
    response.code = 200;
    response.content_type = std::move(type);
    response.body = protobuf ? document->protobuf : document->json;
    return response;
  }
  api::HttpResponse response;  // nothing it wants: the plain form
  response.code = 200;
  response.content_type = std::string(api::kJsonType);
  response.body = plain->second.json;
  return response;
}

}  // namespace berth::apiserver
