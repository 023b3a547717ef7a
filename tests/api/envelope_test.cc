#include "api/envelope.h"

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/object.h"
#include "api/quantity.h"
#include "api/schema/core_v1_cluster.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "api/schema/runtime.pb.h"
#include "base/strings.h"
#include "tests/api/random_message.h"

namespace berth::api {
namespace {

using google::protobuf::util::MessageDifferencer;

core::Pod RandomPod(uint64_t seed) {
  core::Pod pod;
  FillRandomly(pod, seed, 6);
  return pod;
}

TEST(EnvelopeTest, BothWays) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const core::Pod pod = RandomPod(seed);
    std::string bytes = "before";
    AppendEnvelope(pod, "v1", "Pod", MapOrder::kByKey, bytes);
    bytes.erase(0, 6);
    core::Pod back;
    auto envelope = DecodeEnvelope(bytes, back);
    ASSERT_TRUE(envelope.ok()) << envelope.status();
    EXPECT_EQ(envelope->api_version, "v1");
    EXPECT_EQ(envelope->kind, "Pod");
    EXPECT_TRUE(MessageDifferencer::Equals(pod, back));
    std::string again;
    AppendEnvelope(envelope->raw, "v1", "Pod", again);
    EXPECT_EQ(again, bytes);
    // Protobuf's own view of it.
    runtime::Unknown unknown;
    ASSERT_TRUE(unknown.ParseFromString(bytes.substr(4)));
    EXPECT_EQ(unknown.type_meta().kind(), "Pod");
    EXPECT_EQ(unknown.raw(), envelope->raw);
    EXPECT_TRUE(unknown.has_content_type());
  }
}

TEST(EnvelopeTest, UpstreamBytes) {
  meta::GetOptions options;
  options.set_resource_version("7");
  std::string bytes;
  AppendEnvelope(options, "v1", "GetOptions", MapOrder::kAny, bytes);
  EXPECT_EQ(bytes, std::string("k8s\0\x0a\x10\x0a\x02v1\x12\x0aGetOptions\x12\x03\x0a\x01"
                               "7\x1a\0\x22\0",
                               31));
}

TEST(EnvelopeTest, Refusals) {
  google::protobuf::LogSilencer silencer;
  core::Pod pod;
  EXPECT_FALSE(DecodeEnvelope("", pod).ok());
  EXPECT_FALSE(DecodeEnvelope("{}", pod).ok());
  const std::string head("k8s\0", 4);
  EXPECT_TRUE(DecodeEnvelope(head, pod).ok());  // an empty object of no type
  EXPECT_FALSE(DecodeEnvelope(head + "\x12\x05"
                                     "ab",
                              pod)
                   .ok());
  EXPECT_FALSE(DecodeEnvelope(head + "\x12\x02\xff\xff", pod).ok());
  EXPECT_FALSE(DecodeEnvelope(head + std::string("\0\0", 2), pod).ok());
  EXPECT_FALSE(DecodeEnvelope(head + "\x1a\x04gzip", pod).ok());
  EXPECT_FALSE(DecodeEnvelope(head + "\x22\x10"
                                     "application/json",
                              pod)
                   .ok());
  std::string bytes;
  AppendEnvelope(RandomPod(3), "v1", "Pod", MapOrder::kAny, bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    (void)DecodeEnvelope(std::string_view(bytes).substr(0, size), pod);
  }
}

TEST(EnvelopeTest, WithResourceVersionIsWhatEncodingGives) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    core::Pod pod = RandomPod(seed);
    pod.mutable_metadata();
    for (const std::string_view version : {"1", "123456789012345678", ""}) {
      std::string stored, want, got = "before";
      AppendEnvelope(pod, "v1", "Pod", MapOrder::kByKey, stored);
      if (version.empty()) {
        pod.mutable_metadata()->clear_resource_version();
      } else {
        pod.mutable_metadata()->set_resource_version(std::string(version));
      }
      AppendEnvelope(pod, "v1", "Pod", MapOrder::kByKey, want);
      ASSERT_TRUE(AppendWithResourceVersion(stored, version, got));
      EXPECT_EQ(got, "before" + want) << seed << " " << version;
    }
  }
}

TEST(EnvelopeTest, WithResourceVersionRefusesWhatIsNoObject) {
  std::string out;
  EXPECT_FALSE(AppendWithResourceVersion("no envelope", "1", out));
  std::string empty;
  AppendEnvelope("", "v1", "Pod", empty);
  EXPECT_FALSE(AppendWithResourceVersion(empty, "1", out));
  std::string no_metadata;
  AppendEnvelope(std::string_view("\x12\x00", 2), "v1", "Pod", no_metadata);
  EXPECT_FALSE(AppendWithResourceVersion(no_metadata, "1", out));
  EXPECT_EQ(out, "");
  std::string bytes;
  AppendEnvelope(RandomPod(3), "v1", "Pod", MapOrder::kByKey, bytes);
  for (size_t size = 0; size < bytes.size(); ++size) {
    (void)AppendWithResourceVersion(std::string_view(bytes).substr(0, size), "1", out);
  }
}

TEST(ObjectTest, MetadataAndItems) {
  core::PodList list;
  MutableMeta(AddItem(list)).set_name("a");
  MutableListMeta(list).set_resource_version("5");
  EXPECT_TRUE(IsList(list));
  EXPECT_EQ(ItemCount(list), 1U);
  EXPECT_EQ(MetaOf(ItemAt(list, 0)).name(), "a");
  EXPECT_EQ(ListMetaOf(list).resource_version(), "5");
  EXPECT_EQ(&ItemPrototype(list), &core::Pod::default_instance());
  EXPECT_EQ(FindMeta(list), nullptr);
  EXPECT_NE(FindMeta(core::Pod()), nullptr);
  EXPECT_FALSE(IsList(core::Pod()));
}

TEST(ObjectTest, NormalizeGivesTheParsedForm) {
  core::Pod go;
  ASSERT_TRUE(
      ParseJson(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}})", go).ok());
  const std::string want = go.SerializeAsString();
  // As a Go client writes it: every non-pointer field is there.
  go.mutable_metadata()->set_namespace_("");
  go.mutable_metadata()->mutable_creation_timestamp();
  go.mutable_metadata()->set_generation(0);
  go.mutable_spec()->set_host_network(false);
  go.mutable_spec()->mutable_containers(0)->mutable_resources();
  go.mutable_spec()->mutable_containers(0)->set_image("");
  go.mutable_status()->set_phase("");
  EXPECT_NE(go.SerializeAsString(), want);
  EXPECT_TRUE(Normalize(go).ok());
  EXPECT_EQ(go.SerializeAsString(), want);
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    core::Pod pod = RandomPod(seed);
    const core::Pod before = pod;
    EXPECT_TRUE(Normalize(pod).ok());
    EXPECT_TRUE(MessageDifferencer::Equals(pod, before)) << seed;
  }
}

TEST(ObjectTest, NormalizeRefusesAQuantityThatIsNone) {
  core::Pod pod;
  (*pod.mutable_spec()->mutable_overhead())["cpu"].set_string("lots");
  EXPECT_EQ(Normalize(pod).message(), Quantity::Parse("lots").status().message());
  (*pod.mutable_spec()->mutable_overhead())["cpu"].set_string("1000m");
  ASSERT_TRUE(Normalize(pod).ok());
  EXPECT_EQ(pod.spec().overhead().at("cpu").string(), "1");
}

}  // namespace
}  // namespace berth::api
