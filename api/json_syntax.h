// JSON as a text, for what the parser does not tell: why it is none, in the words of Go's
// encoding/json, and how its numbers are written. For the error path only: all of this reads the
// text byte by byte. Pure.
#pragma once

#include <string>
#include <string_view>

namespace berth::api {

// "unexpected end of JSON input", "invalid character '}' looking for beginning of value", ...;
// empty when the text follows the grammar (it may still hold a number too large, or bad UTF-8).
std::string DescribeJsonError(std::string_view json);

// A text that follows the grammar, with numbers the parser does not take put so that it does:
// integers beyond 64 bits as what a double holds of them, as Go reads them.
struct ReadableNumbers {
  std::string json;
  std::string out_of_range;  // the first number beyond a double, as written; put as the largest
};
ReadableNumbers WithReadableNumbers(std::string_view json);

// The first number with this value, as it is written; empty when there is none. One beyond a double
// has the value of the largest.
std::string_view NumberLiteral(std::string_view json, double value);

}  // namespace berth::api
