// A small API server for client tests: the ConfigMaps of one cluster, with faults on request.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/schema/core_v1_config.pb.h"
#include "client/codec.h"
#include "cluster/apiserver/handler.h"

namespace berth::client {

// One thread.
class FakeApi final : public apiserver::Handler {
 public:
  using Object = std::shared_ptr<const api::core::ConfigMap>;

  // --- what happens on the server
  // Creates or changes; returns the revision.
  int64_t Put(const std::string& namespace_, const std::string& name, const std::string& value);
  // Both at one revision; watchers get them in two chunks, `between` in the middle.
  int64_t PutTwo(const std::string& a, const std::string& b, std::function<void()> between);
  int64_t Delete(const std::string& namespace_, const std::string& name);
  // Deletes and makes anew: another uid.
  void Recreate(const std::string& namespace_, const std::string& name);
  void EndWatches();                       // properly
  void SendToWatches(const std::string& bytes);
  void Compact() { compacted_ = revision_; }
  void Bookmark();

  // --- faults
  bool streaming = true;                   // false: sendInitialEvents is refused with 422
  bool silent = false;                     // sendInitialEvents is accepted and nothing comes
  bool lose_events = false;                // watchers are not told
  int64_t list_lag = 0;                    // lists are of a revision so much older (of old state)
  std::vector<int> next_codes;             // answers for the next requests, whatever they are
  int retry_after_s = 0;                   // with those

  // --- what was asked
  std::vector<api::HttpRequest> requests;
  int64_t revision() const { return revision_; }
  size_t watches() const { return watchers_.size(); }
  const std::map<std::string, Object>& objects() const { return objects_; }

  void Handle(api::HttpRequest request, apiserver::Responder responder) override;

 private:
  struct Event {
    std::string type;
    Object object;
    int64_t revision;
  };
  struct Watcher {
    std::shared_ptr<apiserver::StreamWriter> writer;
    Media media;
    bool gone = false;
  };
  void Record(std::string type, Object object);
  void Tell(const Event& event);
  void List(const api::HttpRequest& request, apiserver::Responder responder);
  void Watch(const api::HttpRequest& request, apiserver::Responder responder);
  std::map<std::string, Object> StateAt(int64_t revision) const;
  Object Make(const std::string& namespace_, const std::string& name, const std::string& value);

  int64_t revision_ = 1;
  int64_t compacted_ = 0;
  int64_t next_uid_ = 1;
  std::map<std::string, Object> objects_;  // by namespace/name
  std::vector<Event> log_;
  std::vector<std::shared_ptr<Watcher>> watchers_;
};

// The bytes of one watch frame.
std::string EncodeWatchFrame(std::string_view type, const google::protobuf::Message& object,
                             std::string_view api_version, std::string_view kind, Media media);
api::HttpResponse StatusResponse(int code, std::string_view reason, std::string_view message);

}  // namespace berth::client
