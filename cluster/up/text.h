// Numbers for people.
#pragma once

#include <cstdint>
#include <string>

namespace berth::up {

// 12345678 -> "12,345,678".
std::string Grouped(int64_t value);

}  // namespace berth::up
