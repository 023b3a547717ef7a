// Checks of option values that leave the help text alone: what is allowed stands in its words.
#pragma once

#include <CLI/CLI.hpp>

namespace berth::program {

inline CLI::Validator Plain(const CLI::Validator& check) { return check.description(""); }

}  // namespace berth::program
