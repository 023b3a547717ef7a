#include "tests/apiserver/server_fixture.h"

#include <algorithm>
#include <utility>

#include <absl/strings/numbers.h>
#include <fmt/core.h>

namespace berth::apiserver {

struct StreamState {
  Answer answer;
  int64_t unsent_bytes = 0;
  int64_t unsent_bytes_max = 0;
  bool takes = true;
  bool refuses = false;
  Task gone;
  Task drained;
};

namespace {

class Writer final : public StreamWriter {
 public:
  explicit Writer(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~Writer() override { state_->answer.closed = true; }
  bool Write(Bytes chunk) override {
    if (state_->refuses) return false;
    state_->answer.body += *chunk;
    if (!state_->takes) state_->unsent_bytes += static_cast<int64_t>(chunk->size());
    state_->unsent_bytes_max = std::max(state_->unsent_bytes_max, state_->unsent_bytes);
    return true;
  }
  int64_t UnsentBytes() const override { return state_->unsent_bytes; }
  void OnDrained(Task drained) override {
    if (state_->unsent_bytes == 0) return drained();
    state_->drained = std::move(drained);
  }
  void Close() override { state_->answer.closed = true; }
  void OnGone(Task gone) override { state_->gone = std::move(gone); }

 private:
  std::shared_ptr<StreamState> state_;
};

class Sink final : public Responder::Sink {
 public:
  explicit Sink(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  void Respond(api::HttpResponse response) override {
    Take(response);
    state_->answer.body = std::string(response.text());
    state_->answer.closed = true;
  }
  std::shared_ptr<StreamWriter> StartStream(api::HttpResponse head) override {
    Take(head);
    state_->answer.stream = true;
    return std::make_shared<Writer>(state_);
  }

 private:
  void Take(const api::HttpResponse& response) {
    EXPECT_EQ(state_->answer.code, 0) << "answered twice";
    state_->answer.code = response.code;
    state_->answer.content_type = response.content_type;
    state_->answer.headers = response.headers;
  }
  std::shared_ptr<StreamState> state_;
};

}  // namespace

api::JsonValue Answer::Json() const {
  auto value = api::JsonValue::Parse(body);
  return value.ok() ? *std::move(value) : api::JsonValue();
}

std::string Answer::At(std::string_view path) const { return apiserver::At(Json(), path); }

std::vector<api::JsonValue> Answer::Events() const {
  std::vector<api::JsonValue> events;
  std::string_view rest = body;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    auto event = api::JsonValue::Parse(rest.substr(0, end));
    EXPECT_TRUE(event.ok()) << rest.substr(0, end);
    if (event.ok()) events.push_back(*std::move(event));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  return events;
}

std::string At(const api::JsonValue& value, std::string_view path) {
  const api::JsonValue* at = &value;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
    size_t index = 0;
    if (at->is_object()) {
      at = at->Find(part);
    } else if (at->is_array() && absl::SimpleAtoi(std::string(part), &index) &&
               index < at->array().size()) {
      at = &at->array()[index];
    } else {
      at = nullptr;
    }
    if (at == nullptr) return "<absent>";
  }
  return at->is_string() ? at->string() : at->ToText();
}

std::string EventText(const std::vector<api::JsonValue>& events) {
  std::string text;
  for (const api::JsonValue& event : events) {
    const std::string name = At(event, "object/metadata/name");
    text += fmt::format("{}{}{}", text.empty() ? "" : ", ", At(event, "type"),
                        name == "<absent>" ? "" : " " + name);
  }
  return text;
}

const Answer& OpenStream::answer() const { return state_->answer; }

void OpenStream::Leave() {
  state_->refuses = true;
  if (state_->gone) std::exchange(state_->gone, nullptr)();
}

void OpenStream::Stall() { state_->refuses = true; }

void OpenStream::Pause() { state_->takes = false; }

void OpenStream::Resume() {
  state_->takes = true;
  state_->unsent_bytes = 0;
  if (state_->drained) std::exchange(state_->drained, nullptr)();
}

int64_t OpenStream::unsent_bytes_max() const { return state_->unsent_bytes_max; }

ApiServerOptions ServerFixture::DefaultOptions() {
  ApiServerOptions options;
  options.seed = 7;
  return options;
}

ServerFixture::ServerFixture(ApiServerOptions options, uint64_t seed)
    : loop(seed), executor(loop.MakeExecutor("apiserver")) {
  store = store::MakeMemoryStore(*executor);
  server = std::make_unique<ApiServer>(*executor, *executor, *store, std::move(options));
  server->Start([] {});
  Run();
  EXPECT_TRUE(server->ready());
}

ServerFixture::~ServerFixture() {
  server.reset();
  store.reset();
  executor.reset();
}

void ServerFixture::Run(absl::Duration time) { loop.RunUntil(loop.clock().Now() + time); }

OpenStream ServerFixture::Send(std::string method, std::string target, std::string body,
                               std::string content_type, std::string accept,
                               api::Headers headers) {
  api::HttpRequest request;
  request.headers = std::move(headers);
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  request.content_type = std::move(content_type);
  request.accept = std::move(accept);
  auto state = std::make_shared<StreamState>();
  server->Handle(std::move(request), Responder(std::make_unique<Sink>(state)));
  return OpenStream(state);
}

Answer ServerFixture::Do(std::string method, std::string target, std::string body,
                         std::string content_type, std::string accept, api::Headers headers) {
  const OpenStream stream =
      Send(std::move(method), std::move(target), std::move(body), std::move(content_type),
           std::move(accept), std::move(headers));
  const absl::Time deadline = loop.clock().Now() + absl::Minutes(1);
  while (!stream.answer().closed && loop.clock().Now() < deadline) {
    if (!loop.Step()) break;
  }
  EXPECT_NE(stream.answer().code, 0) << "not answered";
  return stream.answer();
}

void ServerFixture::MakeNode(std::string_view name, int64_t cpu_milli, int64_t pods) {
  const Answer answer = Post(
      "/api/v1/nodes",
      fmt::format(R"({{"kind":"Node","apiVersion":"v1","metadata":{{"name":"{}"}},"status":)"
                  R"({{"capacity":{{"cpu":"{}m","memory":"64Gi","pods":"{}"}}}}}})",
                  name, cpu_milli, pods));
  EXPECT_EQ(answer.code, 201) << answer.body;
}

Answer ServerFixture::MakePod(std::string_view name, int64_t cpu_milli) {
  return Post("/api/v1/namespaces/default/pods",
              fmt::format(R"({{"kind":"Pod","apiVersion":"v1","metadata":{{"name":"{}"}},"spec":)"
                          R"({{"containers":[{{"name":"c","image":"x:1","resources":)"
                          R"({{"requests":{{"cpu":"{}m"}}}}}}]}}}})",
                          name, cpu_milli));
}

Answer ServerFixture::Bind(std::string_view pod, std::string_view node) {
  return Post(fmt::format("/api/v1/namespaces/default/pods/{}/binding", pod),
              fmt::format(R"({{"kind":"Binding","apiVersion":"v1","metadata":{{"name":"{}"}},)"
                          R"("target":{{"kind":"Node","name":"{}"}}}})",
                          pod, node));
}

}  // namespace berth::apiserver
