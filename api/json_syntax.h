// Why a text is not JSON, in the words of Go's encoding/json. For the error path only: it reads
// the text byte by byte. Pure.
#pragma once

#include <string>
#include <string_view>

namespace berth::api {

// "unexpected end of JSON input", "invalid character '}' looking for beginning of value", ...;
// empty when the text follows the grammar (it may still hold a number too large, or bad UTF-8).
std::string DescribeJsonError(std::string_view json);

}  // namespace berth::api
