// What reads bytes that anybody may send, as functions of those bytes. Each returns whatever it is
// given, and aborts when a property does not hold: what was accepted is printed, and what was
// printed is accepted and prints the same.
//
// Run by fuzz_test (a few thousand mutations of the seeds, everywhere), and by libFuzzer
// (`cmake --preset fuzz`, one program a target).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace berth::fuzz {

struct Target {
  std::string_view name;
  void (*run)(std::string_view bytes);
  std::vector<std::string> (*seeds)();
};
std::span<const Target> Targets();

}  // namespace berth::fuzz
