#include "api/validation/conditions.h"

#include <iterator>
#include <set>

#include "api/schema/meta_v1_status.pb.h"
#include "api/time_text.h"
#include "api/validation/names.h"

namespace berth::api::validation {
namespace {

bool IsConditionReason(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.empty() || !letter(text.front())) return false;
  for (const char c : text) {
    if (!letter(c) && !digit(c) && c != '_' && c != ',' && c != ':') return false;
  }
  return text.back() != ',' && text.back() != ':';
}

void ValidateCondition(const meta::Condition& condition, const FieldPath& path, Errors& errors) {
  if (condition.type().empty()) {
    errors.Required(path.Child("type"), "is required");
  } else {
    errors.Invalid(path.Child("type"), condition.type(), IsQualifiedName(condition.type()));
  }
  errors.OneOf(path.Child("status"), condition.status(), {"False", "True", "Unknown"});
  if (condition.observed_generation() < 0) {
    errors.InvalidInt(path.Child("observedGeneration"), condition.observed_generation(),
                      "must be greater than or equal to zero");
  }
  if (IsZeroTime(condition.last_transition_time())) {
    errors.Required(path.Child("lastTransitionTime"));
  }
  if (condition.reason().empty()) {
    errors.Required(path.Child("reason"));
  } else if (!IsConditionReason(condition.reason())) {
    errors.Invalid(path.Child("reason"), condition.reason(),
                   std::string_view(RegexComplaint(
                       "a condition reason must start with alphabetic character, optionally "
                       "followed by a string of alphanumeric characters or '_,:', and must end "
                       "with an alphanumeric character or '_'",
                       "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?",
                       {"my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"})));
  }
  if (condition.reason().size() > 1024) errors.TooLong(path.Child("reason"), 1024);
  constexpr int64_t kMessageBytesMax = 32 << 10;
  if (std::ssize(condition.message()) > kMessageBytesMax) {
    errors.TooLong(path.Child("message"), kMessageBytesMax);
  }
}

}  // namespace

void ValidateConditions(const google::protobuf::RepeatedPtrField<meta::Condition>& conditions,
                        const FieldPath& path, Errors& errors) {
  std::set<std::string_view> seen;
  for (int i = 0; i < conditions.size() && !errors.full(); ++i) {
    const FieldPath at = path.Index(i);
    if (!seen.insert(conditions[i].type()).second) errors.Duplicate(at, conditions[i].type());
    ValidateCondition(conditions[i], at, errors);
  }
}

}  // namespace berth::api::validation
