#include "api/patch.h"

#include <gtest/gtest.h>

#include "api/errors.h"
#include "api/schema/core_v1_node.pb.h"
#include "api/schema/core_v1_pod.pb.h"
#include "api/schema/policy_v1.pb.h"
#include "api/wire.h"
#include "base/random.h"
#include "base/strings.h"

namespace berth::api {
namespace {

JsonValue Json(std::string_view text) {
  auto value = JsonValue::Parse(text);
  EXPECT_TRUE(value.ok()) << text << ": " << value.status();
  return value.ok() ? *std::move(value) : JsonValue();
}

struct PatchCase {
  std::string_view name, document, patch, want;  // want "!...": the failure's text
};

void RunCases(std::string_view content_type, const google::protobuf::Descriptor& type,
              std::initializer_list<PatchCase> cases) {
  for (const PatchCase& c : cases) {
    SCOPED_TRACE(c.name);
    const auto got = ApplyPatch(content_type, type, c.document, c.patch);
    if (c.want.starts_with('!')) {
      ASSERT_FALSE(got.ok()) << *got;
      EXPECT_EQ(ToStd(got.status().message()), c.want.substr(1));
    } else {
      ASSERT_TRUE(got.ok()) << got.status();
      EXPECT_EQ(*got, Json(c.want).ToText());
    }
  }
}

constexpr std::string_view kGeneric =
    "!the server rejected our request due to an error in our request";

TEST(JsonPatchTest, Operations) {
  RunCases(
      kJsonPatchType, *core::Pod::descriptor(),
      {
          {"add member", R"({})", R"([{"op":"add","path":"/a","value":1}])", R"({"a":1})"},
          {"add replaces", R"({"a":0})", R"([{"op":"add","path":"/a","value":1}])", R"({"a":1})"},
          {"add inserts", R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2}])",
           R"({"a":[1,2,3]})"},
          {"add appends", R"({"a":[1]})", R"([{"op":"add","path":"/a/-","value":2}])",
           R"({"a":[1,2]})"},
          {"negative index", R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])",
           R"({"a":[1]})"},
          {"no parent", R"({})", R"([{"op":"add","path":"/a/b","value":1}])", kGeneric},
          {"past the end", R"({"a":[]})", R"([{"op":"add","path":"/a/1","value":1}])", kGeneric},
          {"remove missing", R"({})", R"([{"op":"remove","path":"/a"}])", kGeneric},
          {"replace missing", R"({})", R"([{"op":"replace","path":"/a","value":1}])", kGeneric},
          {"escapes", R"({"a/b":{"c~d":1}})", R"([{"op":"remove","path":"/a~1b/c~0d"}])",
           R"({"a/b":{}})"},
          {"move", R"({"a":{"x":1}})", R"([{"op":"move","from":"/a/x","path":"/b"}])",
           R"({"a":{},"b":1})"},
          {"copy", R"({"a":[1]})", R"([{"op":"copy","from":"/a","path":"/b"}])",
           R"({"a":[1],"b":[1]})"},
          {"test holds", R"({"a":{"x":1.0}})", R"([{"op":"test","path":"/a","value":{"x":1}}])",
           R"({"a":{"x":1}})"},
          {"test fails", R"({"a":1})", R"([{"op":"test","path":"/a","value":2}])", kGeneric},
          {"missing is null", R"({})", R"([{"op":"test","path":"/a","value":null}])", R"({})"},
          {"unknown operation", R"({})", R"([{"op":"jump","path":"/a"}])", kGeneric},
          {"whole document", R"({"a":1})", R"([{"op":"add","path":"","value":{}}])", R"({})"},
      });
}

TEST(JsonPatchTest, CopiesCannotGrowWithoutBound) {
  std::string patch = "[";
  for (int i = 0; i < 30; ++i) {  // each doubles the document
    patch += (i == 0 ? "" : ",") + (R"({"op":"copy","from":"","path":"/a)" + std::to_string(i));
    patch += R"("})";
  }
  patch += "]";
  const auto got = ApplyPatch(kJsonPatchType, *core::Pod::descriptor(),
                              R"({"x":"0123456789abcdef"})", patch);
  EXPECT_EQ(HttpCode(got.status()), 413);
}

TEST(MergePatchTest, Rules) {
  RunCases(kMergePatchType, *core::Pod::descriptor(),
           {
               {"labels", R"({"metadata":{"labels":{"app":"a"}}})",
                R"({"metadata":{"labels":{"x":"y","app":null}}})",
                R"({"metadata":{"labels":{"x":"y"}}})"},
               {"lists are replaced", R"({"a":[1,2]})", R"({"a":[3]})", R"({"a":[3]})"},
               {"nulls in something new", R"({})", R"({"a":{"b":null,"c":1}})",
                R"({"a":{"c":1}})"},
               {"object over scalar", R"({"a":1})", R"({"a":{"b":null}})", R"({"a":{}})"},
           });
}

TEST(StrategicPatchTest, Lists) {
  const auto& pod = *core::Pod::descriptor();
  constexpr std::string_view kTwo =
      R"({"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"y"}]}})";
  RunCases(
      kStrategicMergePatchType, pod,
      {
          {"merge by key", kTwo, R"({"spec":{"containers":[{"name":"b","image":"z"}]}})",
           R"({"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"z"}]}})"},
          {"a new item goes first", kTwo, R"({"spec":{"containers":[{"name":"c"}]}})",
           R"({"spec":{"containers":[{"name":"c"},{"name":"a","image":"x"},
               {"name":"b","image":"y"}]}})"},
          {"delete an item", kTwo,
           R"({"spec":{"containers":[{"name":"a","$patch":"delete"}]}})",
           R"({"spec":{"containers":[{"name":"b","image":"y"}]}})"},
          {"replace a list", kTwo,
           R"({"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}})",
           R"({"spec":{"containers":[{"name":"c"}]}})"},
          {"order", kTwo,
           R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"},{"name":"a"}],
               "containers":[{"name":"c"}]}})",
           R"({"spec":{"containers":[{"name":"b","image":"y"},{"name":"c"},
               {"name":"a","image":"x"}]}})"},
          {"order contradicts", kTwo,
           R"({"spec":{"$setElementOrder/containers":[{"name":"b"}],
               "containers":[{"name":"c"}]}})",
           "!The order in patch list:\n[map[name:c]]\n doesn't match $setElementOrder list:\n"
           "[map[name:b]]\n"},
          {"no key", kTwo, R"({"spec":{"containers":[{"image":"nokey"}]}})",
           "!map: map[image:nokey] does not contain declared merge key: name"},
          {"atomic lists are replaced", R"({"spec":{"tolerations":[{"key":"a"}]}})",
           R"({"spec":{"tolerations":[{"key":"b"}]}})",
           R"({"spec":{"tolerations":[{"key":"b"}]}})"},
          {"primitives merge", R"({"metadata":{"finalizers":["a","b"]}})",
           R"({"metadata":{"finalizers":["b","c"]}})",
           R"({"metadata":{"finalizers":["a","b","c"]}})"},
          {"primitives are deleted", R"({"metadata":{"finalizers":["a","b"]}})",
           R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}})",
           R"({"metadata":{"finalizers":["b"]}})"},
          {"ports merge by number",
           R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80}]}]}})",
           R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"w"}]}]}})",
           R"({"spec":{"containers":[{"name":"a","ports":[{"containerPort":80,"name":"w"}]}]}})"},
      });
}

TEST(StrategicPatchTest, Objects) {
  RunCases(
      kStrategicMergePatchType, *core::Pod::descriptor(),
      {
          {"null deletes", R"({"metadata":{"labels":{"a":"b"},"name":"n"}})",
           R"({"metadata":{"labels":null}})", R"({"metadata":{"name":"n"}})"},
          {"replace a map", R"({"metadata":{"labels":{"a":"b"}}})",
           R"({"metadata":{"labels":{"$patch":"replace","c":"d"}}})",
           R"({"metadata":{"labels":{"c":"d"}}})"},
          {"delete a map", R"({"metadata":{"labels":{"a":"b"}}})",
           R"({"metadata":{"labels":{"$patch":"delete"}}})", R"({"metadata":{"labels":{}}})"},
          {"unknown directive", R"({"metadata":{"labels":{"a":"b"}}})",
           R"({"metadata":{"labels":{"$patch":"x"}}})",
           "!unknown patch type: x in map: map[$patch:x]"},
          {"retain keys",
           R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
           R"({"spec":{"volumes":[{"name":"v","$retainKeys":["name","hostPath"],
               "hostPath":{"path":"/x"}}]}})",
           R"({"spec":{"volumes":[{"name":"v","hostPath":{"path":"/x"}}]}})"},
          {"retain keys must name what is set",
           R"({"spec":{"volumes":[{"name":"v","emptyDir":{}}]}})",
           R"({"spec":{"volumes":[{"name":"v","$retainKeys":["name"],"hostPath":{}}]}})",
           "!invalid patch format of retainKeys"},
          {"something new has no nulls", R"({})", R"({"spec":{"a":null,"nodeName":"n"}})",
           R"({"spec":{"nodeName":"n"}})"},
          {"unknown list", R"({"spec":{}})",
           R"({"spec":{"$setElementOrder/nope":[{"name":"a"}]}})",
           "!unable to find api field in struct PodSpec for the json tag \"nope\""},
          {"not an object", R"({})", R"([1])",
           "!error decoding patch: json: cannot unmarshal array into Go value of type "
           "map[string]interface {}"},
      });
  RunCases(kStrategicMergePatchType, *policy::PodDisruptionBudget::descriptor(),
           {{"a replaced struct", R"({"spec":{"selector":{"matchLabels":{"a":"b"}}}})",
             R"({"spec":{"selector":{"matchLabels":{"c":"d"}}}})",
             R"({"spec":{"selector":{"matchLabels":{"c":"d"}}}})"}});
}

// What kubectl cordon, taint, label and annotate send.
TEST(StrategicPatchTest, KubectlOnNodes) {
  RunCases(kStrategicMergePatchType, *core::Node::descriptor(),
           {
               {"cordon", R"({"spec":{"podCIDR":"x"}})", R"({"spec":{"unschedulable":true}})",
                R"({"spec":{"podCIDR":"x","unschedulable":true}})"},
               {"uncordon", R"({"spec":{"unschedulable":true}})",
                R"({"spec":{"unschedulable":null}})", R"({"spec":{}})"},
               {"taint", R"({"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}})",
                R"({"spec":{"taints":[{"key":"b","effect":"NoExecute"}]}})",
                R"({"spec":{"taints":[{"key":"b","effect":"NoExecute"}]}})"},
               {"conditions",
                R"({"status":{"conditions":[{"type":"Ready","status":"True"},{"type":"X"}]}})",
                R"({"status":{"$setElementOrder/conditions":[{"type":"Ready"},{"type":"X"}],
                    "conditions":[{"type":"Ready","status":"False"}]}})",
                R"({"status":{"conditions":[{"type":"Ready","status":"False"},{"type":"X"}]}})"},
           });
}

TEST(PatchTest, MalformedTextsAndTypes) {
  const auto& pod = *core::Pod::descriptor();
  EXPECT_EQ(HttpCode(ApplyPatch(kMergePatchType, pod, "{}", "{").status()), 400);
  EXPECT_EQ(HttpCode(ApplyPatch(kJsonPatchType, pod, "{}", "{}").status()), 400);
  EXPECT_EQ(HttpCode(ApplyPatch("text/plain", pod, "{}", "{}").status()), 415);
}

class RandomJson {
 public:
  explicit RandomJson(uint64_t seed) : random_(seed) {}

  // No nulls: a merge patch cannot express them.
  JsonValue Object(int depth) {
    JsonValue out = JsonValue::EmptyObject();
    for (auto i = random_.Next() % 4; i > 0; --i) out.Set(Name(), Value(depth));
    return out;
  }

 private:
  std::string Name() { return std::string(1, static_cast<char>('a' + random_.Next() % 5)); }
  JsonValue Value(int depth) {
    switch (random_.Next() % (depth > 0 ? 6 : 4)) {
      case 0: return JsonValue(static_cast<int64_t>(random_.Next() % 3));
      case 1: return JsonValue(random_.Next() % 2 == 0);
      case 2: return JsonValue(Name());
      case 3: return JsonValue(0.5);
      case 4: return Object(depth - 1);
      default: {
        JsonValue out = JsonValue::EmptyArray();
        for (auto i = random_.Next() % 3; i > 0; --i) out.array().push_back(Value(depth - 1));
        return out;
      }
    }
  }

  Random random_;
};

TEST(MergePatchTest, AComputedPatchGivesTheTarget) {
  RandomJson random(3);
  for (int round = 0; round < 5000; ++round) {
    const JsonValue from = random.Object(3), to = random.Object(3);
    const JsonValue patch = MakeMergePatch(from, to);
    JsonValue got = from;
    ApplyMergePatch(patch, got);
    ASSERT_TRUE(got == to) << from.ToText() << " + " << patch.ToText() << " = " << got.ToText()
                           << ", want " << to.ToText();
    JsonValue again = Json(got.ToText());
    ASSERT_TRUE(again == got);
  }
}

// Naming every member of the target, or replacing lists with what is there, is a fixed point.
TEST(StrategicPatchTest, PatchingTwiceIsPatchingOnce) {
  Random random(5);
  const auto list = [&] {
    JsonValue out = JsonValue::EmptyArray();
    for (char name = 'a'; name < 'f'; ++name) {
      if (random.Next() % 2 == 0) continue;
      JsonValue item = JsonValue::EmptyObject();
      item.Set("name", JsonValue(std::string(1, name)));
      if (random.Next() % 2 == 0) item.Set("image", JsonValue(std::string(1, 'x')));
      out.array().push_back(std::move(item));
    }
    for (size_t i = out.array().size(); i > 1; --i) {
      std::swap(out.array()[i - 1], out.array()[random.Below(i)]);
    }
    return out;
  };
  for (int round = 0; round < 2000; ++round) {
    JsonValue document = Json(R"({"spec":{}})"), patch = Json(R"({"spec":{}})");
    document.Find("spec")->Set("containers", list());
    patch.Find("spec")->Set("containers", list());
    JsonValue once = document;
    ASSERT_TRUE(ApplyStrategicPatch(*core::Pod::descriptor(), patch, once).ok());
    JsonValue twice = once;
    ASSERT_TRUE(ApplyStrategicPatch(*core::Pod::descriptor(), patch, twice).ok());
    ASSERT_EQ(once.ToText(), twice.ToText()) << document.ToText() << " + " << patch.ToText();
  }
}

TEST(JsonValueTest, TextsAreReadAndPrinted) {
  EXPECT_EQ(Json(R"( {"b":[1,-2.5,"x\u003c",null,true],"a":{}} )").ToText(),
            R"({"a":{},"b":[1,-2.5,"x\u003c",null,true]})");
  EXPECT_EQ(Json(R"({"a":1,"a":2})").ToText(), R"({"a":2})");
  EXPECT_EQ(Json(R"({"b":[1,"x"],"a":null})").ToGoText(), "map[a:<nil> b:[1 x]]");
  EXPECT_EQ(JsonValue::Parse(R"(["77",777777777777777777775,1e-999])")->ToText(),
            R"(["77",777777777777777800000,0])");
  EXPECT_EQ(ToStd(JsonValue::Parse("[1e999]").status().message()),
            "json: cannot unmarshal number 1e999 into Go value of type float64");
  EXPECT_FALSE(JsonValue::Parse("{").ok());
  EXPECT_FALSE(JsonValue::Parse("").ok());
  EXPECT_FALSE(JsonValue::Parse(std::string(5000, '[')).ok());
}

// Each copy of a document into its own depth doubles it; no text that is read nests so deep.
TEST(JsonPatchTest, CopiesDoNotNestWithoutEnd) {
  std::string patch = R"([{"op":"add","path":"/z","value":{}})";
  std::string path = "/z", deep = "{}";
  for (int i = 0; i < 400; ++i) deep = R"({"":)" + deep + "}";
  for (int i = 0; i < 2; ++i) {
    patch += R"(,{"op":"add","path":")" + path + R"(/","value":)" + deep + "}";
    path += std::string(401, '/');
  }
  for (int i = 0; i < 6; ++i) {
    patch += R"(,{"op":"copy","from":"/z","path":")" + path + R"(/"})";
    path += path.substr(2);
  }
  patch += "]";
  const auto operations = JsonValue::Parse(patch);
  ASSERT_TRUE(operations.ok()) << operations.status();
  JsonValue document = JsonValue::EmptyObject();
  EXPECT_FALSE(ApplyJsonPatch(*operations, document).ok());
}

}  // namespace
}  // namespace berth::api
