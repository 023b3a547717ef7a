// A short run of every fuzz target, without a fuzzing engine: its seeds, and mutations of them from
// a fixed seed. BERTH_FUZZ_ROUNDS says how many (3,000); a failure names the round,
// BERTH_FUZZ_FIRST begins there and BERTH_FUZZ_SHOW prints what is tried.
#include <algorithm>
#include <cstdlib>
#include <string>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/fuzz/targets.h"

namespace berth::fuzz {
namespace {

int64_t FromEnvironment(const char* name, int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

// Bytes changed, cut out, repeated, swapped with another seed's.
std::string Mutated(const std::vector<std::string>& seeds, Random& random) {
  const auto pick = [&]() -> const std::string& { return seeds[random.Below(seeds.size())]; };
  std::string text = pick();
  const uint64_t changes = 1 + random.Below(6);
  for (uint64_t i = 0; i < changes; ++i) {
    const size_t at = random.Below(text.size() + 1);
    const size_t length = random.Below(std::min<size_t>(text.size() - at, 24) + 1);
    switch (random.Below(6)) {
      case 0: text.erase(at, length); break;
      case 1: text.insert(at, text.substr(at, length)); break;
      case 2: text.insert(at, 1, static_cast<char>(random.Below(256))); break;
      case 3: {
        using std::string_view_literals::operator""sv;
        constexpr std::string_view kMarks = "{}[]\",:\\/&*-%=()!<>\n\0 0139eEk~|#\xff\x80"sv;
        text.insert(at, 1, kMarks[random.Below(kMarks.size())]);
        break;
      }
      case 4:
        if (at < text.size()) text[at] = static_cast<char>(text[at] ^ (1 << random.Below(8)));
        break;
      case 5: {
        const std::string& other = pick();
        const size_t from = random.Below(other.size() + 1);
        text.replace(at, length, other.substr(from, random.Below(64)));
        break;
      }
    }
  }
  return text;
}

class FuzzTest : public ::testing::TestWithParam<Target> {};

TEST_P(FuzzTest, NothingItIsGivenBreaksIt) {
  const Target& target = GetParam();
  const std::vector<std::string> seeds = target.seeds();
  for (const std::string& seed : seeds) target.run(seed);
  const int64_t rounds = FromEnvironment("BERTH_FUZZ_ROUNDS", 3000);
  const int64_t first = FromEnvironment("BERTH_FUZZ_FIRST", 0);
  for (int64_t round = first; round < rounds; ++round) {
    Random random(static_cast<uint64_t>(round) * 7919 + 1);
    const std::string text = Mutated(seeds, random);
    SCOPED_TRACE(fmt::format("round {}", round));
    if (std::getenv("BERTH_FUZZ_SHOW") != nullptr) fmt::print("{}\n", text);
    target.run(text);
  }
}

INSTANTIATE_TEST_SUITE_P(Targets, FuzzTest,
                         ::testing::ValuesIn(Targets().begin(), Targets().end()),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace berth::fuzz
