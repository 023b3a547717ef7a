// The layer table and the homes of heavy headers, checked over every #include.

#include <algorithm>
#include <map>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/tidy/tree.h"

namespace berth::tidy {
namespace {

// The name between the quotes or brackets of an #include line; empty for other lines.
std::string_view Included(std::string_view line, char open, char close) {
  if (!line.starts_with("#include ")) return {};
  const size_t begin = line.find(open), end = line.rfind(close);
  if (begin == std::string_view::npos || end == std::string_view::npos || end <= begin) return {};
  return line.substr(begin + 1, end - begin - 1);
}

TEST(TidyTest, EveryIncludeFollowsTheLayerTable) {
  for (const File& file : SourceFiles()) {
    const Layer* layer = LayerOf(file.path);
    ASSERT_NE(layer, nullptr) << file.path;
    for (const std::string& line : file.lines) {
      const std::string_view included = Included(line, '"', '"');
      if (included.empty()) continue;
      const Layer* target = LayerOf(included);
      if (target == nullptr) {
        ADD_FAILURE() << file.path << ": " << line << ": not a path from the repository root";
        continue;
      }
      const auto& uses = layer->uses;
      const bool allowed = target == layer || std::count(uses.begin(), uses.end(), "*") > 0 ||
                           std::count(uses.begin(), uses.end(), target->folder) > 0;
      EXPECT_TRUE(allowed) << file.path << " includes " << included << ", but " << layer->folder
                           << " may not use " << target->folder << " (cmake/layers.txt)";
    }
  }
}

TEST(TidyTest, NobodyIncludesAMain) {
  for (const File& file : SourceFiles()) {
    for (const std::string& line : file.lines) {
      EXPECT_EQ(Included(line, '"', '"').find(".cc"), std::string_view::npos)
          << file.path << ": " << line;
    }
  }
}

// A heavy header has one home each; a list here may only shrink.
TEST(TidyTest, HeavyHeadersStayAtHome) {
  const std::map<std::string, std::vector<std::string>, std::less<>> homes = {
      {"rocksdb/", {"cluster/store/", "tests/store/"}},
      {"grpcpp/", {}},
      {"yaml-cpp/", {"api/yaml_read.cc"}},
      {"CLI/", {"program/", "scheduler-main/", "bench/"}},
      {"spdlog/", {"base/log.cc"}},
      {"prometheus/", {"cluster/apiserver/", "scheduler-main/"}},
      {"benchmark/", {"bench/"}},
  };
  for (const File& file : SourceFiles()) {
    for (const std::string& line : file.lines) {
      const std::string_view included = Included(line, '<', '>');
      for (const auto& [header, allowed] : homes) {
        if (!included.starts_with(header)) continue;
        const bool at_home = std::any_of(allowed.begin(), allowed.end(), [&](const auto& home) {
          return file.path.starts_with(home);
        });
        EXPECT_TRUE(at_home) << file.path << " includes <" << included << ">";
        EXPECT_FALSE(file.is_header() && header != "prometheus/" && header != "CLI/")
            << file.path << ": <" << included << "> in a header";
      }
    }
  }
}

TEST(TidyTest, HeadersStayLight) {
  for (const File& file : SourceFiles()) {
    if (!file.is_header() || file.path.starts_with("tests/")) continue;
    EXPECT_TRUE(std::count(file.lines.begin(), file.lines.end(), "#pragma once") == 1)
        << file.path << ": no #pragma once";
    for (const std::string& line : file.lines) {
      const std::string_view included = Included(line, '<', '>');
      for (const std::string_view heavy :
           {"regex", "iostream", "ranges", "fmt/format.h", "simdjson.h", "openssl/ssl.h"}) {
        const bool at_home = heavy == "simdjson.h" && file.path == "api/json_decoder.h";
        EXPECT_TRUE(included != heavy || at_home) << file.path << ": " << line;
      }
      EXPECT_FALSE(file.path.starts_with("framework/") &&
                   Included(line, '"', '"').ends_with(".pb.h"))
          << file.path << ": " << line << ": forward-declare messages (api/fwd.h)";
    }
  }
}

}  // namespace
}  // namespace berth::tidy
