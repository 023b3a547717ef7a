// What the tables of warnings tests are made of.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/warnings.h"
#include "tests/api/pod_with.h"

namespace berth::api {

using Texts = std::vector<std::string>;

struct WarningCase {
  std::string_view rule;
  std::string json;
  Texts want;
};

// Of a pod that is made of `patch`.
inline Texts WarningsOf(std::string_view patch) {
  Texts texts = GivenWarnings(GivenPod(patch));
  for (std::string& text : CreateWarnings(ResourceOf<core::Pod>(), PodWith(patch))) {
    texts.push_back(std::move(text));
  }
  return texts;
}

inline Texts WarningsOfSpec(std::string_view fields) {
  return WarningsOf(R"({"spec":{)" + std::string(fields) + "}}");
}

inline void ExpectWarnings(const std::vector<WarningCase>& cases,
                           Texts (*warnings_of)(std::string_view json)) {
  for (const WarningCase& c : cases) {
    SCOPED_TRACE(c.rule);
    EXPECT_THAT(warnings_of(c.json), testing::ElementsAreArray(c.want));
  }
}

}  // namespace berth::api
