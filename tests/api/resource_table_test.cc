#include "api/resource_table.h"

#include <gtest/gtest.h>

#include "api/schema/apps_v1.pb.h"
#include "api/schema/core_v1_pod.pb.h"

namespace berth::api {
namespace {

TEST(ResourceTableTest, RowsAreFoundByPluralKindAndMessage) {
  const struct {
    std::string_view group, plural, kind, prefix, api_version, path, qualified;
  } cases[] = {
      {"", "pods", "Pod", "pods", "v1", "/api/v1", "pods"},
      {"", "nodes", "Node", "minions", "v1", "/api/v1", "nodes"},
      {"", "events", "Event", "events", "v1", "/api/v1", "events"},
      {"events.k8s.io", "events", "Event", "events", "events.k8s.io/v1", "/apis/events.k8s.io/v1",
       "events.events.k8s.io"},
      {"apps", "replicasets", "ReplicaSet", "replicasets", "apps/v1", "/apis/apps/v1",
       "replicasets.apps"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.qualified);
    const Resource* row = FindResource(c.group, "v1", c.plural);
    ASSERT_NE(row, nullptr);
    EXPECT_EQ(row, FindKind(c.group, "v1", c.kind));
    EXPECT_EQ(row, &ResourceOfDescriptor(*row->prototype));
    EXPECT_EQ(row->storage_prefix, c.prefix);
    EXPECT_EQ(row->api_version(), c.api_version);
    EXPECT_EQ(row->path_prefix(), c.path);
    EXPECT_EQ(row->qualified(), c.qualified);
    EXPECT_EQ(row->list_kind(), std::string(c.kind) + "List");
    EXPECT_EQ(row->New()->GetDescriptor(), row->prototype->GetDescriptor());
  }
  EXPECT_EQ(FindResource("", "v2", "pods"), nullptr);
  EXPECT_EQ(FindResource("apps", "v1", "pods"), nullptr);
}

TEST(ResourceTableTest, PathsOfCollectionsAndObjects) {
  const Resource& pods = ResourceOf<core::Pod>();
  EXPECT_EQ(CollectionPath(pods, ""), "/api/v1/pods");
  EXPECT_EQ(CollectionPath(pods, "a"), "/api/v1/namespaces/a/pods");
  EXPECT_EQ(ObjectPath(pods, "a", "b", "binding"), "/api/v1/namespaces/a/pods/b/binding");
  EXPECT_EQ(ObjectPath(*FindKind("", "v1", "Node"), "ignored", "n"), "/api/v1/nodes/n");
}

TEST(ResourceTableTest, SubresourcesNameTheKindTheyCarry) {
  const Subresource* eviction = ResourceOf<core::Pod>().FindSubresource("eviction");
  ASSERT_NE(eviction, nullptr);
  EXPECT_EQ(eviction->group, "policy");
  EXPECT_EQ(eviction->kind, "Eviction");
  EXPECT_EQ(ResourceOf<apps::ReplicaSet>().FindSubresource("scale")->group, "autoscaling");
  EXPECT_EQ(ResourceOf<core::Pod>().FindSubresource("scale"), nullptr);
}

TEST(ResourceTableTest, GroupVersionsAreSplit) {
  EXPECT_EQ(ParseGroupVersion("v1").group, "");
  EXPECT_EQ(ParseGroupVersion("v1").version, "v1");
  EXPECT_EQ(ParseGroupVersion("apps/v1").group, "apps");
  EXPECT_EQ(ParseGroupVersion("apps/v1").version, "v1");
}

}  // namespace
}  // namespace berth::api
