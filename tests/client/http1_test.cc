#include "client/http1.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace berth::client {
namespace {

TEST(RequestHeadTest, Fields) {
  auto head = ParseRequestHead(
      "POST /api/v1/pods?limit=1 HTTP/1.1\r\nHost: x\r\naccept: application/json\r\n"
      "Content-Type:  application/vnd.kubernetes.protobuf \r\nUser-Agent: kubectl\r\n"
      "Content-Length: 12\r\nX-Other: a b\r\n\r\nbody");
  ASSERT_TRUE(head.ok()) << head.status();
  ASSERT_TRUE(head->has_value());
  const RequestHead& h = **head;
  EXPECT_EQ(h.request.method, "POST");
  EXPECT_EQ(h.request.target, "/api/v1/pods?limit=1");
  EXPECT_EQ(h.request.accept, "application/json");
  EXPECT_EQ(h.request.content_type, "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(h.request.user_agent, "kubectl");
  EXPECT_EQ(h.request.headers, (api::Headers{{"X-Other", "a b"}}));
  EXPECT_EQ(h.framing.kind, Framing::Kind::kLength);
  EXPECT_EQ(h.framing.length, 12);
  EXPECT_TRUE(h.keep_alive);
}

TEST(RequestHeadTest, Verdicts) {
  enum Want { kOk, kIncomplete, kInvalid, kTooBig };
  const std::string many = [] {
    std::string text = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 300; ++i) text += "A: b\r\n";
    return text + "\r\n";
  }();
  const struct {
    std::string_view name;
    std::string text;
    Want want;
  } cases[] = {
      {"plain", "GET / HTTP/1.1\r\n\r\n", kOk},
      {"leading empty line", "\r\nGET / HTTP/1.1\r\n\r\n", kOk},
      {"nothing", "", kIncomplete},
      {"cut in the line", "GET / HT", kIncomplete},
      {"cut before the empty line", "GET / HTTP/1.1\r\nA: b\r\n", kIncomplete},
      {"no version", "GET /\r\n\r\n", kInvalid},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\n", kInvalid},
      {"TLS hello", std::string("\x16\x03\x01\x02\x00\r\n\r\n", 9), kInvalid},
      {"blank before the colon", "GET / HTTP/1.1\r\nA : b\r\n\r\n", kInvalid},
      {"folded line", "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", kInvalid},
      {"control character", std::string("GET / HTTP/1.1\r\nA: b\0c\r\n\r\n", 26), kInvalid},
      {"bare newline in a value", "GET / HTTP/1.1\r\nA: b\nB: c\r\n\r\n", kInvalid},
      {"both framings",
       "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", kInvalid},
      {"two lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
       kInvalid},
      {"the same length twice",
       "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", kOk},
      {"negative length", "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", kInvalid},
      {"length with a tail", "POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", kInvalid},
      {"empty length", "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n", kInvalid},
      {"unknown encoding", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", kInvalid},
      {"blank in the target", "GET /a b HTTP/1.1\r\n\r\n", kInvalid},
      {"too many lines", many, kTooBig},
      {"too long", "GET / HTTP/1.1\r\nA: " + std::string(kHeadBytesMax, 'x'), kTooBig},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    auto head = ParseRequestHead(c.text);
    switch (c.want) {
      case kOk: EXPECT_TRUE(head.ok() && head->has_value()); break;
      case kIncomplete: EXPECT_TRUE(head.ok() && !head->has_value()); break;
      case kInvalid: EXPECT_TRUE(absl::IsInvalidArgument(head.status())); break;
      case kTooBig: EXPECT_TRUE(absl::IsResourceExhausted(head.status())); break;
    }
  }
}

TEST(RequestHeadTest, KeepAlive) {
  const struct {
    std::string_view text;
    bool want;
  } cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nConnection: Keep-Alive, Close\r\n\r\n", false},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    auto head = ParseRequestHead(c.text);
    ASSERT_TRUE(head.ok() && head->has_value());
    EXPECT_EQ((*head)->keep_alive, c.want);
  }
}

TEST(ResponseHeadTest, Framing) {
  const struct {
    std::string_view text;
    bool to_head;
    Framing::Kind want;
  } cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, Framing::Kind::kLength},
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, Framing::Kind::kNone},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, Framing::Kind::kChunked},
      {"HTTP/1.1 200 OK\r\n\r\n", false, Framing::Kind::kUntilClose},
      {"HTTP/1.1 204 No Content\r\n\r\n", false, Framing::Kind::kNone},
      {"HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", false, Framing::Kind::kNone},
      {"HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", false, Framing::Kind::kLength},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    auto head = ParseResponseHead(c.text, c.to_head);
    ASSERT_TRUE(head.ok() && head->has_value()) << head.status();
    EXPECT_EQ((*head)->framing.kind, c.want);
  }
  EXPECT_FALSE(ParseResponseHead("SSH-2.0-OpenSSH\r\n\r\n", false).ok());
  EXPECT_FALSE(ParseResponseHead("HTTP/1.1 OK\r\n\r\n", false).ok());
}

TEST(BodyDecoderTest, Chunks) {
  const struct {
    std::string_view name, text, body;
    bool ok, done;
    std::string_view left;
  } cases[] = {
      {"two chunks", "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nNEXT", "abc0123456789", true, true,
       "NEXT"},
      {"extension and trailer", "1;x=y\r\na\r\n0\r\nT: v\r\n\r\n", "a", true, true, ""},
      {"cut in a chunk", "5\r\nab", "ab", true, false, ""},
      {"no last chunk", "1\r\na\r\n", "a", true, false, ""},
      {"chunk longer than its size", "1\r\nab\r\n", "a", false, false, ""},
      {"no size", "\r\na", "", false, false, ""},
      {"bad size", "zz\r\n", "", false, false, ""},
      {"negative size", "-1\r\n", "", false, false, ""},
      {"size beyond 64 bits", "fffffffffffffffff\r\n", "", false, false, ""},
      {"bare newline", "1\na\r\n0\r\n\r\n", "", false, false, ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    BodyDecoder decoder(Framing{Framing::Kind::kChunked, 0});
    std::string out;
    auto used = decoder.Feed(c.text, out, 1000);
    EXPECT_EQ(used.ok(), c.ok) << used.status();
    if (!used.ok()) continue;
    EXPECT_EQ(out, c.body);
    EXPECT_EQ(decoder.done(), c.done);
    EXPECT_EQ(c.text.substr(*used), c.left);
  }
}

TEST(BodyDecoderTest, LimitIsEnforced) {
  BodyDecoder decoder(Framing{Framing::Kind::kChunked, 0});
  std::string out;
  EXPECT_TRUE(decoder.Feed("4\r\nabcd\r\n", out, 4).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(decoder.Feed("1\r\ne\r\n", out, 4).status()));
}

// However the bytes are cut, the body is the same.
TEST(BodyDecoderTest, AnyCut) {
  Random random(7);
  for (int round = 0; round < 200; ++round) {
    std::string wire, want;
    for (uint64_t i = random.Below(6); i > 0; --i) {
      const std::string chunk(1 + random.Below(50), static_cast<char>('a' + i));
      wire += ChunkPrefix(chunk.size()) + chunk + "\r\n";
      want += chunk;
    }
    wire += "0\r\n\r\n";
    BodyDecoder decoder(Framing{Framing::Kind::kChunked, 0});
    std::string out;
    std::string_view rest = wire;
    while (!rest.empty()) {
      const size_t size = 1 + random.Below(rest.size());
      ASSERT_FALSE(decoder.done());
      ASSERT_EQ(decoder.Feed(rest.substr(0, size), out, 1 << 20).value(), size);
      rest.remove_prefix(size);
    }
    EXPECT_TRUE(decoder.done());
    EXPECT_EQ(out, want);
  }
}

TEST(WriteHeadTest, HeadersCannotSplitTheMessage) {
  api::HttpRequest request;
  request.target = "/x";
  request.headers = {{"Good", "1"}, {"Bad", "1\r\nEvil: 2"}, {"B d", "x"}};
  const std::string text = WriteRequestHead(request, "Host: h\r\n");
  EXPECT_EQ(text, "GET /x HTTP/1.1\r\nHost: h\r\nGood: 1\r\n\r\n");
}

}  // namespace
}  // namespace berth::client
