// `berth explain` on manifests: what is read, what is asked, what is said.
#include "scheduler-main/explain/explain.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "scheduler-main/explain/explain_text.h"

namespace berth::scheduler {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kCluster = R"(
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Node
  metadata: {name: small}
  status: {allocatable: {cpu: "1", memory: 1Gi, pods: "10"}}
- apiVersion: v1
  kind: Node
  metadata: {name: large}
  status: {allocatable: {cpu: "4", memory: 4Gi, pods: "10"}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: default}
---
apiVersion: v1
kind: PodList
items:
- metadata: {name: low, namespace: default}
  spec: {nodeName: large, containers: [{name: c, resources: {requests: {cpu: "3"}}}]}
- metadata: {name: new, namespace: default}
  spec: {priority: 5, containers: [{name: c, resources: {requests: {cpu: "2"}}}]}
)";

absl::StatusOr<PodExplanation> Explained(std::string_view text, std::string pod = {}) {
  auto file = ParseClusterFile(text);
  if (!file.ok()) return file.status();
  ExplainOptions options;
  options.pod = std::move(pod);
  return ExplainPod(*std::move(file), options);
}

TEST(ExplainTest, SaysWhatMattersFirst) {
  const auto pod = Explained(kCluster);
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->pod, "default/new");
  const std::string text = ToText(*pod);
  EXPECT_TRUE(text.starts_with("Pod default/new\nFits nowhere: 0/2 nodes are available: 2 "
                               "Insufficient cpu.\n")) << text;
  EXPECT_THAT(text, HasSubstr("Preemption makes room (* the best)\n"
                              "NODE     BUDGETS VIOLATED  VICTIMS\n"
                              "large *  0                 default/low\n"));
  EXPECT_THAT(text, HasSubstr("small  NodeResourcesFit  Insufficient cpu  cannot help"));
  EXPECT_THAT(text, HasSubstr("Not looked at: apps/v1 Deployment"));
}

TEST(ExplainTest, APodIsTakenOffItsNodeAndDecidedUponAnew) {
  const auto pod = Explained(kCluster, "low");
  ASSERT_TRUE(pod.ok()) << pod.status();
  EXPECT_EQ(pod->explanation.chosen, "large");
  EXPECT_THAT(ToText(*pod), HasSubstr("Goes to large, of 1 node it fits on."));
}

TEST(ExplainTest, BadInputIsSaidSoThatOneCanAct) {
  const struct {
    std::string_view name, text, pod, want;
  } cases[] = {
      {"no YAML", "{", "", "yaml:"},
      {"no object", "[1]", "", "a document is no object"},
      {"no kind", "{a: 1}", "", "an object without apiVersion and kind"},
      {"a wrong type", "{apiVersion: v1, kind: Node, metadata: {name: [1]}}", "", "Node"},
      {"nobody waits", "{apiVersion: v1, kind: Node, metadata: {name: node-1}}", "",
       "no pod of the file waits for a node: --pod NAMESPACE/NAME"},
      {"no such pod", kCluster, "default/nobody", "no pod default/nobody in the file"},
      {"two could be meant",
       "{apiVersion: v1, kind: PodList, items: [{metadata: {name: a}}, {metadata: {name: b}}]}",
       "", "2 pods could be meant: --pod NAMESPACE/NAME says which (/a, /b)"},
      {"a sequence as a table", R"({"objects": [], "steps": []})", "", "as JSON only: -o json"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const auto pod = Explained(c.text, std::string(c.pod));
    ASSERT_FALSE(pod.ok());
    EXPECT_THAT(std::string(ToStd(pod.status().message())), HasSubstr(std::string(c.want)));
  }
}

}  // namespace
}  // namespace berth::scheduler
