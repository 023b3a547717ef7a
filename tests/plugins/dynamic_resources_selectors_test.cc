#include <gtest/gtest.h>

#include "api/json.h"
#include "plugins/dynamic_resources/selectors.h"
#include "plugins/dynamic_resources/semver.h"

namespace berth::plugins::dynamic_resources {
namespace {

api::dra::Device Gpu() {
  api::dra::Device device;
  EXPECT_TRUE(api::ParseJson(R"({"name": "d", "attributes": {
      "model": {"string": "a100"}, "index": {"int": 3}, "ecc": {"bool": true},
      "gpu.example.com/driverVersion": {"version": "1.10.0-rc.2"},
      "other.example.com/slot": {"int": 7}},
    "capacity": {"memory": {"value": "40Gi"}}})",
                             device)
                  .ok());
  return device;
}

// "true", "false", or why there is no answer.
std::string Asked(std::string_view expression, const api::dra::Device& device = Gpu()) {
  const Selector::Match match = Selector(expression).Matches("gpu.example.com", device);
  return !match.problem.empty() ? match.problem : match.matches ? "true" : "false";
}

TEST(DynamicResourcesSelectorsTest, WhatADeviceIsAskedFor) {
  const struct {
    std::string_view expression, want;
  } cases[] = {
      {R"(device.driver == "gpu.example.com")", "true"},
      {R"(device.driver == "other.example.com")", "false"},
      {R"(device.attributes["gpu.example.com"].model == "a100")", "true"},
      {R"(device.attributes["gpu.example.com"].model in ["h100", "t4"])", "false"},
      {R"(device.attributes["gpu.example.com"].ecc)", "true"},
      {R"(device.attributes["other.example.com"].slot == 7)", "true"},
      {R"("speed" in device.attributes["gpu.example.com"])", "false"},
      {R"("model" in device.attributes["gpu.example.com"])", "true"},
      {R"("slot" in device.attributes["gpu.example.com"])", "false"},
      {R"("gpu.example.com" in device.attributes)", "true"},
      {R"("none.example.com" in device.attributes)", "false"},
      {R"("model" in device.attributes["none.example.com"])", "false"},
      {R"(device.attributes["gpu.example.com"].speed > 1)", "no such key: speed"},
      {R"(device.attributes["none.example.com"].model == "a100")", "no such key: model"},
      {R"(has(device.attributes["gpu.example.com"].model))", "true"},
      {R"(has(device.attributes["none.example.com"].model))", "false"},
      {R"(has(device.attributes.none))", "true"},  // any domain can be looked up
      {R"(device.attributes["gpu.example.com"].index)",
       "CEL result of type int could not be converted to bool"},
      {R"(device.serial == 1)", "no such key: serial"},
      {R"(!device.allowMultipleAllocations)", "true"},
      {R"(cel.bind(gpu, device.attributes["gpu.example.com"], gpu.ecc && gpu.index > 2))", "true"},
      {R"(pod.name == "a")", "column 1: undeclared name: pod"},
      {R"(device.driver.matches("gpu.*"))", "column 15: function matches() is not supported"},
  };
  for (const auto& c : cases) EXPECT_EQ(Asked(c.expression), c.want) << c.expression;
}

TEST(DynamicResourcesSelectorsTest, QuantitiesAndVersionsCompare) {
  const struct {
    std::string_view expression, want;
  } cases[] = {
      {R"(device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) == 0)", "true"},
      {R"(device.capacity["gpu.example.com"].memory.compareTo(quantity("41Gi")) < 0)", "true"},
      {R"(device.capacity["gpu.example.com"].memory.isGreaterThan(quantity("39Gi")))", "true"},
      {R"(device.capacity["gpu.example.com"].memory.isLessThan(quantity("39Gi")))", "false"},
      {R"(device.capacity["gpu.example.com"].memory == quantity("40960Mi"))", "true"},
      {R"(quantity("1500m").isInteger() || quantity("2").asInteger() == 3)", "false"},
      {R"(isQuantity("1Gi") && !isQuantity("one"))", "true"},
      {R"(quantity("one").sign() == 1)",
       R"(quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$')"},
      {R"(device.capacity["gpu.example.com"].memory.compareTo(semver("1.0.0")) == 0)",
       "no such overload: quantity.compareTo()"},
      {R"(device.attributes["gpu.example.com"].driverVersion.isLessThan(semver("1.10.0")))", "true"},
      {R"(device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.9.9")))",
       "true"},
      {R"(device.attributes["gpu.example.com"].driverVersion.minor() == 10)", "true"},
      {R"(isSemver("1.2") || isSemver("01.2.3") || !isSemver("1.2.3-a.1+build"))", "false"},
  };
  for (const auto& c : cases) EXPECT_EQ(Asked(c.expression), c.want) << c.expression;
}

TEST(DynamicResourcesSelectorsTest, AnAttributeThatCannotBeReadIsAProblem) {
  api::dra::Device device = Gpu();
  (*device.mutable_attributes())["list"].add_ints(1);
  EXPECT_EQ(Asked("true", device), "attribute list: unsupported attribute value");
}

TEST(DynamicResourcesSelectorsTest, VersionsAreOrderedAsSemverSays) {
  constexpr std::string_view kAscending[] = {
      "0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2",
      "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"};
  for (size_t i = 1; i < std::size(kAscending); ++i) {
    EXPECT_TRUE(*Semver::Parse(kAscending[i - 1]) < *Semver::Parse(kAscending[i]))
        << kAscending[i];
  }
  EXPECT_EQ(*Semver::Parse("1.0.0+a"), *Semver::Parse("1.0.0+b"));
  for (std::string_view bad : {"", "1", "1.2", "v1.2.3", "1.2.3.4", "1.02.3", "1.2.3-", "1.2.3-01",
                               "1.2.3+", "1.2.99999999999999999999"}) {
    EXPECT_FALSE(Semver::Parse(bad)) << bad;
  }
}

TEST(DynamicResourcesSelectorsTest, OneTextIsParsedOnce) {
  SelectorCache cache;
  EXPECT_EQ(cache.Get("true"), cache.Get("true"));
  for (int i = 0; i < 5000; ++i) cache.Get(std::to_string(i) + " == 0");
  EXPECT_EQ(cache.Get("true")->problem(), "");
}

}  // namespace
}  // namespace berth::plugins::dynamic_resources
