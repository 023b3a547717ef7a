// Where in an object a rule looks, and the list of what it found wrong there.
//
//   void ValidatePort(const core::ContainerPort& port, const FieldPath& path, Errors& errors) {
//     if (port.container_port() == 0) errors.Required(path.Child("containerPort"));
//   }
//
// A path is a chain of stack frames: building one costs nothing, its text is made only for an
// error. A child refers to its parent, which must outlive it; children of temporaries do not
// compile. Threads: as a local variable.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/errors.h"
#include "api/validation/names.h"

namespace berth::api::validation {

class FieldPath {
 public:
  // "spec"; dots in it are kept: "metadata.labels". The text must outlive the path.
  explicit FieldPath(std::string_view name) : name_(name) {}

  FieldPath Child(std::string_view name) const& { return {this, name, -1, false}; }
  FieldPath Child(std::string_view name, int index) const& { return {this, name, index, false}; }
  FieldPath Index(int index) const& { return {this, {}, index, false}; }
  FieldPath Key(std::string_view key) const& { return {this, key, -1, true}; }  // [key]
  FieldPath Child(std::string_view name) const&& = delete;
  FieldPath Child(std::string_view name, int index) const&& = delete;
  FieldPath Index(int index) const&& = delete;
  FieldPath Key(std::string_view key) const&& = delete;

  std::string ToString() const;  // "spec.containers[0].resources.limits[cpu]"

 private:
  FieldPath(const FieldPath* parent, std::string_view name, int index, bool is_key)
      : parent_(parent), name_(name), index_(index), is_key_(is_key) {}

  const FieldPath* parent_ = nullptr;
  std::string_view name_;
  int index_ = -1;
  bool is_key_ = false;
};

// Collects complaints in order. The methods are those of upstream's field package.
class Errors {
 public:
  void Required(const FieldPath& path, std::string_view detail = {});
  void Invalid(const FieldPath& path, std::string_view value, std::string_view detail);
  void InvalidInt(const FieldPath& path, int64_t value, std::string_view detail);
  // `shown` as it is: JSON, true, null.
  void InvalidShown(const FieldPath& path, std::string_view shown, std::string_view detail);
  // One complaint for each text.
  void Invalid(const FieldPath& path, std::string_view value, const Complaints& details);
  void InvalidInt(const FieldPath& path, int64_t value, const Complaints& details);
  // `supported` in the order it is to be shown.
  void NotSupported(const FieldPath& path, std::string_view value,
                    std::initializer_list<std::string_view> supported);
  // `shown` as it is.
  void NotSupportedShown(const FieldPath& path, std::string_view shown,
                         std::initializer_list<std::string_view> supported);
  void Duplicate(const FieldPath& path, std::string_view value);
  void DuplicateShown(const FieldPath& path, std::string_view shown, std::string_view detail = {});
  void NotFound(const FieldPath& path, std::string_view value, std::string_view detail = {});
  void Forbidden(const FieldPath& path, std::string_view detail);
  void Internal(const FieldPath& path, std::string_view detail);
  void TooLong(const FieldPath& path, int64_t bytes_max);
  void TooMany(const FieldPath& path, int64_t actual, int64_t max);

  // --- rules that many fields share ---
  void NonNegative(const FieldPath& path, int64_t value);
  // Empty is Required, anything else not in `supported` is NotSupported.
  void OneOf(const FieldPath& path, std::string_view value,
             std::initializer_list<std::string_view> supported);

  bool empty() const { return list_.empty(); }
  size_t size() const { return list_.size(); }
  // More text than anybody reads: what comes now is dropped, and need not be put into words.
  bool full() const { return bytes_ >= kBytesMax; }
  FieldErrors Take() { return std::move(list_); }

 private:
  static constexpr size_t kBytesMax = size_t{4} << 20;
  void Add(FieldError error);

  FieldErrors list_;
  size_t bytes_ = 0;
};

inline constexpr std::string_view kNegativeText = "must be greater than or equal to 0";
inline constexpr std::string_view kNotPositiveText = "must be greater than zero";
inline constexpr std::string_view kImmutableText = "field is immutable";

}  // namespace berth::api::validation
