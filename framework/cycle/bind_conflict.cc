#include "framework/cycle/bind_conflict.h"

#include <charconv>
#include <utility>

#include "api/errors.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_status.pb.h"

namespace berth::framework {

std::optional<int64_t> RevisionToCatchUpTo(const absl::Status& status) {
  if (!api::IsConflict(status)) return std::nullopt;
  const api::meta::Status message = api::ToStatusMessage(status);
  for (const auto& cause : message.details().causes()) {
    if (cause.reason() != "CatchUpToRevision") continue;
    int64_t revision = 0;
    const std::string& text = cause.message();
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), revision);
    if (parsed.ec == std::errc()) return revision;
  }
  return std::nullopt;
}

std::optional<int64_t> SinkTap::TakeConflict(std::string_view uid) {
  auto it = conflicts_->find(uid);
  if (it == conflicts_->end()) return std::nullopt;
  const int64_t revision = it->second;
  conflicts_->erase(it);
  return revision;
}

void SinkTap::Bind(const api::core::Pod& pod, std::string_view node_name, Done done) {
  sink_.Bind(pod, node_name,
             [conflicts = conflicts_, uid = pod.metadata().uid(),
              done = std::move(done)](absl::Status status) mutable {
               if (!status.ok()) {
                 if (const auto revision = RevisionToCatchUpTo(status)) {
                   conflicts->insert_or_assign(uid, *revision);
                 }
               }
               done(std::move(status));
             });
}

}  // namespace berth::framework
