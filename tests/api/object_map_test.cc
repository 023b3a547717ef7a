#include "api/object_map.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace berth::api {
namespace {

using Entry = std::pair<ObjectKey, int>;

std::vector<Entry> Walked(const ObjectMap<int>& map, std::string_view space) {
  std::vector<Entry> out;
  map.ForEach(space, [&](const ObjectKey& key, int value) { out.emplace_back(key, value); });
  return out;
}

// Whatever comes between two walks: they see what an ordered map holds, in its order.
TEST(ObjectMapTest, WalksAsAnOrderedMap) {
  Random random(7);
  ObjectMap<int> map;
  std::map<ObjectKey, int> model;
  for (int step = 0; step < 20'000; ++step) {
    const ObjectKey key(std::string(1, static_cast<char>('a' + random.Below(4))),
                        std::to_string(random.Below(60)));
    switch (random.Below(5)) {
      case 0:
        map.Erase(key.first, key.second);
        model.erase(key);
        break;
      case 1: {
        const int* held = map.Find(key.first, key.second);
        ASSERT_EQ(held != nullptr, model.contains(key));
        if (held != nullptr) {
          ASSERT_EQ(*held, model[key]);
        }
        break;
      }
      default: map.Get(key.first, key.second) = model[key] = step; break;
    }
    ASSERT_EQ(map.size(), model.size());
    if (!random.Chance(0.01)) continue;
    ASSERT_EQ(Walked(map, ""), std::vector<Entry>(model.begin(), model.end()));
    std::vector<Entry> of_one;
    for (const auto& entry : model) {
      if (entry.first.first == "b") of_one.push_back(entry);
    }
    ASSERT_EQ(Walked(map, "b"), of_one);
  }
}

}  // namespace
}  // namespace berth::api
