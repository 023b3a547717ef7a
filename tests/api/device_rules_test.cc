// Claims for devices, their templates and classes, slices and taint rules: defaults, what is kept
// of an update, what is refused. Cases follow pkg/apis/resource/validation's tests.
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/fwd_alpha.h"
#include "api/schema/resource_v1.pb.h"
#include "api/schema/resource_v1alpha3.pb.h"
#include "tests/api/rules_of.h"

namespace berth::api {
namespace {

struct Case {
  std::string patch;
  std::string_view want;
};

RulesOf Claims() {
  return {ResourceOf<dra::ResourceClaim>(),
          R"({"metadata":{"name":"c"},"spec":{"devices":{"requests":[
              {"name":"r","exactly":{"deviceClassName":"gpu"}}]}}})"};
}

RulesOf Templates() {
  return {ResourceOf<dra::ResourceClaimTemplate>(),
          R"({"metadata":{"name":"c"},"spec":{"spec":{"devices":{"requests":[
              {"name":"r","exactly":{"deviceClassName":"gpu"}}]}}}})"};
}

RulesOf Slices() {
  return {ResourceOf<dra::ResourceSlice>(),
          R"({"metadata":{"name":"s"},"spec":{"driver":"d.example","nodeName":"n",
              "pool":{"name":"p","resourceSliceCount":1},"devices":[{"name":"a"}]}})"};
}

RulesOf Classes() {
  return {ResourceOf<dra::DeviceClass>(), R"({"metadata":{"name":"gpu"},"spec":{}})"};
}

std::string Devices(std::string_view members) {
  return fmt::format(R"({{"spec":{{"devices":{{{}}}}}}})", members);
}

std::string Device(std::string_view members) {
  return fmt::format(R"({{"spec":{{"devices":[{{"name":"a",{}}}]}}}})", members);
}

TEST(ResourceClaimTest, Defaults) {
  const std::string claim = Claims().Stored(
      Devices(R"("requests":[{"name":"r","firstAvailable":[{"name":"a","deviceClassName":"g"},
              {"name":"b","deviceClassName":"g","allocationMode":"All"}]}])"));
  EXPECT_NE(claim.find(R"("firstAvailable":[{"name":"a","deviceClassName":"g",)"
                       R"("allocationMode":"ExactCount","count":1},{"name":"b",)"
                       R"("deviceClassName":"g","allocationMode":"All"}])"),
            std::string::npos) << claim;
  const std::string made = Templates().Stored("{}");
  EXPECT_NE(made.find(R"("exactly":{"deviceClassName":"gpu","allocationMode":"ExactCount",)"
                      R"("count":1})"),
            std::string::npos) << made;
}

TEST(ResourceClaimTest, WhatIsRefused) {
  const Case cases[] = {
      {"{}", ""},
      {Devices(R"("requests":[{"name":"r"}])"),
       "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is "
       "required"},
      {Devices(R"("requests":[{"name":"r","exactly":{"deviceClassName":"g"},
                  "firstAvailable":[{"name":"a","deviceClassName":"g"}]}])"),
       "spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or "
       "`firstAvailable` is required, but multiple fields are set"},
      {Devices(R"("requests":[{"name":"r","exactly":{"deviceClassName":"","count":-1}},
                  {"name":"r","exactly":{"deviceClassName":"g","allocationMode":"All",
                   "count":2}}])"),
       "spec.devices.requests[0].exactly.deviceClassName: Required value; "
       "spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero; "
       "spec.devices.requests[1].exactly.count: Invalid value: 2: must not be specified when "
       "allocationMode is 'All'; spec.devices.requests[1]: Duplicate value: \"r\""},
      {Devices(R"("requests":[{"name":"r","exactly":{"deviceClassName":"g","selectors":[{}],
                  "tolerations":[{"operator":"Exists","value":"x","effect":"Never"}]}}])"),
       "spec.devices.requests[0].exactly.selectors[0].cel: Required value; "
       "spec.devices.requests[0].exactly.tolerations[0].value: Invalid value: \"x\": must be empty "
       "for operator `Exists`; spec.devices.requests[0].exactly.tolerations[0].effect: "
       "Unsupported value: \"Never\": supported values: \"NoExecute\", \"NoSchedule\", \"None\""},
      {Devices(R"("constraints":[{"requests":["r","x"],"matchAttribute":"model"}])"),
       "spec.devices.constraints[0].requests[1]: Invalid value: \"x\": must be the name of a "
       "request in the claim or the name of a request and a subrequest separated by '/'; "
       "spec.devices.constraints[0].matchAttribute: Invalid value: \"model\": a fully qualified "
       "name must be a domain and a name separated by a slash"},
      {Devices(R"("constraints":[{}])"),
       "spec.devices.constraints[0]: Required value: exactly one of \"matchAttribute\" or "
       "\"distinctAttribute\" is required, but multiple fields are set"},
      {Devices(R"("config":[{"requests":["r"]},{"opaque":{"driver":"d","parameters":[1]}}])"),
       "spec.devices.config[0].opaque: Required value; spec.devices.config[1].opaque.parameters: "
       "Invalid value: \"<value omitted>\": must be a valid JSON object"},
  };
  for (const Case& c : cases) EXPECT_EQ(Claims().Create(c.patch), c.want) << c.patch;
}

TEST(ResourceClaimTest, RequestsAreCounted) {
  std::string requests;
  for (int i = 0; i < 33; ++i) {
    requests += fmt::format(R"({}{{"name":"r{}","exactly":{{"deviceClassName":"g"}}}})",
                            i == 0 ? "" : ",", i);
  }
  EXPECT_EQ(Claims().Create(Devices(fmt::format(R"("requests":[{}])", requests))),
            "spec.devices.requests: Too many: 33: must have at most 32 items");
}

constexpr std::string_view kAllocated =
    R"({"status":{"allocation":{"devices":{"results":[
        {"request":"r","driver":"d.example","pool":"p","device":"a"}]}}}})";

TEST(ResourceClaimTest, TheSpecStays) {
  EXPECT_EQ(Claims().Update(R"({"metadata":{"labels":{"a":"b"}}})"), "");
  EXPECT_EQ(Claims().Update(Devices(R"("requests":[])")),
            "spec: Invalid value: {\"devices\":{\"requests\":null}}: field is immutable");
  EXPECT_EQ(Templates().Update(R"({"spec":{"metadata":{"labels":{"a":"b"}}}})").substr(0, 20),
            "spec: Invalid value:");
}

TEST(ResourceClaimTest, WhatAStatusMaySay) {
  EXPECT_EQ(Claims().UpdateStatus(std::string(kAllocated)), "");
  const Case cases[] = {
      {R"({"status":{"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]}})",
       "status.reservedFor: Forbidden: may not be specified when `allocated` is not set"},
      {R"({"status":{"allocation":{"devices":{"results":[
           {"request":"x","driver":"","pool":"","device":"A"}],
           "config":[{"source":"Nowhere","opaque":{"driver":"d","parameters":{}}}]}}}})",
       "status.allocation.devices.results[0].request: Invalid value: \"x\": must be the name of a "
       "request in the claim or the name of a request and a subrequest separated by '/'; "
       "status.allocation.devices.results[0].driver: Required value; "
       "status.allocation.devices.results[0].driver: Invalid value: \"\": a lowercase RFC 1123 "
       "subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
       "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); "
       "status.allocation.devices.results[0].pool: Required value; "
       "status.allocation.devices.results[0].device: Invalid value: \"A\": a lowercase RFC 1123 "
       "label must consist of lower case alphanumeric characters or '-', and must start and end "
       "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation "
       "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); status.allocation.devices.config[0].source: "
       "Unsupported value: \"Nowhere\": supported values: \"FromClaim\", \"FromClass\""},
  };
  for (const Case& c : cases) EXPECT_EQ(Claims().UpdateStatus(c.patch), c.want) << c.patch;
  const Case later[] = {
      {R"({"status":{"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]}})", ""},
      {R"({"status":{"reservedFor":[{"resource":"pods","name":"p","uid":"u"},
                                    {"resource":"pods","name":"q","uid":"u"}]}})",
       "status.reservedFor[1]: Duplicate value: \"u\""},
      {R"({"status":{"allocation":null}})", ""},
      {R"({"status":{"allocation":{"devices":{"results":[]}}}})",
       "status.allocation: Invalid value: {\"devices\":{}}: field is immutable"},
      {R"({"status":{"devices":[{"driver":"d.example","pool":"p","device":"a",
           "data":{"a":1},"networkData":{"ips":["10.0.0.1/24"]}}]}})", ""},
      {R"({"status":{"devices":[{"driver":"d.example","pool":"p","device":"b",
           "networkData":{"ips":["10.0.0.1","2001:DB8:0::1/64","::ffff:10.0.0.1/120"]}}]}})",
       "status.devices[0]: Invalid value: \"d.example/p/b\": must be an allocated device in the "
       "claim; status.devices[0].networkData.ips[0]: Invalid value: \"10.0.0.1\": must be a valid "
       "address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64); "
       "status.devices[0].networkData.ips[1]: Invalid value: \"2001:DB8:0::1/64\": must be in "
       "canonical form (\"2001:db8::1/64\"); status.devices[0].networkData.ips[2]: Invalid value: "
       "\"::ffff:10.0.0.1/120\": must be in canonical form (\"10.0.0.1/24\")"},
  };
  for (const Case& c : later) {
    EXPECT_EQ(Claims().UpdateStatus(c.patch, "{}", kAllocated), c.want) << c.patch;
  }
}

TEST(ResourceClaimTest, ADeletedClaimIsNotReservedAnew) {
  const std::string deleted =
      R"({"metadata":{"deletionTimestamp":"2026-01-02T03:04:05Z"},)" +
      std::string(kAllocated.substr(1));
  EXPECT_EQ(Claims().UpdateStatus(
                R"({"status":{"reservedFor":[{"resource":"pods","name":"p","uid":"u"}]}})", "{}",
                deleted),
            "status.reservedFor: Forbidden: new entries may not be added while "
            "`deallocationRequested` or `deletionTimestamp` are set");
}

TEST(ResourceClaimTest, FreedDevicesTakeTheirStatusAlong) {
  const std::string freed = Claims().StoredUpdate(
      "status", R"({"metadata":{"labels":{"a":"b"}},"status":{"allocation":null}})",
      R"({"status":{"allocation":{"devices":{"results":[
          {"request":"r","driver":"d","pool":"p","device":"a"}]}},
          "devices":[{"driver":"d","pool":"p","device":"a"}]}})");
  EXPECT_EQ(freed.find("\"pool\""), std::string::npos) << freed;
  EXPECT_EQ(freed.find("labels"), std::string::npos) << freed;
}

TEST(ResourceSliceTest, WhatIsRefused) {
  const Case cases[] = {
      {"{}", ""},
      {R"({"spec":{"nodeName":null}})",
       "spec: Required value: exactly one of `nodeName`, `nodeSelector`, `allNodes`, "
       "`perDeviceNodeSelection` is required"},
      {R"({"spec":{"allNodes":true}})",
       "spec: Invalid value: \"{`nodeName`, `allNodes`}\": exactly one of `nodeName`, "
       "`nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required, but multiple fields are "
       "set"},
      {R"({"spec":{"pool":{"name":"a//b","resourceSliceCount":0,"generation":-1}}})",
       "spec.pool.name: Invalid value: \"\": a lowercase RFC 1123 subdomain must consist of lower "
       "case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
       "character (e.g. 'example.com', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*'); "
       "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero; "
       "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero"},
      {R"({"spec":{"sharedCounters":[{"name":"c","counters":{"m":{"value":"1"}}}]}})",
       "spec: Invalid value: \"\": only one of `sharedCounters` or `devices` is allowed"},
      {R"({"spec":{"devices":null,"sharedCounters":[{"name":"","counters":{}}]}})",
       "spec.sharedCounters[0].name: Required value; spec.sharedCounters[0].counters: Required "
       "value"},
      {Device(R"("allNodes":true)"),
       "spec.devices[0]: Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only "
       "be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec"},
      {R"({"spec":{"nodeName":null,"perDeviceNodeSelection":true}})",
       "spec.devices[0]: Required value: exactly one of `nodeName`, `nodeSelector`, or `allNodes` "
       "is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec"},
      {Device(R"("attributes":{"m":{},"v":{"version":"1.2"},"w":{"version":"1.2.3-a.1+b"},
                 "two":{"int":1,"bool":true}})"),
       "spec.devices[0].attributes[m]: Invalid value: \"\": exactly one value must be specified; "
       "spec.devices[0].attributes[two]: Invalid value: {\"int\":1,\"bool\":true}: exactly one "
       "value must be specified; spec.devices[0].attributes[v].version: Invalid value: \"1.2\": "
       "must be a string compatible with semver.org spec 2.0.0"},
      {Device(R"("capacity":{"m":{"value":"1","requestPolicy":{}}})"),
       "spec.devices[0].capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be "
       "true"},
      {Device(R"("taints":[{"key":"k","effect":"Never"},{"key":"k"}])"),
       "spec.devices[0].taints[0].effect: Unsupported value: \"Never\": supported values: "
       "\"NoExecute\", \"NoSchedule\", \"None\"; spec.devices[0].taints[1].effect: Required value"},
      {Device(R"("bindingConditions":["a","b"],"bindingFailureConditions":["b"])"),
       "spec.devices[0].bindingFailureConditions[0]: Invalid value: \"b\": "
       "bindingFailureConditions must not overlap with bindingConditions"},
      {Device(R"("consumesCounters":[{"counterSet":"c","counters":{"m":{"value":"1"}}},
                 {"counterSet":"c","counters":{"M":{"value":"1"}}}])"),
       "spec.devices[0].consumesCounters[1].counters: Invalid value: \"M\": a lowercase RFC 1123 "
       "label must consist of lower case alphanumeric characters or '-', and must start and end "
       "with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation "
       "is '[a-z0-9]([-a-z0-9]*[a-z0-9])?'); spec.devices[0].consumesCounters[1]: Duplicate value: "
       "\"c\""},
  };
  for (const Case& c : cases) EXPECT_EQ(Slices().Create(c.patch), c.want) << c.patch;
}

TEST(ResourceSliceTest, CapacitiesThatAreShared) {
  const Case cases[] = {
      {Device(R"("allowMultipleAllocations":true,"capacity":{"m":{"value":"10","requestPolicy":
                 {"default":"3","validRange":{"min":"2","max":"9","step":"2"}}}})"),
       "spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: \"3\": value is "
       "not a multiple of a given step (2) from (2); "
       "spec.devices[0].capacity[m].requestPolicy.validRange.step: Invalid value: \"9\": value is "
       "not a multiple of a given step (2) from (2)"},
      {Device(R"("attributes":{"a.b/b/c":{"bool":true}},"allowMultipleAllocations":true,
                 "capacity":{"m":{"value":"10","requestPolicy":{"default":"1",
                 "validRange":{"min":"2"}}},"n":{"value":"10","requestPolicy":{"default":"9",
                 "validRange":{"min":"2","max":"8"}}}})"),
       "spec.devices[0].capacity[m].requestPolicy.validRange.min: Invalid value: \"1\": default is "
       "less than min: 2; spec.devices[0].capacity[n].requestPolicy.validRange.max: Invalid value: "
       "\"9\": default is more than max: 8"},
      {Device(R"("allowMultipleAllocations":true,"capacity":{"m":{"value":"10","requestPolicy":
                 {"default":"4","validValues":["5","2","20"]}}})"),
       "spec.devices[0].capacity[m].requestPolicy.validValues[1]: Invalid value: \"2\": values "
       "must be sorted in ascending order; "
       "spec.devices[0].capacity[m].requestPolicy.validValues[2]: Invalid value: \"20\": option is "
       "larger than capacity value: 10; spec.devices[0].capacity[m].requestPolicy.validValues: "
       "Invalid value: \"4\": default value is not valid according to the requestPolicy"},
  };
  for (const Case& c : cases) EXPECT_EQ(Slices().Create(c.patch), c.want) << c.patch;
}

TEST(ResourceSliceTest, FewerDevicesWhenTheyAreTainted) {
  for (const bool tainted : {false, true}) {
    std::string devices;
    for (int i = 0; i < 65; ++i) {
      devices += fmt::format(R"({}{{"name":"d{}"{}}})", i == 0 ? "" : ",", i,
                             tainted && i == 0 ? R"(,"taints":[{"key":"k","effect":"None"}])" : "");
    }
    EXPECT_EQ(Slices().Create(fmt::format(R"({{"spec":{{"devices":[{}]}}}})", devices)),
              tainted ? "spec.devices: Too many: 65: must have at most 64 items" : "");
  }
}

TEST(ResourceSliceTest, Updates) {
  EXPECT_EQ(Slices().Update(R"({"spec":{"driver":"e.example","nodeName":"m","pool":{"name":"q"}}})"),
            "spec.pool.name: Invalid value: \"q\": field is immutable; spec.driver: Invalid value: "
            "\"e.example\": field is immutable; spec.nodeName: Invalid value: \"m\": field is "
            "immutable");
  EXPECT_EQ(Slices().Update(R"({"spec":{"nodeName":null,"allNodes":true}})"),
            "spec.nodeName: Invalid value: null: field is immutable");
  const std::string changed = Slices().StoredUpdate("", R"({"spec":{"pool":{"generation":2}}})");
  EXPECT_NE(changed.find(R"("generation":2)"), std::string::npos) << changed;
  const std::string gated = Slices().Stored(
      Device(R"("attributes":{"a":{"string":"x","ints":[1]}},
                "nodeAllocatableResourceMappings":{"cpu":{}})"));
  EXPECT_EQ(gated.find("ints"), std::string::npos) << gated;
  EXPECT_EQ(gated.find("Mappings"), std::string::npos) << gated;
}

TEST(DeviceClassTest, Rules) {
  const Case cases[] = {
      {"{}", ""},
      {R"({"spec":{"selectors":[{"cel":{"expression":"true"}}],
           "extendedResourceName":"example.com/gpu"}})", ""},
      {R"({"spec":{"extendedResourceName":"cpu"}})",
       "spec.extendedResourceName: Invalid value: \"cpu\": must be a valid extended resource name"},
      {fmt::format(R"({{"spec":{{"selectors":[{{"cel":{{"expression":"{}"}}}}]}}}})",
                   std::string(10241, 'x')),
       "spec.selectors[0].cel.expression: Too long: may not be more than 10240 bytes"},
  };
  for (const Case& c : cases) EXPECT_EQ(Classes().Create(c.patch), c.want);
  const std::string changed =
      Classes().StoredUpdate("", R"({"spec":{"extendedResourceName":"example.com/gpu"}})");
  EXPECT_NE(changed.find(R"("generation":2)"), std::string::npos) << changed;
}

TEST(DeviceTaintRuleTest, Rules) {
  const RulesOf rules = {ResourceOf<dra_alpha::DeviceTaintRule>(),
                         R"({"metadata":{"name":"t"},"spec":{"deviceSelector":{"driver":"d.example",
                             "pool":"p/q","device":"a"},"taint":{"key":"k","effect":"None"}}})"};
  const Case cases[] = {
      {"{}", ""},
      {R"({"spec":{"taint":{"effect":null}}})", "spec.taint.effect: Required value"},
      {R"({"spec":{"taint":{"key":null}}})",
       "spec.taint.key: Invalid value: \"\": name part must be non-empty; spec.taint.key: Invalid "
       "value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and must "
       "start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
       "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
      {R"({"spec":{"deviceSelector":{"device":"A"}}})",
       "spec.deviceSelector.device: Invalid value: \"A\": a lowercase RFC 1123 label must consist "
       "of lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
  };
  for (const Case& c : cases) EXPECT_EQ(rules.Create(c.patch), c.want);
  const std::string changed = rules.StoredUpdate("", R"({"spec":{"taint":{"value":"v"}}})");
  EXPECT_NE(changed.find(R"("generation":2)"), std::string::npos) << changed;
}

}  // namespace
}  // namespace berth::api
