// The stages of a request before it reaches the store, each a list of plugins:
//
//   authenticate -> authorize -> mutate-admit -> default -> validate -> validate-admit -> store
//
// Authentication and authorization see every request; admission sees writes, once per try.
// Plugins run on the API server's executor and must not block.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "api/wire.h"
#include "cluster/apiserver/call.h"
#include "cluster/apiserver/stored_object.h"

namespace berth::apiserver {

class Authenticator {
 public:
  virtual ~Authenticator() = default;
  // nullopt: not mine to say; a failure ends the request with 401.
  virtual absl::StatusOr<std::optional<UserInfo>> Authenticate(const api::HttpRequest& request) = 0;
};

class Authorizer {
 public:
  enum class Decision { kAllow, kDeny, kNoOpinion };
  virtual ~Authorizer() = default;
  virtual Decision Authorize(const UserInfo& user, const RequestInfo& info,
                             std::string* reason) = 0;
};

// What admission looks at.
struct AdmissionRequest {
  const RequestInfo& info;      // verb: create, update, delete or connect
  const UserInfo& user;
  const api::Resource& resource;
  std::string_view namespace_;  // empty for cluster-scoped objects
  std::string_view name;        // empty when it is still to be generated
  Verb verb = Verb::kCreate;    // what it comes down to: create, update or delete
  std::string_view subresource;
  // What is written, in the stored form; of `binding`, `eviction` and `scale`,
  // that object. Null for deletions.
  google::protobuf::Message* object = nullptr;
  const google::protobuf::Message* old_object = nullptr;  // null for creations
};

class Admission {
 public:
  virtual ~Admission() = default;
  virtual std::string_view name() const = 0;
  // May change request.object. A failure ends the request.
  virtual absl::Status Mutate(AdmissionRequest& request) {
    static_cast<void>(request);
    return absl::OkStatus();
  }
  virtual absl::Status Validate(const AdmissionRequest& request) {
    static_cast<void>(request);
    return absl::OkStatus();
  }
};

// Everybody is system:unsecured in group system:masters: for the insecure port.
std::unique_ptr<Authenticator> MakeUnsecuredAuthenticator();
std::unique_ptr<Authorizer> MakeAlwaysAllow();

struct Pipeline {
  std::vector<std::unique_ptr<Authenticator>> authenticators;
  std::vector<std::unique_ptr<Authorizer>> authorizers;
  std::vector<std::unique_ptr<Admission>> admission;  // in order

  absl::StatusOr<UserInfo> Authenticate(const api::HttpRequest& request) const;
  absl::Status Authorize(const UserInfo& user, const RequestInfo& info) const;
  absl::Status Mutate(AdmissionRequest& request) const;
  absl::Status Validate(const AdmissionRequest& request) const;
};

}  // namespace berth::apiserver
