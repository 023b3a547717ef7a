#include "plugins/default_binder/default_binder.h"

#include <optional>

#include <gtest/gtest.h>

#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins::default_binder {
namespace {

TEST(DefaultBinderTest, PostsABindingAndReportsFailure) {
  testing::FakeHandle handle;
  DefaultBinder plugin(handle);
  framework::CycleState state;
  std::optional<framework::Status> result;
  const auto pod = framework::testing::MakePod("p").Info();
  plugin.Bind(state, *pod, "n1", [&](framework::Status status) { result = status; });
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->ok());
  EXPECT_EQ(handle.bound, std::vector<std::string>{"default/p n1"});
  handle.bind_result = absl::AbortedError("pods \"p\" is taken");
  plugin.Bind(state, *pod, "n1", [&](framework::Status status) { result = status; });
  EXPECT_EQ(result->code(), framework::Code::kError);
  EXPECT_EQ(result->Message(), "pods \"p\" is taken");
}

}  // namespace
}  // namespace berth::plugins::default_binder
