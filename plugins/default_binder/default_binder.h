// Binds a pod by posting to its binding subresource.
#pragma once

#include <memory>
#include <string_view>

#include <absl/status/statusor.h>

#include "framework/plugin.h"
#include "framework/registry.h"

namespace berth::plugins::default_binder {

// Bind: POST pods/NAME/binding with the pod's uid and the node as target; a failure yields Error
//   with the API's text. Threads: engine's executor; the completion comes back on it.
// Source: kube-scheduler plugin of the same name.
class DefaultBinder final : public framework::BindPlugin {
 public:
  static constexpr std::string_view kName = "DefaultBinder";
  static absl::StatusOr<std::unique_ptr<framework::Plugin>> Create(
      const framework::PluginArgs& args, framework::Handle& handle);
  explicit DefaultBinder(framework::Handle& handle) : handle_(handle) {}

  std::string_view Name() const override { return kName; }
  void Bind(framework::CycleState& state, const framework::PodInfo& pod,
            std::string_view node_name, framework::StatusDone done) override;
  framework::Dependencies DependsOn(const framework::PodInfo& pod) const override;
  bool Sign(const framework::PodInfo&, framework::SignatureBuilder&) const override {
    return true;
  }
  bool SignsTemplates() const override { return true; }

 private:
  framework::Handle& handle_;
};

}  // namespace berth::plugins::default_binder
