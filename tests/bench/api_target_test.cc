#include "bench/scheduler_perf/api_target.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "api/schema/core_v1_namespace.pb.h"
#include "api/schema/meta_v1.pb.h"
#include "bench/scheduler_perf/one_process.h"

namespace berth::bench {
namespace {

TEST(ApiTargetTest, NamespacesAreSharedButNotWhileTheyAreTerminating) {
  StackOptions options;
  options.store = "memory";
  options.directory = ::testing::TempDir();
  auto server = OneProcess::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  ApiTargetOptions waits;
  waits.terminating_max = absl::Milliseconds(50);
  const auto target = MakeApiTarget((*server)->transport(), waits);
  const auto& spaces = api::ResourceOf<api::core::Namespace>();
  const auto create = [&] {
    auto space = std::make_shared<api::core::Namespace>();
    space->mutable_metadata()->set_name("bench");
    return target->Create(spaces, {space});
  };
  ASSERT_TRUE(create().ok());
  EXPECT_TRUE(create().ok()) << "it is there already";
  ASSERT_TRUE(target->Delete(spaces, {}, "bench", std::nullopt).ok());
  // This server has no controller that would end it.
  const absl::Status status = create();
  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("namespace bench of an earlier run is being terminated"),
            absl::string_view::npos)
      << status;
}

}  // namespace
}  // namespace berth::bench
