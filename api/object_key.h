// Namespace and name of an object, in the order in which lists have them.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace berth::api {

using ObjectKey = std::pair<std::string, std::string>;
using ObjectKeyView = std::pair<std::string_view, std::string_view>;

// For ordered maps by ObjectKey that are looked up by ObjectKeyView, without a copy.
struct ObjectKeyLess {
  using is_transparent = void;
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    const int order = std::string_view(a.first).compare(b.first);
    return order != 0 ? order < 0 : std::string_view(a.second) < std::string_view(b.second);
  }
};

}  // namespace berth::api
