#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "cluster/apiserver/admission.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kCopied[] = {"topology.kubernetes.io/region",
                                        "topology.kubernetes.io/zone"};

class TopologyLabels final : public Admission {
 public:
  explicit TopologyLabels(WatchCache& cache) : cache_(cache) {}
  std::string_view name() const override { return "PodTopologyLabels"; }

  absl::Status Mutate(AdmissionRequest& request) override {
    if (request.verb != Verb::kCreate || request.resource.kind != "Pod") return absl::OkStatus();
    if (request.subresource == "binding") {
      auto& binding = static_cast<api::core::Binding&>(*request.object);
      if (binding.target().kind() == "Node") {
        Copy(binding.target().name(), *binding.mutable_metadata());
      }
    } else if (request.subresource.empty()) {
      auto& pod = static_cast<api::core::Pod&>(*request.object);
      if (!pod.spec().node_name().empty()) {
        Copy(pod.spec().node_name(), *pod.mutable_metadata());
      }
    }
    return absl::OkStatus();
  }

 private:
  void Copy(const std::string& node, api::meta::ObjectMeta& metadata) const {
    const ObjectPtr object = cache_.For(api::ResourceOf<api::core::Node>()).Find(node);
    if (object == nullptr) return;
    const auto& labels = object->metadata().labels();
    for (const std::string_view key : kCopied) {
      const auto it = labels.find(std::string(key));
      if (it != labels.end()) (*metadata.mutable_labels())[it->first] = it->second;
    }
  }

  WatchCache& cache_;
};

}  // namespace

std::unique_ptr<Admission> MakeTopologyLabels(WatchCache& cache) {
  return std::make_unique<TopologyLabels>(cache);
}

}  // namespace berth::apiserver
