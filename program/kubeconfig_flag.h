// --kubeconfig of the commands that are clients.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "client/transport.h"

namespace berth::program {

// A transport to the server of the kubeconfig: the flag's, else $KUBECONFIG's, else
// ~/.kube/config's. NotFound says where it looked.
absl::StatusOr<std::unique_ptr<client::Transport>> ConnectByKubeconfig(const std::string& flag,
                                                                       int connections);

}  // namespace berth::program
