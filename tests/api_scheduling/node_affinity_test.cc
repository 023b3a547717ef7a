#include "api/scheduling/node_affinity.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/schema/core_v1_pod.pb.h"

namespace berth::api::scheduling {
namespace {

using Values = std::initializer_list<std::string>;

core::NodeSelectorRequirement Need(std::string key, std::string op, Values values) {
  core::NodeSelectorRequirement out;
  out.set_key(std::move(key));
  out.set_operator_(std::move(op));
  for (const std::string& value : values) out.add_values(value);
  return out;
}

LabelSet Labels(std::initializer_list<std::pair<std::string, std::string>> pairs) {
  LabelSet out;
  for (const auto& [key, value] : pairs) out.Set(Symbol::Intern(key), Symbol::Intern(value));
  return out;
}

TEST(NodeSelectorTest, Operators) {
  const LabelSet labels = Labels({{"zone", "a"}, {"size", "5"}, {"empty", ""}, {"text", "x"}});
  const struct {
    std::string_view name;
    core::NodeSelectorRequirement need;
    bool want;
  } cases[] = {
      {"In", Need("zone", "In", {"b", "a"}), true},
      {"In, other", Need("zone", "In", {"b"}), false},
      {"In, absent key", Need("none", "In", {""}), false},
      {"In, empty value", Need("empty", "In", {""}), true},
      {"In without values does not parse", Need("zone", "In", {}), false},
      {"NotIn", Need("zone", "NotIn", {"b"}), true},
      {"NotIn, absent key", Need("none", "NotIn", {"b"}), true},
      {"NotIn, listed", Need("zone", "NotIn", {"a"}), false},
      {"Exists", Need("empty", "Exists", {}), true},
      {"Exists, absent", Need("none", "Exists", {}), false},
      {"Exists with values does not parse", Need("zone", "Exists", {"a"}), false},
      {"DoesNotExist", Need("none", "DoesNotExist", {}), true},
      {"DoesNotExist, present", Need("zone", "DoesNotExist", {}), false},
      {"Gt", Need("size", "Gt", {"4"}), true},
      {"Gt is strict", Need("size", "Gt", {"5"}), false},
      {"Lt", Need("size", "Lt", {"6"}), true},
      {"Lt is strict", Need("size", "Lt", {"5"}), false},
      {"Gt of a text", Need("text", "Gt", {"1"}), false},
      {"Gt, absent", Need("none", "Gt", {"1"}), false},
      {"Gt of two does not parse", Need("size", "Gt", {"1", "2"}), false},
      {"Gt of a word does not parse", Need("size", "Gt", {"x"}), false},
      {"Gt of a negative is no label value", Need("size", "Gt", {"-1"}), false},
      {"unknown operator", Need("zone", "in", {"a"}), false},
      {"bad key", Need("zone!", "NotIn", {"b"}), false},
      {"bad value", Need("zone", "NotIn", {"b b"}), false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    core::NodeSelectorTerm term;
    *term.add_match_expressions() = c.need;
    EXPECT_EQ(CompileTerm(term).Matches(labels, Symbol::Intern("n")), c.want);
  }
}

TEST(NodeSelectorTest, Fields) {
  const Symbol node = Symbol::Intern("n1");
  const struct {
    std::string_view name;
    core::NodeSelectorRequirement need;
    bool want;
  } cases[] = {
      {"In", Need("metadata.name", "In", {"n1"}), true},
      {"In, other", Need("metadata.name", "In", {"n2"}), false},
      {"NotIn", Need("metadata.name", "NotIn", {"n2"}), true},
      {"NotIn, same", Need("metadata.name", "NotIn", {"n1"}), false},
      {"two values do not parse", Need("metadata.name", "In", {"n1", "n2"}), false},
      {"Exists does not parse", Need("metadata.name", "Exists", {}), false},
      {"another field is empty", Need("spec.x", "In", {"n1"}), false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    core::NodeSelectorTerm term;
    *term.add_match_fields() = c.need;
    EXPECT_EQ(CompileTerm(term).Matches({}, node), c.want);
  }
}

TEST(RequiredNodeAffinityTest, SelectorAndTerms) {
  core::PodSpec spec;
  const LabelSet labels = Labels({{"zone", "a"}, {"disk", "ssd"}});
  const Symbol node = Symbol::Intern("n");
  EXPECT_TRUE(CompileRequired(spec).empty());
  EXPECT_TRUE(CompileRequired(spec).Matches(labels, node));

  (*spec.mutable_node_selector())["disk"] = "ssd";
  EXPECT_TRUE(CompileRequired(spec).Matches(labels, node));
  core::NodeSelector& required =
      *spec.mutable_affinity()->mutable_node_affinity()
           ->mutable_required_during_scheduling_ignored_during_execution();
  EXPECT_FALSE(CompileRequired(spec).Matches(labels, node)) << "no terms match nothing";
  required.add_node_selector_terms();
  EXPECT_FALSE(CompileRequired(spec).Matches(labels, node)) << "an empty term matches nothing";
  *required.add_node_selector_terms()->add_match_expressions() = Need("zone", "In", {"b"});
  EXPECT_FALSE(CompileRequired(spec).Matches(labels, node));
  *required.add_node_selector_terms()->add_match_expressions() = Need("zone", "In", {"a"});
  EXPECT_TRUE(CompileRequired(spec).Matches(labels, node)) << "terms are ORed";
  (*spec.mutable_node_selector())["disk"] = "hdd";
  EXPECT_FALSE(CompileRequired(spec).Matches(labels, node)) << "the selector is ANDed";
}

TEST(PreferredNodeAffinityTest, DropsTermsWithoutWeightOrContent) {
  core::NodeAffinity affinity;
  auto add = [&](int32_t weight) -> core::NodeSelectorTerm& {
    auto& term = *affinity.add_preferred_during_scheduling_ignored_during_execution();
    term.set_weight(weight);
    return *term.mutable_preference();
  };
  add(5);
  *add(0).add_match_expressions() = Need("zone", "Exists", {});
  *add(7).add_match_expressions() = Need("zone", "Exists", {});
  const auto got = CompilePreferred(affinity);
  ASSERT_EQ(got.size(), 1u);
  EXPECT_EQ(got[0].weight, 7);
}

TEST(LabelSetTest, ManyLabels) {
  LabelSet labels;
  for (int i = 20; i > 0; --i) {
    labels.Set(Symbol::Intern("k" + std::to_string(i)), Symbol::Intern(std::to_string(i)));
  }
  labels.Set(Symbol::Intern("k7"), Symbol::Intern("seven"));
  EXPECT_EQ(labels.size(), 20u);
  Symbol value;
  ASSERT_TRUE(labels.Get(Symbol::Intern("k7"), &value));
  EXPECT_EQ(value.text(), "seven");
  EXPECT_FALSE(labels.Has(Symbol::Intern("k21")));
}

}  // namespace
}  // namespace berth::api::scheduling
