#include "api/validation/devices.h"

#include <algorithm>
#include <iterator>

#include <fmt/core.h>

#include "api/json_value.h"
#include "api/schema/resource_v1_device.pb.h"
#include "api/validation/metadata.h"
#include "api/validation/volume_sources.h"

namespace berth::api::validation {
namespace {

template <typename T>
using List = google::protobuf::RepeatedPtrField<T>;

constexpr int64_t kPoolNameBytesMax = 253;
constexpr int64_t kIdBytesMax = 32;
constexpr int64_t kSelectorsMax = 32;
constexpr int64_t kExpressionBytesMax = 10 << 10;
constexpr int64_t kOpaqueBytesMax = 10 << 10;
constexpr int64_t kTolerationsMax = 16;
constexpr int64_t kBindingConditionsMax = 4;

void ValidateDeviceId(std::string_view id, const FieldPath& path, Errors& errors) {
  if (std::ssize(id) > kIdBytesMax) errors.TooLong(path, kIdBytesMax);
  errors.Invalid(path, id, IsCIdentifier(id));
}

bool IsLowerHexDigit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }
bool IsHexDigit(char c) { return IsLowerHexDigit(c) || (c >= 'A' && c <= 'F'); }

template <typename Digit>
bool HasUuidForm(std::string_view text, Digit digit) {
  if (text.size() != 36) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !digit(text[i])) return false;
  }
  return true;
}

void ValidateDeviceEffect(const std::string& effect, const FieldPath& path, Errors& errors) {
  if (effect == "NoExecute" || effect == "NoSchedule" || effect == "None") return;
  errors.NotSupported(path, effect, {"NoExecute", "NoSchedule", "None"});
}

void ValidateDeviceToleration(const dra::DeviceToleration& toleration, const FieldPath& path,
                              Errors& errors) {
  if (!toleration.key().empty()) {
    errors.Invalid(path.Child("key"), toleration.key(), IsQualifiedName(toleration.key()));
  }
  const FieldPath value = path.Child("value");
  if (toleration.operator_() == "Exists") {
    if (!toleration.value().empty()) {
      errors.Invalid(value, toleration.value(), "must be empty for operator `Exists`");
    }
  } else if (toleration.operator_() == "Equal") {
    errors.Invalid(value, toleration.value(), IsLabelValue(toleration.value()));
  } else {
    errors.OneOf(path.Child("operator"), toleration.operator_(), {"Equal", "Exists"});
  }
  if (toleration.effect().empty()) return;
  ValidateDeviceEffect(toleration.effect(), path.Child("effect"), errors);
}

void ValidateConditionNames(const List<std::string>& names, const FieldPath& path,
                            Errors& errors) {
  if (!ValidateCount(names.size(), kBindingConditionsMax, path, errors)) return;
  for (int i = 0; i < names.size(); ++i) {
    errors.Invalid(path.Index(i), names[i], IsQualifiedName(names[i]));
  }
}

}  // namespace

bool ValidateCount(int64_t count, int64_t max, const FieldPath& path, Errors& errors) {
  if (count <= max) return true;
  errors.TooMany(path, count, max);
  return false;
}

void UniqueNames::Add(std::string_view name, const FieldPath& path, Errors& errors) {
  if (!seen_.emplace(name).second) errors.Duplicate(path, name);
}

void ValidatePoolName(const std::string& name, const FieldPath& path, Errors& errors) {
  if (name.empty()) return errors.Required(path);
  if (std::ssize(name) > kPoolNameBytesMax) errors.TooLong(path, kPoolNameBytesMax);
  std::string_view rest = name;
  while (!errors.full()) {
    const size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    errors.Invalid(path, part, IsDns1123Subdomain(part));
    if (slash == std::string_view::npos) return;
    rest.remove_prefix(slash + 1);
  }
}

void ValidateDeviceQualifiedName(std::string_view name, const FieldPath& path, Errors& errors) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos) return ValidateDeviceId(name, path, errors);
  if (name.find('/', slash + 1) != std::string_view::npos) return;  // upstream looks no further
  const std::string_view domain = name.substr(0, slash), id = name.substr(slash + 1);
  if (domain.empty()) {
    errors.Invalid(path, "", "the domain must not be empty");
  } else {
    ValidateCsiDriverName(std::string(domain), path, errors);
  }
  if (id.empty()) {
    errors.Invalid(path, "", "the name must not be empty");
  } else {
    ValidateDeviceId(id, path, errors);
  }
}

void ValidateFullyQualifiedName(std::string_view name, const FieldPath& path, Errors& errors) {
  ValidateDeviceQualifiedName(name, path, errors);
  if (name.find('/') != std::string_view::npos) return;
  errors.Invalid(path, name,
                 "a fully qualified name must be a domain and a name separated by a slash");
}

void ValidateUuid(std::string_view text, const FieldPath& path, Errors& errors) {
  if (HasUuidForm(text, IsLowerHexDigit)) return;
  if (HasUuidForm(text, IsHexDigit)) {
    return errors.Invalid(path, text,
                          "uid must be in RFC 4122 normalized form, "
                          "`xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal "
                          "characters");
  }
  const std::string why = text.size() == 36
                              ? "invalid UUID format"
                              : fmt::format("invalid UUID length: {}", text.size());
  errors.Invalid(path, text, std::string_view(fmt::format("error validating uid: {}", why)));
}

void ValidateSelectors(const List<dra::DeviceSelector>& selectors, const FieldPath& path,
                       Errors& errors) {
  if (!ValidateCount(selectors.size(), kSelectorsMax, path, errors)) return;
  for (int i = 0; i < selectors.size(); ++i) {
    const FieldPath item = path.Index(i);
    const FieldPath at = item.Child("cel");
    if (!selectors[i].has_cel()) {
      errors.Required(at);
    } else if (std::ssize(selectors[i].cel().expression()) > kExpressionBytesMax) {
      errors.TooLong(at.Child("expression"), kExpressionBytesMax);
    }
  }
}

void ValidateConfiguration(const dra::DeviceConfiguration& configuration, const FieldPath& path,
                           Errors& errors) {
  const FieldPath at = path.Child("opaque");
  if (!configuration.has_opaque()) return errors.Required(at);
  ValidateCsiDriverName(configuration.opaque().driver(), at.Child("driver"), errors);
  ValidateRawObject(configuration.opaque().parameters().raw(), kOpaqueBytesMax,
                    at.Child("parameters"), errors);
}

void ValidateRawObject(const std::string& raw, int64_t bytes_max, const FieldPath& path,
                       Errors& errors) {
  if (raw.empty()) return errors.Required(path);
  if (std::ssize(raw) > bytes_max) return errors.TooLong(path, bytes_max);
  const auto value = JsonValue::Parse(raw);
  if (!value.ok()) {
    errors.Invalid(path, "<value omitted>",
                   std::string_view(fmt::format("error parsing data as JSON: {}",
                                                std::string(value.status().message()))));
  } else if (value->is_null()) {
    errors.Required(path);
  } else if (!value->is_object()) {
    errors.Invalid(path, "<value omitted>", "must be a valid JSON object");
  }
}

void ValidateDeviceTolerations(const List<dra::DeviceToleration>& tolerations,
                               const FieldPath& path, Errors& errors) {
  if (!ValidateCount(tolerations.size(), kTolerationsMax, path, errors)) return;
  for (int i = 0; i < tolerations.size(); ++i) {
    ValidateDeviceToleration(tolerations[i], path.Index(i), errors);
  }
}

void ValidateDeviceTaint(const dra::DeviceTaint& taint, const FieldPath& path, Errors& errors) {
  errors.Invalid(path.Child("key"), taint.key(), IsQualifiedName(taint.key()));
  if (!taint.value().empty()) {
    errors.Invalid(path.Child("value"), taint.value(), IsLabelValue(taint.value()));
  }
  if (taint.effect().empty()) return errors.Required(path.Child("effect"));
  ValidateDeviceEffect(taint.effect(), path.Child("effect"), errors);
}

void ValidateBindingConditions(const List<std::string>& conditions,
                               const List<std::string>& failures, const FieldPath& path,
                               Errors& errors) {
  const FieldPath conditions_path = path.Child("bindingConditions");
  const FieldPath failures_path = path.Child("bindingFailureConditions");
  ValidateConditionNames(conditions, conditions_path, errors);
  ValidateConditionNames(failures, failures_path, errors);
  UniqueNames names, failure_names;
  for (int i = 0; i < conditions.size() && !errors.full(); ++i) {
    names.Add(conditions[i], conditions_path.Index(i), errors);
  }
  for (int i = 0; i < failures.size() && !errors.full(); ++i) {
    const FieldPath at = failures_path.Index(i);
    failure_names.Add(failures[i], at, errors);
    if (std::find(conditions.begin(), conditions.end(), failures[i]) == conditions.end()) continue;
    errors.Invalid(at, failures[i],
                   "bindingFailureConditions must not overlap with bindingConditions");
  }
  if (conditions.empty() && !failures.empty()) {
    errors.InvalidShown(conditions_path, "null",
                        "bindingConditions are required to use bindingFailureConditions");
  }
  if (failures.empty() && !conditions.empty()) {
    errors.InvalidShown(failures_path, "null",
                        "bindingFailureConditions are required to use bindingConditions");
  }
}

}  // namespace berth::api::validation
