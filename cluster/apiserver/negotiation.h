// Which form a body comes in and an answer goes out in.
// Source: apiserver/pkg/endpoints/handlers/negotiation.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace berth::apiserver {

enum class Media : uint8_t { kJson, kYaml, kProtobuf };
inline constexpr int kMediaCount = 3;

struct OutputFormat {
  // What an object is turned into before it is encoded.
  enum class As : uint8_t { kItself, kTable, kPartialMetadata };
  Media media = Media::kJson;
  As as = As::kItself;
  bool beta = false;    // meta.k8s.io/v1beta1 of those, which old clients ask for
  bool pretty = false;  // JSON for people: browsers, curl, or ?pretty=true
};

// "application/json" and so on.
std::string_view MediaName(Media media);
// The Content-Type of a whole answer and of a watch.
std::string_view AnswerType(Media media);
std::string_view StreamType(Media media);

// One clause of an Accept header: "type/subtype;key=value;q=0.9".
struct AcceptClause {
  std::string type, subtype;
  std::vector<std::pair<std::string, std::string>> parameters;  // without q
  double quality = 1;
  std::string_view Parameter(std::string_view key) const;  // empty when absent
};
// Best first: by quality, then as written. An empty header accepts anything.
std::vector<AcceptClause> ParseAccept(std::string_view accept);

// The first clause that can be served. `partial`: Table and PartialObjectMetadata are offered.
// Watches have no YAML. 406 when there is none.
absl::StatusOr<OutputFormat> NegotiateOutput(std::string_view accept, bool watch, bool transforms);

// The body's form; JSON when the header is empty. 415 when it is none of ours.
absl::StatusOr<Media> NegotiateBody(std::string_view content_type);

}  // namespace berth::apiserver
