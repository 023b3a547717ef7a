// Pods of the tables of validation tests, and complaints as one text.
#pragma once

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/defaults.h"
#include "api/errors.h"
#include "api/json.h"
#include "api/patch.h"
#include "api/prepare.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/wire.h"

namespace berth::api {

inline std::string Describe(const FieldErrors& errors) {
  std::string out;
  for (const FieldError& error : errors) {
    if (!out.empty()) out += "; ";
    out += error.field + ": " + error.text;
  }
  return out;
}

// A valid pod with `patch` merged in, as it comes.
inline core::Pod GivenPod(std::string_view patch) {
  const auto json = ApplyPatch(
      kMergePatchType, *core::Pod::descriptor(),
      R"({"metadata":{"name":"p","namespace":"n"},"spec":{"containers":[{"name":"c",
          "image":"registry.local/a:v1"}]}})",
      patch);
  EXPECT_TRUE(json.ok());
  core::Pod pod;
  EXPECT_TRUE(ParseJson(*json, pod).ok()) << patch;
  ApplyDefaults(ResourceOf<core::Pod>(), pod);
  return pod;
}

// The same as a new one is stored.
inline core::Pod PodWith(std::string_view patch) {
  core::Pod pod = GivenPod(patch);
  PrepareForCreate(ResourceOf<core::Pod>(), pod);
  return pod;
}

inline constexpr std::string_view kC = R"("name":"c","image":"registry.local/a:v1")";

inline std::string WithContainer(std::string_view fields) {
  return R"({"spec":{"containers":[{)" + std::string(kC) + "," + std::string(fields) + "}]}}";
}

}  // namespace berth::api
