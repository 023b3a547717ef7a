#include "program/kubeconfig_flag.h"

#include <cstdlib>

#include "base/status_macros.h"
#include "client/kubeconfig.h"

namespace berth::program {

absl::StatusOr<std::unique_ptr<client::Transport>> ConnectByKubeconfig(const std::string& flag,
                                                                       int connections) {
  std::string path = flag;
  const char* named = std::getenv("KUBECONFIG");
  const char* home = std::getenv("HOME");
  if (path.empty() && named != nullptr) path = named;
  if (flag.empty() && path.find(':') != path.npos) {
    return absl::InvalidArgumentError(
        "KUBECONFIG lists several files, and only one is read: name it with --kubeconfig");
  }
  if (path.empty()) path = std::string(home == nullptr ? "" : home) + "/.kube/config";
  BERTH_ASSIGN_OR_RETURN(const client::RestConfig config, client::LoadKubeconfig(path));
  client::HttpTransportOptions options;
  options.max_connections = connections;
  return client::MakeTransport(config, options);
}

}  // namespace berth::program
