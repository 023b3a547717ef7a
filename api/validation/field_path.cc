#include "api/validation/field_path.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace berth::api::validation {

std::string FieldPath::ToString() const {
  std::string out = parent_ == nullptr ? std::string() : parent_->ToString();
  if (is_key_) return out.append("[").append(name_).append("]");
  if (!name_.empty()) {
    if (!out.empty()) out.append(".");
    out.append(name_);
  }
  if (index_ >= 0) out += fmt::format("[{}]", index_);
  if (parent_ == nullptr && name_.empty()) out = "[]";  // the whole object
  return out;
}

void Errors::Add(FieldError error) {
  if (full()) return;
  bytes_ += error.field.size() + error.text.size();
  list_.push_back(std::move(error));
}

void Errors::Required(const FieldPath& path, std::string_view detail) {
  Add(api::Required(path.ToString(), detail));
}

void Errors::Invalid(const FieldPath& path, std::string_view value, std::string_view detail) {
  Add(InvalidString(path.ToString(), value, detail));
}

void Errors::InvalidInt(const FieldPath& path, int64_t value, std::string_view detail) {
  Add(api::InvalidInt(path.ToString(), value, detail));
}

void Errors::InvalidShown(const FieldPath& path, std::string_view shown, std::string_view detail) {
  Add(InvalidValue(path.ToString(), shown, detail));
}

void Errors::Invalid(const FieldPath& path, std::string_view value, const Complaints& details) {
  for (const std::string& detail : details) Invalid(path, value, std::string_view(detail));
}

void Errors::InvalidInt(const FieldPath& path, int64_t value, const Complaints& details) {
  for (const std::string& detail : details) InvalidInt(path, value, std::string_view(detail));
}

void Errors::NotSupported(const FieldPath& path, std::string_view value,
                          std::initializer_list<std::string_view> supported) {
  Add(api::NotSupported(path.ToString(), value, {supported.begin(), supported.end()}));
}

void Errors::NotSupportedShown(const FieldPath& path, std::string_view shown,
                               std::initializer_list<std::string_view> supported) {
  Add(api::NotSupportedShown(path.ToString(), shown, {supported.begin(), supported.end()}));
}

void Errors::Duplicate(const FieldPath& path, std::string_view value) {
  Add(api::Duplicate(path.ToString(), GoQuoted(value)));
}

void Errors::DuplicateShown(const FieldPath& path, std::string_view shown,
                            std::string_view detail) {
  FieldError error = api::Duplicate(path.ToString(), shown);
  if (!detail.empty()) error.text.append(": ").append(detail);
  Add(std::move(error));
}

void Errors::NotFound(const FieldPath& path, std::string_view value, std::string_view detail) {
  FieldError error = NotFoundField(path.ToString(), value);
  if (!detail.empty()) error.text.append(": ").append(detail);
  Add(std::move(error));
}

void Errors::Forbidden(const FieldPath& path, std::string_view detail) {
  Add(ForbiddenField(path.ToString(), detail));
}

void Errors::Internal(const FieldPath& path, std::string_view detail) {
  Add(InternalFieldError(path.ToString(), detail));
}

void Errors::TooLong(const FieldPath& path, int64_t bytes_max) {
  Add(api::TooLong(path.ToString(), {}, bytes_max));
}

void Errors::TooMany(const FieldPath& path, int64_t actual, int64_t max) {
  Add(api::TooMany(path.ToString(), actual, max));
}

void Errors::NonNegative(const FieldPath& path, int64_t value) {
  if (value < 0) InvalidInt(path, value, kNegativeText);
}

void Errors::OneOf(const FieldPath& path, std::string_view value,
                   std::initializer_list<std::string_view> supported) {
  if (value.empty()) {
    Required(path);
  } else if (std::find(supported.begin(), supported.end(), value) == supported.end()) {
    NotSupported(path, value, supported);
  }
}

}  // namespace berth::api::validation
