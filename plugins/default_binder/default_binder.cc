#include "plugins/default_binder/default_binder.h"

#include <utility>

#include "framework/handle.h"
#include "framework/object_source.h"

namespace berth::plugins::default_binder {

absl::StatusOr<std::unique_ptr<framework::Plugin>> DefaultBinder::Create(
    const framework::PluginArgs&, framework::Handle& handle) {
  return std::make_unique<DefaultBinder>(handle);
}

void DefaultBinder::Bind(framework::CycleState&, const framework::PodInfo& pod,
                         std::string_view node_name, framework::StatusDone done) {
  handle_.sink().Bind(pod.object(), node_name,
                      [done = std::move(done)](const absl::Status& status) mutable {
                        done(framework::Status::FromError(status));
                      });
}

framework::Dependencies DefaultBinder::DependsOn(const framework::PodInfo&) const {
  return {.filter = framework::Scope::kNode,
          .score = framework::Scope::kNode,
          .node_fields = 0,
          .domains = {},
          .objects = {}};
}

}  // namespace berth::plugins::default_binder
