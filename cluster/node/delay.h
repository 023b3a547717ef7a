// How long something takes on a simulated node: a fixed time, a range or an exponential tail.
//   "0s"  "250ms"  "50ms..200ms" (uniform, both ends included)  "exp:100ms" (mean)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace berth::node {

class Delay {
 public:
  Delay() = default;  // zero
  static Delay Fixed(absl::Duration value) { return Delay(Kind::kFixed, value, value); }
  static Delay Uniform(absl::Duration low, absl::Duration high) {
    return Delay(Kind::kUniform, low, high);
  }
  // Cut at ten times the mean, so that every delay has a bound.
  static Delay Exponential(absl::Duration mean) { return Delay(Kind::kExponential, mean, mean); }
  // InvalidArgument for anything else than the forms above, and for negative times.
  static absl::StatusOr<Delay> Parse(std::string_view text);

  // A value drawn by `key` alone: the same key gives the same delay, in whatever order pods come.
  absl::Duration Sample(uint64_t key) const;
  std::string ToString() const;
  friend bool operator==(const Delay&, const Delay&) = default;

 private:
  enum class Kind : uint8_t { kFixed, kUniform, kExponential };
  Delay(Kind kind, absl::Duration low, absl::Duration high) : kind_(kind), low_(low), high_(high) {}
  Kind kind_ = Kind::kFixed;
  absl::Duration low_, high_;
};

// 64-bit FNV-1a: a stable hash, for keys of Sample and made-up identifiers.
uint64_t StableHash(std::string_view text, uint64_t seed = 0);

}  // namespace berth::node
