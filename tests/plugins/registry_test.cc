#include "plugins/registry.h"

#include <set>
#include <string>

#include <gtest/gtest.h>

#include "framework/plugin.h"
#include "tests/framework/builders.h"
#include "tests/plugins/harness.h"

namespace berth::plugins {
namespace {

TEST(RegistryTest, EveryPluginIsMadeByItsOwnName) {
  std::set<std::string> names;
  for (const framework::PluginEntry& entry : InTreePlugins()) {
    SCOPED_TRACE(entry.name);
    EXPECT_TRUE(names.insert(entry.name).second);
    testing::FakeHandle handle;
    EXPECT_NE(testing::NewPlugin(entry.name, handle), nullptr);
  }
  EXPECT_EQ(names.size(), 23u);
}

// A naive answer would be correct but make the engine evaluate everything for every pod.
TEST(RegistryTest, EveryPluginTellsWhatItReads) {
  const auto pod = framework::testing::MakePod("p").Info();
  for (const framework::PluginEntry& entry : InTreePlugins()) {
    SCOPED_TRACE(entry.name);
    testing::FakeHandle handle;
    auto plugin = testing::NewPlugin(entry.name, handle);
    if (dynamic_cast<framework::FilterPlugin*>(plugin.get()) != nullptr ||
        dynamic_cast<framework::ScorePlugin*>(plugin.get()) != nullptr) {
      testing::SignatureOf(*plugin, *pod);
      EXPECT_TRUE(plugin->Abstains(*pod) ||
                  plugin->DependsOn(*pod).filter == framework::Scope::kNode);
      EXPECT_TRUE(plugin->EventsToRegister().has_value());
    }
  }
}

}  // namespace
}  // namespace berth::plugins
