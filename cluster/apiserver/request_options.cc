#include "cluster/apiserver/request_options.h"

#include <utility>
#include <vector>

#include <absl/strings/escaping.h>
#include <absl/strings/numbers.h>
#include <fmt/core.h>

#include "api/errors.h"
#include "api/schema/meta_v1_options.pb.h"
#include "base/status_macros.h"
#include "base/strings.h"

namespace berth::apiserver {
namespace {

constexpr std::string_view kOptionsGroup = "meta.k8s.io";

// dryRun may be repeated; each value must be "All".
void CheckDryRun(const std::vector<std::string>& values, bool& dry_run, api::FieldErrors& errors) {
  dry_run = !values.empty();
  for (const std::string& value : values) {
    if (value == "All") continue;
    std::string shown = "[";
    for (const std::string& each : values) {
      if (shown.size() > 1) shown += ',';
      shown += fmt::format("\"{}\"", each);
    }
    shown += ']';
    errors.push_back({"FieldValueNotSupported", "dryRun",
                      fmt::format("Unsupported value: {}: supported values: \"All\"", shown)});
    return;
  }
}

std::vector<std::string> All(const api::Query& query, std::string_view key) {
  std::vector<std::string> values;
  for (const auto& [name, value] : query.items()) {
    if (name == key && !value.empty()) values.push_back(value);
  }
  return values;
}

absl::StatusOr<std::optional<int64_t>> Integer(const api::Query& query, std::string_view key) {
  const auto text = query.Get(key);
  int64_t value = 0;
  if (!text || text->empty()) return std::nullopt;
  if (!absl::SimpleAtoi(ToAbsl(*text), &value)) {
    return api::BadRequest(fmt::format("strconv.ParseInt: parsing \"{}\": invalid syntax", *text));
  }
  return value;
}

void CheckDeletion(const DeletionOptions& options, bool orphan_dependents_set,
                   api::FieldErrors& errors) {
  if (!options.propagation.empty() && options.propagation != "Orphan" &&
      options.propagation != "Background" && options.propagation != "Foreground") {
    errors.push_back(api::NotSupported("propagationPolicy", options.propagation,
                                       {"Foreground", "Background", "Orphan", "nil"}));
  }
  if (!options.propagation.empty() && orphan_dependents_set) {
    errors.push_back(api::InvalidString(
        "propagationPolicy", options.propagation,
        "orphanDependents and deletionPropagation cannot be both set"));
  }
}

// Source: apimachinery/pkg/apis/meta/internalversion/validation.
api::FieldErrors CheckMatch(const ListOptions& options, bool watch, std::string_view match,
                            std::string_view version) {
  api::FieldErrors errors;
  const auto forbid = [&](std::string_view detail) {
    errors.push_back(api::ForbiddenField("resourceVersionMatch", detail));
  };
  const bool known = options.match != ListOptions::Match::kUnset;
  if (watch && options.send_initial_events) {
    if (match.empty()) {
      forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
    } else if (options.match != ListOptions::Match::kNotOlderThan) {
      errors.push_back(api::NotSupported("resourceVersionMatch", match, {"NotOlderThan"}));
    }
    return errors;
  }
  if (options.send_initial_events) {
    errors.push_back(api::ForbiddenField("sendInitialEvents",
                                         "sendInitialEvents is forbidden for list"));
  }
  if (match.empty()) return errors;
  if (watch) {
    forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
    return errors;
  }
  if (version.empty()) {
    forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (!options.continue_token.empty()) {
    forbid("resourceVersionMatch is forbidden when continue is provided");
  }
  if (!known) {
    errors.push_back(api::NotSupported("resourceVersionMatch", match,
                                       {"Exact", "NotOlderThan", ""}));
  }
  if (options.match == ListOptions::Match::kExact && version == "0") {
    forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
  }
  return errors;
}

}  // namespace

absl::StatusOr<WriteOptions> ParseWriteOptions(const api::Query& query, std::string_view kind) {
  WriteOptions options;
  api::FieldErrors errors;
  options.field_manager = std::string(query.Get("fieldManager").value_or(""));
  if (options.field_manager.size() > 128) {
    errors.push_back(api::TooLong("fieldManager", options.field_manager, 128));
  }
  CheckDryRun(All(query, "dryRun"), options.dry_run, errors);
  const std::string_view validation = query.Get("fieldValidation").value_or("");
  if (validation == "Strict") {
    options.field_validation = FieldValidation::kStrict;
  } else if (validation == "Ignore") {
    options.field_validation = FieldValidation::kIgnore;
  } else if (!validation.empty() && validation != "Warn") {
    errors.push_back(api::NotSupported("fieldValidation", validation,
                                       {"", "Ignore", "Strict", "Warn"}));
  }
  if (!errors.empty()) return api::InvalidKind(kOptionsGroup, kind, "", errors);
  return options;
}

absl::StatusOr<DeletionOptions> ParseDeletionOptions(const api::Query& query,
                                                     const api::meta::DeleteOptions* body) {
  DeletionOptions options;
  api::FieldErrors errors;
  bool orphan_set = false, orphan = false;
  std::vector<std::string> dry_run;
  if (body != nullptr) {
    if (body->has_grace_period_seconds()) options.grace_seconds = body->grace_period_seconds();
    if (body->preconditions().has_uid()) options.uid = body->preconditions().uid();
    if (body->preconditions().has_resource_version()) {
      options.resource_version = body->preconditions().resource_version();
    }
    options.propagation = body->propagation_policy();
    orphan_set = body->has_orphan_dependents();
    orphan = body->orphan_dependents();
    dry_run.assign(body->dry_run().begin(), body->dry_run().end());
  } else {
    BERTH_ASSIGN_OR_RETURN(options.grace_seconds, Integer(query, "gracePeriodSeconds"));
    options.propagation = std::string(query.Get("propagationPolicy").value_or(""));
    orphan_set = query.Has("orphanDependents");
    orphan = query.GetBool("orphanDependents");
    dry_run = All(query, "dryRun");
  }
  CheckDryRun(dry_run, options.dry_run, errors);
  CheckDeletion(options, orphan_set, errors);
  if (!errors.empty()) return api::InvalidKind(kOptionsGroup, "DeleteOptions", "", errors);
  if (orphan_set && options.propagation.empty()) {
    options.propagation = orphan ? "Orphan" : "Background";
  }
  return options;
}

absl::Status WrongNamespace() {
  return api::BadRequest(
      "the namespace of the provided object does not match the namespace sent on the request");
}

absl::StatusOr<std::optional<int64_t>> ParseResourceVersion(std::string_view text) {
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') {
      return api::PlainError(fmt::format(
          "resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: parsing \"{0}\": invalid "
          "syntax",
          text));
    }
  }
  if (!absl::SimpleAtoi(ToAbsl(text), &value) || value > INT64_MAX) {
    return api::PlainError(fmt::format(
        "resourceVersion: Invalid value: \"{0}\": strconv.ParseUint: parsing \"{0}\": value out of "
        "range",
        text));
  }
  return static_cast<int64_t>(value);
}

absl::StatusOr<ListOptions> ParseListOptions(const api::Query& query, bool watch) {
  ListOptions options;
  const auto text = [&](std::string_view key) {
    return std::string(query.Get(key).value_or(""));
  };
  options.label_selector = text("labelSelector");
  options.field_selector = text("fieldSelector");
  options.bookmarks = query.GetBool("allowWatchBookmarks");
  if (query.Has("sendInitialEvents")) {
    options.send_initial_events = query.GetBool("sendInitialEvents");
  }
  BERTH_ASSIGN_OR_RETURN(const auto limit, Integer(query, "limit"));
  options.limit = limit.value_or(0);
  options.continue_token = text("continue");
  BERTH_ASSIGN_OR_RETURN(options.timeout_seconds, Integer(query, "timeoutSeconds"));
  const std::string match = text("resourceVersionMatch");
  const std::string version = text("resourceVersion");
  if (match == "NotOlderThan") options.match = ListOptions::Match::kNotOlderThan;
  if (match == "Exact") options.match = ListOptions::Match::kExact;
  const api::FieldErrors errors = CheckMatch(options, watch, match, version);
  if (!errors.empty()) return api::InvalidKind(kOptionsGroup, "ListOptions", "", errors);
  auto revision = ParseResourceVersion(version);
  if (!revision.ok() && !watch) {
    return api::BadRequest(
        fmt::format("invalid resource version: {}", ToStd(revision.status().message())));
  }
  BERTH_RETURN_IF_ERROR(revision.status());
  options.revision = *revision;
  return options;
}

std::string EncodeContinue(const ContinueToken& token) {
  const std::string plain = fmt::format(R"({{"v":"meta.k8s.io/v1","rv":{},"start":"{}"}})",
                                        token.revision, token.next_key);
  std::string out;
  absl::WebSafeBase64Escape(plain, &out);
  return out;
}

absl::StatusOr<ContinueToken> DecodeContinue(std::string_view text) {
  const auto invalid = [](std::string_view why) {
    return api::BadRequest(
        fmt::format("invalid continue token: continue key is not valid: {}", why));
  };
  std::string plain;
  if (!absl::WebSafeBase64Unescape(ToAbsl(text), &plain)) {
    return invalid("illegal base64 data");
  }
  if (plain.empty() || plain[0] != '{') {
    const auto first = static_cast<unsigned char>(plain.empty() ? 0 : plain[0]);
    const bool printable = first >= 0x20 && first < 0x7f;
    return invalid(fmt::format("invalid character '{}' looking for beginning of value",
                               printable ? std::string(1, static_cast<char>(first))
                                         : fmt::format("\\u{:04x}", first)));
  }
  ContinueToken token;
  const size_t revision = plain.find(R"("rv":)");
  const size_t start = plain.find(R"("start":")");
  if (revision == std::string::npos || start == std::string::npos || !plain.ends_with("\"}")) {
    return invalid("unexpected end of JSON input");
  }
  const size_t digits = revision + 5;
  const size_t digits_end = plain.find_first_not_of("-0123456789", digits);
  if (!absl::SimpleAtoi(plain.substr(digits, digits_end - digits), &token.revision) ||
      (token.revision <= 0 && token.revision != ContinueToken::kNewest)) {
    return invalid("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  token.next_key = plain.substr(start + 9, plain.size() - start - 9 - 2);
  return token;
}

}  // namespace berth::apiserver
