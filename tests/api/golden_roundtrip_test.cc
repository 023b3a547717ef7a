// Recorded objects through the codec: nothing is unknown, nothing is lost, and printing what was
// printed changes nothing. BERTH_GOLDEN_DIR names the recordings; without them a small set of our
// own in tests/golden/codec is all there is, and the test says so.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include "api/json.h"
#include "api/quantity.h"
#include "api/resource_table.h"

namespace berth::api {
namespace {

namespace dom = simdjson::dom;

using google::protobuf::Message;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::filesystem::path GoldenDir() {
  const char* dir = std::getenv("BERTH_GOLDEN_DIR");
  return dir != nullptr ? dir : BERTH_GOLDEN_DEFAULT;
}

bool SameQuantity(std::string_view a, std::string_view b) {
  const auto left = Quantity::Parse(a);
  const auto right = Quantity::Parse(b);
  return left.ok() && right.ok() && *left == *right;
}

bool IsZero(dom::element value) {
  dom::object object;
  dom::array array;
  std::string_view text;
  if (value.is_null()) return true;
  if (value.get(text) == simdjson::SUCCESS) return text.empty() || text == "0";
  if (value.get(array) == simdjson::SUCCESS) return array.size() == 0;
  if (value.get(object) == simdjson::SUCCESS) {
    for (const auto& member : object) {
      if (!IsZero(member.value)) return false;
    }
    return true;
  }
  return value.is_bool() ? !bool(value) : value.is_number() && double(value) == 0;
}

// Everything in `want` is in `got`, in the same order within lists; what only one side has is a
// zero value. Equal quantities may be written differently.
bool Covers(dom::element got, dom::element want) {
  if (want.is_null()) return IsZero(got);
  if (want.is_object()) {
    if (!got.is_object()) return false;
    for (const auto& member : dom::object(want)) {
      dom::element other;
      const bool found = dom::object(got).at_key(member.key).get(other) == simdjson::SUCCESS;
      if (found ? !Covers(other, member.value) : !IsZero(member.value)) return false;
    }
    for (const auto& member : dom::object(got)) {
      dom::element other;
      const bool found = dom::object(want).at_key(member.key).get(other) == simdjson::SUCCESS;
      if (!found && !IsZero(member.value)) return false;
    }
    return true;
  }
  if (want.is_array()) {
    if (!got.is_array()) return dom::array(want).size() == 0 && got.is_null();
    if (dom::array(got).size() != dom::array(want).size()) return false;
    for (size_t i = 0; i < dom::array(want).size(); ++i) {
      if (!Covers(dom::array(got).at(i).value(), dom::array(want).at(i).value())) return false;
    }
    return true;
  }
  if (simdjson::minify(got) == simdjson::minify(want)) return true;
  std::string_view left;
  std::string_view right;
  if (got.get(left) != simdjson::SUCCESS) return false;
  if (want.get(right) != simdjson::SUCCESS) return SameQuantity(left, simdjson::minify(want));
  return SameQuantity(left, right);
}

// Any kind of the schema, also those no server of ours has a resource for. Null when unknown.
const Message* Prototype(std::string_view api_version, std::string_view kind) {
  const GroupVersion type = ParseGroupVersion(api_version);
  std::string_view group = type.group.substr(0, type.group.find('.'));
  if (group.empty()) group = "core";
  const auto* descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(
          fmt::format("k8s.io.api.{}.{}.{}", group, type.version, kind));
  if (descriptor == nullptr) return nullptr;
  return google::protobuf::MessageFactory::generated_factory()->GetPrototype(descriptor);
}

void ExpectRoundTrip(const std::string& json, const Message& prototype, std::string_view where) {
  const std::unique_ptr<Message> object(prototype.New());
  DecodeReport report;
  const absl::Status status = ParseJson(json, *object, {}, &report);
  ASSERT_TRUE(status.ok()) << where << ": " << status << "\n" << json;
  ASSERT_TRUE(report.problems.empty()) << where << ": " << report.problems[0];
  std::string printed;
  PrintJson(*object, printed, {report.api_version, report.kind});
  dom::parser first;
  dom::parser second;
  ASSERT_TRUE(Covers(first.parse(printed).value(), second.parse(json).value())) << where << "\n"
                                                                                << json << "\n"
                                                                                << printed;
  const std::unique_ptr<Message> again(prototype.New());
  ASSERT_TRUE(ParseJson(printed, *again).ok());
  std::string reprinted;
  PrintJson(*again, reprinted, {report.api_version, report.kind});
  ASSERT_EQ(reprinted, printed) << where;
  ASSERT_EQ(again->SerializeAsString().size(), object->SerializeAsString().size()) << where;
}

// Every object with an apiVersion and a kind we know, however deep it stands. Counts them.
size_t CheckObjectsIn(dom::element value, std::string_view where) {
  size_t count = 0;
  if (value.is_array()) {
    for (dom::element item : dom::array(value)) count += CheckObjectsIn(item, where);
    return count;
  }
  if (!value.is_object()) return 0;
  std::string_view api_version;
  std::string_view kind;
  if (value["apiVersion"].get(api_version) == simdjson::SUCCESS &&
      value["kind"].get(kind) == simdjson::SUCCESS) {
    const Message* prototype = Prototype(api_version, kind);
    if (prototype == nullptr) return 0;
    ExpectRoundTrip(simdjson::minify(value), *prototype, where);
    return 1;
  }
  for (const auto& member : dom::object(value)) count += CheckObjectsIn(member.value, where);
  return count;
}

TEST(GoldenRoundTripTest, RecordedObjects) {
  const std::filesystem::path dir = GoldenDir();
  if (!std::filesystem::is_directory(dir)) {
    std::cerr << "*** NOT CHECKED: no recordings in " << dir << "; set BERTH_GOLDEN_DIR ***\n";
    GTEST_SKIP() << "no recordings in " << dir;
  }
  size_t objects = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    if (entry.path().extension() != ".json") continue;
    dom::parser parser;
    dom::element root;
    ASSERT_EQ(parser.parse(ReadFile(entry.path())).get(root), simdjson::SUCCESS) << entry.path();
    objects += CheckObjectsIn(root, entry.path().string());
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(objects, 0U);
  RecordProperty("objects", static_cast<int>(objects));
  std::cerr << objects << " recorded objects\n";
}

// Ours: the text is what a server of 1.36 would print, so it must come back byte for byte.
TEST(GoldenRoundTripTest, OwnTextsComeBackByteForByte) {
  const std::filesystem::path dir =
      std::filesystem::path(BERTH_SOURCE_DIR) / "tests" / "golden" / "codec";
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    if (entry.path().extension() != ".json") continue;
    const std::string text = ReadFile(entry.path());
    TypeIdentity type;
    ASSERT_TRUE(PeekType(text, type).ok()) << entry.path();
    const Message* prototype = Prototype(type.api_version, type.kind);
    ASSERT_NE(prototype, nullptr) << type.kind;
    const std::unique_ptr<Message> object(prototype->New());
    DecodeReport report;
    ASSERT_TRUE(ParseJson(text, *object, {}, &report).ok()) << entry.path();
    EXPECT_TRUE(report.problems.empty()) << entry.path() << ": " << report.problems[0];
    std::string printed;
    PrintJson(*object, printed, {type.api_version, type.kind});
    EXPECT_EQ(IndentJson(printed, 2) + "\n", text) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 4U);
}

}  // namespace
}  // namespace berth::api
