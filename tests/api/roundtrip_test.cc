// For random objects of every kind: message to JSON to message, and JSON to message to JSON, give
// back what went in.
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/message_table.h"
#include "api/resource_table.h"
#include "api/schema/apidiscovery_v2.pb.h"
#include "api/schema/apiextensions_v1.pb.h"
#include "api/schema/authentication_v1.pb.h"
#include "api/schema/authorization_v1.pb.h"
#include "api/schema/autoscaling_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_discovery.pb.h"
#include "api/schema/meta_v1_options.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/schema/meta_v1_table.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/schema/scheduling_v1alpha2.pb.h"
#include "tests/api/random_message.h"

namespace berth::api {
namespace {

namespace extensions = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;

using google::protobuf::Message;
using google::protobuf::util::MessageDifferencer;

constexpr int kRunsPerKind = 40;
constexpr int kNesting = 6;

std::vector<const Message*> Kinds() {
  std::vector<const Message*> kinds = {
      &core::Binding::default_instance(),
      &meta::Status::default_instance(),
      &meta::DeleteOptions::default_instance(),
      &meta::APIResourceList::default_instance(),
      &meta::Table::default_instance(),
      &meta::PartialObjectMetadataList::default_instance(),
      &apidiscovery::APIGroupDiscoveryList::default_instance(),
      &autoscaling::Scale::default_instance(),
      &policy::Eviction::default_instance(),
      &authentication::TokenReview::default_instance(),
      &authorization::SubjectAccessReview::default_instance(),
      &gang::PodGroup::default_instance(),
      &extensions::CustomResourceDefinition::default_instance(),
  };
  for (const Resource& resource : Resources()) {
    if (resource.prototype != nullptr) kinds.push_back(resource.prototype);
    if (resource.list_prototype != nullptr) kinds.push_back(resource.list_prototype);
  }
  return kinds;
}

std::string PrintCompact(const Message& message) {
  std::string out;
  PrintJson(message, out);
  return out;
}

TEST(RoundTripTest, EveryKindBothWays) {
  for (const Message* prototype : Kinds()) {
    for (uint64_t seed = 1; seed <= kRunsPerKind; ++seed) {
      const std::unique_ptr<Message> object(prototype->New());
      FillRandomly(*object, seed, kNesting);
      const std::string json = PrintCompact(*object);
      const std::unique_ptr<Message> back(prototype->New());
      DecodeReport report;
      const absl::Status status = ParseJson(json, *back, {}, &report);
      ASSERT_TRUE(status.ok()) << status << "\n" << prototype->GetTypeName() << " " << json;
      ASSERT_TRUE(report.problems.empty()) << report.problems[0] << "\n" << json;
      std::string difference;
      MessageDifferencer differencer;
      differencer.ReportDifferencesToString(&difference);
      ASSERT_TRUE(differencer.Compare(*object, *back))
          << prototype->GetTypeName() << " seed " << seed << "\n"
          << difference << "\n"
          << json;
      ASSERT_EQ(PrintCompact(*back), json);
      const std::unique_ptr<Message> decoded(prototype->New());
      ASSERT_TRUE(decoded->ParseFromString(object->SerializeAsString()));
      ASSERT_EQ(PrintCompact(*decoded), json);
    }
  }
}

// A map field without a row in map_fields.cc, a name table with a clash: building the table fails.
TEST(RoundTripTest, EveryMessageHasATable) {
  size_t messages = 0;
  for (const Message* prototype : Kinds()) {
    const auto* file = prototype->GetDescriptor()->file();
    for (int i = 0; i < file->message_type_count(); ++i) {
      const MessageTable& table = MessageTable::Of(*file->message_type(i));
      for (const FieldInfo& field : table.fields()) {
        ASSERT_EQ(table.Find(field.json_name), &field) << table.GoName();
      }
      EXPECT_EQ(table.Find("no such field"), nullptr);
      EXPECT_EQ(table.Find(""), nullptr);
      ++messages;
    }
  }
  EXPECT_GT(messages, 200U);
}

}  // namespace
}  // namespace berth::api
