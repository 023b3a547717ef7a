#include "tests/client/fake_api.h"

#include <algorithm>

#include <fmt/format.h>

#include "api/schema/meta_v1_status.pb.h"

namespace berth::client {
namespace {

Media MediaOf(const api::HttpRequest& request) {
  return request.accept.starts_with(api::kProtobufType) ? Media::kProtobuf : Media::kJson;
}

std::string KeyOf(const api::core::ConfigMap& object) {
  return object.metadata().namespace_() + "/" + object.metadata().name();
}

}  // namespace

std::string EncodeWatchFrame(std::string_view type, const google::protobuf::Message& object,
                             std::string_view api_version, std::string_view kind, Media media) {
  const std::string encoded = EncodeObject(object, api_version, kind, media);
  if (media == Media::kJson) {
    return fmt::format(R"({{"type":"{}","object":{}}})", type, encoded) + "\n";
  }
  api::meta::WatchEvent event;
  event.set_type(std::string(type));
  event.mutable_object()->set_raw(encoded);
  const std::string body = event.SerializeAsString();
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<char>(body.size() >> shift & 0xff));
  }
  return frame + body;
}

api::HttpResponse StatusResponse(int code, std::string_view reason, std::string_view message) {
  api::HttpResponse response;
  response.code = code;
  response.content_type = api::kJsonType;
  response.body = MakeBytes(fmt::format(
      R"({{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"{}","message":"{}",)"
      R"("reason":"{}","code":{}}})",
      code < 400 ? "Success" : "Failure", message, reason, code));
  return response;
}

FakeApi::Object FakeApi::Make(const std::string& namespace_, const std::string& name,
                              const std::string& value) {
  auto object = std::make_shared<api::core::ConfigMap>();
  object->mutable_metadata()->set_namespace_(namespace_);
  object->mutable_metadata()->set_name(name);
  object->mutable_metadata()->set_resource_version(std::to_string(revision_));
  (*object->mutable_data())["value"] = value;
  const auto old = objects_.find(namespace_ + "/" + name);
  object->mutable_metadata()->set_uid(old != objects_.end() ? old->second->metadata().uid()
                                                            : fmt::format("uid-{}", next_uid_++));
  return object;
}

void FakeApi::Record(std::string type, Object object) {
  log_.push_back(Event{std::move(type), std::move(object), revision_});
  if (!lose_events) Tell(log_.back());
}

void FakeApi::Tell(const Event& event) {
  std::erase_if(watchers_, [](const auto& watcher) { return watcher->gone; });
  for (const auto& watcher : watchers_) {
    watcher->writer->Write(
        MakeBytes(EncodeWatchFrame(event.type, *event.object, "v1", "ConfigMap", watcher->media)));
  }
}

int64_t FakeApi::Put(const std::string& namespace_, const std::string& name,
                     const std::string& value) {
  ++revision_;
  const bool fresh = !objects_.contains(namespace_ + "/" + name);
  Object object = Make(namespace_, name, value);
  objects_[KeyOf(*object)] = object;
  Record(fresh ? "ADDED" : "MODIFIED", object);
  return revision_;
}

int64_t FakeApi::PutTwo(const std::string& a, const std::string& b,
                        std::function<void()> between) {
  ++revision_;
  const Object first = Make("default", a, "two"), second = Make("default", b, "two");
  objects_[KeyOf(*first)] = first;
  objects_[KeyOf(*second)] = second;
  Record("ADDED", first);
  between();
  Record("ADDED", second);
  return revision_;
}

int64_t FakeApi::Delete(const std::string& namespace_, const std::string& name) {
  const auto it = objects_.find(namespace_ + "/" + name);
  if (it == objects_.end()) return revision_;
  ++revision_;
  auto last = std::make_shared<api::core::ConfigMap>(*it->second);
  last->mutable_metadata()->set_resource_version(std::to_string(revision_));
  objects_.erase(it);
  Record("DELETED", last);
  return revision_;
}

void FakeApi::Recreate(const std::string& namespace_, const std::string& name) {
  Delete(namespace_, name);
  Put(namespace_, name, "again");
}

void FakeApi::EndWatches() {
  for (const auto& watcher : watchers_) watcher->writer->Close();
  watchers_.clear();
}

void FakeApi::SendToWatches(const std::string& bytes) {
  for (const auto& watcher : watchers_) watcher->writer->Write(MakeBytes(bytes));
}

void FakeApi::Bookmark() {
  api::core::ConfigMap mark;
  mark.mutable_metadata()->set_resource_version(std::to_string(revision_));
  for (const auto& watcher : watchers_) {
    watcher->writer->Write(
        MakeBytes(EncodeWatchFrame("BOOKMARK", mark, "v1", "ConfigMap", watcher->media)));
  }
}

std::map<std::string, FakeApi::Object> FakeApi::StateAt(int64_t revision) const {
  std::map<std::string, Object> state;
  for (const Event& event : log_) {
    if (event.revision > revision) break;
    if (event.type == "DELETED") {
      state.erase(KeyOf(*event.object));
    } else {
      state[KeyOf(*event.object)] = event.object;
    }
  }
  return state;
}

void FakeApi::Handle(api::HttpRequest request, apiserver::Responder responder) {
  requests.push_back(request);
  if (!next_codes.empty()) {
    const int code = next_codes.front();
    next_codes.erase(next_codes.begin());
    if (code != 0) {
      api::HttpResponse response = StatusResponse(code, code == 404 ? "NotFound" : "", "told to");
      if (retry_after_s > 0) {
        response.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
      }
      return responder.Respond(std::move(response));
    }
  }
  const std::string_view target = request.target;
  if (request.method == "GET" && target.find("watch=true") != std::string_view::npos) {
    return Watch(request, std::move(responder));
  }
  const std::string_view path = target.substr(0, target.find('?'));
  if (request.method == "GET" && path.ends_with("/configmaps")) {
    return List(request, std::move(responder));
  }
  const std::string name(path.substr(path.rfind('/') + 1));
  const auto it = objects_.find("default/" + name);
  if (request.method == "POST" && path.ends_with("/events")) {
    api::HttpResponse response;
    response.code = 201;
    response.content_type = request.content_type;
    response.body = MakeBytes(request.body);
    return responder.Respond(std::move(response));
  }
  if (request.method == "PATCH" || path.ends_with("/binding") || request.method == "DELETE") {
    return responder.Respond(StatusResponse(200, "", ""));
  }
  if (it == objects_.end()) {
    return responder.Respond(StatusResponse(
        404, "NotFound", fmt::format("configmaps \\\"{}\\\" not found", name)));
  }
  api::HttpResponse response;
  response.code = 200;
  response.content_type = ContentTypeOf(MediaOf(request));
  response.body = MakeBytes(EncodeObject(*it->second, "v1", "ConfigMap", MediaOf(request)));
  responder.Respond(std::move(response));
}

void FakeApi::List(const api::HttpRequest& request, apiserver::Responder responder) {
  const api::Query query =
      api::Query::Parse(request.target.substr(std::min(request.target.find('?') + 1,
                                                       request.target.size())));
  const int64_t at = std::max<int64_t>(1, revision_ - list_lag);
  const std::map<std::string, Object> state = StateAt(at);
  const size_t limit = std::stoul(std::string(query.Get("limit").value_or("0")));
  const std::string from(query.Get("continue").value_or(""));
  api::core::ConfigMapList list;
  list.mutable_metadata()->set_resource_version(std::to_string(at));
  for (auto it = state.upper_bound(from); it != state.end(); ++it) {
    if (limit > 0 && list.items_size() == static_cast<int>(limit)) {
      list.mutable_metadata()->set_continue_(std::prev(it)->first);
      break;
    }
    *list.add_items() = *it->second;
  }
  api::HttpResponse response;
  response.code = 200;
  response.content_type = ContentTypeOf(MediaOf(request));
  response.body = MakeBytes(EncodeObject(list, "v1", "ConfigMapList", MediaOf(request)));
  responder.Respond(std::move(response));
}

void FakeApi::Watch(const api::HttpRequest& request, apiserver::Responder responder) {
  const api::Query query = api::Query::Parse(request.target.substr(request.target.find('?') + 1));
  const bool initial = query.GetBool("sendInitialEvents");
  if (initial && !streaming) {
    return responder.Respond(StatusResponse(422, "Invalid", "sendInitialEvents is forbidden"));
  }
  const int64_t from = std::stoll(std::string(query.Get("resourceVersion").value_or("0")));
  if (!initial && from < compacted_) {
    return responder.Respond(StatusResponse(410, "Expired", "too old resource version"));
  }
  auto watcher = std::make_shared<Watcher>();
  watcher->media = MediaOf(request);
  api::HttpResponse head;
  head.code = 200;
  head.content_type = std::string(ContentTypeOf(watcher->media)) + ";stream=watch";
  watcher->writer = responder.StartStream(std::move(head));
  watcher->writer->OnGone([watcher] { watcher->gone = true; });
  if (initial && silent) {
    watchers_.push_back(std::move(watcher));
    return;
  }
  const auto write = [&](std::string_view type, const api::core::ConfigMap& object) {
    watcher->writer->Write(
        MakeBytes(EncodeWatchFrame(type, object, "v1", "ConfigMap", watcher->media)));
  };
  if (initial) {
    const int64_t at = std::max<int64_t>(1, revision_ - list_lag);
    for (const auto& [key, object] : StateAt(at)) write("ADDED", *object);
    api::core::ConfigMap mark;
    mark.mutable_metadata()->set_resource_version(std::to_string(at));
    (*mark.mutable_metadata()->mutable_annotations())["k8s.io/initial-events-end"] = "true";
    write("BOOKMARK", mark);
  }
  for (const Event& event : log_) {
    if (!initial && event.revision > from) write(event.type, *event.object);
  }
  watchers_.push_back(std::move(watcher));
}

}  // namespace berth::client
