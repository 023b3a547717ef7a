// Credential plugins: a command that prints an ExecCredential with a token.
// Source: client-go plugin/pkg/client/auth/exec, client.authentication.k8s.io/v1.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "base/clock.h"
#include "client/credentials.h"

namespace berth::client {

struct ExecPluginOptions {
  std::string api_version = {};  // client.authentication.k8s.io/v1 or v1beta1
  std::string command = {};      // a name is looked up in PATH
  std::vector<std::string> args = {};
  std::vector<std::pair<std::string, std::string>> env = {};  // beside our own environment
  std::string install_hint = {};  // shown when the command is not there
  std::string server = {};        // told to the plugin when provide_cluster_info
  std::string ca_pem = {};
  bool provide_cluster_info = false;
  absl::Duration timeout = absl::Seconds(60);  // of the whole run; then it is killed
};

struct ExecCredential {
  std::string token;
  absl::Time expires = absl::InfiniteFuture();
};

// What the plugin printed. Errors: InvalidArgument; Unimplemented for client certificates.
absl::StatusOr<ExecCredential> ParseExecCredential(std::string_view text,
                                                   std::string_view api_version);
// Runs the plugin and waits for it: on a thread that may block. cancelled (may be null): once true,
// the plugin and what it started are killed.
// Errors: Unauthenticated, with what it wrote to standard error.
absl::StatusOr<ExecCredential> RunExecPlugin(const ExecPluginOptions& options,
                                             const std::atomic<bool>* cancelled = nullptr);

// Runs the plugin on a thread of its own when a token is needed, and again when the token has
// expired or was refused. One run at a time; requests wait for it.
std::unique_ptr<CredentialSource> MakeExecSource(ExecPluginOptions options,
                                                 Clock& clock = RealClock::Get());

}  // namespace berth::client
