#include "client/credentials.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <absl/strings/escaping.h>
#include <absl/synchronization/mutex.h>
#include <fmt/format.h>

#include "base/log.h"
#include "base/strings.h"
#include "base/thread_executor.h"
#include "client/http1.h"

namespace berth::client {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const std::string text = fmt::format("open {}: {}", path, strerror(errno));
    if (errno == ENOENT) return absl::NotFoundError(text);
    return absl::UnavailableError(text);
  }
  std::ostringstream text;
  // A directory opens, and fails to be read.
  if (file.peek() != std::ifstream::traits_type::eof()) text << file.rdbuf();
  if (file.bad() || text.bad()) {
    return absl::UnavailableError(fmt::format("read {}: {}", path, strerror(errno)));
  }
  return std::move(text).str();
}

namespace {

class FixedSource final : public CredentialSource {
 public:
  explicit FixedSource(std::string value) : value_(std::move(value)) {}
  void Get(Completion<std::string> done) override { done(value_); }
  bool Refused(const std::string&) override { return false; }

 private:
  const std::string value_;
};

class TokenFileSource final : public CredentialSource {
 public:
  TokenFileSource(std::string path, absl::Duration period, Clock& clock)
      : path_(std::move(path)), period_(period), clock_(clock) {}

  void Get(Completion<std::string> done) override {
    absl::StatusOr<std::string> value = Read();
    done(std::move(value));
  }
  bool Refused(const std::string& value) override {
    absl::MutexLock lock(&mutex_);
    if (value_ != value) return true;
    read_at_ = absl::InfinitePast();
    return true;
  }

 private:
  absl::StatusOr<std::string> Read() {
    absl::MutexLock lock(&mutex_);
    const absl::Time now = clock_.Now();
    if (!value_.empty() && now - read_at_ < period_) return value_;
    absl::StatusOr<std::string> text = ReadFile(path_);
    if (text.ok()) {
      while (!text->empty() && isspace(static_cast<unsigned char>(text->back()))) text->pop_back();
      if (text->empty()) text = absl::UnauthenticatedError(fmt::format("{} is empty", path_));
    }
    read_at_ = now;
    if (text.ok()) {
      value_ = "Bearer " + *text;
    } else if (value_.empty()) {
      return text.status();
    } else {
      BERTH_LOG(kWarning, "token file not readable, keeping the last token err=\"{}\"",
                ToStd(text.status().message()));
    }
    return value_;
  }

  const std::string path_;
  const absl::Duration period_;
  Clock& clock_;
  absl::Mutex mutex_;
  std::string value_ ABSL_GUARDED_BY(mutex_);
  absl::Time read_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

// A stream that may not have begun yet, because its credentials are being fetched.
class PendingStream final : public Stream {
 public:
  struct State {
    absl::Mutex mutex;
    bool cancelled ABSL_GUARDED_BY(mutex) = false;
    std::unique_ptr<Stream> inner ABSL_GUARDED_BY(mutex);
  };
  explicit PendingStream(std::shared_ptr<State> state) : state_(std::move(state)) {}
  ~PendingStream() override {
    std::unique_ptr<Stream> inner;
    absl::MutexLock lock(&state_->mutex);
    state_->cancelled = true;
    inner = std::move(state_->inner);
  }

 private:
  const std::shared_ptr<State> state_;
};

class CredentialTransport final : public Transport {
 public:
  CredentialTransport(std::unique_ptr<Transport> inner, std::unique_ptr<CredentialSource> source,
                      api::Headers headers)
      : core_(std::make_shared<Core>()) {
    core_->inner = std::move(inner);
    core_->source = std::move(source);
    core_->headers = std::move(headers);
  }
  // First nobody may begin anything; then the transport ends what it has, which may still ask the
  // source; then the source goes.
  ~CredentialTransport() override {
    {
      absl::MutexLock lock(&core_->mutex);
      core_->closed = true;
    }
    core_->inner.reset();
    core_->source.reset();
    core_->failures.Stop();
  }

  void Do(api::HttpRequest request, absl::Duration timeout,
          Completion<api::HttpResponse> done) override {
    core_->AddHeaders(request);
    if (!core_->source) return core_->inner->Do(std::move(request), timeout, std::move(done));
    Core::Send(core_, std::move(request), timeout, std::move(done), true);
  }

  std::unique_ptr<Stream> Open(api::HttpRequest request, StreamHandler handler) override {
    core_->AddHeaders(request);
    if (!core_->source) return core_->inner->Open(std::move(request), std::move(handler));
    auto state = std::make_shared<PendingStream::State>();
    core_->source->Get([core = core_, state, request = std::move(request),
                        handler = std::move(handler)](absl::StatusOr<std::string> value) mutable {
      absl::ReaderMutexLock open(&core->mutex);
      if (core->closed) return;
      value = Core::Sendable(std::move(value));
      if (!value.ok()) {
        return core->failures.Post([state, handler = std::move(handler),
                                    status = value.status()]() mutable {
          absl::MutexLock lock(&state->mutex);
          if (!state->cancelled && handler.on_close) handler.on_close(std::move(status));
        });
      }
      request.headers.emplace_back("Authorization", *value);
      handler.on_response = [core, value = *value, next = std::move(handler.on_response)](
                                api::HttpResponse head) mutable {
        if (head.code == 401 && !core->closed) core->source->Refused(value);
        if (next) next(std::move(head));
      };
      absl::MutexLock lock(&state->mutex);
      if (state->cancelled) return;
      state->inner = core->inner->Open(std::move(request), std::move(handler));
    });
    return std::make_unique<PendingStream>(std::move(state));
  }

 private:
  struct Core {
    absl::Mutex mutex;  // held for reading while something is begun
    std::atomic<bool> closed{false};  // written under the mutex
    std::unique_ptr<Transport> inner;
    std::unique_ptr<CredentialSource> source;
    api::Headers headers;
    // Where a failed fetch is told, since it may fail inside the call.
    ThreadExecutor failures{"credentials"};

    static absl::StatusOr<std::string> Sendable(absl::StatusOr<std::string> value) {
      if (!value.ok() || !BadHeader("Authorization", *value)) return value;
      return absl::UnauthenticatedError(
          "the token holds a line break or another character that cannot be sent");
    }

    void AddHeaders(api::HttpRequest& request) const {
      request.headers.insert(request.headers.end(), headers.begin(), headers.end());
    }

    static void Send(const std::shared_ptr<Core>& core, api::HttpRequest request,
                     absl::Duration timeout, Completion<api::HttpResponse> done,
                     bool may_repeat) {
      CredentialSource& from = *core->source;
      from.Get([core, request = std::move(request), timeout, done = std::move(done),
                may_repeat](absl::StatusOr<std::string> value) mutable {
        absl::ReaderMutexLock open(&core->mutex);
        if (core->closed) return done(absl::CancelledError("the transport was closed"));
        value = Sendable(std::move(value));
        if (!value.ok()) {
          return core->failures.Post(
              [done = std::move(done), status = value.status()]() mutable { done(status); });
        }
        SendWith(core, *std::move(value), std::move(request), timeout, std::move(done),
                 may_repeat);
      });
    }

    static void SendWith(std::shared_ptr<Core> core, std::string value, api::HttpRequest request,
                         absl::Duration timeout, Completion<api::HttpResponse> done,
                         bool may_repeat) {
      Transport& to = *core->inner;
      api::HttpRequest sent = request;
      sent.headers.emplace_back("Authorization", value);
      to.Do(std::move(sent), timeout,
            [core = std::move(core), value = std::move(value), request = std::move(request),
             timeout, done = std::move(done),
             may_repeat](absl::StatusOr<api::HttpResponse> response) mutable {
              const bool again = response.ok() && response->code == 401 && may_repeat &&
                                 !core->closed && core->source->Refused(value);
              if (!again) return done(std::move(response));
              Send(core, std::move(request), timeout, std::move(done), false);
            });
    }
  };
  const std::shared_ptr<Core> core_;
};

}  // namespace

std::unique_ptr<CredentialSource> MakeTokenSource(const std::string& token) {
  return std::make_unique<FixedSource>("Bearer " + token);
}

std::unique_ptr<CredentialSource> MakeBasicSource(const std::string& username,
                                                  const std::string& password) {
  return std::make_unique<FixedSource>("Basic " +
                                       absl::Base64Escape(username + ":" + password));
}

std::unique_ptr<CredentialSource> MakeTokenFileSource(std::string path, absl::Duration period,
                                                      Clock& clock) {
  return std::make_unique<TokenFileSource>(std::move(path), period, clock);
}

std::unique_ptr<Transport> WithCredentials(std::unique_ptr<Transport> inner,
                                           std::unique_ptr<CredentialSource> source,
                                           api::Headers headers) {
  return std::make_unique<CredentialTransport>(std::move(inner), std::move(source),
                                               std::move(headers));
}

}  // namespace berth::client
