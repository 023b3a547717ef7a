#include "tests/sim/faulty_transport.h"

#include <deque>
#include <utility>

namespace berth::sim {

FaultyTransport::FaultyTransport(client::Transport& inner, Executor& executor, Random& random,
                                 Probes& probes, FaultOptions options, TransportTap* tap)
    : inner_(inner), executor_(executor), random_(random), probes_(probes), options_(options),
      tap_(tap) {}

FaultyTransport::~FaultyTransport() { alive_.End(); }

bool FaultyTransport::Happens(double chance, std::string_view probe) {
  if (chance <= 0 || !random_.Chance(chance)) return false;
  probes_.Hit(probe);
  return true;
}

void FaultyTransport::After(absl::Duration delay, Task task) {
  auto guarded = [alive = alive_.Watch(), task = std::move(task)]() mutable {
    if (!alive.expired()) task();
  };
  if (delay <= absl::ZeroDuration()) return executor_.Post(std::move(guarded));
  executor_.PostAfter(delay, std::move(guarded));
}

void FaultyTransport::Later(Task task) {
  absl::Duration delay;
  if (Happens(options_.delay, "message delayed")) delay = options_.delay_max * random_.Unit();
  After(delay, std::move(task));
}

void FaultyTransport::Do(api::HttpRequest request, absl::Duration timeout,
                         client::Completion<api::HttpResponse> done) {
  if (tap_ != nullptr) tap_->OnRequest(request);
  if (Happens(options_.lose_request, "request lost")) {
    return After(timeout, [done = std::move(done)]() mutable {
      done(absl::DeadlineExceededError("request lost"));
    });
  }
  if (Happens(options_.repeat_request, "request repeated")) {
    After(options_.repeat_delay_max * random_.Unit(),
          [this, request, timeout] { inner_.Do(request, timeout, [](auto) {}); });
  }
  const bool answer_lost = Happens(options_.lose_response, "response lost");
  auto sent = std::make_shared<const api::HttpRequest>(std::move(request));
  Later([this, sent, timeout, answer_lost, done = std::move(done)]() mutable {
    auto answered = [this, alive = alive_.Watch(), sent, timeout, answer_lost,
                     done = std::move(done)](absl::StatusOr<api::HttpResponse> got) mutable {
      if (alive.expired()) return;
      if (answer_lost) {
        return After(timeout, [done = std::move(done)]() mutable {
          done(absl::DeadlineExceededError("response lost"));
        });
      }
      Later([this, sent, done = std::move(done), got = std::move(got)]() mutable {
        if (tap_ != nullptr && got.ok()) tap_->OnAnswer(*sent, *got);
        done(std::move(got));
      });
    };
    inner_.Do(*sent, timeout, std::move(answered));
  });
}

// One stream. What comes keeps its order: each piece is delivered after the one before it.
struct FaultyTransport::Channel : std::enable_shared_from_this<Channel> {
  Channel(FaultyTransport& owner, client::StreamHandler to)
      : transport(owner), alive(owner.alive_.Watch()), handler(std::move(to)) {}

  FaultyTransport& transport;
  const Lifetime::Watcher alive;  // of the transport
  client::StreamHandler handler;
  std::unique_ptr<StreamTap> tap;
  std::unique_ptr<client::Stream> inner;
  std::deque<Task> pending;
  bool delivering = false;
  bool silent = false;
  bool closed = false;

  bool Gone() const { return closed || silent || alive.expired(); }

  void Enqueue(Task task) {
    if (Gone()) return;
    pending.push_back(std::move(task));
    Pump();
  }
  void Pump() {
    if (delivering || pending.empty() || Gone()) return;
    delivering = true;
    transport.Later([self = shared_from_this()] {
      self->delivering = false;
      if (self->closed || self->pending.empty()) return;
      Task next = std::move(self->pending.front());
      self->pending.pop_front();
      next();
      self->Pump();
    });
  }
  void Close(absl::Status status) {
    if (closed) return;
    closed = true;
    pending.clear();
    if (handler.on_close) handler.on_close(std::move(status));
  }
  void Data(Bytes chunk) {
    if (Gone()) return;
    if (transport.Happens(transport.options_.stall_stream, "stream stalled")) {
      silent = true;
      return;
    }
    if (transport.Happens(transport.options_.cut_stream, "stream cut")) {
      return Enqueue([this] {
        inner.reset();
        Close(absl::UnavailableError("stream cut"));
      });
    }
    Enqueue([this, chunk = std::move(chunk)]() mutable {
      if (tap) tap->OnData(*chunk);
      if (handler.on_data) handler.on_data(std::move(chunk));
    });
  }
};

class FaultyTransport::FaultyStream final : public client::Stream {
 public:
  explicit FaultyStream(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
  ~FaultyStream() override {
    channel_->closed = true;
    channel_->inner.reset();
    channel_->tap.reset();
    // The handler may be what is running now: it goes with the channel.
  }

 private:
  const std::shared_ptr<Channel> channel_;
};

std::unique_ptr<client::Stream> FaultyTransport::Open(api::HttpRequest request,
                                                      client::StreamHandler handler) {
  auto channel = std::make_shared<Channel>(*this, std::move(handler));
  if (tap_ != nullptr) {
    tap_->OnRequest(request);
    channel->tap = tap_->OnOpen(request);
  }
  // The inner stream holds the channel and the channel the inner stream, until either end closes.
  client::StreamHandler wrapped;
  wrapped.on_response = [channel](api::HttpResponse head) {
    channel->Enqueue([raw = channel.get(), head = std::move(head)]() mutable {
      if (raw->tap) raw->tap->OnResponse(head);
      if (raw->handler.on_response) raw->handler.on_response(std::move(head));
    });
  };
  wrapped.on_data = [channel](Bytes chunk) { channel->Data(std::move(chunk)); };
  wrapped.on_close = [channel](absl::Status status) {
    channel->Enqueue([raw = channel.get(), status = std::move(status)]() mutable {
      raw->Close(std::move(status));
    });
  };
  auto stream = std::make_unique<FaultyStream>(channel);
  if (Happens(options_.lose_request, "request lost")) {
    After(client::kStreamResponseTimeout, [channel] {
      channel->Close(absl::DeadlineExceededError("request lost"));
    });
    return stream;
  }
  Later([this, channel, request = std::move(request), wrapped = std::move(wrapped)]() mutable {
    if (!channel->closed) channel->inner = inner_.Open(std::move(request), std::move(wrapped));
  });
  return stream;
}

}  // namespace berth::sim
