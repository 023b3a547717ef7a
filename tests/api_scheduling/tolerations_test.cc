#include "api/scheduling/tolerations.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "api/schema/core_v1_selectors.pb.h"

namespace berth::api::scheduling {
namespace {

CompiledTaint Taint(std::string key, std::string value, std::string effect) {
  core::Taint taint;
  taint.set_key(std::move(key));
  taint.set_value(std::move(value));
  taint.set_effect(std::move(effect));
  return CompileTaint(taint);
}

CompiledToleration Toleration(std::string key, std::string op, std::string value,
                              std::string effect) {
  core::Toleration toleration;
  toleration.set_key(std::move(key));
  toleration.set_operator_(std::move(op));
  toleration.set_value(std::move(value));
  toleration.set_effect(std::move(effect));
  return CompileToleration(toleration);
}

TEST(TolerationTest, TruthTable) {
  const CompiledTaint taint = Taint("gpu", "a", "NoSchedule");
  const struct {
    std::string_view name;
    CompiledToleration toleration;
    bool want;
  } cases[] = {
      {"equal", Toleration("gpu", "Equal", "a", "NoSchedule"), true},
      {"no operator means Equal", Toleration("gpu", "", "a", "NoSchedule"), true},
      {"every effect", Toleration("gpu", "Equal", "a", ""), true},
      {"other effect", Toleration("gpu", "Equal", "a", "NoExecute"), false},
      {"other value", Toleration("gpu", "Equal", "b", "NoSchedule"), false},
      {"Exists ignores the value", Toleration("gpu", "Exists", "b", ""), true},
      {"other key", Toleration("cpu", "Exists", "", ""), false},
      {"empty key with Exists", Toleration("", "Exists", "", ""), true},
      {"empty key, Equal, same value", Toleration("", "Equal", "a", ""), true},
      {"empty key, Equal, other value", Toleration("", "Equal", "", ""), false},
      {"unknown operator", Toleration("gpu", "Gt", "a", ""), false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(c.toleration.Tolerates(taint), c.want);
  }
}

TEST(TolerationTest, FindsTheFirstBlockingTaint) {
  const std::vector<CompiledTaint> taints = {
      Taint("soft", "", "PreferNoSchedule"), Taint("odd", "", "Whatever"),
      Taint("a", "", "NoSchedule"), Taint("b", "", "NoExecute")};
  EXPECT_EQ(FindUntolerated({}, taints), &taints[2]);
  const std::vector<CompiledToleration> a = {Toleration("a", "Exists", "", "")};
  EXPECT_EQ(FindUntolerated(a, taints), &taints[3]);
  const std::vector<CompiledToleration> all = {Toleration("", "Exists", "", "")};
  EXPECT_EQ(FindUntolerated(all, taints), nullptr);
}

}  // namespace
}  // namespace berth::api::scheduling
