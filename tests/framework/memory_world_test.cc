#include "framework/memory_world.h"

#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/resource_table.h"
#include "base/sim_executor.h"
#include "tests/framework/builders.h"

namespace berth::framework::testing {
namespace {

TEST(MemoryWorldTest, DeleteIsOfTheObjectThatIsMeant) {
  SimLoop loop(1);
  const auto executor = loop.MakeExecutor("world");
  MemoryWorld world(*executor);
  const api::Resource& pods = api::ResourceOf<api::core::Pod>();
  world.Put(pods, MakePod("p").Object());  // its uid is its name
  const auto remove = [&](std::string_view name, std::string_view uid) {
    absl::Status answer = absl::UnknownError("no answer");
    world.Delete(pods, "default", name, uid, [&](absl::Status status) { answer = status; });
    loop.RunUntil(loop.clock().Now());
    return answer;
  };
  EXPECT_TRUE(api::IsNotFound(remove("q", "")));
  const absl::Status other = remove("p", "another");
  EXPECT_TRUE(api::IsConflict(other)) << other;
  EXPECT_EQ(other.message(),
            "Operation cannot be fulfilled on pods \"p\": Precondition failed: UID in "
            "precondition: another, UID in object meta: p");
  EXPECT_NE(world.Get(pods, "default", "p"), nullptr);
  EXPECT_TRUE(remove("p", "p").ok());
  EXPECT_EQ(world.Get(pods, "default", "p"), nullptr);
  world.Put(pods, MakePod("p").Object());
  EXPECT_TRUE(remove("p", "").ok()) << "no uid: whichever is there";
}

}  // namespace
}  // namespace berth::framework::testing
