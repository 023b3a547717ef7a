// Shared immutable bytes: an object's encoding, kept once whoever looks at it.
#pragma once

#include <memory>
#include <string>
#include <utility>

namespace berth {

using Bytes = std::shared_ptr<const std::string>;

inline Bytes MakeBytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

}  // namespace berth
