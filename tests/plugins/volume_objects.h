// Storage objects from JSON, and pods that use them.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/json.h"
#include "api/resource_table.h"
#include "api/schema/core_v1_persistent_volume.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/storage_v1.pb.h"
#include "framework/memory_world.h"
#include "tests/framework/builders.h"

namespace berth::plugins::testing {

template <typename T>
std::shared_ptr<const T> Parsed(std::string_view json) {
  auto object = std::make_shared<T>();
  const absl::Status parsed = api::ParseJson(json, *object);
  EXPECT_TRUE(parsed.ok()) << parsed << "\n" << json;
  return object;
}

template <typename T>
void Put(framework::MemoryWorld& world, std::string_view json) {
  world.Put(api::ResourceOf<T>(), Parsed<T>(json));
}

// A pod with one more volume; source: the JSON of a volume without its name, which is "v".
inline framework::testing::MakePod WithVolume(framework::testing::MakePod pod,
                                              std::string_view source) {
  auto& volume = *pod.message().mutable_spec()->add_volumes();
  const absl::Status parsed = api::ParseJson(source, volume);
  EXPECT_TRUE(parsed.ok()) << parsed;
  volume.set_name("v");
  return pod;
}

}  // namespace berth::plugins::testing
