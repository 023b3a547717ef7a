#include "api/errors.h"

#include <utility>

#include <absl/container/flat_hash_set.h>
#include <absl/strings/cord.h>
#include <fmt/core.h>

#include "api/json_writer.h"
#include "api/resource_table.h"
#include "api/schema/meta_v1_status.pb.h"
#include "base/strings.h"

namespace berth::api {
namespace {

constexpr absl::string_view kStatusPayload = "k8s.io/apimachinery/meta.v1.Status";

absl::StatusCode CanonicalCode(int http_code, std::string_view reason) {
  if (reason == "AlreadyExists") return absl::StatusCode::kAlreadyExists;
  switch (http_code) {
    case 400: case 406: case 413: case 415: case 422: return absl::StatusCode::kInvalidArgument;
    case 401: return absl::StatusCode::kUnauthenticated;
    case 403: return absl::StatusCode::kPermissionDenied;
    case 404: return absl::StatusCode::kNotFound;
    case 405: return absl::StatusCode::kUnimplemented;
    case 409: return absl::StatusCode::kAborted;
    case 410: return absl::StatusCode::kOutOfRange;
    case 429: return absl::StatusCode::kResourceExhausted;
    case 503: return absl::StatusCode::kUnavailable;
    case 504: return absl::StatusCode::kDeadlineExceeded;
    default: return http_code >= 500 ? absl::StatusCode::kInternal : absl::StatusCode::kUnknown;
  }
}

struct HttpReason {
  int code;
  std::string_view reason;
};

// For failures that carry no API status.
HttpReason FromCanonical(absl::StatusCode code) {
  switch (code) {
    case absl::StatusCode::kNotFound: return {404, "NotFound"};
    case absl::StatusCode::kAlreadyExists: return {409, "AlreadyExists"};
    case absl::StatusCode::kAborted: return {409, "Conflict"};
    case absl::StatusCode::kInvalidArgument: return {400, "BadRequest"};
    case absl::StatusCode::kPermissionDenied: return {403, "Forbidden"};
    case absl::StatusCode::kUnauthenticated: return {401, "Unauthorized"};
    case absl::StatusCode::kOutOfRange: return {410, "Expired"};
    case absl::StatusCode::kResourceExhausted: return {429, "TooManyRequests"};
    case absl::StatusCode::kUnavailable: return {503, "ServiceUnavailable"};
    case absl::StatusCode::kDeadlineExceeded: return {504, "Timeout"};
    case absl::StatusCode::kUnknown: return {500, ""};
    default: return {500, "InternalError"};
  }
}

// A refusal may quote what it refuses, which need not be text; a message's strings must be.
void MakeText(meta::Status& message) {
  if (message.has_message()) MakeValidUtf8(*message.mutable_message());
  if (!message.has_details()) return;
  meta::StatusDetails& details = *message.mutable_details();
  if (details.has_name()) MakeValidUtf8(*details.mutable_name());
  for (meta::StatusCause& cause : *details.mutable_causes()) {
    if (cause.has_message()) MakeValidUtf8(*cause.mutable_message());
    if (cause.has_field()) MakeValidUtf8(*cause.mutable_field());
  }
}

absl::Status WithPayload(meta::Status message) {
  MakeText(message);
  absl::Status status(CanonicalCode(message.code(), message.reason()), message.message());
  status.SetPayload(kStatusPayload, absl::Cord(message.SerializeAsString()));
  return status;
}

meta::Status Failure(int code, std::string_view reason, std::string_view text) {
  meta::Status message;
  message.mutable_metadata();
  message.set_status("Failure");
  message.set_message(std::string(text));
  if (!reason.empty()) message.set_reason(std::string(reason));
  message.set_code(code);
  return message;
}

// details with name, group and kind; empty ones stay absent.
void Describe(meta::Status& message, std::string_view name, std::string_view group,
              std::string_view kind) {
  meta::StatusDetails& details = *message.mutable_details();
  if (!name.empty()) details.set_name(std::string(name));
  if (!group.empty()) details.set_group(std::string(group));
  if (!kind.empty()) details.set_kind(std::string(kind));
}

absl::Status ResourceFailure(int code, std::string_view reason, const Resource& resource,
                             std::string_view name, std::string_view text) {
  meta::Status message = Failure(code, reason, text);
  Describe(message, name, resource.group, resource.plural);
  return WithPayload(std::move(message));
}

bool ParsePayload(const absl::Status& status, meta::Status& out) {
  const auto payload = status.GetPayload(kStatusPayload);
  return payload.has_value() && out.ParseFromString(std::string(*payload));
}

FieldError MakeError(std::string_view type, std::string field, std::string_view text,
                     std::string_view detail) {
  FieldError error{std::string(type), std::move(field), std::string(text)};
  if (!detail.empty()) error.text.append(": ").append(detail);
  return error;
}

// errors as one text: alone, or "[a, b]"; equal ones once.
std::string Aggregate(const FieldErrors& errors) {
  absl::flat_hash_set<std::string> texts;
  std::string out = "[";
  for (const FieldError& error : errors) {
    const auto [text, added] = texts.insert(fmt::format("{}: {}", error.field, error.text));
    if (!added) continue;
    if (out.size() > 1) out.append(", ");
    out.append(*text);
  }
  return texts.size() == 1 ? *texts.begin() : out.append("]");
}

}  // namespace

FieldError Required(std::string field, std::string_view detail) {
  return MakeError("FieldValueRequired", std::move(field), "Required value", detail);
}

FieldError InvalidValue(std::string field, std::string_view shown_value,
                        std::string_view detail) {
  return MakeError("FieldValueInvalid", std::move(field),
                   fmt::format("Invalid value: {}", shown_value), detail);
}

FieldError InvalidString(std::string field, std::string_view value, std::string_view detail) {
  return InvalidValue(std::move(field), GoQuoted(value), detail);
}

FieldError InvalidInt(std::string field, int64_t value, std::string_view detail) {
  return InvalidValue(std::move(field), std::to_string(value), detail);
}

FieldError NotSupported(std::string field, std::string_view value,
                        const std::vector<std::string>& supported) {
  return NotSupportedShown(std::move(field), GoQuoted(value), supported);
}

FieldError NotSupportedShown(std::string field, std::string_view shown_value,
                             const std::vector<std::string>& supported) {
  std::string detail;
  for (const std::string& text : supported) {
    detail.append(detail.empty() ? "supported values: " : ", ").append(GoQuoted(text));
  }
  return MakeError("FieldValueNotSupported", std::move(field),
                   fmt::format("Unsupported value: {}", shown_value), detail);
}

FieldError Duplicate(std::string field, std::string_view shown_value) {
  return MakeError("FieldValueDuplicate", std::move(field),
                   fmt::format("Duplicate value: {}", shown_value), {});
}

FieldError NotFoundField(std::string field, std::string_view value) {
  return MakeError("FieldValueNotFound", std::move(field), "Not found: " + GoQuoted(value), {});
}

FieldError ForbiddenField(std::string field, std::string_view detail) {
  return MakeError("FieldValueForbidden", std::move(field), "Forbidden", detail);
}

FieldError InternalFieldError(std::string field, std::string_view detail) {
  return MakeError("InternalError", std::move(field), "Internal error", detail);
}

FieldError TooLong(std::string field, std::string_view /*value*/, int64_t max) {
  return MakeError("FieldValueTooLong", std::move(field), "Too long",
                   fmt::format("may not be more than {} bytes", max));
}

FieldError TooMany(std::string field, int64_t actual, int64_t max) {
  return MakeError("FieldValueTooMany", std::move(field), fmt::format("Too many: {}", actual),
                   fmt::format("must have at most {} item{}", max, max == 1 ? "" : "s"));
}

absl::Status NotFound(const Resource& resource, std::string_view name) {
  return ResourceFailure(404, "NotFound", resource, name,
                         fmt::format("{} \"{}\" not found", resource.qualified(), name));
}

absl::Status AlreadyExists(const Resource& resource, std::string_view name) {
  return ResourceFailure(409, "AlreadyExists", resource, name,
                         fmt::format("{} \"{}\" already exists", resource.qualified(), name));
}

absl::Status Conflict(const Resource& resource, std::string_view name, std::string_view detail,
                      std::string_view subresource) {
  std::string kind(resource.plural);
  if (!subresource.empty()) kind.append("/").append(subresource);
  const std::string dot_group = resource.group.empty() ? "" : fmt::format(".{}", resource.group);
  meta::Status message =
      Failure(409, "Conflict", fmt::format("Operation cannot be fulfilled on {}{} \"{}\": {}",
                                           kind, dot_group, name, detail));
  Describe(message, name, resource.group, kind);
  return WithPayload(std::move(message));
}

absl::Status Forbidden(const Resource& resource, std::string_view name, std::string_view detail) {
  const std::string text =
      name.empty() ? fmt::format("{} is forbidden: {}", resource.qualified(), detail)
                   : fmt::format("{} \"{}\" is forbidden: {}", resource.qualified(), name, detail);
  return ResourceFailure(403, "Forbidden", resource, name, text);
}

absl::Status Invalid(const Resource& resource, std::string_view name, const FieldErrors& errors) {
  return InvalidKind(resource.group, resource.kind, name, errors);
}

absl::Status InvalidKind(std::string_view group, std::string_view kind, std::string_view name,
                         const FieldErrors& errors) {
  std::string text(kind);
  if (!group.empty()) text.append(".").append(group);
  text.append(fmt::format(" \"{}\" is invalid", name));
  if (!errors.empty()) text.append(": ").append(Aggregate(errors));
  meta::Status message = Failure(422, "Invalid", text);
  Describe(message, name, group, kind);
  for (const FieldError& error : errors) {
    meta::StatusCause& cause = *message.mutable_details()->add_causes();
    cause.set_reason(error.type);
    cause.set_message(error.text);
    cause.set_field(error.field);
  }
  return WithPayload(std::move(message));
}

absl::Status BadRequest(std::string_view message) {
  return WithPayload(Failure(400, "BadRequest", message));
}

absl::Status Unauthorized(std::string_view message) {
  return WithPayload(Failure(401, "Unauthorized", message.empty() ? "not authorized" : message));
}

absl::Status MethodNotSupported(const Resource& resource, std::string_view verb) {
  return ResourceFailure(
      405, "MethodNotAllowed", resource, {},
      fmt::format("{} is not supported on resources of kind \"{}\"", verb, resource.qualified()));
}

absl::Status ResourceExpired(std::string_view message) {
  return WithPayload(Failure(410, "Expired", message));
}

absl::Status Gone(std::string_view message) { return WithPayload(Failure(410, "Gone", message)); }

absl::Status TooLargeResourceVersion(int64_t current, int64_t asked, int64_t retry_after_s) {
  meta::Status message =
      Failure(504, "Timeout",
              fmt::format("Timeout: Too large resource version: {}, current: {}", asked, current));
  message.mutable_details()->set_retry_after_seconds(static_cast<int32_t>(retry_after_s));
  meta::StatusCause& cause = *message.mutable_details()->add_causes();
  cause.set_reason("ResourceVersionTooLarge");
  cause.set_message("Too large resource version");
  return WithPayload(std::move(message));
}

absl::Status TooManyRequests(std::string_view text, int64_t retry_after_s) {
  meta::Status message = Failure(429, "TooManyRequests", text);
  message.mutable_details()->set_retry_after_seconds(static_cast<int32_t>(retry_after_s));
  return WithPayload(std::move(message));
}

absl::Status RequestEntityTooLarge(std::string_view message) {
  return WithPayload(Failure(413, "RequestEntityTooLarge",
                             fmt::format("Request entity too large: {}", message)));
}

absl::Status UnsupportedMediaType(std::string_view message) {
  return WithPayload(Failure(415, "UnsupportedMediaType", message));
}

absl::Status NotAcceptable(std::string_view message) {
  return WithPayload(Failure(406, "NotAcceptable", message));
}

absl::Status InternalError(std::string_view text) {
  meta::Status message =
      Failure(500, "InternalError", fmt::format("Internal error occurred: {}", text));
  message.mutable_details()->add_causes()->set_message(std::string(text));
  return WithPayload(std::move(message));
}

absl::Status ServiceUnavailable(std::string_view message) {
  return WithPayload(Failure(503, "ServiceUnavailable", message));
}

absl::Status Timeout(std::string_view text, int64_t retry_after_s) {
  meta::Status message = Failure(504, "Timeout", fmt::format("Timeout: {}", text));
  meta::StatusDetails& details = *message.mutable_details();
  if (retry_after_s > 0) details.set_retry_after_seconds(static_cast<int32_t>(retry_after_s));
  return WithPayload(std::move(message));
}

absl::Status GenericNotFound() {
  meta::Status message =
      Failure(404, "NotFound", "the server could not find the requested resource");
  message.mutable_details();
  return WithPayload(std::move(message));
}

absl::Status GenericMethodNotAllowed() {
  meta::Status message =
      Failure(405, "MethodNotAllowed",
              "the server does not allow this method on the requested resource");
  message.mutable_details();
  return WithPayload(std::move(message));
}

absl::Status GenericInvalid() {
  meta::Status message = Failure(
      422, "Invalid", "the server rejected our request due to an error in our request");
  message.mutable_details();
  return WithPayload(std::move(message));
}

absl::Status PlainError(std::string_view message) {
  return WithPayload(Failure(500, {}, message));
}

meta::Status ToStatusMessage(const absl::Status& status) {
  meta::Status message;
  if (status.ok()) {
    message.mutable_metadata();
    message.set_status("Success");
    message.set_code(200);
    return message;
  }
  if (ParsePayload(status, message)) return message;
  const HttpReason known = FromCanonical(status.code());
  message = Failure(known.code, known.reason, ToStd(status.message()));
  MakeText(message);
  return message;
}

absl::Status FromStatusMessage(const meta::Status& status) {
  const bool failed = status.code() >= 400 || status.status() == "Failure";
  return failed ? WithPayload(status) : absl::OkStatus();
}

int HttpCode(const absl::Status& status) {
  if (status.ok()) return 200;
  meta::Status message;
  if (!ParsePayload(status, message)) return FromCanonical(status.code()).code;
  return message.code() != 0 ? message.code() : 500;
}

std::string Reason(const absl::Status& status) {
  meta::Status message;
  return ParsePayload(status, message) ? message.reason() : std::string();
}

bool IsNotFound(const absl::Status& status) {
  return HttpCode(status) == 404;
}

bool IsConflict(const absl::Status& status) { return Reason(status) == "Conflict"; }

bool IsAlreadyExists(const absl::Status& status) { return Reason(status) == "AlreadyExists"; }

bool IsExpired(const absl::Status& status) { return HttpCode(status) == 410; }

bool IsInvalid(const absl::Status& status) { return Reason(status) == "Invalid"; }

bool IsDenied(const absl::Status& status) {
  const int code = HttpCode(status);
  return code == 401 || code == 403;
}

bool IsUnanswered(const absl::Status& status) {
  const bool transport = absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) ||
                         absl::IsResourceExhausted(status) || absl::IsCancelled(status);
  return transport && Reason(status).empty();
}

bool IsTransient(const absl::Status& status) {
  if (status.ok()) return false;
  const int code = HttpCode(status);
  return IsUnanswered(status) || code >= 500 || code == 429;
}

int64_t RetryAfterSeconds(const absl::Status& status) {
  meta::Status message;
  return ParsePayload(status, message) ? message.details().retry_after_seconds() : 0;
}

}  // namespace berth::api
