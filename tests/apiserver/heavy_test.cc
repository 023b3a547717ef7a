// Heavy requests are worked out beside the executor, in steps between which others write: what they
// come to is what they would have come to at once.
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/envelope.h"
#include "api/schema/core_v1_event.pb.h"
#include "cluster/apiserver/codec.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kMaps = "/api/v1/namespaces/default/configmaps";
const std::string kMap = std::string(kMaps) + "/m";

std::string Long(size_t bytes = 100'000) { return std::string(bytes, 'x'); }

std::string Map(std::string_view data, std::string_view metadata = "") {
  return fmt::format(R"({{"metadata":{{"name":"m"{}}},"data":{{{}}}}})", metadata, data);
}

class HeavyTest : public ServerFixture {
 public:
  std::string Data(std::string_view key) { return Get(kMap).At(fmt::format("data/{}", key)); }
};

TEST_F(HeavyTest, CreateUpdateAndPatch) {
  EXPECT_EQ(Post(std::string(kMaps), Map(R"("a":")" + Long() + "\"")).code, 201);
  EXPECT_EQ(Data("a"), Long());
  EXPECT_EQ(Post(std::string(kMaps), Map(R"("a":")" + Long() + "\"")).code, 409);
  EXPECT_EQ(Put(kMap, Map(R"("a":"1","b":")" + Long() + "\"")).code, 200);
  EXPECT_EQ(Data("a"), "1");
  EXPECT_EQ(MergePatch(kMap, R"({"data":{"a":")" + Long() + R"(","b":null}})").code, 200);
  EXPECT_EQ(Data("b"), "<absent>");
  EXPECT_EQ(MergePatch(kMap, R"({"data":{"c":"3"}})").code, 200);  // a light one of a heavy object
  EXPECT_EQ(Data("c"), "3");
  EXPECT_EQ(Put("/api/v1/namespaces/default/configmaps/none", Map("", "")).code, 400);
  EXPECT_EQ(MergePatch("/api/v1/namespaces/default/configmaps/none",
                       R"({"data":{"a":")" + Long() + "\"}}").code, 404);
}

TEST_F(HeavyTest, WritingNothingNewWritesNothing) {
  Post(std::string(kMaps), Map(R"("a":")" + Long() + "\""));
  const std::string version = Get(kMap).At("metadata/resourceVersion");
  const Answer same = MergePatch(kMap, R"({"data":{"a":")" + Long() + "\"}}");
  EXPECT_EQ(same.code, 200);
  EXPECT_EQ(same.At("metadata/resourceVersion"), version);
}

TEST_F(HeavyTest, DryRunsShowAndStoreNothing) {
  const Answer made = Post(std::string(kMaps) + "?dryRun=All", Map(R"("a":")" + Long() + "\""));
  EXPECT_EQ(made.code, 201);
  EXPECT_EQ(made.At("data/a"), Long());
  EXPECT_EQ(Get(kMap).code, 404);
  Post(std::string(kMaps), Map(R"("a":"1")"));
  const std::string version = Get(kMap).At("metadata/resourceVersion");
  const Answer shown = MergePatch(kMap + "?dryRun=All", R"({"data":{"a":")" + Long() + "\"}}");
  EXPECT_EQ(shown.At("data/a"), Long());
  EXPECT_EQ(shown.At("metadata/resourceVersion"), version);
  EXPECT_EQ(Data("a"), "1");
}

TEST_F(HeavyTest, VersionsAreChecked) {
  Post(std::string(kMaps), Map(R"("a":"1")"));
  EXPECT_EQ(Put(kMap, Map(R"("a":")" + Long() + "\"", R"(,"resourceVersion":"1")")).code, 409);
  const std::string version = Get(kMap).At("metadata/resourceVersion");
  EXPECT_EQ(Put(kMap, Map(R"("a":")" + Long() + "\"",
                          fmt::format(R"(,"resourceVersion":"{}")", version))).code, 200);
}

TEST_F(HeavyTest, WhatEtcdWouldNotTakeIsRefusedUnlessNothingIsStored) {
  std::string labels;  // 150,000 of them: 1.9 MB
  for (int i = 0; i < 150'000; ++i) labels += fmt::format("{}\"k{}\":\"\"", i == 0 ? "" : ",", i);
  const std::string object = Map("", ",\"labels\":{" + labels + "}");
  const Answer refused = Post(std::string(kMaps), object);
  EXPECT_EQ(refused.code, 500);
  EXPECT_EQ(refused.At("message"), "etcdserver: request is too large");
  EXPECT_EQ(Post(std::string(kMaps) + "?dryRun=All", object).code, 201);
  Post(std::string(kMaps), Map(R"("a":"1")"));
  EXPECT_EQ(MergePatch(kMap, "{\"metadata\":{\"labels\":{" + labels + "}}}").At("message"),
            "etcdserver: request is too large");
  EXPECT_EQ(Data("a"), "1");
}

// Somebody else is faster: the patch is worked out again, from what is there then.
TEST_F(HeavyTest, OvertakenPatchesLandToo) {
  Post(std::string(kMaps), Map(R"("a":"1")"));
  const OpenStream heavy = Send("PATCH", kMap, R"({"data":{"h":")" + Long() + "\"}}",
                                "application/merge-patch+json");
  const OpenStream light = Send("PATCH", kMap, R"({"data":{"l":"2"}})",
                                "application/merge-patch+json");
  Run(absl::Seconds(1));
  EXPECT_EQ(heavy.answer().code, 200) << heavy.answer().body.substr(0, 500);
  EXPECT_EQ(light.answer().code, 200);
  EXPECT_EQ(Data("h"), Long());
  EXPECT_EQ(Data("l"), "2");
  EXPECT_EQ(Data("a"), "1");
}

// A light patch of a heavy object, which becomes light meanwhile.
TEST_F(HeavyTest, AnObjectThatBecomesLightIsPatchedAsSuch) {
  for (int turns = 0; turns < 12; ++turns) {
    SCOPED_TRACE(turns);
    Delete(kMap);
    ASSERT_EQ(Post(std::string(kMaps), Map(R"("a":")" + Long() + "\"")).code, 201);
    const OpenStream patch = Send("PATCH", kMap, R"({"data":{"p":"1"}})",
                                  "application/merge-patch+json");
    for (int i = 0; i < turns; ++i) loop.Step();
    const OpenStream shrink = Send("PUT", kMap, Map(R"("a":"1")"), "application/json");
    Run(absl::Seconds(1));
    ASSERT_EQ(shrink.answer().code, 200);
    ASSERT_EQ(patch.answer().code, 200) << patch.answer().body.substr(0, 500);
    EXPECT_EQ(Data("a"), "1");
  }
}

TEST_F(HeavyTest, AnObjectThatGoesIsNotFound) {
  for (int turns = 0; turns < 12; ++turns) {
    SCOPED_TRACE(turns);
    ASSERT_EQ(Post(std::string(kMaps), Map(R"("a":")" + Long() + "\"")).code, 201);
    const OpenStream patch = Send("PATCH", kMap, R"({"data":{"p":"1"}})",
                                  "application/merge-patch+json");
    for (int i = 0; i < turns; ++i) loop.Step();
    const OpenStream gone = Send("DELETE", kMap);
    Run(absl::Seconds(1));
    EXPECT_EQ(gone.answer().code, 200);
    const int code = patch.answer().code;
    EXPECT_TRUE(code == 404 || code == 200 || code == 409) << code;
    ASSERT_EQ(Get(kMap).code, 404);
  }
}

// Many at once: a few are in work, and all are answered.
TEST_F(HeavyTest, AllInLineAreAnswered) {
  std::vector<OpenStream> sent;
  for (int i = 0; i < 50; ++i) {
    sent.push_back(Send("POST", std::string(kMaps),
                        fmt::format(R"({{"metadata":{{"generateName":"g-"}},"data":{{"a":"{}"}}}})",
                                    Long()), "application/json"));
  }
  sent.push_back(Send("POST", std::string(kMaps), "{" + Long() + "}", "application/json"));
  Run(absl::Seconds(1));
  for (size_t i = 0; i < 50; ++i) EXPECT_EQ(sent[i].answer().code, 201) << i;
  EXPECT_EQ(sent.back().answer().code, 400);
  EXPECT_EQ(Get(std::string(kMaps)).Json().Find("items")->array().size(), 50U);
}

// A watch may last for hours: whatever it was sent with, it stands in nobody's way.
TEST_F(HeavyTest, WatchesWithABodyTakeNoPlace) {
  std::vector<OpenStream> watches;
  for (int i = 0; i < 5; ++i) {
    watches.push_back(Send("GET", std::string(kMaps) + "?watch=true", Long(), "application/json"));
  }
  Run(absl::Seconds(1));
  EXPECT_EQ(Post(std::string(kMaps), Map(R"("a":")" + Long() + "\"")).code, 201);
}

// Both groups of events keep the same bytes, whichever a heavy one came through.
TEST_F(HeavyTest, EventsAreStoredInOneForm) {
  const std::string event = fmt::format(
      R"({{"metadata":{{"name":"e","namespace":"default","annotations":{{"a":"{}"}}}},)"
      R"("eventTime":"2026-01-01T00:00:00.000000Z","action":"a","reason":"r","type":"Normal",)"
      R"("reportingController":"c","reportingInstance":"i",)"
      R"("regarding":{{"kind":"Pod","namespace":"default","name":"p"}}}})", Long());
  const Answer made = Post("/apis/events.k8s.io/v1/namespaces/default/events", event);
  ASSERT_EQ(made.code, 201) << made.body.substr(0, 500);
  const Answer core = Do("GET", "/api/v1/namespaces/default/events/e", "", "",
                         "application/vnd.kubernetes.protobuf");
  const auto envelope = api::ReadEnvelope(core.body);
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->api_version, "v1");
  api::core::Event read;
  ASSERT_TRUE(api::DecodeEnvelope(core.body, read).ok());
  EXPECT_EQ(read.involved_object().name(), "p");
}

}  // namespace
}  // namespace berth::apiserver
