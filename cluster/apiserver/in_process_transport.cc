#include "cluster/apiserver/in_process_transport.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <vector>

#include <absl/container/flat_hash_map.h>
#include <absl/synchronization/mutex.h>

#include "base/check.h"

namespace berth::apiserver {
namespace {

struct Event {
  enum class Kind { kResponse, kData, kClose };
  Kind kind;
  api::HttpResponse head;  // kResponse
  Bytes data;              // kData
  absl::Status status;     // kClose
};

int64_t SizeOf(const Bytes& bytes) { return bytes ? static_cast<int64_t>(bytes->size()) : 0; }

// Turns a stream back into one response.
struct Collector {
  api::HttpResponse response;
  std::string joined;  // used from the second chunk on
  client::Completion<api::HttpResponse> done;

  void Add(Bytes chunk) {
    if (!response.body) {
      response.body = std::move(chunk);
      return;
    }
    if (joined.empty()) joined = *response.body;
    joined += *chunk;
  }
  void Finish(absl::Status status) {
    if (!status.ok()) return done(std::move(status));
    if (!joined.empty()) response.body = MakeBytes(std::move(joined));
    done(std::move(response));
  }
};

client::StreamHandler CollectInto(client::Completion<api::HttpResponse> done) {
  auto collector = std::make_shared<Collector>();
  collector->done = std::move(done);
  client::StreamHandler handler;
  handler.on_response = [collector](api::HttpResponse head) {
    collector->response = std::move(head);
  };
  handler.on_data = [collector](Bytes chunk) { collector->Add(std::move(chunk)); };
  handler.on_close = [collector](absl::Status status) { collector->Finish(std::move(status)); };
  return handler;
}

}  // namespace

// What outlives the transport: writers of the server may hold on to it. Posting happens under the
// mutex, so that neither executor is touched after the transport, or the connection, has gone.
struct InProcessTransport::Shared {
  absl::Mutex mutex;
  Executor* client ABSL_GUARDED_BY(mutex) = nullptr;  // null: the transport is gone
  Executor* server ABSL_GUARDED_BY(mutex) = nullptr;  // null: disconnected
  Handler* handler ABSL_GUARDED_BY(mutex) = nullptr;
  uint64_t connection ABSL_GUARDED_BY(mutex) = 0;     // counts Connect and Disconnect
  uint64_t next_id ABSL_GUARDED_BY(mutex) = 1;
  absl::flat_hash_map<uint64_t, std::shared_ptr<Exchange>> exchanges ABSL_GUARDED_BY(mutex);
  InProcessOptions options;

  void PostClient(Task task) {
    absl::MutexLock lock(&mutex);
    if (client != nullptr) client->Post(std::move(task));
  }
  void PostServer(uint64_t of_connection, Task task) {
    absl::MutexLock lock(&mutex);
    if (server != nullptr && connection == of_connection) server->Post(std::move(task));
  }
  void CancelTimer(TimerId id) {
    absl::MutexLock lock(&mutex);
    if (client != nullptr && id != 0) client->Cancel(id);
  }
  void Forget(uint64_t id) {
    std::shared_ptr<Exchange> dropped;  // may be the last reference: destroyed outside the lock
    absl::MutexLock lock(&mutex);
    auto it = exchanges.find(id);
    if (it == exchanges.end()) return;
    dropped = std::move(it->second);
    exchanges.erase(it);
  }
};

// One request and what comes back: a queue of events drained on the client's executor.
class InProcessTransport::Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(std::shared_ptr<Shared> shared, client::StreamHandler handler, bool whole)
      : shared_(std::move(shared)), handler_(std::move(handler)), whole_(whole) {}

  void Start(uint64_t id, uint64_t connection) {
    id_ = id;
    connection_ = connection;
  }
  void SetTimer(TimerId timer) {
    absl::MutexLock lock(&mutex_);
    timer_ = timer;
  }

  // False when the exchange has ended or the receiver fell behind.
  bool Push(std::vector<Event> events) {
    Task gone;
    bool accepted = true;
    bool post = false;
    TimerId timer = 0;
    bool ended = false;
    {
      absl::MutexLock lock(&mutex_);
      if (ended_) return false;
      for (Event& event : events) {
        const int64_t size = SizeOf(event.data);
        if (streaming_ && pending_bytes_ > 0 &&
            pending_bytes_ + size > shared_->options.stream_budget_bytes) {
          accepted = false;
          gone = std::move(on_gone_);
          gone_ = true;
          event = Event{Event::Kind::kClose, {}, nullptr,
                        absl::UnavailableError("stream cut off: the receiver fell behind")};
        }
        pending_bytes_ += size;
        if (event.kind == Event::Kind::kClose) ended_ = true;
        if (ended_ || !whole_) std::swap(timer, timer_);
        queue_.push_back(std::move(event));
        if (ended_) break;
      }
      ended = ended_;
      post = !draining_;
      draining_ = true;
    }
    shared_->CancelTimer(timer);
    if (ended) shared_->Forget(id_);
    if (post) Schedule();
    if (gone) gone();
    return accepted;
  }

  void Fail(absl::Status status) {
    Task gone;
    {
      absl::MutexLock lock(&mutex_);
      if (!ended_) {
        gone_ = true;
        gone = std::move(on_gone_);
      }
    }
    std::vector<Event> events;
    events.push_back(Event{Event::Kind::kClose, {}, nullptr, std::move(status)});
    Push(std::move(events));
    if (gone) shared_->PostServer(connection_, std::move(gone));
  }

  // The client is no longer interested.
  void Cancel() {
    cancelled_ = true;
    Task gone;
    TimerId timer = 0;
    {
      absl::MutexLock lock(&mutex_);
      std::swap(timer, timer_);
      if (!ended_) gone = std::move(on_gone_);
      ended_ = gone_ = true;
    }
    shared_->CancelTimer(timer);
    shared_->Forget(id_);
    if (gone) shared_->PostServer(connection_, std::move(gone));
    // Cancel may run inside one of the callbacks: they are destroyed later.
    shared_->PostClient([self = shared_from_this()] { self->handler_ = {}; });
  }

  int64_t UnsentBytes() {
    absl::MutexLock lock(&mutex_);
    return pending_bytes_;
  }
  void SetOnDrained(Task drained) {
    {
      absl::MutexLock lock(&mutex_);
      if (ended_ || gone_) return;
      if (pending_bytes_ > 0) {
        std::swap(on_drained_, drained);
        return;
      }
    }
    drained();
  }
  void BeginStreaming() {
    absl::MutexLock lock(&mutex_);
    streaming_ = true;
  }
  void SetOnGone(Task gone) {
    {
      absl::MutexLock lock(&mutex_);
      if (!gone_) {
        std::swap(on_gone_, gone);
        return;
      }
    }
    gone();
  }
  void DropOnGone() {
    Task dropped;
    absl::MutexLock lock(&mutex_);
    dropped = std::move(on_gone_);
  }

 private:
  void Schedule() {
    shared_->PostClient([self = shared_from_this()] { self->Drain(); });
  }

  void Drain() {
    std::vector<Event> batch;
    {
      absl::MutexLock lock(&mutex_);
      batch.swap(queue_);
    }
    for (Event& event : batch) {
      if (cancelled_) break;
      Task drained;
      {
        absl::MutexLock lock(&mutex_);
        pending_bytes_ -= SizeOf(event.data);
        if (pending_bytes_ == 0 && !ended_ && !gone_) {
          drained = std::exchange(on_drained_, nullptr);
        }
      }
      if (drained) shared_->PostServer(connection_, std::move(drained));
      Dispatch(std::move(event));
    }
    bool again = false;
    {
      absl::MutexLock lock(&mutex_);
      again = !queue_.empty() && !cancelled_;
      draining_ = again;
    }
    if (again) Schedule();
  }

  void Dispatch(Event event) {
    switch (event.kind) {
      case Event::Kind::kResponse:
        if (handler_.on_response) handler_.on_response(std::move(event.head));
        break;
      case Event::Kind::kData:
        if (handler_.on_data) handler_.on_data(std::move(event.data));
        break;
      case Event::Kind::kClose:
        if (handler_.on_close) handler_.on_close(std::move(event.status));
        break;
    }
  }

  const std::shared_ptr<Shared> shared_;
  client::StreamHandler handler_;  // on the client's executor only
  const bool whole_;               // the timer runs to the end, not to the response
  uint64_t id_ = 0;
  uint64_t connection_ = 0;
  std::atomic<bool> cancelled_{false};
  absl::Mutex mutex_;
  std::vector<Event> queue_ ABSL_GUARDED_BY(mutex_);
  bool draining_ ABSL_GUARDED_BY(mutex_) = false;
  bool streaming_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  bool gone_ ABSL_GUARDED_BY(mutex_) = false;  // before the server closed
  int64_t pending_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  TimerId timer_ ABSL_GUARDED_BY(mutex_) = 0;
  Task on_gone_ ABSL_GUARDED_BY(mutex_);
  Task on_drained_ ABSL_GUARDED_BY(mutex_);
};

class InProcessTransport::WriterImpl final : public StreamWriter {
 public:
  explicit WriterImpl(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~WriterImpl() override { Close(); }
  bool Write(Bytes chunk) override {
    if (!chunk || chunk->empty()) return true;
    std::vector<Event> events;
    events.push_back(Event{Event::Kind::kData, {}, std::move(chunk), {}});
    return exchange_->Push(std::move(events));
  }
  void Close() override {
    std::vector<Event> events;
    events.push_back(Event{Event::Kind::kClose, {}, nullptr, absl::OkStatus()});
    exchange_->Push(std::move(events));
    exchange_->DropOnGone();
  }
  int64_t UnsentBytes() const override { return exchange_->UnsentBytes(); }
  void OnGone(Task gone) override { exchange_->SetOnGone(std::move(gone)); }
  void OnDrained(Task drained) override { exchange_->SetOnDrained(std::move(drained)); }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

class InProcessTransport::SinkImpl final : public Responder::Sink {
 public:
  explicit SinkImpl(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  void Respond(api::HttpResponse response) override {
    std::vector<Event> events;
    Bytes body = std::move(response.body);
    events.push_back(Event{Event::Kind::kResponse, std::move(response), nullptr, {}});
    if (body && !body->empty()) {
      events.push_back(Event{Event::Kind::kData, {}, std::move(body), {}});
    }
    events.push_back(Event{Event::Kind::kClose, {}, nullptr, absl::OkStatus()});
    exchange_->Push(std::move(events));
  }
  std::shared_ptr<StreamWriter> StartStream(api::HttpResponse head) override {
    exchange_->BeginStreaming();
    std::vector<Event> events;
    events.push_back(Event{Event::Kind::kResponse, std::move(head), nullptr, {}});
    exchange_->Push(std::move(events));
    return std::make_shared<WriterImpl>(exchange_);
  }

 private:
  const std::shared_ptr<Exchange> exchange_;
};

class InProcessTransport::StreamImpl final : public client::Stream {
 public:
  explicit StreamImpl(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
  ~StreamImpl() override { exchange_->Cancel(); }

  // Registers the exchange, arms its timer and posts the request to the server.
  static void Submit(const std::shared_ptr<Shared>& shared, std::shared_ptr<Exchange> exchange,
                     api::HttpRequest request, absl::Duration timeout);

 private:
  const std::shared_ptr<Exchange> exchange_;
};

void InProcessTransport::StreamImpl::Submit(const std::shared_ptr<Shared>& shared,
                                            std::shared_ptr<Exchange> exchange,
                                            api::HttpRequest request, absl::Duration timeout) {
  bool connected = false;
  {
    absl::MutexLock lock(&shared->mutex);
    BERTH_CHECK(shared->client != nullptr);
    const uint64_t connection = shared->connection;
    exchange->Start(shared->next_id++, connection);
    shared->exchanges.emplace(shared->next_id - 1, exchange);
    connected = shared->server != nullptr;
    if (connected) {
      std::weak_ptr<Exchange> weak = exchange;
      exchange->SetTimer(shared->client->PostAfter(timeout, [weak] {
        if (auto late = weak.lock()) {
          late->Fail(absl::DeadlineExceededError("no answer within the timeout"));
        }
      }));
      shared->server->Post([shared, exchange, connection, request = std::move(request)]() mutable {
        Handler* handler = nullptr;
        {
          absl::MutexLock inner(&shared->mutex);
          if (shared->connection == connection) handler = shared->handler;
        }
        if (handler == nullptr) return;
        handler->Handle(std::move(request), Responder(std::make_unique<SinkImpl>(exchange)));
      });
    }
  }
  if (!connected) exchange->Fail(absl::UnavailableError("connection refused: no server"));
}

InProcessTransport::InProcessTransport(Executor& client, InProcessOptions options)
    : shared_(std::make_shared<Shared>()) {
  shared_->options = options;
  absl::MutexLock lock(&shared_->mutex);
  shared_->client = &client;
}

InProcessTransport::InProcessTransport(Handler& handler, Executor& server, Executor& client,
                                       InProcessOptions options)
    : InProcessTransport(client, options) {
  Connect(handler, server);
}

InProcessTransport::~InProcessTransport() {
  FailAll(*shared_, absl::CancelledError("the transport was closed"));
  absl::MutexLock lock(&shared_->mutex);
  shared_->client = nullptr;
}

void InProcessTransport::Connect(Handler& handler, Executor& server) {
  absl::MutexLock lock(&shared_->mutex);
  BERTH_CHECK(shared_->server == nullptr);
  shared_->handler = &handler;
  shared_->server = &server;
  ++shared_->connection;
}

void InProcessTransport::Disconnect() {
  FailAll(*shared_, absl::UnavailableError("connection reset: the server went away"));
}

void InProcessTransport::FailAll(Shared& shared, const absl::Status& status) {
  std::vector<std::pair<uint64_t, std::shared_ptr<Exchange>>> exchanges;
  {
    absl::MutexLock lock(&shared.mutex);
    shared.server = nullptr;
    shared.handler = nullptr;
    ++shared.connection;
    exchanges.assign(shared.exchanges.begin(), shared.exchanges.end());
  }
  std::sort(exchanges.begin(), exchanges.end());  // the same order in every run of a seed
  for (auto& [id, exchange] : exchanges) exchange->Fail(status);
}

void InProcessTransport::Do(api::HttpRequest request, absl::Duration timeout,
                            client::Completion<api::HttpResponse> done) {
  StreamImpl::Submit(
      shared_, std::make_shared<Exchange>(shared_, CollectInto(std::move(done)), true),
      std::move(request), timeout);
}

std::unique_ptr<client::Stream> InProcessTransport::Open(api::HttpRequest request,
                                                         client::StreamHandler handler) {
  auto exchange = std::make_shared<Exchange>(shared_, std::move(handler), false);
  auto stream = std::make_unique<StreamImpl>(exchange);
  StreamImpl::Submit(shared_, std::move(exchange), std::move(request),
                     client::kStreamResponseTimeout);
  return stream;
}

}  // namespace berth::apiserver
