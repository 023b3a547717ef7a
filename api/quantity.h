// Kubernetes quantities: "100m", "1.5Gi", "12e6". Fixed point, never floating.
// Values are exact to 1n up to about 1.7e29; larger ones saturate. No locks; every call is pure.
// Source: apimachinery pkg/api/resource (canonical form, rounding, error texts).
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "api/fwd.h"

namespace berth::api {

// Which family of suffixes the text used; printing keeps it where no precision is lost.
enum class QuantityFormat : uint8_t { kDecimalSI, kBinarySI, kDecimalExponent };

class Quantity {
 public:
  Quantity() = default;  // zero

  // InvalidArgument with upstream's text: wrong form, bad suffix, bad number.
  static absl::StatusOr<Quantity> Parse(std::string_view text);
  static Quantity FromInt(int64_t value, QuantityFormat format = QuantityFormat::kDecimalSI);
  static Quantity FromMilli(int64_t milli, QuantityFormat format = QuantityFormat::kDecimalSI);

  // Rounded away from zero to a whole unit, or to a thousandth; clamped to int64.
  int64_t Value() const;
  int64_t MilliValue() const;
  double AsDouble() const { return static_cast<double>(nanos_) / 1e9; }

  bool IsZero() const { return nanos_ == 0; }
  int Sign() const { return nanos_ > 0 ? 1 : nanos_ < 0 ? -1 : 0; }
  QuantityFormat format() const { return format_; }

  // A zero left side takes the format of the right, as upstream does.
  Quantity& Add(const Quantity& other);
  Quantity& Sub(const Quantity& other);
  Quantity& Neg();

  // Value only: 1000m equals 1.
  int Cmp(const Quantity& other) const;
  friend bool operator==(const Quantity& a, const Quantity& b) { return a.nanos_ == b.nanos_; }
  friend std::strong_ordering operator<=>(const Quantity& a, const Quantity& b) {
    return a.nanos_ <=> b.nanos_;
  }

  // Canonical text: no fraction, the largest suffix that keeps the number whole.
  std::string ToString() const;

 private:
  Quantity(__int128 nanos, QuantityFormat format) : nanos_(nanos), format_(format) {}

  __int128 nanos_ = 0;
  QuantityFormat format_ = QuantityFormat::kDecimalSI;
};

// The text upstream prints after reading `text`: mostly the canonical one, but a number that looks
// canonical keeps its spelling ("+5", "1.500"). What the JSON codec stores. Errors as Parse.
absl::StatusOr<std::string> CanonicalQuantityText(std::string_view text);

// The value inside a message; a text that does not parse counts as zero.
Quantity ToQuantity(const resource::Quantity& message);
void SetQuantity(resource::Quantity& message, const Quantity& value);

}  // namespace berth::api
