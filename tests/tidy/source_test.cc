// Lints of the text: banned names, widths, sizes, files nobody builds.

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/tidy/tree.h"

namespace berth::tidy {
namespace {

bool IsComment(std::string_view line) {
  const size_t first = line.find_first_not_of(' ');
  return first != std::string_view::npos && line.substr(first).starts_with("//");
}

// Real time, randomness and threads are parameters: they live in base/ and at the edges.
TEST(TidyTest, BannedNames) {
  struct Ban {
    std::string_view name, use_instead;
    std::vector<std::string> allowed;
  };
  const std::vector<Ban> bans = {
      {"absl::Now(", "a Clock", {"base/"}},
      {"std::random_device", "base/random.h", {"base/"}},
      {"std::mt19937", "base/random.h", {}},
      {"sleep_for", "Executor::PostAfter", {"base/", "tests/", "bench/", "program/"}},
      {"absl::SleepFor", "Executor::PostAfter", {"base/", "tests/", "bench/", "program/"}},
      {"getenv", "a flag", {"base/", "program/", "tests/", "scheduler-main/", "client/kubeconfig"}},
      {"using namespace", "full names", {}},
      {"const_cast<std::string", "a copy", {}},
  };
  for (const File& file : SourceFiles()) {
    if (file.path.starts_with("tests/tidy/")) continue;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      if (IsComment(file.lines[i])) continue;
      for (const Ban& ban : bans) {
        if (file.lines[i].find(ban.name) == std::string::npos) continue;
        const bool allowed = std::any_of(ban.allowed.begin(), ban.allowed.end(), [&](auto& home) {
          return file.path.starts_with(home);
        });
        EXPECT_TRUE(allowed) << file.path << ":" << i + 1 << ": " << ban.name << ": use "
                             << ban.use_instead;
      }
    }
  }
}

TEST(TidyTest, LinesAreAtMostAHundredColumns) {
  for (const File& file : SourceFiles()) {
    for (size_t i = 0; i < file.lines.size(); ++i) {
      size_t columns = 0;
      for (const char c : file.lines[i]) columns += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      const bool data = file.lines[i].find("R\"") != std::string::npos ||
                        file.path.find("golden") != std::string::npos;
      EXPECT_TRUE(columns <= 100 || data) << file.path << ":" << i + 1 << ": " << columns;
    }
  }
}

TEST(TidyTest, FilesAreAtMostSixHundredLines) {
  for (const File& file : SourceFiles()) {
    EXPECT_LE(file.lines.size(), 600u) << file.path << ": split it by duty";
  }
}

// A function runs from a line that ends in '{' at depth 0 (namespaces apart) to its '}' in column
// 0: the format makes that exact for free functions and members defined in a .cc.
TEST(TidyTest, FunctionsAreAtMostSeventyLines) {
  for (const File& file : SourceFiles()) {
    if (!file.is_source()) continue;
    size_t begin = 0;
    for (size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      if (line.empty() || line[0] == ' ' || line[0] == '#') continue;
      const bool opens = line.ends_with("{") && !line.starts_with("namespace") &&
                         line.find('(') != std::string::npos;
      if (opens || line.ends_with("(")) begin = i;
      if (line.starts_with(")\"") || line == "};") begin = 0;  // a raw string, a class
      if (line == "}" && begin != 0) {
        EXPECT_LE(i - begin + 1, 71u) << file.path << ":" << begin + 1 << ": split this function";
        begin = 0;
      }
    }
  }
}

TEST(TidyTest, EverySourceIsBuilt) {
  std::map<std::string, std::string> cmake_texts;  // folder -> text of its CMakeLists.txt
  for (const File& file : SourceFiles()) {
    if (!file.is_source()) continue;
    std::string folder = file.path, name;
    bool found = false;
    while (!found && folder.find('/') != std::string::npos) {
      const size_t slash = folder.rfind('/');
      folder.resize(slash);
      name = file.path.substr(slash + 1);
      auto it = cmake_texts.find(folder);
      if (it == cmake_texts.end()) {
        it = cmake_texts.emplace(folder, ReadText(folder + "/CMakeLists.txt")).first;
      }
      found = it->second.find(name) != std::string::npos;
    }
    EXPECT_TRUE(found) << file.path << ": no CMakeLists.txt mentions it";
  }
}

TEST(TidyTest, EveryPluginHasARegistryRowAndATest) {
  const std::string registry = ReadText("plugins/registry.cc");
  std::set<std::string> tested;
  for (const File& file : SourceFiles()) {
    if (file.path.starts_with("tests/plugins/")) tested.insert(file.path);
  }
  for (const File& file : SourceFiles()) {
    // plugins/<name>/<name>.h is a plugin's contract.
    const size_t first = file.path.find('/');
    const size_t second = file.path.find('/', first + 1);
    if (!file.path.starts_with("plugins/") || second == std::string::npos) continue;
    const std::string name = file.path.substr(first + 1, second - first - 1);
    if (file.path != "plugins/" + name + "/" + name + ".h") continue;
    EXPECT_NE(registry.find("plugins/" + name + "/"), std::string::npos)
        << name << ": not in plugins/registry.cc";
    const bool has_test = std::any_of(tested.begin(), tested.end(), [&](const auto& path) {
      return path.find(name) != std::string::npos;
    });
    EXPECT_TRUE(has_test) << name << ": no test below tests/plugins/";
  }
}

}  // namespace
}  // namespace berth::tidy
