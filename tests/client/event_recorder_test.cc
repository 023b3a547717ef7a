#include "client/event_recorder.h"

#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/events_v1.pb.h"
#include "base/sim_executor.h"
#include "cluster/apiserver/in_process_transport.h"
#include "tests/client/fake_api.h"

namespace berth::client {
namespace {

api::core::Pod PodNamed(const std::string& name, const std::string& revision = "7") {
  api::core::Pod pod;
  pod.mutable_metadata()->set_name(name);
  pod.mutable_metadata()->set_namespace_("default");
  pod.mutable_metadata()->set_uid("uid-" + name);
  pod.mutable_metadata()->set_resource_version(revision);
  return pod;
}

EventNote Scheduled(std::string note = "Successfully assigned default/web-1 to n1") {
  return {.type = "Normal",
          .reason = "Scheduled",
          .action = "Binding",
          .note = std::move(note),
          .reporting_controller = "default-scheduler"};
}

struct RecorderWorld {
  explicit RecorderWorld(EventRecorderOptions options = {})
      : loop(1),
        server(loop.MakeExecutor("server")),
        executor(loop.MakeExecutor("client")),
        transport(api, *server, *executor),
        client(transport, *executor),
        recorder(client, options) {}
  void Run(absl::Duration time = absl::Seconds(1)) {
    loop.RunUntil(loop.clock().Now() + time);
  }
  // The methods asked for, in order.
  std::string Methods() const {
    std::string text;
    for (const auto& request : api.requests) text += request.method + " ";
    return text;
  }

  SimLoop loop;
  std::unique_ptr<Executor> server, executor;
  FakeApi api;
  apiserver::InProcessTransport transport;
  ApiClient client;
  EventRecorder recorder;
};

TEST(EventRecorderTest, WhatIsWritten) {
  RecorderWorld w({.reporting_instance = "default-scheduler-host"});
  w.recorder.Record(PodNamed("web-1"), nullptr, Scheduled());
  w.Run();
  ASSERT_EQ(w.api.requests.size(), 1u);
  EXPECT_EQ(w.api.requests[0].target, "/apis/events.k8s.io/v1/namespaces/default/events");
  api::events::Event event;
  ASSERT_TRUE(DecodeObject("", w.api.requests[0].body, event).ok());
  EXPECT_EQ(event.metadata().name(), "web-1.17979cfe362a0000");  // the nanoseconds in hex
  EXPECT_EQ(event.metadata().namespace_(), "default");
  EXPECT_EQ(event.event_time().seconds(), 1'700'000'000);
  EXPECT_EQ(event.reporting_controller(), "default-scheduler");
  EXPECT_EQ(event.reporting_instance(), "default-scheduler-host");
  EXPECT_EQ(event.type(), "Normal");
  EXPECT_EQ(event.reason(), "Scheduled");
  EXPECT_EQ(event.action(), "Binding");
  EXPECT_EQ(event.note(), "Successfully assigned default/web-1 to n1");
  EXPECT_FALSE(event.has_series());
  EXPECT_EQ(event.regarding().api_version(), "v1");
  EXPECT_EQ(event.regarding().kind(), "Pod");
  EXPECT_EQ(event.regarding().namespace_(), "default");
  EXPECT_EQ(event.regarding().name(), "web-1");
  EXPECT_EQ(event.regarding().uid(), "uid-web-1");
  EXPECT_EQ(event.regarding().resource_version(), "7");
}

TEST(EventRecorderTest, RepeatsBecomeASeries) {
  RecorderWorld w;
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled("one"));
  w.Run();
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled("two"));
  w.Run();
  EXPECT_EQ(w.Methods(), "POST PATCH ");
  EXPECT_EQ(w.api.requests[1].body,
            R"({"series":{"count":2,"lastObservedTime":"2023-11-14T22:13:21.000000Z"}})");
  for (int i = 0; i < 10; ++i) w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run();
  EXPECT_EQ(w.Methods(), "POST PATCH ");
  EXPECT_EQ(w.recorder.stats().repeated, 10);
  // The end of the series is written once; afterwards it is a new event.
  w.Run(absl::Minutes(15));
  EXPECT_EQ(w.Methods(), "POST PATCH PATCH ");
  EXPECT_NE(w.api.requests[2].body.find("\"count\":12"), std::string::npos);
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run();
  EXPECT_EQ(w.Methods(), "POST PATCH PATCH POST ");
}

TEST(EventRecorderTest, WhatMakesAnEventAnother) {
  RecorderWorld w;
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.recorder.Record(PodNamed("b"), nullptr, Scheduled());
  w.recorder.Record(PodNamed("a", "8"), nullptr, Scheduled());
  EventNote other = Scheduled();
  other.reason = "FailedScheduling";
  w.recorder.Record(PodNamed("a"), nullptr, other);
  other.reporting_controller = "second";
  w.recorder.Record(PodNamed("a"), nullptr, other);
  const api::core::Pod related = PodNamed("r");
  w.recorder.Record(PodNamed("a"), &related, other);
  w.Run();
  EXPECT_EQ(w.Methods(), "POST POST POST POST POST POST ");
}

TEST(EventRecorderTest, RepeatBeforeTheFirstIsWritten) {
  RecorderWorld w;
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.loop.Step();
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run();
  EXPECT_EQ(w.Methods(), "POST PATCH ");
}

TEST(EventRecorderTest, ServerAwayIsTriedAgain) {
  RecorderWorld w;
  w.transport.Disconnect();
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run(absl::Seconds(30));
  EXPECT_EQ(w.recorder.stats().created, 0);
  w.transport.Connect(w.api, *w.server);
  w.Run(absl::Seconds(30));
  EXPECT_EQ(w.recorder.stats().created, 1);
}

TEST(EventRecorderTest, RefusalsAreDroppedAndExpiredSeriesBeginAnew) {
  RecorderWorld w;
  w.api.next_codes = {403};
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run();
  EXPECT_EQ(w.recorder.stats().dropped_refused, 1);
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run();
  EXPECT_EQ(w.recorder.stats().created, 1);
  w.api.next_codes = {404};  // its time to live has passed
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled());
  w.Run();
  EXPECT_EQ(w.Methods(), "POST POST PATCH POST ");
}

TEST(EventRecorderTest, EverythingIsBounded) {
  RecorderWorld w({.queue_max = 10, .known_max = 20, .in_flight_max = 2, .burst = 3});
  for (int i = 0; i < 100; ++i) {
    w.recorder.Record(PodNamed("p" + std::to_string(i)), nullptr, Scheduled());
  }
  EXPECT_EQ(w.recorder.stats().dropped_full, 88);
  w.Run();
  EXPECT_EQ(w.recorder.stats().created, 12);
  for (int i = 0; i < 50; ++i) {
    EventNote note = Scheduled();
    note.action = "a" + std::to_string(i);
    w.recorder.Record(PodNamed("spammer"), nullptr, note);
  }
  w.Run();
  EXPECT_EQ(w.recorder.stats().dropped_spam, 47);
  EXPECT_EQ(w.recorder.stats().created, 15);
}

TEST(EventRecorderTest, LongNotesAreCut) {
  RecorderWorld w;
  w.recorder.Record(PodNamed("a"), nullptr, Scheduled(std::string(5000, 'x')));
  w.Run();
  api::events::Event event;
  ASSERT_TRUE(DecodeObject("", w.api.requests[0].body, event).ok());
  EXPECT_EQ(event.note().size(), 1024u);
}

}  // namespace
}  // namespace berth::client
