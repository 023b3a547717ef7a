#include "framework/cycle/bind_conflict.h"

#include <utility>

#include "api/errors.h"
#include "api/object.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_status.pb.h"

namespace berth::framework {

std::optional<CatchUp> CatchUpOf(const absl::Status& status) {
  if (!api::IsConflict(status)) return std::nullopt;
  std::optional<CatchUp> found;
  const api::meta::Status message = api::ToStatusMessage(status);
  for (const auto& cause : message.details().causes()) {
    if (cause.reason() != "CatchUpToRevision") continue;
    if (!found) found.emplace();
    const int64_t revision = api::RevisionOf(cause.message());
    (cause.field() == "nodes" ? found->node_revision : found->pods_revision) = revision;
  }
  return found;
}

std::optional<CatchUp> SinkTap::TakeConflict(std::string_view uid) {
  auto it = conflicts_->find(uid);
  if (it == conflicts_->end()) return std::nullopt;
  const CatchUp conflict = it->second;
  conflicts_->erase(it);
  return conflict;
}

void SinkTap::Bind(const api::core::Pod& pod, std::string_view node_name, Done done) {
  sink_.Bind(pod, node_name,
             [conflicts = conflicts_, uid = pod.metadata().uid(),
              done = std::move(done)](absl::Status status) mutable {
               if (!status.ok()) {
                 if (const auto conflict = CatchUpOf(status)) {
                   conflicts->insert_or_assign(uid, *conflict);
                 }
               }
               done(std::move(status));
             });
}

}  // namespace berth::framework
