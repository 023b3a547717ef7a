// HTTP messages without a transport: what a client asks and what the API server answers, the same
// over a socket and in process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace berth::api {

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kYamlType = "application/yaml";
inline constexpr std::string_view kProtobufType = "application/vnd.kubernetes.protobuf";
inline constexpr std::string_view kJsonPatchType = "application/json-patch+json";
inline constexpr std::string_view kMergePatchType = "application/merge-patch+json";
inline constexpr std::string_view kStrategicMergePatchType =
    "application/strategic-merge-patch+json";
inline constexpr std::string_view kApplyPatchType = "application/apply-patch+yaml";

// Many writes in one request (docs/batch.md): where, and of what version its messages are.
inline constexpr std::string_view kBatchPath = "/apis/berth.dev/v1/batch";
inline constexpr std::string_view kBatchVersion = "berth.dev/v1";

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method = "GET";
  std::string target;        // path and query, percent-encoded: "/api/v1/pods?limit=1"
  std::string accept;        // empty: the server's default, JSON
  std::string content_type;  // of the body; empty when there is none
  std::string user_agent;
  std::string body;
  Headers headers;           // any others
};

struct HttpResponse {
  int code = 0;
  std::string content_type;
  Headers headers;           // any others: Retry-After, Warning, Audit-Id, ...
  Bytes body;                // shared: a cached encoding is never copied; null means empty
  std::string_view text() const { return body ? std::string_view(*body) : std::string_view(); }
};

// The value of a header, by case-insensitive name; empty when absent.
std::string_view FindHeader(const Headers& headers, std::string_view name);

// "a b&c" <-> "a%20b%26c". Decode turns '+' into a space (query rules); nullopt on a bad escape.
std::string PercentEncode(std::string_view text);
std::optional<std::string> PercentDecode(std::string_view text);

// The parsed query of a target: decoded, in order, repeated keys kept.
class Query {
 public:
  // Bad escapes are kept as they stand.
  static Query Parse(std::string_view query);
  std::optional<std::string_view> Get(std::string_view key) const;  // the first value
  bool Has(std::string_view key) const { return Get(key).has_value(); }
  // Of an option: everything that is given is true, also an empty text, but "0" and "false" in any
  // case.
  bool GetBool(std::string_view key) const;
  // Go's strconv.ParseBool words (1 t T TRUE true True); anything else is false.
  bool GetTrueWord(std::string_view key) const;
  const std::vector<std::pair<std::string, std::string>>& items() const { return items_; }

 private:
  std::vector<std::pair<std::string, std::string>> items_;
};

}  // namespace berth::api
