// The extender protocol: what is sent, and what is made of every answer.
#include "scheduler-main/extender/http_extender.h"

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "api/json_value.h"
#include "base/sim_executor.h"
#include "tests/framework/builders.h"

namespace berth::scheduler {
namespace {

using framework::ExtenderFilterResult;
using framework::NodePtr;
using framework::PodPtr;
using framework::testing::MakeNode;
using framework::testing::MakePod;

// Keeps what it is asked; the test answers.
class HeldTransport final : public client::Transport {
 public:
  struct Held {
    api::HttpRequest request;
    absl::Duration timeout;
    client::Completion<api::HttpResponse> done;
  };
  explicit HeldTransport(std::deque<Held>& held) : held_(held) {}
  void Do(api::HttpRequest request, absl::Duration timeout,
          client::Completion<api::HttpResponse> done) override {
    held_.push_back({std::move(request), timeout, std::move(done)});
  }
  std::unique_ptr<client::Stream> Open(api::HttpRequest, client::StreamHandler) override {
    return nullptr;
  }

 private:
  std::deque<Held>& held_;
};

class HttpExtenderTest : public ::testing::Test {
 protected:
  HttpExtenderTest() {
    section_.url_prefix = "http://10.0.0.1:80/policy/";
    section_.filter_verb = "filter";
    section_.prioritize_verb = "prioritize";
    section_.bind_verb = "bind";
    section_.preempt_verb = "preempt";
    section_.weight = 3;
    section_.http_timeout = absl::Seconds(5);
  }
  framework::Extender& Made() {
    if (extender_ == nullptr) {
      Configuration config;
      config.extenders = {section_};
      auto made = MakeExtenders(config, *executor_, [this](const ExtenderSection&) {
        return std::make_unique<HeldTransport>(held_);
      });
      EXPECT_TRUE(made.ok()) << made.status();
      extender_ = std::move(made->front());
    }
    return *extender_;
  }
  // The next call's body; then it is answered.
  std::string Answer(int code, std::string_view body) {
    EXPECT_FALSE(held_.empty());
    HeldTransport::Held call = std::move(held_.front());
    held_.pop_front();
    target_ = call.request.target;
    api::HttpResponse response;
    response.code = code;
    response.body = std::make_shared<const std::string>(body);
    call.done(std::move(response));
    Settle();
    return call.request.body;
  }
  void Settle() { loop_.RunUntil(loop_.clock().Now()); }

  // Filter of nodes a and b, answered: "a", "a! why b? why", or the error.
  std::string Filter(int code, std::string_view body) {
    std::string out = "(not called)";
    Made().Filter(pod_, nodes_, /*urgent=*/false, [&](absl::StatusOr<ExtenderFilterResult> result) {
      if (!result.ok()) {
        out = std::string(result.status().message());
        return;
      }
      out = result->kept_are_its_own ? "own:" : "";
      for (const NodePtr& node : result->kept) out += " " + node->metadata().name();
      for (const auto& [node, why] : result->failed) out += " " + node + "? " + why;
      for (const auto& [node, why] : result->unresolvable) out += " " + node + "! " + why;
    });
    sent_ = Answer(code, body);
    return out;
  }

  SimLoop loop_{1};
  std::unique_ptr<Executor> executor_ = loop_.MakeExecutor("engine");
  ExtenderSection section_;
  std::deque<HeldTransport::Held> held_;
  std::unique_ptr<framework::Extender> extender_;
  PodPtr pod_ = MakePod("web").Info();
  std::vector<NodePtr> nodes_ = {MakeNode("a").Object(), MakeNode("b").Object()};
  std::string sent_, target_;
};

TEST_F(HttpExtenderTest, SendsNodesOrTheirNames) {
  EXPECT_EQ(Filter(200, R"({"Nodes":{"items":[{"metadata":{"name":"b"}}]}})"), "own: b");
  EXPECT_EQ(target_, "/filter");
  const auto whole = api::JsonValue::Parse(sent_);
  ASSERT_TRUE(whole.ok()) << sent_;
  EXPECT_EQ(whole->Find("Pod")->Find("metadata")->Find("name")->string(), "web");
  EXPECT_TRUE(whole->Find("NodeNames")->is_null());
  const auto& items = whole->Find("Nodes")->Find("items")->array();
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[1].Find("metadata")->Find("name")->string(), "b");

  extender_ = nullptr;
  section_.node_cache_capable = true;
  EXPECT_EQ(Filter(200, R"({"NodeNames":["b"]})"), " b");
  const auto names = api::JsonValue::Parse(sent_);
  ASSERT_TRUE(names.ok()) << sent_;
  EXPECT_TRUE(names->Find("Nodes")->is_null());
  EXPECT_EQ(names->Find("NodeNames")->ToText(), R"(["a","b"])");
}

TEST_F(HttpExtenderTest, EveryAnswerToFilter) {
  section_.node_cache_capable = true;
  const struct {
    int code;
    std::string_view body, want;
  } cases[] = {
      {200, R"({"NodeNames":[]})", ""},
      {200, "{}", ""},
      {200, R"({"NodeNames":["a"],"FailedNodes":{"b":"full"}})", " a b? full"},
      {200, R"({"nodenames":["a"],"failedNodes":{"b":"any case"}})", " a b? any case"},
      {200, R"({"FailedNodes":{"a":"x"},"FailedAndUnresolvableNodes":{"b":"y"}})", " a? x b! y"},
      {200, R"({"NodeNames":null,"Nodes":{"items":[{"metadata":{"name":"a"}}]}})", "own: a"},
      {200, R"({"Error":"no licence"})", "no licence"},
      {200, R"({"NodeNames":["c"]})",
       "extender \"http://10.0.0.1:80/policy/\" claims a filtered node \"c\" which is not found in "
       "the input node list"},
      {500, "oops",
       "failed filter with extender at URL http://10.0.0.1:80/policy/filter, code 500"},
      {204, "", "failed filter with extender at URL http://10.0.0.1:80/policy/filter, code 204"},
      {200, R"({"NodeNames":"a"})",
       "json: cannot unmarshal string into Go struct field NodeNames of type slice"},
      {200, R"([])",
       "json: cannot unmarshal array into Go struct field  of type v1.ExtenderFilterResult"},
  };
  for (const auto& c : cases) EXPECT_EQ(Filter(c.code, c.body), c.want) << c.body;
  for (const std::string_view garbage : {"", "<html>", "{", "\xff\xfe", R"({"NodeNames":[)"}) {
    EXPECT_NE(Filter(200, garbage).find("the extender's answer is not JSON"), std::string::npos)
        << Filter(200, garbage);
  }
}

TEST_F(HttpExtenderTest, AnAnswerThatDoesNotCome) {
  std::string said;
  Made().Filter(pod_, nodes_, /*urgent=*/false, [&](absl::StatusOr<ExtenderFilterResult> result) {
    said = std::string(result.status().message());
  });
  ASSERT_EQ(held_.size(), 1u);
  EXPECT_EQ(held_[0].timeout, absl::Seconds(5));
  held_[0].done(absl::DeadlineExceededError("timed out"));
  Settle();
  EXPECT_EQ(said, "Post \"http://10.0.0.1:80/policy/filter\": context deadline exceeded "
                  "(Client.Timeout exceeded while awaiting headers)");
}

TEST_F(HttpExtenderTest, Prioritize) {
  const struct {
    std::string_view body, want;
  } cases[] = {
      {R"([{"Host":"a","Score":7},{"host":"b","score":3}])", "a=7 b=3 "},
      {"null", ""},
      {R"([{"Host":"a","Score":"7"}])",
       "json: cannot unmarshal string into Go struct field Score of type int64"},
      {R"({"Host":"a"})",
       "json: cannot unmarshal object into Go struct field  of type v1.HostPriorityList"},
  };
  for (const auto& c : cases) {
    std::string said;
    const auto take = [&](absl::StatusOr<framework::Extender::Scores> scores) {
      if (!scores.ok()) {
        said = std::string(scores.status().message());
        return;
      }
      for (const auto& [host, score] : *scores) said += host + "=" + std::to_string(score) + " ";
    };
    Made().Prioritize(pod_, nodes_, /*urgent=*/false, take);
    Answer(200, c.body);
    EXPECT_EQ(said, c.want) << c.body;
    EXPECT_EQ(target_, "/prioritize");
  }
}

TEST_F(HttpExtenderTest, Bind) {
  for (const auto& [body, want] : {std::pair<std::string_view, std::string_view>{"{}", ""},
                                   {R"({"Error":"taken"})", "taken"}}) {
    std::string said = "(not called)";
    Made().Bind(pod_, "a", [&](const absl::Status& s) { said = std::string(s.message()); });
    EXPECT_EQ(Answer(200, body),
              R"({"PodName":"web","PodNamespace":"default","PodUID":"web","Node":"a"})");
    EXPECT_EQ(said, want);
  }
}

TEST_F(HttpExtenderTest, PreemptByNameAndWhole) {
  const std::vector<framework::PreemptionCandidate> candidates = {
      {"a", {MakePod("v1").Info(), MakePod("v2").Info()}, 1}};
  std::vector<framework::ExtenderVictims> left;
  const auto take = [&](absl::StatusOr<std::vector<framework::ExtenderVictims>> said) {
    ASSERT_TRUE(said.ok()) << said.status();
    left = *std::move(said);
  };
  section_.node_cache_capable = true;
  Made().Preempt(pod_, candidates, take);
  const std::string meta = Answer(
      200, R"({"NodeNameToMetaVictims":{"a":{"Pods":[{"UID":"v2"}],"NumPDBViolations":4}}})");
  EXPECT_NE(meta.find(R"("NodeNameToVictims":null,"NodeNameToMetaVictims":)"
                      R"({"a":{"Pods":[{"UID":"v1"},{"UID":"v2"}],"NumPDBViolations":1}}})"),
            std::string::npos)
      << meta;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].node, "a");
  EXPECT_EQ(left[0].pod_uids, std::vector<std::string>{"v2"});
  EXPECT_EQ(left[0].budget_violations, 4);

  extender_ = nullptr;
  section_.node_cache_capable = false;
  Made().Preempt(pod_, candidates, take);
  const std::string whole = Answer(200, R"({"NodeNameToMetaVictims":{"a":null}})");
  EXPECT_NE(whole.find(R"("NodeNameToVictims":{"a":{"Pods":[{"metadata":{"name":"v1")"),
            std::string::npos)
      << whole;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_TRUE(left[0].pod_uids.empty());
}

TEST_F(HttpExtenderTest, InterestedInPodsThatUseAManagedResource) {
  section_.managed_resources = {{"example.com/foo", false}};
  EXPECT_FALSE(Made().IsInterested(*MakePod("p").Req("1").Info()));
  EXPECT_TRUE(Made().IsInterested(*MakePod("p").Requests({{"example.com/foo", "1"}}).Info()));
  EXPECT_TRUE(
      Made().IsInterested(*MakePod("p").InitContainer({{"example.com/foo", "1"}}).Info()));
  MakePod limited("p");
  (*limited.message().mutable_spec()->mutable_containers(0)->mutable_resources()
        ->mutable_limits())["example.com/foo"].set_string("1");
  EXPECT_TRUE(Made().IsInterested(*limited.Info()));
}

TEST_F(HttpExtenderTest, SoManyCallsAtOnceAndTheOthersWait) {
  int answered = 0;
  for (int i = 0; i < 20; ++i) {
    Made().Bind(pod_, "a", [&](const absl::Status&) { ++answered; });
  }
  EXPECT_EQ(held_.size(), 8u);
  while (!held_.empty()) Answer(200, "{}");
  EXPECT_EQ(answered, 20);
}

TEST_F(HttpExtenderTest, IsDestroyedWhileItIsAsked) {
  int answered = 0;
  Made().Bind(pod_, "a", [&](const absl::Status&) { ++answered; });
  HeldTransport::Held call = std::move(held_.front());
  extender_ = nullptr;
  Settle();
  EXPECT_EQ(answered, 0);
}

TEST(MakeExtendersTest, PutsThoseThatMayBeIgnoredBehindTheOthers) {
  Configuration config;
  for (const auto& [url, ignorable] : {std::pair<const char*, bool>{"http://a", true},
                                       {"http://b", false},
                                       {"http://c", true},
                                       {"http://d", false}}) {
    config.extenders.emplace_back().url_prefix = url;
    config.extenders.back().ignorable = ignorable;
  }
  SimLoop loop(1);
  const auto executor = loop.MakeExecutor("engine");
  const auto made = MakeExtenders(config, *executor, nullptr);
  ASSERT_TRUE(made.ok()) << made.status();
  std::vector<std::string_view> names;
  for (const auto& extender : *made) names.push_back(extender->name());
  EXPECT_EQ(names, (std::vector<std::string_view>{"http://b", "http://d", "http://a", "http://c"}));
}

TEST(MakeExtendersTest, SaysWhichAddressOrCertificateIsBad) {
  SimLoop loop(1);
  const auto executor = loop.MakeExecutor("engine");
  Configuration config;
  ExtenderSection& section = config.extenders.emplace_back();
  section.url_prefix = "ftp://x";
  auto made = MakeExtenders(config, *executor, nullptr);
  ASSERT_FALSE(made.ok());
  EXPECT_NE(made.status().message().find("extender \"ftp://x\": "), std::string::npos)
      << made.status();
  section.url_prefix = "https://x";
  section.tls_config.emplace().ca_data = "***";
  made = MakeExtenders(config, *executor, nullptr);
  ASSERT_FALSE(made.ok());
  EXPECT_EQ(made.status().message(),
            "extender \"https://x\": illegal base64 data in an extender's tlsConfig");
}

}  // namespace
}  // namespace berth::scheduler
