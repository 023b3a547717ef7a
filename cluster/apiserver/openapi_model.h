// The API as data, before it is written as OpenAPI version 2 or 3: one schema for every message
// that can be reached from a resource, one operation for every verb of every path.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/resource_table.h"

namespace google::protobuf {
class Descriptor;
}

namespace berth::apiserver {

struct Property;

struct Schema {
  std::string ref;     // the name of another definition; then type is empty
  std::string type, format;
  std::unique_ptr<Schema> items;       // of an array
  std::unique_ptr<Schema> additional;  // of a map
  std::vector<Property> properties;    // by name
  std::vector<std::pair<std::string, std::string>> extensions;  // "x-...", JSON text
};

struct Property {
  std::string name;
  Schema schema;
};

struct Parameter {
  std::string name;
  std::string type;   // "string", "integer", "boolean"
  bool in_path = false;
};

struct Operation {
  std::string method;        // "get", "put", "post", "delete", "patch"
  std::string id;            // "createCoreV1NamespacedPod"
  std::string action;        // x-kubernetes-action
  std::string kind_json;     // {"group":"","kind":"Pod","version":"v1"}
  std::vector<Parameter> query;
  std::string body;          // a definition; empty: none
  std::string answer;        // a definition
};

struct PathEntry {
  std::vector<Parameter> parameters;  // in the path
  std::vector<Operation> operations;
};

// One group version.
struct GroupVersionApi {
  std::string path;  // "api/v1", "apis/apps/v1"
  std::map<std::string, PathEntry> paths;
  std::set<std::string> definitions;  // every one its operations reach
};

struct ApiModel {
  std::map<std::string, Schema> definitions;
  std::vector<GroupVersionApi> groups;
};

ApiModel BuildApiModel(std::span<const api::Resource> resources);

// "io.k8s.api.core.v1.Pod".
std::string DefinitionName(const google::protobuf::Descriptor& message);

std::string OpenApiV2Json(const ApiModel& model);
// gnostic's openapi.v2.Document (OpenAPIv2.proto has the field numbers).
std::string OpenApiV2Protobuf(const ApiModel& model);
std::string OpenApiV3Json(const ApiModel& model, const GroupVersionApi& group);

}  // namespace berth::apiserver
