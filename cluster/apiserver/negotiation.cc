#include "cluster/apiserver/negotiation.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <absl/strings/numbers.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "api/wire.h"
#include "base/strings.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kOfferedMedia =
    "application/json, application/yaml, application/vnd.kubernetes.protobuf";
constexpr std::string_view kOfferedStreams =
    "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts the text before the next `mark` off the front of `rest`.
std::string_view Cut(std::string_view& rest, char mark) {
  const size_t at = rest.find(mark);
  const std::string_view piece = Trim(rest.substr(0, at));
  rest = at == std::string_view::npos ? std::string_view() : rest.substr(at + 1);
  return piece;
}

std::string_view Unquote(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    return text.substr(1, text.size() - 2);
  }
  return text;
}

AcceptClause ParseClause(std::string_view text) {
  AcceptClause clause;
  std::string_view type = Cut(text, ';');
  clause.type = std::string(Cut(type, '/'));
  clause.subtype = std::string(Trim(type));
  while (!text.empty()) {
    std::string_view parameter = Cut(text, ';');
    const std::string_view key = Cut(parameter, '=');
    const std::string_view value = Unquote(Trim(parameter));
    if (key == "q") {
      if (!absl::SimpleAtod(ToAbsl(value), &clause.quality)) clause.quality = 0;
    } else if (!key.empty()) {
      clause.parameters.emplace_back(key, value);
    }
  }
  return clause;
}

// What clients in protobuf send, told without taking it apart.
constexpr std::string_view kUsualAccept = "application/vnd.kubernetes.protobuf,application/json";

std::optional<Media> MediaOf(const AcceptClause& clause) {
  if (clause.type == "*" || (clause.type == "application" && clause.subtype == "*")) {
    return Media::kJson;
  }
  if (clause.type != "application") return std::nullopt;
  if (clause.subtype == "json") return Media::kJson;
  if (clause.subtype == "yaml") return Media::kYaml;
  if (clause.subtype == "vnd.kubernetes.protobuf") return Media::kProtobuf;
  return std::nullopt;
}

}  // namespace

std::string_view MediaName(Media media) {
  switch (media) {
    case Media::kJson: return api::kJsonType;
    case Media::kYaml: return api::kYamlType;
    case Media::kProtobuf: return api::kProtobufType;
  }
  return api::kJsonType;
}

std::string_view AnswerType(Media media) { return MediaName(media); }

std::string_view StreamType(Media media) {
  return media == Media::kProtobuf ? "application/vnd.kubernetes.protobuf;stream=watch"
                                   : api::kJsonType;
}

std::string_view AcceptClause::Parameter(std::string_view key) const {
  for (const auto& [name, value] : parameters) {
    if (name == key) return value;
  }
  return {};
}

std::vector<AcceptClause> ParseAccept(std::string_view accept) {
  std::vector<AcceptClause> clauses;
  if (Trim(accept).empty()) {
    clauses.push_back({"*", "*", {}, 1});
    return clauses;
  }
  while (!accept.empty()) {
    const std::string_view text = Cut(accept, ',');
    if (!text.empty()) clauses.push_back(ParseClause(text));
  }
  std::stable_sort(clauses.begin(), clauses.end(), [](const auto& a, const auto& b) {
    return a.quality > b.quality;
  });
  return clauses;
}

absl::StatusOr<OutputFormat> NegotiateOutput(std::string_view accept, bool watch,
                                             bool transforms) {
  if (accept == kUsualAccept || accept == api::kProtobufType) {
    return OutputFormat{.media = Media::kProtobuf};
  }
  if (accept == api::kJsonType) return OutputFormat{};
  for (const AcceptClause& clause : ParseAccept(accept)) {
    const std::optional<Media> media = MediaOf(clause);
    if (!media || (watch && *media == Media::kYaml)) continue;
    OutputFormat format;
    format.media = *media;
    format.pretty = clause.Parameter("pretty") == "1";
    const std::string_view as = clause.Parameter("as");
    if (as.empty()) return format;
    if (!transforms || clause.Parameter("g") != "meta.k8s.io") continue;
    const std::string_view version = clause.Parameter("v");
    if (version != "v1" && version != "v1beta1") continue;
    format.beta = version == "v1beta1";
    if (as == "Table") {
      format.as = OutputFormat::As::kTable;
      if (*media == Media::kProtobuf) continue;  // upstream has no protobuf form of tables
      return format;
    }
    if (as == "PartialObjectMetadata" || as == "PartialObjectMetadataList") {
      format.as = OutputFormat::As::kPartialMetadata;
      return format;
    }
  }
  return api::NotAcceptable(fmt::format("406: Not Acceptable\n\nAvailable representations: {}, {}",
                                       kOfferedMedia, kOfferedStreams));
}

absl::StatusOr<Media> NegotiateBody(std::string_view content_type) {
  const std::string_view type = Cut(content_type, ';');
  if (type.empty() || type == api::kJsonType) return Media::kJson;
  if (type == api::kYamlType) return Media::kYaml;
  if (type == api::kProtobufType) return Media::kProtobuf;
  return api::UnsupportedMediaType(fmt::format(
      "the body of the request was in an unknown format - accepted media types include: {}",
      kOfferedMedia));
}

}  // namespace berth::apiserver
