#include "tests/fuzz/targets.h"

#include <memory>

#include <google/protobuf/stubs/logging.h>

#include "api/defaults.h"
#include "api/envelope.h"
#include "api/field_access.h"
#include "api/json.h"
#include "api/json_value.h"
#include "api/object.h"
#include "api/patch.h"
#include "api/quantity.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "api/selectors.h"
#include "api/validation/validation.h"
#include "api/wire.h"
#include "api/yaml.h"
#include "base/check.h"
#include "base/expression/program.h"
#include "bench/micro/sample_pod.h"
#include "client/http1.h"
#include "cluster/apiserver/negotiation.h"
#include "cluster/apiserver/request_options.h"
#include "cluster/apiserver/router.h"

namespace berth::fuzz {
namespace {

using api::core::Pod;

std::string Printed(const Pod& pod) {
  std::string out;
  api::PrintJson(pod, out, {"v1", "Pod"});
  return out;
}

std::string SamplePod() { return std::string(bench::kSamplePod); }

// Everything a server does to a pod it was sent, up to the store.
void UseAsServer(Pod& pod) {
  const api::Resource& pods = api::ResourceOf<Pod>();
  api::ApplyDefaults(pods, pod);
  static_cast<void>(api::ValidateCreate(pods, pod));
}

void Json(std::string_view bytes) {
  Pod pod;
  api::DecodeReport report;
  if (!api::ParseJson(bytes, pod, {.collect_problems = true}, &report).ok()) return;
  const std::string text = Printed(pod);
  Pod again;
  BERTH_CHECK(api::ParseJson(text, again).ok());
  BERTH_CHECK(Printed(again) == text);
  UseAsServer(pod);
  static_cast<void>(Printed(pod));
}

void JsonDocument(std::string_view bytes) {
  const auto value = api::JsonValue::Parse(bytes);
  if (!value.ok()) return;
  const std::string text = value->ToText();
  const auto again = api::JsonValue::Parse(text);
  BERTH_CHECK(again.ok());
  // "-0.0" is printed as -0, which is read as the integer 0: as in Go.
  BERTH_CHECK(again->ToText() == text || text.find("-0") != std::string::npos);
  static_cast<void>(value->ToGoText());
  static_cast<void>(api::JsonToYaml(text));
}

void Yaml(std::string_view bytes) {
  const auto documents = api::YamlToJson(bytes);
  if (!documents.ok()) return;
  for (const std::string& json : *documents) {
    BERTH_CHECK(api::JsonValue::Parse(json).ok() || json.empty());
    Pod pod;
    if (!api::ParseJson(json, pod).ok()) continue;
    const std::string text = Printed(pod);
    const auto yaml = api::JsonToYaml(text);
    BERTH_CHECK(yaml.ok());
    const auto back = api::YamlToJson(*yaml);
    BERTH_CHECK(back.ok() && back->size() == 1);
    Pod again;
    BERTH_CHECK(api::ParseJson(back->front(), again).ok());
    BERTH_CHECK(Printed(again) == text);
  }
}

void Protobuf(std::string_view bytes) {
  Pod pod;
  if (!api::DecodeEnvelope(bytes, pod).ok() || !api::Normalize(pod).ok()) return;
  std::string encoded;
  api::AppendEnvelope(pod, "v1", "Pod", api::MapOrder::kByKey, encoded);
  Pod again;
  BERTH_CHECK(api::DecodeEnvelope(encoded, again).ok());
  std::string twice;
  api::AppendEnvelope(again, "v1", "Pod", api::MapOrder::kByKey, twice);
  BERTH_CHECK(encoded == twice);
  static_cast<void>(Printed(pod));
  UseAsServer(pod);
}

// The first byte says which kind of patch the rest is.
void Patch(std::string_view bytes) {
  if (bytes.empty()) return;
  constexpr std::string_view kTypes[] = {api::kJsonPatchType, api::kMergePatchType,
                                         api::kStrategicMergePatchType};
  const std::string_view type = kTypes[static_cast<unsigned char>(bytes[0]) % std::size(kTypes)];
  const auto patched =
      api::ApplyPatch(type, *Pod::descriptor(), bench::kSamplePod, bytes.substr(1));
  if (!patched.ok()) return;
  BERTH_CHECK(api::JsonValue::Parse(*patched).ok());
  Pod pod;
  if (api::ParseJson(*patched, pod).ok()) UseAsServer(pod);
}

void Selectors(std::string_view bytes) {
  static const Pod& pod = *new Pod([] {
    Pod made;
    BERTH_CHECK(api::ParseJson(bench::kSamplePod, made).ok());
    return made;
  }());
  if (const auto labels = api::LabelSelector::Parse(bytes); labels.ok()) {
    const bool matches = labels->Matches(pod.metadata().labels());
    const auto again = api::LabelSelector::Parse(labels->ToString());
    BERTH_CHECK(again.ok());
    BERTH_CHECK(again->Matches(pod.metadata().labels()) == matches);
  }
  const api::Resource& pods = api::ResourceOf<Pod>();
  if (const auto fields = api::FieldSelector::Parse(pods, bytes); fields.ok()) {
    const bool matches = fields->Matches(pod);
    const auto again = api::FieldSelector::Parse(pods, fields->ToString());
    BERTH_CHECK(again.ok());
    BERTH_CHECK(again->Matches(pod) == matches);
  }
}

// A request's target, and headers that are lists.
void Query(std::string_view bytes) {
  static const apiserver::Router& router = *new apiserver::Router(api::Resources());
  for (const std::string_view method : {"GET", "POST", "DELETE"}) {
    const apiserver::RequestInfo info = router.Route(method, bytes);
    for (const bool watch : {false, true}) {
      static_cast<void>(apiserver::ParseListOptions(info.query, watch));
    }
    static_cast<void>(apiserver::ParseWriteOptions(info.query, "CreateOptions"));
    static_cast<void>(apiserver::ParseDeletionOptions(info.query, nullptr));
  }
  static_cast<void>(apiserver::NegotiateOutput(bytes, false, true));
  static_cast<void>(apiserver::NegotiateBody(bytes));
  if (const auto token = apiserver::DecodeContinue(bytes); token.ok()) {
    BERTH_CHECK(apiserver::DecodeContinue(apiserver::EncodeContinue(*token)).ok());
  }
  const std::string encoded = api::PercentEncode(bytes);
  BERTH_CHECK(api::PercentDecode(encoded) == std::string(bytes));
}

void Quantity(std::string_view bytes) {
  const auto quantity = api::Quantity::Parse(bytes);
  if (!quantity.ok()) return;
  const auto canonical = api::CanonicalQuantityText(bytes);
  BERTH_CHECK(canonical.ok());
  const auto again = api::Quantity::Parse(*canonical);
  BERTH_CHECK(again.ok());
  BERTH_CHECK(again->Value() == quantity->Value());
}

// A selector of devices, over a device that has most kinds of values. Whatever it says, it is
// answered within its limits, and the same way again.
void Expression(std::string_view bytes) {
  class Device final : public expression::Environment {
    expression::Value Root(std::string_view) const override {
      using expression::Value;
      return Value::List({Value::Int(-1), Value::Uint(2), Value::Double(.5), Value::String("a"),
                          Value::Bool(true), Value(), Value::List({Value::Int(1)})});
    }
  };
  const auto program = expression::Program::Parse(bytes, {.roots = {"x"}}, {.max_cost = 20'000});
  if (const expression::Problem* problem = expression::ProblemOf(program)) {
    BERTH_CHECK(problem->position <= bytes.size());
    return;
  }
  const auto text = [&] {
    const auto result = std::get<expression::Program>(program).Evaluate(Device());
    const expression::Problem* problem = expression::ProblemOf(result);
    return problem != nullptr ? problem->ToText()
                              : std::get<expression::Value>(result).ToText();
  };
  BERTH_CHECK(text() == text());
}

// What arrives on a connection: a head, then its body.
void Http(std::string_view bytes) {
  const auto head = client::ParseRequestHead(bytes);
  if (head.ok() && head->has_value()) {
    client::BodyDecoder decoder((*head)->framing);
    std::string body;
    static_cast<void>(decoder.Feed(bytes.substr((*head)->bytes), body, 1 << 20));
    BERTH_CHECK(body.size() <= 1 << 20);
  }
  static_cast<void>(client::ParseResponseHead(bytes, false));
}

std::vector<std::string> JsonSeeds() {
  return {SamplePod(), R"({"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"containers":[]}})",
          R"({"a":[1,-2.5e3,null,true,"\u00e9\ud83d\ude00"],"b":{"c":{}}})"};
}

std::vector<std::string> YamlSeeds() {
  return {*api::JsonToYaml(SamplePod()),
          "apiVersion: v1\nkind: Pod\nmetadata: {name: a, labels: {x: 'y'}}\n---\n- &a b\n- *a\n",
          "spec:\n  containers:\n  - name: c\n    args: [\"x\", 'y', |\n      z\n    ]\n",
          "a: &x {b: 1}\nc:\n  <<: *x\n  d: 0x1F\n  e: .inf\n  f: 2001-01-01\n  g: ~\n"};
}

std::vector<std::string> ProtobufSeeds() {
  Pod pod;
  BERTH_CHECK(api::ParseJson(bench::kSamplePod, pod).ok());
  std::string encoded;
  api::AppendEnvelope(pod, "v1", "Pod", api::MapOrder::kByKey, encoded);
  return {encoded, encoded.substr(0, 64)};
}

std::vector<std::string> PatchSeeds() {
  return {std::string("\0", 1) + R"([{"op":"add","path":"/metadata/labels/a~1b","value":"c"},)"
                                 R"({"op":"test","path":"/spec/containers/0/name","value":"web"},)"
                                 R"({"op":"move","from":"/metadata/labels","path":"/x"},)"
                                 R"({"op":"copy","from":"/spec","path":"/y"},)"
                                 R"({"op":"replace","path":"/kind","value":1},)"
                                 R"({"op":"remove","path":"/spec/volumes/-1"}])",
          "\1" R"({"metadata":{"labels":null,"name":"b"},"spec":{"containers":[]}})",
          "\2" R"({"spec":{"$setElementOrder/containers":[{"name":"web"}],"containers":[)"
          R"({"name":"web","image":"x","$retainKeys":["name"]},{"name":"y","$patch":"delete"}],)"
          R"("volumes":[{"$patch":"replace"}]},"metadata":{"$deleteFromPrimitiveList/finalizers":)"
          R"(["a"]}})"};
}

std::vector<std::string> SelectorSeeds() {
  return {"app=web,tier in (a,b),x notin (c),!old,pod-template-hash",  "a>1,b<2,c==d,e!=f",
          "metadata.name=x,spec.nodeName!=y,status.phase=a\\,b\\=c\\\\"};
}

std::vector<std::string> QuerySeeds() {
  return {"/api/v1/namespaces/a/pods/b/status?fieldValidation=Strict&dryRun=All&pretty=1",
          "/api/v1/watch/pods?labelSelector=a%3Db&limit=5&continue=eyJ2Ijoi&resourceVersion=3"
          "&resourceVersionMatch=Exact&timeoutSeconds=9&sendInitialEvents=true",
          "application/json;as=Table;v=v1;g=meta.k8s.io;q=0.5, */*, text/plain;q=x",
          apiserver::EncodeContinue({17, "default/a"})};
}

std::vector<std::string> QuantitySeeds() {
  return {"250m", "1.5Gi", "-3e6", "0.1u", "12345678901234567890", "1e-9Ki", "+.5E"};
}

std::vector<std::string> ExpressionSeeds() {
  return {R"(x[3] == "a" && x[0] + 1 < 2 || !(x[4] ? x[5] == null : 2u in x))",
          "x.exists(i, i == 1) && x.all(i, size(x) > 0) || x.filter(i, i in [1, 2]).size() == 1",
          R"(cel.bind(v, x.map(i, [i]), v[0] == [-1]) ? 'a\u00e9\x41' : r"b\n" + "c")",
          "has(x.a) || x[3].startsWith('a') || string(int(x[2]) / 0 - -9223372036854775808) != ''",
          "((((1.5e3)))) >= 0x1F // remark"};
}

std::vector<std::string> HttpSeeds() {
  return {"POST /api/v1/pods?x=y HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nAccept: a, b\r\n\r\n"
          "abc",
          "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
          "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
          "3;x=y\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"};
}

}  // namespace

std::span<const Target> Targets() {
  google::protobuf::SetLogHandler(nullptr);
  static constexpr Target kTargets[] = {
      {"json", Json, JsonSeeds},
      {"json_document", JsonDocument, JsonSeeds},
      {"yaml", Yaml, YamlSeeds},
      {"protobuf", Protobuf, ProtobufSeeds},
      {"patch", Patch, PatchSeeds},
      {"selectors", Selectors, SelectorSeeds},
      {"query", Query, QuerySeeds},
      {"quantity", Quantity, QuantitySeeds},
      {"expression", Expression, ExpressionSeeds},
      {"http", Http, HttpSeeds},
  };
  return kTargets;
}

}  // namespace berth::fuzz
