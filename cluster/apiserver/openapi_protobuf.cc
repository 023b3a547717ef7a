// OpenAPI version 2 in the protobuf form of gnostic (openapiv2/OpenAPIv2.proto), which kubectl asks
// for. Only the fields below are written; extensions carry JSON text, which is YAML.
#include <cstdint>

#include "cluster/apiserver/openapi_model.h"

namespace berth::apiserver {
namespace {

// A message being written: fields in any order, each with its number of the .proto file.
class Message {
 public:
  Message& Text(int field, std::string_view text) {
    if (!text.empty()) Bytes(field, text);
    return *this;
  }
  Message& Sub(int field, const Message& message) {
    Bytes(field, message.bytes_);
    return *this;
  }
  Message& Bool(int field, bool value) {
    if (!value) return *this;
    Varint(static_cast<uint64_t>(field) << 3);
    bytes_.push_back(1);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  void Bytes(int field, std::string_view bytes) {
    Varint(static_cast<uint64_t>(field) << 3 | 2);
    Varint(bytes.size());
    bytes_.append(bytes);
  }
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<char>(value | 0x80));
    bytes_.push_back(static_cast<char>(value));
  }
  std::string bytes_;
};

// NamedAny{name = 1, value = 2 {Any{yaml = 2}}}.
Message Extension(std::string_view name, std::string_view yaml) {
  return Message().Text(1, name).Sub(2, Message().Text(2, yaml));
}

// Named*{name = 1, value = 2}.
Message Named(std::string_view name, const Message& value) {
  return Message().Text(1, name).Sub(2, value);
}

std::string Ref(std::string_view name) { return std::string("#/definitions/").append(name); }

Message Encode(const Schema& schema) {
  Message out;
  if (!schema.ref.empty()) out.Text(1, Ref(schema.ref));
  out.Text(2, schema.format);
  if (schema.additional) out.Sub(21, Message().Sub(1, Encode(*schema.additional)));
  if (!schema.type.empty()) out.Sub(22, Message().Text(1, schema.type));
  if (schema.items) out.Sub(23, Message().Sub(1, Encode(*schema.items)));
  if (!schema.properties.empty()) {
    Message properties;
    for (const auto& [name, property] : schema.properties) {
      properties.Sub(1, Named(name, Encode(property)));
    }
    out.Sub(25, properties);
  }
  for (const auto& [name, json] : schema.extensions) out.Sub(31, Extension(name, json));
  return out;
}

// ParametersItem{parameter = 1 {...}}.
Message QueryParameter(const Parameter& parameter) {
  Message sub;
  sub.Text(2, "query").Text(4, parameter.name).Text(6, parameter.type).Bool(20, true);
  return Message().Sub(1, Message().Sub(2, Message().Sub(3, sub)));
}
Message PathParameter(const Parameter& parameter) {
  Message sub;
  sub.Bool(1, true).Text(2, "path").Text(4, parameter.name).Text(5, parameter.type).Bool(19, true);
  return Message().Sub(1, Message().Sub(2, Message().Sub(4, sub)));
}
Message BodyParameter(const std::string& definition) {
  Message sub;
  sub.Text(2, "body").Text(3, "body").Bool(4, true).Sub(5, Message().Text(1, Ref(definition)));
  return Message().Sub(1, Message().Sub(1, sub));
}

Message Encode(const Operation& operation) {
  Message out;
  out.Text(5, operation.id);
  if (!operation.body.empty()) out.Sub(8, BodyParameter(operation.body));
  for (const Parameter& parameter : operation.query) out.Sub(8, QueryParameter(parameter));
  const Message response = Message().Text(1, "OK").Sub(
      2, Message().Sub(1, Message().Text(1, Ref(operation.answer))));
  out.Sub(9, Message().Sub(1, Named("200", Message().Sub(1, response))));
  out.Sub(13, Extension("x-kubernetes-action", "\"" + operation.action + "\""));
  out.Sub(13, Extension("x-kubernetes-group-version-kind", operation.kind_json));
  return out;
}

Message Encode(const PathEntry& entry) {
  Message out;
  for (const Operation& operation : entry.operations) {
    const int field = operation.method == "get"      ? 2
                      : operation.method == "put"    ? 3
                      : operation.method == "post"   ? 4
                      : operation.method == "delete" ? 5
                                                     : 8;
    out.Sub(field, Encode(operation));
  }
  for (const Parameter& parameter : entry.parameters) out.Sub(9, PathParameter(parameter));
  return out;
}

}  // namespace

std::string OpenApiV2Protobuf(const ApiModel& model) {
  Message document;
  document.Text(1, "2.0");
  document.Sub(2, Message().Text(1, "Kubernetes").Text(2, "v1.36.2"));
  Message paths;
  for (const GroupVersionApi& group : model.groups) {
    for (const auto& [path, entry] : group.paths) paths.Sub(2, Named(path, Encode(entry)));
  }
  document.Sub(8, paths);
  Message definitions;
  for (const auto& [name, schema] : model.definitions) {
    definitions.Sub(1, Named(name, Encode(schema)));
  }
  document.Sub(9, definitions);
  return document.bytes();
}

}  // namespace berth::apiserver
