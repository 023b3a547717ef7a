#include "scheduler-main/explain/paper_cluster.h"

#include <utility>

#include "api/object.h"
#include "api/resource_table.h"
#include "api/schema/meta_v1.pb.h"
#include "base/status_macros.h"

namespace berth::scheduler {

PaperCluster::PaperCluster(SchedulerOptions options) : options_(std::move(options)) {
  engine_ = std::make_unique<framework::Engine>(EngineOptionsOf(options_), *executor_, world_,
                                                world_);
}

PaperCluster::~PaperCluster() { engine_->Stop(); }

absl::StatusOr<std::unique_ptr<PaperCluster>> PaperCluster::Create(SchedulerOptions options) {
  BERTH_RETURN_IF_ERROR(CompleteOptions(options));
  std::unique_ptr<PaperCluster> made(new PaperCluster(std::move(options)));
  BERTH_RETURN_IF_ERROR(AddProfiles(made->options_, made->registry_, *made->engine_));
  BERTH_RETURN_IF_ERROR(made->engine_->Start());
  return made;
}

void PaperCluster::Put(const api::Resource& resource,
                       std::shared_ptr<google::protobuf::Message> object) {
  api::meta::ObjectMeta& metadata = api::MutableMeta(*object);
  if (metadata.uid().empty()) metadata.set_uid(metadata.namespace_() + "/" + metadata.name());
  world_.Put(resource, std::move(object));
}

void PaperCluster::Remove(const api::Resource& resource, std::string_view namespace_,
                          std::string_view name) {
  world_.Remove(resource, namespace_, name);
}

}  // namespace berth::scheduler
