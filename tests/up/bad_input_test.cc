// What nobody honest sends, to a server with everything in it: each kind gets the right code and a
// Status that says why, takes no more memory than a few requests may, and leaves the server as
// responsive as it was. What it costs the others is measured: `berth_api_bench hostile`.
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "cluster/up/control_plane.h"
#include "tests/client/http_peers.h"
#include "tests/up/raw_request.h"

namespace berth::up {
namespace {

using client::RawClient;

constexpr std::string_view kPods = "/api/v1/namespaces/default/pods";
constexpr std::string_view kMap = "/api/v1/namespaces/default/configmaps/map";

std::string Repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string Members(size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += fmt::format("{}\"k{}\":\"\"", i == 0 ? "" : ",", i);
  return out;
}

std::string Pod(std::string_view rest) {
  return fmt::format(R"({{"metadata":{{"name":"p"}},"spec":{{"containers":[{{"name":"c",)"
                     R"("image":"i"}}]{}}}}})", rest);
}

class BadInputTest : public ::testing::Test {
 public:
  BadInputTest() {
    directory_ = std::filesystem::temp_directory_path() / "berth-bad-input-XXXXXX";
    EXPECT_NE(mkdtemp(directory_.data()), nullptr);
    ControlPlaneOptions options;
    options.store = ControlPlaneOptions::StoreKind::kMemory;
    options.data_dir = directory_;
    auto plane = ControlPlane::Start(options);
    EXPECT_TRUE(plane.ok()) << plane.status();
    plane_ = *std::move(plane);
    const std::string made = Ask(Request("POST", "/api/v1/namespaces/default/configmaps",
                                         R"({"metadata":{"name":"map"},"data":{"a":"b"}})"));
    EXPECT_NE(made.find("201 Created"), std::string::npos) << made;
  }
  ~BadInputTest() override {
    plane_.reset();
    std::filesystem::remove_all(directory_);
  }

  // What comes back until the server closes.
  std::string Ask(std::string_view sent) {
    RawClient client(plane_->port());
    client.Send(sent);
    return client.ReadAll(absl::Seconds(30));
  }

  std::string directory_;
  std::unique_ptr<ControlPlane> plane_;
};

int64_t ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

struct Case {
  std::string name, sent;
  std::vector<std::string> want;  // in this order
};

std::vector<Case> Bodies() {
  const std::string pods(kPods);
  const auto post = [&](std::string_view body, std::string_view query = "") {
    return Request("POST", pods + std::string(query), body);
  };
  const std::string refused = "\"reason\":\"BadRequest\"", status = "\"kind\":\"Status\"";
  return {
      {"truncated JSON", post(R"({"metadata":{"name":"p")"),
       {"400 Bad Request", status, "unexpected end of JSON input"}},
      {"no JSON", post("pod"), {"400 Bad Request", status, refused}},
      {"a list for an object", post("[]"), {"400 Bad Request", status, refused}},
      {"another kind", post(R"({"kind":"Node","apiVersion":"v1"})"),
       {"400 Bad Request", "Node in version", refused}},
      {"text for a number", post(Pod(R"(,"priority":"high")")),
       {"400 Bad Request", "cannot unmarshal string into Go struct field PodSpec.spec.priority "
                           "of type int32", refused}},
      {"an object for a list", post(Pod(R"(,"tolerations":{})")),
       {"400 Bad Request", "cannot unmarshal object into Go struct field PodSpec.spec.tolerations "
                           "of type []v1.Toleration", refused}},
      {"a number beyond 32 bits", post(Pod(R"(,"priority":2147483648)")),
       {"400 Bad Request", "cannot unmarshal number 2147483648 into Go struct field "
                           "PodSpec.spec.priority of type int32", refused}},
      {"a number beyond all bounds", post(Pod(R"(,"activeDeadlineSeconds":1e999)")),
       {"400 Bad Request", refused}},
      {"10,000 deep", post(Repeat("{\"a\":", 10'000) + "1" + Repeat("}", 10'000)),
       {"400 Bad Request", "exceeded max depth", refused}},
      {"3 MB deep", post(Repeat("[", 3 << 20)), {"400 Bad Request", refused}},
      {"10,000 deep in YAML",
       Request("POST", pods, Repeat("[", 10'000), "application/yaml"),
       {"400 Bad Request", refused}},
      {"bad UTF-8", post("{\"metadata\":{\"name\":\"\xff\xfe\"}}"), {"400 Bad Request", refused}},
      {"half a surrogate", post(R"({"metadata":{"name":"\ud800"}})"), {"400 Bad Request", refused}},
      {"duplicate keys, strict",
       post(R"({"metadata":{"name":"p","name":"q"},"spec":{"containers":[]}})",
            "?fieldValidation=Strict"),
       {"400 Bad Request", R"(strict decoding error: duplicate field \"metadata.name\")", refused}},
      {"duplicate keys, warned of",
       post(R"({"metadata":{"name":"p","name":"q"},"spec":{"containers":[]}})"),
       {"422 Unprocessable Entity", R"(Warning: 299 - "duplicate field \"metadata.name\"")",
        "\"reason\":\"Invalid\""}},
      {"a million unknown fields", post("{" + Members(250'000) + "}"),
       {"422 Unprocessable Entity", "Warning: 299 - ", "\"reason\":\"Invalid\""}},
      {"more than etcd takes",
       post(R"({"metadata":{"name":"p","labels":{)" + Members(150'000) +
            R"(}},"spec":{"containers":[{"name":"c","image":"i"}]}})"),
       {"500 Internal Server Error", "etcdserver: request is too large"}},
      {"a million labels",
       post(R"({"metadata":{"name":"p","labels":{)" + Members(250'000) + "}}}"),
       {"422 Unprocessable Entity", "\"reason\":\"Invalid\""}},
      {"20 MB", post(std::string(20 << 20, ' ')),
       {"413 Request Entity Too Large", "limit is 3145728",
        "\"reason\":\"RequestEntityTooLarge\""}},
      {"20 MB in chunks",
       "POST " + pods + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" +
           Repeat("100000\r\n" + std::string(1 << 20, ' ') + "\r\n", 20) + "0\r\n\r\n",
       {"413 Request Entity Too Large", "\"reason\":\"RequestEntityTooLarge\""}},
      {"a type that is none", Request("POST", pods, "x", "text/x"),
       {"415 Unsupported Media Type", "\"reason\":\"UnsupportedMediaType\""}},
      {"protobuf that is none", Request("POST", pods, "x", "application/vnd.kubernetes.protobuf"),
       {"400 Bad Request", "expected prefix", refused}},
      {"protobuf cut short",
       Request("POST", pods, std::string("k8s\0\x0a\x7f", 6),
               "application/vnd.kubernetes.protobuf"),
       {"400 Bad Request", refused}},
  };
}

std::vector<Case> Paths() {
  const std::string pods(kPods), map(kMap);
  std::string labels, fields;
  for (int i = 0; i < 5000; ++i) labels += fmt::format("!k{},", i);
  for (int i = 0; i < 2500; ++i) fields += fmt::format("metadata.name!=k{},", i);
  labels.pop_back();
  fields.pop_back();
  const std::string not_allowed = "\"reason\":\"MethodNotAllowed\"";
  return {
      {"a path of nobody's", Request("GET", "/nothing"), {"404 Not Found", "404 page not found"}},
      {"a kind of nobody's", Request("GET", "/api/v1/cats"),
       {"404 Not Found", "the server could not find the requested resource"}},
      {"a group of nobody's", Request("GET", "/apis/cats.io/v1/cats"), {"404 Not Found"}},
      {"dots and slashes", Request("GET", "/api/v1/../../etc/passwd"), {"404 Not Found"}},
      {"an object that is not there", Request("GET", map + "x"),
       {"404 Not Found", R"(configmaps \"mapx\" not found)", "\"reason\":\"NotFound\""}},
      {"a verb of nobody's", Request("BREW", map), {"405 Method Not Allowed", not_allowed}},
      {"a verb that is not for this", Request("POST", map, "{}"),
       {"405 Method Not Allowed", not_allowed}},
      {"a limit that is none", Request("GET", pods + "?limit=x"),
       {"400 Bad Request", "\"kind\":\"Status\""}},
      {"a version that is none", Request("GET", pods + "?resourceVersion=x"),
       {"400 Bad Request", "\"kind\":\"Status\""}},
      {"a token that is none", Request("GET", pods + "?limit=1&continue=x"),
       {"400 Bad Request", "continue key is not valid"}},
      {"an escape that is none", Request("GET", pods + "?labelSelector=%zz"), {"HTTP/1.1 "}},
      {"a selector that is none", Request("GET", pods + "?labelSelector=a%20b%20c"),
       {"400 Bad Request", "unable to parse requirement"}},
      {"a field nobody selects by", Request("GET", pods + "?fieldSelector=spec.x%3Dy"),
       {"400 Bad Request", "field label not supported: spec.x"}},
      {"5,000 labels", Request("GET", pods + "?labelSelector=" + labels),
       {"200 OK", "\"items\":[]"}},
      {"2,500 fields", Request("GET", pods + "?fieldSelector=" + fields),
       {"200 OK", "\"items\":[]"}},
      {"a head beyond 64 KiB", Request("GET", "/" + std::string(70'000, 'x')), {"HTTP/1.1 4"}},
      {"1,000 lines of head",
       "GET / HTTP/1.1\r\n" + Repeat("X: y\r\n", 1000) + "\r\n",
       {"431 Request Header Fields Too Large"}},
      {"no HTTP", "\x16\x03\x01\x02\r\n\r\n", {"400 Bad Request"}},
      {"pipelined garbage", "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n\1\2\3\r\n\r\n",
       {"200 OK", "400 Bad Request"}},
  };
}

std::vector<Case> Patches() {
  const std::string map(kMap), json = "application/json-patch+json";
  const auto patch = [&](std::string_view type, std::string_view body) {
    return Request("PATCH", map, body, type);
  };
  const std::string merge = "application/merge-patch+json",
                    strategic = "application/strategic-merge-patch+json";
  std::string doubling = R"([{"op":"add","path":"/data/x","value":"0123456789"})";
  std::string many = doubling;
  for (int i = 0; i < 30; ++i) {
    doubling += R"(,{"op":"copy","from":"/data","path":"/data/y"})";
  }
  for (int i = 0; i < 10'000; ++i) {
    many += R"(,{"op":"test","path":"/data/x","value":"0123456789"})";
  }
  return {
      {"a type of patch that is none", patch("text/plain", "{}"), {"415 Unsupported Media Type"}},
      {"a patch that is no JSON", patch(merge, "{"), {"400 Bad Request"}},
      {"a patch that is a number", patch(merge, "7"), {"400 Bad Request"}},
      {"a copy that doubles", patch(json, doubling + "]"), {"422 Unprocessable Entity"}},
      {"10,001 operations", patch(json, many + "]"), {"413 Request Entity Too Large"}},
      {"a path that is not there", patch(json, R"([{"op":"remove","path":"/data/none"}])"),
       {"422 Unprocessable Entity"}},
      {"deep", patch(merge, Repeat("{\"a\":", 10'000) + "1" + Repeat("}", 10'000)),
       {"400 Bad Request"}},
      {"a million labels, merged", patch(merge, R"({"metadata":{"labels":{)" + Members(250'000) +
                                                    R"(,"bad key!":""}}})"),
       {"422 Unprocessable Entity", "\"reason\":\"Invalid\""}},
      {"a million labels, strategically",
       patch(strategic, R"({"metadata":{"labels":{)" + Members(250'000) + R"(,"bad key!":""}}})"),
       {"422 Unprocessable Entity", "\"reason\":\"Invalid\""}},
      {"a directive that is none", patch(strategic, R"({"data":{"$patch":"explode"}})"),
       {"\"kind\":\"Status\""}},
  };
}

TEST_F(BadInputTest, EachIsAnsweredAndLeavesNothing) {
  const int64_t before = ResidentBytes();
  for (const auto& cases : {Bodies(), Paths(), Patches()}) {
    for (const Case& c : cases) {
      SCOPED_TRACE(c.name);
      const std::string got = Ask(c.sent);
      size_t from = 0;
      for (const std::string& want : c.want) {
        const size_t at = got.find(want, from);
        EXPECT_NE(at, std::string::npos) << want << " is not in: " << got.substr(0, 1500);
        if (at == std::string::npos) break;
        from = at + want.size();
      }
      const std::string honest = Ask(Request("GET", kMap));
      ASSERT_NE(honest.find("200 OK"), std::string::npos) << honest;
      ASSERT_NE(honest.find(R"("data":{"a":"b"})"), std::string::npos) << honest;
    }
  }
#if !defined(__SANITIZE_ADDRESS__) && !defined(BERTH_TSAN)
  EXPECT_LT(ResidentBytes() - before, int64_t{400} << 20);
#endif
  (void)before;
}

TEST_F(BadInputTest, HalfClosedAndCutConnections) {
  RawClient half(plane_->port());
  half.Send(fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", kMap));
  half.CloseWrite();
  EXPECT_NE(half.ReadAll(absl::Seconds(5)).find("200 OK"), std::string::npos);
  const std::string whole = Request("POST", kPods, Pod(""));
  for (size_t size = 0; size < whole.size(); size += 7) {
    RawClient cut(plane_->port());
    cut.Send(whole.substr(0, size));
  }
  const std::string pods = Ask(Request("GET", kPods));
  EXPECT_NE(pods.find("\"items\":[]"), std::string::npos) << "half a request made a pod: " << pods;
}

}  // namespace
}  // namespace berth::up
