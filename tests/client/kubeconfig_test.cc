#include "client/kubeconfig.h"

#include <gtest/gtest.h>

#include "client/credentials.h"

namespace berth::client {
namespace {

constexpr std::string_view kWhole = R"(apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: c1
  cluster:
    server: https://10.0.0.1:6443
    certificate-authority-data: Q0EgUEVN
    tls-server-name: kubernetes
- name: c2
  cluster:
    server: http://127.0.0.1:8080
    insecure-skip-tls-verify: true
users:
- name: u1
  user:
    token: secret
    as: jane
    as-groups: [a, b]
    as-user-extra: {scopes/all: [x]}
- name: u2
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: get-token
      args: [--cluster, dev]
      env:
      - {name: A, value: b}
      provideClusterInfo: true
      interactiveMode: IfAvailable
contexts:
- name: dev
  context: {cluster: c1, user: u1, namespace: team}
- name: exec
  context: {cluster: c1, user: u2}
- name: anonymous
  context: {cluster: c2}
)";

TEST(KubeconfigTest, CurrentContext) {
  auto config = ParseKubeconfig(kWhole, "/base");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->server, "https://10.0.0.1:6443");
  EXPECT_EQ(config->namespace_, "team");
  EXPECT_EQ(config->tls.ca_pem, "CA PEM");
  EXPECT_EQ(config->tls.server_name, "kubernetes");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->headers, (api::Headers{{"Impersonate-User", "jane"},
                                           {"Impersonate-Group", "a"},
                                           {"Impersonate-Group", "b"},
                                           {"Impersonate-Extra-scopes%2Fall", "x"}}));
}

TEST(KubeconfigTest, NamedContexts) {
  auto exec = ParseKubeconfig(kWhole, "", "exec");
  ASSERT_TRUE(exec.ok()) << exec.status();
  EXPECT_EQ(exec->exec.command, "get-token");
  EXPECT_EQ(exec->exec.args, (std::vector<std::string>{"--cluster", "dev"}));
  EXPECT_EQ(exec->exec.env, (std::vector<std::pair<std::string, std::string>>{{"A", "b"}}));
  EXPECT_TRUE(exec->exec.provide_cluster_info);
  EXPECT_EQ(exec->exec.server, "https://10.0.0.1:6443");
  auto anonymous = ParseKubeconfig(kWhole, "", "anonymous");
  ASSERT_TRUE(anonymous.ok());
  EXPECT_TRUE(anonymous->tls.insecure_skip_verify);
  EXPECT_EQ(anonymous->token, "");
}

TEST(KubeconfigTest, AnImpersonationThatCannotBeSentIsAnError) {
  std::string text(kWhole);
  text.replace(text.find("as: jane"), 8, "as: \"jane\\n\"");
  EXPECT_TRUE(absl::IsInvalidArgument(ParseKubeconfig(text, "").status()));
}

TEST(KubeconfigTest, WhatIsWrongIsSaid) {
  const auto with = [](std::string_view cluster, std::string_view user) {
    return "current-context: x\nclusters: [{name: c, cluster: {" + std::string(cluster) +
           "}}]\nusers: [{name: u, user: {" + std::string(user) +
           "}}]\ncontexts: [{name: x, context: {cluster: c, user: u}}]\n";
  };
  const struct {
    std::string_view name;
    std::string text;
    std::string_view want;
  } cases[] = {
      {"empty", "", "it is empty"},
      {"a list", "[]", "it is not a map"},
      {"no YAML", "a: [", "yaml"},
      {"no context", "clusters: []", "no current-context"},
      {"unknown context", "current-context: x", "context \"x\" does not exist"},
      {"unknown cluster", "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]",
       "cluster \"c\" does not exist"},
      {"no server", with("", ""), "the cluster has no server"},
      {"wrong type", with("server: 7", ""), "cluster.server is not a string"},
      {"proxy", with("server: a, proxy-url: http://p", ""), "proxies are not supported"},
      {"CA and insecure",
       with("server: a, insecure-skip-tls-verify: true, certificate-authority-data: Q0E=", ""),
       "with the insecure flag is not allowed"},
      {"bad base64", with("server: a, certificate-authority-data: '%%'", ""), "is not base64"},
      {"missing file", with("server: a, certificate-authority: /no/such/file", ""),
       "cluster.certificate-authority: open /no/such/file: No such file or directory"},
      {"half a pair", with("server: a", "client-key-data: S0VZ"), "a key without one"},
      {"auth-provider", with("server: a", "auth-provider: {name: gcp}"), "auth-provider"},
      {"exec without command",
       with("server: a", "exec: {apiVersion: client.authentication.k8s.io/v1}"),
       "user.exec has no command"},
      {"exec of an old version",
       with("server: a", "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"),
       "v1alpha1\" is not supported"},
      {"exec that asks",
       with("server: a", "exec: {command: x, apiVersion: client.authentication.k8s.io/v1, "
                         "interactiveMode: Always}"),
       "no terminal"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto config = ParseKubeconfig(c.text, "");
    ASSERT_FALSE(config.ok());
    EXPECT_NE(std::string(config.status().message()).find(c.want), std::string::npos)
        << config.status();
  }
}

TEST(ExecCredentialTest, Parse) {
  constexpr std::string_view kVersion = "client.authentication.k8s.io/v1";
  auto good = ParseExecCredential(
      R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
      R"("status":{"token":"t","expirationTimestamp":"2024-01-01T00:00:00Z"}})",
      kVersion);
  ASSERT_TRUE(good.ok()) << good.status();
  EXPECT_EQ(good->token, "t");
  EXPECT_EQ(good->expires, absl::FromUnixSeconds(1'704'067'200));
  const struct {
    std::string_view name, text;
    absl::StatusCode want;
  } cases[] = {
      {"no JSON", "token", absl::StatusCode::kInvalidArgument},
      {"another kind", R"({"kind":"Pod"})", absl::StatusCode::kInvalidArgument},
      {"another version",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1",)"
       R"("status":{"token":"t"}})",
       absl::StatusCode::kInvalidArgument},
      {"nothing in it",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1"})",
       absl::StatusCode::kInvalidArgument},
      {"certificates",
       R"({"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1",)"
       R"("status":{"clientCertificateData":"x","clientKeyData":"y"}})",
       absl::StatusCode::kUnimplemented},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(ParseExecCredential(c.text, kVersion).status().code(), c.want);
  }
}

TEST(InClusterConfigTest, NeedsTheEnvironment) {
  EXPECT_TRUE(absl::IsFailedPrecondition(InClusterConfig("", "").status()));
  EXPECT_TRUE(absl::IsNotFound(InClusterConfig("10.0.0.1", "443", "/no/such/place").status()));
}

}  // namespace
}  // namespace berth::client
