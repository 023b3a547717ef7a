// Bytes nobody honest would send: an error or an object, never a crash.
#include <string>

#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/quantity.h"
#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/core_v1_pod.pb.h"
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
