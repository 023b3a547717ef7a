// Bytes nobody honest would send: an error or an object, never a crash.
#include <functional>
#include <string>

#include <fmt/core.h>
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/patch.h"
#include "api/quantity.h"
#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/names.h"
#include "base/strings.h"
#include "tests/api/random_message.h"
#include "base/random.h"

namespace berth::api {
namespace {

namespace schema = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(HostileInputTest, Refused) {
  const std::string cases[] = {
      std::string("\0", 1),
      std::string("{\"a\"\0:1}", 8),
      "{\"metadata\":{\"name\":\"\xff\"}}",
      "{\"metadata\":{\"name\":\"\\ud800\"}}",
      "{\"metadata\":{\"name\":\"\\x\"}}",
      Repeat("[", 100000),
      Repeat("{\"a\":", 100000),
      Repeat("{\"metadata\":", 5000) + "1" + Repeat("}", 5000),
      "{\"spec\":{\"priority\":1e999999}}",
      "{\"spec\":{\"priority\":99999999999999999999999999}}",
      "{\"spec\":{\"priority\":-}}",
      "{\"spec\":{\"containers\":{}}}",
      "\xef\xbb\xbf{}",
      "{'a':1}",
      "{\"metadata\":{\"creationTimestamp\":\"" + Repeat("9", 10000) + "\"}}",
      "{\"spec\":{\"overhead\":{\"cpu\":\"" + Repeat("9", 10000) + "x\"}}}",
  };
  for (const std::string& text : cases) {
    core::Pod pod;
    const absl::Status status = ParseJson(text, pod);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text.substr(0, 60);
    EXPECT_FALSE(status.message().empty());
    EXPECT_LT(status.message().size(), 50000U);
    std::string printed;
    PrintJson(pod, printed);  // whatever was read so far can be printed
  }
}

// A refusal that quotes bytes which are no text is text all the same.
TEST(HostileInputTest, RefusalsAreUtf8) {
  const absl::Status status = BadRequest("unknown parameter: \xff\xc3\xa9\xc3");
  EXPECT_EQ(ToStatusMessage(status).message(),
            "unknown parameter: \xef\xbf\xbd\xc3\xa9\xef\xbf\xbd");
}

TEST(HostileInputTest, NestingStopsWhereProtobufStops) {
  for (int levels : {40, 60, 200, 400}) {
    const std::string text = Repeat("{\"not\":", levels) + "{}" + Repeat("}", levels);
    schema::JSONSchemaProps props;
    const absl::Status status = ParseJson(text, props);
    if (!status.ok()) {
      EXPECT_EQ(status.message(), "exceeded max depth");
      EXPECT_GE(levels, 98);
      continue;
    }
    schema::JSONSchemaProps back;
    EXPECT_TRUE(back.ParseFromString(props.SerializeAsString())) << levels;
  }
}

TEST(HostileInputTest, HugeQuantitiesAreNumbers) {
  core::Pod pod;
  const std::string digits = Repeat("9", 10000);
  EXPECT_TRUE(ParseJson("{\"spec\":{\"overhead\":{\"cpu\":\"" + digits + "\"}}}", pod).ok());
  EXPECT_TRUE(ParseJson("{\"spec\":{\"overhead\":{\"cpu\":\"1e2147483647\"}}}", pod).ok());
  EXPECT_TRUE(ParseJson("{\"spec\":{\"overhead\":{\"cpu\":\"1e-2147483648\"}}}", pod).ok());
  // The exponent is 32 bits wide upstream, and wraps.
  for (const auto& [text, want] : {std::pair("1e9223372036854775807", "0.1"),
                                   std::pair("1e4294967298", "100")}) {
    const auto got = Quantity::Parse(text), same = Quantity::Parse(want);
    ASSERT_TRUE(got.ok() && same.ok()) << text;
    EXPECT_EQ(got->MilliValue(), same->MilliValue()) << text;
  }
}

// What follows would run for hours, and into the test's time limit, if the work grew with the
// square of the text. A request of 3 MB can say all of this.
std::string Members(size_t count, const std::function<std::string(size_t)>& member) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + member(i);
  return out;
}

JsonValue Json(const std::string& text) { return JsonValue::Parse(text).value(); }

TEST(HostileSizeTest, StrategicPatchesOfLongLists) {
  constexpr size_t kMany = 100'000;
  const auto list = [&](std::string_view form, size_t first) {
    return Members(kMany, [&](size_t i) { return fmt::format(fmt::runtime(form), first + i); });
  };
  const std::string conditions = list(R"({{"type":"t{}"}})", 0);
  JsonValue document = Json(R"({"status":{"conditions":[)" + conditions + "]}}");
  const auto patch = [&](const std::string& text) {
    return ApplyStrategicPatch(*core::Pod::descriptor(), Json(text), document);
  };
  ASSERT_TRUE(patch(R"({"status":{"$setElementOrder/conditions":[)" + conditions +
                    R"(],"conditions":[)" +
                    list(R"({{"type":"t{}","status":"True"}})", 0) + "]}}").ok());
  ASSERT_TRUE(patch(R"({"status":{"conditions":[)" +
                    list(R"({{"type":"t{}","$patch":"delete"}})", 1) + "]}}").ok());
  EXPECT_EQ(document.Find("status")->Find("conditions")->ToText(),
            R"([{"status":"True","type":"t0"}])");
  ASSERT_TRUE(patch(R"({"metadata":{"finalizers":[]}})").ok());
  ASSERT_TRUE(patch(R"({"metadata":{"finalizers":[)" + list("\"f{}\"", 0) + "]}}").ok());
  ASSERT_TRUE(patch(R"({"metadata":{"$deleteFromPrimitiveList/finalizers":[)" +
                    list("\"f{}\"", 1) + "]}}").ok());
  EXPECT_EQ(document.Find("metadata")->ToText(), R"({"finalizers":["f0"]})");
}

TEST(HostileSizeTest, JsonPatchesThatShiftLongArraysAreEnded) {
  JsonValue document = Json("{\"a\":[" + Members(300'000, [](size_t) { return "1"; }) + "]}");
  const JsonValue shifts = Json(
      "[" + Members(10'000, [](size_t) { return R"({"op":"remove","path":"/a/0"})"; }) + "]");
  EXPECT_EQ(ToStd(ApplyJsonPatch(shifts, document).message()),
            "Request entity too large: the operations of the JSON patch move too many values");
  const JsonValue moves = Json(
      "[" + Members(10'000, [](size_t i) {
        return fmt::format(R"({{"op":"move","from":"/{}","path":"/{}"}})", i == 0 ? "a" : "b",
                           i == 0 ? "b" : "b");
      }) + "]");
  EXPECT_FALSE(ApplyJsonPatch(moves, document).ok());
}

TEST(HostileSizeTest, RepeatedEmptyMembers) {
  core::Pod pod;
  const std::string text = R"({"spec":{"ephemeralContainers":[{"args":[)" +
                           Members(200'000, [](size_t) { return R"("x")"; }) + "]," +
                           Members(150'000, [](size_t) { return R"("resources":{})"; }) + "}]}}";
  ASSERT_TRUE(ParseJson(text, pod).ok());
  const auto& inner = pod.spec().ephemeral_containers(0).ephemeral_container_common();
  EXPECT_EQ(inner.args_size(), 200'000);
  EXPECT_FALSE(inner.has_resources());
}

TEST(HostileSizeTest, RefusalsAreOfBoundedSize) {
  core::ConfigMap map;
  ASSERT_TRUE(
      ParseJson(R"({"metadata":{"name":"m","namespace":"n","ownerReferences":[)" +
                    Members(10'000,
                            [](size_t i) {
                              return fmt::format(
                                  R"({{"apiVersion":"v1","kind":"K","name":"n{}","uid":"u",)"
                                  R"("controller":true}})",
                                  i);
                            }) +
                    "]}}",
                map)
          .ok());
  validation::Errors errors;
  validation::ValidateCoreObjectMeta(map.metadata(), true, validation::IsDns1123Subdomain,
                                     validation::FieldPath("metadata"), errors);
  size_t bytes = 0;
  for (const FieldError& error : errors.Take()) bytes += error.text.size();
  EXPECT_GT(bytes, 0U);
  EXPECT_LT(bytes, size_t{8} << 20);
}

// Changes single bytes of good texts; whatever still parses must print, and read back the same.
TEST(HostileInputTest, MutatedObjects) {
  Random random(7);
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    core::Pod pod;
    FillRandomly(pod, seed, 6);
    std::string text;
    PrintJson(pod, text);
    for (int i = 0; i < 10; ++i) {
      std::string bad = text;
      for (uint64_t changes = random.Below(3) + 1; changes > 0; --changes) {
        bad[random.Below(bad.size())] = static_cast<char>(random.Below(256));
      }
      core::Pod got;
      DecodeReport report;
      if (!ParseJson(bad, got, {}, &report).ok()) continue;
      std::string printed;
      PrintJson(got, printed);
      core::Pod again;
      ASSERT_TRUE(ParseJson(printed, again).ok()) << printed;
    }
  }
}

// Protobuf bytes may hold text that is no UTF-8; printing makes it readable JSON all the same.
TEST(HostileInputTest, MutatedProtobufPrintsAsJson) {
  google::protobuf::LogSilencer silencer;  // debug builds report every bad text
  Random random(9);
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    core::Pod pod;
    FillRandomly(pod, seed, 6);
    std::string bytes = pod.SerializeAsString();
    if (bytes.empty()) continue;
    for (int i = 0; i < 10; ++i) {
      bytes[random.Below(bytes.size())] = static_cast<char>(random.Below(256));
      core::Pod got;
      if (!got.ParseFromString(bytes)) continue;
      got.mutable_metadata()->clear_managed_fields();  // raw JSON from outside
      std::string printed;
      PrintJson(got, printed);
      TypeIdentity type;
      ASSERT_TRUE(PeekType(printed, type).ok()) << printed;
    }
  }
}

}  // namespace
}  // namespace berth::api
