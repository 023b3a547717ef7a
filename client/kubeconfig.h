// Where the API server is and how to prove who we are: kubeconfig files and the in-cluster service
// account, turned into a Transport.
//
//   BERTH_ASSIGN_OR_RETURN(RestConfig config, LoadKubeconfig("/home/me/.kube/config"));
//   BERTH_ASSIGN_OR_RETURN(auto transport, MakeTransport(config));
//
// Understood: clusters, users, contexts; CA and client certificates as data or file; token and
// tokenFile (read anew every minute); user name and password; `exec` credential plugins that give a
// token; insecure-skip-tls-verify, tls-server-name, impersonation. Refused loudly, since ignoring
// them would be wrong: proxy-url, auth-provider, client certificates from an exec plugin.
// Not done: merging several files (a KUBECONFIG list).
// Source: client-go tools/clientcmd, rest/config.go.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "client/exec_plugin.h"
#include "client/http_transport.h"
#include "client/tls.h"
#include "client/transport.h"

namespace berth::client {

struct RestConfig {
  std::string server = {};       // URL
  std::string namespace_ = {};   // of the context; empty: "default" is meant
  TlsOptions tls = {};
  std::string token = {};
  std::string token_file = {};   // wins over token
  std::string username = {}, password = {};
  ExecPluginOptions exec = {};   // command empty: none
  api::Headers headers = {};     // of every request: impersonation
};

// base_dir: what relative file names in the text are relative to. context: empty for
// current-context. Errors: InvalidArgument saying which entry is missing or broken; NotFound for
// files it names.
absl::StatusOr<RestConfig> ParseKubeconfig(std::string_view text, const std::string& base_dir,
                                           std::string_view context = {});
// Reads the file. NotFound when it is not there.
absl::StatusOr<RestConfig> LoadKubeconfig(const std::string& path, std::string_view context = {});

// The service account mounted into a pod. host and port: KUBERNETES_SERVICE_HOST and _PORT, which
// only a main may read. Errors: FailedPrecondition when they are empty, NotFound without the files.
absl::StatusOr<RestConfig> InClusterConfig(
    const std::string& host, const std::string& port,
    const std::string& directory = "/var/run/secrets/kubernetes.io/serviceaccount");

// options.server and options.tls are taken from the config. Does not connect.
absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(const RestConfig& config,
                                                         HttpTransportOptions options = {});

}  // namespace berth::client
