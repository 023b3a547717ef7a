#include "cluster/apiserver/codec.h"

#include <utility>

#include <fmt/core.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include "api/envelope.h"
#include "api/errors.h"
#include "api/json.h"
#include "api/object.h"
#include "api/schema/meta_v1.pb.h"
#include "api/yaml.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/strings.h"
#include "cluster/apiserver/render.h"
#include "cluster/apiserver/stored_object.h"

namespace berth::apiserver {
namespace {

using google::protobuf::Message;
using MessageOr = absl::StatusOr<std::unique_ptr<Message>>;

absl::Status CannotBeHandled(const TypeName& got, const TypeName& type, std::string_view why) {
  return api::BadRequest(fmt::format("{} in version \"{}\" cannot be handled as a {}: {}",
                                     got.kind.empty() ? type.kind : got.kind,
                                     got.api_version.empty() ? type.api_version : got.api_version,
                                     type.kind, why));
}

// A body may leave its type out, but not name another one.
absl::Status CheckType(std::string_view api_version, std::string_view kind, const TypeName& type) {
  const TypeName got = {std::string(api_version), std::string(kind)};
  if (!kind.empty() && kind != type.kind) {
    return CannotBeHandled(got, type,
                           fmt::format("converting ({}.{}) to ({}): unknown conversion",
                                       got.api_version, got.kind, type.kind));
  }
  if (!api_version.empty() && !type.api_version.empty() && api_version != type.api_version) {
    return CannotBeHandled(got, type,
                           fmt::format("no kind \"{}\" is registered for version \"{}\"",
                                       type.kind, got.api_version));
  }
  return absl::OkStatus();
}

absl::Status Unrecognized(const TypeName& type, std::string_view why) {
  return api::BadRequest(fmt::format(
      "the object provided is unrecognized (must be of type {}): couldn't get version/kind; {}",
      type.kind, why));
}

MessageOr DecodeJsonBody(std::string_view body, const Message& prototype, const TypeName& type,
                         FieldValidation validation, std::vector<std::string>& warnings) {
  std::unique_ptr<Message> object(prototype.New());
  api::DecodeReport report;
  const api::DecodeOptions options = {.collect_problems = validation != FieldValidation::kIgnore};
  const absl::Status status = api::ParseJson(body, *object, options, &report);
  BERTH_RETURN_IF_ERROR(CheckType(report.api_version, report.kind, type));
  const TypeName got = {report.api_version, report.kind};
  if (!status.ok()) {
    const std::string_view why = ToStd(status.message());
    const size_t first = body.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || body[first] != '{') {
      return Unrecognized(type, fmt::format("json parse error: {}", why));
    }
    return CannotBeHandled(got, type, why);
  }
  if (validation == FieldValidation::kStrict) {
    const absl::Status strict = report.StrictError();
    if (!strict.ok()) return CannotBeHandled(got, type, ToStd(strict.message()));
  }
  for (std::string& problem : report.problems) warnings.push_back(std::move(problem));
  return object;
}

MessageOr DecodeProtobufBody(std::string_view body, const Message& prototype,
                             const TypeName& type) {
  std::unique_ptr<Message> object(prototype.New());
  const auto envelope = api::DecodeEnvelope(body, *object);
  if (!envelope.ok()) return Unrecognized(type, ToStd(envelope.status().message()));
  BERTH_RETURN_IF_ERROR(CheckType(envelope->api_version, envelope->kind, type));
  const absl::Status normal = api::Normalize(*object);
  if (!normal.ok()) return CannotBeHandled(type, type, ToStd(normal.message()));
  return object;
}

}  // namespace

const api::meta::ObjectMeta& MetadataOf(const Message& object) { return api::MetaOf(object); }

api::meta::ObjectMeta& MutableMetadata(Message& object) { return api::MutableMeta(object); }

std::string StableBytes(const Message& message) {
  std::string out;
  out.reserve(message.ByteSizeLong());
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeWithCachedSizes(&coded);
  }
  return out;
}

absl::StatusOr<Bytes> EncodeStored(const api::Resource& resource, const Message& object) {
  std::string out;
  const TypeName& type = TypeNameOf(resource);
  api::AppendEnvelope(object, type.api_version, type.kind, api::MapOrder::kByKey, out);
  if (out.size() > kStoredBytesMax && EnvelopeContent(out).size() > kStoredBytesMax) {
    return api::PlainError("etcdserver: request is too large");
  }
  return MakeBytes(std::move(out));
}

MessageOr DecodeStored(const api::Resource& resource, const std::string& value) {
  std::unique_ptr<Message> object = resource.New();
  const auto envelope = api::DecodeEnvelope(value, *object);
  if (!envelope.ok()) return envelope.status();
  return object;
}

const TypeName& TypeNameOf(const api::Resource& resource) {
  static const std::vector<TypeName>& names = *new std::vector<TypeName>([] {
    std::vector<TypeName> out;
    for (const api::Resource& row : api::Resources()) {
      out.push_back({row.api_version(), std::string(row.kind)});
    }
    return out;
  }());
  const auto index = static_cast<size_t>(&resource - api::Resources().data());
  BERTH_CHECK(index < names.size());
  return names[index];
}

std::string Encode(const Message& message, const TypeName& type, Media media) {
  std::string out;
  if (media == Media::kProtobuf) {
    api::AppendEnvelope(message, type.api_version, type.kind, api::MapOrder::kByKey, out);
  } else {
    api::PrintOptions options;
    options.api_version = type.api_version;
    options.kind = type.kind;
    api::PrintJson(message, out, options);
  }
  return out;
}

std::string_view EnvelopeContent(std::string_view envelope) {
  const auto read = api::ReadEnvelope(envelope);
  return read.ok() ? read->raw : std::string_view();
}

std::string EncodeProtobufList(const api::Resource& resource,
                               const std::vector<ObjectPtr>& objects,
                               const ListMetadata& metadata) {
  using google::protobuf::io::CodedOutputStream;
  api::meta::ListMeta list;
  list.set_resource_version(std::to_string(metadata.revision));
  if (!metadata.continue_token.empty()) list.set_continue_(metadata.continue_token);
  if (metadata.remaining > 0 && !metadata.continue_token.empty()) {
    list.set_remaining_item_count(metadata.remaining);
  }
  std::string raw;
  const auto append = [&raw](char tag, std::string_view bytes) {  // a length-delimited field
    raw.push_back(tag);
    size_t size = bytes.size();
    for (; size >= 0x80; size >>= 7) raw.push_back(static_cast<char>(size | 0x80));
    raw.push_back(static_cast<char>(size));
    raw.append(bytes);
  };
  append(0x0a, StableBytes(list));  // metadata = 1
  for (const ObjectPtr& object : objects) {
    append(0x12, ViewAs(resource, object)->ListItem(Media::kProtobuf));  // items = 2
  }
  std::string out;
  out.reserve(raw.size() + 64);
  api::AppendEnvelope(raw, resource.api_version(), resource.list_kind(), out);
  return out;
}

std::string Restyle(const std::string& json, Media media, bool pretty) {
  if (media == Media::kYaml) {
    auto yaml = api::JsonToYaml(json);
    return yaml.ok() ? *std::move(yaml) : json;
  }
  return pretty ? api::IndentJson(json) : json;
}

MessageOr DecodeBody(const std::string& body, Media media, const Message& prototype,
                     const TypeName& type, FieldValidation validation,
                     std::vector<std::string>& warnings) {
  switch (media) {
    case Media::kJson: return DecodeJsonBody(body, prototype, type, validation, warnings);
    case Media::kProtobuf: return DecodeProtobufBody(body, prototype, type);
    case Media::kYaml: break;
  }
  auto documents = api::YamlToJson(body);
  if (!documents.ok()) return Unrecognized(type, ToStd(documents.status().message()));
  return DecodeJsonBody(documents->empty() ? "null" : documents->front(), prototype, type,
                        validation, warnings);
}

MessageOr DecodePatched(const std::string& json, const Message& prototype, const TypeName& type,
                        FieldValidation validation, std::vector<std::string>& warnings) {
  std::unique_ptr<Message> object(prototype.New());
  api::DecodeReport report;
  const api::DecodeOptions options = {.collect_problems = validation != FieldValidation::kIgnore};
  absl::Status status = api::ParseJson(json, *object, options, &report);
  if (status.ok() && validation == FieldValidation::kStrict) status = report.StrictError();
  if (!status.ok()) {
    return api::InvalidKind("", "", "",
                            {api::InvalidString("patch", json, ToStd(status.message()))});
  }
  BERTH_RETURN_IF_ERROR(CheckType(report.api_version, report.kind, type));
  for (std::string& problem : report.problems) warnings.push_back(std::move(problem));
  return object;
}

}  // namespace berth::apiserver
