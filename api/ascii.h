// Character classes of plain ASCII, whatever the locale.
#pragma once

namespace berth::api {

constexpr bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }

}  // namespace berth::api
