// The resource table: one row for each resource the system knows, whoever asks: the API server's
// router, discovery and OpenAPI, the client, the scheduler's informers, the command line.
// A new resource is a message in api/schema/ plus one row here.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "api/fwd.h"

namespace berth::api {

// What a subresource takes and does is the API server's business; the table only says it exists.
struct Subresource {
  std::string_view name;      // "status", "binding", "scale", "eviction", "finalize"
  std::string_view group;     // of the kind it carries, when not the parent's own
  std::string_view version;
  std::string_view kind;
  std::string_view verbs;     // "get,patch,update", as discovery lists them
};

struct Resource {
  std::string_view group;      // "" for core
  std::string_view version;    // "v1"
  std::string_view plural;     // "pods"
  std::string_view singular;   // "pod"
  std::string_view kind;       // "Pod"
  bool namespaced = false;
  std::string_view verbs;        // "create,delete,...", sorted, as discovery lists them
  std::string_view short_names;  // comma-separated
  std::string_view categories;   // comma-separated
  // Objects are kept under /registry/<storage_prefix>/[namespace/]name. Resources that show the
  // same objects in two groups (events) share it.
  std::string_view storage_prefix;
  const google::protobuf::Message* prototype = nullptr;       // the kind's default instance
  const google::protobuf::Message* list_prototype = nullptr;  // its list's
  std::span<const Subresource> subresources = {};

  std::string_view list_kind() const;    // "PodList"
  std::string api_version() const;       // "v1", "apps/v1"
  std::string path_prefix() const;       // "/api/v1", "/apis/apps/v1"
  // "pods", "replicasets.apps": how upstream's messages name it.
  std::string qualified() const;
  const Subresource* FindSubresource(std::string_view name) const;
  std::unique_ptr<google::protobuf::Message> New() const;
  std::unique_ptr<google::protobuf::Message> NewList() const;
};

// What our API server serves, in discovery order: core first, then groups as upstream ranks them.
std::span<const Resource> Resources();

// nullptr when there is none.
const Resource* FindResource(std::string_view group, std::string_view version,
                             std::string_view plural);
const Resource* FindKind(std::string_view group, std::string_view version, std::string_view kind);
// "apps/v1" -> {"apps", "v1"}; "v1" -> {"", "v1"}.
struct GroupVersion {
  std::string_view group, version;
};
GroupVersion ParseGroupVersion(std::string_view api_version);

// The row of T, for typed code: ResourceOf<core::Pod>(). The message must have a row.
const Resource& ResourceOfDescriptor(const google::protobuf::Message& prototype);
template <typename T>
const Resource& ResourceOf() {
  static const Resource& row = ResourceOfDescriptor(T::default_instance());
  return row;
}

// The URL path of a collection or an object. namespace_ is ignored for cluster-scoped resources;
// an empty one means all namespaces.
std::string CollectionPath(const Resource& resource, std::string_view namespace_);
std::string ObjectPath(const Resource& resource, std::string_view namespace_,
                       std::string_view name, std::string_view subresource = {});

}  // namespace berth::api
