// Kubernetes' errors as absl::Status. The meta.v1.Status (code, reason, message, details) rides in
// a payload, so that one type carries failures from the store to the client and back unharmed.
//
//   return NotFound(pods, "web-1");               // 404 pods "web-1" not found
//   if (IsConflict(status)) Retry();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "api/fwd.h"

namespace berth::api {

struct Resource;

// One complaint of validation. type is the cause's reason: FieldValueInvalid, FieldValueRequired,
// FieldValueDuplicate, FieldValueNotSupported, FieldValueForbidden, FieldValueTooLong,
// FieldValueTooMany, FieldValueNotFound, FieldValueTypeInvalid.
// text is without the field: `Invalid value: "x": must be ...`.
struct FieldError {
  std::string type;
  std::string field;  // "spec.containers[0].name"
  std::string text;
};
using FieldErrors = std::vector<FieldError>;

// Go's %q: in double quotes; quotes, backslashes and what cannot be printed are escaped.
std::string GoQuoted(std::string_view text);

// What is wrong with `field`, in upstream's words (apimachinery/pkg/util/validation/field).
FieldError Required(std::string field, std::string_view detail = {});
// `value` as it is shown: quoted for strings, bare for numbers and booleans.
FieldError InvalidValue(std::string field, std::string_view shown_value, std::string_view detail);
FieldError InvalidString(std::string field, std::string_view value, std::string_view detail);
FieldError InvalidInt(std::string field, int64_t value, std::string_view detail);
FieldError NotSupported(std::string field, std::string_view value,
                        const std::vector<std::string>& supported);
FieldError NotSupportedShown(std::string field, std::string_view shown_value,
                             const std::vector<std::string>& supported);
FieldError Duplicate(std::string field, std::string_view shown_value);
FieldError NotFoundField(std::string field, std::string_view value);
FieldError ForbiddenField(std::string field, std::string_view detail);
FieldError InternalFieldError(std::string field, std::string_view detail);
FieldError TooLong(std::string field, std::string_view value, int64_t max);
FieldError TooMany(std::string field, int64_t actual, int64_t max);

// --- API errors (apimachinery/pkg/api/errors) --------------------------------------------------
absl::Status NotFound(const Resource& resource, std::string_view name);
absl::Status AlreadyExists(const Resource& resource, std::string_view name);
// "Operation cannot be fulfilled on pods "x": <detail>"; with a subresource, on pods/binding.
absl::Status Conflict(const Resource& resource, std::string_view name, std::string_view detail,
                      std::string_view subresource = {});
absl::Status Forbidden(const Resource& resource, std::string_view name, std::string_view detail);
absl::Status Invalid(const Resource& resource, std::string_view name, const FieldErrors& errors);
// The same for what has no row: {"meta.k8s.io", "ListOptions"}.
absl::Status InvalidKind(std::string_view group, std::string_view kind, std::string_view name,
                         const FieldErrors& errors);
absl::Status BadRequest(std::string_view message);
absl::Status Unauthorized(std::string_view message);
absl::Status MethodNotSupported(const Resource& resource, std::string_view verb);
absl::Status ResourceExpired(std::string_view message);  // 410 Expired
absl::Status Gone(std::string_view message);             // 410 Gone
absl::Status TooLargeResourceVersion(int64_t current, int64_t asked, int64_t retry_after_s);
absl::Status TooManyRequests(std::string_view message, int64_t retry_after_s);
absl::Status RequestEntityTooLarge(std::string_view message);
absl::Status UnsupportedMediaType(std::string_view message);
absl::Status NotAcceptable(std::string_view message);
absl::Status InternalError(std::string_view message);
absl::Status ServiceUnavailable(std::string_view message);
absl::Status Timeout(std::string_view message, int64_t retry_after_s);
absl::Status GenericNotFound();  // 404 "the server could not find the requested resource"
// 405 "the server does not allow this method on the requested resource"
absl::Status GenericMethodNotAllowed();
// 422 "the server rejected our request due to an error in our request": a patch does not apply.
absl::Status GenericInvalid();
// 500 with the text alone and no reason: what upstream makes of a failure that is no API error.
absl::Status PlainError(std::string_view message);

// --- both ways ---------------------------------------------------------------------------------
// A failure with no payload becomes 500 InternalError (or what its absl code maps to).
meta::Status ToStatusMessage(const absl::Status& status);
// status.code >= 400 or status.status == "Failure"; otherwise OkStatus.
absl::Status FromStatusMessage(const meta::Status& status);
int HttpCode(const absl::Status& status);
// metav1.StatusReason: "NotFound", "Conflict", ...; empty when the failure is not an API one.
std::string Reason(const absl::Status& status);

bool IsNotFound(const absl::Status& status);
bool IsConflict(const absl::Status& status);
bool IsAlreadyExists(const absl::Status& status);
bool IsExpired(const absl::Status& status);  // Expired or Gone: relist
bool IsInvalid(const absl::Status& status);
// 401 or 403: not what was asked is wrong, but who asks.
bool IsDenied(const absl::Status& status);
// The server said nothing: it may never have heard the request, or its answer was lost.
bool IsUnanswered(const absl::Status& status);
// Asking again later may help: unanswered, 429 or 5xx.
bool IsTransient(const absl::Status& status);
// The server asked to wait this many seconds; 0 when it did not.
int64_t RetryAfterSeconds(const absl::Status& status);

}  // namespace berth::api
