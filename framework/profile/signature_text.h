// SignatureText: fragments by key, as one string that is equal when all fragments are.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include <absl/container/inlined_vector.h>

#include "framework/signature.h"

namespace berth::framework {

class SignatureText final : public SignatureBuilder {
 public:
  // The first value of a key counts: plugins that share a key put the same value.
  void Put(std::string_view key, std::string_view value) override;
  void Put(std::string_view key, int64_t value) override;
  // Sorted by key; lengths are part of the text, so that no two sets run together.
  std::string Finish();

 private:
  absl::InlinedVector<std::pair<std::string, std::string>, 16> fragments_;
};

}  // namespace berth::framework
