#include "tests/sim/faulty_transport.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/sim_executor.h"

namespace berth::sim {
namespace {

// Answers each request with its target, and streams "0", "1", ... until told to stop.
class EchoTransport final : public client::Transport {
 public:
  explicit EchoTransport(Executor& executor) : executor_(executor) {}

  void Do(api::HttpRequest request, absl::Duration,
          client::Completion<api::HttpResponse> done) override {
    seen.push_back(request.target);
    executor_.Post([target = request.target, done = std::move(done)]() mutable {
      api::HttpResponse response;
      response.code = 200;
      response.body = MakeBytes(std::move(target));
      done(std::move(response));
    });
  }
  std::unique_ptr<client::Stream> Open(api::HttpRequest request,
                                       client::StreamHandler to) override {
    class Stream final : public client::Stream {
     public:
      explicit Stream(int& open) : open_(open) { ++open_; }
      ~Stream() override { --open_; }

     private:
      int& open_;
    };
    seen.push_back(request.target);
    handler = std::move(to);
    return std::make_unique<Stream>(open_streams);
  }

  std::vector<std::string> seen;
  client::StreamHandler handler;
  int open_streams = 0;

 private:
  Executor& executor_;
};

class FaultyTransportTest : public ::testing::Test {
 protected:
  FaultyTransportTest()
      : loop_(1), executor_(loop_.MakeExecutor("client")), inner_(*executor_), random_(7) {}
  ~FaultyTransportTest() override { net_.reset(); }

  FaultyTransport& Net(FaultOptions options) {
    net_ = std::make_unique<FaultyTransport>(inner_, *executor_, random_, probes_, options);
    return *net_;
  }
  void Send(const std::string& target) {
    api::HttpRequest request;
    request.target = target;
    net_->Do(std::move(request), absl::Seconds(30), [this](absl::StatusOr<api::HttpResponse> got) {
      answers_.push_back(got.ok() ? std::string(got->text()) : got.status().ToString());
      answered_at_ = loop_.clock().Now();
    });
  }
  std::unique_ptr<client::Stream> Watch() {
    client::StreamHandler handler;
    handler.on_response = [this](api::HttpResponse) { heard_ += "("; };
    handler.on_data = [this](Bytes chunk) { heard_ += *chunk; };
    handler.on_close = [this](absl::Status status) { heard_ += status.ok() ? ")" : "!"; };
    return net_->Open({}, std::move(handler));
  }
  void Run(absl::Duration time) { loop_.RunUntil(loop_.clock().Now() + time); }
  void Chunks(int count) {
    for (int i = 0; i < count; ++i) inner_.handler.on_data(MakeBytes(std::to_string(i)));
  }

  SimLoop loop_;
  std::unique_ptr<Executor> executor_;
  EchoTransport inner_;
  Random random_;
  Probes probes_;
  std::unique_ptr<FaultyTransport> net_;
  std::vector<std::string> answers_;
  absl::Time answered_at_;
  std::string heard_;
};

TEST_F(FaultyTransportTest, WithoutFaultsItOnlyPassesOn) {
  Net({});
  Send("a");
  EXPECT_TRUE(answers_.empty()) << "never inside the call";
  Run(absl::ZeroDuration());
  EXPECT_EQ(answers_, std::vector<std::string>{"a"});
  EXPECT_TRUE(probes_.counts().empty());
}

TEST_F(FaultyTransportTest, ALostRequestIsNeverSeenAndTimesOut) {
  Net({.lose_request = 1});
  const absl::Time begin = loop_.clock().Now();
  Send("a");
  Run(absl::Minutes(1));
  EXPECT_TRUE(inner_.seen.empty());
  EXPECT_EQ(answers_, std::vector<std::string>{"DEADLINE_EXCEEDED: request lost"});
  EXPECT_EQ(answered_at_ - begin, absl::Seconds(30));
}

TEST_F(FaultyTransportTest, ALostAnswerIsCarriedOutAndTimesOut) {
  Net({.lose_response = 1});
  Send("a");
  Run(absl::Minutes(1));
  EXPECT_EQ(inner_.seen, std::vector<std::string>{"a"});
  EXPECT_EQ(answers_, std::vector<std::string>{"DEADLINE_EXCEEDED: response lost"});
}

TEST_F(FaultyTransportTest, ARepeatedRequestArrivesTwiceAndIsAnsweredOnce) {
  Net({.repeat_request = 1});
  Send("a");
  Run(absl::Minutes(1));
  EXPECT_EQ(inner_.seen, (std::vector<std::string>{"a", "a"}));
  EXPECT_EQ(answers_, std::vector<std::string>{"a"});
}

TEST_F(FaultyTransportTest, LateRequestsMayOvertakeEachOther) {
  Net({.delay = 1});
  for (int i = 0; i < 20; ++i) Send(std::to_string(i));
  Run(absl::Minutes(1));
  ASSERT_EQ(inner_.seen.size(), 20u);
  EXPECT_FALSE(std::is_sorted(inner_.seen.begin(), inner_.seen.end()));
}

TEST_F(FaultyTransportTest, AStreamKeepsItsOrder) {
  Net({.delay = 0.7});
  const auto stream = Watch();
  Run(absl::Seconds(1));
  inner_.handler.on_response({});
  Chunks(9);
  inner_.handler.on_close(absl::OkStatus());
  Run(absl::Minutes(1));
  EXPECT_EQ(heard_, "(012345678)");
}

TEST_F(FaultyTransportTest, ACutStreamEndsOnceWithAnError) {
  Net({.cut_stream = 1});
  const auto stream = Watch();
  Run(absl::Seconds(1));
  inner_.handler.on_response({});
  Chunks(3);
  Run(absl::Minutes(1));
  inner_.handler.on_close(absl::OkStatus());
  Run(absl::Minutes(1));
  EXPECT_EQ(heard_, "(!");
  EXPECT_EQ(inner_.open_streams, 0);
}

TEST_F(FaultyTransportTest, AStalledStreamIsSilent) {
  Net({.stall_stream = 1});
  auto stream = Watch();
  Run(absl::Seconds(1));
  inner_.handler.on_response({});
  Run(absl::Seconds(1));
  Chunks(3);
  inner_.handler.on_close(absl::OkStatus());
  Run(absl::Minutes(10));
  EXPECT_EQ(heard_, "(");
  stream.reset();
  EXPECT_EQ(inner_.open_streams, 0);
}

TEST_F(FaultyTransportTest, NothingIsHeardAfterTheStreamOrTheTransportIsGone) {
  Net({.delay = 1});
  auto stream = Watch();
  Run(absl::Seconds(1));
  inner_.handler.on_response({});
  Chunks(3);
  stream.reset();
  Send("a");
  net_.reset();
  Run(absl::Minutes(1));
  EXPECT_EQ(heard_, "");
  EXPECT_TRUE(answers_.empty());
}

}  // namespace
}  // namespace berth::sim
