// What kubectl get shows. The pods' states and their words: pkg/printers printers_test.go's cases.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "api/envelope.h"
#include "api/json.h"
#include "api/json_writer.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/meta_v1_table.pb.h"
#include "cluster/apiserver/printers/printer.h"
#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

TEST(HumanDurationTest, Texts) {
  const struct {
    absl::Duration duration;
    std::string_view want;
  } cases[] = {
      {absl::Seconds(-3), "<invalid>"}, {absl::Milliseconds(-500), "0s"}, {absl::Seconds(0), "0s"},
      {absl::Seconds(119), "119s"}, {absl::Seconds(120), "2m"}, {absl::Seconds(125), "2m5s"},
      {absl::Minutes(10), "10m"}, {absl::Minutes(179), "179m"}, {absl::Minutes(180), "3h"},
      {absl::Minutes(181), "3h1m"}, {absl::Hours(8), "8h"}, {absl::Hours(47), "47h"},
      {absl::Hours(48), "2d"}, {absl::Hours(49), "2d1h"}, {absl::Hours(24 * 8), "8d"},
      {absl::Hours(24 * 365 * 2), "2y"}, {absl::Hours(24 * 366 * 2), "2y2d"},
      {absl::Hours(24 * 365 * 9), "9y"},
  };
  for (const auto& c : cases) EXPECT_EQ(HumanDuration(c.duration), c.want);
}

std::string PodCells(std::string_view json) {
  api::core::Pod pod;
  EXPECT_TRUE(api::ParseJson(json, pod).ok()) << json;
  api::JsonWriter out;
  kPodPrinter.cells(pod, absl::UnixEpoch() + absl::Hours(1), out);
  return std::string(out.text());
}

TEST(PodPrinterTest, States) {
  const struct {
    std::string_view name, spec, status, want;
  } cases[] = {
      {"pending", "", R"("phase":"Pending")", R"("0/1","Pending","0",)"},
      {"gated", "", R"("phase":"Pending","conditions":[{"type":"PodScheduled","status":"False",)"
       R"("reason":"SchedulingGated"}])", R"("0/1","SchedulingGated","0",)"},
      {"creating", "", R"("phase":"Pending","containerStatuses":[{"name":"c","state":{"waiting":)"
       R"({"reason":"ContainerCreating"}}}])", R"("0/1","ContainerCreating","0",)"},
      {"crash loop", "", R"("phase":"Running","containerStatuses":[{"name":"c","restartCount":3,)"
       R"("state":{"waiting":{"reason":"CrashLoopBackOff"}}}])",
       R"("0/1","CrashLoopBackOff","3",)"},
      {"restarted", "", R"("phase":"Running","containerStatuses":[{"name":"c","restartCount":3,)"
       R"("ready":true,"state":{"running":{}},"lastState":{"terminated":)"
       R"({"finishedAt":"1970-01-01T00:57:00Z"}}}])", R"x("1/1","Running","3 (3m ago)",)x"},
      {"signal", "", R"("phase":"Failed","containerStatuses":[{"name":"c","state":{"terminated":)"
       R"({"signal":9}}}])", R"("0/1","Signal:9","0",)"},
      {"completed beside running", "", R"("phase":"Running","containerStatuses":[{"name":"c",)"
       R"("state":{"terminated":{"reason":"Completed"}}},{"name":"d","ready":true,"state":)"
       R"({"running":{}}}])", R"("1/1","NotReady","0",)"},
      {"init 0 of 2", R"(,"initContainers":[{"name":"i"},{"name":"j"}])",
       R"("phase":"Pending","initContainerStatuses":[{"name":"i","state":{"running":{}}}])",
       R"("0/1","Init:0/2","0",)"},
      {"init failed", R"(,"initContainers":[{"name":"i"}])",
       R"("phase":"Pending","initContainerStatuses":[{"name":"i","state":{"terminated":)"
       R"({"exitCode":2,"reason":"Error"}}}])", R"("0/1","Init:Error","0",)"},
      {"sidecar", R"(,"initContainers":[{"name":"i","restartPolicy":"Always"}])",
       R"("phase":"Running","initContainerStatuses":[{"name":"i","started":true,"ready":true,)"
       R"("restartCount":2,"state":{"running":{}}}],"containerStatuses":[{"name":"c","ready":true,)"
       R"("state":{"running":{}}}])", R"("2/2","Running","2",)"},
      {"evicted", "", R"("phase":"Failed","reason":"Evicted")", R"("0/1","Evicted","0",)"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string cells = PodCells(fmt::format(
        R"({{"metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"c"}}]{}}},)"
        R"("status":{{{}}}}})",
        c.spec, c.status));
    EXPECT_EQ(cells.substr(0, 4 + c.want.size()), fmt::format("\"p\",{}", c.want));
  }
  EXPECT_EQ(PodCells(R"({"metadata":{"name":"p","deletionTimestamp":"1970-01-01T00:00:01Z"},)"
                     R"("spec":{"nodeName":"n"},"status":{"phase":"Running"}})"),
            R"("p","0/0","Terminating","0","\u003cunknown\u003e","\u003cnone\u003e","n",)"
            R"("\u003cnone\u003e","\u003cnone\u003e",)");
}

using TableTest = ServerFixture;
constexpr char kTable[] = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

TEST_F(TableTest, OfOneAndOfMany) {
  MakePod("a");
  MakePod("b");
  Run(absl::Minutes(5));
  const Answer list = Do("GET", "/api/v1/namespaces/default/pods", "", "", kTable);
  EXPECT_EQ(list.At("kind"), "Table");
  EXPECT_EQ(list.At("rows/1/cells/0"), "b");
  EXPECT_EQ(list.At("rows/1/cells/4"), "5m");
  EXPECT_EQ(list.At("rows/1/object/kind"), "PartialObjectMetadata");
  EXPECT_EQ(list.At("columnDefinitions/6/name"), "Node");
  const Answer one = Do("GET", "/api/v1/nodes?includeObject=None", "", "", kTable);
  EXPECT_EQ(one.At("rows"), "[]");
  const Answer whole =
      Do("GET", "/api/v1/namespaces/default/pods/a?includeObject=Object", "", "", kTable);
  EXPECT_EQ(whole.At("rows/0/object/kind"), "Pod");
  const Answer missing = Do("GET", "/api/v1/namespaces/default/pods/x", "", "", kTable);
  EXPECT_EQ(missing.At("kind"), "Status");
}

TEST_F(TableTest, WatchedTablesNameTheirColumnsOnce) {
  const OpenStream watch =
      Send("GET", "/api/v1/namespaces/default/pods?watch=true", "", "", kTable);
  Run();
  MakePod("a");
  MakePod("b");
  Run();
  const auto events = watch.answer().Events();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(At(events[0], "object/columnDefinitions/0/name"), "Name");
  EXPECT_EQ(At(events[1], "object/columnDefinitions"), "null");
  EXPECT_EQ(At(events[1], "object/rows/0/cells/0"), "b");
}

TEST_F(TableTest, MetadataOnly) {
  MakePod("a");
  const Answer one = Do("GET", "/api/v1/namespaces/default/pods/a", "", "",
                        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
  EXPECT_EQ(one.At("kind"), "PartialObjectMetadata");
  EXPECT_EQ(one.At("metadata/name"), "a");
  EXPECT_EQ(one.At("spec"), "<absent>");
  const Answer list = Do("GET", "/api/v1/namespaces/default/pods", "", "",
                         "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
  EXPECT_EQ(list.At("kind"), "PartialObjectMetadataList");
  EXPECT_EQ(list.At("items/0/metadata/name"), "a");
}

// What a metadata informer asks for: a streaming list of metadata in protobuf.
TEST_F(TableTest, MetadataInProtobufListedAndWatched) {
  constexpr char kForm[] =
      "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,"
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
  MakePod("a");
  MakePod("b");
  const Answer one = Do("GET", "/api/v1/namespaces/default/pods/a", "", "", kForm);
  api::meta::PartialObjectMetadata partial;
  const auto envelope = api::DecodeEnvelope(one.body, partial);
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->kind, "PartialObjectMetadata");
  EXPECT_EQ(partial.metadata().name(), "a");
  const Answer list = Do("GET", "/api/v1/namespaces/default/pods?limit=1", "", "",
                         "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;"
                         "g=meta.k8s.io;v=v1");
  api::meta::PartialObjectMetadataList many;
  ASSERT_TRUE(api::DecodeEnvelope(list.body, many).ok());
  EXPECT_EQ(many.items_size(), 1);
  EXPECT_EQ(many.metadata().remaining_item_count(), 1);
  const OpenStream watch =
      Send("GET", "/api/v1/pods?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
                  "&resourceVersionMatch=NotOlderThan", "", "", kForm);
  Run();
  EXPECT_EQ(watch.answer().content_type, "application/vnd.kubernetes.protobuf;stream=watch");
  const std::string& frames = watch.answer().body;
  EXPECT_NE(frames.find("k8s.io/initial-events-end"), std::string::npos);
  EXPECT_NE(frames.find("PartialObjectMetadata"), std::string::npos);
  EXPECT_EQ(frames.find("containers"), std::string::npos);
}

TEST_F(TableTest, OldClientsAskForTheBetaForms) {
  MakePod("a");
  const std::string url = "/api/v1/namespaces/default/pods";
  const Answer table = Do("GET", url, "", "", "application/json;as=Table;v=v1beta1;g=meta.k8s.io");
  EXPECT_EQ(table.At("apiVersion"), "meta.k8s.io/v1beta1");
  EXPECT_EQ(table.At("rows/0/object/apiVersion"), "meta.k8s.io/v1beta1");
  const Answer one = Do("GET", url + "/a", "", "",
                        "application/json;as=PartialObjectMetadata;v=v1beta1;g=meta.k8s.io");
  EXPECT_EQ(one.At("apiVersion"), "meta.k8s.io/v1beta1");
  EXPECT_EQ(Do("GET", url, "", "",
               "application/vnd.kubernetes.protobuf;as=Table;v=v1;g=meta.k8s.io").code,
            406)
      << "upstream has no tables in protobuf";
}

TEST_F(TableTest, YamlAndUnacceptable) {
  MakePod("a");
  const Answer yaml =
      Do("GET", "/api/v1/namespaces/default/pods/a", "", "", "application/yaml");
  EXPECT_EQ(yaml.content_type, "application/yaml");
  EXPECT_EQ(yaml.body.substr(0, 15), "apiVersion: v1\n");
  EXPECT_EQ(Do("GET", "/api/v1/nodes", "", "", "application/xml").code, 406);
}

}  // namespace
}  // namespace berth::apiserver
