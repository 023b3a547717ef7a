// SignatureText: fragments by key, as one string that is equal when all fragments are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <absl/container/inlined_vector.h>

#include "framework/signature.h"

namespace berth::framework {

class SignatureText final : public SignatureBuilder {
 public:
  SignatureText() { bytes_.reserve(kUsualBytes); }
  // Different values of a key all count, equal ones once.
  void Put(std::string_view key, std::string_view value) override;
  void Put(std::string_view key, int64_t value) override;
  // Sorted by key; lengths are part of the text, so that no two sets run together.
  std::string Finish();

 private:
  static constexpr size_t kUsualBytes = 512;
  // A key and, right behind it, its value, in bytes_.
  struct Fragment {
    size_t begin = 0, key_size = 0, value_size = 0;
  };
  std::string_view KeyOf(const Fragment& fragment) const {
    return std::string_view(bytes_).substr(fragment.begin, fragment.key_size);
  }
  std::string_view ValueOf(const Fragment& fragment) const {
    return std::string_view(bytes_).substr(fragment.begin + fragment.key_size,
                                           fragment.value_size);
  }

  std::string bytes_;
  absl::InlinedVector<Fragment, 24> fragments_;
};

}  // namespace berth::framework
