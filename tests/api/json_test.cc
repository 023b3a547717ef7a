// What upstream's servers print and refuse; the texts are theirs.
#include "api/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/schema/apiextensions_v1_schema.pb.h"
#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_config.pb.h"
#include "api/schema/core_v1_event.pb.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_discovery.pb.h"
#include "api/schema/meta_v1_status.pb.h"
#include "api/schema/meta_v1_table.pb.h"
#include "api/schema/networking_v1.pb.h"

namespace berth::api {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

namespace schema = ::k8s::io::apiextensions_apiserver::pkg::apis::apiextensions::v1;

template <typename T>
T Parse(std::string_view json, DecodeReport* report = nullptr) {
  T message;
  const absl::Status status = ParseJson(json, message, {}, report);
  EXPECT_TRUE(status.ok()) << status << "\n" << json;
  return message;
}

template <typename T>
std::string Error(std::string_view json) {
  T message;
  return std::string(ParseJson(json, message).message());
}

std::string Print(const google::protobuf::Message& message, const PrintOptions& options = {}) {
  std::string out;
  PrintJson(message, out, options);
  return out;
}

// Text in, text out: equal unless `want` says otherwise.
template <typename T>
void ExpectPrints(std::string_view json, std::string_view want) {
  DecodeReport report;
  const T message = Parse<T>(json, &report);
  EXPECT_EQ(Print(message, {report.api_version, report.kind}), want);
}

TEST(JsonTest, EmptyFieldsAsUpstreamPrintsThem) {
  ExpectPrints<core::Pod>("{}", R"({"metadata":{},"spec":{"containers":null},"status":{}})");
  ExpectPrints<core::Container>(R"({"name":"c"})", R"({"name":"c","resources":{}})");
  ExpectPrints<core::Event>(
      R"({"metadata":{"name":"e"}})",
      R"({"metadata":{"name":"e"},"involvedObject":{},"source":{},"firstTimestamp":null,)"
      R"("lastTimestamp":null,"eventTime":null,"reportingComponent":"","reportingInstance":""})");
  ExpectPrints<core::PodList>("{}", R"({"metadata":{},"items":[]})");
  ExpectPrints<core::ContainerStatus>(
      R"({"name":"c"})",
      R"({"name":"c","state":{},"lastState":{},"ready":false,"restartCount":0,"image":"",)"
      R"("imageID":""})");
  ExpectPrints<meta::Status>(R"({"status":"Failure","details":{}})",
                             R"({"metadata":{},"status":"Failure","details":{}})");
  ExpectPrints<core::ResourceFieldSelector>(R"({"resource":"cpu"})",
                                            R"({"resource":"cpu","divisor":"0"})");
}

TEST(JsonTest, TypeComesFirstAndMapsAreSorted) {
  ExpectPrints<core::ConfigMap>(
      R"({"data":{"b":"2","a":"1"},"apiVersion":"v1","metadata":{"name":"m"},"kind":"ConfigMap"})",
      R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"m"},"data":{"a":"1","b":"2"}})");
}

TEST(JsonTest, PointersKeepZero) {
  ExpectPrints<core::PodSpec>(
      R"({"containers":[],"priority":0,"enableServiceLinks":false,"hostNetwork":false})",
      R"({"containers":null,"priority":0,"enableServiceLinks":false})");
  ExpectPrints<core::HostPathVolumeSource>(R"({"path":"/","type":""})",
                                           R"({"path":"/","type":""})");
}

TEST(JsonTest, InlineStructs) {
  const std::string_view text = R"({"name":"v","emptyDir":{"sizeLimit":"1Gi"}})";
  const auto volume = Parse<core::Volume>(text);
  EXPECT_EQ(volume.volume_source().empty_dir().size_limit().string(), "1Gi");
  EXPECT_EQ(Print(volume), text);
  ExpectPrints<core::Probe>(R"({"httpGet":{"port":"http"},"periodSeconds":3})",
                            R"({"httpGet":{"port":"http"},"periodSeconds":3})");
  ExpectPrints<core::ConfigMapKeySelector>(R"({"name":"","key":"k"})", R"({"key":"k"})");
}

TEST(JsonTest, SpecialForms) {
  ExpectPrints<core::ResourceRequirements>(
      R"({"limits":{"cpu":0.5,"memory":"1024Mi","pods":2},"requests":{"cpu":" 1000m "}})",
      R"({"limits":{"cpu":"500m","memory":"1Gi","pods":"2"},"requests":{"cpu":"1"}})");
  ExpectPrints<meta::ObjectMeta>(
      R"({"creationTimestamp":null,"deletionTimestamp":"2024-05-01T02:00:00+02:00"})",
      R"({"deletionTimestamp":"2024-05-01T00:00:00Z"})");
  ExpectPrints<core::TCPSocketAction>(R"({"port":8080})", R"({"port":8080})");
  ExpectPrints<core::TCPSocketAction>("{}", R"({"port":0})");
  ExpectPrints<core::Secret>(R"({"data":{"k":"aGVsbG8="}})",
                             R"({"metadata":{},"data":{"k":"aGVsbG8="}})");
  EXPECT_EQ(Parse<core::Secret>(R"({"data":{"k":"aGVsbG8="}})").data().at("k"), "hello");
  ExpectPrints<apps::ControllerRevision>(
      R"({"data": {"a" : [1, "<x>"]}, "revision":3})",
      R"({"metadata":{},"data":{"a":[1,"\u003cx\u003e"]},"revision":3})");
  ExpectPrints<meta::APIResource>(
      R"({"name":"pods","singularName":"","namespaced":true,"kind":"Pod","verbs":["get"]})",
      R"({"name":"pods","singularName":"","namespaced":true,"kind":"Pod","verbs":["get"]})");
  ExpectPrints<meta::TableRow>(R"({"cells":["a",1,null]})",
                               R"({"cells":["a",1,null],"object":null})");
  ExpectPrints<schema::JSONSchemaProps>(
      R"({"type":"object","default":{"a":1.5},"items":[{"type":"x"}],)"
      R"("properties":{"b":{"maximum":1e+21},"a":{"not":{}}},"additionalProperties":false,)"
      R"("x-kubernetes-preserve-unknown-fields":true})",
      R"({"type":"object","default":{"a":1.5},"items":[{"type":"x"}],)"
      R"("properties":{"a":{"not":{}},"b":{"maximum":1e+21}},"additionalProperties":false,)"
      R"("x-kubernetes-preserve-unknown-fields":true})");
}

TEST(JsonTest, StatefulSetShowsTheTypeOfItsClaims) {
  apps::StatefulSetSpec spec;
  spec.add_volume_claim_templates()->mutable_metadata()->set_name("data");
  EXPECT_THAT(Print(spec), HasSubstr(R"("volumeClaimTemplates":[{"kind":"PersistentVolumeClaim",)"
                                     R"("apiVersion":"v1","metadata":{"name":"data"})"));
}

TEST(JsonTest, ListItemsShowTheirTypeOnRequest) {
  core::PodList list;
  list.add_items()->mutable_metadata()->set_name("p");
  EXPECT_THAT(Print(list), StartsWith(R"({"metadata":{},"items":[{"metadata":{"name":"p"},)"));
  PrintOptions options{"v1", "PodList"};
  options.item_api_version = "v1";
  options.item_kind = "Pod";
  EXPECT_THAT(Print(list, options),
              StartsWith(R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[)"
                         R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"p"},)"));
}

TEST(JsonTest, StringsAreEscapedAsGoDoes) {
  meta::ObjectMeta meta;
  meta.set_name("<a>&\"\\\n\t\b\f\r\x01\x7f\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80");
  EXPECT_EQ(Print(meta),
            "{\"name\":\"\\u003ca\\u003e\\u0026\\\"\\\\\\n\\t\\b\\f\\r\\u0001\x7f\xC3\xA9\\u2028"
            "\xF0\x9F\x98\x80\"}");
  meta.set_name("bad \xff\xC0\xAF\xED\xA0\x80 end");
  EXPECT_EQ(Print(meta), R"({"name":"bad \ufffd\ufffd\ufffd\ufffd\ufffd\ufffd end"})");
}

TEST(JsonTest, UnknownAndDuplicateFields) {
  DecodeReport report;
  Parse<core::Pod>(
      R"({"apiVersion":"v1","kind":"Pod",)"
      R"("metadata":{"name":"a","name":"b","labels":{"x/y":"1","x/y":"2"}},)"
      R"("spec":{"nope":1,"containers":[{"name":"c"},{"Name":"d","ports":[{"foo":{}}]}]}})",
      &report);
  EXPECT_EQ(report.kind, "Pod");
  EXPECT_EQ(report.api_version, "v1");
  EXPECT_THAT(
      report.problems,
      ElementsAre(R"(duplicate field "metadata.name")", R"(duplicate field "metadata.labels.x/y")",
                  R"(unknown field "spec.nope")", R"(unknown field "spec.containers[1].Name")",
                  R"(unknown field "spec.containers[1].ports[0].foo")"));
  EXPECT_THAT(std::string(report.StrictError().message()),
              StartsWith(R"(strict decoding error: duplicate field "metadata.name", duplicate)"));
  EXPECT_TRUE(DecodeReport().StrictError().ok());
}

TEST(JsonTest, TheLaterDuplicateWins) {
  const auto spec = Parse<core::PodSpec>(
      R"({"nodeName":"a","nodeName":"b","tolerations":[{},{}],"tolerations":[{"key":"k"}],)"
      R"("nodeSelector":{"a":"1"},"nodeSelector":{"b":"2"}})");
  EXPECT_EQ(spec.node_name(), "b");
  EXPECT_EQ(spec.tolerations_size(), 1);
  EXPECT_EQ(spec.node_selector_size(), 2);
}

TEST(JsonTest, WrongTypes) {
  const struct {
    std::string_view json, want;
  } cases[] = {
      {R"({"spec":{"containers":"str"}})",
       "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type "
       "[]v1.Container"},
      {R"({"spec":{"containers":[{"ports":[{"containerPort":"80"}]}]}})",
       "json: cannot unmarshal string into Go struct field "
       "ContainerPort.spec.containers.ports.containerPort of type int32"},
      {R"({"spec":{"hostNetwork":"yes"}})",
       "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"},
      {R"({"spec":{"containers":[{"ports":[{"containerPort":1.5}]}]}})",
       "json: cannot unmarshal number 1.5 into Go struct field "
       "ContainerPort.spec.containers.ports.containerPort of type int32"},
      {R"({"spec":{"containers":[{"ports":[{"containerPort":99999999999}]}]}})",
       "json: cannot unmarshal number 99999999999 into Go struct field "
       "ContainerPort.spec.containers.ports.containerPort of type int32"},
      {R"({"spec":{"priority":99999999999999999999999999}})",
       "json: cannot unmarshal number 99999999999999999999999999 into Go struct field "
       "PodSpec.spec.priority of type int32"},
      {R"({"metadata":{"name":"1e5"},"spec":{"priority":1e5}})",
       "json: cannot unmarshal number 1e5 into Go struct field PodSpec.spec.priority of type "
       "int32"},
      {R"({"spec":{"activeDeadlineSeconds":-1e999}})",
       "json: cannot unmarshal number -1e999 into Go struct field "
       "PodSpec.spec.activeDeadlineSeconds of type int64"},
      {R"({"spec":{"containers":[{"resources":{"requests":{"cpu":"abc"}}}]}})",
       "quantities must match the regular expression "
       "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
      {R"({"metadata":{"labels":{"a":1}}})",
       "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels.a of type "
       "string"},
      {R"({"metadata":[]})",
       "json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta"},
      {"[]", "json: cannot unmarshal array into Go value of type v1.Pod"},
      {"{", "unexpected end of JSON input"},
      {"", "unexpected end of JSON input"},
      {"{\"a\":}", "invalid character '}' looking for beginning of value"},
      {"{\"a\" 1}", "invalid character '1' after object key"},
      {"{\"a\":1,}", "invalid character '}' looking for beginning of object key string"},
      {"{} x", "invalid character 'x' after top-level value"},
      {"tru", "unexpected end of JSON input"},
      {"trux", "invalid character 'x' in literal true (expecting 'e')"},
  };
  for (const auto& c : cases) EXPECT_EQ(Error<core::Pod>(c.json), c.want) << c.json;
  EXPECT_EQ(Error<core::Secret>(R"({"data":{"k":"a$=="}})"), "illegal base64 data at input byte 1");
}

TEST(JsonTest, EqualObjectsHaveEqualBytes) {
  const auto a = Parse<core::Pod>(
      R"({"metadata":{"name":"p","namespace":"","creationTimestamp":null,"generation":0},)"
      R"("status":{},)"
      R"("spec":{"nodeName":"","containers":[{"name":"c","resources":{}}],"hostPID":false}})");
  const auto b =
      Parse<core::Pod>(R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c"}]}})");
  EXPECT_EQ(a.SerializeAsString(), b.SerializeAsString());
}

TEST(JsonTest, PeekTypeReadsOnlyTheType) {
  TypeIdentity type;
  ASSERT_TRUE(PeekType(R"({"spec":{"kind":"x"},"kind":"Pod","apiVersion":"v1"})", type).ok());
  EXPECT_EQ(type.kind, "Pod");
  EXPECT_EQ(type.api_version, "v1");
  EXPECT_EQ(PeekType("[]", type).message(),
            "json: cannot unmarshal array into Go value of type struct { APIVersion string "
            "\"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }");
}

TEST(JsonTest, Indent) {
  EXPECT_EQ(IndentJson(R"({"a":[1,{"b":"x,{"}],"c":{},"d":[]})", 2),
            "{\n  \"a\": [\n    1,\n    {\n      \"b\": \"x,{\"\n    }\n  ],\n  \"c\": {},\n"
            "  \"d\": []\n}");
}

}  // namespace
}  // namespace berth::api
