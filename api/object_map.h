// ObjectMap: values by namespace and name: found by hash, walked in the order that lists have. New
// keys are sorted in when somebody walks, so that those who never do pay nothing for the order.
#pragma once

#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <absl/container/btree_set.h>
#include <absl/container/node_hash_map.h>

#include "api/object_key.h"
#include "base/strings.h"

namespace berth::api {

// Threads: none.
template <typename T>
class ObjectMap {
 public:
  // Null when there is none. Valid until it is erased.
  T* Find(std::string_view namespace_, std::string_view name) {
    const auto it = values_.find(ObjectKeyView(namespace_, name));
    return it == values_.end() ? nullptr : &it->second;
  }
  const T* Find(std::string_view namespace_, std::string_view name) const {
    const auto it = values_.find(ObjectKeyView(namespace_, name));
    return it == values_.end() ? nullptr : &it->second;
  }
  // Made when there is none.
  T& Get(std::string_view namespace_, std::string_view name) {
    if (T* held = Find(namespace_, name)) return *held;
    const auto it =
        values_.emplace(std::piecewise_construct, std::forward_as_tuple(namespace_, name),
                        std::tuple<>()).first;
    unsorted_.push_back(&it->first);
    return it->second;
  }
  void Erase(std::string_view namespace_, std::string_view name) {
    const auto it = values_.find(ObjectKeyView(namespace_, name));
    if (it == values_.end()) return;
    Sort();
    order_.erase(&it->first);
    values_.erase(it);
  }
  size_t size() const { return values_.size(); }

  // Calls visit(key, value). Empty namespace: all. The map must not change meanwhile.
  template <typename Visit>
  void ForEach(std::string_view namespace_, Visit visit) const {
    Sort();
    auto it = namespace_.empty() ? order_.begin()
                                 : order_.lower_bound(ObjectKeyView(namespace_, {}));
    for (; it != order_.end() && (namespace_.empty() || (*it)->first == namespace_); ++it) {
      visit(**it, values_.find(**it)->second);
    }
  }

 private:
  struct Hash {
    using is_transparent = void;
    template <typename Key>
    size_t operator()(const Key& key) const {
      return absl::HashOf(ToAbsl(key.first), ToAbsl(key.second));
    }
  };
  struct Equal {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return std::string_view(a.second) == b.second && std::string_view(a.first) == b.first;
    }
  };
  struct Less {
    using is_transparent = void;
    bool operator()(const ObjectKey* a, const ObjectKey* b) const {
      return ObjectKeyLess()(*a, *b);
    }
    bool operator()(const ObjectKey* a, const ObjectKeyView& b) const {
      return ObjectKeyLess()(*a, b);
    }
    bool operator()(const ObjectKeyView& a, const ObjectKey* b) const {
      return ObjectKeyLess()(a, *b);
    }
  };

  void Sort() const {
    order_.insert(unsorted_.begin(), unsorted_.end());
    unsorted_.clear();
  }

  absl::node_hash_map<ObjectKey, T, Hash, Equal> values_;
  mutable absl::btree_set<const ObjectKey*, Less> order_;  // but for
  mutable std::vector<const ObjectKey*> unsorted_;
};

}  // namespace berth::api
