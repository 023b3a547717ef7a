#include "client/http1.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace berth::client {
namespace {

constexpr size_t kChunkLineMax = 1024;
constexpr size_t kTrailerBytesMax = 16 << 10;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// lower: already in lower case.
bool Is(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (Lower(text[i]) != lower[i]) return false;
  }
  return true;
}

// "close" in "keep-alive, close".
bool HasWord(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(','), list.size());
    std::string_view word = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (!word.empty() && (word.front() == ' ' || word.front() == '\t')) word.remove_prefix(1);
    while (!word.empty() && (word.back() == ' ' || word.back() == '\t')) word.remove_suffix(1);
    if (Is(word, lower)) return true;
  }
  return false;
}

constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789"
                                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return kTokenChars[c];
  });
}

bool HasControl(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t') || c == 0x7f;
  });
}

absl::Status Bad(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("malformed HTTP message: {}", what));
}

// The framing headers of a message, gathered while its headers are walked.
struct Facts {
  int minor = 1;
  bool close = false, keep_alive = false;
  bool chunked = false;
  int64_t length = -1;

  // False: not a framing header.
  absl::StatusOr<bool> Take(std::string_view name, std::string_view value) {
    switch (name.size()) {
      case 10:
        if (!Is(name, "connection")) return false;
        close = close || HasWord(value, "close");
        keep_alive = keep_alive || HasWord(value, "keep-alive");
        return true;
      case 14: {
        if (!Is(name, "content-length")) return false;
        int64_t parsed = -1;
        const auto [end, error] =
            std::from_chars(value.data(), value.data() + value.size(), parsed);
        if (error != std::errc() || end != value.data() + value.size() || value.front() == '-') {
          return Bad("Content-Length is no number");
        }
        if (length >= 0 && length != parsed) return Bad("two values of Content-Length");
        length = parsed;
        return true;
      }
      case 17:
        if (!Is(name, "transfer-encoding")) return false;
        if (chunked || !Is(value, "chunked")) return Bad("unsupported Transfer-Encoding");
        chunked = true;
        return true;
      default:
        return false;
    }
  }
  bool KeepsAlive() const { return minor == 0 ? keep_alive && !close : !close; }
};

// Walks "Name: value\r\n" lines; calls each(name, value).
template <typename F>
absl::Status WalkHeaders(std::string_view lines, F each) {
  size_t count = 0;
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) {
      return Bad("a header line without a name");
    }
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) {
      value.remove_prefix(1);
    }
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (HasControl(value)) return Bad("a control character in a header");
    if (++count > kHeaderCountMax) {
      return absl::ResourceExhaustedError("too many header lines");
    }
    if (absl::Status status = each(line.substr(0, colon), value); !status.ok()) return status;
  }
  return absl::OkStatus();
}

struct Parts {
  std::string_view first, headers;  // headers: each line with its \r\n
  size_t bytes;
};

absl::StatusOr<std::optional<Parts>> Split(std::string_view text) {
  const size_t end = text.substr(0, kHeadBytesMax).find("\r\n\r\n");
  if (end == std::string_view::npos) {
    if (text.size() >= kHeadBytesMax) {
      return absl::ResourceExhaustedError("the header lines are too long");
    }
    return std::nullopt;
  }
  const size_t first = text.find("\r\n");
  return Parts{text.substr(0, first), text.substr(first + 2, end - first), end + 4};
}

// "HTTP/1.0" or "HTTP/1.1" -> 0 or 1; -1 otherwise.
int MinorVersion(std::string_view text) {
  if (text == "HTTP/1.1") return 1;
  return text == "HTTP/1.0" ? 0 : -1;
}

// Request headers that have a field of their own, or that only concern the connection.
bool TakeKnown(std::string_view name, std::string_view value, RequestHead& head) {
  api::HttpRequest& request = head.request;
  if (Is(name, "accept")) {
    if (!request.accept.empty()) request.accept += ", ";
    request.accept += value;
    return true;
  }
  if (Is(name, "content-type")) {
    request.content_type = value;
    return true;
  }
  if (Is(name, "user-agent")) {
    request.user_agent = value;
    return true;
  }
  if (Is(name, "expect")) {
    head.expect_continue = Is(value, "100-continue");
    return true;
  }
  return Is(name, "host") || Is(name, "accept-encoding") || Is(name, "keep-alive");
}

}  // namespace

absl::StatusOr<std::optional<RequestHead>> ParseRequestHead(std::string_view text) {
  // An empty line before a request is to be ignored (RFC 9112 2.2).
  size_t skipped = 0;
  while (text.substr(0, 2) == "\r\n" && skipped < 8) {
    text.remove_prefix(2);
    skipped += 2;
  }
  auto split = Split(text);
  if (!split.ok()) return split.status();
  if (!*split) return std::nullopt;
  const Parts& parts = **split;
  const size_t space = parts.first.find(' ');
  const size_t last = parts.first.rfind(' ');
  if (space == std::string_view::npos || last == space) return Bad("no request line");
  const std::string_view target = parts.first.substr(space + 1, last - space - 1);
  Facts facts;
  facts.minor = MinorVersion(parts.first.substr(last + 1));
  RequestHead head;
  head.bytes = parts.bytes + skipped;
  head.request.method = parts.first.substr(0, space);
  head.request.target = target;
  if (facts.minor < 0) return Bad("not HTTP/1.1");
  if (!IsToken(head.request.method)) return Bad("no method");
  if (target.empty() || HasControl(target) || target.find(' ') != std::string_view::npos) {
    return Bad("no request target");
  }
  absl::Status status =
      WalkHeaders(parts.headers, [&](std::string_view name, std::string_view value) {
        auto taken = facts.Take(name, value);
        if (!taken.ok()) return taken.status();
        if (!*taken && !TakeKnown(name, value, head)) {
          head.request.headers.emplace_back(std::string(name), std::string(value));
        }
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (facts.chunked && facts.length >= 0) return Bad("Content-Length beside Transfer-Encoding");
  head.keep_alive = facts.KeepsAlive();
  head.http_1_0 = facts.minor == 0;
  if (facts.chunked) {
    head.framing = {Framing::Kind::kChunked, 0};
  } else if (facts.length > 0) {
    head.framing = {Framing::Kind::kLength, facts.length};
  }
  return head;
}

absl::StatusOr<std::optional<ResponseHead>> ParseResponseHead(std::string_view text,
                                                              bool to_head) {
  auto split = Split(text);
  if (!split.ok()) return split.status();
  if (!*split) return std::nullopt;
  const Parts& parts = **split;
  Facts facts;
  facts.minor = MinorVersion(parts.first.substr(0, 8));
  int code = 0;
  if (facts.minor < 0 || parts.first.size() < 12 || parts.first[8] != ' ') {
    return Bad("no status line");
  }
  const auto [end, error] =
      std::from_chars(parts.first.data() + 9, parts.first.data() + 12, code);
  if (error != std::errc() || end != parts.first.data() + 12 || code < 100) {
    return Bad("no status code");
  }
  ResponseHead head;
  head.bytes = parts.bytes;
  head.response.code = code;
  absl::Status status =
      WalkHeaders(parts.headers, [&](std::string_view name, std::string_view value) {
        auto taken = facts.Take(name, value);
        if (!taken.ok()) return taken.status();
        if (*taken) return absl::OkStatus();
        if (Is(name, "content-type")) {
          head.response.content_type = value;
        } else {
          head.response.headers.emplace_back(std::string(name), std::string(value));
        }
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  if (facts.chunked && facts.length >= 0) return Bad("Content-Length beside Transfer-Encoding");
  head.keep_alive = facts.KeepsAlive();
  if (to_head || code < 200 || code == 204 || code == 304) {
    head.framing = {Framing::Kind::kNone, 0};
  } else if (facts.chunked) {
    head.framing = {Framing::Kind::kChunked, 0};
  } else if (facts.length >= 0) {
    head.framing = {Framing::Kind::kLength, facts.length};
  } else {
    head.framing = {Framing::Kind::kUntilClose, 0};
    head.keep_alive = false;
  }
  return head;
}

// --- bodies ------------------------------------------------------------------------------------

BodyDecoder::BodyDecoder(Framing framing) {
  switch (framing.kind) {
    case Framing::Kind::kNone: state_ = State::kDone; break;
    case Framing::Kind::kUntilClose: state_ = State::kUntilClose; break;
    case Framing::Kind::kChunked: state_ = State::kChunkSize; break;
    case Framing::Kind::kLength:
      left_ = static_cast<uint64_t>(framing.length);
      state_ = left_ == 0 ? State::kDone : State::kLength;
      break;
  }
}

absl::StatusOr<bool> BodyDecoder::Line(std::string_view& in) {
  const size_t end = in.find('\n');
  const std::string_view part = in.substr(0, end);
  if (line_.size() + part.size() > kChunkLineMax) return Bad("a chunk's line is too long");
  line_ += part;
  if (end == std::string_view::npos) {
    in = {};
    return false;
  }
  in.remove_prefix(end + 1);
  if (line_.empty() || line_.back() != '\r') return Bad("a chunk's line does not end in CRLF");
  line_.pop_back();
  return true;
}

absl::Status BodyDecoder::ChunkSize() {
  std::string_view digits = std::string_view(line_).substr(0, line_.find(';'));
  while (!digits.empty() && (digits.back() == ' ' || digits.back() == '\t')) {
    digits.remove_suffix(1);
  }
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    return Bad("a chunk's size is no number");
  }
  line_.clear();
  state_ = left_ == 0 ? State::kTrailer : State::kChunkData;
  return absl::OkStatus();
}

absl::StatusOr<size_t> BodyDecoder::Feed(std::string_view in, std::string& out, size_t out_max) {
  const size_t given = in.size();
  while (!in.empty() && !done()) {
    switch (state_) {
      case State::kLength:
      case State::kUntilClose:
      case State::kChunkData: {
        size_t take = in.size();
        if (state_ != State::kUntilClose) take = std::min<uint64_t>(take, left_);
        if (out.size() + take > out_max) {
          return absl::ResourceExhaustedError(
              fmt::format("the body is larger than {} bytes", out_max));
        }
        out.append(in.substr(0, take));
        in.remove_prefix(take);
        if (state_ == State::kUntilClose) break;
        left_ -= take;
        if (left_ == 0) state_ = state_ == State::kLength ? State::kDone : State::kChunkEnd;
        break;
      }
      case State::kChunkSize: {
        auto whole = Line(in);
        if (!whole.ok()) return whole.status();
        if (!*whole) break;
        if (absl::Status status = ChunkSize(); !status.ok()) return status;
        break;
      }
      case State::kChunkEnd: {
        auto whole = Line(in);
        if (!whole.ok()) return whole.status();
        if (!*whole) break;
        if (!line_.empty()) return Bad("a chunk is longer than its size");
        state_ = State::kChunkSize;
        break;
      }
      case State::kTrailer: {
        auto whole = Line(in);
        if (!whole.ok()) return whole.status();
        if (!*whole) break;
        if (line_.empty()) state_ = State::kDone;
        trailer_bytes_ += line_.size();
        if (trailer_bytes_ > kTrailerBytesMax) return Bad("the trailers are too long");
        line_.clear();
        break;
      }
      case State::kDone: break;
    }
  }
  return given - in.size();
}

// --- writing -----------------------------------------------------------------------------------

bool BadHeader(std::string_view name, std::string_view value) {
  return !IsToken(name) || HasControl(value);
}

namespace {

void AppendHeaders(std::string& out, const api::Headers& headers) {
  for (const auto& [name, value] : headers) {
    if (BadHeader(name, value)) continue;
    out.append(name).append(": ").append(value).append("\r\n");
  }
}

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty() || BadHeader(name, value)) return;
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

std::string WriteRequestHead(const api::HttpRequest& request, std::string_view extra) {
  std::string out;
  out.reserve(256 + request.target.size() + request.body.size());
  out.append(request.method).append(" ").append(request.target).append(" HTTP/1.1\r\n");
  out.append(extra);
  AppendHeader(out, "Accept", request.accept);
  AppendHeader(out, "User-Agent", request.user_agent);
  AppendHeader(out, "Content-Type", request.content_type);
  AppendHeaders(out, request.headers);
  const bool has_body_method =
      request.method == "POST" || request.method == "PUT" || request.method == "PATCH";
  if (!request.body.empty() || has_body_method) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", request.body.size());
  }
  out.append("\r\n");
  return out;
}

std::string WriteResponseHead(const api::HttpResponse& response, Framing framing,
                              bool keep_alive) {
  std::string out;
  out.reserve(256);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.code,
                 ReasonPhrase(response.code));
  AppendHeader(out, "Content-Type", response.content_type);
  AppendHeaders(out, response.headers);
  const bool bodiless = response.code == 204 || response.code == 304 || response.code < 200;
  if (framing.kind == Framing::Kind::kChunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  } else if (framing.kind != Framing::Kind::kUntilClose && !bodiless) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", framing.length);
  }
  if (!keep_alive) out.append("Connection: close\r\n");
  out.append("\r\n");
  return out;
}

std::string ChunkPrefix(size_t size) { return fmt::format("{:x}\r\n", size); }

std::string_view ReasonPhrase(int code) {
  switch (code) {
    case 100: return "Continue";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 413: return "Request Entity Too Large";
    case 415: return "Unsupported Media Type";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    default: return "Unknown";
  }
}

}  // namespace berth::client
