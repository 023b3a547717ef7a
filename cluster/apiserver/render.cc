#include "cluster/apiserver/render.h"

#include <utility>

#include <fmt/core.h>

#include "api/event_conversion.h"
#include "api/json.h"
#include "api/json_writer.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/events_v1.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/schema/meta_v1_table.pb.h"
#include "cluster/apiserver/codec.h"
#include "cluster/apiserver/printers/printer.h"

namespace berth::apiserver {
namespace {

using As = OutputFormat::As;

std::string_view MetaVersion(const OutputFormat& format) {
  return format.beta ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1";
}

// An object as PartialObjectMetadata.
std::string Partial(const StoredObject& object, const OutputFormat& format, Media media) {
  api::meta::PartialObjectMetadata partial;
  *partial.mutable_metadata() = object.metadata();
  return Encode(partial, {std::string(MetaVersion(format)), "PartialObjectMetadata"}, media);
}

void AppendListMetadata(const ListMetadata& metadata, api::JsonWriter& out) {
  out.Raw(R"("metadata":{"resourceVersion":")");
  out.Raw(std::to_string(metadata.revision));
  out.Char('"');
  if (!metadata.continue_token.empty()) {
    out.Raw(R"(,"continue":)");
    out.String(metadata.continue_token);
    if (metadata.remaining > 0) {
      out.Raw(R"(,"remainingItemCount":)");
      out.Int(metadata.remaining);
    }
  }
  out.Raw("},");
}

void AppendColumns(const Printer& printer, api::JsonWriter& out) {
  out.Char('[');
  for (const Column& column : printer.columns) {
    if (out.last() == '}') out.Char(',');
    out.Raw(R"({"name":)");
    out.String(column.name);
    out.Raw(R"(,"type":)");
    out.String(column.type);
    out.Raw(R"(,"format":)");
    out.String(column.format);
    out.Raw(R"(,"description":"","priority":)");
    out.Int(column.priority);
    out.Char('}');
  }
  out.Char(']');
}

void AppendRow(const Printer& printer, const api::Resource& resource, const ObjectPtr& object,
               const RenderOptions& options, api::JsonWriter& out) {
  out.Raw(R"({"cells":[)");
  printer.cells(object->message(), options.now, out);
  out.ReplaceLast(']');
  if (const RowCondition* condition =
          printer.condition == nullptr ? nullptr : printer.condition(object->message())) {
    out.Raw(fmt::format(
        R"(,"conditions":[{{"type":"{}","status":"{}","reason":"{}","message":"{}"}}])",
        condition->type, condition->status, condition->reason, condition->message));
  }
  out.Raw(R"(,"object":)");
  switch (options.include) {
    case IncludeObject::kMetadata: out.Raw(Partial(*object, options.format, Media::kJson)); break;
    case IncludeObject::kNone: out.Raw("null"); break;
    case IncludeObject::kObject: out.Raw(*ViewAs(resource, object)->Encoded(Media::kJson)); break;
  }
  out.Char('}');
}

std::string RenderTable(const api::Resource& resource, std::span<const ObjectPtr> objects,
                        const ListMetadata& metadata, const RenderOptions& options) {
  const Printer& printer = PrinterFor(resource);
  api::JsonWriter out;
  out.Raw(fmt::format(R"({{"kind":"Table","apiVersion":"{}",)", MetaVersion(options.format)));
  AppendListMetadata(metadata, out);
  out.Raw(R"("columnDefinitions":)");
  if (options.column_definitions) {
    AppendColumns(printer, out);
  } else {
    out.Raw("null");
  }
  out.Raw(R"(,"rows":[)");
  for (const ObjectPtr& object : objects) {
    AppendRow(printer, resource, object, options, out);
    out.Char(',');
  }
  if (objects.empty()) {
    out.Char(']');
  } else {
    out.ReplaceLast(']');
  }
  out.Char('}');
  return std::string(out.text());
}

std::string RenderPartialList(const std::vector<ObjectPtr>& objects, const ListMetadata& metadata,
                              const OutputFormat& format) {
  const Media media = format.media;
  if (media == Media::kProtobuf) {
    api::meta::PartialObjectMetadataList list;
    list.mutable_metadata()->set_resource_version(std::to_string(metadata.revision));
    if (!metadata.continue_token.empty()) {
      list.mutable_metadata()->set_continue_(metadata.continue_token);
      if (metadata.remaining > 0) {
        list.mutable_metadata()->set_remaining_item_count(metadata.remaining);
      }
    }
    for (const ObjectPtr& object : objects) {
      *list.add_items()->mutable_metadata() = object->metadata();
    }
    return Encode(list, {std::string(MetaVersion(format)), "PartialObjectMetadataList"}, media);
  }
  api::JsonWriter out;
  out.Raw(fmt::format(R"({{"kind":"PartialObjectMetadataList","apiVersion":"{}",)",
                      MetaVersion(format)));
  AppendListMetadata(metadata, out);
  out.Raw(R"("items":[)");
  for (const ObjectPtr& object : objects) {
    out.Raw(Partial(*object, format, Media::kJson));
    out.Char(',');
  }
  if (objects.empty()) {
    out.Raw("]}");
  } else {
    out.ReplaceLast(']');
    out.Char('}');
  }
  return std::string(out.text());
}

// The list made of its items' cached encodings.
std::string RenderPlainList(const api::Resource& resource, const std::vector<ObjectPtr>& objects,
                            const ListMetadata& metadata, Media media) {
  if (media == Media::kProtobuf) return EncodeProtobufList(resource, objects, metadata);
  size_t size = 256;
  std::vector<ObjectPtr> shown;
  shown.reserve(objects.size());
  for (const ObjectPtr& object : objects) {
    shown.push_back(ViewAs(resource, object));
    size += shown.back()->ListItem(Media::kJson).size() + 2;
  }
  std::string out;
  out.reserve(size);
  api::JsonWriter head;
  head.Raw(R"({"kind":)");
  head.String(resource.list_kind());
  head.Raw(R"(,"apiVersion":)");
  head.String(resource.api_version());
  head.Char(',');
  AppendListMetadata(metadata, head);
  head.Raw(R"("items":[)");
  out.append(head.text());
  for (const ObjectPtr& object : shown) {
    out.push_back('{');
    out.append(object->ListItem(Media::kJson)).push_back(',');
  }
  if (!shown.empty()) out.pop_back();
  out.append("]}");
  return out;
}

}  // namespace

std::string Render(const api::Resource& resource, const ObjectPtr& object,
                   const RenderOptions& options) {
  switch (options.format.as) {
    case As::kItself: break;
    case As::kTable:
      return RenderTable(resource, {&object, 1}, {object->revision(), "", 0}, options);
    case As::kPartialMetadata: return Partial(*object, options.format, options.format.media);
  }
  return *ViewAs(resource, object)->Encoded(options.format.media);
}

std::string RenderList(const api::Resource& resource, const std::vector<ObjectPtr>& objects,
                       const ListMetadata& metadata, const RenderOptions& options) {
  switch (options.format.as) {
    case As::kItself: break;
    case As::kTable: return RenderTable(resource, objects, metadata, options);
    case As::kPartialMetadata:
      return RenderPartialList(objects, metadata, options.format);
  }
  return RenderPlainList(resource, objects, metadata, options.format.media);
}

ObjectPtr ViewAs(const api::Resource& resource, ObjectPtr object) {
  if (resource.prototype == object->resource().prototype) return object;
  // The one resource with two forms.
  auto message = std::make_shared<api::events::Event>(
      api::ToEventsV1(object->As<api::core::Event>()));
  return std::make_shared<const StoredObject>(resource, object->key(), std::move(message),
                                              object->revision());
}

}  // namespace berth::apiserver
