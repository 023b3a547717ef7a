// One request on its way through the server.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "api/wire.h"
#include "base/executor.h"
#include "cluster/apiserver/codec.h"
#include "cluster/apiserver/handler.h"
#include "cluster/apiserver/heavy_lane.h"
#include "cluster/apiserver/negotiation.h"
#include "cluster/apiserver/render.h"
#include "cluster/apiserver/router.h"
#include "cluster/apiserver/stored_object.h"

namespace berth::apiserver {

// Who asks.
struct UserInfo {
  std::string name;
  std::vector<std::string> groups;
};

struct Call {
  Call(api::HttpRequest http, Responder to) : request(std::move(http)), responder(std::move(to)) {}

  api::HttpRequest request;
  Responder responder;
  RequestInfo info;
  UserInfo user;
  OutputFormat output;
  absl::Time started;
  Executor* encoder = nullptr;  // where a long answer is compressed; null: nowhere
  bool heavy = false;         // what only computes is done on the encoder
  bool brief = false;         // of a success, only the code is wanted
  std::vector<std::string> warnings;  // become Warning headers
  // Of a write, see request_body.h: the message or why there is none. Null: nothing was sent.
  absl::StatusOr<std::shared_ptr<google::protobuf::Message>> body = nullptr;
  std::unique_ptr<HeavyLane::Place> place;  // of a heavy one
  // Told the code of the answer; set by the server for its metrics.
  absl::AnyInvocable<void(const Call&, int code)> answered;

  const api::Resource& resource() const { return *info.resource; }
  void Warn(const std::vector<std::string>& texts) {
    warnings.insert(warnings.end(), texts.begin(), texts.end());
  }
  void Warn(std::string text) {  // empty: of nothing
    if (!text.empty()) warnings.push_back(std::move(text));
  }
};
using CallPtr = std::unique_ptr<Call>;

// Answers. Each consumes the call.
void Reply(CallPtr call, api::HttpResponse response);
void Reply(CallPtr call, const absl::Status& failure);
// An object as the request wants it: itself, a table or its metadata.
void Reply(CallPtr call, int code, const ObjectPtr& object);
// A message that is no stored object: Status, Scale, ...
void Reply(CallPtr call, int code, const google::protobuf::Message& message, const TypeName& type);

// A Status that says Success, with code 201: what bindings and evictions come to.
void ReplyCreated(CallPtr call);

// A rendered body of the call's media type.
void ReplyText(CallPtr call, int code, std::string body);

RenderOptions RenderOptionsOf(const Call& call, absl::Time now);
IncludeObject ParseIncludeObject(const api::Query& query);

// "dry run" and friends: an object that is not in the store, shown as if it were.
ObjectPtr MakeUnstored(const api::Resource& resource,
                       std::shared_ptr<google::protobuf::Message> message);

}  // namespace berth::apiserver
