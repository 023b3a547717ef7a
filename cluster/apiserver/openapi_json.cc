// OpenAPI as JSON, version 2 (definitions, body parameters) and 3 (components, request bodies).
#include <fmt/core.h>

#include "api/json_writer.h"
#include "cluster/apiserver/openapi_model.h"

namespace berth::apiserver {
namespace {

enum class Version { kTwo, kThree };

constexpr std::string_view kInfo = R"("info":{"title":"Kubernetes","version":"v1.36.2"},)";
constexpr std::string_view kMediaTypes[] = {"application/json", "application/yaml",
                                            "application/vnd.kubernetes.protobuf"};
constexpr std::string_view kPatchTypes[] = {"application/json-patch+json",
                                            "application/merge-patch+json",
                                            "application/strategic-merge-patch+json"};

class Writer {
 public:
  explicit Writer(Version version) : version_(version) {}

  void Definitions(const std::map<std::string, Schema>& all, const std::set<std::string>* only) {
    Open('{');
    for (const auto& [name, schema] : all) {
      if (only != nullptr && !only->contains(name)) continue;
      Key(name);
      Write(schema);
    }
    Close('}');
  }

  void Paths(const std::map<std::string, PathEntry>& paths) {
    for (const auto& [path, entry] : paths) {
      Key(path);
      Open('{');
      for (const Operation& operation : entry.operations) {
        Key(operation.method);
        Write(operation);
      }
      if (!entry.parameters.empty()) {
        Key("parameters");
        Open('[');
        for (const Parameter& parameter : entry.parameters) Write(parameter);
        Close(']');
      }
      Close('}');
    }
  }

  void Open(char bracket) { out_.Char(bracket); }
  void Close(char bracket) {
    if (out_.last() == ',') {
      out_.ReplaceLast(bracket);
    } else {
      out_.Char(bracket);
    }
    out_.Char(',');
  }
  void Key(std::string_view name) {
    out_.String(name);
    out_.Char(':');
  }
  void Text(std::string_view key, std::string_view value) {
    Key(key);
    out_.String(value);
    out_.Char(',');
  }
  void Raw(std::string_view text) { out_.Raw(text); }
  std::string Finish() const { return std::string(out_.text().substr(0, out_.text().size() - 1)); }

 private:
  void Ref(std::string_view name) {
    Text("$ref", fmt::format("#/{}/{}",
                             version_ == Version::kTwo ? "definitions" : "components/schemas",
                             name));
  }

  void Write(const Schema& schema) {
    Open('{');
    if (!schema.ref.empty()) Ref(schema.ref);
    if (!schema.type.empty()) Text("type", schema.type);
    if (!schema.format.empty()) Text("format", schema.format);
    if (schema.items) {
      Key("items");
      Write(*schema.items);
    }
    if (schema.additional) {
      Key("additionalProperties");
      Write(*schema.additional);
    }
    if (!schema.properties.empty()) {
      Key("properties");
      Open('{');
      for (const auto& [name, property] : schema.properties) {
        Key(name);
        Write(property);
      }
      Close('}');
    }
    for (const auto& [name, json] : schema.extensions) {
      Key(name);
      Raw(json);
      Raw(",");
    }
    Close('}');
  }

  void Write(const Parameter& parameter) {
    Open('{');
    Text("name", parameter.name);
    Text("in", parameter.in_path ? "path" : "query");
    if (parameter.in_path) Raw(R"("required":true,)");
    if (version_ == Version::kTwo) {
      Text("type", parameter.type);
      Raw(R"("uniqueItems":true,)");
    } else {
      Raw(fmt::format(R"("schema":{{"type":"{}","uniqueItems":true}},)", parameter.type));
    }
    Close('}');
  }

  void Content(std::span<const std::string_view> types, std::string_view definition) {
    Key("content");
    Open('{');
    for (const std::string_view type : types) {
      Key(type);
      Raw("{\"schema\":{");
      Ref(definition);
      Close('}');
      Close('}');
    }
    Close('}');
  }

  void Body(const Operation& operation) {
    const bool patch = operation.method == "patch";
    if (version_ == Version::kThree) {
      Key("requestBody");
      Open('{');
      Content(patch ? std::span<const std::string_view>(kPatchTypes) : kMediaTypes,
              operation.body);
      Close('}');
      return;
    }
    Raw(R"({"name":"body","in":"body","required":true,"schema":{)");
    Ref(operation.body);
    Close('}');
    Close('}');
  }

  void Write(const Operation& operation) {
    Open('{');
    Text("operationId", operation.id);
    if (version_ == Version::kThree && !operation.body.empty()) Body(operation);
    Key("parameters");
    Open('[');
    if (version_ == Version::kTwo && !operation.body.empty()) Body(operation);
    for (const Parameter& parameter : operation.query) Write(parameter);
    Close(']');
    Raw(R"("responses":{"200":{"description":"OK",)");
    if (version_ == Version::kThree) {
      Content(kMediaTypes, operation.answer);
    } else {
      Raw("\"schema\":{");
      Ref(operation.answer);
      Close('}');
    }
    Close('}');
    Close('}');
    Text("x-kubernetes-action", operation.action);
    Key("x-kubernetes-group-version-kind");
    Raw(operation.kind_json);
    Raw(",");
    Close('}');
  }

  const Version version_;
  api::JsonWriter out_;
};

}  // namespace

std::string OpenApiV2Json(const ApiModel& model) {
  Writer writer(Version::kTwo);
  writer.Open('{');
  writer.Text("swagger", "2.0");
  writer.Raw(kInfo);
  writer.Raw(R"("paths":{)");
  for (const GroupVersionApi& group : model.groups) writer.Paths(group.paths);
  writer.Close('}');
  writer.Key("definitions");
  writer.Definitions(model.definitions, nullptr);
  writer.Close('}');
  return writer.Finish();
}

std::string OpenApiV3Json(const ApiModel& model, const GroupVersionApi& group) {
  Writer writer(Version::kThree);
  writer.Open('{');
  writer.Text("openapi", "3.0.0");
  writer.Raw(kInfo);
  writer.Raw(R"("paths":{)");
  writer.Paths(group.paths);
  writer.Close('}');
  writer.Raw(R"("components":{"schemas":)");
  writer.Definitions(model.definitions, &group.definitions);
  writer.Close('}');
  writer.Close('}');
  return writer.Finish();
}

}  // namespace berth::apiserver
