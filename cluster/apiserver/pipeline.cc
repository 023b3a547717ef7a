#include "cluster/apiserver/pipeline.h"

#include <optional>
#include <utility>

#include <fmt/core.h>

#include "api/errors.h"
#include "base/status_macros.h"

namespace berth::apiserver {
namespace {

class Unsecured final : public Authenticator {
 public:
  absl::StatusOr<std::optional<UserInfo>> Authenticate(const api::HttpRequest&) override {
    return UserInfo{"system:unsecured", {"system:masters", "system:authenticated"}};
  }
};

class AlwaysAllow final : public Authorizer {
 public:
  Decision Authorize(const UserInfo&, const RequestInfo&, std::string*) override {
    return Decision::kAllow;
  }
};

}  // namespace

std::unique_ptr<Authenticator> MakeUnsecuredAuthenticator() {
  return std::make_unique<Unsecured>();
}

std::unique_ptr<Authorizer> MakeAlwaysAllow() { return std::make_unique<AlwaysAllow>(); }

absl::StatusOr<UserInfo> Pipeline::Authenticate(const api::HttpRequest& request) const {
  for (const auto& authenticator : authenticators) {
    BERTH_ASSIGN_OR_RETURN(std::optional<UserInfo> user, authenticator->Authenticate(request));
    if (user) return *std::move(user);
  }
  return api::Unauthorized("Unauthorized");
}

absl::Status Pipeline::Authorize(const UserInfo& user, const RequestInfo& info) const {
  std::string reason;
  for (const auto& authorizer : authorizers) {
    switch (authorizer->Authorize(user, info, &reason)) {
      case Authorizer::Decision::kAllow: return absl::OkStatus();
      case Authorizer::Decision::kDeny: break;
      case Authorizer::Decision::kNoOpinion: continue;
    }
    break;
  }
  if (info.resource == nullptr) {
    return absl::PermissionDeniedError(fmt::format("forbidden: User \"{}\" cannot {} path \"{}\"",
                                                   user.name, VerbName(info.verb), info.path));
  }
  return api::Forbidden(*info.resource, info.name,
                        fmt::format("User \"{}\" cannot {} resource \"{}\" in API group \"{}\"{}",
                                    user.name, VerbName(info.verb), info.resource->plural,
                                    info.resource->group, reason));
}

absl::Status Pipeline::Mutate(AdmissionRequest& request) const {
  for (const auto& plugin : admission) BERTH_RETURN_IF_ERROR(plugin->Mutate(request));
  return absl::OkStatus();
}

absl::Status Pipeline::Validate(const AdmissionRequest& request) const {
  for (const auto& plugin : admission) BERTH_RETURN_IF_ERROR(plugin->Validate(request));
  return absl::OkStatus();
}

}  // namespace berth::apiserver
