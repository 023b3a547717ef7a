// The kubeconfig that `berth up` and `berth apiserver` write for kubectl and for the components.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

namespace berth::up {

// One cluster, one user without credentials, one context, all named "berth".
std::string KubeconfigText(std::string_view server);

// Writes it, mode 0600, in one step. A file that berth has not written is left alone:
// FailedPrecondition. Unavailable for I/O errors.
absl::Status WriteKubeconfig(const std::string& path, std::string_view server);

}  // namespace berth::up
