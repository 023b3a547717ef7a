#include "api/yaml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"
#include "base/strings.h"
#include "tests/api/random_message.h"

namespace berth::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Json(std::string_view yaml) {
  auto documents = YamlToJson(yaml);
  if (!documents.ok()) return std::string(documents.status().message());
  std::string all;
  for (const std::string& document : *documents) all += document + "\n";
  if (!all.empty()) all.pop_back();
  return all;
}

std::string Yaml(std::string_view json) {
  auto yaml = JsonToYaml(json);
  return yaml.ok() ? *yaml : std::string(yaml.status().message());
}

TEST(YamlReadTest, Scalars) {
  const struct {
    std::string_view yaml, json;
  } cases[] = {
      {"a: text", R"({"a":"text"})"},
      {"a: 'true'", R"({"a":"true"})"},
      {"a: \"1\"", R"({"a":"1"})"},
      {"a: !!str 1", R"({"a":"1"})"},
      {"a: yes", R"({"a":true})"},
      {"a: off", R"({"a":false})"},
      {"a: n", R"({"a":false})"},
      {"a: ~", R"({"a":null})"},
      {"a:", R"({"a":null})"},
      {"a: 010", R"({"a":8})"},
      {"a: 0x1F", R"({"a":31})"},
      {"a: 1_000", R"({"a":1000})"},
      {"a: -7", R"({"a":-7})"},
      {"a: 18446744073709551615", R"({"a":18446744073709551615})"},
      {"a: 1.50", R"({"a":1.5})"},
      {"a: 1e3", R"({"a":"1e3"})"},
      {"a: 1e+3", R"({"a":1000})"},
      {"a: 100m", R"({"a":"100m"})"},
      {"a: 1.2.3.4", R"({"a":"1.2.3.4"})"},
      {"a: 2024-05-01T00:00:00Z", R"({"a":"2024-05-01T00:00:00Z"})"},
      {"a: -", "yaml: line 1: "},
      {"a: |\n  x\n  y\n", R"({"a":"x\ny\n"})"},
      {"1: x\ntrue: z", R"({"1":"x","true":"z"})"},
      {"a: {b: [1, 2], c: }", R"({"a":{"b":[1,2],"c":null}})"},
      {R"({"a": "\ud83d\ude00", "b": [1]})", R"({"a": "\ud83d\ude00", "b": [1]})"},
  };
  for (const auto& c : cases) EXPECT_THAT(Json(c.yaml), testing::StartsWith(std::string(c.json)));
}

TEST(YamlReadTest, DocumentsAnchorsAndMerges) {
  EXPECT_EQ(Json("---\na: 1\n---\n---\nb: 2\n...\n"), "{\"a\":1}\n{\"b\":2}");
  EXPECT_EQ(Json(""), "");
  EXPECT_EQ(Json("# nothing\n"), "");
  EXPECT_EQ(Json("a: &x {b: 1}\nc: *x"), R"({"a":{"b":1},"c":{"b":1}})");
  EXPECT_EQ(Json("x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  b: 3\n"),
            R"({"x":{"a":1,"b":2},"z":{"b":3,"a":1}})");
  EXPECT_EQ(Json("base: &b {a: 1}\nother: &o {a: 2, c: 3}\nz: {<<: [*b, *o], d: 4}"),
            R"({"base":{"a":1},"other":{"a":2,"c":3},"z":{"d":4,"a":1,"c":3}})")
      << "earlier maps win";
  EXPECT_EQ(Json("x: &x\n  <<: {a: 1}\n  b: 2\nw: *x\n"),
            R"({"x":{"b":2,"a":1},"w":{"b":2,"a":1}})");
  EXPECT_EQ(Json("&k name: &v [1]\nz: {*k : *v}"), R"({"name":[1],"z":{"name":[1]}})");
  EXPECT_EQ(Json("a: \"<<\"\n'<<': b"), R"({"a":"\u003c\u003c","\u003c\u003c":"b"})");
  EXPECT_EQ(Json("b: &b {m: 18446744073709551615}\nc: {<<: *b}"),
            R"({"b":{"m":18446744073709551615},"c":{"m":18446744073709551615}})");
  EXPECT_EQ(Json("null"), "");
  EXPECT_EQ(Json("'null'"), "\"null\"");
  EXPECT_EQ(Json("a: 1\na: 2"), R"({"a":1,"a":2})");  // the JSON reader reports it
}

TEST(YamlReadTest, Refusals) {
  EXPECT_THAT(Json("a: 1\nb: [1,\nc: d: e"), HasSubstr("yaml: line "));
  EXPECT_THAT(Json("a: *nope"), HasSubstr("yaml: line 1: "));
  EXPECT_THAT(Json("a:\n\t- b"), HasSubstr("yaml: line 2: "));
  EXPECT_THAT(Json("a: .nan"), HasSubstr("unsupported value"));
  EXPECT_THAT(Json("? [a]\n: b"), HasSubstr("unsupported map key"));
  EXPECT_THAT(Json(std::string(5000, '[')), HasSubstr("yaml: "));
  EXPECT_THAT(Json("a: {<<: 1}"), HasSubstr("map merge requires map"));
  EXPECT_THAT(Json("a: {<<: [{b: 1}, 2]}"), HasSubstr("map merge requires map"));
  EXPECT_THAT(Json("a: &a [1, *a]"), HasSubstr("contains itself"));
  EXPECT_THAT(Json("a: &a {b: 1}\n*a : 1"), HasSubstr("unsupported map key"));
  EXPECT_THAT(Json("~: 1"), HasSubstr("unsupported map key"));
  std::string laughs = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string item = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) laughs += item + (j == 9 ? " ]\n" : " ,");
  }
  EXPECT_THAT(Json(laughs), HasSubstr("excessive aliasing"));
}

// Each map merges the one before it many times: the text stays small whatever is merged.
TEST(YamlReadTest, MergesOfMergesDoNotMultiply) {
  std::string yaml = "m0: &m0 {k0: 0}\n";
  for (int i = 1; i < 30; ++i) {
    const std::string before = "*m" + std::to_string(i - 1);
    yaml += "m" + std::to_string(i) + ": &m" + std::to_string(i) + " {<<: [" + before + ", " +
            before + ", " + before + "], k" + std::to_string(i) + ": 0}\n";
  }
  const std::string json = Json(yaml);
  EXPECT_THAT(json, HasSubstr("\"m29\":{\"k29\":0,\"k28\":0"));
  EXPECT_LT(json.size(), 20000U);
}

TEST(YamlReadTest, IntoAMessage) {
  core::Pod pod;
  DecodeReport report;
  ASSERT_TRUE(ParseYaml("apiVersion: v1\nkind: Pod\nmetadata:\n  name: yam\nspec:\n  nope: 1\n"
                        "  containers:\n  - name: c\n    image: x\n"
                        "    resources: {requests: {cpu: 1}}\n",
                        pod, {}, &report)
                  .ok());
  EXPECT_EQ(pod.spec().containers(0).resources().requests().at("cpu").string(), "1");
  EXPECT_EQ(report.kind, "Pod");
  EXPECT_THAT(report.problems, ElementsAre("unknown field \"spec.nope\""));
  EXPECT_EQ(ToStd(ParseYaml("metadata: {name: 1}", pod, {}, nullptr).message()),
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type "
            "string");
}

TEST(YamlWriteTest, KubectlsForm) {
  EXPECT_EQ(Yaml(R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p","labels":{}},)"
                 R"("spec":{"containers":[{"name":"c","args":["-a","--b"],"ports":[]}],)"
                 R"("list":[[1,2],[]],"n":null,"f":1.5,"t":true}})"),
            "apiVersion: v1\n"
            "kind: Pod\n"
            "metadata:\n"
            "  labels: {}\n"
            "  name: p\n"
            "spec:\n"
            "  containers:\n"
            "  - args:\n"
            "    - -a\n"
            "    - --b\n"
            "    name: c\n"
            "    ports: []\n"
            "  f: 1.5\n"
            "  list:\n"
            "  - - 1\n"
            "    - 2\n"
            "  - []\n"
            "  \"n\": null\n"
            "  t: true\n");
}

TEST(YamlWriteTest, Quoting) {
  const struct {
    std::string_view json, yaml;
  } cases[] = {
      {R"("plain text")", "plain text\n"},
      {R"("")", "\"\"\n"},
      {R"("true")", "\"true\"\n"},
      {R"("1")", "\"1\"\n"},
      {R"("1:20")", "\"1:20\"\n"},
      {R"("2024-05-01T00:00:00Z")", "\"2024-05-01T00:00:00Z\"\n"},
      {R"("a: b")", "'a: b'\n"},
      {R"("a:b")", "a:b\n"},
      {R"("it's #1")", "'it''s #1'\n"},
      {R"("*")", "'*'\n"},
      {R"("- x")", "'- x'\n"},
      {R"(" x ")", "' x '\n"},
      {R"("tab\there")", "\"tab\\there\"\n"},
      {R"("100m")", "100m\n"},
      {R"({"a":"x\ny\n"})", "a: |\n  x\n  y\n"},
      {R"({"a":"x\n\ny"})", "a: |-\n  x\n\n  y\n"},
      {R"({"a":"x\n\n"})", "a: |+\n  x\n\n"},
      {R"({"a":["x\ny"]})", "a:\n- |-\n  x\n  y\n"},
      {R"({"a10":1,"a2":2,"b":3,"_":4,"a/x":5})", "_: 4\na/x: 5\na2: 2\na10: 1\nb: 3\n"},
      {R"({"yes":1,"a b":2})", "a b: 2\n\"yes\": 1\n"},
  };
  for (const auto& c : cases) EXPECT_EQ(Yaml(c.json), c.yaml) << c.json;
}

// Whatever we write reads back as what it was.
TEST(YamlWriteTest, ReadsBack) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    core::Pod pod;
    FillRandomly(pod, seed, 6);
    std::string json;
    PrintJson(pod, json, {"v1", "Pod"});
    const std::string yaml = PrintYaml(pod, {"v1", "Pod"});
    core::Pod back;
    const absl::Status status = ParseYaml(yaml, back, {}, nullptr);
    ASSERT_TRUE(status.ok()) << status << "\n" << yaml;
    std::string again;
    PrintJson(back, again, {"v1", "Pod"});
    ASSERT_EQ(again, json) << yaml;
  }
}

}  // namespace
}  // namespace berth::api
