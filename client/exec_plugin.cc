#include "client/exec_plugin.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <absl/strings/escaping.h>
#include <absl/synchronization/mutex.h>
#include <fmt/format.h>

#include "api/json_value.h"
#include "api/time_text.h"
#include "base/status_macros.h"
#include "base/thread_executor.h"

extern char** environ;

namespace berth::client {
namespace {

using api::JsonValue;

constexpr std::string_view kGroup = "client.authentication.k8s.io/";
constexpr size_t kOutputMax = 1 << 20;

std::string StringOf(const JsonValue* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) return {};
  const JsonValue* value = object->Find(name);
  return value != nullptr && value->is_string() ? value->string() : std::string();
}

// The ExecCredential the plugin finds in its environment.
std::string ExecInfo(const ExecPluginOptions& options) {
  JsonValue info = JsonValue::EmptyObject();
  info.Set("kind", JsonValue("ExecCredential"));
  info.Set("apiVersion", JsonValue(options.api_version));
  JsonValue spec = JsonValue::EmptyObject();
  if (options.provide_cluster_info) {
    JsonValue cluster = JsonValue::EmptyObject();
    cluster.Set("server", JsonValue(options.server));
    if (!options.ca_pem.empty()) {
      cluster.Set("certificate-authority-data", JsonValue(absl::Base64Escape(options.ca_pem)));
    }
    spec.Set("cluster", std::move(cluster));
  }
  spec.Set("interactive", JsonValue(false));
  info.Set("spec", std::move(spec));
  return info.ToText();
}

// Our environment, with the plugin's own variables instead of ours of the same name.
std::vector<std::string> EnvironmentOf(const ExecPluginOptions& options) {
  auto own = options.env;
  own.emplace_back("KUBERNETES_EXEC_INFO", ExecInfo(options));
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::string_view name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& [key, value] : own) replaced = replaced || key == name;
    if (!replaced) result.emplace_back(text);
  }
  for (const auto& [key, value] : own) result.push_back(fmt::format("{}={}", key, value));
  return result;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct Pipe {
  int ends[2] = {-1, -1};
  Pipe() { (void)!::pipe2(ends, O_CLOEXEC); }
  ~Pipe() {
    CloseWrite();
    if (ends[0] >= 0) ::close(ends[0]);
  }
  void CloseWrite() {
    if (ends[1] >= 0) ::close(ends[1]);
    ends[1] = -1;
  }
};

// Until when to wait for a plugin; looked at every kLookAgain.
struct Patience {
  absl::Time deadline;
  const std::atomic<bool>* cancelled;

  static constexpr absl::Duration kLookAgain = absl::Milliseconds(50);
  bool over() const {
    return (cancelled != nullptr && *cancelled) || RealClock::Get().Now() >= deadline;
  }
  int poll_ms() const {
    const absl::Duration left = deadline - RealClock::Get().Now();
    return static_cast<int>(absl::ToInt64Milliseconds(std::clamp(
        left, absl::Milliseconds(1), kLookAgain)));
  }
};

// Reads both pipes to their ends. False: too much, or patience is over.
bool Drain(int out_fd, int error_fd, const Patience& patience, std::string& out,
           std::string& error) {
  pollfd fds[2] = {{out_fd, POLLIN, 0}, {error_fd, POLLIN, 0}};
  std::string* texts[2] = {&out, &error};
  char buffer[4096];
  while (fds[0].fd >= 0 || fds[1].fd >= 0) {
    if (patience.over()) return false;
    const int ready = ::poll(fds, 2, patience.poll_ms());
    if (ready < 0 && errno != EINTR) return false;
    for (int i = 0; i < 2 && ready > 0; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      const ssize_t got = ::read(fds[i].fd, buffer, sizeof(buffer));
      if (got > 0) texts[i]->append(buffer, static_cast<size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) fds[i].fd = -1;
      if (texts[i]->size() > kOutputMax) return false;
    }
  }
  return true;
}

// True when the child ended by itself. Otherwise it and its group are killed and reaped.
bool AwaitExit(pid_t pid, bool still_wanted, const Patience& patience, int* status) {
  while (still_wanted && !patience.over()) {
    const pid_t ended = ::waitpid(pid, status, WNOHANG);
    if (ended == pid) return true;
    if (ended < 0 && errno != EINTR) return false;
    (void)::poll(nullptr, 0, std::min(patience.poll_ms(), 5));
  }
  ::kill(-pid, SIGKILL);
  while (::waitpid(pid, status, 0) < 0 && errno == EINTR) {
  }
  return false;
}

}  // namespace

absl::StatusOr<ExecCredential> ParseExecCredential(std::string_view text,
                                                   std::string_view api_version) {
  BERTH_ASSIGN_OR_RETURN(const JsonValue document, JsonValue::Parse(text));
  if (StringOf(&document, "kind") != "ExecCredential") {
    return absl::InvalidArgumentError("exec plugin: it did not print an ExecCredential");
  }
  const std::string version = StringOf(&document, "apiVersion");
  if (version != api_version) {
    return absl::InvalidArgumentError(fmt::format(
        "exec plugin is configured to use API version {}, plugin returned version {}",
        api_version, version));
  }
  const JsonValue* status = document.Find("status");
  ExecCredential credential;
  credential.token = StringOf(status, "token");
  if (!StringOf(status, "clientCertificateData").empty()) {
    return absl::UnimplementedError(
        "exec plugin: client certificates are not supported, only tokens");
  }
  if (credential.token.empty()) {
    return absl::InvalidArgumentError("exec plugin didn't return a token or cert/key pair");
  }
  if (const std::string expires = StringOf(status, "expirationTimestamp"); !expires.empty()) {
    BERTH_ASSIGN_OR_RETURN(const api::Instant instant, api::ParseTime(expires));
    credential.expires = absl::FromUnixSeconds(instant.seconds);
  }
  return credential;
}

absl::StatusOr<ExecCredential> RunExecPlugin(const ExecPluginOptions& options,
                                             const std::atomic<bool>* cancelled) {
  Pipe out, error;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, out.ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, error.ends[1], 2);
  std::vector<std::string> arguments = {options.command};
  arguments.insert(arguments.end(), options.args.begin(), options.args.end());
  std::vector<std::string> environment = EnvironmentOf(options);
  // A group of its own, to be killed with all it starts; and signals as a program expects them,
  // not as our threads have them.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                            POSIX_SPAWN_SETPGROUP);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, options.command.c_str(), &actions, &attributes,
                                    Pointers(arguments).data(), Pointers(environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return absl::UnauthenticatedError(
        fmt::format("exec: {}: {}{}{}", options.command, strerror(failed),
                    options.install_hint.empty() ? "" : "\n", options.install_hint));
  }
  out.CloseWrite();
  error.CloseWrite();
  std::string text, complaint;
  const Patience patience{RealClock::Get().Now() + options.timeout, cancelled};
  const bool drained = Drain(out.ends[0], error.ends[0], patience, text, complaint);
  int status = 0;
  const bool whole = AwaitExit(pid, drained, patience, &status);
  if (!whole || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::UnauthenticatedError(fmt::format(
        "exec: executable {} {}: {}", options.command,
        whole ? fmt::format("failed with exit code {}", WEXITSTATUS(status))
              : std::string("took too long, or wrote too much"),
        complaint.substr(0, 1024)));
  }
  return ParseExecCredential(text, options.api_version);
}

namespace {

class ExecSource final : public CredentialSource {
 public:
  ExecSource(ExecPluginOptions options, Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  void Get(Completion<std::string> done) override {
    {
      absl::MutexLock lock(&mutex_);
      if (value_.empty() || clock_.Now() >= expires_) {
        waiting_.push_back(std::move(done));
        if (!std::exchange(running_, true)) {
          executor_.Post([this] { Run(); });
        }
        return;
      }
    }
    done(Value());
  }

  bool Refused(const std::string& value) override {
    absl::MutexLock lock(&mutex_);
    if (value_ == value) value_.clear();
    return true;
  }

  ~ExecSource() override {
    cancelled_ = true;  // a plugin that is running is killed
    executor_.Stop();
    std::vector<Completion<std::string>> waiting;
    {
      absl::MutexLock lock(&mutex_);
      waiting.swap(waiting_);
    }
    for (auto& done : waiting) done(absl::CancelledError("the transport was closed"));
  }

 private:
  std::string Value() {
    absl::MutexLock lock(&mutex_);
    return value_;
  }

  void Run() {
    absl::StatusOr<ExecCredential> got = RunExecPlugin(options_, &cancelled_);
    std::vector<Completion<std::string>> waiting;
    absl::StatusOr<std::string> result = absl::UnauthenticatedError("");
    {
      absl::MutexLock lock(&mutex_);
      running_ = false;
      if (got.ok()) {
        value_ = "Bearer " + got->token;
        expires_ = got->expires;
        result = value_;
      } else {
        result = got.status();
      }
      waiting.swap(waiting_);
    }
    for (auto& done : waiting) done(result);
  }

  const ExecPluginOptions options_;
  Clock& clock_;
  std::atomic<bool> cancelled_{false};
  absl::Mutex mutex_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  std::string value_ ABSL_GUARDED_BY(mutex_);
  absl::Time expires_ ABSL_GUARDED_BY(mutex_);
  std::vector<Completion<std::string>> waiting_ ABSL_GUARDED_BY(mutex_);
  ThreadExecutor executor_{"exec-plugin"};
};

}  // namespace

std::unique_ptr<CredentialSource> MakeExecSource(ExecPluginOptions options, Clock& clock) {
  return std::make_unique<ExecSource>(std::move(options), clock);
}

}  // namespace berth::client
