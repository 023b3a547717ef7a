#include "cluster/apiserver/openapi_model.h"

#include <algorithm>

#include <fmt/core.h>
#include <google/protobuf/message.h>

#include "api/message_table.h"
#include "api/schema/autoscaling_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "cluster/apiserver/negotiation.h"

namespace berth::apiserver {
namespace {

using google::protobuf::Descriptor;

constexpr char kPatch[] = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch";

std::string KindJson(std::string_view group, std::string_view version, std::string_view kind) {
  return fmt::format(R"({{"group":"{}","kind":"{}","version":"{}"}})", group, kind, version);
}

std::string Quoted(std::string_view text) { return fmt::format("\"{}\"", text); }

// "a,b" -> ["a","b"].
std::string QuotedList(std::string_view list) {
  std::string out = "[";
  while (!list.empty()) {
    const size_t comma = list.find(',');
    out += (out.size() > 1 ? "," : "") + Quoted(list.substr(0, comma));
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return out + "]";
}

Schema Plain(std::string_view type, std::string_view format = {}) {
  Schema schema;
  schema.type = type;
  schema.format = format;
  return schema;
}

// --- definitions -------------------------------------------------------------------------------

class Definitions {
 public:
  explicit Definitions(std::map<std::string, Schema>& out) : out_(out) {}

  // Adds the message and everything it is made of; its name.
  std::string Add(const Descriptor& message) {
    std::string name = DefinitionName(message);
    if (out_.contains(name)) return name;
    out_[name];  // a message may contain itself
    out_[name] = Make(api::MessageTable::Of(message));
    return name;
  }

  void AddKind(const std::string& name, std::string_view kind_json) {
    auto& extensions = out_[name].extensions;
    for (auto& [key, value] : extensions) {
      if (key != "x-kubernetes-group-version-kind") continue;
      value.insert(value.size() - 1, fmt::format(",{}", kind_json));
      return;
    }
    extensions.emplace_back("x-kubernetes-group-version-kind", fmt::format("[{}]", kind_json));
  }

 private:
  Schema Make(const api::MessageTable& table) {
    switch (table.form()) {
      case api::JSON_OBJECT: break;
      case api::JSON_QUANTITY: return Plain("string");
      case api::JSON_TIME:
      case api::JSON_MICRO_TIME: return Plain("string", "date-time");
      case api::JSON_DURATION: return Plain("string");
      case api::JSON_INT_OR_STRING: return Plain("string", "int-or-string");
      case api::JSON_STRING_LIST: {
        Schema list = Plain("array");
        list.items = std::make_unique<Schema>(Plain("string"));
        return list;
      }
      default: return Plain("object");
    }
    Schema schema = Plain("object");
    if (table.typed()) {
      schema.properties.push_back({"apiVersion", Plain("string")});
      schema.properties.push_back({"kind", Plain("string")});
    }
    for (const api::FieldInfo& field : table.fields()) {
      schema.properties.push_back({std::string(field.json_name), FieldSchema(field)});
    }
    std::sort(schema.properties.begin(), schema.properties.end(),
              [](const auto& a, const auto& b) { return a.name < b.name; });
    return schema;
  }

  Schema ValueSchema(const api::FieldInfo& field) {
    switch (field.kind) {
      case api::FieldKind::kString: return Plain("string");
      case api::FieldKind::kBytes: return Plain("string", "byte");
      case api::FieldKind::kBool: return Plain("boolean");
      case api::FieldKind::kInt32: return Plain("integer", "int32");
      case api::FieldKind::kInt64: return Plain("integer", "int64");
      case api::FieldKind::kDouble: return Plain("number", "double");
      case api::FieldKind::kMessage: break;
    }
    Schema schema;
    schema.ref = Add(field.table->descriptor());
    return schema;
  }

  Schema FieldSchema(const api::FieldInfo& field) {
    Schema schema = ValueSchema(field);
    if (field.is_map) {
      Schema map = Plain("object");
      map.additional = std::make_unique<Schema>(std::move(schema));
      schema = std::move(map);
    } else if (field.repeated) {
      Schema list = Plain("array");
      list.items = std::make_unique<Schema>(std::move(schema));
      schema = std::move(list);
    }
    const auto extend = [&](std::string_view name, std::string value) {
      if (!value.empty() && value != "\"\"" && value != "[]") {
        schema.extensions.emplace_back(name, std::move(value));
      }
    };
    extend("x-kubernetes-list-map-keys", QuotedList(field.facts->list_keys()));
    extend("x-kubernetes-list-type", Quoted(field.facts->list_type()));
    extend("x-kubernetes-map-type", Quoted(field.facts->map_type()));
    extend("x-kubernetes-patch-merge-key", Quoted(field.facts->patch_merge_key()));
    extend("x-kubernetes-patch-strategy", Quoted(field.facts->patch_strategy()));
    return schema;
  }

  std::map<std::string, Schema>& out_;
};

// Everything a definition refers to, itself included.
void Reach(const std::map<std::string, Schema>& definitions, const std::string& name,
           std::set<std::string>& out);
void Reach(const std::map<std::string, Schema>& definitions, const Schema& schema,
           std::set<std::string>& out) {
  if (!schema.ref.empty()) Reach(definitions, schema.ref, out);
  if (schema.items) Reach(definitions, *schema.items, out);
  if (schema.additional) Reach(definitions, *schema.additional, out);
  for (const auto& [name, property] : schema.properties) Reach(definitions, property, out);
}
void Reach(const std::map<std::string, Schema>& definitions, const std::string& name,
           std::set<std::string>& out) {
  if (name.empty() || !out.insert(name).second) return;
  Reach(definitions, definitions.at(name), out);
}

// --- operations --------------------------------------------------------------------------------

const std::vector<Parameter> kWriteParameters = {
    {"dryRun", "string"}, {"fieldManager", "string"}, {"fieldValidation", "string"}};
const std::vector<Parameter> kPatchParameters = {{"dryRun", "string"},
                                                 {"fieldManager", "string"},
                                                 {"fieldValidation", "string"},
                                                 {"force", "boolean"}};
const std::vector<Parameter> kDeleteParameters = {{"dryRun", "string"},
                                                  {"gracePeriodSeconds", "integer"},
                                                  {"orphanDependents", "boolean"},
                                                  {"propagationPolicy", "string"}};
const std::vector<Parameter> kListParameters = {
    {"allowWatchBookmarks", "boolean"},  {"continue", "string"},
    {"fieldSelector", "string"},         {"labelSelector", "string"},
    {"limit", "integer"},                {"resourceVersion", "string"},
    {"resourceVersionMatch", "string"},  {"sendInitialEvents", "boolean"},
    {"timeoutSeconds", "integer"},       {"watch", "boolean"}};

bool Has(std::string_view verbs, std::string_view verb) {
  return fmt::format(",{},", verbs).find(fmt::format(",{},", verb)) != std::string::npos;
}

struct Names {
  std::string kind, list, status, delete_options;
  std::string kind_json;
  std::string suffix;  // of operation ids: "CoreV1NamespacedPod"
};

void AddOperation(PathEntry& path, std::string_view method, std::string_view action,
                  std::string_view id_verb, const Names& names,
                  const std::vector<Parameter>& query, std::string body, std::string answer) {
  Operation operation;
  operation.method = method;
  operation.action = action;
  operation.id = fmt::format("{}{}", id_verb, names.suffix);
  operation.kind_json = names.kind_json;
  operation.query = query;
  operation.body = std::move(body);
  operation.answer = std::move(answer);
  path.operations.push_back(std::move(operation));
}

void AddCollection(PathEntry& path, std::string_view verbs, const Names& names,
                   bool all_namespaces) {
  if (Has(verbs, "list")) {
    AddOperation(path, "get", "list", "list", names, kListParameters, "", names.list);
  }
  if (all_namespaces) return;
  if (Has(verbs, "create")) {
    AddOperation(path, "post", "post", "create", names, kWriteParameters, names.kind, names.kind);
  }
  if (Has(verbs, "deletecollection")) {
    AddOperation(path, "delete", "deletecollection", "deleteCollection", names, kListParameters,
                 names.delete_options, names.status);
  }
}

void AddObject(PathEntry& path, std::string_view verbs, const Names& names) {
  if (Has(verbs, "get")) AddOperation(path, "get", "get", "read", names, {}, "", names.kind);
  if (Has(verbs, "create")) {  // subresources only
    AddOperation(path, "post", "post", "create", names, kWriteParameters, names.kind, names.kind);
  }
  if (Has(verbs, "update")) {
    AddOperation(path, "put", "put", "replace", names, kWriteParameters, names.kind, names.kind);
  }
  if (Has(verbs, "patch")) {
    AddOperation(path, "patch", "patch", "patch", names, kPatchParameters, kPatch, names.kind);
  }
  if (Has(verbs, "delete")) {
    AddOperation(path, "delete", "delete", "delete", names, kDeleteParameters,
                 names.delete_options, names.status);
  }
}

// The kind a subresource carries, when it is not the parent's.
const Descriptor& SubresourceKind(const api::Resource& row, const api::Subresource& sub) {
  if (sub.kind == "Binding") return *api::core::Binding::descriptor();
  if (sub.kind == "Eviction") return *api::policy::Eviction::descriptor();
  if (sub.kind == "Scale") return *api::autoscaling::Scale::descriptor();
  return *row.prototype->GetDescriptor();
}

// "CoreV1", "AppsV1", "EventsV1".
std::string IdPrefix(const api::Resource& row) {
  std::string group(row.group.empty() ? "core" : row.group.substr(0, row.group.find('.')));
  std::string version(row.version);
  group[0] = static_cast<char>(group[0] - 'a' + 'A');
  version[0] = 'V';
  return group + version;
}

class Builder {
 public:
  explicit Builder(ApiModel& model) : model_(model), definitions_(model.definitions) {
    status_ = definitions_.Add(*api::meta::Status::descriptor());
    definitions_.AddKind(status_, KindJson("", "v1", "Status"));
    delete_options_ = definitions_.Add(*api::meta::DeleteOptions::descriptor());
    model_.definitions[kPatch] = Plain("object");
  }

  void Add(const api::Resource& row) {
    GroupVersionApi& group = GroupOf(row);
    Names names;
    names.kind = definitions_.Add(*row.prototype->GetDescriptor());
    names.list = definitions_.Add(*row.list_prototype->GetDescriptor());
    names.status = status_;
    names.delete_options = delete_options_;
    names.kind_json = KindJson(row.group, row.version, row.kind);
    definitions_.AddKind(names.kind, names.kind_json);
    definitions_.AddKind(names.list, KindJson(row.group, row.version, row.list_kind()));
    const std::string prefix = IdPrefix(row);
    const std::string root = row.path_prefix();
    const std::vector<Parameter> in_namespace = {{"namespace", "string", true}};
    std::vector<Parameter> parameters;
    std::string path = fmt::format("{}/{}", root, row.plural);
    if (row.namespaced) {
      names.suffix = fmt::format("{}{}ForAllNamespaces", prefix, row.kind);
      AddCollection(group.paths[path], row.verbs, names, true);
      path = fmt::format("{}/namespaces/{{namespace}}/{}", root, row.plural);
      parameters = in_namespace;
    }
    names.suffix = fmt::format("{}{}{}", prefix, row.namespaced ? "Namespaced" : "", row.kind);
    group.paths[path].parameters = parameters;
    AddCollection(group.paths[path], row.verbs, names, false);
    parameters.insert(parameters.begin(), {"name", "string", true});
    path += "/{name}";
    std::string object_verbs;  // create belongs to the collection
    for (std::string_view verb : {"get", "update", "patch", "delete"}) {
      if (Has(row.verbs, verb)) object_verbs += fmt::format("{},", verb);
    }
    group.paths[path].parameters = parameters;
    AddObject(group.paths[path], object_verbs, names);
    for (const api::Subresource& sub : row.subresources) {
      AddSubresource(row, sub, names, path, parameters, group);
    }
  }

  void Finish() {
    for (GroupVersionApi& group : model_.groups) {
      for (const auto& [path, entry] : group.paths) {
        for (const Operation& operation : entry.operations) {
          Reach(model_.definitions, operation.body, group.definitions);
          Reach(model_.definitions, operation.answer, group.definitions);
        }
      }
    }
  }

 private:
  GroupVersionApi& GroupOf(const api::Resource& row) {
    const std::string path = row.path_prefix().substr(1);
    for (GroupVersionApi& group : model_.groups) {
      if (group.path == path) return group;
    }
    definitions_.AddKind(delete_options_, KindJson(row.group, row.version, "DeleteOptions"));
    model_.groups.push_back({path, {}, {}});
    return model_.groups.back();
  }

  void AddSubresource(const api::Resource& row, const api::Subresource& sub, const Names& parent,
                      const std::string& path, const std::vector<Parameter>& parameters,
                      GroupVersionApi& group) {
    Names names = parent;
    names.kind = definitions_.Add(SubresourceKind(row, sub));
    const bool own = !sub.version.empty();
    names.kind_json = KindJson(own ? sub.group : row.group, own ? sub.version : row.version,
                               sub.kind);
    if (names.kind != parent.kind) definitions_.AddKind(names.kind, names.kind_json);
    std::string title(sub.name);
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
    names.suffix = parent.suffix + title;
    PathEntry& entry = group.paths[fmt::format("{}/{}", path, sub.name)];
    entry.parameters = parameters;
    AddObject(entry, sub.verbs, names);
  }

  ApiModel& model_;
  Definitions definitions_;
  std::string status_, delete_options_;
};

}  // namespace

std::string DefinitionName(const Descriptor& message) {
  constexpr std::string_view kDomain = "k8s.io.";
  std::string_view name = message.full_name();
  if (!name.starts_with(kDomain)) return std::string(name);
  return fmt::format("io.k8s.{}", name.substr(kDomain.size()));
}

ApiModel BuildApiModel(std::span<const api::Resource> resources) {
  ApiModel model;
  Builder builder(model);
  for (const api::Resource& row : resources) builder.Add(row);
  builder.Finish();
  return model;
}

}  // namespace berth::apiserver
