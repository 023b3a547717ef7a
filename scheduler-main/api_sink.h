// What the engine does to the cluster, as API requests.
#pragma once

#include <string>
#include <string_view>

#include "client/api_client.h"
#include "client/event_recorder.h"
#include "framework/object_source.h"

namespace berth::scheduler {

// Threads: the client's executor only.
class ApiSink final : public framework::ObjectSink {
 public:
  // Both must outlive the sink.
  ApiSink(client::ApiClient& client, client::EventRecorder& recorder)
      : client_(client), recorder_(recorder) {}

  void Bind(const api::core::Pod& pod, std::string_view node_name, Done done) override;
  void Create(const api::Resource& resource, framework::ObjectPtr object,
              ObjectDone done) override;
  void Update(const api::Resource& resource, framework::ObjectPtr object,
              std::string_view subresource, ObjectDone done) override;
  void Patch(const api::Resource& resource, std::string_view namespace_, std::string_view name,
             std::string patch, std::string_view subresource, Done done) override;
  void Delete(const api::Resource& resource, std::string_view namespace_, std::string_view name,
              std::string_view uid, Done done) override;
  void Event(framework::EventNote note) override;

 private:
  client::ApiClient& client_;
  client::EventRecorder& recorder_;
};

}  // namespace berth::scheduler
