// HTTP/1.1 on the wire, without I/O: heads parsed and written, bodies decoded. Shared by the HTTP
// client (http_transport.h) and the server (cluster/apiserver/http_server.h).
//
// Strict where looseness is how requests are smuggled: both Content-Length and Transfer-Encoding,
// two different lengths, folded lines, blanks before a colon, encodings other than chunked and
// control characters are errors. Source: RFC 9112.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "api/wire.h"

namespace berth::client {

inline constexpr size_t kHeadBytesMax = 64 << 10;
inline constexpr size_t kHeaderCountMax = 200;

// How the end of a body is found.
struct Framing {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  int64_t length = 0;  // kLength
};

struct RequestHead {
  api::HttpRequest request;  // without its body; headers the fields below tell are left out
  Framing framing;
  bool keep_alive = true;
  bool http_1_0 = false;     // knows no chunks
  bool expect_continue = false;
  size_t bytes = 0;          // of the head, the empty line included
};

struct ResponseHead {
  api::HttpResponse response;  // without its body
  Framing framing;
  bool keep_alive = true;
  size_t bytes = 0;
};

// The head at the front of `text`; nullopt while its empty line is not there.
// Errors: InvalidArgument for what is no HTTP/1.x head; ResourceExhausted for one that is too big.
absl::StatusOr<std::optional<RequestHead>> ParseRequestHead(std::string_view text);
// to_head: the request was a HEAD, so that no body follows whatever the headers say.
absl::StatusOr<std::optional<ResponseHead>> ParseResponseHead(std::string_view text, bool to_head);

// Takes a body apart. Feed it what arrives until done().
class BodyDecoder {
 public:
  explicit BodyDecoder(Framing framing = {});
  // Appends the content at the front of `in` to `out` and returns how many bytes of `in` were the
  // body's (all of them unless done). Errors: InvalidArgument for a broken chunk;
  // ResourceExhausted when `out` would grow beyond `out_max` bytes.
  absl::StatusOr<size_t> Feed(std::string_view in, std::string& out, size_t out_max);
  bool done() const { return state_ == State::kDone; }
  // The connection was closed: is this how the body ends?
  bool EndsAtClose() const { return state_ == State::kUntilClose || done(); }

 private:
  enum class State { kLength, kUntilClose, kChunkSize, kChunkData, kChunkEnd, kTrailer, kDone };
  absl::StatusOr<bool> Line(std::string_view& in);  // false: the line is not complete
  absl::Status ChunkSize();

  State state_;
  uint64_t left_ = 0;       // of the length or of the chunk
  size_t trailer_bytes_ = 0;
  std::string line_;
};

// The head of a request, with `extra` (ready lines, each ending in \r\n, such as Host).
std::string WriteRequestHead(const api::HttpRequest& request, std::string_view extra);
// The head of a response whose body is framed so (kNone is written as length 0).
std::string WriteResponseHead(const api::HttpResponse& response, Framing framing,
                              bool keep_alive);
std::string_view ReasonPhrase(int code);
// "1a2b\r\n", what precedes a chunk.
std::string ChunkPrefix(size_t size);

// True when a header's name or value could break the framing.
bool BadHeader(std::string_view name, std::string_view value);

}  // namespace berth::client
