// Text into tokens. Private to base/expression.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/expression/program.h"
#include "base/expression/value.h"

namespace berth::expression {

struct Token {
  enum class Kind : uint8_t { kEnd, kName, kConstant, kSymbol };
  Kind kind = Kind::kEnd;
  size_t position = 0;
  std::string text;  // of names and symbols ("&&", "(")
  Value constant;    // of number and string literals
};

// The last token is kEnd.
Result<std::vector<Token>> Tokenize(std::string_view text);

}  // namespace berth::expression
