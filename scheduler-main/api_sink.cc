#include "scheduler-main/api_sink.h"

#include <utility>

#include "api/object.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"

namespace berth::scheduler {
namespace {

client::ObjectDone ToClient(framework::ObjectSink::ObjectDone done) {
  return [done = std::move(done)](absl::StatusOr<client::ObjectPtr> result) mutable {
    if (result.ok()) {
      done(absl::OkStatus(), *std::move(result));
    } else {
      done(result.status(), nullptr);
    }
  };
}

}  // namespace

void ApiSink::Bind(const api::core::Pod& pod, std::string_view node_name, Done done) {
  const api::meta::ObjectMeta& metadata = pod.metadata();
  client_.Bind(metadata.namespace_(), metadata.name(), metadata.uid(), node_name,
               std::move(done));
}

void ApiSink::Create(const api::Resource& resource, framework::ObjectPtr object,
                     ObjectDone done) {
  client_.Create(resource, api::MetaOf(*object).namespace_(), *object,
                 ToClient(std::move(done)));
}

void ApiSink::Update(const api::Resource& resource, framework::ObjectPtr object,
                     std::string_view subresource, ObjectDone done) {
  client_.Update(resource, *object, subresource, ToClient(std::move(done)));
}

void ApiSink::Patch(const api::Resource& resource, std::string_view namespace_,
                    std::string_view name, std::string patch, std::string_view subresource,
                    Done done) {
  client_.PatchOnly(resource, namespace_, name, client::PatchType::kStrategicMerge,
                    std::move(patch), subresource, std::move(done));
}

void ApiSink::Delete(const api::Resource& resource, std::string_view namespace_,
                     std::string_view name, std::string_view uid, Done done) {
  client_.Delete(resource, namespace_, name, {.uid = std::string(uid)}, std::move(done));
}

void ApiSink::Event(framework::EventNote note) {
  recorder_.Record(*note.regarding, note.related.get(),
                   {.type = std::move(note.type),
                    .reason = std::move(note.reason),
                    .action = std::move(note.action),
                    .note = std::move(note.note),
                    .reporting_controller = std::move(note.reporting_controller)});
}

}  // namespace berth::scheduler
