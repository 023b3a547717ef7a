// Signatures: everything any enabled plugin can see of a pod. Pods with equal signatures get equal
// verdicts and raw scores, so the engine evaluates them once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace berth::framework {

// Fragments are put in by key; plugins that look at the same thing use the same key and put the
// same value, which counts once; different values of a key all count. Keys are upstream's where it
// has one (framework.md section 7).
class SignatureBuilder {
 public:
  virtual ~SignatureBuilder() = default;
  virtual void Put(std::string_view key, std::string_view value) = 0;
  virtual void Put(std::string_view key, int64_t value) = 0;
};

}  // namespace berth::framework
