// Two API servers on one store, and a server that starts on a store with objects in it: neither
// sees only its own writes.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/apiserver/server_fixture.h"

namespace berth::apiserver {
namespace {

constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";

class TwoServersTest : public ServerFixture {
 public:
  TwoServersTest() {
    auto options = DefaultOptions();
    options.seed = 8;
    other_executor = loop.MakeExecutor("other");
    other = std::make_unique<ApiServer>(*other_executor, *other_executor, *store, options);
    other->Start([] {});
    Run();
  }
  ~TwoServersTest() override {
    other.reset();
    other_executor.reset();
  }
  // The same call, to the other server.
  Answer Other(std::string method, std::string target, std::string body = "",
               std::string type = "application/json") {
    std::swap(server, other);
    Answer answer = Do(std::move(method), std::move(target), std::move(body), std::move(type));
    std::swap(server, other);
    return answer;
  }

  std::unique_ptr<Executor> other_executor;
  std::unique_ptr<ApiServer> other;
};

TEST_F(TwoServersTest, EachSeesTheOthersWritesAtOnce) {
  for (int i = 0; i < 20; ++i) {
    const std::string name = fmt::format("m{}", i);
    EXPECT_EQ(Post(kMaps, fmt::format(R"({{"metadata":{{"name":"{}"}}}})", name)).code, 201);
    EXPECT_EQ(Other("GET", fmt::format("{}/{}", kMaps, name)).code, 200);
    EXPECT_EQ(Other("PATCH", fmt::format("{}/{}", kMaps, name), R"({"data":{"k":"v"}})",
                    "application/merge-patch+json").code, 200);
    EXPECT_EQ(Get(fmt::format("{}/{}", kMaps, name)).At("data/k"), "v");
    EXPECT_EQ(Other("DELETE", fmt::format("{}/{}", kMaps, name)).code, 200);
    EXPECT_EQ(Get(fmt::format("{}/{}", kMaps, name)).code, 404);
    EXPECT_EQ(Post(kMaps, fmt::format(R"({{"metadata":{{"name":"{}"}}}})", name)).code, 201);
  }
}

TEST_F(TwoServersTest, ANamespaceOfTheOtherTakesObjects) {
  EXPECT_EQ(Post("/api/v1/namespaces", R"({"metadata":{"name":"fresh"}})").code, 201);
  EXPECT_EQ(Other("POST", "/api/v1/namespaces/fresh/configmaps", R"({"metadata":{"name":"a"}})")
                .code, 201);
}

TEST_F(TwoServersTest, ARestartedServerHasEverything) {
  MakeNode("n", 1000);
  MakePod("a", 700);
  ASSERT_EQ(Bind("a", "n").code, 201);
  server = std::make_unique<ApiServer>(*executor, *executor, *store, DefaultOptions());
  server->Start([] {});
  Run();
  EXPECT_EQ(Get("/api/v1/namespaces/default/pods/a").At("spec/nodeName"), "n");
  EXPECT_EQ(server->ledger().Used("n").milli_cpu, 700);
  MakePod("b", 700);
  EXPECT_EQ(Bind("b", "n").code, 409);
}

}  // namespace
}  // namespace berth::apiserver
