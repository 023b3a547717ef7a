#include "client/kubeconfig.h"

#include <absl/strings/ascii.h>
#include <absl/strings/escaping.h>
#include <fmt/format.h>

#include "api/json_value.h"
#include "api/yaml.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "client/credentials.h"
#include "client/http1.h"

namespace berth::client {
namespace {

using api::JsonValue;

absl::Status Broken(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("kubeconfig: {}", what));
}

// Reads members of one entry; the first wrong type is the reader's status.
class Reader {
 public:
  // value: null or absent counts as empty.
  Reader(const JsonValue* value, std::string where) : value_(value), where_(std::move(where)) {
    if (value_ != nullptr && value_->is_null()) value_ = nullptr;
    if (value_ != nullptr && !value_->is_object()) {
      status_ = Broken(where_ + " is not a map");
      value_ = nullptr;
    }
  }
  const JsonValue* Member(std::string_view name) const {
    const JsonValue* member = value_ == nullptr ? nullptr : value_->Find(name);
    return member == nullptr || member->is_null() ? nullptr : member;
  }
  std::string Text(std::string_view name) {
    const JsonValue* member = Member(name);
    if (member == nullptr) return {};
    if (member->is_string()) return member->string();
    Fail(fmt::format("{}.{} is not a string", where_, name));
    return {};
  }
  bool Flag(std::string_view name) {
    const JsonValue* member = Member(name);
    if (member == nullptr) return false;
    if (member->kind() == JsonValue::Kind::kBool) return member->bool_value();
    Fail(fmt::format("{}.{} is not a boolean", where_, name));
    return false;
  }
  std::vector<std::string> Texts(std::string_view name) {
    std::vector<std::string> texts;
    const JsonValue* member = Member(name);
    if (member == nullptr) return texts;
    if (!member->is_array()) Fail(fmt::format("{}.{} is not a list", where_, name));
    if (!status_.ok()) return texts;
    for (const JsonValue& item : member->array()) {
      if (!item.is_string()) {
        Fail(fmt::format("{}.{} has an item that is not a string", where_, name));
        return texts;
      }
      texts.push_back(item.string());
    }
    return texts;
  }
  // The bytes of NAME-data, or of the file NAME.
  std::string Pem(const std::string& name, const std::string& base_dir) {
    if (const std::string data = Text(name + "-data"); !data.empty()) {
      std::string bytes;
      if (!absl::Base64Unescape(data, &bytes)) {
        Fail(fmt::format("{}.{}-data is not base64", where_, name));
      }
      return bytes;
    }
    std::string path = File(name, base_dir);
    if (path.empty()) return {};
    absl::StatusOr<std::string> bytes = ReadFile(path);
    if (!bytes.ok()) {
      if (status_.ok()) {
        status_ = absl::Status(bytes.status().code(),
                               fmt::format("kubeconfig: {}.{}: {}", where_, name,
                                           std::string(bytes.status().message())));
      }
      return {};
    }
    return *std::move(bytes);
  }
  std::string File(std::string_view name, const std::string& base_dir) {
    std::string path = Text(name);
    if (path.empty() || path.front() == '/' || base_dir.empty()) return path;
    return base_dir + "/" + path;
  }
  void Fail(const std::string& what) {
    if (status_.ok()) status_ = Broken(what);
  }
  const absl::Status& status() const { return status_; }
  bool present() const { return value_ != nullptr; }

 private:
  const JsonValue* value_;
  const std::string where_;
  absl::Status status_;
};

// The entry called `name` of a list of {name: ..., KIND: {...}}.
absl::StatusOr<const JsonValue*> Entry(const JsonValue& document, std::string_view list,
                                       std::string_view kind, std::string_view name) {
  const JsonValue* entries = document.Find(list);
  if (entries != nullptr && entries->is_array()) {
    for (const JsonValue& entry : entries->array()) {
      if (!entry.is_object()) continue;
      const JsonValue* entry_name = entry.Find("name");
      if (entry_name != nullptr && entry_name->is_string() && entry_name->string() == name) {
        return entry.Find(kind);
      }
    }
  }
  return Broken(fmt::format("{} \"{}\" does not exist", kind, name));
}

absl::Status ReadCluster(Reader cluster, const std::string& base_dir, RestConfig& config) {
  config.server = cluster.Text("server");
  config.tls.ca_pem = cluster.Pem("certificate-authority", base_dir);
  config.tls.server_name = cluster.Text("tls-server-name");
  config.tls.insecure_skip_verify = cluster.Flag("insecure-skip-tls-verify");
  if (!cluster.Text("proxy-url").empty()) {
    cluster.Fail("the cluster has a proxy-url; proxies are not supported");
  }
  if (config.server.empty()) cluster.Fail("the cluster has no server");
  if (config.tls.insecure_skip_verify && !config.tls.ca_pem.empty()) {
    cluster.Fail("specifying a root certificates file with the insecure flag is not allowed");
  }
  return cluster.status();
}

absl::Status ReadExec(const JsonValue* value, const RestConfig& config,
                      ExecPluginOptions& options) {
  Reader exec(value, "user.exec");
  if (!exec.present()) return exec.status();
  options.api_version = exec.Text("apiVersion");
  options.command = exec.Text("command");
  options.args = exec.Texts("args");
  options.install_hint = exec.Text("installHint");
  options.provide_cluster_info = exec.Flag("provideClusterInfo");
  options.server = config.server;
  options.ca_pem = config.tls.ca_pem;
  if (options.command.empty()) exec.Fail("user.exec has no command");
  if (options.api_version != "client.authentication.k8s.io/v1" &&
      options.api_version != "client.authentication.k8s.io/v1beta1") {
    exec.Fail(fmt::format("user.exec.apiVersion \"{}\" is not supported", options.api_version));
  }
  if (exec.Text("interactiveMode") == "Always") {
    exec.Fail("user.exec.interactiveMode is Always; there is no terminal to ask on");
  }
  if (const JsonValue* env = exec.Member("env"); env != nullptr && env->is_array()) {
    for (const JsonValue& item : env->array()) {
      Reader variable(&item, "user.exec.env");
      options.env.emplace_back(variable.Text("name"), variable.Text("value"));
      if (!variable.status().ok()) return variable.status();
    }
  }
  return exec.status();
}

// What a header's name cannot carry is percent-encoded, as client-go does.
std::string HeaderKey(std::string_view key) {
  constexpr std::string_view kAllowed = "!#$&'*+-.^_`|~";
  std::string out;
  for (const char c : key) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c)) || kAllowed.find(c) != kAllowed.npos) {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

absl::Status ReadUser(Reader user, const std::string& base_dir, RestConfig& config) {
  config.tls.certificate_pem = user.Pem("client-certificate", base_dir);
  config.tls.key_pem = user.Pem("client-key", base_dir);
  config.token = user.Text("token");
  config.token_file = user.File("tokenFile", base_dir);
  config.username = user.Text("username");
  config.password = user.Text("password");
  if (const std::string as = user.Text("as"); !as.empty()) {
    config.headers.emplace_back("Impersonate-User", as);
  }
  if (const std::string uid = user.Text("as-uid"); !uid.empty()) {
    config.headers.emplace_back("Impersonate-Uid", uid);
  }
  for (std::string& group : user.Texts("as-groups")) {
    config.headers.emplace_back("Impersonate-Group", std::move(group));
  }
  if (const JsonValue* extra = user.Member("as-user-extra")) {
    Reader values(extra, "user.as-user-extra");
    if (!values.status().ok()) return values.status();
    for (const auto& [key, list] : extra->object()) {
      for (std::string& value : values.Texts(key)) {
        config.headers.emplace_back("Impersonate-Extra-" + HeaderKey(key), std::move(value));
      }
    }
    if (!values.status().ok()) return values.status();
  }
  for (const auto& [name, value] : config.headers) {
    if (BadHeader(name, value)) {
      user.Fail(fmt::format("user: {} holds a line break or another character that cannot be sent",
                            name));
    }
  }
  if (user.Member("auth-provider") != nullptr) {
    user.Fail("the user has an auth-provider; use an exec plugin instead");
  }
  if (config.tls.certificate_pem.empty() != config.tls.key_pem.empty()) {
    user.Fail("the user has a client certificate without its key, or a key without one");
  }
  if (!user.status().ok()) return user.status();
  return ReadExec(user.Member("exec"), config, config.exec);
}

}  // namespace

absl::StatusOr<RestConfig> ParseKubeconfig(std::string_view text, const std::string& base_dir,
                                           std::string_view context) {
  BERTH_ASSIGN_OR_RETURN(const std::vector<std::string> documents, api::YamlToJson(text));
  if (documents.empty()) return Broken("it is empty");
  BERTH_ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(documents.front()));
  if (!document.is_object()) return Broken("it is not a map");
  Reader top(&document, "kubeconfig");
  const std::string current = context.empty() ? top.Text("current-context") : std::string(context);
  if (!top.status().ok()) return top.status();
  if (current.empty()) return Broken("it has no current-context, and no context was named");
  BERTH_ASSIGN_OR_RETURN(const JsonValue* entry, Entry(document, "contexts", "context", current));
  Reader chosen(entry, "context");
  const std::string cluster_name = chosen.Text("cluster");
  const std::string user_name = chosen.Text("user");
  RestConfig config;
  config.namespace_ = chosen.Text("namespace");
  if (!chosen.status().ok()) return chosen.status();
  BERTH_ASSIGN_OR_RETURN(const JsonValue* cluster,
                         Entry(document, "clusters", "cluster", cluster_name));
  BERTH_RETURN_IF_ERROR(ReadCluster(Reader(cluster, "cluster"), base_dir, config));
  if (!user_name.empty()) {
    BERTH_ASSIGN_OR_RETURN(const JsonValue* user, Entry(document, "users", "user", user_name));
    BERTH_RETURN_IF_ERROR(ReadUser(Reader(user, "user"), base_dir, config));
  }
  return config;
}

absl::StatusOr<RestConfig> LoadKubeconfig(const std::string& path, std::string_view context) {
  BERTH_ASSIGN_OR_RETURN(const std::string text, ReadFile(path));
  const size_t slash = path.rfind('/');
  absl::StatusOr<RestConfig> config = ParseKubeconfig(
      text, slash == std::string::npos ? "" : path.substr(0, std::max<size_t>(slash, 1)), context);
  if (config.ok()) return config;
  return absl::Status(config.status().code(),
                      fmt::format("{}: {}", path, std::string(config.status().message())));
}

absl::StatusOr<RestConfig> InClusterConfig(const std::string& host, const std::string& port,
                                           const std::string& directory) {
  if (host.empty() || port.empty()) {
    return absl::FailedPreconditionError(
        "unable to load in-cluster configuration, KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT must be defined");
  }
  RestConfig config;
  config.token_file = directory + "/token";
  BERTH_RETURN_IF_ERROR(ReadFile(config.token_file).status());
  BERTH_ASSIGN_OR_RETURN(config.tls.ca_pem, ReadFile(directory + "/ca.crt"));
  if (auto text = ReadFile(directory + "/namespace"); text.ok()) config.namespace_ = *text;
  const bool v6 = host.find(':') != std::string::npos;
  config.server = fmt::format("https://{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port);
  return config;
}

absl::StatusOr<std::unique_ptr<Transport>> MakeTransport(const RestConfig& config,
                                                         HttpTransportOptions options) {
  options.server = config.server;
  options.tls = config.tls;
  BERTH_ASSIGN_OR_RETURN(std::unique_ptr<Transport> http,
                         HttpTransport::Create(std::move(options)));
  std::unique_ptr<CredentialSource> source;
  if (!config.exec.command.empty()) {
    source = MakeExecSource(config.exec);
  } else if (!config.token_file.empty()) {
    source = MakeTokenFileSource(config.token_file);
  } else if (!config.token.empty()) {
    source = MakeTokenSource(config.token);
  } else if (!config.username.empty()) {
    source = MakeBasicSource(config.username, config.password);
  }
  if (source && !config.server.starts_with("https://")) {
    // As client-go: who can listen must not learn them.
    BERTH_LOG(kWarning, "credentials are not sent over plain HTTP server={}", config.server);
    source.reset();
  }
  if (!source && config.headers.empty()) return http;
  return WithCredentials(std::move(http), std::move(source), config.headers);
}

}  // namespace berth::client
