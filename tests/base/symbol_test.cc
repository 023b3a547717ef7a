#include "base/symbol.h"

#include <thread>

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace berth {
namespace {

TEST(SymbolTest, EqualTextsAreOneSymbol) {
  EXPECT_EQ(Symbol::Intern("zone"), Symbol::Intern(std::string("zo") + "ne"));
  EXPECT_FALSE(Symbol::Intern("zone") == Symbol::Intern("Zone"));
  EXPECT_EQ(Symbol::Intern("zone").text(), "zone");
  EXPECT_TRUE(Symbol::Intern("").empty());
  EXPECT_EQ(Symbol().text(), "");
}

TEST(SymbolTest, FindDoesNotIntern) {
  Symbol found;
  EXPECT_FALSE(Symbol::Find("never interned anywhere", &found));
  Symbol::Intern("interned once");
  EXPECT_TRUE(Symbol::Find("interned once", &found));
  EXPECT_EQ(found.text(), "interned once");
}

TEST(SymbolTest, ManyThreadsAgree) {
  std::vector<std::vector<Symbol>> seen(4);
  std::vector<std::thread> threads;
  for (auto& mine : seen) {
    threads.emplace_back([&mine] {
      for (int i = 0; i < 10000; ++i) {
        mine.push_back(Symbol::Intern(fmt::format("label-{}", i)));
        ASSERT_EQ(mine.back().text(), fmt::format("label-{}", i));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  for (size_t i = 0; i < 10000; ++i) {
    for (auto& mine : seen) ASSERT_EQ(mine[i], seen[0][i]);
  }
}

}  // namespace
}  // namespace berth
